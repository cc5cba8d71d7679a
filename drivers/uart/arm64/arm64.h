/* SPDX-License-Identifier: Apache-2.0 */
/* drivers/uart/arm64/arm64.h: the consoles of arm64 machines; the device tree says which there is. */
#ifndef DRIVERS_UART_ARM64_ARM64_H
#define DRIVERS_UART_ARM64_ARM64_H

#include "drivers/uart/uart.h"

/** Arm's PL011 (DDI 0183), with the speed that firmware has set. */
extern const struct uart_driver uart_pl011;
/** An 8250 or one of its successors in memory, as firmware has set it up. */
extern const struct uart_driver uart_8250;

#endif
