/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/gic_v2.c: the GICv2's distributor and CPU interface, both memory-mapped (Arm IHI 0048B). */
#include "arch/arm64/gic_priv.h"
#include "arch/arm64/gic_regs.h"
#include "arch/arm64/sysreg.h"
#include "arch/iface/io.h"
#include "hv/lib/panic.h"

/* arm_cpu.target: this CPU's bit in GICD_ITARGETSR; 0: the only CPU, the register does nothing. */

static u32 gic_v2_ack(void)
{
	u32 v = io_read32(gic_gicc + GICC_IAR);

	/* Taken from the device before we touch the device. */
	dsb(sy);
	return v;
}

static void gic_v2_end(u32 intid)
{
	io_write32(gic_gicc + GICC_EOIR, intid);
}

static void gic_v2_deactivate(u32 intid)
{
	io_write32(gic_gicc + GICC_DIR, intid);
}

static void gic_v2_route(u32 intid)
{
	arch_io_write8(gic_gicd + GICD_ITARGETSR(0) + intid, (u8)arm_cpu()->target);
}

static void gic_v2_kick(const struct arm_cpu *to)
{
	dsb(ishst);
	io_write32(gic_gicd + GICD_SGIR, (u32)FIELD_PUT(GICD_SGIR_TARGETS, to->target) | GIC_SGI_KICK);
}

/* The target registers of SGIs and PPIs read as the reader's own bit; not all of them have to be implemented. */
static u8 gic_v2_find_me(u64 gicd)
{
	for (u32 i = 0; i < 8; i++) {
		u32 v = io_read32(gicd + GICD_ITARGETSR(i));

		v |= v >> 16;
		v |= v >> 8;
		if (v & 0xff)
			return (u8)v;
	}
	return 0;
}

static const char *gic_v2_find(struct arm_cpu *cpu)
{
	return NULL;
}

/*
 * Where secure firmware has given the interrupts to us, they are group 1 of the non-secure view, whose enables stand at
 * bit 0. Where there is no security, all stay in group 0: bit 0 as well, and IRQ, FIQEn being clear.
 */
static const char *gic_v2_cpu_init(void)
{
	struct arm_cpu *cpu = arm_cpu();
	u32 bypass = io_read32(gic_gicc + GICC_CTLR) & GICC_CTLR_BYPASS;

	cpu->bank0 = gic_gicd;
	io_write32(gic_gicc + GICC_CTLR, bypass);
	gic_reset_bank(gic_gicd, 0, 32, 0);
	cpu->target = gic_v2_find_me(gic_gicd);
	if (cpu->number != 0 && cpu->target == 0)
		return "the interrupt controller does not say which of its CPUs this is";
	io_write32(gic_gicc + GICC_PMR, 0xff);
	io_write32(gic_gicc + GICC_BPR, 0);
	for (u32 i = 0; i < 4; i++)
		io_write32(gic_gicc + GICC_APR(i), 0);
	io_write32(gic_gicc + GICC_CTLR, bypass | GICC_CTLR_EOIMODE | GICC_CTLR_ENABLE);
	return NULL;
}

void gic_v2_init(const struct boot_platform *p)
{
	u64 gicd = gic_map(&p->gicd, PAGE_SIZE, "GICD");
	u32 n = gic_count(gicd);

	if (!p->gich.size || !p->gicv.size)
		panic("no virtualization in this GICv2: the device tree has neither its GICH nor its GICV");
	if (!is_aligned(p->gicv.base, PAGE_SIZE) || p->gicv.size < GICC_SIZE)
		panic("the GICV, %lx bytes at %lx, is not made of pages that a guest can have", p->gicv.size,
		      p->gicv.base);
	gic_gicc = gic_map(&p->gicc, GICC_SIZE, "GICC");
	gic_gich = gic_map(&p->gich, GICH_SIZE, "GICH");
	gic_gicv_pa = p->gicv.base;
	if (FIELD(GICC_IIDR_ARCH, io_read32(gic_gicc + GICC_IIDR)) < 2)
		panic("the interrupt controller is a GICv1, which cannot be virtualized: need GICv2 or GICv3");
	gic_gicd = gicd;
	io_write32(gicd + GICD_CTLR, 0);
	gic_reset_bank(gicd, 32, n, 0);
	(void)gic_v2_cpu_init();
	for (u32 i = 32; i < n; i++)
		gic_v2_route(i);
	io_write32(gicd + GICD_CTLR, GICD_CTLR_ENABLE);
}

const struct gic_ops gic_v2_ops = {
	.name = "GICv2",
	.ack = gic_v2_ack,
	.end = gic_v2_end,
	.deactivate = gic_v2_deactivate,
	.enable = gic_bank_enable,
	.set_active = gic_bank_active,
	.set_edge = gic_bank_edge,
	.route = gic_v2_route,
	.kick = gic_v2_kick,
	.find = gic_v2_find,
	.cpu_init = gic_v2_cpu_init,
};
