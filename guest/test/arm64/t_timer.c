/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/t_timer.c: counters; the virtual timer (PPI 27) and the physical one (PPI 30), by WFI and by level.
 */
#include "guest/test/arm64/arm64.h"

#define CTL_ENABLE  BIT(0)
#define CTL_IMASK   BIT(1)
#define CTL_ISTATUS BIT(2)

static bool physical; /* the timer that is looked at */

static u64 now(void)
{
	isb();
	return physical ? mrs(cntpct_el0) : mrs(cntvct_el0);
}

static u64 ctl(void)
{
	isb();
	return physical ? mrs(cntp_ctl_el0) : mrs(cntv_ctl_el0);
}

static void set_ctl(u64 v)
{
	if (physical)
		msr(cntp_ctl_el0, v);
	else
		msr(cntv_ctl_el0, v);
	isb();
}

static void set_cval(u64 v)
{
	if (physical)
		msr(cntp_cval_el0, v);
	else
		msr(cntv_cval_el0, v);
	isb();
}

static u64 cval(void)
{
	return physical ? mrs(cntp_cval_el0) : mrs(cntv_cval_el0);
}

static void set_tval(u64 v)
{
	if (physical)
		msr(cntp_tval_el0, v);
	else
		msr(cntv_tval_el0, v);
	isb();
}

static s32 tval(void)
{
	isb();
	return (s32)(physical ? mrs(cntp_tval_el0) : mrs(cntv_tval_el0));
}

static unsigned intid(void)
{
	return physical ? INTID_PTIMER : INTID_VTIMER;
}

static void counters(void)
{
	u64 last = now(), t, p;
	bool ok = true;

	t_check("CNTFRQ_EL0 is at least 1 MHz", mrs(cntfrq_el0) >= 1000000);
	for (unsigned i = 0; i < 10000; i++) {
		t = now();
		ok &= t >= last;
		last = t;
	}
	t_check(physical ? "CNTPCT_EL0 never goes back" : "CNTVCT_EL0 never goes back", ok);
	p = mrs(cntpct_el0);
	t_check("the virtual counter isn't ahead of the physical one", mrs(cntvct_el0) <= p + us_to_ticks(10000000));
}

static void registers(void)
{
	u64 t, second = us_to_ticks(1000000);
	s32 left;

	set_ctl(CTL_IMASK);
	set_cval(0x123456789abcdef0);
	t_eq("CVAL reads back", cval(), 0x123456789abcdef0);
	t_eq("CTL, off", ctl() & 3, CTL_IMASK);
	set_tval(second);
	t = cval() - now();
	t_check("TVAL sets CVAL", t <= second && t > second / 2);
	left = tval();
	t_check("TVAL counts down", left <= (s64)second && left > 0 && tval() <= left);
	set_tval((u64)-1000);
	t_check("TVAL may be below 0", (s32)tval() <= -1000);
	set_ctl(CTL_ENABLE | CTL_IMASK);
	t_eq("expired: ISTATUS", ctl() & CTL_ISTATUS, CTL_ISTATUS);
	t_check("masked: not signalled", !gic_signalled());
	set_cval(~0ull >> 1); /* not ~0: QEMU 7.2 adds CNTVOFF to it, and its timer then fires without end */
	t_eq("not expired: no ISTATUS", ctl() & CTL_ISTATUS, 0);
	set_ctl(0);
}

/* Interrupts are off until WFI has seen one, else it could come before and WFI would wait for the next. */
static void sleep(void)
{
	wfi();
	irq_on();
	irq_off();
}

