/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_pl011.c: the serial port of the arm64 machine.
 * LINK: guest/vmm/dev/pl011.c guest/vmm/bus.c tests/unit/fake_rt.c
 * CFLAGS: -Ihv/abi/arm64 -Iguest/vmm/arm64
 */
#include "guest/vmm/dev/pl011.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_page.h"
#include "fake_rt.h"

#define BASE 0x9000000u
enum { DR = 0, RSR = 4, FR = 0x18, IBRD = 0x24, FBRD = 0x28, LCR_H = 0x2c, CR = 0x30, IFLS = 0x34 };
enum { IMSC = 0x38, RIS = 0x3c, MIS = 0x40, ICR = 0x44, DMACR = 0x48 };
#define RX 0x10u
#define TX 0x20u
#define RT 0x40u
#define OE 0x400u

static struct vm vm;
static struct pl011 uart;
static struct fake_tty tty;

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
	fake_vm_init(&vm, 0);
	fake_tty_init(&tty);
	assert_int_equal(pl011_init(&uart, &vm, BASE, 1, &tty.tty), OK);
	return 0;
}

static void on(void)
{
	out(IBRD, 13);
	out(FBRD, 1);
	out(LCR_H, 0x70);
	out(CR, 0x301);
}

static void registers_after_reset_are_the_manuals(void **state)
{
	static const u8 id[8] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	assert_int_equal(in(FR)&0xf8, 0x90);
	assert_int_equal(in(CR), 0x300);
	assert_int_equal(in(IFLS), 0x12);
	assert_int_equal(in(RSR) | in(0x20) | in(IBRD) | in(FBRD) | in(LCR_H) | in(IMSC) | in(RIS) | in(DMACR), 0);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(in(0xfe0 + 4 * i), id[i]);
}

static void registers_keep_their_bits(void **state)
{
	static const struct {
		unsigned reg;
		u32 bits;
	} r[] = { { 0x20, 0xff }, { IBRD, 0xffff }, { FBRD, 0x3f },  { LCR_H, 0xff },
		  { CR, 0xff87 }, { IFLS, 0x3f },   { IMSC, 0x7ff }, { DMACR, 7 } };

	for (unsigned i = 0; i < ARRAY_SIZE(r); i++) {
		out(r[i].reg, ~0u);
		assert_int_equal(in(r[i].reg), r[i].bits);
		out(r[i].reg, 0);
		assert_int_equal(in(r[i].reg), 0);
	}
}

static void output_needs_no_setting_up(void **state)
{
	out(DR, 'h');
	bus_write(&vm.mmio, BASE, 1, 'i');
	assert_int_equal(tty.nout, 2);
	assert_memory_equal(tty.out, "hi", 2);
}

static void output_waits_for_room_and_loses_nothing(void **state)
{
	on();
	tty.space = 3;
	for (unsigned i = 0; i < 35; i++) {
		assert_int_equal(in(FR)&0x20, 0);
		out(DR, 'A' + i);
	}
	assert_int_equal(tty.nout, 3);
	assert_int_equal(in(FR)&0xa8, 0x28); /* full, busy */
	fake_tty_room(&tty, 1);
	assert_int_equal(in(FR)&0xa8, 0x08);
	fake_tty_room(&tty, 100);
	assert_int_equal(in(FR)&0xa8, 0x80);
	assert_int_equal(tty.nout, 35);
	for (unsigned i = 0; i < 35; i++)
		assert_int_equal(tty.out[i], 'A' + i);
}

static void a_full_transmitter_interrupts_when_half_has_gone(void **state)
{
	on();
	out(IMSC, TX);
	assert_false(fake.gsi_level[1]); /* not before there was anything */
	tty.space = 0;
	for (unsigned i = 0; i < 32; i++)
		out(DR, 'x');
	assert_false(fake.gsi_level[1]);
	fake_tty_room(&tty, 15);
	assert_false(fake.gsi_level[1]);
	fake_tty_room(&tty, 1);
	assert_true(fake.gsi_level[1]);
	assert_int_equal(in(MIS), TX);
	out(ICR, TX);
	assert_false(fake.gsi_level[1]);
	out(DR, 'y');
	fake_tty_room(&tty, 100);
	assert_true(fake.gsi_level[1]);
}

