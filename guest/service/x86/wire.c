/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/x86/wire.c: a PC's serial line is the 16550 at COM1. */
#include "guest/service/wire.h"

#include "guest/drv/x86/uart.h"

#define WIRE_COM1_PORT 0x3f8
#define WIRE_COM1_IRQ  4

static struct drv_uart wire_uart;

bool wire_init(struct tty *tty, const struct boot_info *boot)
{
	return drv_uart_init(&wire_uart, tty, WIRE_COM1_PORT, WIRE_COM1_IRQ) == OK;
}

void wire_flush(void)
{
	serial_flush(&wire_uart.serial);
}
