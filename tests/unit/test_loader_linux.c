/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: guest/vmm/x86/loader.c guest/vmm/x86/linux.c guest/vmm/x86/elf.c guest/vmm/x86/pvh.c */
/* LINK: guest/vmm/x86/multiboot.c tests/unit/fake_kernels.c tests/unit/fake_guest_ram.c */
#include "guest/vmm/x86/loader.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fake_guest_ram.h"
#include "fake_kernels.h"

#define ZERO 0x2000u

/* Make the good file, put @v at @at, and see it refused with @s and @error. */
static void refused(u32 at, u64 v, unsigned bytes, status_t s, const char *error)
{
	fake_begin();
	fake_make_linux();
	fake_put(fake_file + at, v, bytes);
	assert_int_equal(fake_load(), s);
	assert_string_equal(fake_in.error, error);
}

/* The page tables at @cr3 map @va to itself, in 64-bit mode. */
static bool maps_to_itself(u64 cr3, u64 va)
{
	u64 e = fake_get(fake_at(cr3 + (va >> 39 & 511) * 8, 8), 8);

	if (!(e & 1))
		return false;
	e = fake_get(fake_at((e & ~0xfffull) + (va >> 30 & 511) * 8, 8), 8);
	if (!(e & 1))
		return false;
	e = fake_get(fake_at((e & ~0xfffull) + (va >> 21 & 511) * 8, 8), 8);
	return (e & 0x83) == 0x83 && (e & ~0x1fffffull) == (va & ~0x1fffffull);
}

static void a_64_bit_kernel_starts_as_the_protocol_says(void **state)
{
	static const u8 initrd[5000] = { 1, 2, 3 };
	const struct vcpu_regs *r = &fake_state.regs;
	u64 at;

	fake_begin();
	fake_make_linux();
	fake_in.initrd = (struct blob){ .name = "initrd.gz", .data = initrd, .size = sizeof(initrd) };
	assert_int_equal(fake_load(), OK);
	assert_memory_equal(fake_at(0x200000, 4096), fake_file + 2048, 4096);
	assert_int_equal(r->rip, 0x200200);
	assert_int_equal(r->gpr[X86_RSI], ZERO);
	assert_int_equal(r->gpr[X86_RBX] | r->gpr[X86_RBP] | r->gpr[X86_RDI] | r->gpr[X86_RDX], 0);
	assert_int_equal(r->rflags, 2);
	assert_int_equal(r->cr0, 0x80000011);
	assert_int_equal(r->cr4, 0x20);
	assert_int_equal(r->efer, 0x500);
	assert_int_equal(r->seg[X86_CS].sel, 0x10);
	assert_int_equal(r->seg[X86_CS].ar, 0xa9b);
	assert_int_equal(r->seg[X86_DS].sel, 0x18);
	assert_int_equal(r->seg[X86_SS].ar, 0xc93);
	assert_int_equal(fake_state.gdtr.limit, 31);
	assert_int_equal(fake_get(fake_at(fake_state.gdtr.base + 0x10, 8), 8), 0x00af9b000000ffff);
	assert_int_equal(fake_get(fake_at(fake_state.gdtr.base + 0x18, 8), 8), 0x00cf93000000ffff);
	assert_true(maps_to_itself(r->cr3, 0) && maps_to_itself(r->cr3, 0x200200) &&
		    maps_to_itself(r->cr3, 0xffffffff));
	assert_false(maps_to_itself(r->cr3, 0x100000000));

	at = fake_get(fake_at(ZERO + 0x218, 4), 4);
	assert_int_equal(at, FAKE_RAM - 8192); /* the highest page it fits at */
	assert_int_equal(fake_get(fake_at(ZERO + 0x21c, 4), 4), sizeof(initrd));
	assert_memory_equal(fake_at(at, sizeof(initrd)), initrd, sizeof(initrd));
	at = fake_get(fake_at(ZERO + 0x228, 4), 4);
	assert_string_equal((char *)fake_at(at, 64), "console=ttyS0 quiet");
}

static void the_zero_page_holds_header_rsdp_and_map(void **state)
{
	static const u64 map[3][3] = { { 0, 0x9fc00, 1 },
				       { 0x9fc00, 0x60400, 2 },
				       { 0x100000, FAKE_RAM - 0x100000, 1 } };
	const u8 *z;

	fake_begin();
	fake_make_linux();
	fake_file[0x268] = 0x55; /* behind the header: not to be copied */
	assert_int_equal(fake_load(), OK);
	z = fake_at(ZERO, 4096);
	assert_memory_equal(z + 0x202, "HdrS", 4);
	assert_int_equal(z[0x268], 0);
	assert_int_equal(z[0x1ef], 0); /* sentinel */
	assert_int_equal(z[0x210], 0xff);
	assert_int_equal(fake_get(z + 0x214, 4), 0x200000);
	assert_int_equal(fake_get(z + 0x218, 4), 0);
	assert_int_equal(fake_get(z + 0x070, 8), 0xe0000);
	assert_int_equal(z[0x1e8], 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(fake_get(z + 0x2d0 + i * 20, 8), map[i][0]);
		assert_int_equal(fake_get(z + 0x2d0 + i * 20 + 8, 8), map[i][1]);
		assert_int_equal(fake_get(z + 0x2d0 + i * 20 + 16, 4), map[i][2]);
	}
}