static void without_fifos_each_character_sent_interrupts(void **state)
{
	out(CR, 0x301);
	out(IMSC, TX);
	out(DR, 'x');
	assert_true(fake.gsi_level[1]);
	tty.space = 0;
	out(DR, 'y');
	assert_false(fake.gsi_level[1]);
	assert_int_equal(in(FR)&0x20, 0x20);
	fake_tty_room(&tty, 1);
	assert_true(fake.gsi_level[1]);
}

static void input_waits_until_the_receiver_is_on(void **state)
{
	assert_int_equal(fake_tty_input(&tty, "abc"), 0);
	assert_int_equal(tty.nread, 0);
	on();
	assert_int_equal(tty.nin, 0);
	assert_int_equal(in(DR), 'a');
	assert_int_equal(bus_read(&vm.mmio, BASE, 1), 'b');
}

static void input_beyond_the_fifo_is_asked_for_again(void **state)
{
	const char *s = "0123456789abcdefghijklmnopqrstuvWXYZ";

	on();
	assert_int_equal(fake_tty_input(&tty, s), 32);
	assert_int_equal(in(FR)&0x50, 0x40);
	for (unsigned i = 0; i < 32; i++) {
		assert_int_equal(tty.nin, 4);
		assert_int_equal(in(DR), s[i]);
	}
	for (unsigned i = 32; i < 36; i++)
		assert_int_equal(in(DR), s[i]);
	assert_int_equal(in(FR)&0x50, 0x10);
}

static void many_characters_interrupt_at_the_level(void **state)
{
	on();
	out(IMSC, RX);
	out(IFLS, 0x02); /* receive: 1/8 */
	fake_tty_input(&tty, "abc");
	assert_false(fake.gsi_level[1]);
	fake_tty_input(&tty, "d");
	assert_true(fake.gsi_level[1]);
	in(DR);
	assert_false(fake.gsi_level[1]);
	fake_tty_input(&tty, "ef");
	assert_true(fake.gsi_level[1]);
	out(ICR, RX);
	assert_false(fake.gsi_level[1]); /* an edge: it does not come by itself again */
	out(IFLS, 0x3a);		 /* reserved: as 7/8 */
	fake_tty_input(&tty, "0123456789012345678901");
	assert_false(fake.gsi_level[1]);
	fake_tty_input(&tty, "0");
	assert_true(fake.gsi_level[1]);
}

static void few_characters_interrupt_by_timeout(void **state)
{
	on();
	out(IMSC, RX | RT);
	fake_tty_input(&tty, "ab");
	fake_advance(200000); /* 32 bits at 115200 baud: 278 us */
	assert_false(fake.gsi_level[1]);
	fake_tty_input(&tty, "c"); /* starts it anew */
	fake_advance(200000);
	assert_false(fake.gsi_level[1]);
	fake_advance(100000);
	assert_int_equal(in(MIS), RT);
	assert_true(fake.gsi_level[1]);
	in(DR);
	in(DR);
	assert_true(fake.gsi_level[1]);
	in(DR);
	assert_false(fake.gsi_level[1]);
}

static void without_fifos_a_character_interrupts_at_once(void **state)
{
	out(CR, 0x301);
	out(IMSC, RX);
	assert_int_equal(fake_tty_input(&tty, "ab"), 1);
	assert_true(fake.gsi_level[1]);
	assert_int_equal(in(DR), 'a');
	assert_true(fake.gsi_level[1]); /* for the next one */
	assert_int_equal(in(DR), 'b');
	assert_false(fake.gsi_level[1]);
}

