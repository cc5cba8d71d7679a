/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/t_gic.c: distributor, redistributor and CPU interface, GICv2 or GICv3 (Arm IHI 0048, IHI 0069).
 * Looks at states by polling, with interrupts off, and at delivery. */
#include "guest/test/arm64/arm64.h"

#define SPI	   80 /* and the next ones: GICv2m's, no device's own */
#define MANY	   40
#define SPURIOUS   1023
#define GICD_PIDR2 (gic_version == 3 ? 0xffe8u : 0xfe8u)

/* Nothing active or pending, all of ours enabled with priority 0xa0, edge-triggered. */
static void begin(void)
{
	irq_off();
	irq_clear();
	irq_nest = 0;
	gic_pmr(0xf0);
	for (unsigned n = SPI; n < SPI + MANY; n++) {
		gic_bit(GICD_ICACTIVER, n);
		gic_bit(GICD_ICPENDR, n);
		gic_edge(n, true);
		gic_enable(n);
	}
}

static void pend(unsigned intid)
{
	gic_bit(GICD_ISPENDR, intid);
	dsb();
}

/* With interrupts on for a while. */
static void drain(void)
{
	irq_on();
	delay_us(1000);
	irq_off();
}

static unsigned lines(void)
{
	return ((*mmio32(gicd + GICD_TYPER) & 31) + 1) * 32;
}

static void identity(void)
{
	u32 typer = *mmio32(gicd + GICD_TYPER);

	t_info("interrupts", lines());
	t_check("GICD_TYPER: enough interrupts", lines() >= 160);
	t_eq("GICD_PIDR2.ArchRev", *mmio32(gicd + GICD_PIDR2) >> 4 & 15, gic_version);
	*mmio32(gicd + GICD_TYPER) = ~typer;
	t_eq("GICD_TYPER is read-only", *mmio32(gicd + GICD_TYPER), typer);
	if (gic_version == 2)
		return;
	t_eq("GICD_CTLR.ARE", *mmio32(gicd + GICD_CTLR) >> 4 & 1, 1);
	t_check("GICD_CTLR: no write pending for ever", (*mmio32(gicd + GICD_CTLR) & BIT(31)) == 0);
	t_check("GICR_TYPER.Last", (*(volatile u64 *)(gicr + 8) & BIT(4)) != 0);
	t_eq("GICR_TYPER by halves", (u64)*mmio32(gicr + 12) << 32 | *mmio32(gicr + 8), *(volatile u64 *)(gicr + 8));
	t_eq("GICR_TYPER: affinity", *mmio32(gicr + 12), (u32)(mrs(mpidr_el1) & 0xffffff));
	t_eq("GICR_PIDR2.ArchRev", *mmio32(gicr + 0xffe8) >> 4 & 15, 3);
	t_dev("no LPIs: GICD_TYPER", typer >> 17 & 1, 0);
	t_dev("no LPIs: GICR_TYPER", *mmio32(gicr + 8) & 1, 0);
	t_eq("GICR_WAKER: awake", *mmio32(gicr + 0x14) & 6, 0);
	t_eq("ICC_SRE_EL1.SRE", mrs(S3_0_C12_C12_5) & 1, 1);
}

static void bits(void)
{
	begin();
	t_check("enabled reads back", gic_is(GICD_ISENABLER, SPI) && gic_is(GICD_ICENABLER, SPI));
	*mmio32(gic_frame(SPI) + GICD_ISENABLER + SPI / 32 * 4) = 0;
	t_check("zeros change nothing", gic_is(GICD_ISENABLER, SPI));
	gic_disable(SPI);
	t_check("disabled reads back", !gic_is(GICD_ISENABLER, SPI) && gic_is(GICD_ISENABLER, SPI + 1));
	pend(SPI);
	t_check("pending while disabled", gic_is(GICD_ISPENDR, SPI) && gic_is(GICD_ICPENDR, SPI));
	t_check("  isn't signalled", !gic_signalled());
	gic_bit(GICD_ICPENDR, SPI);
	t_check("  and can be cleared", !gic_is(GICD_ISPENDR, SPI));
	pend(SPI);
	gic_enable(SPI);
	t_check("enabling signals it", gic_signalled());
	gic_disable(SPI);
	t_check("disabling takes that back", !gic_signalled());
	t_check("  and it is still pending", gic_is(GICD_ISPENDR, SPI));
	gic_bit(GICD_ICPENDR, SPI);
	gic_enable(SPI);
	t_check("cleared while disabled: gone", !gic_signalled());
	pend(SPI);
	gic_bit(GICD_ICPENDR, SPI);
	t_check("cleared while signalled: gone", !gic_signalled());
	t_eq("  nothing to acknowledge", gic_ack() & 0x3ff, SPURIOUS);
	gic_edge(SPI, false);
	t_eq("GICD_ICFGR: level reads back", *mmio32(gicd + GICD_ICFGR + SPI / 16 * 4) >> SPI % 16 * 2 & 2, 0);
	gic_edge(SPI, true);
	t_eq("GICD_ICFGR: edge reads back", *mmio32(gicd + GICD_ICFGR + SPI / 16 * 4) >> SPI % 16 * 2 & 2, 2);
	t_eq("GICD_ICFGR0: SGIs are edges", *mmio32(gic_frame(0) + GICD_ICFGR), 0xaaaaaaaa);
	*mmio32(gic_frame(0) + GICD_ICFGR) = 0;
	t_eq("  for ever", *mmio32(gic_frame(0) + GICD_ICFGR), 0xaaaaaaaa);
}