/* The handler masks the timer, so that each of these comes once. */
static void interrupts(void)
{
	u64 t = now();
	bool ok = true;

	irq_clear();
	set_cval(t + us_to_ticks(2000));
	set_ctl(CTL_ENABLE);
	while (!gic_signalled() && now() - t < us_to_ticks(1000000))
		wfi();
	t_check("WFI with interrupts off wakes", gic_signalled());
	t_check("  not before its time", now() - t >= us_to_ticks(2000));
	t_check("  and the interrupt comes", irq_wait(intid(), 1, 100));
	irq_wait(intid(), 2, 5);
	t_eq("  once", irq_count[intid()], 1);
	irq_clear();
	for (unsigned i = 1; i <= 20; i++) {
		u64 start = now();

		set_tval(us_to_ticks(500));
		set_ctl(CTL_ENABLE);
		while (irq_count[intid()] < i && now() - start < us_to_ticks(1000000))
			sleep();
		ok &= irq_count[intid()] == i && now() - start >= us_to_ticks(500);
	}
	t_check("20 times by WFI and the handler", ok);
	irq_clear();
	set_cval(0);
	set_ctl(CTL_ENABLE);
	t_check("a time in the past: at once", irq_wait(intid(), 1, 100));
	set_ctl(0);
	irq_clear();
	set_tval(us_to_ticks(20000));
	set_ctl(CTL_ENABLE);
	set_ctl(0);
	irq_wait(intid(), 1, 30);
	t_eq("turned off before its time: quiet", irq_total, 0);
}

/* The line is the condition itself: it stays until the timer is told otherwise, whatever the controller did. */
static void level(void)
{
	u32 iar;

	set_cval(0);
	set_ctl(CTL_ENABLE);
	delay_us(100);
	t_check("level: signalled", gic_signalled());
	t_dev("  pending in the controller", gic_is(GICD_ISPENDR, intid()), true);
	iar = gic_ack();
	t_eq("  acknowledged", iar & 0x3ff, intid());
	t_check("  active: not signalled again", !gic_signalled());
	gic_eoi(iar);
	delay_us(100);
	t_check("  after EOI it is signalled again", gic_signalled());
	iar = gic_ack();
	set_ctl(0);
	gic_eoi(iar);
	delay_us(100);
	t_check("  the condition gone in the handler: quiet", !gic_signalled());
	set_ctl(CTL_ENABLE);
	delay_us(100);
	t_check("  back: signalled", gic_signalled());
	set_ctl(CTL_ENABLE | CTL_IMASK);
	delay_us(100);
	iar = gic_ack();
	t_hw("  masked before it was acknowledged: at most spurious", iar & 0x3ff, 1023);
	if ((iar & 0x3ff) == intid())
		gic_eoi(iar);
	set_ctl(0);
	gic_disable(intid());
	set_cval(0);
	set_ctl(CTL_ENABLE);
	delay_us(100);
	t_check("disabled in the controller: quiet", !gic_signalled());
	set_ctl(0);
	t_dev("  the timer off: pending no more", gic_is(GICD_ISPENDR, intid()), false);
	set_ctl(CTL_ENABLE);
	delay_us(100);
	set_ctl(0);
	gic_enable(intid());
	delay_us(100);
	t_check("  off, then enabled: quiet", !gic_signalled());
	gic_disable(intid());
	set_ctl(CTL_ENABLE);
	delay_us(100);
	gic_enable(intid());
	delay_us(100);
	t_check("enabled: signalled", gic_signalled());
	irq_clear();
	t_check("  and taken", irq_wait(intid(), 1, 100));
	set_ctl(0);
}

static void both(void)
{
	u64 t = counter(), v;

	irq_clear();
	msr(cntp_tval_el0, us_to_ticks(1500));
	msr(cntp_ctl_el0, 1);
	vtimer_in(us_to_ticks(1500));
	while (irq_total < 2 && counter() - t < us_to_ticks(1000000))
		sleep();
	t_check("both at one time", irq_count[INTID_VTIMER] == 1 && irq_count[INTID_PTIMER] == 1);
	msr(cntp_ctl_el0, 0);
	msr(cntv_ctl_el0, 0);
	v = 0;
	t_eq("CNTVOFF_EL2 is not for a guest", (u32)t_insn(sysreg_insn(false, 3, 4, 14, 0, 3), &v), EC_UNKNOWN);
	t_eq("CNTHCTL_EL2 neither", (u32)t_insn(sysreg_insn(true, 3, 4, 14, 1, 0), &v), EC_UNKNOWN);
	msr(cntkctl_el1, 3);
	isb();
	t_eq("CNTKCTL_EL1 reads back", mrs(cntkctl_el1) & 3, 3);
	msr(cntkctl_el1, 0);
}

void t_main(void)
{
	for (unsigned i = 0; i < 2; i++) {
		physical = i != 0;
		t_puts(physical ? "INFO physical timer\n" : "INFO virtual timer\n");
		counters();
		registers();
		interrupts();
		level();
	}
	both();
}
