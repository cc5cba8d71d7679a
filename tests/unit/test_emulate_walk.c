/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off: LINK is one line for the Makefile */
/* The emulator's walk of a guest's page tables: every paging mode, rights, error codes, A and D bits, hostile tables.
 * LINK: tests/unit/fake_x86.c guest/vmm/x86/emulate.c guest/vmm/x86/emu_alu.c guest/vmm/x86/emu_decode.c
 * guest/vmm/x86/emu_mem.c guest/vmm/x86/emu_opcodes.c guest/vmm/x86/emu_string.c guest/vmm/x86/emu_walk.c */
/* clang-format on */
#include "guest/vmm/x86/emulate.h"
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "fake_x86.h"

#define P  1ULL
#define W  2ULL
#define U  4ULL
#define A  0x20ULL
#define D  0x40ULL
#define PS 0x80ULL
#define NX (1ULL << 63)

#define PG    (1ULL << 31)
#define WP    (1ULL << 16)
#define PSE   (1ULL << 4)
#define PAE   (1ULL << 5)
#define LA57  (1ULL << 12)
#define SMEP  (1ULL << 20)
#define SMAP  (1ULL << 21)
#define NXE   (1ULL << 11)
#define EFLAC (1ULL << 18)

enum { E_P = 1, E_W = 2, E_U = 4, E_RSVD = 8, E_I = 16 };

/* Tables at 0x10000, 0x11000, ... one of each level, the last one for pages; linear 0x12345678. */
#define ROOT   0x10000UL
#define LINEAR 0x12345678UL

static unsigned levels;

static u64 entry_at(unsigned depth) /* 0: the root's */
{
	return ROOT + depth * 0x1000 + (LINEAR >> (12 + 9 * (levels - 1 - depth)) & 511) * 8;
}

/* @n levels of 64-bit entries, the page at 0x40000, all rights. */
static void setup_64(unsigned n)
{
	fake_reset();
	levels = n;
	fake.regs.cr0 |= PG | WP;
	fake.regs.cr4 |= PAE | (n == 5 ? LA57 : 0);
	fake.regs.cr3 = ROOT;
	for (unsigned d = 0; d < n; d++)
		fake_set(entry_at(d), 8, (d == n - 1 ? 0x40000 : ROOT + 0x1000 * (d + 1)) | P | W | U);
}

/* PAE: a root of four entries, then two levels. */
static void setup_pae(void)
{
	setup_64(3);
	fake_mode(32);
	fake.regs.cr0 |= PG | WP;
	fake.regs.cr4 = PAE;
	fake_set(entry_at(0), 8, 0x11000 | P);
}

static u64 pde32(void)
{
	return ROOT + (LINEAR >> 22) * 4;
}

static u64 pte32(void)
{
	return ROOT + 0x1000 + (LINEAR >> 12 & 1023) * 4;
}

static void setup_32(void)
{
	fake_reset();
	fake_mode(32);
	fake.regs.cr0 |= PG | WP;
	fake.regs.cr3 = ROOT | 0x18; /* PCD and PWT are no address */
	fake_set(pde32(), 4, 0x11000 | P | W | U);
	fake_set(pte32(), 4, 0x40000 | P | W | U);
}

static void expect_ok(u64 linear, bool write, bool fetch, u64 gpa)
{
	u64 got = 0;

	assert_int_equal(emu_translate(&fake.e, linear, write, fetch, &got), OK);
	assert_int_equal(got, gpa);
}

static void expect_fault(bool write, bool fetch, u32 error)
{
	u64 got;

	assert_int_equal(emu_translate(&fake.e, LINEAR, write, fetch, &got), ERR_UNMAPPED);
	assert_int_equal(fake.e.fault.vector, 14);
	assert_true(fake.e.fault.has_error);
	assert_int_equal(fake.e.fault.error, error);
	assert_int_equal(fake.e.fault.cr2, LINEAR);
}

static void without_paging_the_address_is_its_low_half(void **state)
{
	fake_reset();
	fake_mode(32);
	expect_ok(0x123456789abcULL, true, false, 0x56789abc);
}

static void four_and_five_levels_map_all_page_sizes(void **state)
{
	for (unsigned n = 4; n <= 5; n++) {
		setup_64(n);
		expect_ok(LINEAR, false, false, 0x40678);
		fake_set(entry_at(n - 2), 8, 0x7fe00000 | PS | P | W | U);
		expect_ok(LINEAR, true, true, 0x7fe00000 | (LINEAR & 0x1fffff));
		fake_set(entry_at(n - 3), 8, 0x80000000 | PS | P | W | U);
		expect_ok(LINEAR, true, true, 0x80000000 | LINEAR);
	}
}

