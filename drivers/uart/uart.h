/* SPDX-License-Identifier: Apache-2.0 */
/* drivers/uart/uart.h: where the hypervisor's own text goes before, and in a panic without, the service VM. */
#ifndef DRIVERS_UART_UART_H
#define DRIVERS_UART_UART_H

#include "hv/abi/types.h"

/* A driver. putc never blocks for ever: a device that does not answer is given up. */
struct uart_driver {
	const char *name;
	void (*init)(void);
	void (*putc)(char c);
};

/** A 16550 at COM1, 115200 8N1 (National Semiconductor PC16550D). */
extern const struct uart_driver uart_ns16550;
/** Port E9h, where Bochs and QEMU's isa-debugcon print; nothing on real machines. */
extern const struct uart_driver uart_debugcon;

#endif
