/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_vlapic_timer.c: the virtual local APIC's timer, and random operations against a bitmap model.
 * LINK: arch/x86/vlapic.c arch/x86/vlapic_reg.c */
#include "arch/x86/vlapic.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "fake_vlapic.h"

static void one_shot_counts_down_and_fires_once(void **state)
{
	on(0);
	wr(APIC_TDCR, 0xb);
	wr(APIC_LVT, 0x40);
	assert_int_equal(wr_at(APIC_TMICT, 1000, 5000), VLAPIC_TIMER);
	assert_int_equal(vlapic_deadline(&v), 6000);
	assert_int_equal(vlapic_read(&v, APIC_TMCCR, 5000), 1000);
	assert_int_equal(vlapic_read(&v, APIC_TMCCR, 5400), 600);
	vlapic_tick(&v, 5999);
	assert_int_equal(vlapic_pending(&v), -1);
	vlapic_tick(&v, 6000);
	assert_int_equal(take(), 0x40);
	wr(APIC_EOI, 0);
	vlapic_tick(&v, 99999);
	assert_int_equal(vlapic_pending(&v), -1);
	assert_int_equal(vlapic_deadline(&v), ~0ull);
	assert_int_equal(vlapic_read(&v, APIC_TMCCR, 99999), 0);
}

static void divider_scales_and_rescales(void **state)
{
	static const u8 shift[8] = { 1, 2, 3, 4, 5, 6, 7, 0 };

	for (u32 i = 0; i < 8; i++) {
		on(0);
		wr(APIC_LVT, 0x40);
		wr(APIC_TDCR, (i & 3) | (i & 4) << 1);
		wr_at(APIC_TMICT, 100, 0);
		assert_int_equal(vlapic_deadline(&v), 100u << shift[i]);
	}
	on(0);
	wr(APIC_LVT, 0x40);
	wr(APIC_TMICT, 100);	    /* divided by 2 */
	wr_at(APIC_TDCR, 0xb, 100); /* 50 left, now undivided */
	assert_int_equal(vlapic_deadline(&v), 150);
	wr_at(APIC_TMICT, 0, 120);
	assert_int_equal(vlapic_deadline(&v), ~0ull);
}

static void periodic_keeps_phase_and_drops_missed_periods(void **state)
{
	on(0);
	wr(APIC_TDCR, 0xb);
	wr(APIC_LVT, 0x20040);
	wr_at(APIC_TMICT, 100000, 0);
	vlapic_tick(&v, 100007);
	assert_int_equal(vlapic_deadline(&v), 200000);
	assert_int_equal(take(), 0x40);
	wr(APIC_EOI, 0);
	vlapic_tick(&v, 1000000000050);
	assert_int_equal(take(), 0x40);
	wr(APIC_EOI, 0);
	assert_int_equal(vlapic_pending(&v), -1);
	assert_int_equal(vlapic_deadline(&v), 1000000100000);
	assert_int_equal(vlapic_read(&v, APIC_TMCCR, 1000000000100), 99900);
	wr_at(APIC_TMICT, 1, 2000000000000); /* a period of one tick must not flood */
	vlapic_tick(&v, 2000000000001);
	assert_true(vlapic_deadline(&v) >= 2000000010000);
	assert_int_equal(vlapic_read(&v, APIC_TMCCR, 2000000000005), 1);
	wr_at(APIC_TMICT, 0xffffffff, ~0ull - 5); /* the TSC's end */
	assert_int_equal(vlapic_deadline(&v), ~0ull);
	vlapic_tick(&v, ~0ull);
}

