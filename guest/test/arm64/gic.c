/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/gic.c: GICv2 and GICv3 as the checks need them, and the interrupt handler. */
#include "guest/test/arm64/arm64.h"
#include "guest/test/arm64/fdt.h"

#define GICC_CTLR  0x00
#define GICC_PMR   0x04
#define GICC_BPR   0x08
#define GICC_IAR   0x0c
#define GICC_EOIR  0x10
#define GICC_RPR   0x14
#define GICC_HPPIR 0x18

#define GICR_WAKER	 0x14
#define GICR_WAKER_SLEEP BIT(1)
#define GICR_WAKER_CHILD BIT(2)
#define GICR_SGI_FRAME	 0x10000

#define ICC_PMR	    S3_0_C4_C6_0
#define ICC_IAR1    S3_0_C12_C12_0
#define ICC_EOIR1   S3_0_C12_C12_1
#define ICC_HPPIR1  S3_0_C12_C12_2
#define ICC_BPR1    S3_0_C12_C12_3
#define ICC_CTLR    S3_0_C12_C12_4
#define ICC_SRE	    S3_0_C12_C12_5
#define ICC_IGRPEN1 S3_0_C12_C12_7
#define ICC_RPR	    S3_0_C12_C11_3
#define ICC_SGI1R   S3_0_C12_C11_5
/* The names above through one more expansion. */
#define MRS(reg)    mrs(reg)
#define MSR(reg, v) msr(reg, v)

unsigned gic_version;
u64 gicd, gicc, gicr, v2m_frame;
volatile u32 irq_count[IRQS], irq_cpu[8][IRQS_CPU];
volatile u32 irq_total, irq_spurious, irq_log[256], irq_depth;
u8 irq_quiet[IRQS];
u32 irq_nest;

u64 gic_frame(unsigned intid)
{
	return gic_version == 3 && intid < 32 ? gicr + GICR_SGI_FRAME : gicd;
}

void gic_bit(unsigned reg, unsigned intid)
{
	*mmio32(gic_frame(intid) + reg + intid / 32 * 4) = 1u << intid % 32;
}

bool gic_is(unsigned reg, unsigned intid)
{
	return (*mmio32(gic_frame(intid) + reg + intid / 32 * 4) >> intid % 32 & 1) != 0;
}

void gic_priority(unsigned intid, u8 priority)
{
	*mmio8(gic_frame(intid) + GICD_IPRIORITYR + intid) = priority;
}

void gic_edge(unsigned intid, bool edge)
{
	volatile u32 *r = mmio32(gic_frame(intid) + GICD_ICFGR + intid / 16 * 4);
	u32 bit = 2u << intid % 16 * 2;

	*r = edge ? *r | bit : *r & ~bit;
}

void gic_enable(unsigned intid)
{
	gic_priority(intid, 0xa0);
	if (intid >= 32) {
		if (gic_version == 2)
			*mmio8(gicd + GICD_ITARGETSR + intid) = 1;
		else
			*(volatile u64 *)(gicd + 0x6000 + 8ull * intid) = 0;
	}
	gic_bit(GICD_ISENABLER, intid);
	dsb();
}

void gic_disable(unsigned intid)
{
	gic_bit(GICD_ICENABLER, intid);
	dsb();
}

void gic_pmr(u8 priority)
{
	if (gic_version == 2)
		*mmio32(gicc + GICC_PMR) = priority;
	else
		MSR(ICC_PMR, priority);
	dsb();
	isb();
}

u32 gic_ack(void)
{
	u32 iar = gic_version == 2 ? *mmio32(gicc + GICC_IAR) : (u32)MRS(ICC_IAR1);

	dsb();
	return iar;
}

void gic_eoi(u32 iar)
{
	if (gic_version == 2)
		*mmio32(gicc + GICC_EOIR) = iar;
	else
		MSR(ICC_EOIR1, iar);
	dsb();
	isb();
}

u32 gic_highest(void)
{
	return (gic_version == 2 ? *mmio32(gicc + GICC_HPPIR) : (u32)MRS(ICC_HPPIR1)) & 0x3ff;
}

u8 gic_running(void)
{
	return (u8)(gic_version == 2 ? *mmio32(gicc + GICC_RPR) : MRS(ICC_RPR));
}

void gic_sgi_self(unsigned intid)
{
	dsb();
	if (gic_version == 2)
		*mmio32(gicd + GICD_SGIR) = 2u << 24 | intid;
	else
		MSR(ICC_SGI1R, (u64)intid << 24 | 1);
	isb();
}

bool gic_signalled(void)
{
	dsb();
	isb();
	return (mrs(isr_el1) & BIT(7)) != 0;
}

static void gic_find(void)
{
	u32 v2 = fdt_compatible("arm,cortex-a15-gic"), v3 = fdt_compatible("arm,gic-v3");
	u32 v2m = fdt_compatible("arm,gic-v2m-frame");

	if (v2 == 0)
		v2 = fdt_compatible("arm,gic-400");
	gic_version = v3 != 0 ? 3 : 2;
	gicd = fdt_reg(v3 != 0 ? v3 : v2, 0, NULL);
	if (v3 != 0)
		gicr = fdt_reg(v3, 1, NULL);
	else
		gicc = fdt_reg(v2, 1, NULL);
	v2m_frame = v2m != 0 ? fdt_reg(v2m, 0, NULL) : 0;
}

