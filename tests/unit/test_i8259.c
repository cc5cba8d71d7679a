/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_i8259.c: the 8259 pair.
 * LINK: guest/vmm/dev/i8259.c guest/vmm/bus.c tests/unit/fake_rt.c
 */
#include "guest/vmm/dev/i8259.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_rt.h"

static struct vm vm;
static struct pic pic;

static void out(u16 port, u8 v)
{
	bus_write(&vm.pio, port, 1, v);
}

static u8 in(u16 port)
{
	return bus_read(&vm.pio, port, 1);
}

static void init_pics(u8 icw4)
{
	out(0x20, 0x11);
	out(0x21, 0x30);
	out(0x21, 0x04);
	out(0x21, icw4);
	out(0xa0, 0x11);
	out(0xa1, 0x38);
	out(0xa1, 0x02);
	out(0xa1, icw4);
}

static int setup(void **state)
{
	fake_reset();
	fake_vm_init(&vm, 0);
	assert_int_equal(pic_init(&pic, &vm), OK);
	init_pics(0x01);
	return 0;
}

static void pulse(unsigned irq)
{
	pic_set(&pic, irq, true);
	pic_set(&pic, irq, false);
}

static void an_edge_is_told_once_and_acknowledged(void **state)
{
	pulse(3);
	assert_int_equal(fake.nextint, 1);
	assert_int_equal(fake.extint_vcpu, 70);
	assert_true(fake.extint);
	pulse(3);
	assert_int_equal(fake.nextint, 1);
	assert_int_equal(pic_intack(&pic), 0x33);
	assert_false(fake.extint);
	out(0x20, 0x0b);
	assert_int_equal(in(0x20), 0x08);
	out(0x20, 0x20);
	assert_int_equal(in(0x20), 0);
}

static void higher_priority_nests_and_lower_waits(void **state)
{
	pulse(4);
	assert_int_equal(pic_intack(&pic), 0x34);
	pulse(5);
	assert_false(fake.extint);
	pulse(1);
	assert_true(fake.extint);
	assert_int_equal(pic_intack(&pic), 0x31);
	out(0x20, 0x20); /* ends 1 */
	assert_false(fake.extint);
	out(0x20, 0x64); /* ends 4 by name */
	assert_true(fake.extint);
	assert_int_equal(pic_intack(&pic), 0x35);
}

static void slave_goes_through_the_cascade(void **state)
{
	pulse(8);
	pulse(12);
	assert_int_equal(pic_intack(&pic), 0x38);
	out(0xa0, 0x20);
	out(0x20, 0x20);
	assert_true(fake.extint);
	assert_int_equal(pic_intack(&pic), 0x3c);
}

static void two_interrupts_of_the_slave_survive_aeoi(void **state)
{
	init_pics(0x03);
	pulse(9);
	pulse(10);
	assert_int_equal(pic_intack(&pic), 0x39);
	assert_true(fake.extint);
	assert_int_equal(pic_intack(&pic), 0x3a);
	assert_false(fake.extint);
}

static void a_request_that_vanished_is_spurious(void **state)
{
	pulse(3);
	out(0x21, 0xff);
	assert_int_equal(pic_intack(&pic), 0x37);
	out(0x20, 0x0b);
	assert_int_equal(in(0x20), 0);
	assert_int_equal(pic_intack(&pic), 0x37);
}

static void level_pins_follow_the_line(void **state)
{
	out(0x4d1, 0xff);
	assert_int_equal(in(0x4d1), 0xde);
	out(0x4d0, 0xff);
	assert_int_equal(in(0x4d0), 0xf8);
	assert_int_equal(bus_read(&vm.pio, 0x4d0, 2), 0xdef8);
	pic_set(&pic, 11, true);
	assert_int_equal(pic_intack(&pic), 0x3b);
	out(0xa0, 0x20);
	out(0x20, 0x20);
	assert_true(fake.extint); /* still asserted */
	pic_set(&pic, 11, false);
	assert_false(fake.extint);
}

static void special_mask_lets_lower_ones_in(void **state)
{
	pulse(1);
	assert_int_equal(pic_intack(&pic), 0x31);
	pulse(6);
	assert_false(fake.extint);
	out(0x21, 0x02);
	assert_false(fake.extint);
	out(0x20, 0x68);
	assert_true(fake.extint);
	assert_int_equal(pic_intack(&pic), 0x36);
}

static void poll_acknowledges(void **state)
{
	out(0x20, 0x0c);
	assert_int_equal(in(0x20), 0);
	pulse(5);
	out(0x20, 0x0c);
	assert_int_equal(in(0x20), 0x85);
	assert_false(fake.extint);
	pulse(10);
	out(0xa0, 0x0c);
	assert_int_equal(in(0xa0), 0x82);
}

static void rotation_moves_the_lowest_priority(void **state)
{
	pulse(3);
	assert_int_equal(pic_intack(&pic), 0x33);
	out(0x20, 0xa0); /* rotate on EOI: 3 is the lowest now */
	pulse(3);
	pulse(7);
	assert_int_equal(pic_intack(&pic), 0x37);
	out(0x20, 0xc7); /* set priority: 0 is the highest again */
	out(0x20, 0x20);
	assert_int_equal(pic_intack(&pic), 0x33);
}

static void nothing_is_delivered_during_initialisation(void **state)
{
	pulse(3);
	out(0x20, 0x11);
	assert_false(fake.extint);
	pulse(4);
	assert_false(fake.extint);
	assert_int_equal(pic_intack(&pic), 0x37);
}

static void bad_lines_and_random_writes_do_no_harm(void **state)
{
	u32 r = 12345;

	pic_set(&pic, 2, true);
	pic_set(&pic, 16, true);
	pic_set(&pic, ~0u, true);
	assert_int_equal(fake.nextint, 0);
	for (unsigned i = 0; i < 20000; i++) {
		static const u16 port[] = { 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1 };

		r = r * 1664525 + 1013904223;
		bus_write(&vm.pio, port[r >> 8 & 3], 1, r >> 16);
		bus_read(&vm.pio, port[(r >> 12) % 6], 1);
		pic_set(&pic, r >> 20 & 15, r >> 28 & 1);
		assert_in_range(pic_intack(&pic), 0, 255);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_edge_is_told_once_and_acknowledged, setup),
		cmocka_unit_test_setup(higher_priority_nests_and_lower_waits, setup),
		cmocka_unit_test_setup(slave_goes_through_the_cascade, setup),
		cmocka_unit_test_setup(two_interrupts_of_the_slave_survive_aeoi, setup),
		cmocka_unit_test_setup(a_request_that_vanished_is_spurious, setup),
		cmocka_unit_test_setup(level_pins_follow_the_line, setup),
		cmocka_unit_test_setup(special_mask_lets_lower_ones_in, setup),
		cmocka_unit_test_setup(poll_acknowledges, setup),
		cmocka_unit_test_setup(rotation_moves_the_lowest_priority, setup),
		cmocka_unit_test_setup(nothing_is_delivered_during_initialisation, setup),
		cmocka_unit_test_setup(bad_lines_and_random_writes_do_no_harm, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
