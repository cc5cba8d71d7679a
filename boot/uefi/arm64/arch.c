/* SPDX-License-Identifier: Apache-2.0 */
/* boot/uefi/arm64/arch.c: the last step to the hypervisor: caches cleaned, then enter.S. */
#include "boot/uefi/app.h"
#include "hv/lib/string.h"
#include "hv/lib/util.h"

#define CTR_DMINLINE BITS(19, 16) /* CTR_EL0: smallest data cache line, log2 of words (Arm ARM, D19.2.33) */
#define FDT_MAGIC    0xd00dfeedU  /* Devicetree Specification 0.4, 5.2 */
#define FDT_LEAST    40u	  /* bytes of its header */

const u16 uefi_machine = 183; /* EM_AARCH64 */

/* enter.S: MMU and data cache off, and to @entry with the other two in x0 and x1. */
NORETURN void enter_hypervisor(u64 fdt, u64 info, u64 entry);
extern char enter_end[];

static u64 arch_el(void)
{
	u64 el;

	asm volatile("mrs %0, CurrentEL" : "=r"(el));
	return el >> 2;
}

/* The hypervisor maps 2 MiB from the tree on: they are all ours. False: there is no tree, or it is larger. */
static bool arch_copy_fdt(struct boot_info *bi)
{
	const u32 *from = (const u32 *)bi->fdt;
	u32 size;
	void *to;

	if (!from || __builtin_bswap32(from[0]) != FDT_MAGIC)
		return false;
	size = __builtin_bswap32(from[1]);
	if (size < FDT_LEAST || size > SIZE_2M)
		return false;
	to = memory_get(SIZE_2M, SIZE_2M, "the device tree");
	memcpy(to, from, size);
	bi->fdt = (u64)to;
	return true;
}

const char *uefi_arch_check(struct boot_info *bi)
{
	if (arch_el() != 2)
		return "the firmware runs at EL1: Trivet needs EL2 (QEMU: -machine virt,virtualization=on)";
	if (!bi->fdt)
		return "the firmware gives no device tree (QEMU: -machine virt,acpi=off)";
	return arch_copy_fdt(bi) ? NULL : "the firmware's device tree is corrupt, or larger than 2 MiB";
}

/* To memory, as it is read next with the caches off. */
static void arch_clean(const void *start, u64 size)
{
	u64 ctr, line, at = (u64)start;

	asm volatile("mrs %0, ctr_el0" : "=r"(ctr));
	line = 4UL << FIELD(CTR_DMINLINE, ctr);
	for (at = round_down(at, line); at < (u64)start + size; at += line)
		asm volatile("dc civac, %0" : : "r"(at) : "memory");
	asm volatile("dsb sy" : : : "memory");
}

void uefi_arch_enter(const void *image, u64 size, u64 entry, const struct boot_info *bi)
{
	asm volatile("msr daifset, #0xf" : : : "memory");
	arch_clean(image, size);
	arch_clean(bi, sizeof(*bi));
	arch_clean((const void *)bi->fdt, SIZE_2M);
	arch_clean((const void *)enter_hypervisor, (u64)(enter_end - (const char *)enter_hypervisor));
	enter_hypervisor(bi->fdt, (u64)bi, entry);
}
