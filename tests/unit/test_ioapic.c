/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_ioapic.c: the I/O APIC.
 * LINK: guest/vmm/dev/ioapic.c guest/vmm/bus.c tests/unit/fake_rt.c
 */
#include "guest/vmm/dev/ioapic.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_rt.h"

static struct vm vm;
static struct ioapic a;

static void wr(u8 reg, u32 v)
{
	bus_write(&vm.mmio, IOAPIC_BASE, 4, reg);
	bus_write(&vm.mmio, IOAPIC_BASE + 0x10, 4, v);
}

static u32 rd(u8 reg)
{
	bus_write(&vm.mmio, IOAPIC_BASE, 4, reg);
	return bus_read(&vm.mmio, IOAPIC_BASE + 0x10, 4);
}

static int setup(void **state)
{
	fake_reset();
	fake_vm_init(&vm, 0);
	assert_int_equal(ioapic_init(&a, &vm, IOAPIC_BASE), OK);
	return 0;
}

static void version_and_masks_at_reset(void **state)
{
	assert_int_equal(rd(1), 0x170020);
	for (unsigned i = 0; i < 24; i++) {
		assert_int_equal(rd(0x10 + 2 * i), 0x10000);
		ioapic_set(&a, i, true);
	}
	assert_int_equal(fake.nmsi, 0);
}

static void an_edge_makes_one_message(void **state)
{
	wr(0x11 + 2 * 5, 3u << 24);
	wr(0x10 + 2 * 5, 0x0841); /* logical */
	ioapic_set(&a, 5, true);
	ioapic_set(&a, 5, true);
	assert_int_equal(fake.nmsi, 1);
	assert_int_equal(fake.msi[0].vm, 7);
	assert_int_equal(fake.msi[0].addr, 0xfee03004);
	assert_int_equal(fake.msi[0].data, 0x41);
	ioapic_set(&a, 5, false);
	ioapic_set(&a, 5, true);
	assert_int_equal(fake.nmsi, 2);
}

static void a_level_waits_for_eoi(void **state)
{
	wr(0x10 + 2 * 16, 0x8050);
	ioapic_set(&a, 16, true);
	assert_int_equal(fake.nmsi, 1);
	assert_int_equal(fake.msi[0].data, 0xc050);
	assert_int_equal(rd(0x10 + 2 * 16), 0xc050);
	ioapic_set(&a, 16, true);
	ioapic_eoi(&a, 0x51); /* another's */
	assert_int_equal(fake.nmsi, 1);
	ioapic_eoi(&a, 0x50); /* still asserted: again */
	assert_int_equal(fake.nmsi, 2);
	ioapic_set(&a, 16, false);
	bus_write(&vm.mmio, IOAPIC_BASE + 0x40, 4, 0x50); /* the EOI register */
	assert_int_equal(fake.nmsi, 2);
	assert_int_equal(rd(0x10 + 2 * 16), 0x8050);
}

static void an_asserted_level_comes_when_unmasked(void **state)
{
	wr(0x10 + 2 * 9, 0x18060);
	ioapic_set(&a, 9, true);
	assert_int_equal(fake.nmsi, 0);
	wr(0x10 + 2 * 9, 0x8060);
	assert_int_equal(fake.nmsi, 1);
	wr(0x10 + 2 * 9, 0x10060); /* edge clears remote IRR */
	wr(0x10 + 2 * 9, 0x8060);
	assert_int_equal(fake.nmsi, 2);
}

static void read_only_bits_stay(void **state)
{
	wr(0x10, 0xffffffff);
	assert_int_equal(rd(0x10), 0x1afff);
	wr(0x11, 0xffffffff);
	assert_int_equal(rd(0x11), 0xff000000);
}

static void registers_that_do_not_exist_do_no_harm(void **state)
{
	for (unsigned i = 0; i < 256; i++) {
		wr(i, 0xffffffff);
		rd(i);
	}
	for (u64 off = 0; off < 0x1000; off++) {
		bus_read(&vm.mmio, IOAPIC_BASE + off, 1);
		bus_write(&vm.mmio, IOAPIC_BASE + off, 1, 0xff);
	}
	ioapic_set(&a, 24, true);
	ioapic_set(&a, ~0u, true);
	ioapic_eoi(&a, 0xff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(version_and_masks_at_reset, setup),
		cmocka_unit_test_setup(an_edge_makes_one_message, setup),
		cmocka_unit_test_setup(a_level_waits_for_eoi, setup),
		cmocka_unit_test_setup(an_asserted_level_comes_when_unmasked, setup),
		cmocka_unit_test_setup(read_only_bits_stay, setup),
		cmocka_unit_test_setup(registers_that_do_not_exist_do_no_harm, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
