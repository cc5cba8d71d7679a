/* SPDX-License-Identifier: Apache-2.0 */
/* drivers/uart/arm64/pl011.c: Arm's PL011 (DDI 0183, chapter 3), output alone, polled. */
#include "arch/iface/io.h"
#include "arch/iface/mem.h"
#include "drivers/uart/arm64/arm64.h"
#include "hv/lib/util.h"

#define UARTDR	  0x00
#define UARTFR	  0x18
#define UARTLCR_H 0x2c
#define UARTCR	  0x30
#define UARTIMSC  0x38
#define FR_TXFF	  BIT(5)
#define LCR_H_8N1 (BITS(6, 5) | BIT(4)) /* 8 bits, FIFOs on */
#define CR_UARTEN BIT(0)
#define CR_TXE	  BIT(8)
#define CR_RXE	  BIT(9)
#define SPINS	  1000000u /* far longer than a character takes */

static u64 pl011_base; /* 0: none, or given up */

static void pl011_init(struct boot_info *bi)
{
	u32 cr;

	pl011_base = 0;
	if (!bi || bi->platform.uart_kind != BOOT_UART_PL011)
		return;
	pl011_base = (u64)arch_ptr(bi->platform.uart.base);
	io_write32(pl011_base + UARTIMSC, 0);
	cr = io_read32(pl011_base + UARTCR);
	if ((cr & CR_UARTEN) && (cr & CR_TXE))
		return;
	io_write32(pl011_base + UARTLCR_H, LCR_H_8N1);
	io_write32(pl011_base + UARTCR, CR_UARTEN | CR_TXE | CR_RXE);
}

static void pl011_putc(char c)
{
	for (unsigned i = 0; pl011_base != 0; i++) {
		if (i == SPINS) {
			pl011_base = 0;
		} else if (!(io_read32(pl011_base + UARTFR) & FR_TXFF)) {
			io_write32(pl011_base + UARTDR, (u8)c);
			break;
		}
	}
}

static void pl011_map(void)
{
	if (pl011_base && arch_mem_map(round_down(arch_pa((void *)pl011_base), PAGE_SIZE), PAGE_SIZE, PT_DEVICE) != OK)
		pl011_base = 0;
}

const struct uart_driver uart_pl011 = { .name = "PL011", .init = pl011_init, .putc = pl011_putc, .map = pl011_map };

const struct uart_driver *const uart_drivers[] = { &uart_pl011, &uart_8250, NULL };