static void reserved_bits_fault_with_their_bit(void **state)
{
	for (unsigned n = 4; n <= 5; n++) {
		setup_64(n);
		fake_set(entry_at(0), 8, fake_get(entry_at(0), 8) | PS);
		expect_fault(false, false, E_P | E_RSVD);
		setup_64(n);
		fake_set(entry_at(n - 2), 8, 0x7fe02000 | PS | P | W | U);
		expect_fault(true, false, E_P | E_RSVD | E_W);
		setup_64(n);
		fake_set(entry_at(n - 3), 8, 0x80200000 | PS | P | W | U);
		expect_fault(false, false, E_P | E_RSVD);
		setup_64(n);
		fake_set(entry_at(n - 1), 8, 0x40000 | P | W | U | NX); /* NX without NXE */
		expect_fault(false, true, E_P | E_RSVD);
	}
}

static void an_absent_entry_at_any_level_faults_without_p(void **state)
{
	for (unsigned d = 0; d < 4; d++) {
		setup_64(4);
		fake.regs.cpl = 3;
		fake_set(entry_at(d), 8, ~0ULL << 1);
		expect_fault(true, false, E_W | E_U);
	}
}

static void rights_are_those_that_every_level_grants(void **state)
{
	for (unsigned d = 0; d < 4; d++) {
		u64 all;

		setup_64(4);
		fake.regs.efer |= NXE;
		all = fake_get(entry_at(d), 8);
		fake_set(entry_at(d), 8, all & ~W);
		expect_fault(true, false, E_P | E_W);
		fake.regs.cpl = 3;
		expect_fault(true, false, E_P | E_W | E_U);
		fake.regs.cpl = 0;
		fake.regs.cr0 &= ~WP;
		expect_ok(LINEAR, true, false, 0x40678); /* the supervisor may without WP */
		fake.regs.cpl = 3;
		expect_fault(true, false, E_P | E_W | E_U); /* the user never */
		fake_set(entry_at(d), 8, all & ~U);
		expect_fault(false, false, E_P | E_U);
		fake.regs.cpl = 0;
		expect_ok(LINEAR, false, false, 0x40678);
		fake_set(entry_at(d), 8, all | NX);
		expect_ok(LINEAR, true, false, 0x40678);
		expect_fault(false, true, E_P | E_I);
	}
}

static void smep_and_smap_keep_the_supervisor_off_user_pages(void **state)
{
	setup_64(4);
	fake.regs.cr4 |= SMEP;
	expect_fault(false, true, E_P | E_I);
	expect_ok(LINEAR, false, false, 0x40678);
	fake.regs.cr4 |= SMAP;
	expect_fault(false, false, E_P);
	expect_fault(true, false, E_P | E_W);
	fake.regs.rflags |= EFLAC;
	expect_ok(LINEAR, true, false, 0x40678);
	fake.regs.rflags &= ~EFLAC;
	fake.regs.cpl = 3;
	expect_ok(LINEAR, true, false, 0x40678);
	expect_ok(LINEAR, false, true, 0x40678);
	fake.regs.cpl = 2;
	fake_set(entry_at(2), 8, fake_get(entry_at(2), 8) & ~U);
	expect_ok(LINEAR, true, true, 0x40678);
}

static void accessed_and_dirty_bits_are_set_as_needed(void **state)
{
	setup_64(4);
	expect_ok(LINEAR, false, false, 0x40678);
	for (unsigned d = 0; d < 4; d++)
		assert_int_equal(fake_get(entry_at(d), 8) & (A | D), A);
	expect_ok(LINEAR, true, false, 0x40678);
	for (unsigned d = 0; d < 4; d++)
		assert_int_equal(fake_get(entry_at(d), 8) & (A | D), d == 3 ? A | D : A);
	setup_64(4);
	fake_set(entry_at(3), 8, 0x40000 | P | U);
	expect_fault(true, false, E_P | E_W);
	assert_int_equal(fake_get(entry_at(3), 8) & (A | D), 0); /* not for an access that is refused */
	setup_32();
	expect_ok(LINEAR, true, false, 0x40678);
	assert_int_equal(fake_get(pde32(), 4) & (A | D), A);
	assert_int_equal(fake_get(pte32(), 4) & (A | D), A | D);
	setup_pae();
	expect_ok(LINEAR, true, false, 0x40678);
	assert_int_equal(fake_get(entry_at(0), 8) & (A | D), 0); /* these have none */
	assert_int_equal(fake_get(entry_at(2), 8) & (A | D), A | D);
}