static void masked_timer_runs_silently(void **state)
{
	on(0);
	wr(APIC_TDCR, 0xb);
	wr(APIC_LVT, 0x10040);
	wr_at(APIC_TMICT, 1000, 0);
	assert_int_equal(vlapic_deadline(&v), ~0ull);
	assert_int_equal(vlapic_read(&v, APIC_TMCCR, 400), 600);
	wr_at(APIC_LVT, 0x40, 500);
	assert_int_equal(vlapic_deadline(&v), 1000);
	wr_at(APIC_LVT, 0x10040, 600);
	wr_at(APIC_LVT, 0x40, 2000); /* expired while masked: lost */
	vlapic_tick(&v, 2000);
	assert_int_equal(vlapic_pending(&v), -1);
}

static void tsc_deadline_mode(void **state)
{
	u64 x;

	on_x2(0);
	assert_true(msr(MSR_IA32_TSC_DEADLINE, 5000)); /* ignored in one-shot mode */
	assert_int_equal(rmsr(MSR_IA32_TSC_DEADLINE), 0);
	msr(0x838, 100);
	msr(0x832, 0x40040);
	assert_int_equal(vlapic_deadline(&v), ~0ull); /* the mode change disarmed it */
	msr(0x838, 100);
	assert_int_equal(rmsr(0x838) + rmsr(0x839), 0);
	assert_true(msr(MSR_IA32_TSC_DEADLINE, 5000));
	assert_int_equal(act, VLAPIC_TIMER);
	assert_int_equal(vlapic_deadline(&v), 5000);
	assert_int_equal(rmsr(MSR_IA32_TSC_DEADLINE), 5000);
	vlapic_tick(&v, 5001);
	assert_int_equal(take(), 0x40);
	msr(0x80b, 0);
	assert_int_equal(rmsr(MSR_IA32_TSC_DEADLINE), 0);
	assert_true(vlapic_wrmsr(&v, MSR_IA32_TSC_DEADLINE, 10, 11, &ipi, &act)); /* past: at once */
	assert_int_equal(take(), 0x40);
	msr(0x80b, 0);
	msr(MSR_IA32_TSC_DEADLINE, 7000);
	msr(MSR_IA32_TSC_DEADLINE, 0);
	assert_int_equal(vlapic_deadline(&v), ~0ull);
	msr(MSR_IA32_TSC_DEADLINE, 7000);
	msr(0x832, 0x40);
	assert_true(vlapic_rdmsr(&v, MSR_IA32_TSC_DEADLINE, &x, 0));
	assert_int_equal(x, 0);
	assert_int_equal(vlapic_deadline(&v), ~0ull);
}

static void count_survives_a_tsc_jump_and_deadline_does_not_move(void **state)
{
	on(0);
	wr(APIC_TDCR, 0xb);
	wr(APIC_LVT, 0x40);
	vlapic_tsc_moved(&v, 77); /* stopped: stays stopped */
	assert_int_equal(vlapic_deadline(&v), ~0ull);
	wr_at(APIC_TMICT, 1000, 5000);
	vlapic_tsc_moved(&v, -4900ull);
	assert_int_equal(vlapic_read(&v, APIC_TMCCR, 200), 900);
	wr_at(APIC_LVT, 0x40040, 200);
	assert_true(vlapic_wrmsr(&v, MSR_IA32_TSC_DEADLINE, 9000, 200, &ipi, &act));
	vlapic_tsc_moved(&v, 500);
	assert_int_equal(vlapic_deadline(&v), 9000);
}

/* --- random operations against a model ---------------------------------------------------------------- */

static bool m_irr[256], m_isr[256], m_tmr[256];

static int model_top(const bool *set)
{
	for (int i = 255; i >= 0; i--)
		if (set[i])
			return i;
	return -1;
}

static u32 rnd(void)
{
	static u64 s = 0x9e3779b97f4a7c15;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return (u32)(s >> 16);
}

static int model_pending(u8 tpr)
{
	int isr = model_top(m_isr), irr = model_top(m_irr);
	int class = MAX(tpr >> 4, isr < 0 ? 0 : isr >> 4);

	return irr >= 0 && irr >> 4 > class ? irr : -1;
}

