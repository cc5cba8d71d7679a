/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_mc146818.c: the real-time clock and CMOS.
 * LINK: guest/vmm/dev/mc146818.c guest/vmm/bus.c tests/unit/fake_rt.c
 */
#include "guest/vmm/dev/mc146818.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_rt.h"

#define SECOND 1000000000ull

static struct vm vm;
static struct rtc rtc;

static void wr(u8 reg, u8 v)
{
	bus_write(&vm.pio, 0x70, 1, reg);
	bus_write(&vm.pio, 0x71, 1, v);
}

static u8 rd(u8 reg)
{
	bus_write(&vm.pio, 0x70, 1, reg);
	return bus_read(&vm.pio, 0x71, 1);
}

static int setup(void **state)
{
	fake_reset();
	fake.wall = 1709251198; /* Thursday, 2024-02-29 23:59:58 UTC */
	fake_vm_init(&vm, 0);
	assert_int_equal(rtc_init(&rtc, &vm, 0x8000000, 0x40000000, 4), OK);
	return 0;
}

static void assert_time(u8 century, u8 year, u8 month, u8 day, u8 wday, u8 hour, u8 min, u8 sec)
{
	assert_int_equal(rd(0x32), century);
	assert_int_equal(rd(9), year);
	assert_int_equal(rd(8), month);
	assert_int_equal(rd(7), day);
	assert_int_equal(rd(6), wday);
	assert_int_equal(rd(4), hour);
	assert_int_equal(rd(2), min);
	assert_int_equal(rd(0), sec);
}

static void time_goes_over_a_leap_day(void **state)
{
	assert_time(0x20, 0x24, 0x02, 0x29, 5, 0x23, 0x59, 0x58);
	fake_advance(2 * SECOND);
	assert_time(0x20, 0x24, 0x03, 0x01, 6, 0x00, 0x00, 0x00);
	wr(0x0b, 0x06); /* binary */
	fake_advance(15 * 3600 * SECOND + 45 * SECOND);
	assert_time(0x20, 24, 3, 1, 6, 15, 0, 45);
	wr(0x0b, 0x00); /* BCD, 12 hours */
	assert_int_equal(rd(4), 0x83);
}

static void setting_the_time_takes_effect(void **state)
{
	wr(0x0b, 0x82);
	wr(0x32, 0x19);
	wr(9, 0x99);
	wr(8, 0x12);
	wr(7, 0x31);
	wr(4, 0x23);
	wr(2, 0x59);
	wr(0, 0x59);
	fake_advance(5 * SECOND);
	assert_int_equal(rd(0), 0x59); /* SET holds it */
	wr(0x0b, 0x02);
	fake_advance(SECOND);
	assert_time(0x20, 0x00, 0x01, 0x01, 7, 0x00, 0x00, 0x00);
}

static void update_in_progress_shows_before_the_second(void **state)
{
	assert_int_equal(rd(0x0a), 0x26);
	fake_advance(SECOND - 100000);
	assert_int_equal(rd(0x0a), 0xa6);
	fake_advance(100000);
	assert_int_equal(rd(0x0a), 0x26);
}

static void update_interrupt_comes_each_second(void **state)
{
	wr(0x0b, 0x12);
	rd(0x0c);
	fake_advance(SECOND);
	assert_true(fake.gsi_level[8]);
	assert_int_equal(rd(0x0c) & 0x90, 0x90);
	assert_false(fake.gsi_level[8]);
	assert_int_equal(rd(0x0c), 0);
	fake_advance(SECOND);
	assert_int_equal(fake.gsi_edges[8], 2);
}

static void periodic_interrupt_has_its_rate(void **state)
{
	unsigned n = 0;

	wr(0x0b, 0x42); /* 1024 Hz */
	rd(0x0c);
	for (unsigned i = 0; i < 10000; i++) {
		fake_advance(100000);
		n += rd(0x0c) >> 6 & 1;
	}
	assert_in_range(n, 1022, 1025);
	wr(0x0a, 0x20); /* off */
	rd(0x0c);
	fake_advance(SECOND);
	assert_int_equal(rd(0x0c) & 0x40, 0);
}

static void alarm_matches_and_takes_wildcards(void **state)
{
	wr(1, 0x05);
	wr(3, 0xff);
	wr(5, 0xff);
	wr(0x0b, 0x22);
	rd(0x0c);
	fake_advance(6 * SECOND);
	assert_false(fake.gsi_level[8]);
	fake_advance(SECOND);
	assert_true(fake.gsi_level[8]);
	assert_int_equal(rd(0x0c) & 0xa0, 0xa0);
	fake_advance(59 * SECOND);
	assert_false(fake.gsi_level[8]);
	fake_advance(SECOND);
	assert_true(fake.gsi_level[8]);
}

static void flags_can_be_polled_without_interrupts(void **state)
{
	rd(0x0c);
	fake_advance(SECOND);
	assert_int_equal(rd(0x0c) & 0x50, 0x50);
	assert_int_equal(fake.gsi_edges[8], 0);
}

static void cmos_tells_memory_and_cpus(void **state)
{
	assert_int_equal(rd(0x15) | rd(0x16) << 8, 640);
	assert_int_equal(rd(0x34) | rd(0x35) << 8, (0x8000000 - 0x1000000) >> 16);
	assert_int_equal(rd(0x5b) | rd(0x5c) << 8, 0x4000);
	assert_int_equal(rd(0x5f), 3);
	assert_int_equal(rd(0x0d), 0x80);
	wr(0x0d, 0);
	assert_int_equal(rd(0x0d), 0x80);
	wr(0x8f, 0x0a); /* bit 7 is the NMI mask */
	assert_int_equal(rd(0x0f), 0x0a);
}

static void nonsense_does_no_harm(void **state)
{
	u32 r = 3;

	for (unsigned i = 0; i < 3000; i++) {
		r = r * 1664525 + 1013904223;
		wr(r >> 8 & (r & 0x80 ? 15 : 127), r >> 16);
		rd(r >> 9 & 15);
		fake_advance((u64)(r >> 12) * 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(time_goes_over_a_leap_day, setup),
		cmocka_unit_test_setup(setting_the_time_takes_effect, setup),
		cmocka_unit_test_setup(update_in_progress_shows_before_the_second, setup),
		cmocka_unit_test_setup(update_interrupt_comes_each_second, setup),
		cmocka_unit_test_setup(periodic_interrupt_has_its_rate, setup),
		cmocka_unit_test_setup(alarm_matches_and_takes_wildcards, setup),
		cmocka_unit_test_setup(flags_can_be_polled_without_interrupts, setup),
		cmocka_unit_test_setup(cmos_tells_memory_and_cpus, setup),
		cmocka_unit_test_setup(nonsense_does_no_harm, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
