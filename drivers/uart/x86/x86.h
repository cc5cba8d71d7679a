/* SPDX-License-Identifier: Apache-2.0 */
/* drivers/uart/x86/x86.h: the consoles of a PC. */
#ifndef DRIVERS_UART_X86_X86_H
#define DRIVERS_UART_X86_X86_H

#include "drivers/uart/uart.h"

/** A 16550: the SPCR's, COM1, or on PCI. */
extern const struct uart_driver uart_ns16550;
/** Port E9h, where Bochs and QEMU's isa-debugcon print; nothing on real machines. */
extern const struct uart_driver uart_debugcon;

#endif
