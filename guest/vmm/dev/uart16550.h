/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/uart16550.h: a 16550A serial port between a guest and a struct tty (PC16550D data sheet). */
#ifndef GUEST_VMM_DEV_UART16550_H
#define GUEST_VMM_DEV_UART16550_H

#include "guest/rt/tty.h"
#include "guest/vmm/dev/fifo.h"
#include "guest/vmm/vm.h"

#define UART_FIFO 16
static_assert(UART_FIFO <= FIFO_MAX, "it fits");

struct uart {
	struct vm *vm;
	struct lock lock;
	struct tty *tty; /* NULL: nothing is plugged in */
	unsigned irq;
	bool irq_level;
	u8 ier, fcr, lcr, mcr, lsr, msr, scr;
	u16 divisor;
	struct fifo rx, tx;
	bool thr_event;	 /* THR became empty and nobody has been told */
	bool rx_timeout; /* characters lie below the trigger level    */
	bool refused;	 /* the host end may have more input          */
	unsigned sent;	 /* since THRE last interrupted: the FIFO is not yet empty */
	struct timer timer, tx_timer;
	struct bus_region port;
};

/** Put a port at I/O @base with ISA interrupt @irq; @tty (or NULL) gets its guest's end set. */
MUST_CHECK status_t uart_init(struct uart *u, struct vm *vm, u16 base, unsigned irq, struct tty *tty);
void uart_reset(struct uart *u);

#endif
