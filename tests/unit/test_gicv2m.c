/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_gicv2m.c: the message frame of the arm64 machine.
 * LINK: guest/vmm/dev/gicv2m.c guest/vmm/bus.c tests/unit/fake_rt.c
 * CFLAGS: -Ihv/abi/arm64 -Iguest/vmm/arm64
 */
#include "guest/vmm/dev/gicv2m.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_rt.h"

#define BASE 0x8020000u

static struct vm vm;
static struct gicv2m frame;

static int setup(void **state)
{
	fake_reset();
	fake_vm_init(&vm, 0);
	assert_int_equal(gicv2m_init(&frame, &vm, BASE, 80, 64), OK);
	return 0;
}

static void it_says_which_interrupts_it_raises(void **state)
{
	assert_int_equal(bus_read(&vm.mmio, BASE + 8, 4), 80 << 16 | 64);
	assert_int_equal(bus_read(&vm.mmio, BASE + 10, 2), 80);
	assert_int_equal(bus_read(&vm.mmio, BASE + 0xfcc, 4), 0);
	assert_int_equal(bus_read(&vm.mmio, BASE + 0xff8, 8), 0);
}

static void a_write_is_a_message_to_its_own_address(void **state)
{
	bus_write(&vm.mmio, BASE + 0x40, 4, 80);
	bus_write(&vm.mmio, BASE + 0x40, 2, 143);
	assert_int_equal(fake.nmsi, 2);
	assert_int_equal(fake.msi[0].vm, 7);
	assert_int_equal(fake.msi[0].addr, BASE + 0x40);
	assert_int_equal(fake.msi[0].data, 80);
	assert_int_equal(fake.msi[1].data, 143);
}

static void interrupts_of_others_cannot_be_raised(void **state)
{
	for (u32 id = 0; id < 1024; id++) {
		if (id < 80 || id >= 144)
			bus_write(&vm.mmio, BASE + 0x40, 4, id);
	}
	bus_write(&vm.mmio, BASE + 0x40, 1, 80); /* not a word */
	bus_write(&vm.mmio, BASE + 0x44, 4, 80);
	bus_write(&vm.mmio, BASE + 0x08, 4, 80);
	assert_int_equal(fake.nmsi, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(it_says_which_interrupts_it_raises, setup),
		cmocka_unit_test_setup(a_write_is_a_message_to_its_own_address, setup),
		cmocka_unit_test_setup(interrupts_of_others_cannot_be_raised, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
