/* SPDX-License-Identifier: Apache-2.0 */
/* boot/arm64/main.c: from entry.S to hv_main: a console, the device tree, the modules, and what must be mapped for
 * them. */
#include "boot/arm64/boot.h"
#include "boot/arm64/fdt.h"
#include "boot/handoff.h"
#include "hv/lib/log.h"
#include "hv/lib/panic.h"
#include "hv/lib/string.h"
#include "hv/lib/util.h"

/* Where QEMU's virt has its PL011, for the words that a machine without a readable device tree can still have. */
#define VIRT_UART      0x09000000UL
#define VIRT_UART_SIZE 0x1000UL
#define UART_SIZE      0x100UL /* what the drivers use of it; the tree may say anything */
#define PL011_ID       0xfe0   /* PeriphID0-3, PCellID0-3, a byte in each word (PL011 TRM, 3.3.11 and 12) */

extern char image_start[], image_end[];

static struct boot_info boot_info;

const struct handoff_header boot_handoff USED SECTION(".boot.handoff") = {
	.magic = HANDOFF_MAGIC,
	.info_size = sizeof(struct boot_info),
	.entry = 0, /* boot_header, as for every loader */
};

static bool boot_is_pl011(u64 pa)
{
	static const u8 id[8] = { 0x11, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
	const volatile u32 *p = boot_ptr(pa + PL011_ID);

	for (unsigned i = 0; i < ARRAY_SIZE(id); i++)
		if ((p[i] & (i == 2 ? 0x0f : 0xff)) != id[i]) /* the high half of PeriphID2 is a revision */
			return false;
	return true;
}

/* @mmu: it is on, so that devices have to be mapped. */
static void boot_console(const void *fdt, bool mmu)
{
	struct boot_platform *p = &boot_info.platform;
	const char *why;
	bool tree = fdt_valid(fdt, FDT_MAX, &why) == OK;

	if (!tree) {
		/* We shall stop anyway. Reading the identification of what is not there cannot make it worse. */
		if ((!mmu || boot_map(VIRT_UART, VIRT_UART_SIZE, true)) && boot_is_pl011(VIRT_UART)) {
			p->uart = (struct boot_range){ VIRT_UART, VIRT_UART_SIZE };
			p->uart_kind = BOOT_UART_PL011;
		}
	} else if (fdt_console(fdt, FDT_MAX, p) == OK && mmu && !boot_map(p->uart.base, UART_SIZE, true)) {
		p->uart_kind = BOOT_UART_NONE;
	}
	log_init(&boot_info);
}

/* Not entered at EL2: nothing can be done but say so. The MMU is off. */
static NORETURN void boot_wrong_level(const void *fdt, u64 el)
{
	boot_console(fdt, false);
	log_printf("trivet: PANIC: entered at EL%lu: it needs EL2 (QEMU: -machine virt,virtualization=on; %s)\n", el,
		   el > 2 ? "without secure=on" : "boards: firmware that starts its payload at EL2");
	for (;;)
		asm volatile("wfi");
}

static void boot_initrd(const struct boot_range *initrd)
{
	u64 head = MIN(initrd->size, round_up(PACK_HEADER, PAGE_SIZE));
	const char *why;

	for (u32 i = 0;; i++) {
		const struct boot_region *r = &boot_info.region[i];

		if (i == boot_info.nregions)
			panic("boot: the initial RAM disk at 0x%lx does not lie in memory", initrd->base);
		if (r->kind == BOOT_MEM_RAM && range_in(initrd->base, head, r->base, r->size))
			break;
	}
	if (!boot_map(initrd->base, head, false))
		panic("boot: the initial RAM disk at 0x%lx cannot be mapped", initrd->base);
	if (pack_parse(boot_ptr(initrd->base), head, initrd->base, initrd->size, &boot_info, &why) != OK)
		panic("boot: %s", why);
}

/* From UEFI: the tree's memory is all there is in the machine, and the loader's what is left of it, with its modules.
 */
static void boot_loader_info(u64 pa)
{
	struct boot_platform platform = boot_info.platform;
	u64 fdt = boot_info.fdt, fdt_size = 0;

	for (u32 i = 0; i < boot_info.nregions; i++)
		if (boot_info.region[i].base == fdt)
			fdt_size = boot_info.region[i].size;
	if (!boot_map(pa, sizeof(boot_info), false))
		panic("boot: the loader's information at 0x%lx cannot be mapped", pa);
	memcpy(&boot_info, boot_ptr(pa), sizeof(boot_info));
	boot_info.platform = platform;
	boot_info.fdt = fdt;
	if (boot_info.nregions == BOOT_MAX_REGIONS)
		boot_info.nregions--; /* reserved memory, which nobody would get anyway: RAM stands first */
	boot_info.region[boot_info.nregions++] = (struct boot_region){ fdt, fdt_size, BOOT_MEM_RESERVED, 0 };
}

/* Firmware's own memory is not even mapped: a CPU that reads ahead there may get an abort. */
static bool boot_block_reserved(u64 at)
{
	for (u32 i = 0; i < boot_info.nregions; i++) {
		const struct boot_region *r = &boot_info.region[i];

		if (r->kind != BOOT_MEM_RAM && range_in(at, SIZE_2M, r->base, r->size))
			return true;
	}
	return false;
}

/* RAM below 4 GiB, where mem_init looks for its own. A block that is mapped already, as the console's, stays so. */
static void boot_map_ram(void)
{
	for (u32 i = 0; i < boot_info.nregions; i++) {
		const struct boot_region *r = &boot_info.region[i];
		u64 end = MIN(r->base + r->size, 4 * SIZE_1G);

		if (r->kind != BOOT_MEM_RAM)
			continue;
		for (u64 at = round_down(r->base, SIZE_2M); at < end; at += SIZE_2M)
			if (!boot_block_reserved(at) && !boot_map(at, SIZE_2M, false))
				panic("boot: memory at 0x%lx cannot be mapped: it is scattered too far", at);
	}
}

void boot_main(u64 fdt_pa, u64 el, u64 image_pa, u64 info_pa)
{
	/* entry.S has mapped the 2 MiB from there on; without the MMU, memory is just there. */
	const void *fdt = fdt_pa ? boot_ptr(fdt_pa) : NULL;
	struct boot_range initrd;
	const char *why;

	if (el != 2)
		boot_wrong_level(fdt, el);
	if (!boot_map(fdt_pa, SIZE_2M, false)) { /* entry.S could not either */
		boot_console(NULL, true);
		panic("boot: the device tree at 0x%lx (x0) lies beyond 512 GiB", fdt_pa);
	}
	boot_console(fdt, true);
	if (fdt_parse(fdt, FDT_MAX, fdt_pa, &boot_info, &initrd, &why) != OK)
		panic("boot: %s", why);
	if (info_pa != 0)
		boot_loader_info(info_pa);
	else if (initrd.size != 0)
		boot_initrd(&initrd);
	if (boot_check_modules(&boot_info, image_pa, (u64)(image_end - image_start), &why) != OK)
		panic("boot: %s", why);
	boot_map_ram();
	hv_main(&boot_info);
}