static void gic_init3(void)
{
	*mmio32(gicd + GICD_CTLR) = 0x13; /* ARE, group 1, group 0 */
	*mmio32(gicr + GICR_WAKER) &= ~(u32)GICR_WAKER_SLEEP;
	for (unsigned i = 0; i < 100000 && (*mmio32(gicr + GICR_WAKER) & GICR_WAKER_CHILD); i++)
		;
	MSR(ICC_SRE, 1);
	isb();
	MSR(ICC_CTLR, 0);
	MSR(ICC_BPR1, 0);
	MSR(ICC_IGRPEN1, 1);
	isb();
}

void gic_init(void)
{
	unsigned lines;

	gic_find();
	*mmio32(gicd + GICD_CTLR) = 0;
	lines = ((*mmio32(gicd + GICD_TYPER) & 31) + 1) * 32;
	for (unsigned i = 0; i < MIN(lines, (unsigned)INTID_SPECIAL); i += 32) {
		u64 f = gic_frame(i) + i / 32 * 4;

		*mmio32(f + GICD_ICENABLER) = ~0u;
		*mmio32(f + GICD_ICACTIVER) = ~0u;
		*mmio32(f + GICD_ICPENDR) = ~0u;
		if (gic_version == 3)
			*mmio32(f + GICD_IGROUPR) = ~0u;
	}
	for (unsigned i = 0; i < 16; i++)
		gic_enable(i);
	if (gic_version == 3) {
		gic_init3();
	} else {
		*mmio32(gicd + GICD_CTLR) = 1;
		*mmio32(gicc + GICC_BPR) = 0;
		*mmio32(gicc + GICC_CTLR) = 1;
	}
	gic_pmr(0xf0);
}

void gic_cpu_init(unsigned cpu)
{
	u64 frame = gic_version == 3 ? gicr + cpu * 0x20000ull + GICR_SGI_FRAME : gicd, r = frame - GICR_SGI_FRAME;

	if (gic_version == 3) {
		*mmio32(frame + GICD_IGROUPR) = ~0u;
		*mmio32(r + GICR_WAKER) &= ~(u32)GICR_WAKER_SLEEP;
		MSR(ICC_SRE, 1);
		isb();
		MSR(ICC_BPR1, 0);
		MSR(ICC_IGRPEN1, 1);
	} else {
		*mmio32(gicc + GICC_BPR) = 0;
		*mmio32(gicc + GICC_CTLR) = 1;
	}
	/* By hand: a store that moves its pointer on is one that the CPU does not decode for a hypervisor. */
	for (u64 i = frame + GICD_IPRIORITYR; i < frame + GICD_IPRIORITYR + 32; i += 4)
		__asm__ volatile("str %w0, [%1]" ::"r"(0xa0a0a0a0), "r"(i) : "memory");
	*mmio32(frame + GICD_ISENABLER) = 0xffff | 1u << INTID_VTIMER;
	gic_pmr(0xf0);
}

static void irq_nested(void)
{
	u64 elr = mrs(elr_el1), spsr = mrs(spsr_el1);

	irq_on();
	for (unsigned i = 0; i < 1000; i++)
		isb();
	irq_off();
	msr(elr_el1, elr);
	msr(spsr_el1, spsr);
}

void irq_handler(void)
{
	static unsigned depth;
	u32 iar = gic_ack(), n = iar & 0x3ff;

	if (gic_version == 3 && (iar & 0xffffff) >= LPI_FIRST) {
		n = IRQ_LPI + n % ITS_MSIS;
	} else if (n >= INTID_SPECIAL) {
		irq_spurious++;
		return;
	}
	depth++;
	irq_depth = MAX(irq_depth, depth);
	irq_count[n]++;
	if (n < IRQS_CPU)
		irq_cpu[mrs(mpidr_el1) & 7][n]++;
	irq_log[irq_total++ & 255] = n;
	if (n == INTID_VTIMER)
		msr(cntv_ctl_el0, 3); /* masked */
	if (n == INTID_PTIMER)
		msr(cntp_ctl_el0, 3);
	isb();
	if (irq_quiet[n])
		gic_disable(n);
	if (irq_nest != 0 && n == irq_nest)
		irq_nested();
	gic_eoi(iar);
	depth--;
}

void irq_clear(void)
{
	for (unsigned i = 0; i < IRQS; i++)
		irq_count[i] = 0;
	irq_total = irq_spurious = irq_depth = 0;
}

bool irq_wait(u32 irq, u32 n, u32 ms)
{
	u64 start = counter(), ticks = us_to_ticks((u64)ms * 1000);

	irq_on();
	while (irq_count[irq] < n && counter() - start < ticks)
		;
	irq_off();
	return irq_count[irq] >= n;
}