static void memory_above_4g_is_in_the_map(void **state)
{
	const u8 *z;

	fake_begin();
	fake_make_linux();
	fake_vm.nram = 2;
	fake_vm.ram[1] = (struct vm_ram){ .gpa = 0x100000000, .size = 0x40000000 };
	fake_in.low_top = FAKE_RAM - 0x100000; /* the platform keeps the last MiB */
	assert_int_equal(fake_load(), OK);
	fake_vm.nram = 1;
	z = fake_at(ZERO, 4096);
	assert_int_equal(z[0x1e8], 5);
	assert_int_equal(fake_get(z + 0x2d0 + 3 * 20, 8), FAKE_RAM - 0x100000);
	assert_int_equal(fake_get(z + 0x2d0 + 3 * 20 + 16, 4), 2);
	assert_int_equal(fake_get(z + 0x2d0 + 4 * 20, 8), 0x100000000);
	assert_int_equal(fake_get(z + 0x2d0 + 4 * 20 + 8, 8), 0x40000000);
	assert_int_equal(fake_get(z + 0x2d0 + 4 * 20 + 16, 4), 1);
}

static void a_relocatable_kernel_goes_where_it_unpacks_itself(void **state)
{
	static const struct {
		u64 pref, at;
	} good[] = { { 0x300000, 0x400000 }, { 0, 0x200000 }, { 0x1000, 0x200000 }, { 0x400000, 0x400000 } };
	static const u64 bad[] = { 0x40000000, ~0ull, ~0ull << 21, 0x780000 }; /* it would not go lower */

	for (unsigned i = 0; i < 4; i++) {
		fake_begin();
		fake_make_linux();
		fake_put(fake_file + 0x258, good[i].pref, 8);
		assert_int_equal(fake_load(), OK);
		assert_int_equal(fake_state.regs.rip, good[i].at + 0x200);
		assert_memory_equal(fake_at(good[i].at, 4096), fake_file + 2048, 4096);
		fake_begin();
		fake_make_linux();
		fake_put(fake_file + 0x258, bad[i], 8);
		assert_int_equal(fake_load(), ERR_NOMEM);
	}
}

static void a_fixed_kernel_goes_to_1m_and_needs_its_address(void **state)
{
	fake_begin();
	fake_make_linux();
	fake_file[0x234] = 0;
	assert_int_equal(fake_load(), OK);
	assert_int_equal(fake_state.regs.rip, 0x100200);
	fake_begin();
	fake_make_linux();
	fake_file[0x234] = 0;
	fake_put(fake_file + 0x258, 0x1000000, 8);
	assert_int_equal(fake_load(), ERR_NOMEM);
	assert_string_equal(fake_in.error, "vmlinuz: needs 1024 KiB of RAM at 0x1000000");
}

static void a_32_bit_kernel_starts_in_protected_mode(void **state)
{
	fake_begin();
	fake_make_linux();
	fake_put(fake_file + 0x236, 0, 2);
	assert_int_equal(fake_load(), OK);
	assert_int_equal(fake_state.regs.rip, 0x200000);
	assert_int_equal(fake_state.regs.cr0, 0x11);
	assert_int_equal(fake_state.regs.efer, 0);
	assert_int_equal(fake_state.regs.seg[X86_CS].ar, 0xc9b);
	assert_int_equal(fake_state.regs.gpr[X86_RSI], ZERO);
}

static void hostile_setup_headers_are_refused(void **state)
{
	refused(0x206, 0x209, 2, ERR_FORMAT, "vmlinuz: boot protocol 2.9 is too old, 2.10 is needed");
	refused(0x211, 0, 1, ERR_FORMAT, "vmlinuz: a zImage; a bzImage is needed");
	refused(0x1f1, 255, 1, ERR_FORMAT, "vmlinuz: the file is cut off: 6144 of 135168 bytes");
	refused(0x1f4, 0xffffffff, 4, ERR_FORMAT, "vmlinuz: the file is cut off: 6144 of 68719478768 bytes");
	refused(0x1f4, 0, 4, ERR_FORMAT, "vmlinuz: the file is cut off: 6144 of 2048 bytes");
	refused(0x1f4, 32, 4, ERR_FORMAT, "vmlinuz: too short for its 64-bit entry");
	refused(0x230, 0, 4, ERR_FORMAT, "vmlinuz: kernel_alignment 0x0 is not a power of two");
	refused(0x230, 0x300000, 4, ERR_FORMAT, "vmlinuz: kernel_alignment 0x300000 is not a power of two");
	refused(0x230, 0x80000000, 4, ERR_NOMEM, "vmlinuz: needs 1024 KiB of RAM at 0x80000000");
	refused(0x260, 0xffffffff, 4, ERR_NOMEM, "vmlinuz: needs 4194303 KiB of RAM at 0x200000");
	refused(0x260, 0x600001, 4, ERR_NOMEM, "vmlinuz: needs 6144 KiB of RAM at 0x200000");
	refused(0x238, 18, 4, ERR_FORMAT, "vmlinuz: takes a command line of at most 18 characters");
}

