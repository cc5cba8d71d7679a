/* SPDX-License-Identifier: Apache-2.0 */
/* guest/drv/x86/uart.h: the machine's 16550 (PC16550D data sheet), as the host's end of a tty. */
#ifndef GUEST_DRV_UART_H
#define GUEST_DRV_UART_H

#include "guest/rt/sys.h"
#include "guest/rt/tty.h"

#define UART_TX_RING 4096u /* a power of two */
#define UART_RX_RING 256u

struct drv_uart {
	u16 base; /* I/O port */
	struct tty *tty;
	struct irq_handler irq;
	bool has_irq;
	struct timer timer; /* looks after it without an interrupt, or when one got lost */
	unsigned fifo;	    /* bytes that an empty transmitter takes                  */
	bool starved;	    /* output() took less than offered: room() is owed        */
	u8 ier;
	u32 tx_head, tx_tail; /* free-running */
	u32 rx_head, rx_tail;
	u8 tx[UART_TX_RING];
	u8 rx[UART_RX_RING]; /* what input() did not take yet */
};

/**
 * Drive the 16550 at port @base, ISA interrupt @irq, for @tty (its output and ready are set here; input and room are
 * the user's). Line speed stays as the hypervisor or firmware has set it. ERR_NOENT: nothing answers there.
 */
MUST_CHECK status_t drv_uart_init(struct drv_uart *u, struct tty *tty, u16 base, unsigned irq);
/** Wait, with a bound, until all has left. */
void drv_uart_flush(struct drv_uart *u);

#endif
