/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/t_hostile-mmio.c: random loads and stores of all sizes over the devices' addresses. Expected: each
 * is done or aborts, the guest goes on, PASS. Left out is what spoils the report or has an honest reason to write to
 * memory or end the run: the console's data and control, QEMU's fw_cfg, GPIO, and DMA of PCI devices. */
#include "guest/test/arm64/arm64.h"

static u64 pick(void)
{
	const struct {
		u64 base, size;
	} places[] = {
		{ gicd, 0x10000 },
		{ gic_version == 3 ? gicr : gicc, 0x2000 },
		{ gicd, 0x1000 },
		{ v2m_frame ? v2m_frame : gicd, 0x1000 },
		{ UART + 4, 0x20 },
		{ UART + 0x48, 0xfb8 },
		{ RTC, 0x1000 },
		{ t_hole, 0x1000000 },
		{ t_pci_window, 0x100000 },
		{ 0x3eff0000, 0x10000 },
		{ pci_ecam(), 0x100000 },
		{ 0, 0x100000 },
	};
	u64 r = t_rand();
	unsigned i = r % ARRAY_SIZE(places);

	return places[i].base + (r >> 8) % places[i].size;
}

void t_main(void)
{
	unsigned loads = 0, stores = 0;

	for (unsigned i = 0; i < 20000; i++) {
		u64 r = t_rand(), a = pick(), v;
		unsigned size = 1u << (r & 3);

		if ((r >> 8 & 7) != 0)
			a &= ~(u64)(size - 1);
		loads += t_load(a, size, &v) < 0;
		if (a >= pci_ecam() && a < pci_ecam() + 0x100000 && (a & 0xffc) == 4)
			continue; /* the command register: no bus mastering */
		a = pick();
		if (a >= pci_ecam() && a < pci_ecam() + 0x100000 && (a & 0xff8) == 0)
			continue;
		stores += t_store(a, size, r >> 16 & 1 ? t_rand() : 0) < 0;
	}
	t_info("loads done", loads);
	t_info("stores done", stores);
	t_check("20000 random loads and stores survived", true);
}
