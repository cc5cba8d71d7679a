/* SPDX-License-Identifier: Apache-2.0 */
/* drivers/uart/debugcon.c: the debug port of emulators. */
#include "arch/iface/io.h"
#include "drivers/uart/uart.h"

#define PORT 0xe9

static void debugcon_init(void)
{
}

static void debugcon_putc(char c)
{
	arch_io_write8(PORT, (u8)c);
}

const struct uart_driver uart_debugcon = { .name = "port E9", .init = debugcon_init, .putc = debugcon_putc };
