/* SPDX-License-Identifier: Apache-2.0 */
/* drivers/uart/x86/debugcon.c: the debug port of emulators. */
#include "arch/iface/io.h"
#include "drivers/uart/x86/x86.h"

#define PORT 0xe9

static void debugcon_init(struct boot_info *bi)
{
}

static void debugcon_putc(char c)
{
	arch_io_write8(PORT, (u8)c);
}

const struct uart_driver uart_debugcon = { .name = "port E9", .init = debugcon_init, .putc = debugcon_putc };

const struct uart_driver *const uart_drivers[] = { &uart_ns16550, &uart_debugcon, NULL };
