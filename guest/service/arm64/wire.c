/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/arm64/wire.c: the serial line is the PL011 that the machine's device tree names. */
#include "guest/service/wire.h"

#include "guest/drv/arm64/pl011.h"

static struct drv_pl011 wire_uart;

bool wire_init(struct tty *tty, const struct boot_info *boot)
{
	const struct boot_platform *p = &boot->platform;

	return p->uart_kind == BOOT_UART_PL011 && drv_pl011_init(&wire_uart, tty, p->uart.base, p->uart_irq) == OK;
}

void wire_flush(void)
{
	serial_flush(&wire_uart.serial);
}
