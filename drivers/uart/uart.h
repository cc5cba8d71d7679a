/* SPDX-License-Identifier: Apache-2.0 */
/* drivers/uart/uart.h: where the hypervisor's own text goes before, and in a panic without, the service VM. */
#ifndef DRIVERS_UART_UART_H
#define DRIVERS_UART_UART_H

#include "hv/abi/boot_info.h"

/* A driver. putc never blocks for ever: a device that does not answer is given up. */
struct uart_driver {
	const char *name;
	/* @bi: what firmware says of the machine; NULL: it has not been asked yet. What the driver finds out by itself
	 * goes in there, for the service VM. */
	void (*init)(struct boot_info *bi);
	void (*putc)(char c);
	/* The hypervisor has its own page tables now: map the registers there. NULL: they are no memory. */
	void (*map)(void);
};

/** The drivers that this architecture's machines may need, NULL behind the last: text goes to all of them. */
extern const struct uart_driver *const uart_drivers[];

#endif
