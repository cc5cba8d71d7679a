/* SPDX-License-Identifier: Apache-2.0 */
/* guest/drv/x86/uart.h: the machine's 16550 (PC16550D data sheet), as the host's end of a tty. */
#ifndef GUEST_DRV_UART_H
#define GUEST_DRV_UART_H

#include "guest/drv/serial.h"

struct drv_uart {
	struct serial serial;
	u16 base;      /* I/O port */
	unsigned fifo; /* bytes that an empty transmitter takes */
};

/**
 * Drive the 16550 at port @base, interrupt @irq with @flags, for @tty as serial_start does. Line speed stays as the
 * hypervisor or firmware has set it. ERR_NOENT: nothing answers there.
 */
MUST_CHECK status_t drv_uart_init(struct drv_uart *u, struct tty *tty, u16 base, u32 irq, u32 flags);

#endif
