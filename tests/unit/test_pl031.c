/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_pl031.c: the real-time clock of the arm64 machine.
 * LINK: guest/vmm/dev/pl031.c guest/vmm/bus.c tests/unit/fake_rt.c
 * CFLAGS: -Ihv/abi/arm64 -Iguest/vmm/arm64
 */
#include "guest/vmm/dev/pl031.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_page.h"
#include "fake_rt.h"

#define BASE 0x9010000u
#define SEC  1000000000ull
enum { DR = 0, MR = 4, LR = 8, CR = 12, IMSC = 16, RIS = 20, MIS = 24, ICR = 28 };

static struct vm vm;
static struct pl031 rtc;

static u32 in(unsigned reg)
{
	return (u32)bus_read(&vm.mmio, BASE + reg, 4);
}

static void out(unsigned reg, u32 v)
{
	bus_write(&vm.mmio, BASE + reg, 4, v);
}

static int setup(void **state)
{
	fake_reset();
	fake.wall = 1700000000;
	fake_vm_init(&vm, 0);
	assert_int_equal(pl031_init(&rtc, &vm, BASE, 2), OK);
	return 0;
}

static void it_shows_the_hosts_time_and_goes_on(void **state)
{
	assert_int_equal(in(DR), 1700000000);
	assert_int_equal(in(CR), 1);
	fake_advance(90 * SEC + 1);
	assert_int_equal(in(DR), 1700000090);
	out(CR, 0); /* cannot be stopped */
	assert_int_equal(in(CR), 1);
}

static void the_guest_may_set_it(void **state)
{
	out(LR, 5);
	assert_int_equal(in(LR), 5);
	assert_int_equal(in(DR), 5);
	fake_advance(SEC * 3 / 2);
	assert_int_equal(in(DR), 6);
	out(LR, ~0u);
	fake_advance(SEC);
	assert_int_equal(in(DR), 0);
}

static void the_alarm_comes_at_its_second(void **state)
{
	fake_advance(SEC / 2);
	out(IMSC, 1);
	out(MR, 1700000003);
	assert_int_equal(in(MR), 1700000003);
	fake_advance(SEC * 2 + SEC / 2 - 1);
	assert_int_equal(in(RIS), 0);
	fake_advance(1);
	assert_int_equal(in(DR), 1700000003);
	assert_int_equal(in(RIS), 1);
	assert_int_equal(in(MIS), 1);
	assert_true(fake.gsi_level[2]);
	out(ICR, 1);
	assert_false(fake.gsi_level[2]);
	assert_int_equal(in(RIS), 0);
	fake_advance(100 * SEC);
	assert_int_equal(in(RIS), 0);
}

static void a_masked_alarm_is_raw_only(void **state)
{
	out(MR, 1700000001);
	fake_advance(2 * SEC);
	assert_int_equal(in(RIS), 1);
	assert_int_equal(in(MIS), 0);
	assert_int_equal(fake.nirq, 0);
	out(IMSC, 1);
	assert_true(fake.gsi_level[2]);
	out(IMSC, 0);
	assert_false(fake.gsi_level[2]);
}

static void an_alarm_for_now_comes_at_once_and_one_for_the_past_does_not(void **state)
{
	out(IMSC, 1);
	out(MR, 1699999999);
	fake_advance(10 * SEC);
	assert_false(fake.gsi_level[2]);
	out(MR, 1700000010);
	assert_true(fake.gsi_level[2]);
}

static void setting_the_time_moves_the_alarm(void **state)
{
	out(IMSC, 1);
	out(MR, 1700000100);
	out(LR, 1700000098);
	fake_advance(2 * SEC);
	assert_true(fake.gsi_level[2]);
}

static void identification_is_a_pl031s(void **state)
{
	static const u8 id[8] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(in(0xfe0 + 4 * i), id[i]);
}

static void reset_takes_the_alarm_but_not_the_time(void **state)
{
	out(IMSC, 1);
	out(MR, 1700000001);
	fake_advance(SEC);
	assert_true(fake.gsi_level[2]);
	pl031_reset(&rtc);
	assert_false(fake.gsi_level[2]);
	assert_int_equal(in(DR), 1700000001);
	out(MR, 1700000005);
	pl031_reset(&rtc);
	fake_advance(10 * SEC);
	assert_int_equal(in(RIS), 0);
}

static void random_accesses_do_no_harm(void **state)
{
	u32 r = 11;

	for (unsigned i = 0; i < 20000; i++) {
		fake_page_poke(&vm.mmio, BASE, i % 2 ? 0x30 : 0x1000, &r);
		fake_advance(r);
	}
	assert_int_equal(fake.gsi_level[2], in(MIS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(it_shows_the_hosts_time_and_goes_on, setup),
		cmocka_unit_test_setup(the_guest_may_set_it, setup),
		cmocka_unit_test_setup(the_alarm_comes_at_its_second, setup),
		cmocka_unit_test_setup(a_masked_alarm_is_raw_only, setup),
		cmocka_unit_test_setup(an_alarm_for_now_comes_at_once_and_one_for_the_past_does_not, setup),
		cmocka_unit_test_setup(setting_the_time_moves_the_alarm, setup),
		cmocka_unit_test_setup(identification_is_a_pl031s, setup),
		cmocka_unit_test_setup(reset_takes_the_alarm_but_not_the_time, setup),
		cmocka_unit_test_setup(random_accesses_do_no_harm, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