static void pae_has_three_levels(void **state)
{
	setup_pae();
	expect_ok(LINEAR, true, true, 0x40678);
	fake_set(entry_at(1), 8, 0x7fe00000 | PS | P | W | U);
	expect_ok(LINEAR, true, true, 0x7fe00000 | (LINEAR & 0x1fffff));
	fake_set(entry_at(1), 8, (1ULL << 52) | 0x12000 | P | W | U);
	expect_fault(false, false, E_P | E_RSVD);
	setup_pae();
	fake_set(entry_at(0), 8, 0x11000 | P | 0x20); /* TCG sets A there */
	expect_ok(LINEAR, true, true, 0x40678);
	fake_set(entry_at(0), 8, (1ULL << 52) | 0x11000 | P);
	expect_fault(false, true, E_P | E_RSVD);
	fake_set(entry_at(0), 8, 0x11000);
	expect_fault(false, false, 0);
	setup_pae();
	fake.regs.efer = NXE;
	fake_set(entry_at(2), 8, 0x40000 | P | W | U | NX);
	expect_fault(false, true, E_P | E_I);
}

static void the_32_bit_walk_knows_4m_pages(void **state)
{
	setup_32();
	expect_ok(LINEAR, true, true, 0x40678);
	fake_set(pde32(), 4, 0x11000 | P | W | U | PS); /* PS means nothing without PSE */
	expect_ok(LINEAR, true, true, 0x40678);
	fake.regs.cr4 = PSE;
	fake_set(pde32(), 4, 0x80400000 | P | W | U | PS);
	expect_ok(LINEAR, true, false, 0x80400000 | (LINEAR & 0x3fffff));
	fake_set(pde32(), 4, 0x80400000 | 0xab << 13 | P | W | U | PS); /* PSE-36 */
	expect_ok(LINEAR, true, false, 0xab80400000 | (LINEAR & 0x3fffff));
	fake_set(pde32(), 4, 0x80600000 | P | W | U | PS);
	expect_fault(false, false, E_P | E_RSVD);
	fake_set(pde32(), 4, 0x80400000 | P | U | PS);
	expect_fault(true, false, E_P | E_W);
	fake_set(pde32(), 4, 0);
	expect_fault(false, true, 0); /* without NX and SMEP a fetch is not told apart */
	fake.regs.cr4 |= SMEP;
	expect_fault(false, true, E_I);
	setup_32();
	fake.regs.cpl = 3;
	fake_set(pte32(), 4, 0x40000 | P | W);
	expect_fault(false, false, E_P | E_U);
}

static void a_table_outside_ram_reads_as_ones(void **state)
{
	for (unsigned d = 0; d < 3; d++) {
		setup_64(4);
		fake_set(entry_at(d), 8, FAKE_DEV | P | W | U);
		expect_fault(false, false, E_P | E_RSVD);
		fake_set(entry_at(d), 8, 0xffffffffff000 | P | W | U);
		expect_fault(false, false, E_P | E_RSVD);
	}
	setup_64(4);
	fake.regs.cr3 = ~0xfffULL;
	expect_fault(false, false, E_P | E_RSVD);
	setup_32();
	fake.regs.cr3 = 0xfffff000;
	expect_fault(false, false, E_P | E_RSVD);
	setup_32();
	fake_set(pde32(), 4, 0xfffff000 | P);
	expect_fault(false, false, E_P | E_RSVD);
	setup_pae();
	fake.regs.cr3 = 0xffffffe0;
	expect_fault(false, false, E_P | E_RSVD);
}

static void a_table_that_names_itself_ends(void **state)
{
	setup_64(4);
	for (unsigned k = 0; k < 512; k++)
		fake_set(ROOT + 8 * k, 8, ROOT | P | W | U);
	expect_ok(LINEAR, true, true, ROOT | 0x678);
	assert_int_equal(fake_get(ROOT + 8 * 511, 8), ROOT | P | W | U); /* only the entries used are marked */
}

static void non_canonical_is_a_general_protection_fault(void **state)
{
	u64 gpa;

	setup_64(4);
	assert_int_equal(emu_translate(&fake.e, 0x0000800000000000, false, false, &gpa), ERR_UNMAPPED);
	assert_int_equal(fake.e.fault.vector, 13);
	setup_64(5);
	assert_int_equal(emu_translate(&fake.e, 0x0000800000000000, false, false, &gpa), ERR_UNMAPPED);
	assert_int_equal(fake.e.fault.vector, 14);
}

