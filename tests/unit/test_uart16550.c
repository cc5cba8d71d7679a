/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_uart16550.c: the 16550A.
 * LINK: guest/vmm/dev/uart16550.c guest/vmm/bus.c tests/unit/fake_rt.c
 */
#include "guest/vmm/dev/uart16550.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_rt.h"

enum { DATA, IER, FCR, LCR, MCR, LSR, MSR, SCR };

static struct vm vm;
static struct uart uart;
static struct fake_tty tty;

static void out(unsigned reg, u8 v)
{
	bus_write(&vm.pio, 0x3f8 + reg, 1, v);
}

static u8 in(unsigned reg)
{
	return bus_read(&vm.pio, 0x3f8 + reg, 1);
}

static int setup(void **state)
{
	fake_reset();
	fake_vm_init(&vm, 0);
	fake_tty_init(&tty);
	assert_int_equal(uart_init(&uart, &vm, 0x3f8, 4, &tty.tty), OK);
	out(MCR, 0x0b); /* DTR, RTS, OUT2 */
	return 0;
}

static void output_waits_for_room_and_loses_nothing(void **state)
{
	out(FCR, 0x01);
	tty.space = 3;
	for (unsigned i = 0; i < 10; i++)
		out(DATA, 'a' + i);
	assert_int_equal(tty.nout, 3);
	assert_int_equal(in(LSR)&0x60, 0);
	fake_tty_room(&tty, 2);
	assert_int_equal(in(LSR)&0x60, 0);
	fake_tty_room(&tty, 100);
	assert_int_equal(in(LSR)&0x60, 0x60);
	assert_memory_equal(tty.out, "abcdefghij", 10);
}

static void thr_empty_interrupts_at_each_edge(void **state)
{
	out(IER, 0x02);
	assert_true(fake.gsi_level[4]);
	assert_int_equal(in(FCR), 0x02);
	assert_false(fake.gsi_level[4]);
	assert_int_equal(in(FCR), 0x01);
	fake.gsi_edges[4] = 0;
	out(DATA, 'x');
	assert_int_equal(fake.gsi_edges[4], 1);
	tty.space = 0;
	out(DATA, 'y');
	assert_false(fake.gsi_level[4]);
	fake_tty_room(&tty, 1);
	assert_true(fake.gsi_level[4]);
}

static void a_fifo_interrupts_when_it_has_become_empty(void **state)
{
	out(FCR, 0x01);
	out(IER, 0x02);
	assert_int_equal(in(FCR), 0xc2);
	fake.gsi_edges[4] = 0;
	for (unsigned i = 0; i < 16; i++) {
		assert_false(fake.gsi_level[4]);
		out(DATA, 'x');
		assert_int_equal(in(LSR)&0x60, 0x60);
	}
	assert_int_equal(tty.nout, 16);
	assert_true(fake.gsi_level[4]);
	assert_int_equal(fake.gsi_edges[4], 1);
	assert_int_equal(in(FCR), 0xc2);
	fake_advance(1000000);
	assert_false(fake.gsi_level[4]); /* told already */
	out(DATA, 'y');
	out(DATA, 'z');
	assert_false(fake.gsi_level[4]);
	assert_int_equal(in(FCR), 0xc1);
	fake_advance(100000);
	assert_true(fake.gsi_level[4]);
	out(DATA, 'y'); /* takes the interrupt back until this one, too, is out */
	assert_false(fake.gsi_level[4]);
	out(IER, 0x00);
	fake_advance(100000);
	assert_false(fake.gsi_level[4]);
	out(IER, 0x02);
	assert_true(fake.gsi_level[4]);
}

static void a_fifo_that_waits_for_room_interrupts_when_all_is_out(void **state)
{
	out(FCR, 0x01);
	out(IER, 0x02);
	in(FCR);
	tty.space = 4;
	for (unsigned i = 0; i < 8; i++)
		out(DATA, 'x');
	fake_advance(150000);
	assert_false(fake.gsi_level[4]);
	fake_tty_room(&tty, 4);
	fake_advance(100000);
	assert_true(fake.gsi_level[4]);
	assert_int_equal(tty.nout, 8);
}

static void input_beyond_the_fifo_is_asked_for_again(void **state)
{
	out(FCR, 0x01);
	assert_int_equal(fake_tty_input(&tty, "0123456789abcdefXYZ"), 16);
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(tty.nin, 3);
		assert_int_equal(in(LSR)&1, 1);
		assert_int_equal(in(DATA), "0123456789abcdef"[i]);
	}
	assert_int_equal(tty.nin, 0);
	assert_int_equal(in(DATA), 'X');
	assert_int_equal(in(DATA), 'Y');
	assert_int_equal(in(DATA), 'Z');
	assert_int_equal(in(LSR)&1, 0);
}

