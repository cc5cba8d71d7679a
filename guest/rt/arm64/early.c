/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/arm64/early.c: the machine's serial port by polling, for the first words and the last. */
#include "guest/rt/early.h"
#include "guest/rt/sys.h"
#include "self/insn.h"

#define PL011_DR     0x00
#define PL011_FR     0x18
#define PL011_TXFF   BIT(5)
#define NS16550_THR  0
#define NS16550_LSR  5
#define NS16550_THRE BIT(5)
#define EARLY_TRIES  100000 /* a port that is not there, or does not move, must not stop us */

static struct {
	u64 base;
	u32 kind; /* enum boot_uart */
	u32 shift;
	bool wide;
} early;

void early_init(const struct boot_platform *p)
{
	early.base = p->uart.base;
	early.kind = p->uart_kind;
	early.shift = p->uart_reg_shift;
	early.wide = p->uart_reg_width == 4;
}

static bool early_room(void)
{
	u64 lsr = early.base + ((u64)NS16550_LSR << early.shift);

	if (early.kind == BOOT_UART_PL011)
		return (cpu_read32(early.base + PL011_FR) & PL011_TXFF) == 0;
	return ((early.wide ? cpu_read32(lsr) : cpu_read8(lsr)) & NS16550_THRE) != 0;
}

void early_write(const char *s, size_t len)
{
	if (early.kind != BOOT_UART_PL011 && early.kind != BOOT_UART_8250)
		return;
	for (size_t i = 0; i < len; i++) {
		unsigned tries = 0;

		while (!early_room() && ++tries < EARLY_TRIES)
			;
		if (early.kind == BOOT_UART_PL011 || early.wide)
			cpu_write32(early.base, (u8)s[i]); /* DR, and THR, are the first register */
		else
			cpu_write8(early.base, (u8)s[i]);
	}
}

static_assert(PL011_DR == 0 && NS16550_THR == 0, "both data registers are at the base");