static u64 load(void)
{
	fake.regs.rip = 0x1000;
	fake.regs.gpr[X86_RAX] = 0;
	return STEP("\x8b\x03") == EMU_DONE ? fake.regs.gpr[X86_RAX] : ~0ULL; /* mov (%rbx), %eax */
}

/* What was walked before is not walked again, but any change that a walk would see is seen. */
static void a_kept_walk_sees_every_change(void **state)
{
	u64 pte;

	setup_64(4);
	fake_set(ROOT + 0x2000, 8, P | W | U | PS); /* the code */
	fake.regs.gpr[X86_RBX] = LINEAR;
	fake_set(0x40678, 4, 1);
	fake_set(0x41678, 4, 2);
	assert_int_equal(load(), 1);
	assert_int_equal(load(), 1);
	pte = fake_get(entry_at(3), 8);
	assert_int_equal(pte & (A | D), A);
	fake_set(entry_at(3), 8, 0x41000 | P | W | U);
	assert_int_equal(load(), 2);
	assert_int_equal(fake_get(entry_at(3), 8) & A, A); /* set again */
	for (unsigned d = 0; d < 4; d++) {
		u64 entry = fake_get(entry_at(d), 8);

		fake_set(entry_at(d), 8, entry & ~P);
		assert_int_equal(load(), ~0ULL);
		assert_int_equal(fake.e.fault.vector, 14);
		fake_set(entry_at(d), 8, entry);
		assert_int_equal(load(), 2);
	}
	fake.regs.cr4 |= SMAP;
	assert_int_equal(load(), ~0ULL);
	fake.regs.rflags |= EFLAC;
	assert_int_equal(load(), 2);
	fake.regs.rflags &= ~EFLAC;
	assert_int_equal(load(), ~0ULL);
	fake.regs.cr4 &= ~SMAP;
	fake_set(entry_at(3), 8, 0x40000 | P | W);
	assert_int_equal(load(), 1);
	fake.regs.cpl = 3;
	assert_int_equal(load(), ~0ULL);
	fake.regs.cpl = 0;
	assert_int_equal(load(), 1);
	fake.regs.cr3 = ROOT + 0x8000;
	assert_int_equal(load(), ~0ULL);
}

/* A read leaves D alone, so a write to the same page walks for itself, and again once the guest has cleared D. */
static void a_kept_walk_for_writing_has_set_d(void **state)
{
	setup_64(4);
	fake_set(ROOT + 0x2000, 8, P | W | U | PS);
	fake.regs.gpr[X86_RBX] = LINEAR;
	load();
	for (unsigned n = 0; n < 3; n++) {
		fake.regs.rip = 0x1000;
		fake.regs.gpr[X86_RAX] = n + 7;
		assert_int_equal(STEP("\x89\x03"), EMU_DONE); /* mov %eax, (%rbx) */
		assert_int_equal(fake_get(entry_at(3), 8) & D, D);
		assert_int_equal(fake_get(0x40678, 4), n + 7);
		fake_set(entry_at(3), 8, fake_get(entry_at(3), 8) & ~D);
	}
	fake_set(entry_at(3), 8, 0x40000 | P | U);
	fake.regs.rip = 0x1000;
	assert_int_equal(STEP("\x89\x03"), EMU_FAULT);
	assert_int_equal(fake.e.fault.error, E_P | E_W);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_paging_the_address_is_its_low_half),
		cmocka_unit_test(four_and_five_levels_map_all_page_sizes),
		cmocka_unit_test(reserved_bits_fault_with_their_bit),
		cmocka_unit_test(an_absent_entry_at_any_level_faults_without_p),
		cmocka_unit_test(rights_are_those_that_every_level_grants),
		cmocka_unit_test(smep_and_smap_keep_the_supervisor_off_user_pages),
		cmocka_unit_test(accessed_and_dirty_bits_are_set_as_needed),
		cmocka_unit_test(pae_has_three_levels),
		cmocka_unit_test(the_32_bit_walk_knows_4m_pages),
		cmocka_unit_test(a_table_outside_ram_reads_as_ones),
		cmocka_unit_test(a_table_that_names_itself_ends),
		cmocka_unit_test(non_canonical_is_a_general_protection_fault),
		cmocka_unit_test(a_kept_walk_sees_every_change),
		cmocka_unit_test(a_kept_walk_for_writing_has_set_d),
	};
	int bad = cmocka_run_group_tests(tests, NULL, NULL);

	fake_free();
	return bad;
}
