/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_rt_uart.c: the driver of the machine's 16550 on a fake chip.
 * LINK: guest/drv/x86/uart.c guest/drv/serial.c guest/rt/timer.c guest/rt/work.c tests/unit/fake_serial.c
 */
#include "guest/drv/x86/uart.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_serial.h"
#include "guest/rt/hypercall.h"
#include "self/insn.h"

#define BASE 0x3f8
#define IRQ  4

static struct drv_uart uart;
static u8 scratch;

u8 cpu_in8(u16 port)
{
	bool room = chip.in_fifo == 0;

	if (chip.absent)
		return 0xff;
	switch (port - BASE) {
	case 0: return chip_take();
	case 2: return 0xc0 | (chip_has_input() || (room && (chip.mask & 2)) ? 4 : 1);
	case 5: return (u8)(chip_has_input() | (room && !chip.stuck ? 0x60 : 0));
	case 7: return scratch;
	default: return 0;
	}
}

void cpu_out8(u16 port, u8 v)
{
	switch (port - BASE) {
	case 0: chip_send(v); break;
	case 1: chip.mask = v; break;
	case 7: scratch = v; break;
	default: break;
	}
}

static status_t init(void)
{
	return drv_uart_init(&uart, &user, BASE, IRQ, IRQ_ISA);
}

const struct fake_serial_driver driver = { &uart.serial, init, IRQ, IRQ_ISA, 1, 3 };

int main(void)
{
	const struct CMUnitTest tests[] = { SERIAL_TESTS };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
