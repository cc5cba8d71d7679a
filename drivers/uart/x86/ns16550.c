/* SPDX-License-Identifier: Apache-2.0 */
/* drivers/uart/x86/ns16550.c: the 16550 at COM1, 115200 8N1 (National Semiconductor PC16550D), output alone, polled. */
#include "arch/iface/io.h"
#include "drivers/uart/x86/x86.h"

#define COM1	 0x3f8
#define REG_DATA 0 /* THR; with DLAB the divisor's low byte  */
#define REG_IER	 1 /* interrupt enable; divisor's high byte  */
#define REG_FCR	 2
#define REG_LCR	 3
#define REG_MCR	 4
#define REG_LSR	 5
#define LCR_DLAB 0x80
#define LCR_8N1	 0x03
#define FCR_ON	 0x07 /* enable, clear both FIFOs */
#define MCR_RUN	 0x03 /* DTR, RTS                 */
#define LSR_THRE 0x20
#define SPINS	 1000000u /* far longer than a character takes */

static bool ns16550_absent;

static void ns16550_init(const struct boot_info *bi)
{
	arch_io_write8(COM1 + REG_IER, 0);
	arch_io_write8(COM1 + REG_LCR, LCR_DLAB);
	arch_io_write8(COM1 + REG_DATA, 1);
	arch_io_write8(COM1 + REG_IER, 0);
	arch_io_write8(COM1 + REG_LCR, LCR_8N1);
	arch_io_write8(COM1 + REG_FCR, FCR_ON);
	arch_io_write8(COM1 + REG_MCR, MCR_RUN);
}

static void ns16550_putc(char c)
{
	for (unsigned i = 0; !ns16550_absent; i++) {
		u8 lsr = arch_io_read8(COM1 + REG_LSR);

		if (lsr == 0xff || i == SPINS) {
			ns16550_absent = true;
		} else if (lsr & LSR_THRE) {
			arch_io_write8(COM1 + REG_DATA, (u8)c);
			break;
		}
	}
}

const struct uart_driver uart_ns16550 = { .name = "16550", .init = ns16550_init, .putc = ns16550_putc };
