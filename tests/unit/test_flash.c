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
static u8 pair_mem[2 * FLASH_BLOCK_2X16];

static int setup(void **state)
{
	fake_reset();
	fake_vm_init(&vm, 0x10000);
	lock_init(&vm.ram_lock, LOCK_RAM);
	memset(mem, 0xff, sizeof(mem));
	mem[0x10] = 0x12;
	vm.nroms = 2;
	vm.rom[1] = (struct vm_rom){ .gpa = BASE, .size = SIZE, .mem = mem, .mapped = true };
	assert_int_equal(flash_init(&flash, &vm, 1, FLASH_8), OK);
	return 0;
}

/* Two chips of 16 bits, as virt has them. */
static int setup_pair(void **state)
{
	fake_reset();
	fake_vm_init(&vm, 0x10000);
	lock_init(&vm.ram_lock, LOCK_RAM);
	memset(pair_mem, 0xff, sizeof(pair_mem));
	vm.nroms = 2;
	vm.rom[1] = (struct vm_rom){ .gpa = BASE, .size = sizeof(pair_mem), .mem = pair_mem, .mapped = true };
	assert_int_equal(flash_init(&flash, &vm, 1, FLASH_2X16), OK);
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

static u32 get32(u32 off)
{
	return (u32)bus_read(&vm.mmio, BASE + off, 4);
}

/* A command for both chips. */
static void both(u32 off, u8 command)
{
	bus_write(&vm.mmio, BASE + off, 4, command << 16 | command);
}

static void put32(u32 off, u32 v)
{
	bus_write(&vm.mmio, BASE + off, 4, v);
}

static void a_pair_answers_in_both_halves(void **state)
{
	both(0, 0x90);
	assert_int_equal(get32(0), 0x00890089);
	assert_int_equal(get32(4), 0x00180018);
	assert_int_equal(get(2), 0x89);
	both(0, 0x50);
	both(0, 0x70);
	assert_int_equal(get32(0x40), 0x00800080);
	assert_int_equal(bus_read(&vm.mmio, BASE + 2, 2), 0x80);
	both(0, 0xff);
	assert_int_equal(get32(0), 0xffffffff);
	assert_true(vm.rom[1].mapped);
}

static void a_pair_programs_words_and_erases_large_blocks(void **state)
{
	both(0x104, 0x40);
	put32(0x104, 0x12345678);
	assert_int_equal(get32(0), 0x00800080);
	assert_int_equal(pair_mem[0x107], 0x12);
	pair_mem[FLASH_BLOCK_2X16] = 0;
	both(FLASH_BLOCK_2X16 - 4, 0x20);
	both(FLASH_BLOCK_2X16 - 4, 0xd0);
	assert_int_equal(pair_mem[0x107], 0xff);
	assert_int_equal(pair_mem[FLASH_BLOCK_2X16], 0);
	both(0, 0x60); /* unlock: there is nothing to do */
	both(0, 0xd0);
	assert_int_equal(get32(0), 0x00800080);
	both(0, 0xff);
	assert_int_equal(get32(0), 0xffffffff);
}

static void a_buffer_is_programmed_when_it_is_confirmed(void **state)
{
	both(0x80, 0xe8);
	assert_int_equal(get32(0x80), 0x00800080); /* there is a buffer */
	put32(0x80, 1 << 16 | 1);
	put32(0xf8, 0x11223344);
	put32(0xfc, 0x55667788);
	assert_int_equal(pair_mem[0xff], 0xff);
	both(0x80, 0xd0);
	assert_int_equal(get32(0x80), 0x00800080);
	both(0, 0xff);
	assert_int_equal(get32(0xf8), 0x11223344);
	assert_int_equal(get32(0xfc), 0x55667788);
	assert_int_equal(get32(0x80), 0xffffffff);
	assert_int_equal(get32(0x100), 0xffffffff);
}

/* A count that is no buffer's, a write in another piece, no confirmation: an error in the status, nothing programmed.
 */
static void a_buffer_out_of_order_programs_nothing(void **state)
{
	both(0, 0xe8);
	put32(0, 32 << 16 | 32);
	both(0, 0xd0);
	assert_int_equal(get32(0), 0x00b000b0);
	both(0, 0x50);
	both(0, 0xe8);
	put32(0, 1 << 16 | 1);
	put32(0x100, 0);
	put32(0x17c + 4, 0);
	both(0, 0xd0);
	assert_int_equal(get32(0), 0x00b000b0);
	both(0, 0x50);
	both(0, 0xe8);
	put32(0, 0);
	put32(0x100, 0);
	both(0, 0xff);
	assert_int_equal(get32(0), 0x00b000b0);
	both(0, 0x50);
	both(0, 0xe8);
	put32(0, 31 << 16 | 31);
	put32(0x100, 0);
	flash_reset(&flash); /* in the middle */
	assert_true(vm.rom[1].mapped);
	for (unsigned i = 0; i < sizeof(pair_mem); i++)
		assert_int_equal(pair_mem[i], 0xff);
}

/* The chip of 8 bits knows neither a buffer nor locks. */
static void a_single_chip_takes_no_commands_of_a_pair(void **state)
{
	put(0x10, 0xe8);
	assert_true(vm.rom[1].mapped);
	put(0x10, 0x60);
	assert_true(vm.rom[1].mapped);
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
		cmocka_unit_test_setup_teardown(a_pair_answers_in_both_halves, setup_pair, teardown),
		cmocka_unit_test_setup_teardown(a_pair_programs_words_and_erases_large_blocks, setup_pair, teardown),
		cmocka_unit_test_setup_teardown(a_buffer_is_programmed_when_it_is_confirmed, setup_pair, teardown),
		cmocka_unit_test_setup_teardown(a_buffer_out_of_order_programs_nothing, setup_pair, teardown),
		cmocka_unit_test_setup_teardown(a_single_chip_takes_no_commands_of_a_pair, setup, teardown),
		cmocka_unit_test_setup_teardown(without_the_mapping_reads_are_right, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