static void loopback_returns_characters_and_modem_lines(void **state)
{
	assert_int_equal(in(FR)&0x107, 0x07);
	out(CR, 0x381);
	assert_int_equal(in(FR)&0x107, 0);
	assert_int_equal(in(RIS)&0xf, 0xe);
	out(ICR, 0xf);
	out(CR, 0x3f81);
	assert_int_equal(in(FR)&0x107, 0x107);
	assert_int_equal(in(RIS)&0xf, 0xf);
	out(DR, 0x5a);
	assert_int_equal(tty.nout, 0);
	assert_int_equal(in(RIS)&OE, 0);
	out(DR, 0x5b); /* no FIFO: one too many */
	assert_int_equal(in(RIS)&OE, OE);
	assert_int_equal(in(RSR), 8);
	assert_int_equal(in(DR), 0x85a);
	out(RSR, 0);
	assert_int_equal(in(RSR), 0);
	out(DR, 0x5c);
	assert_int_equal(in(DR), 0x5c);
	assert_int_equal(fake_tty_input(&tty, "k"), 0);
	out(CR, 0x301);
	assert_int_equal(in(DR), 'k');
}

static void without_a_tty_output_vanishes(void **state)
{
	static struct pl011 u;
	struct vm other;

	fake_vm_init(&other, 0);
	assert_int_equal(pl011_init(&u, &other, BASE, 1, NULL), OK);
	bus_write(&other.mmio, BASE, 4, 'x');
	assert_int_equal(bus_read(&other.mmio, BASE + FR, 4) & 0x88, 0x80);
	bus_read(&other.mmio, BASE, 4);
}

static void reset_lowers_the_line_and_forgets(void **state)
{
	on();
	out(IMSC, RX);
	fake_tty_input(&tty, "0123456789abcdefgh");
	assert_true(fake.gsi_level[1]);
	pl011_reset(&uart);
	assert_false(fake.gsi_level[1]);
	assert_int_equal(in(FR)&0x10, 0x10);
	fake_advance(1000000000);
	assert_int_equal(in(RIS), 0);
}

static void random_accesses_do_no_harm(void **state)
{
	u32 r = 7;

	for (unsigned i = 0; i < 40000; i++) {
		fake_page_poke(&vm.mmio, BASE, i % 3 ? 0x50 : 0x1000, &r);
		if (i % 5 == 0)
			fake_tty_input(&tty, "hello, world, hello, world, hello, world");
		tty.space = r >> 24;
		tty.nout = 0;
		fake_advance(r >> 18);
	}
	assert_int_equal(fake.gsi_level[1], in(MIS) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(registers_after_reset_are_the_manuals, setup),
		cmocka_unit_test_setup(registers_keep_their_bits, setup),
		cmocka_unit_test_setup(output_needs_no_setting_up, setup),
		cmocka_unit_test_setup(output_waits_for_room_and_loses_nothing, setup),
		cmocka_unit_test_setup(a_full_transmitter_interrupts_when_half_has_gone, setup),
		cmocka_unit_test_setup(without_fifos_each_character_sent_interrupts, setup),
		cmocka_unit_test_setup(input_waits_until_the_receiver_is_on, setup),
		cmocka_unit_test_setup(input_beyond_the_fifo_is_asked_for_again, setup),
		cmocka_unit_test_setup(many_characters_interrupt_at_the_level, setup),
		cmocka_unit_test_setup(few_characters_interrupt_by_timeout, setup),
		cmocka_unit_test_setup(without_fifos_a_character_interrupts_at_once, setup),
		cmocka_unit_test_setup(loopback_returns_characters_and_modem_lines, setup),
		cmocka_unit_test_setup(without_a_tty_output_vanishes, setup),
		cmocka_unit_test_setup(reset_lowers_the_line_and_forgets, setup),
		cmocka_unit_test_setup(random_accesses_do_no_harm, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
