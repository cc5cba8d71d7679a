/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_rt_timer.c: timers, work and dates. LINK: guest/rt/timer.c guest/rt/work.c guest/rt/time.c
 * LINK: guest/rt/x86/rtc.c */
#include "guest/rt/arch.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

static unsigned kicked;

struct rt_cpu *rt_cpu(unsigned n)
{
	return &fake_cpus[n];
}

void cpu_kick(unsigned n)
{
	kicked = n;
}

static u64 counter;
static u8 cmos_index;
static const u8 cmos[64] = {
	[0] = 0x59, [2] = 0x34, [4] = 0x23, [7] = 0x29, [8] = 0x02, [9] = 0x24, [0x0b] = 0x02, [0x32] = 0x20
};

u64 cpu_counter(void)
{
	return counter;
}

u8 cpu_in8(u16 port)
{
	assert_int_equal(port, 0x71);
	return cmos[cmos_index & 63];
}

void cpu_out8(u16 port, u8 v)
{
	assert_int_equal(port, 0x70);
	cmos_index = v;
}

void panic(const char *fmt, ...)
{
	mock_assert(0, "panic", __FILE__, __LINE__);
	abort();
}

static struct timer *fired[64];
static unsigned nfired;

static void note(struct timer *t)
{
	if (nfired < 64)
		fired[nfired] = t;
	nfired++;
}

static void again(struct timer *t)
{
	note(t);
	timer_set(t, 0);
}

static int setup(void **state)
{
	counter = 12345;
	fake_cpus_reset();
	nfired = 0;
	time_init(3000000000ULL);
	return 0;
}

static void the_clock_does_not_overflow(void **state)
{
	counter += 3000000000ULL * 86400 * 365 * 50; /* fifty years */
	assert_in_range(time_ns() / 1000000000, 86400ULL * 365 * 50 - 20, 86400ULL * 365 * 50);
}

static void a_time_is_reached_at_its_counter_value(void **state)
{
	for (u64 ns = 1; ns < 1000000000000000ULL; ns *= 7) {
		counter = time_to_counter(ns);
		assert_true(time_ns() >= ns);
		assert_true(time_ns() - ns <= 10 + ns / 100000000);
	}
}

static void odd_counters_are_refused(void **state)
{
	expect_assert_failure(time_init(0));
	expect_assert_failure(time_init(~0ULL));
}

static void timers_fire_in_order_and_once(void **state)
{
	struct timer a, b, c;

	timer_init(&a, note, NULL);
	timer_init(&b, note, NULL);
	timer_init(&c, note, NULL);
	timer_set(&a, 300);
	timer_set(&b, 100);
	timer_set(&c, 200);
	assert_int_equal(timers_next(cpu_this()), 100);
	assert_false(timers_run());
	assert_int_equal(nfired, 0);
	timer_set(&a, 50); /* moved */
	timer_cancel(&c);
	assert_false(timer_armed(&c));
	counter += 3000;
	assert_false(timers_run());
	assert_int_equal(nfired, 2);
	assert_ptr_equal(fired[0], &a);
	assert_ptr_equal(fired[1], &b);
	assert_int_equal(timers_next(cpu_this()), ~0ULL);
	assert_false(timers_run());
	assert_int_equal(nfired, 2);
}

static void a_timer_that_is_always_due_does_not_hold_the_loop(void **state)
{
	struct timer t;

	timer_init(&t, again, NULL);
	timer_set(&t, 0);
	assert_true(timers_run());
	assert_in_range(nfired, 1, 64);
	timer_cancel(&t);
}

static struct lock device = LOCK_INIT(LOCK_DEVICE);

static void with_lock(struct timer *t)
{
	assert_true(lock_held(&device));
	note(t);
}

static void a_timer_fires_where_it_was_set_last_with_its_lock(void **state)
{
	struct timer t;

	timer_init(&t, with_lock, &device);
	fake_cpu = 1;
	timer_set(&t, 10);
	assert_int_equal(timers_next(&fake_cpus[1]), 10);
	fake_cpu = 2;
	timer_set(&t, 20);
	assert_int_equal(timers_next(&fake_cpus[1]), ~0ull);
	assert_int_equal(timers_next(&fake_cpus[2]), 20);
	counter += 3000;
	fake_cpu = 1;
	assert_false(timers_run());
	assert_int_equal(nfired, 0);
	fake_cpu = 2;
	assert_false(timers_run());
	assert_int_equal(nfired, 1);
	assert_false(timer_armed(&t));
	assert_false(lock_held(&device));
	timer_set(&t, ~0ull - 1);
	fake_cpu = 0;
	timer_cancel(&t);
	assert_int_equal(timers_next(&fake_cpus[2]), ~0ull);
}

