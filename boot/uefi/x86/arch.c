/* SPDX-License-Identifier: Apache-2.0 */
/* boot/uefi/x86/arch.c: the last step to the hypervisor: boot/multiboot/entry.asm, boot_uefi_entry. */
#include "boot/uefi/app.h"

const u16 uefi_machine = 62; /* EM_X86_64 */

/* That the CPU has VMX or SVM, and firmware has left it on, is the hypervisor's to see. */
const char *uefi_arch_check(struct boot_info *bi)
{
	bi->fdt = 0;
	return NULL;
}

void uefi_arch_enter(const void *image, u64 size, u64 entry, const struct boot_info *bi)
{
	asm volatile("cli\n\tjmp *%0" : : "r"(entry), "D"(bi) : "memory");
	__builtin_unreachable();
}
