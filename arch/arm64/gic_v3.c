/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/gic_v3.c: the GICv3: distributor, this CPU's redistributor, CPU interface by system registers (IHI 0069).
 */
#include "arch/arm64/gic_priv.h"
#include "arch/arm64/gic_regs.h"
#include "arch/arm64/sysreg.h"
#include "arch/iface/io.h"
#include "arch/iface/mem.h"
#include "hv/lib/panic.h"

#define GIC_V3_GICD_SIZE   0x10000u
#define GIC_V3_MAX_REDISTS 4096u /* in one region */
#define ID_AA64PFR0_GIC	   BITS(27, 24)
#define MPIDR_AFF012	   BITS(23, 0)
#define MPIDR_AFF3	   BITS(39, 32)

static u64 gic_v3_gicr[BOOT_MAX_CPUS]; /* by the CPU's number, as mapped; 0: none */
static bool gic_v3_rss;		       /* SGIs go to Aff0 above 15 */

static u32 gic_v3_ack(void)
{
	u32 v = (u32)read_sysreg(ICC_IAR1_EL1);

	/* Taken from the device before we touch the device. */
	dsb(sy);
	return v;
}

static void gic_v3_end(u32 intid)
{
	write_sysreg(intid, ICC_EOIR1_EL1);
	isb();
}

static void gic_v3_deactivate(u32 intid)
{
	write_sysreg(intid, ICC_DIR_EL1);
	isb();
}

static void gic_v3_settle(bool spi)
{
	if (spi)
		gic_wait(gic_gicd + GICD_CTLR, GICD_CTLR_RWP, "GICD_CTLR.RWP");
	else
		gic_wait(arm_cpu()->gicr + GICR_CTLR, GICR_CTLR_RWP, "GICR_CTLR.RWP");
}

static void gic_v3_enable(u32 intid, bool on)
{
	gic_bank_enable(intid, on);
	if (!on)
		gic_v3_settle(intid >= 32);
}

/* Aff3 is apart in MPIDR_EL1 and GICD_IROUTER, but not in GICR_TYPER. */
static u64 gic_v3_affinity(void)
{
	return read_sysreg(mpidr_el1) & (MPIDR_AFF3 | MPIDR_AFF012);
}

static void gic_v3_route(u32 intid)
{
	io_write64(gic_gicd + GICD_IROUTER(intid), gic_v3_affinity());
}

static void gic_v3_kick(const struct arm_cpu *to)
{
	u64 aff0 = to->mpidr & 0xff;

	dsb(ishst);
	write_sysreg(FIELD_PUT(ICC_SGI_AFF3, to->mpidr >> 32) | FIELD_PUT(ICC_SGI_AFF2, to->mpidr >> 16) |
			     FIELD_PUT(ICC_SGI_AFF1, to->mpidr >> 8) | FIELD_PUT(ICC_SGI_RS, aff0 / 16) |
			     FIELD_PUT(ICC_SGI_INTID, GIC_SGI_KICK) | BIT(aff0 % 16),
		     ICC_SGI1R_EL1);
	isb();
}

/* The number of the CPU with the affinity that GICR_TYPER says; BOOT_MAX_CPUS: the tree does not list it. */
static unsigned gic_v3_number(u32 aff)
{
	for (unsigned n = 0; n < arch_cpu_count(); n++) {
		u64 mpidr = arch_cpu_hw_id(n);

		if ((u32)(FIELD(MPIDR_AFF3, mpidr) << 24 | FIELD(MPIDR_AFF012, mpidr)) == aff)
			return n;
	}
	return BOOT_MAX_CPUS;
}

/* The redistributors in @r: those of CPUs that the tree lists stay mapped. */
static void gic_v3_search(const struct boot_range *r, u64 stride)
{
	struct boot_range left = *r;

	if (range_bad(r->base, r->size) || !is_aligned(r->base, GICR_SGI_BASE) || !is_aligned(stride, GICR_SGI_BASE))
		panic("the device tree's GICR, %lx bytes at %lx, stride %lx, is malformed", r->size, r->base, stride);
	for (u32 i = 0; i < GIC_V3_MAX_REDISTS && left.size >= GICR_SIZE; i++) {
		u64 gicr = gic_map(&left, GICR_SIZE, "GICR"), typer = io_read64(gicr + GICR_TYPER);
		u64 step = stride ? stride : typer & GICR_TYPER_VLPIS ? GICR_SIZE_V4 : GICR_SIZE;

		unsigned n = gic_v3_number((u32)FIELD(GICR_TYPER_AFFINITY, typer));

		if (n < BOOT_MAX_CPUS && !gic_v3_gicr[n])
			gic_v3_gicr[n] = gicr;
		else
			arch_mem_unmap(left.base, GICR_SIZE);
		if (typer & GICR_TYPER_LAST || step >= left.size)
			break;
		left.base += step;
		left.size -= step;
	}
}

static const char *gic_v3_find(struct arm_cpu *cpu)
{
	cpu->gicr = gic_v3_gicr[cpu->number];
	if (!cpu->gicr)
		return "no redistributor of the GICv3 is for it";
	cpu->bank0 = cpu->gicr + GICR_SGI_BASE;
	if ((cpu->mpidr & 0xff) > 15 && !gic_v3_rss)
		return "the GICv3 has no SGIs for a CPU with its affinity";
	return NULL;
}

