/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_serial.h: a chip with FIFOs and a user for guest/drv/serial.c, and the cases that every driver has to
 * stand. The driver's test puts the chip behind its registers. */
#ifndef FAKE_SERIAL_H
#define FAKE_SERIAL_H

#include "guest/drv/serial.h"

#define FAKE_SERIAL_FIFO 16

/* The chip: a transmit FIFO that empties when the test says so, and a queue of received bytes. */
struct fake_serial {
	bool absent, stuck, instant;
	bool endless; /* there is always one more to receive */
	u32 mask;     /* interrupts that are enabled, as the register has it */
	unsigned in_fifo, lost;
	char out[16384];
	unsigned nout;
	char in[256];
	unsigned nin, taken;
};
extern struct fake_serial chip;
bool chip_has_input(void);
u8 chip_take(void);
void chip_send(u8 c);

extern struct tty user;

/* What the test of a driver provides. */
struct fake_serial_driver {
	struct serial *line;
	status_t (*init)(void); /* drive @line for @user */
	u32 irq, flags;
	u32 mask_rx, mask_rx_tx; /* chip.mask when it waits for input, and when for room as well */
};
extern const struct fake_serial_driver driver;

int serial_setup(void **state);
int serial_teardown(void **state);
void an_empty_socket_is_left_alone(void **state);
void output_goes_by_fifos_and_none_is_lost(void **state);
void a_full_ring_takes_less_and_says_when_it_has_room(void **state);
void a_lost_interrupt_is_made_up_for(void **state);
void input_waits_for_its_reader(void **state);
void endless_input_does_not_hold_the_program_up(void **state);
void without_an_interrupt_it_polls(void **state);
void flushing_a_dead_line_ends(void **state);
void flushing_sends_all(void **state);

#define SERIAL_TEST(f) cmocka_unit_test_setup_teardown(f, serial_setup, serial_teardown)
#define SERIAL_TESTS                                                                                                 \
	SERIAL_TEST(an_empty_socket_is_left_alone), SERIAL_TEST(output_goes_by_fifos_and_none_is_lost),              \
		SERIAL_TEST(a_full_ring_takes_less_and_says_when_it_has_room),                                       \
		SERIAL_TEST(a_lost_interrupt_is_made_up_for), SERIAL_TEST(input_waits_for_its_reader),               \
		SERIAL_TEST(endless_input_does_not_hold_the_program_up), SERIAL_TEST(without_an_interrupt_it_polls), \
		SERIAL_TEST(flushing_a_dead_line_ends), SERIAL_TEST(flushing_sends_all)

#endif
