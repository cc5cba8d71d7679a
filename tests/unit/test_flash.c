/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_flash.c: the flash chip that keeps firmware's variables.
 * LINK: guest/vmm/dev/flash.c guest/vmm/bus.c tests/unit/fake_rt.c
 */
#include "guest/vmm/dev/flash.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_rt.h"

#define BASE 0xffc00000u
#define SIZE 0x3000u

static struct vm vm;
static struct flash flash;
static u8 mem[SIZE];

static int setup(void **state)
{
	fake_reset();
	fake_vm_init(&vm, 0x10000);
	lock_init(&vm.ram_lock, LOCK_RAM);
	memset(mem, 0xff, sizeof(mem));
	mem[0x10] = 0x12;
	vm.nroms = 2;
	vm.rom[1] = (struct vm_rom){ .gpa = BASE, .size = SIZE, .mem = mem, .mapped = true };
	assert_int_equal(flash_init(&flash, &vm, 1), OK);
	return 0;
}

static int teardown(void **state)
{
	fake_vm_free(&vm);
	return 0;
}

static u8 get(u32 off)
{
	return (u8)bus_read(&vm.mmio, BASE + off, 1);
}

static void put(u32 off, u8 v)
{
	bus_write(&vm.mmio, BASE + off, 1, v);
}

/* As firmware finds out that this is no RAM and no ROM. */
static void probe_finds_a_flash_chip(void **state)
{
	put(0x10, 0x50);
	assert_int_equal(get(0x10), 0x12);
	assert_true(vm.rom[1].mapped);
	assert_int_equal(fake.ncall, 0);
	put(0x10, 0x70);
	assert_int_equal(get(0x10), 0x00);
	assert_false(vm.rom[1].mapped);
	assert_int_equal(fake.ncall, 1);
	put(0x10, 0xff);
	assert_int_equal(get(0x10), 0x12);
	assert_true(vm.rom[1].mapped);
	assert_int_equal(fake.ncall, 2);
	put(0x10, 0x90);
	assert_int_equal(get(0), 0x89);
	put(0x10, 0xf0); /* what it does not know: memory again */
	assert_int_equal(get(0x10), 0x12);
}

static void programming_clears_bits_and_erasing_sets_a_block(void **state)
{
	put(0x1004, 0x40);
	put(0x1004, 0xa5);
	assert_int_equal(get(0), 0x80);
	put(0x1004, 0x10);
	put(0x1004, 0x0f);
	assert_int_equal(mem[0x1004], 0x05);
	mem[0xfff] = mem[0x2000] = 0;
	put(0x1800, 0x20);
	put(0x1800, 0xd0);
	assert_int_equal(get(0), 0x80);
	assert_int_equal(mem[0x1004], 0xff);
	assert_int_equal(mem[0xfff], 0);
	assert_int_equal(mem[0x2000], 0);
	put(0, 0x50);
	put(0, 0x70);
	assert_int_equal(get(0), 0);
}

static void erasing_needs_its_confirmation(void **state)
{
	put(0x10, 0x20);
	put(0x10, 0x12);
	assert_int_equal(get(0), 0xb0);
	assert_int_equal(mem[0x10], 0x12);
}

static void accesses_of_all_sizes_stay_inside(void **state)
{
	bus_write(&vm.mmio, BASE + SIZE - 8, 1, 0x40);
	bus_write(&vm.mmio, BASE + SIZE - 8, 8, 0x1122334455667788);
	assert_int_equal(mem[SIZE - 1], 0x11);
	bus_write(&vm.mmio, BASE, 1, 0xff);
	assert_int_equal(bus_read(&vm.mmio, BASE + SIZE - 8, 8), 0x1122334455667788);
	bus_write(&vm.mmio, BASE + SIZE - 4, 1, 0x40);
	bus_write(&vm.mmio, BASE + SIZE - 4, 8, 0); /* half of it is not the chip's */
	bus_write(&vm.mmio, BASE + SIZE - 1, 1, 0x20);
	bus_write(&vm.mmio, BASE + SIZE - 1, 1, 0xd0);
	assert_int_equal(mem[SIZE - 1], 0xff);
}

static void reset_ends_what_was_begun_and_keeps_the_contents(void **state)
{
	put(0x20, 0x40);
	put(0x20, 0x77);
	put(0x30, 0x20);
	flash_reset(&flash);
	assert_true(vm.rom[1].mapped);
	put(0x30, 0xd0); /* confirms nothing */
	assert_int_equal(mem[0x20], 0x77);
	assert_int_equal(get(0x20), 0x77);
	put(0, 0x70);
	assert_int_equal(get(0), 0);
}

/* A hypervisor that refuses leaves a chip that answers through the bus. */
static void without_the_mapping_reads_are_right(void **state)
{
	put(0, 0x70);
	fake.result.status = ERR_RIGHTS;
	put(0, 0xff);
	assert_int_equal(get(0x10), 0x12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(probe_finds_a_flash_chip, setup, teardown),
		cmocka_unit_test_setup_teardown(programming_clears_bits_and_erasing_sets_a_block, setup, teardown),
		cmocka_unit_test_setup_teardown(erasing_needs_its_confirmation, setup, teardown),
		cmocka_unit_test_setup_teardown(accesses_of_all_sizes_stay_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(reset_ends_what_was_begun_and_keeps_the_contents, setup, teardown),
		cmocka_unit_test_setup_teardown(without_the_mapping_reads_are_right, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