static void few_characters_interrupt_by_timeout(void **state)
{
	out(FCR, 0xc1); /* trigger at 14 */
	out(IER, 0x01);
	fake_tty_input(&tty, "ab");
	assert_false(fake.gsi_level[4]);
	fake_advance(20000000);
	assert_true(fake.gsi_level[4]);
	assert_int_equal(in(FCR), 0xcc);
	in(DATA);
	assert_false(fake.gsi_level[4]);
	fake_tty_input(&tty, "0123456789abcd");
	assert_int_equal(in(FCR), 0xc4);
}

static void loopback_returns_bytes_and_modem_lines(void **state)
{
	out(MCR, 0x10);
	in(MSR);
	out(DATA, 0x5a);
	assert_int_equal(tty.nout, 0);
	assert_int_equal(in(DATA), 0x5a);
	out(MCR, 0x1a); /* RTS, OUT2 */
	assert_int_equal(in(MSR), 0x90 | 0x09);
	assert_int_equal(in(MSR), 0x90);
	out(DATA, 1);
	out(DATA, 2); /* no FIFO: one too many */
	assert_int_equal(in(LSR)&2, 2);
	assert_int_equal(in(LSR)&2, 0);
	assert_int_equal(fake_tty_input(&tty, "k"), 0);
	in(DATA);
	out(MCR, 0x0b);
	assert_int_equal(in(DATA), 'k');
}

static void ring_indicator_tells_of_its_end_only(void **state)
{
	out(MCR, 0x10);
	in(MSR);
	out(MCR, 0x14);
	assert_int_equal(in(MSR), 0x40);
	out(MCR, 0x10);
	assert_int_equal(in(MSR), 0x04);
}

static void interrupts_pass_only_with_out2(void **state)
{
	out(MCR, 0x03);
	out(IER, 0x02);
	assert_false(fake.gsi_level[4]);
	out(MCR, 0x0b);
	assert_true(fake.gsi_level[4]);
}

static void divisor_hides_behind_dlab(void **state)
{
	out(LCR, 0x83);
	out(DATA, 0x34);
	out(IER, 0x12);
	assert_int_equal(in(DATA), 0x34);
	assert_int_equal(in(IER), 0x12);
	out(LCR, 0x03);
	assert_int_equal(in(IER), 0);
	assert_int_equal(tty.nout, 0);
	out(SCR, 0xa5);
	assert_int_equal(in(SCR), 0xa5);
}

static void without_a_tty_output_vanishes(void **state)
{
	struct vm other;
	static struct uart u;

	fake_vm_init(&other, 0);
	assert_int_equal(uart_init(&u, &other, 0x2f8, 3, NULL), OK);
	bus_write(&other.pio, 0x2f8, 1, 'x');
	assert_int_equal(bus_read(&other.pio, 0x2fd, 1), 0x60);
	bus_read(&other.pio, 0x2f8, 1);
}

static void random_accesses_do_no_harm(void **state)
{
	u32 r = 7;

	for (unsigned i = 0; i < 20000; i++) {
		r = r * 1664525 + 1013904223;
		out(r >> 8 & 7, r >> 16);
		in(r >> 12 & 7);
		if (i % 3 == 0)
			fake_tty_input(&tty, "hello, world, hello, world");
		tty.space = r >> 24;
		tty.nout = 0;
		fake_advance(r >> 18);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(output_waits_for_room_and_loses_nothing, setup),
		cmocka_unit_test_setup(thr_empty_interrupts_at_each_edge, setup),
		cmocka_unit_test_setup(a_fifo_interrupts_when_it_has_become_empty, setup),
		cmocka_unit_test_setup(a_fifo_that_waits_for_room_interrupts_when_all_is_out, setup),
		cmocka_unit_test_setup(input_beyond_the_fifo_is_asked_for_again, setup),
		cmocka_unit_test_setup(few_characters_interrupt_by_timeout, setup),
		cmocka_unit_test_setup(loopback_returns_bytes_and_modem_lines, setup),
		cmocka_unit_test_setup(ring_indicator_tells_of_its_end_only, setup),
		cmocka_unit_test_setup(interrupts_pass_only_with_out2, setup),
		cmocka_unit_test_setup(divisor_hides_behind_dlab, setup),
		cmocka_unit_test_setup(without_a_tty_output_vanishes, setup),
		cmocka_unit_test_setup(random_accesses_do_no_harm, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
