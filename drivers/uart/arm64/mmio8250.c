/* SPDX-License-Identifier: Apache-2.0 */
/* drivers/uart/arm64/mmio8250.c: an 8250 in memory, output alone, polled. Firmware has set speed and format. */
#include "arch/iface/io.h"
#include "arch/iface/mem.h"
#include "drivers/uart/arm64/arm64.h"
#include "hv/lib/util.h"

#define REG_THR	 0
#define REG_IER	 1
#define REG_LSR	 5
#define LSR_THRE 0x20
#define SPINS	 1000000u /* far longer than a character takes */

static u64 mmio8250_base; /* 0: none, or given up */
static u32 mmio8250_shift, mmio8250_width;

static u32 mmio8250_read(unsigned reg)
{
	u64 addr = mmio8250_base + (reg << mmio8250_shift);

	return mmio8250_width == 4 ? io_read32(addr) : arch_io_read8(addr);
}

static void mmio8250_write(unsigned reg, u8 v)
{
	u64 addr = mmio8250_base + (reg << mmio8250_shift);

	if (mmio8250_width == 4)
		io_write32(addr, v);
	else
		arch_io_write8(addr, v);
}

static void mmio8250_init(struct boot_info *bi)
{
	mmio8250_base = 0;
	if (!bi || bi->platform.uart_kind != BOOT_UART_8250)
		return;
	mmio8250_shift = bi->platform.uart_reg_shift;
	mmio8250_width = bi->platform.uart_reg_width;
	mmio8250_base = (u64)arch_ptr(bi->platform.uart.base);
	mmio8250_write(REG_IER, 0);
}

static void mmio8250_putc(char c)
{
	for (unsigned i = 0; mmio8250_base != 0; i++) {
		if (i == SPINS) {
			mmio8250_base = 0;
		} else if (mmio8250_read(REG_LSR) & LSR_THRE) {
			mmio8250_write(REG_THR, (u8)c);
			break;
		}
	}
}

static void mmio8250_map(void)
{
	if (mmio8250_base &&
	    arch_mem_map(round_down(arch_pa((void *)mmio8250_base), PAGE_SIZE), PAGE_SIZE, PT_DEVICE) != OK)
		mmio8250_base = 0;
}

const struct uart_driver uart_8250 = {
	.name = "8250", .init = mmio8250_init, .putc = mmio8250_putc, .map = mmio8250_map
};
