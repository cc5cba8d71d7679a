/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_rt_early_a64.c: the first words on an arm64 machine's serial port.
 * CFLAGS: -Ihv/abi/arm64 -Iguest/rt/arm64 -Iguest/vmm/arm64
 * LINK: guest/rt/arm64/early.c
 */
#include "guest/rt/early.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "guest/rt/sys.h"
#include "self/insn.h"

#define BASE 0x9000000ULL

static u64 status_at; /* address of FR or LSR */
static u32 ready, busy;
static unsigned width, wait, polls;
static char out[64];
static size_t nout;

static u32 chip_read(u64 addr, unsigned size)
{
	assert_int_equal(addr, status_at);
	assert_int_equal(size, width);
	polls++;
	if (wait == 0)
		return ready;
	wait--;
	return busy;
}

static void chip_write(u64 addr, u32 v, unsigned size)
{
	assert_int_equal(addr, BASE);
	assert_int_equal(size, width);
	assert_in_range(nout, 0, sizeof(out) - 1);
	out[nout++] = (char)v;
}

u8 cpu_read8(u64 addr)
{
	return (u8)chip_read(addr, 1);
}

u32 cpu_read32(u64 addr)
{
	return chip_read(addr, 4);
}

void cpu_write8(u64 addr, u8 v)
{
	chip_write(addr, v, 1);
}

void cpu_write32(u64 addr, u32 v)
{
	chip_write(addr, v, 4);
}

static void port(u32 kind, u32 shift, u32 reg_width)
{
	struct boot_platform p = {
		.uart = { BASE, 0x1000 }, .uart_kind = kind, .uart_reg_shift = shift, .uart_reg_width = reg_width
	};

	early_init(&p);
	nout = 0;
	wait = polls = 0;
}

static void it_is_silent_before_it_knows_a_port(void **state)
{
	early_write("x", 1);
	assert_int_equal(polls + nout, 0);
	port(BOOT_UART_NONE, 0, 1);
	early_write("x", 1);
	port(77, 0, 1);
	early_write("x", 1);
	assert_int_equal(polls + nout, 0);
}

static void a_pl011_is_waited_for(void **state)
{
	port(BOOT_UART_PL011, 0, 0);
	status_at = BASE + 0x18;
	width = 4;
	ready = 0x80;
	busy = 0x20;
	wait = 5;
	early_write("ab", 2);
	assert_int_equal(polls, 7);
	assert_memory_equal(out, "ab", 2);
}

static void an_8250s_registers_are_where_the_tree_says(void **state)
{
	ready = 0x20;
	busy = 0;
	port(BOOT_UART_8250, 0, 1);
	status_at = BASE + 5;
	width = 1;
	early_write("c", 1);
	port(BOOT_UART_8250, 2, 4);
	status_at = BASE + 20;
	width = 4;
	wait = 3;
	early_write("\xff", 1);
	assert_int_equal(nout, 1);
	assert_int_equal((u8)out[0], 0xff);
}

static void a_dead_port_does_not_stop_the_program(void **state)
{
	port(BOOT_UART_PL011, 0, 0);
	status_at = BASE + 0x18;
	width = 4;
	busy = 0x20;
	wait = ~0u;
	early_write("ab", 2);
	assert_int_equal(nout, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_silent_before_it_knows_a_port),
		cmocka_unit_test(a_pl011_is_waited_for),
		cmocka_unit_test(an_8250s_registers_are_where_the_tree_says),
		cmocka_unit_test(a_dead_port_does_not_stop_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