static void states(void)
{
	u32 iar;

	begin();
	t_eq("nothing pending: acknowledge gives 1023", gic_ack() & 0x3ff, SPURIOUS);
	t_check("idle priority", gic_running() >= 0xf8);
	pend(SPI);
	t_check("pending: signalled", gic_signalled());
	t_check("pending, not active", gic_is(GICD_ISPENDR, SPI) && !gic_is(GICD_ISACTIVER, SPI));
	t_eq("highest pending", gic_highest(), SPI);
	iar = gic_ack();
	t_eq("acknowledge gives it", iar & 0x3ff, SPI);
	t_check("active, not pending", gic_is(GICD_ISACTIVER, SPI) && !gic_is(GICD_ISPENDR, SPI));
	t_eq("running priority", gic_running(), 0xa0);
	t_check("not signalled again", !gic_signalled());
	pend(SPI);
	t_check("active and pending", gic_is(GICD_ISACTIVER, SPI) && gic_is(GICD_ISPENDR, SPI));
	t_check("  isn't signalled", !gic_signalled());
	gic_eoi(iar);
	t_check("EOI: pending, not active", !gic_is(GICD_ISACTIVER, SPI) && gic_is(GICD_ISPENDR, SPI));
	t_check("  signalled again", gic_signalled());
	iar = gic_ack();
	t_eq("  the same", iar & 0x3ff, SPI);
	gic_eoi(iar);
	t_check("EOI: neither", !gic_is(GICD_ISACTIVER, SPI) && !gic_is(GICD_ISPENDR, SPI));
	t_check("idle again", gic_running() >= 0xf8);
	gic_bit(GICD_ISACTIVER, SPI);
	pend(SPI);
	t_check("made active by hand: not signalled", gic_is(GICD_ISACTIVER, SPI) && !gic_signalled());
	gic_bit(GICD_ICACTIVER, SPI);
	t_check("made inactive by hand: signalled", gic_signalled());
	drain();
	t_eq("and delivered, once", irq_count[SPI], 1);
	t_eq("nothing else", irq_total, 1);
}

static void priorities(void)
{
	u64 f = gic_frame(SPI) + GICD_IPRIORITYR + SPI;

	begin();
	*mmio32(f) = 0x40302010;
	t_eq("priority by a byte", *mmio8(f + 2), 0x30);
	*mmio8(f + 1) = 0xc0;
	t_eq("priorities by a word", *mmio32(f), 0x4030c010);
	begin();
	gic_pmr(0xa0);
	pend(SPI);
	t_check("PMR masks its own priority", !gic_signalled());
	t_eq("  nothing to acknowledge", gic_ack() & 0x3ff, SPURIOUS);
	gic_pmr(0xb0);
	t_check("a lower mask lets it through", gic_signalled());
	gic_pmr(0);
	t_check("PMR 0 masks all", !gic_signalled());
	gic_pmr(0xf0);
	drain();
	t_eq("and delivered, once", irq_count[SPI], 1);
	gic_priority(SPI, 0x80);
	pend(SPI);
	pend(SPI + 1);
	t_eq("the higher priority first", gic_highest(), SPI);
	gic_priority(SPI + 1, 0x40);
	t_eq("a change of priority counts at once", gic_highest(), SPI + 1);
	drain();
	t_check("both came in order", irq_total == 3 && irq_log[1] == SPI + 1 && irq_log[2] == SPI);
	pend(SPI + 3);
	pend(SPI + 2);
	drain();
	t_eq("equal priorities: both come", irq_total, 5);
	/* Which of them is the implementation's choice (IHI 0069, 4.8): QEMU's own controller takes the lower number.
	 */
	t_hw("  the lower number first", irq_log[3], SPI + 2);
}

