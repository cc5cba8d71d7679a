/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_serial.c: the chip, its user and the cases of fake_serial.h. */
#include "fake_serial.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "guest/rt/hypercall.h"
#include "self/insn.h"

struct rt_cpu *rt_cpu(unsigned n)
{
	return &fake_cpus[n];
}

void cpu_kick(unsigned n)
{
	fail();
}

struct fake_serial chip;
struct tty user;
static u64 now;
static status_t attach;
static struct irq_handler *handler;
static char got[512];
static unsigned ngot, max_got, rooms, done;

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

bool chip_has_input(void)
{
	return chip.endless || chip.taken < chip.nin;
}

u8 chip_take(void)
{
	if (chip.endless)
		return 'e';
	return chip.taken < chip.nin ? (u8)chip.in[chip.taken++] : 0;
}

void chip_send(u8 c)
{
	if (chip.in_fifo == FAKE_SERIAL_FIFO)
		chip.lost++;
	else if (!chip.instant)
		chip.in_fifo++;
	assert_in_range(chip.nout, 0, sizeof(chip.out) - 1);
	chip.out[chip.nout++] = (char)c;
}

status_t irq_attach(struct irq_handler *h)
{
	assert_int_equal(h->gsi, driver.irq);
	assert_int_equal(h->flags, driver.flags);
	handler = h;
	return attach;
}

void irq_done(struct irq_handler *h)
{
	done++;
}

static void on_input(struct tty *t)
{
	ngot += (unsigned)tty_read(t, (u8 *)got + ngot, max_got - ngot);
}

static void time_passes(void)
{
	now += 20000000;
	(void)timers_run();
	work_run();
}

static void on_room(struct tty *t)
{
	rooms++;
}

int serial_setup(void **state)
{
	memset(&chip, 0, sizeof(chip));
	memset(&user, 0, sizeof(user));
	user.input = on_input;
	user.room = on_room;
	attach = OK;
	ngot = rooms = done = 0;
	max_got = sizeof(got);
	return driver.init() == OK ? 0 : -1;
}

int serial_teardown(void **state)
{
	fake_cpus_reset();
	return 0;
}

void an_empty_socket_is_left_alone(void **state)
{
	chip.absent = true;
	chip.mask = 0x5;
	assert_int_equal(driver.init(), ERR_NOENT);
	assert_int_equal(chip.mask, 0x5);
}

void output_goes_by_fifos_and_none_is_lost(void **state)
{
	char text[1000];

	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	assert_int_equal(chip.mask, driver.mask_rx);
	assert_int_equal(tty_write(&user, (const u8 *)text, sizeof(text)), sizeof(text));
	assert_int_equal(chip.nout, FAKE_SERIAL_FIFO);
	assert_int_equal(chip.mask, driver.mask_rx_tx);
	for (unsigned i = 0; chip.in_fifo != 0 && i < 1000; i++) {
		chip.in_fifo = 0;
		handler->fn(handler);
		assert_int_equal(done, i + 1);
	}
	assert_int_equal(chip.lost, 0);
	assert_int_equal(chip.nout, sizeof(text));
	assert_memory_equal(chip.out, text, sizeof(text));
	assert_int_equal(chip.mask, driver.mask_rx);
}

void a_full_ring_takes_less_and_says_when_it_has_room(void **state)
{
	static u8 text[SERIAL_TX_RING * 2];

	chip.stuck = true;
	assert_int_equal(tty_write(&user, text, sizeof(text)), SERIAL_TX_RING);
	assert_int_equal(tty_write(&user, text, 1), 0);
	handler->fn(handler);
	assert_int_equal(rooms, 0);
	chip.stuck = false;
	chip.instant = true;
	for (unsigned i = 0; i < SERIAL_TX_RING; i++)
		handler->fn(handler);
	assert_int_equal(rooms, 1);
	assert_int_equal(chip.nout, SERIAL_TX_RING);
}

void a_lost_interrupt_is_made_up_for(void **state)
{
	u8 text[40] = { 0 };

	(void)tty_write(&user, text, sizeof(text));
	for (unsigned i = 0; i < 10; i++) {
		chip.in_fifo = 0;
		time_passes();
	}
	assert_int_equal(chip.nout, 40);
	assert_false(timer_armed(&driver.line->timer));
}

void input_waits_for_its_reader(void **state)
{
	memcpy(chip.in, "0123456789", 10);
	chip.nin = 10;
	max_got = 4;
	handler->fn(handler);
	assert_int_equal(ngot, 4);
	max_got = 100;
	on_input(&user);
	assert_memory_equal(got, "0123456789", 10);
}

void endless_input_does_not_hold_the_program_up(void **state)
{
	chip.endless = true;
	handler->fn(handler);
	assert_in_range(ngot, 1, 256);
	assert_true(timer_armed(&driver.line->timer));
	max_got = ngot;
	for (unsigned i = 0; i < 100; i++) /* nobody reads: more than the ring has no place */
		handler->fn(handler);
	assert_int_equal(driver.line->rx_head - driver.line->rx_tail, SERIAL_RX_RING);
}

void without_an_interrupt_it_polls(void **state)
{
	attach = ERR_BUSY;
	assert_int_equal(driver.init(), OK);
	chip.in[0] = 'x';
	chip.nin = 1;
	time_passes();
	assert_int_equal(ngot, 1);
	assert_true(timer_armed(&driver.line->timer));
}

void flushing_a_dead_line_ends(void **state)
{
	u8 text[40] = { 0 };

	chip.stuck = true;
	(void)tty_write(&user, text, sizeof(text));
	serial_flush(driver.line);
	assert_int_equal(chip.nout, 0);
}

void flushing_sends_all(void **state)
{
	static u8 text[SERIAL_TX_RING];

	chip.stuck = true;
	(void)tty_write(&user, text, sizeof(text));
	chip.stuck = false;
	chip.instant = true;
	serial_flush(driver.line);
	assert_int_equal(chip.nout, sizeof(text));
}