static void a_small_init_size_still_counts_the_file(void **state)
{
	fake_begin();
	fake_make_linux();
	fake_put(fake_file + 0x260, 0, 4);
	fake_in.low_top = 0x200800; /* ends within the 4096 bytes */
	assert_int_equal(fake_load(), ERR_NOMEM);
}

static void a_command_line_as_long_as_allowed_is_taken(void **state)
{
	fake_begin();
	fake_make_linux();
	fake_put(fake_file + 0x238, 19, 4);
	assert_int_equal(fake_load(), OK);
}

static void a_command_line_too_long_for_us_is_refused(void **state)
{
	static char line[70000];

	fake_begin();
	fake_make_linux();
	memset(line, 'x', sizeof(line) - 1);
	fake_in.cmdline = line;
	fake_put(fake_file + 0x238, 0xffffffff, 4);
	assert_int_equal(fake_load(), ERR_FORMAT);
	assert_string_equal(fake_in.error, "vmlinuz: command lines are too long");
}

static void no_command_line_is_an_empty_one(void **state)
{
	fake_begin();
	fake_make_linux();
	fake_in.cmdline = NULL;
	assert_int_equal(fake_load(), OK);
	assert_string_equal((char *)fake_at(fake_get(fake_at(ZERO + 0x228, 4), 4), 1), "");
}

static void the_initrd_respects_the_kernel_and_its_limit(void **state)
{
	static u8 initrd[5u << 20];

	fake_begin();
	fake_make_linux();
	fake_put(fake_file + 0x22c, 0x3fffff, 4);
	fake_in.initrd = (struct blob){ .name = "i", .data = initrd, .size = 0x1000 };
	assert_int_equal(fake_load(), OK);
	assert_int_equal(fake_get(fake_at(ZERO + 0x218, 4), 4), 0x3ff000);

	fake_in.initrd.size = 0x100000; /* exactly between the kernel's end and the limit */
	assert_int_equal(fake_load(), OK);
	assert_int_equal(fake_get(fake_at(ZERO + 0x218, 4), 4), 0x300000);
	fake_in.initrd.size = 0x100001;
	assert_int_equal(fake_load(), ERR_NOMEM);
	assert_string_equal(fake_in.error, "vmlinuz: no room in RAM for i (1024 KiB)");

	fake_put(fake_file + 0x22c, 0, 4);
	fake_in.initrd.size = 1;
	assert_int_equal(fake_load(), ERR_NOMEM);
	fake_put(fake_file + 0x22c, 0xffffffff, 4);
	fake_in.initrd.size = sizeof(initrd); /* 0x300000 to the end of RAM */
	assert_int_equal(fake_load(), OK);
	fake_in.initrd.size = ~0ull;
	assert_int_equal(fake_load(), ERR_NOMEM);
}

static void any_cut_of_the_file_is_refused(void **state)
{
	fake_begin();
	fake_make_linux();
	for (u64 size = 0; size < 2048 + 4096 - 15; size += size < 0x300 ? 1 : 61) {
		fake_in.kernel.size = size;
		assert_true(fake_load() != OK);
	}
}

static void any_damage_gives_an_error_or_an_entry_in_ram(void **state)
{
	u64 seed = 0x5eed0001;

	for (unsigned round = 0; round < 3000; round++) {
		if (round % 50 == 0)
			fake_begin();
		fake_make_linux();
		for (unsigned i = 0; i < 1 + round % 3; i++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			fake_file[0x1f1 + (seed >> 33) % (0x268 - 0x1f1)] = seed >> 25 & 1 ? seed >> 56 : 0xff;
		}
		if (fake_load() == OK)
			assert_true(fake_state.regs.rip >= 0x100000 && fake_state.regs.rip < FAKE_RAM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_64_bit_kernel_starts_as_the_protocol_says),
		cmocka_unit_test(the_zero_page_holds_header_rsdp_and_map),
		cmocka_unit_test(memory_above_4g_is_in_the_map),
		cmocka_unit_test(a_relocatable_kernel_goes_where_it_unpacks_itself),
		cmocka_unit_test(a_fixed_kernel_goes_to_1m_and_needs_its_address),
		cmocka_unit_test(a_32_bit_kernel_starts_in_protected_mode),
		cmocka_unit_test(hostile_setup_headers_are_refused),
		cmocka_unit_test(a_small_init_size_still_counts_the_file),
		cmocka_unit_test(a_command_line_as_long_as_allowed_is_taken),
		cmocka_unit_test(a_command_line_too_long_for_us_is_refused),
		cmocka_unit_test(no_command_line_is_an_empty_one),
		cmocka_unit_test(the_initrd_respects_the_kernel_and_its_limit),
		cmocka_unit_test(any_cut_of_the_file_is_refused),
		cmocka_unit_test(any_damage_gives_an_error_or_an_entry_in_ram),
	};

	return cmocka_run_group_tests_name("loader_linux", tests, fake_setup, fake_teardown);
}
