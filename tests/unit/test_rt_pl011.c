/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_rt_pl011.c: the driver of the machine's PL011 on a fake chip.
 * CFLAGS: -Ihv/abi/arm64 -Iguest/rt/arm64 -Iguest/vmm/arm64
 * LINK: guest/drv/arm64/pl011.c guest/drv/serial.c guest/rt/timer.c guest/rt/work.c tests/unit/fake_serial.c
 */
#include "guest/drv/arm64/pl011.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_serial.h"
#include "guest/rt/hypercall.h"
#include "self/insn.h"

#define BASE 0x123456789000ULL
#define IRQ  33

static struct drv_pl011 uart;
static u32 cr = 0x301, lcr = 0x70;
static unsigned changed_on;

u32 cpu_read32(u64 addr)
{
	assert_in_range(addr, BASE, BASE + 0xffc);
	if (chip.absent)
		return 0xffffffff;
	switch (addr - BASE) {
	case 0x00: return 0xf00u | chip_take(); /* with errors of the line */
	case 0x18:
		return (chip_has_input() ? 0u : 0x10u) | (chip.in_fifo == FAKE_SERIAL_FIFO || chip.stuck ? 0x20u : 0u) |
		       (chip.in_fifo != 0 || chip.stuck ? 0x08u : 0x80u);
	case 0x2c: return lcr;
	case 0x30: return cr;
	case 0x38: return chip.mask;
	case 0xfe0: return 0x11;
	case 0xfe4: return 0x10;
	default: return 0;
	}
}

void cpu_write32(u64 addr, u32 v)
{
	assert_in_range(addr, BASE, BASE + 0xffc);
	switch (addr - BASE) {
	case 0x00: chip_send((u8)v); break;
	case 0x2c:
		if (cr & 1)
			changed_on++;
		lcr = v;
		break;
	case 0x30: cr = v; break;
	case 0x38: chip.mask = v; break;
	default: break;
	}
}

u8 cpu_read8(u64 addr)
{
	fail_msg("a PL011 takes accesses of its registers' width");
	return 0;
}

void cpu_write8(u64 addr, u8 v)
{
	(void)cpu_read8(addr);
}

static status_t init(void)
{
	return drv_pl011_init(&uart, &user, BASE, IRQ);
}

const struct fake_serial_driver driver = { &uart.serial, init, IRQ, IRQ_LEVEL, 0x50, 0x70 };

static void a_line_that_firmware_has_set_up_stays_so(void **state)
{
	assert_int_equal(lcr, 0x70);
	assert_int_equal(cr, 0x301);
	assert_int_equal(changed_on, 0);
}

static void fifos_are_turned_on_while_it_is_off(void **state)
{
	lcr = 0;
	cr = 0xc301;
	assert_int_equal(init(), OK);
	assert_int_equal(lcr, 0x70);
	assert_int_equal(changed_on, 0);
	assert_int_equal(cr, 0xc301);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERIAL_TESTS,
		SERIAL_TEST(a_line_that_firmware_has_set_up_stays_so),
		SERIAL_TEST(fifos_are_turned_on_while_it_is_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