static struct timer other;

/* What another CPU may do between taking a due timer out of the list and having its lock, done by the timer before. */
static void cancels(struct timer *t)
{
	note(t);
	timer_cancel(&other);
}

static void moves(struct timer *t)
{
	note(t);
	timer_set(&other, 1ull << 40);
}

static void a_timer_that_another_moves_or_cancels_does_not_fire(void **state)
{
	struct timer t;

	timer_init(&other, note, NULL);
	timer_init(&t, cancels, NULL);
	timer_set(&t, 1);
	timer_set(&other, 2);
	counter += 3000;
	assert_false(timers_run());
	assert_int_equal(nfired, 1);
	t.fn = moves;
	timer_set(&t, 1);
	timer_set(&other, 2);
	assert_false(timers_run());
	assert_int_equal(nfired, 2);
	assert_true(timer_armed(&other));
	timer_cancel(&other);
}

static unsigned runs;

static void where(struct work *w)
{
	runs += 1 + 100 * fake_cpu;
}

static void work_is_done_where_it_was_queued_first(void **state)
{
	struct work w;

	runs = 0;
	kicked = 0;
	work_init(&w, where);
	work_queue_on(3, &w);
	assert_int_equal(kicked, 3);
	work_queue(&w); /* it waits there already */
	work_run();
	assert_int_equal(runs, 0);
	assert_false(work_pending(&fake_cpus[0]));
	fake_cpu = 3;
	assert_true(work_pending(cpu_this()));
	work_run();
	assert_int_equal(runs, 301);
	work_run();
	assert_int_equal(runs, 301);
}

static void requeue(struct work *w)
{
	runs++;
	work_queue(w);
}

static void count(struct work *w)
{
	runs++;
}

static void work_runs_once_and_its_sequel_in_the_next_round(void **state)
{
	struct work a, b;

	runs = 0;
	work_init(&a, requeue);
	work_init(&b, count);
	work_queue(&a);
	work_queue(&a);
	work_queue(&b);
	work_run();
	assert_int_equal(runs, 2);
	assert_true(work_pending(cpu_this()));
	a.fn = count;
	work_run();
	assert_int_equal(runs, 3);
	assert_false(work_pending(cpu_this()));
}

static void dates_become_seconds(void **state)
{
	assert_int_equal(time_from_date(1970, 1, 1, 0, 0, 0), 0);
	assert_int_equal(time_from_date(2000, 3, 1, 0, 0, 0), 951868800);
	assert_int_equal(time_from_date(2038, 1, 19, 3, 14, 7), 0x7fffffff);
	time_set(rt_arch_clock(NULL));
	assert_int_equal(time_wall(), time_from_date(2024, 2, 29, 23, 34, 59));
	counter += 3000000000ULL * 2;
	assert_in_range(time_wall(), time_from_date(2024, 2, 29, 23, 35, 0), time_from_date(2024, 2, 29, 23, 35, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_clock_does_not_overflow, setup),
		cmocka_unit_test_setup(a_time_is_reached_at_its_counter_value, setup),
		cmocka_unit_test_setup(odd_counters_are_refused, setup),
		cmocka_unit_test_setup(timers_fire_in_order_and_once, setup),
		cmocka_unit_test_setup(a_timer_that_is_always_due_does_not_hold_the_loop, setup),
		cmocka_unit_test_setup(a_timer_fires_where_it_was_set_last_with_its_lock, setup),
		cmocka_unit_test_setup(a_timer_that_another_moves_or_cancels_does_not_fire, setup),
		cmocka_unit_test_setup(work_is_done_where_it_was_queued_first, setup),
		cmocka_unit_test_setup(work_runs_once_and_its_sequel_in_the_next_round, setup),
		cmocka_unit_test_setup(dates_become_seconds, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
