/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_rt_pl011.c: the driver of the machine's PL011 on a fake chip.
 * CFLAGS: -Ihv/abi/arm64 -Iguest/rt/arm64 -Iguest/vmm/arm64
 * LINK: guest/drv/arm64/pl011.c guest/rt/timer.c
 */
#include "guest/drv/arm64/pl011.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "guest/rt/hypercall.h"
#include "self/insn.h"

#define BASE 0x123456789000ULL
#define IRQ  33
#define FIFO 16

/* The chip: a transmit FIFO that empties when the test says so, and a queue of received bytes. */
static struct {
	bool absent, stuck, instant;
	u32 imsc, raw, cr, lcr;
	unsigned in_fifo, lost, changed_on;
	char out[16384];
	unsigned nout;
	char in[256];
	unsigned nin, taken;
	bool endless; /* there is always one more */
} chip;
static u64 now;
static status_t attach;
static struct irq_handler *handler;
static struct drv_pl011 uart;
static struct tty user;
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

u32 cpu_read32(u64 addr)
{
	bool rx = chip.endless || chip.taken < chip.nin;

	assert_in_range(addr, BASE, BASE + 0xffc);
	if (chip.absent)
		return 0xffffffff;
	switch (addr - BASE) {
	case 0x00:
		if (chip.endless)
			return 'e';
		return chip.taken < chip.nin ? 0xf00u | (u8)chip.in[chip.taken++] : 0; /* with errors of the line */
	case 0x18:
		return (rx ? 0u : 0x10u) | (chip.in_fifo == FIFO || chip.stuck ? 0x20u : 0u) |
		       (chip.in_fifo != 0 || chip.stuck ? 0x08u : 0x80u);
	case 0x2c: return chip.lcr;
	case 0x30: return chip.cr;
	case 0x38: return chip.imsc;
	case 0xfe0: return 0x11;
	case 0xfe4: return 0x10;
	default: return 0;
	}
}

void cpu_write32(u64 addr, u32 v)
{
	assert_in_range(addr, BASE, BASE + 0xffc);
	switch (addr - BASE) {
	case 0x00:
		if (chip.in_fifo == FIFO)
			chip.lost++;
		else if (!chip.instant)
			chip.in_fifo++;
		assert_in_range(chip.nout, 0, sizeof(chip.out) - 1);
		chip.out[chip.nout++] = (char)v;
		break;
	case 0x2c:
		if (chip.cr & 1)
			chip.changed_on++;
		chip.lcr = v;
		break;
	case 0x30: chip.cr = v; break;
	case 0x38: chip.imsc = v; break;
	default: break;
	}
}

u8 cpu_read8(u64 addr)
{
	fail_msg("a PL011 takes accesses of its registers' width");
	return 0;
}

void cpu_write8(u64 addr, u8 v)
{
	(void)cpu_read8(addr);
}

status_t irq_attach(struct irq_handler *h)
{
	assert_int_equal(h->gsi, IRQ);
	assert_int_equal(h->flags, IRQ_LEVEL);
	handler = h;
	return attach;
}

void irq_done(struct irq_handler *h)
{
	done++;
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
	chip.cr = 0x301;
	chip.lcr = 0x70;
	attach = OK;
	ngot = rooms = done = 0;
	max_got = sizeof(got);
	return drv_pl011_init(&uart, &user, BASE, IRQ) == OK ? 0 : -1;
}

static int teardown(void **state)
{
	timer_cancel(&uart.timer);
	return 0;
}

static void what_is_no_pl011_is_left_alone(void **state)
{
	struct drv_pl011 u;

	chip.absent = true;
	chip.imsc = 0x5;
	assert_int_equal(drv_pl011_init(&u, &user, BASE, IRQ), ERR_NOENT);
	assert_int_equal(chip.imsc, 0x5);
}

static void a_line_that_firmware_has_set_up_stays_so(void **state)
{
	assert_int_equal(chip.lcr, 0x70);
	assert_int_equal(chip.cr, 0x301);
	assert_int_equal(chip.imsc, 0x50);
}

static void fifos_are_turned_on_while_it_is_off(void **state)
{
	struct drv_pl011 u;

	chip.lcr = 0;
	chip.cr = 0xc301;
	assert_int_equal(drv_pl011_init(&u, &user, BASE, IRQ), OK);
	assert_int_equal(chip.lcr, 0x70);
	assert_int_equal(chip.changed_on, 0);
	assert_int_equal(chip.cr, 0xc301);
}

static void output_goes_by_fifos_and_none_is_lost(void **state)
{
	char text[1000];

	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	assert_int_equal(tty_write(&user, (const u8 *)text, sizeof(text)), sizeof(text));
	assert_int_equal(chip.nout, FIFO);
	assert_int_equal(chip.imsc, 0x70);
	for (unsigned i = 0; chip.in_fifo != 0 && i < 1000; i++) {
		chip.in_fifo = 0;
		handler->fn(handler);
		assert_int_equal(done, i + 1);
	}
	assert_int_equal(chip.lost, 0);
	assert_int_equal(chip.nout, sizeof(text));
	assert_memory_equal(chip.out, text, sizeof(text));
	assert_int_equal(chip.imsc, 0x50);
}

static void a_full_ring_takes_less_and_says_when_it_has_room(void **state)
{
	static u8 text[PL011_TX_RING * 2];

	chip.stuck = true;
	assert_int_equal(tty_write(&user, text, sizeof(text)), PL011_TX_RING);
	assert_int_equal(tty_write(&user, text, 1), 0);
	handler->fn(handler);
	assert_int_equal(rooms, 0);
	chip.stuck = false;
	chip.instant = true;
	for (unsigned i = 0; i < PL011_TX_RING; i++)
		handler->fn(handler);
	assert_int_equal(rooms, 1);
	assert_int_equal(chip.nout, PL011_TX_RING);
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

static void endless_input_does_not_hold_the_program_up(void **state)
{
	chip.endless = true;
	handler->fn(handler);
	assert_in_range(ngot, 1, 100);
	assert_true(timer_armed(&uart.timer));
	max_got = ngot;
	for (unsigned i = 0; i < 100; i++) /* nobody reads: more than the ring has no place */
		handler->fn(handler);
	assert_int_equal(uart.rx_head - uart.rx_tail, PL011_RX_RING);
}

static void without_an_interrupt_it_polls(void **state)
{
	struct drv_pl011 u;

	attach = ERR_BUSY;
	assert_int_equal(drv_pl011_init(&u, &user, BASE, IRQ), OK);
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
	drv_pl011_flush(&uart);
	assert_int_equal(chip.nout, 0);
}

static void flushing_sends_all(void **state)
{
	static u8 text[PL011_TX_RING];

	chip.stuck = true;
	(void)tty_write(&user, text, sizeof(text));
	chip.stuck = false;
	chip.instant = true;
	drv_pl011_flush(&uart);
	assert_int_equal(chip.nout, sizeof(text));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_no_pl011_is_left_alone),
		TEST(a_line_that_firmware_has_set_up_stays_so),
		TEST(fifos_are_turned_on_while_it_is_off),
		TEST(output_goes_by_fifos_and_none_is_lost),
		TEST(a_full_ring_takes_less_and_says_when_it_has_room),
		TEST(a_lost_interrupt_is_made_up_for),
		TEST(input_waits_for_its_reader),
		TEST(endless_input_does_not_hold_the_program_up),
		TEST(without_an_interrupt_it_polls),
		TEST(flushing_a_dead_line_ends),
		TEST(flushing_sends_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
