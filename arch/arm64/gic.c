/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/gic.c: the machine's interrupt controller: what GICv2 and GICv3 have in common. */
#include "arch/arm64/gic_priv.h"
#include "arch/arm64/gic_regs.h"
#include "arch/iface/io.h"
#include "arch/iface/mem.h"
#include "hv/lib/log.h"
#include "hv/lib/panic.h"

#define GIC_SPINS	    1000000u /* reads of a register, then it hangs */
#define GIC_MAINTENANCE_IRQ 25u	     /* where every machine has it, if the tree is silent */

const struct gic_ops *gic;
u64 gic_gicd;
u64 gic_gicv_pa, gic_gich, gic_gicc;
u32 gic_maintenance_irq;
static u32 gic_n;
static const struct boot_platform *gic_platform;

u64 gic_map(const struct boot_range *r, u64 size, const char *what)
{
	u64 base = r->base, end = round_up(r->base + size, PAGE_SIZE);

	if (range_bad(r->base, r->size) || r->size < size || end <= base || !is_aligned(r->base, PAGE_SIZE))
		panic("the device tree's %s, %lx bytes at %lx, has no room for its %lx bytes or starts within a page",
		      what, r->size, r->base, size);
	if (arch_mem_map(base, end - base, PT_DEVICE) != OK)
		panic("no page table for the interrupt controller's %s at %lx", what, r->base);
	return (u64)arch_ptr(r->base);
}

void gic_wait(u64 addr, u32 mask, const char *what)
{
	for (u32 i = 0; i < GIC_SPINS; i++)
		if (!(io_read32(addr) & mask))
			return;
	panic("the interrupt controller hangs: %s", what);
}

u32 gic_count(u64 gicd)
{
	u32 n = 32 * ((u32)FIELD(GICD_TYPER_ITLINES, io_read32(gicd + GICD_TYPER)) + 1);

	return MIN(n, GIC_SPURIOUS);
}

void gic_reset_bank(u64 bank, u32 first, u32 end, u32 group)
{
	for (u32 i = first / 32; i < (end + 31) / 32; i++) {
		io_write32(bank + GICD_ICENABLER(i), ~0u);
		io_write32(bank + GICD_ICPENDR(i), ~0u);
		io_write32(bank + GICD_ICACTIVER(i), ~0u);
		io_write32(bank + GICD_IGROUPR(i), group ? ~0u : 0);
	}
	for (u32 i = first / 4; i < (end + 3) / 4; i++)
		io_write32(bank + GICD_IPRIORITYR(i), GIC_PRIORITY * 0x01010101u);
	for (u32 i = MAX(first, 16u) / 16; i < (end + 15) / 16; i++)
		io_write32(bank + GICD_ICFGR(i), 0);
}

void gic_bank_enable(u32 intid, bool on)
{
	u64 bank = gic_bank(intid);
	u32 n = intid / 32;

	io_write32(bank + (on ? GICD_ISENABLER(n) : GICD_ICENABLER(n)), 1u << intid % 32);
}

void gic_bank_active(u32 intid, bool on)
{
	u64 bank = gic_bank(intid);
	u32 n = intid / 32;

	io_write32(bank + (on ? GICD_ISACTIVER(n) : GICD_ICACTIVER(n)), 1u << intid % 32);
}

void gic_bank_edge(u32 intid, bool edge)
{
	u64 reg = gic_bank(intid) + GICD_ICFGR(intid / 16);
	u32 bit = 2u << intid % 16 * 2, v = io_read32(reg);

	io_write32(reg, edge ? v | bit : v & ~bit);
}

u32 gic_lines(void)
{
	return gic_n;
}

bool gic_reserved(u64 pa, u64 size)
{
	const struct boot_platform *p = gic_platform;

	if (!p)
		return false;
	for (u32 i = 0; i < p->nredists && i < BOOT_MAX_REDISTS; i++)
		if (range_overlap(pa, size, p->gicr[i].base, p->gicr[i].size))
			return true;
	return range_overlap(pa, size, p->gicd.base, p->gicd.size) ||
	       range_overlap(pa, size, p->gicc.base, p->gicc.size) ||
	       range_overlap(pa, size, p->gich.base, p->gich.size) ||
	       range_overlap(pa, size, p->gicv.base, p->gicv.size);
}

void gic_init(const struct boot_info *bi)
{
	const struct boot_platform *p = &bi->platform;

	gic_platform = p;
	gic_maintenance_irq = p->maintenance_irq ? p->maintenance_irq : GIC_MAINTENANCE_IRQ;
	if (gic_maintenance_irq < 16 || gic_maintenance_irq > 31)
		panic("the interrupt controller's maintenance interrupt is %u, no PPI", gic_maintenance_irq);
	if (p->gic_version == 3) {
		gic = &gic_v3_ops;
		gic_v3_init(p);
	} else if (p->gic_version == 2) {
		gic = &gic_v2_ops;
		gic_v2_init(p);
	} else {
		panic("the device tree has no interrupt controller that we drive: GICv2 or GICv3");
	}
	gic_n = gic_count(gic_gicd);
	log_printf("gic: %s, %u interrupts\n", gic->name, gic_n);
}
