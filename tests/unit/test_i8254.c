/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_i8254.c: the 8254 and port 61h.
 * LINK: guest/vmm/dev/i8254.c guest/vmm/bus.c tests/unit/fake_rt.c
 */
#include "guest/vmm/dev/i8254.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_rt.h"

#define TICKS(n) (((n)*1000000000ull + PIT_HZ - 1) / PIT_HZ)

static struct vm vm;
static struct pit pit;

static void out(u16 port, u8 v)
{
	bus_write(&vm.pio, port, 1, v);
}

static u8 in(u16 port)
{
	return bus_read(&vm.pio, port, 1);
}

static u16 in16(u16 port)
{
	u8 lo = in(port);

	return lo | in(port) << 8;
}

static int setup(void **state)
{
	fake_reset();
	fake_vm_init(&vm, 0);
	assert_int_equal(pit_init(&pit, &vm), OK);
	return 0;
}

static void rate_generator_interrupts_without_drift(void **state)
{
	out(0x43, 0x34);
	out(0x40, 11932 & 0xff);
	out(0x40, 11932 >> 8);
	fake.gsi_edges[0] = 0;
	fake_advance(10000000000ull); /* 10 s: 1000 periods and a little less */
	assert_in_range(fake.gsi_edges[0], 999, 1000);
	assert_true(fake.gsi_level[0]);
}

static void a_tiny_count_cannot_flood(void **state)
{
	out(0x43, 0x14);
	out(0x40, 1);
	fake.nirq = 0;
	fake_advance(10000000);
	assert_in_range(fake.nirq, 2, 250);
}

static void terminal_count_interrupts_once(void **state)
{
	out(0x43, 0x30);
	assert_false(fake.gsi_level[0]);
	out(0x40, 0xe8);
	out(0x40, 0x03);
	fake_advance(TICKS(999));
	assert_int_equal(fake.gsi_edges[0], 0);
	fake_advance(TICKS(2));
	assert_int_equal(fake.gsi_edges[0], 1);
	fake_advance(1000000000);
	assert_int_equal(fake.gsi_edges[0], 1);
	out(0x43, 0xe2); /* read back the status of channel 0 */
	assert_int_equal(in(0x40), 0x80 | 0x30);
}

static void latch_holds_while_the_count_goes_on(void **state)
{
	out(0x43, 0xb4);
	out(0x61, 0x01);
	out(0x42, 0x00);
	out(0x42, 0x10);
	fake_advance(TICKS(96));
	out(0x43, 0x80);
	fake_advance(TICKS(100));
	out(0x43, 0x80); /* ignored: the first is not read yet */
	assert_int_equal(in16(0x42), 0x1000 - 96);
	assert_in_range(in16(0x42), 0x1000 - 198, 0x1000 - 196);
}

static void read_back_gives_status_then_count(void **state)
{
	out(0x61, 0x01);
	out(0x43, 0xb6);
	out(0x43, 0xe8);
	assert_int_equal(in(0x42), 0xf6); /* OUT high, null count, mode 3 */
	out(0x42, 0x00);
	out(0x42, 0x01);
	out(0x43, 0xc8);
	assert_int_equal(in(0x42), 0xb6);
	assert_int_equal(in16(0x42), 0x100);
}

static void bcd_counts_in_decimal(void **state)
{
	out(0x61, 0x01);
	out(0x43, 0xb1);
	out(0x42, 0x00);
	out(0x42, 0x10); /* 1000 */
	fake_advance(TICKS(1));
	assert_int_equal(in16(0x42), 0x0999);
	out(0x42, 0xff); /* digits that are none */
	out(0x42, 0xff);
	in16(0x42);
}

static void channel_two_follows_its_gate(void **state)
{
	out(0x61, 0x00);
	out(0x43, 0xb0);
	out(0x42, 100);
	out(0x42, 0);
	fake_advance(TICKS(500));
	assert_int_equal(in(0x61) & 0x21, 0);
	out(0x61, 0x01);
	fake_advance(TICKS(50));
	assert_int_equal(in(0x61) & 0x21, 0x01);
	out(0x61, 0x00); /* suspended */
	fake_advance(TICKS(500));
	assert_int_equal(in16(0x42), 50);
	out(0x61, 0x01);
	fake_advance(TICKS(51));
	assert_int_equal(in(0x61) & 0x21, 0x21);
}

static void one_shot_starts_at_the_gate(void **state)
{
	out(0x43, 0xb2);
	out(0x42, 10);
	out(0x42, 0);
	assert_int_equal(in(0x61) & 0x20, 0x20);
	out(0x61, 0x01);
	assert_int_equal(in(0x61) & 0x20, 0);
	fake_advance(TICKS(11));
	assert_int_equal(in(0x61) & 0x20, 0x20);
}

static void strobe_is_low_for_one_tick(void **state)
{
	out(0x61, 0x01);
	out(0x43, 0xb8);
	out(0x42, 10);
	out(0x42, 0);
	fake_advance(TICKS(9));
	assert_int_equal(in(0x61) & 0x20, 0x20);
	fake_advance(TICKS(1));
	assert_int_equal(in(0x61) & 0x20, 0);
	fake_advance(TICKS(2));
	assert_int_equal(in(0x61) & 0x20, 0x20);
}

static void refresh_bit_toggles(void **state)
{
	u8 a = in(0x61);

	fake_advance(15085);
	assert_int_equal((a ^ in(0x61)) & 0x10, 0x10);
}

static void random_writes_do_no_harm(void **state)
{
	u32 r = 99;

	for (unsigned i = 0; i < 20000; i++) {
		r = r * 1664525 + 1013904223;
		bus_write(&vm.pio, r & 0x10000 ? 0x61 : 0x40 + (r >> 12 & 3), 1, r >> 20);
		bus_read(&vm.pio, r & 0x20000 ? 0x61 : 0x40 + (r >> 14 & 3), 1);
		fake_advance(r >> 16);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(rate_generator_interrupts_without_drift, setup),
		cmocka_unit_test_setup(a_tiny_count_cannot_flood, setup),
		cmocka_unit_test_setup(terminal_count_interrupts_once, setup),
		cmocka_unit_test_setup(latch_holds_while_the_count_goes_on, setup),
		cmocka_unit_test_setup(read_back_gives_status_then_count, setup),
		cmocka_unit_test_setup(bcd_counts_in_decimal, setup),
		cmocka_unit_test_setup(channel_two_follows_its_gate, setup),
		cmocka_unit_test_setup(one_shot_starts_at_the_gate, setup),
		cmocka_unit_test_setup(strobe_is_low_for_one_tick, setup),
		cmocka_unit_test_setup(refresh_bit_toggles, setup),
		cmocka_unit_test_setup(random_writes_do_no_harm, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
