/* SPDX-License-Identifier: Apache-2.0 */
/* boot/multiboot/main.c: fill struct boot_info from what GRUB or boot/uefi left and the static ACPI tables, and go to
 * hv_main. */
#include "boot/acpi.h"
#include "boot/handoff.h"
#include "boot/multiboot/folder.h"
#include "boot/multiboot/parse.h"
#include "hv/lib/log.h"
#include "hv/lib/panic.h"
#include "hv/lib/print.h"
#include "hv/lib/string.h"
#include "hv/lib/util.h"

#define MAPPED (4 * SIZE_1G) /* the bootstrap tables map this much, at its own address */

NORETURN void hv_main(struct boot_info *bi);
NORETURN void boot_multiboot_main(u32 magic, u64 info);
NORETURN void boot_uefi_main(u32 magic, u64 info);

extern char boot_uefi_entry[]; /* entry.asm */

const struct handoff_header boot_handoff USED SECTION(".boot.handoff") = {
	.magic = HANDOFF_MAGIC,
	.info_size = sizeof(struct boot_info),
	.entry = (u64)boot_uefi_entry,
};

static struct boot_info boot_info;
static char boot_fault[FOLDER_WHY];

static const void *boot_map(u64 pa, size_t len)
{
	return pa && range_in(pa, len, 0, MAPPED) ? (const void *)pa : NULL;
}

/* Where a BIOS leaves the RSDP (ACPI 5.2.5.1): the EBDA's first KiB, then E0000-FFFFF. */
static u64 boot_scan_rsdp(void)
{
	u64 ebda = 0x40e, pa;

	asm("" : "+r"(ebda)); /* the compiler takes so low a constant for a null pointer */
	ebda = (u64) * (const volatile u16 *)ebda << 4;
	pa = ebda >= 0x80000 && ebda < 0xa0000 ? acpi_find_rsdp(boot_map, ebda, 1024) : 0;

	return pa ? pa : acpi_find_rsdp(boot_map, 0xe0000, 0x20000);
}

/* A line of the log. */
static void boot_warn(const char *fmt, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_printf("boot: %s\n", text);
}

static NORETURN void boot_go(void)
{
	if (!boot_info.acpi_rsdp)
		log_printf("boot: no ACPI tables found\n");
	else if (acpi_parse_at(boot_info.acpi_rsdp, boot_map, boot_warn, &boot_info.platform) != OK)
		log_printf("boot: the ACPI tables are unusable\n");
	hv_main(&boot_info);
}

void boot_multiboot_main(u32 magic, u64 info)
{
	status_t s = multiboot_parse(magic, info, boot_map, boot_warn, &boot_info);

	if (s != OK)
		panic("the loader's Multiboot information is unusable (magic %x, at %lx): status %d", magic, info, s);
	if (!folder_resolve(&boot_info, boot_map, boot_fault))
		boot_info.fault = (u64)boot_fault;
	if (!boot_info.acpi_rsdp)
		boot_info.acpi_rsdp = boot_scan_rsdp();
	boot_go();
}

void boot_uefi_main(u32 magic, u64 info)
{
	memcpy(&boot_info, boot_map(info, sizeof(boot_info)), sizeof(boot_info));
	boot_go();
}