static void gic_v3_redist(void)
{
	u64 gicr = arm_cpu()->gicr;

	io_write32(gicr + GICR_WAKER, io_read32(gicr + GICR_WAKER) & ~(u32)GICR_WAKER_SLEEP);
	gic_wait(gicr + GICR_WAKER, GICR_WAKER_ASLEEP, "GICR_WAKER.ChildrenAsleep");
	io_write32(gicr + GICR_CTLR, io_read32(gicr + GICR_CTLR) & ~(u32)GICR_CTLR_ENABLE_LPIS);
	gic_reset_bank(gic_bank(0), 0, 32, 1);
	io_write32(gic_bank(0) + GICD_IGRPMODR(0), 0);
	gic_v3_settle(false);
}

static void gic_v3_dist(const struct boot_platform *p)
{
	u64 gicd = gic_map(&p->gicd, GIC_V3_GICD_SIZE, "GICD");
	u32 rev = (u32)FIELD(GICD_PIDR2_ARCHREV, io_read32(gicd + GICD_PIDR2)), n = gic_count(gicd);
	u32 typer = io_read32(gicd + GICD_TYPER);

	if (rev < 3)
		panic("the interrupt controller says that it is a GICv%u, the device tree that it is a GICv3", rev);
	gic_gicd = gicd;
	gic_v3_rss = typer & GICD_TYPER_RSS;
	io_write32(gicd + GICD_CTLR, 0);
	gic_v3_settle(true);
	/* SPIs' IROUTER count with affinity routing alone. */
	io_write32(gicd + GICD_CTLR, GICD_CTLR_ARE_NS);
	gic_v3_settle(true);
	gic_reset_bank(gicd, 32, n, 1);
	for (u32 i = 1; i < (n + 31) / 32; i++)
		io_write32(gicd + GICD_IGRPMODR(i), 0);
	if (typer & GICD_TYPER_ESPI)
		for (u32 i = 0; i <= FIELD(GICD_TYPER_ESPI_RANGE, typer); i++)
			io_write32(gicd + GICD_ICENABLERE(i), ~0u);
	for (u32 i = 32; i < n; i++)
		gic_v3_route(i);
	gic_v3_settle(true);
	io_write32(gicd + GICD_CTLR, GICD_CTLR_ARE_NS | GICD_CTLR_ENABLEGRP1A);
	gic_v3_settle(true);
}

/* What firmware may have left active in the CPU interface. */
static void gic_v3_clear_active(void)
{
	u32 bits = (u32)FIELD(ICC_CTLR_PRIBITS, read_sysreg(ICC_CTLR_EL1)) + 1;

	if (bits > 6) {
		write_sysreg(0, ICC_AP1R3_EL1);
		write_sysreg(0, ICC_AP1R2_EL1);
	}
	if (bits > 5)
		write_sysreg(0, ICC_AP1R1_EL1);
	write_sysreg(0, ICC_AP1R0_EL1);
}

static const char *gic_v3_registers(void)
{
	if (!FIELD(ID_AA64PFR0_GIC, read_sysreg(id_aa64pfr0_el1)))
		return "this CPU has no system registers for its GICv3 (ID_AA64PFR0_EL1.GIC is 0)";
	write_sysreg(ICC_SRE_SRE | ICC_SRE_DFB | ICC_SRE_DIB | ICC_SRE_ENABLE, ICC_SRE_EL2);
	isb();
	if (!(read_sysreg(ICC_SRE_EL2) & ICC_SRE_SRE))
		return "firmware keeps the GICv3's system registers from EL2: it must set ICC_SRE_EL3.SRE and .Enable";
	write_sysreg(0, ICC_IGRPEN1_EL1);
	isb();
	return NULL;
}

static const char *gic_v3_cpu_init(void)
{
	const char *why = gic_v3_registers();

	if (why)
		return why;
	gic_v3_redist();
	write_sysreg(ICC_CTLR_EOIMODE, ICC_CTLR_EL1);
	write_sysreg(0xff, ICC_PMR_EL1);
	write_sysreg(0, ICC_BPR1_EL1);
	gic_v3_clear_active();
	isb();
	write_sysreg(ICC_IGRPEN1_ENABLE, ICC_IGRPEN1_EL1);
	isb();
	return NULL;
}

void gic_v3_init(const struct boot_platform *p)
{
	const char *why = gic_v3_registers();

	if (why)
		panic("%s", why);
	gic_v3_dist(p);
	for (u32 i = 0; i < p->nredists && i < BOOT_MAX_REDISTS; i++)
		gic_v3_search(&p->gicr[i], p->gicr_stride);
	if (!gic_v3_gicr[0])
		panic("no redistributor of the GICv3 is for this CPU, affinity %lx", arch_cpu_hw_id(0));
	(void)gic_v3_find(arm_cpu());
	(void)gic_v3_cpu_init();
}

const struct gic_ops gic_v3_ops = {
	.name = "GICv3",
	.ack = gic_v3_ack,
	.end = gic_v3_end,
	.deactivate = gic_v3_deactivate,
	.enable = gic_v3_enable,
	.set_active = gic_bank_active,
	.set_edge = gic_bank_edge,
	.route = gic_v3_route,
	.kick = gic_v3_kick,
	.find = gic_v3_find,
	.cpu_init = gic_v3_cpu_init,
};