static void preemption(void)
{
	u32 low, high;

	begin();
	gic_priority(SPI + 1, 0x40);
	gic_priority(SPI + 2, 0xc0);
	pend(SPI);
	low = gic_ack();
	pend(SPI + 2);
	pend(SPI + 3);
	t_check("equal or lower priority doesn't preempt", !gic_signalled() && (gic_ack() & 0x3ff) == SPURIOUS);
	pend(SPI + 1);
	t_check("higher priority preempts", gic_signalled());
	high = gic_ack();
	t_check("  and is acknowledged", (low & 0x3ff) == SPI && (high & 0x3ff) == SPI + 1);
	t_eq("running priority", gic_running(), 0x40);
	t_check("both active", gic_is(GICD_ISACTIVER, SPI) && gic_is(GICD_ISACTIVER, SPI + 1));
	gic_eoi(high);
	t_eq("EOI: running priority of the first", gic_running(), 0xa0);
	t_check("  the others wait still", !gic_signalled());
	gic_eoi(low);
	t_check("EOI: the others' turn", gic_signalled() && gic_running() >= 0xf8);
	drain();
	t_check("in order", irq_total == 2 && irq_log[0] == SPI + 3 && irq_log[1] == SPI + 2);
	begin();
	gic_priority(SPI, 0xb0);
	irq_nest = SPI;
	pend(SPI);
	irq_on();
	delay_us(100);
	irq_off();
	t_check("a handler with interrupts on", irq_total == 1 && irq_depth == 1);
	irq_clear();
	gic_priority(1, 0x20);
	gic_sgi_self(1);
	gic_disable(SPI + 1);
	pend(SPI + 1);
	irq_nest = 1; /* its handler lets nothing through: all others are lower */
	gic_enable(SPI + 1);
	drain();
	t_check("lower priorities wait for it", irq_total == 2 && irq_log[0] == 1 && irq_depth == 1);
	gic_priority(1, 0xa0);
}

/* The handler of an interrupt of low priority makes one of high priority pending, by the timer's hand. */
static void nested(void)
{
	begin();
	gic_priority(SPI, 0xc0);
	gic_priority(INTID_VTIMER, 0x20);
	irq_nest = SPI;
	vtimer_in(us_to_ticks(1));
	gic_pmr(0x20);
	delay_us(10);
	pend(SPI);
	gic_pmr(0xf0);
	drain();
	t_check("timer and SPI: the timer first", irq_total == 2 && irq_log[0] == INTID_VTIMER && irq_depth == 1);
	irq_clear();
	gic_disable(INTID_VTIMER);
	vtimer_in(0);
	irq_nest = SPI;
	gic_sgi_self(0);
	gic_priority(0, 0x10);
	t_check("an SGI of high priority is next", gic_highest() == 0);
	pend(SPI);
	drain();
	t_check("SGI, then SPI", irq_total == 2 && irq_log[0] == 0 && irq_log[1] == SPI);
	msr(cntv_ctl_el0, 0);
	gic_enable(INTID_VTIMER);
	gic_priority(0, 0xa0);
	irq_nest = 0;
}

/* More interrupts than any list registers, with mixed priorities. */
static void many(void)
{
	bool sorted = true, once = true;
	u8 p[MANY], last = 0;

	begin();
	for (unsigned i = 0; i < MANY; i++) {
		p[i] = (u8)(t_rand() % 8 + 1) << 4;
		gic_priority(SPI + i, p[i]);
	}
	for (unsigned i = 0; i < MANY; i++)
		pend(SPI + i * 7 % MANY);
	for (unsigned i = 0; i < 16; i++)
		gic_sgi_self(i);
	drain();
	t_eq("40 SPIs and 16 SGIs at once: all come", irq_total, MANY + 16);
	for (unsigned i = 0; i < MANY; i++)
		once &= irq_count[SPI + i] == 1;
	for (unsigned i = 0; i < 16; i++)
		once &= irq_count[i] == 1;
	t_check("each once", once);
	for (unsigned i = 0; i < irq_total; i++) {
		u32 n = irq_log[i];
		u8 own = n < 16 ? 0xa0 : n >= SPI && n < SPI + MANY ? p[n - SPI] : 0;

		if (own == 0) {
			t_info("came uncalled", n);
			continue;
		}
		sorted &= own >= last;
		last = own;
	}
	t_check("by priority", sorted);
	t_eq("none spurious", irq_spurious, 0);
}

