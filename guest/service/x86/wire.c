/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/x86/wire.c: a PC's serial line is the 16550 that the hypervisor has found. */
#include "guest/service/wire.h"

#include "guest/drv/x86/uart.h"
#include "hv/abi/hypercall.h"

#define WIRE_NO_IRQ ~0u /* cannot be had: the line is polled */

static struct drv_uart wire_uart;

bool wire_init(struct tty *tty, const struct boot_info *boot)
{
	const struct boot_serial *s = &boot->platform.serial;
	u32 irq = s->irq_kind == BOOT_IRQ_NONE ? WIRE_NO_IRQ : s->irq;

	return s->port != 0 &&
	       drv_uart_init(&wire_uart, tty, (u16)s->port, irq, s->irq_kind == BOOT_IRQ_ISA ? IRQ_ISA : 0) == OK;
}

void wire_flush(void)
{
	serial_flush(&wire_uart.serial);
}