static void model_step(u8 *tpr)
{
	u8 n = (u8)rnd();
	bool level = rnd() & 1;
	int top;

	switch (rnd() % 5) {
	case 0:
		assert_int_equal(vlapic_accept(&v, APIC_FIXED, n, level), n >= 16);
		if (n >= 16) {
			m_irr[n] = true;
			m_tmr[n] = level;
		}
		break;
	case 1:
		*tpr = n;
		vlapic_set_tpr(&v, n);
		break;
	case 2:
		top = model_top(m_isr);
		assert_int_equal(wr(APIC_EOI, 0), top >= 0 && m_tmr[top] ? VLAPIC_EOI : VLAPIC_NONE);
		if (top >= 0)
			m_isr[top] = false;
		break;
	case 3:
		wr(APIC_ICR, 0x44000 | n);
		if (n >= 16) {
			m_irr[n] = true;
			m_tmr[n] = false;
		}
		break;
	default:
		top = model_pending(*tpr);
		assert_int_equal(take(), top);
		if (top >= 0) {
			m_irr[top] = false;
			m_isr[top] = true;
		}
	}
}

static void random_operations_agree_with_the_model(void **state)
{
	u8 tpr = 0;

	on(0);
	for (unsigned i = 0; i < 200000; i++) {
		model_step(&tpr);
		assert_int_equal(vlapic_pending(&v), model_pending(tpr));
		if (i % 64)
			continue;
		for (u32 n = 0; n < 256; n++) {
			u32 bit = 1u << n % 32;

			assert_int_equal(!!(rd(APIC_IRR + n / 32 * 16) & bit), m_irr[n]);
			assert_int_equal(!!(rd(APIC_ISR + n / 32 * 16) & bit), m_isr[n]);
			assert_int_equal(!!(rd(APIC_TMR + n / 32 * 16) & bit), m_tmr[n]);
		}
	}
}

static void random_register_storm_stays_sane(void **state)
{
	u64 now = 0, x;

	on(0);
	for (unsigned i = 0; i < 500000; i++) {
		now += rnd() >> rnd() % 32;
		switch (rnd() % 6) {
		case 0: vlapic_read(&v, rnd() & 0xfff, now); break;
		case 1: vlapic_write(&v, rnd() & 0xfff, rnd() >> rnd() % 32, now, &ipi); break;
		case 2: vlapic_rdmsr(&v, 0x7f0 + rnd() % 0x60, &x, now); break;
		case 3:
			x = (u64)(rnd() >> rnd() % 32) << rnd() % 33;
			vlapic_wrmsr(&v, rnd() & 1 ? 0x7f0 + rnd() % 0x60 : MSR_IA32_TSC_DEADLINE, x, now, &ipi, &act);
			break;
		case 4:
			if (rnd() % 16 == 0)
				vlapic_wrmsr(&v, 0x1b, (rnd() & 0xd00) | 0xfee00000, now, &ipi, &act);
			msi(&v, 0xfee00000 | (rnd() & 0xfffff), rnd());
			break;
		default: vlapic_tick(&v, now); take();
		}
		vlapic_tick(&v, now);
		assert_true(vlapic_deadline(&v) > now);
		assert_int_equal(v.irr.w[0] & 0xffff, 0);
		assert_true(vlapic_is_x2apic(&v) || vlapic_is_xapic(&v) || !(v.base & APIC_BASE_EN));
		for (u32 w = 0; w < 8; w++)
			assert_int_equal(v.irr.words >> w & 1, v.irr.w[w] != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_shot_counts_down_and_fires_once),
		cmocka_unit_test(divider_scales_and_rescales),
		cmocka_unit_test(periodic_keeps_phase_and_drops_missed_periods),
		cmocka_unit_test(masked_timer_runs_silently),
		cmocka_unit_test(tsc_deadline_mode),
		cmocka_unit_test(count_survives_a_tsc_jump_and_deadline_does_not_move),
		cmocka_unit_test(random_operations_agree_with_the_model),
		cmocka_unit_test(random_register_storm_stays_sane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