/* More interrupts active at one time than list registers: each preempts the one before. */
static void stacked(void)
{
	u32 iar[12];
	bool ok = true;

	begin();
	for (unsigned i = 0; i < ARRAY_SIZE(iar); i++) {
		gic_priority(SPI + i, (u8)(0xc0 - 0x10 * i));
		pend(SPI + i);
		ok &= gic_signalled();
		iar[i] = gic_ack();
		ok &= (iar[i] & 0x3ff) == SPI + i && gic_running() == 0xc0 - 0x10 * i;
	}
	t_check("12 active at one time", ok);
	for (unsigned i = 0; i < MANY; i++)
		if (i >= ARRAY_SIZE(iar))
			pend(SPI + i);
	ok = !gic_signalled();
	for (unsigned i = 0; i < ARRAY_SIZE(iar); i++)
		ok &= gic_is(GICD_ISACTIVER, SPI + i);
	t_check("  28 more pending wait", ok);
	for (unsigned i = ARRAY_SIZE(iar); i-- > 0;)
		gic_eoi(iar[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(iar); i++)
		ok &= !gic_is(GICD_ISACTIVER, SPI + i);
	t_check("  all ended", ok && gic_running() >= 0xf8);
	drain();
	t_eq("  and the 28 come", irq_total, MANY - ARRAY_SIZE(iar));
}

static void sgis(void)
{
	u32 iar;

	begin();
	gic_sgi_self(5);
	t_check("SGI to self: signalled", gic_signalled());
	iar = gic_ack();
	t_eq("  acknowledged", iar, 5);
	gic_sgi_self(5);
	gic_sgi_self(5);
	gic_eoi(iar);
	drain();
	t_eq("two more while active: one", irq_count[5], 1);
	for (unsigned i = 0; i < 100; i++) {
		gic_sgi_self(7);
		drain();
	}
	t_eq("100 SGIs", irq_count[7], 100);
	irq_clear();
	if (gic_version == 2) {
		*mmio32(gicd + GICD_SGIR) = 0xfe << 16 | 5;
		*mmio32(gicd + GICD_SGIR) = 5;
		*mmio32(gicd + GICD_SGIR) = 1u << 24 | 5; /* all but self */
	} else {
		msr(S3_0_C12_C11_5, 0xfffeull | 5ull << 24);
		msr(S3_0_C12_C11_5, 1ull | 1ull << 16 | 5ull << 24); /* Aff1 1 */
		msr(S3_0_C12_C11_5, 0xffffull | 0xffull << 48 | 5ull << 24);
		msr(S3_0_C12_C11_5, BIT(40) | 5ull << 24); /* all but self */
	}
	drain();
	t_eq("SGIs to absent CPUs: nothing here", irq_total, 0);
	if (gic_version == 2)
		*mmio32(gicd + GICD_SGIR) = 3u << 24 | 5; /* reserved */
	else
		msr(S3_0_C12_C11_5, 1ull | 15ull << 44 | 5ull << 24); /* a range selector, which may be ignored */
	drain();
	irq_clear();
	if (gic_version == 3) {
		gic_bit(GICD_ISPENDR, 9);
		drain();
		t_eq("SGI by GICR_ISPENDR0", irq_count[9], 1);
	} else {
		*mmio8(gicd + 0xf20 + 9) = 1;
		t_dev("SGI by GICD_SPENDSGIR", gic_highest(), 9);
		*mmio8(gicd + 0xf10 + 9) = 1;
		t_dev("  and away by GICD_CPENDSGIR", gic_highest(), SPURIOUS);
	}
}

static void sgi_enable(void)
{
	begin();
	gic_bit(GICD_ICENABLER, 9);
	if (gic_is(GICD_ISENABLER, 9)) {
		t_skip("disabled SGI", "SGIs are always enabled here");
		return;
	}
	gic_sgi_self(9);
	drain();
	t_eq("disabled SGI: quiet", irq_total, 0);
	gic_enable(9);
	drain();
	t_eq("  enabled: comes", irq_count[9], 1);
}

static void controls(void)
{
	u32 on = *mmio32(gicd + GICD_CTLR);

	begin();
	pend(SPI);
	*mmio32(gicd + GICD_CTLR) = on & ~3u;
	delay_us(10);
	t_check("distributor off: not signalled", !gic_signalled());
	*mmio32(gicd + GICD_CTLR) = on;
	delay_us(10);
	t_check("  on: signalled", gic_signalled());
	if (gic_version == 3) {
		msr(S3_0_C12_C12_7, 0);
		t_check("CPU interface off: not signalled", !gic_signalled());
		msr(S3_0_C12_C12_7, 1);
	} else {
		*mmio32(gicc) = 0;
		t_check("CPU interface off: not signalled", !gic_signalled());
		*mmio32(gicc) = 1;
	}
	t_check("  on: signalled", gic_signalled());
	drain();
	t_eq("delivered, once", irq_count[SPI], 1);
	gic_eoi(SPI + 5); /* not active */
	gic_eoi(SPURIOUS);
	pend(SPI);
	drain();
	t_eq("an EOI too many does no harm", irq_count[SPI], 2);
	if (gic_version == 3) {
		*(volatile u64 *)(gicd + 0x6000 + 8 * SPI) = 0x0102;
		t_eq("GICD_IROUTER reads back", *(volatile u64 *)(gicd + 0x6000 + 8 * SPI), 0x0102);
		pend(SPI);
		drain();
		t_eq("routed to nobody: quiet", irq_count[SPI], 2);
		*(volatile u64 *)(gicd + 0x6000 + 8 * SPI) = 0;
		drain();
		t_eq("  routed here: comes", irq_count[SPI], 3);
	}
}

/* EOI that only drops the priority, then the deactivation apart. */
static void split_eoi(void)
{
	u32 iar, ctlr = gic_version == 2 ? *mmio32(gicc) : (u32)mrs(S3_0_C12_C12_4);
	bool dropped, ended;

	begin();
	if (gic_version == 2)
		*mmio32(gicc) = ctlr | 1u << 9;
	else
		msr(S3_0_C12_C12_4, ctlr | 2);
	isb();
	pend(SPI);
	iar = gic_ack();
	gic_eoi(iar);
	dropped = gic_running() >= 0xf8 && gic_is(GICD_ISACTIVER, SPI);
	if (gic_version == 2)
		*mmio32(gicc + 0x1000) = iar;
	else
		msr(S3_0_C12_C11_1, iar);
	dsb();
	isb();
	ended = !gic_is(GICD_ISACTIVER, SPI);
	t_dev("EOImode 1: EOI drops the priority alone", dropped, true);
	t_dev("  DIR deactivates", ended, true);
	if (gic_version == 2)
		*mmio32(gicc) = ctlr;
	else
		msr(S3_0_C12_C12_4, ctlr);
	isb();
}

static void strange(void)
{
	u64 v = 1;
	unsigned n = lines() + 64, survived = 0;

	begin();
	for (unsigned reg = GICD_ISENABLER; reg <= GICD_ICACTIVER && n < 992; reg += 0x80) {
		*mmio32(gicd + reg + n / 8) = ~0u;
		v &= *mmio32(gicd + reg + n / 8) == 0;
	}
	t_check("registers of absent interrupts: zero, writes ignored", v);
	*mmio32(gicd + GICD_ISENABLER + 31 * 4) = ~0u;
	*mmio32(gicd + GICD_ISPENDR + 31 * 4) = ~0u;
	t_eq("INTIDs 1020 to 1023 don't exist", *mmio32(gicd + GICD_ISPENDR + 31 * 4) >> 28, 0);
	t_check("a reserved register reads zero or aborts", t_load(gicd + 0x30, 4, &v) >= 0 || v == 0);
	for (u64 off = 0; off < 0x1000; off += 4)
		if (off < GICD_ISENABLER || off >= GICD_ICFGR) /* states stay as they are */
			for (unsigned size = 1; size <= 8; size *= 2)
				survived += t_load(gicd + (off & ~(u64)(size - 1)), size, &v) < 0 || true;
	for (unsigned size = 1; size <= 8; size *= 2) {
		t_store(gicd + GICD_TYPER, size, ~0ull);
		t_store(gicd + GICD_ISPENDR + 3, size == 1 ? 1 : 2, 0);
		t_store(gicd + 0x20, size, ~0ull);
	}
	t_check("accesses of all sizes survived", survived > 0);
	if (gic_version == 3) {
		for (u64 off = 0; off < 0x20000; off += 0x44)
			t_load(gicr + off, 4, &v);
		t_load(gicd + 0xfffc, 4, &v);
	} else {
		for (u64 off = 0; off < 0x2000; off += 0x44)
			if (off != 0xc && off != 0x20)
				t_load(gicc + off, 4, &v);
	}
	pend(SPI);
	drain();
	t_eq("interrupts work afterwards", irq_count[SPI], 1);
}

void t_main(void)
{
	identity();
	bits();
	states();
	priorities();
	preemption();
	nested();
	many();
	stacked();
	sgis();
	sgi_enable();
	controls();
	split_eoi();
	strange();
}
