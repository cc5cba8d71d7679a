/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_rt_uart.c: the driver of the machine's 16550 on a fake chip.
 * LINK: guest/drv/x86/uart.c guest/rt/timer.c
 */
#include "guest/drv/x86/uart.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "guest/rt/hypercall.h"
#include "self/insn.h"

/* The chip: a transmit FIFO that empties when the test says so, and a queue of received bytes. */
static struct {
	bool absent, stuck, instant;
	u8 ier, scr;
	unsigned in_fifo, lost;
	char out[8192];
	unsigned nout;
	char in[256];
	unsigned nin, taken;
} chip;
static u64 now;
static status_t attach;
static struct irq_handler *handler;
static struct drv_uart uart;
static struct tty user;
static char got[512];
static unsigned ngot, max_got, rooms;

void panic(const char *fmt, ...)
{
	mock_assert(0, "panic", __FILE__, __LINE__);
	abort();
}

u64 cpu_counter(void)
{
	return now;
}

u64 time_ns(void)
{
	return now;
}

u8 cpu_in8(u16 port)
{
	if (chip.absent)
		return 0xff;
	switch (port - 0x3f8) {
	case 0: return chip.taken < chip.nin ? (u8)chip.in[chip.taken++] : 0;
	case 2: return 0xc0 | (chip.taken < chip.nin || (chip.in_fifo == 0 && (chip.ier & 2)) ? 4 : 1);
	case 5: return (u8)((chip.taken < chip.nin) | (chip.in_fifo == 0 && !chip.stuck ? 0x60 : 0));
	case 7: return chip.scr;
	default: return 0;
	}
}

void cpu_out8(u16 port, u8 v)
{
	switch (port - 0x3f8) {
	case 0:
		if (chip.in_fifo == 16)
			chip.lost++;
		else if (!chip.instant)
			chip.in_fifo++;
		assert_in_range(chip.nout, 0, sizeof(chip.out) - 1);
		chip.out[chip.nout++] = (char)v;
		break;
	case 1: chip.ier = v; break;
	case 7: chip.scr = v; break;
	default: break;
	}
}

status_t irq_attach(struct irq_handler *h)
{
	assert_int_equal(h->gsi, 4);
	assert_int_equal(h->flags, IRQ_ISA);
	handler = h;
	return attach;
}

void irq_done(struct irq_handler *h)
{
}

static size_t on_input(struct tty *t, const u8 *buf, size_t len)
{
	size_t n = MIN(len, (size_t)(max_got - ngot));

	memcpy(got + ngot, buf, n);
	ngot += (unsigned)n;
	return n;
}

static void on_room(struct tty *t)
{
	rooms++;
}

static int setup(void **state)
{
	memset(&chip, 0, sizeof(chip));
	memset(&user, 0, sizeof(user));
	user.input = on_input;
	user.room = on_room;
	attach = OK;
	ngot = rooms = 0;
	max_got = sizeof(got);
	return drv_uart_init(&uart, &user, 0x3f8, 4) == OK ? 0 : -1;
}

static int teardown(void **state)
{
	timer_cancel(&uart.timer);
	return 0;
}

static void an_empty_socket_is_noticed(void **state)
{
	struct drv_uart u;

	chip.absent = true;
	assert_int_equal(drv_uart_init(&u, &user, 0x3f8, 4), ERR_NOENT);
}

static void output_goes_by_fifos_and_none_is_lost(void **state)
{
	char text[1000];

	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	assert_int_equal(tty_write(&user, (const u8 *)text, sizeof(text)), sizeof(text));
	assert_int_equal(chip.nout, 16);
	assert_int_equal(chip.ier, 3);
	while (chip.in_fifo != 0) {
		chip.in_fifo = 0;
		handler->fn(handler);
	}
	assert_int_equal(chip.lost, 0);
	assert_int_equal(chip.nout, sizeof(text));
	assert_memory_equal(chip.out, text, sizeof(text));
	assert_int_equal(chip.ier, 1);
}

static void a_full_ring_takes_less_and_says_when_it_has_room(void **state)
{
	static u8 text[UART_TX_RING * 2];

	chip.stuck = true;
	assert_int_equal(tty_write(&user, text, sizeof(text)), UART_TX_RING);
	assert_int_equal(tty_write(&user, text, 1), 0);
	handler->fn(handler);
	assert_int_equal(rooms, 0);
	chip.stuck = false;
	chip.instant = true;
	for (unsigned i = 0; i < UART_TX_RING; i++)
		handler->fn(handler);
	assert_int_equal(rooms, 1);
}

static void a_lost_interrupt_is_made_up_for(void **state)
{
	u8 text[40] = { 0 };

	(void)tty_write(&user, text, sizeof(text));
	for (unsigned i = 0; i < 10; i++) {
		chip.in_fifo = 0;
		now += 20000000;
		(void)timers_run();
	}
	assert_int_equal(chip.nout, 40);
	assert_false(timer_armed(&uart.timer));
}

static void input_waits_for_its_reader(void **state)
{
	memcpy(chip.in, "0123456789", 10);
	chip.nin = 10;
	max_got = 4;
	handler->fn(handler);
	assert_int_equal(ngot, 4);
	max_got = 100;
	tty_ready(&user);
	assert_memory_equal(got, "0123456789", 10);
}

static void without_an_interrupt_it_polls(void **state)
{
	struct drv_uart u;

	attach = ERR_BUSY;
	assert_int_equal(drv_uart_init(&u, &user, 0x3f8, 4), OK);
	chip.in[0] = 'x';
	chip.nin = 1;
	now += 20000000;
	(void)timers_run();
	assert_int_equal(ngot, 1);
	assert_true(timer_armed(&u.timer));
	timer_cancel(&u.timer);
}

static void flushing_a_dead_line_ends(void **state)
{
	u8 text[40] = { 0 };

	chip.stuck = true;
	(void)tty_write(&user, text, sizeof(text));
	drv_uart_flush(&uart);
	assert_int_equal(chip.nout, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_empty_socket_is_noticed, setup, teardown),
		cmocka_unit_test_setup_teardown(output_goes_by_fifos_and_none_is_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_ring_takes_less_and_says_when_it_has_room, setup, teardown),
		cmocka_unit_test_setup_teardown(a_lost_interrupt_is_made_up_for, setup, teardown),
		cmocka_unit_test_setup_teardown(input_waits_for_its_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(without_an_interrupt_it_polls, setup, teardown),
		cmocka_unit_test_setup_teardown(flushing_a_dead_line_ends, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
