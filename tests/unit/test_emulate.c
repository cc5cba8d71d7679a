/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off: LINK is one line for the Makefile */
/* The emulator: devices, string instructions, faults half-way, and random instructions over random state.
 * LINK: tests/unit/fake_x86.c guest/vmm/x86/emulate.c guest/vmm/x86/emu_alu.c guest/vmm/x86/emu_decode.c
 * LINK: guest/vmm/x86/emu_mem.c guest/vmm/x86/emu_opcodes.c guest/vmm/x86/emu_string.c guest/vmm/x86/emu_walk.c */
/* clang-format on */
#include "guest/vmm/x86/emulate.h"
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fake_x86.h"

static struct vcpu_regs *const r = &fake.regs;

/* 4-level tables at 0x10000 that map linear 0-2M to itself in 4K pages, and 3-4 GiB to itself in 2M pages. */
#define PT(linear) (0x14000 + ((linear) >> 12) * 8)

static void paging(void)
{
	r->cr0 |= 1ULL << 31 | 1 << 16;
	r->cr3 = 0x10000;
	fake_set(0x10000, 8, 0x11007);
	fake_set(0x11000, 8, 0x12007);
	fake_set(0x11018, 8, 0x13007);
	fake_set(0x12000, 8, 0x14007);
	for (u64 k = 0; k < 512; k++) {
		fake_set(0x13000 + k * 8, 8, 0xc0000087 + (k << 21));
		fake_set(0x14000 + k * 8, 8, k << 12 | 7);
	}
}

static void expect_log(unsigned n, u64 addr, unsigned size, bool write, u64 value)
{
	assert_true(n < fake.accesses);
	assert_int_equal(fake.log[n].addr, addr);
	assert_int_equal(fake.log[n].size, size);
	assert_int_equal(fake.log[n].write, write);
	assert_int_equal(fake.log[n].value, value);
}

static void a_plain_move_is_one_device_access(void **state)
{
	fake_reset();
	paging();
	r->gpr[X86_RBX] = FAKE_DEV + 0x10;
	r->gpr[X86_RAX] = ~0ULL;
	r->rflags |= 1 << 16;
	fake.answer = 0xffffffff12345678;
	assert_int_equal(STEP("\x8b\x03"), EMU_DONE);
	assert_int_equal(r->gpr[X86_RAX], 0x12345678);
	assert_int_equal(r->rip, 0x1002);
	assert_int_equal(r->rflags & 1 << 16, 0); /* RF ends with the instruction */
	assert_int_equal(fake.accesses, 1);
	expect_log(0, FAKE_DEV + 0x10, 4, false, 0);
	r->rip = 0x1000;
	assert_int_equal(STEP("\x48\x89\x03"), EMU_DONE);
	assert_int_equal(fake.accesses, 1);
	expect_log(0, FAKE_DEV + 0x10, 8, true, 0x12345678);
}

static void a_change_of_a_device_is_a_read_and_a_write(void **state)
{
	fake_reset();
	r->gpr[X86_RBX] = FAKE_DEV;
	fake.answer = 0x0f;
	assert_int_equal(STEP("\xf0\x80\x0b\xf0"), EMU_DONE); /* lock or byte [rbx],0xf0 */
	assert_int_equal(fake.accesses, 2);
	expect_log(0, FAKE_DEV, 1, false, 0);
	expect_log(1, FAKE_DEV, 1, true, 0xff);
	r->rip = 0x1000;
	assert_int_equal(STEP("\xf7\x03\x01\x00\x00\x00"), EMU_DONE); /* test: no write */
	assert_int_equal(fake.accesses, 1);
}

static void an_access_across_pages_is_split_at_the_boundary(void **state)
{
	fake_reset();
	r->gpr[X86_RBX] = FAKE_DEV + 0xffd;
	fake.answer = 0;
	r->gpr[X86_RAX] = 0x8877665544332211;
	assert_int_equal(STEP("\x48\x89\x03"), EMU_DONE);
	assert_int_equal(fake.accesses, 4); /* 3 bytes as 1 + 2, 5 as 4 + 1 */
	expect_log(0, FAKE_DEV + 0xffd, 1, true, 0x11);
	expect_log(1, FAKE_DEV + 0xffe, 2, true, 0x3322);
	expect_log(2, FAKE_DEV + 0x1000, 4, true, 0x77665544);
	expect_log(3, FAKE_DEV + 0x1004, 1, true, 0x88);
}

static void a_fault_on_the_second_page_writes_nothing(void **state)
{
	struct vcpu_regs before;

	fake_reset();
	paging();
	fake_set(PT(0x3000), 8, 0);
	r->gpr[X86_RBX] = 0x2ffd;
	r->gpr[X86_RAX] = ~0ULL;
	before = *r;
	assert_int_equal(STEP("\x48\x89\x03"), EMU_FAULT);
	assert_int_equal(fake.e.fault.vector, 14);
	assert_int_equal(fake.e.fault.error, 2);
	assert_int_equal(fake.e.fault.cr2, 0x3000);
	assert_int_equal(fake_get(0x2ffd, 3), 0);
	assert_memory_equal(&before, r, sizeof(before));
	/* a change asks for the right to write before it reads */
	fake_set(PT(0x2000), 8, 0x2005);
	assert_int_equal(STEP("\x83\x03\x01"), EMU_FAULT);
	assert_int_equal(fake.e.fault.error, 3);
	assert_memory_equal(&before, r, sizeof(before));
}

static void a_string_stops_where_it_faults(void **state)
{
	fake_reset();
	paging();
	fake_set(PT(0x3000), 8, 0);
	for (unsigned k = 0; k < 16; k++)
		fake_set(0x5000 + k, 1, k);
	r->gpr[X86_RSI] = 0x5000;
	r->gpr[X86_RDI] = 0x2ff8;
	r->gpr[X86_RCX] = 16;
	assert_int_equal(STEP("\xf3\xa4"), EMU_FAULT);
	assert_int_equal(fake.e.fault.vector, 14);
	assert_int_equal(fake.e.fault.error, 2);
	assert_int_equal(fake.e.fault.cr2, 0x3000);
	assert_int_equal(r->gpr[X86_RCX], 8);
	assert_int_equal(r->gpr[X86_RSI], 0x5008);
	assert_int_equal(r->gpr[X86_RDI], 0x3000);
	assert_int_equal(r->rip, 0x1000);
	assert_int_equal(fake_get(0x2ff8, 8), 0x0706050403020100);
	/* a comparison that faults leaves the flags */
	r->gpr[X86_RDI] = 0x2fff;
	r->gpr[X86_RSI] = 0x5007;
	r->rflags = 0x2 | 0x8d5;
	assert_int_equal(STEP("\xf3\xa6"), EMU_FAULT);
	assert_int_equal(r->rflags, 0x2 | 0x8d5);
	assert_int_equal(r->gpr[X86_RCX], 7);
}

static void a_string_across_pages_and_the_device(void **state)
{
	fake_reset();
	paging();
	for (unsigned k = 0; k < 8; k++)
		fake_set(0x2ff9 + 2 * k, 2, 0x100 + k);
	r->gpr[X86_RSI] = 0x2ff9; /* its words lie across the page's end */
	r->gpr[X86_RDI] = FAKE_DEV;
	r->gpr[X86_RCX] = 0xdead000000000008; /* the upper half is not counted */
	assert_int_equal(STEP("\x67\x66\xf3\xa5"), EMU_DONE);
	assert_int_equal(fake.accesses, 8);
	for (unsigned k = 0; k < 8; k++)
		expect_log(k, FAKE_DEV + 2 * k, 2, true, 0x100 + k);
	assert_int_equal(r->gpr[X86_RCX], 0);
	assert_int_equal(r->gpr[X86_RSI], 0x3009);
	assert_int_equal(r->rip, 0x1004);
}

static void a_long_string_goes_back_to_the_guest_now_and_then(void **state)
{
	fake_reset();
	fake.e.max_iter = 10;
	r->gpr[X86_RDI] = 0x3000;
	r->gpr[X86_RCX] = 25;
	r->gpr[X86_RAX] = 0xaa;
	for (unsigned left = 25; left > 10; left -= 10) {
		assert_int_equal(STEP("\xf3\xaa"), EMU_DONE);
		assert_int_equal(r->rip, 0x1000);
		assert_int_equal(r->gpr[X86_RCX], left - 10);
	}
	assert_int_equal(STEP("\xf3\xaa"), EMU_DONE);
	assert_int_equal(r->rip, 0x1002);
	assert_int_equal(r->gpr[X86_RDI], 0x3019);
	assert_int_equal(fake_get(0x3018, 2), 0xaa);
	fake.e.max_iter = 0;
	r->rip = 0x1000;
	r->gpr[X86_RCX] = ~0ULL;
	r->gpr[X86_RDI] = 0x10000;
	assert_int_equal(STEP("\xf3\xaa"), EMU_DONE);
	assert_int_equal(r->gpr[X86_RCX], ~0ULL - 4096);
}

static void port_strings_use_dx_and_memory(void **state)
{
	fake_reset();
	r->gpr[X86_RDX] = 0xffff01f0;
	r->gpr[X86_RDI] = 0x3000;
	r->gpr[X86_RCX] = 2;
	fake.answer = 0xbeef;
	assert_int_equal(STEP("\xf3\x66\x6d"), EMU_DONE); /* rep insw */
	assert_int_equal(fake.accesses, 2);
	expect_log(0, 0x1f0, 2, false, 0);
	assert_true(fake.log[0].port);
	assert_int_equal(fake_get(0x3000, 4), 0xbeefbeef);
	r->rip = 0x1000;
	r->gpr[X86_RSI] = 0x3002;
	r->rflags |= 1 << 10;
	assert_int_equal(STEP("\x48\x6f"), EMU_DONE); /* outsd: REX.W makes no 64-bit port */
	expect_log(0, 0x1f0, 4, true, 0xbeef);
	assert_int_equal(r->gpr[X86_RSI], 0x2ffe);
	/* the port is not read when memory cannot take the answer */
	paging();
	fake_set(PT(0x4000), 8, 0);
	r->rip = 0x1000;
	r->gpr[X86_RDI] = 0x4000;
	assert_int_equal(STEP("\x6c"), EMU_FAULT);
	assert_int_equal(fake.accesses, 0);
}

static void push_and_call_check_the_stack_before_they_read_a_device(void **state)
{
	fake_reset();
	paging();
	fake_set(PT(0x7000), 8, 0);
	r->gpr[X86_RSP] = 0x8000;
	r->gpr[X86_RBX] = FAKE_DEV;
	assert_int_equal(STEP("\xff\x33"), EMU_FAULT);
	assert_int_equal(fake.accesses, 0);
	r->gpr[X86_RSP] = 0x9000;
	fake.answer = 0x0000800000000000; /* a target that is not canonical */
	assert_int_equal(STEP("\xff\x13"), EMU_FAULT);
	assert_int_equal(fake.e.fault.vector, 13);
	assert_int_equal(r->gpr[X86_RSP], 0x9000);
	assert_int_equal(fake_get(0x8ff8, 8), 0);
}

/* What the CPU has found is used for an access of its kind to that place in a page, and for no other. */
static void the_operand_is_where_the_cpu_has_found_it(void **state)
{
	fake_reset(); /* no paging: a walk would find linear 0x2010 in RAM */
	r->gpr[X86_RBX] = 0x2010;
	fake.answer = 0x11;
	fake.e.at = FAKE_DEV + 0x10;
	fake.e.access = 1; /* MAP_R */
	assert_int_equal(STEP("\x8b\x03"), EMU_DONE);
	assert_int_equal(r->gpr[X86_RAX], 0x11);
	expect_log(0, FAKE_DEV + 0x10, 4, false, 0);
	r->rip = 0x1000;
	assert_int_equal(STEP("\x89\x03"), EMU_DONE); /* a write: not told of */
	assert_int_equal(fake_get(0x2010, 4), 0x11);
	r->rip = 0x1000;
	r->gpr[X86_RBX] = 0x2014;
	fake_set(0x2014, 4, 0x22);
	assert_int_equal(STEP("\x8b\x03"), EMU_DONE); /* another place in the page */
	assert_int_equal(r->gpr[X86_RAX], 0x22);
	r->rip = 0x1000;
	fake.e.access = 2; /* MAP_W */
	fake.e.at = FAKE_DEV + 0x14;
	assert_int_equal(STEP("\x89\x03"), EMU_DONE);
	expect_log(0, FAKE_DEV + 0x14, 4, true, 0x22);
	assert_int_equal(fake_get(0x2014, 4), 0x22);
	r->rip = 0x1000;
	r->gpr[X86_RBX] = 0x2ffe;
	fake.e.at = FAKE_DEV + 0xffe;
	assert_int_equal(STEP("\x89\x03"), EMU_DONE); /* on into the next page: walked */
	assert_int_equal(fake_get(0x2ffe, 4), 0x22);
}

static void the_stack_of_16_bit_code_wraps_at_64k(void **state)
{
	fake_reset();
	fake_mode(16);
	r->seg[X86_SS].base = 0x20000;
	r->gpr[X86_RSP] = 0xabcd0000;
	r->gpr[X86_RBX] = 0x3000;
	fake_set(0x3000, 2, 0x1234);
	assert_int_equal(STEP("\xff\x37"), EMU_DONE);
	assert_int_equal(r->gpr[X86_RSP], 0xabcdfffe);
	assert_int_equal(fake_get(0x2fffe, 2), 0x1234);
	r->rip = 0x1000;
	assert_int_equal(STEP("\x8f\x47\x10"), EMU_DONE);
	assert_int_equal(r->gpr[X86_RSP], 0xabcd0000);
	assert_int_equal(fake_get(0x3010, 2), 0x1234);
}

static void lock_needs_a_memory_destination_that_allows_it(void **state)
{
	static const char *const bad[] = { "\xf0\x8b\x03", "\xf0\x01\xc3", "\xf0\x3b\x03", "\xf0\x39\x03",
					   "\xf0\xa4\x90" };

	for (unsigned k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
		fake_reset();
		r->gpr[X86_RBX] = 0x3000;
		assert_int_equal(fake_step(bad[k], 3), EMU_FAULT);
		assert_int_equal(fake.e.fault.vector, 6);
		assert_false(fake.e.fault.has_error);
		assert_int_equal(r->rip, 0x1000);
	}
}

static void what_touches_no_memory_is_not_ours(void **state)
{
	static const char *const other[] = { "\x8b\xc3\x90", "\x0f\xa2\x90", "\x0f\x28\x03", "\x0f\xae\x03",
					     "\x90\x90\x90" };

	for (unsigned k = 0; k < sizeof(other) / sizeof(other[0]); k++) {
		fake_reset();
		assert_int_equal(fake_step(other[k], 3), EMU_UNKNOWN);
		assert_int_equal(r->rip, 0x1000);
	}
}

static void selectors_are_loaded_in_real_mode_only(void **state)
{
	fake_reset();
	fake_mode(16);
	r->gpr[X86_RBX] = 0x3000;
	fake_set(0x3000, 2, 0xb800);
	assert_int_equal(STEP("\x8e\x07"), EMU_DONE); /* mov es,[bx] */
	assert_int_equal(r->seg[X86_ES].sel, 0xb800);
	assert_int_equal(r->seg[X86_ES].base, 0xb8000);
	r->rip = 0x1000;
	assert_int_equal(STEP("\x8c\x47\x04"), EMU_DONE);
	assert_int_equal(fake_get(0x3004, 2), 0xb800);
	r->rip = 0x1000;
	assert_int_equal(STEP("\x8e\x0f"), EMU_FAULT); /* mov cs */
	assert_int_equal(fake.e.fault.vector, 6);
	fake_mode(32);
	assert_int_equal(STEP("\x8e\x03"), EMU_UNKNOWN);
}

static void dividing_by_what_a_device_answers_may_fault(void **state)
{
	fake_reset();
	r->gpr[X86_RBX] = FAKE_DEV;
	r->gpr[X86_RDX] = 1;
	assert_int_equal(STEP("\xf7\x33"), EMU_FAULT);
	assert_int_equal(fake.e.fault.vector, 0);
	fake.answer = 1;
	assert_int_equal(STEP("\x48\xf7\x33"), EMU_FAULT); /* the quotient needs 65 bits */
	r->gpr[X86_RDX] = 1ULL << 63;
	r->gpr[X86_RAX] = 0;
	fake.answer = ~0ULL;
	assert_int_equal(STEP("\x48\xf7\x3b"), EMU_FAULT); /* idiv of the least by -1 */
}

static u64 seed;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* An address: RAM, device, page boundary or nonsense. */
static u64 rnd_address(void)
{
	switch (rnd() & 7) {
	case 0: return FAKE_DEV + (rnd() & 0xffff);
	case 1: return rnd();
	case 2: return (rnd() & 0x7f000) - 3;
	case 3: return FAKE_RAM_SIZE - (rnd() & 15);
	default: return rnd() & 0x7ffff;
	}
}

static void random_state(void)
{
	static const u8 bits[] = { 16, 32, 64, 64 };

	fake_mode(bits[rnd() & 3]);
	for (unsigned k = 0; k < 16; k++)
		r->gpr[k] = rnd_address();
	r->rflags = (rnd() & 0x50cd5) | 2;
	r->cpl = rnd() & 3;
	if (rnd() & 1) {
		u64 cr4 = rnd() & 0x301010;

		paging();
		r->cr4 = r->efer ? cr4 | 0x20 : cr4 | (rnd() & 0x20);
		r->efer |= rnd() & 0x800;
		if (rnd() & 1)
			fake_set((0x10000 + (rnd() & 0x4fff)) & ~7ULL, 8, rnd() & rnd());
		if ((rnd() & 7) == 0)
			r->cr3 = rnd();
	} else if (!(r->efer & 0x400)) {
		for (unsigned s = 0; s < X86_NSREG; s++) {
			r->seg[s].ar ^= (rnd() & 7) ? 0 : 1u << (rnd() & 15);
			r->seg[s].base = rnd() & 3 ? 0 : (u32)rnd();
			r->seg[s].limit = rnd() & 3 ? r->seg[s].limit : (u32)rnd();
		}
	}
}

/* Half of them begin with an opcode that is executed, so that more than the decoder is tried. */
static void random_bytes(u8 *b)
{
	static const u8 start[] = { 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x48, 0x0f, 0xff, 0xf7, 0xa4, 0xa6, 0x8f };

	for (unsigned k = 0; k < 15; k++)
		b[k] = (u8)rnd();
	if (rnd() & 1)
		b[0] = start[rnd() % sizeof(start)];
	if ((rnd() & 3) == 0)
		b[1] = start[rnd() % sizeof(start)];
}

static void random_instructions_touch_nothing_else(void **state)
{
	const char *s = getenv("EMU_SEED");
	unsigned results[3] = { 0 };

	seed = s ? strtoull(s, NULL, 0) : 0x5eed;
	printf("first seed %#llx\n", (unsigned long long)seed);
	fake_reset();
	fake.e.max_iter = 50;
	for (unsigned n = 0; n < 300000; n++) {
		struct vcpu_regs before;
		enum emu_result res;
		u8 bytes[15];

		random_state();
		random_bytes(bytes);
		fake.e.insn = rnd() & 1 ? bytes : NULL;
		fake.e.insn_len = rnd() & 15;
		fake.answer = rnd();
		before = *r;
		res = fake_step(bytes, sizeof(bytes));
		assert_in_range(res, EMU_DONE, EMU_UNKNOWN);
		assert_true(fake.accesses <= 4 * 50);
		results[res]++;
		if (res == EMU_DONE)
			assert_in_range(fake.e.length, 1, 15);
		else
			assert_int_equal(r->rip, before.rip);
		if (res == EMU_UNKNOWN)
			assert_memory_equal(&before, r, sizeof(before));
		if (res == EMU_FAULT) {
			assert_int_equal(before.rflags, r->rflags);
			assert_memory_equal(before.seg, r->seg, sizeof(before.seg));
		}
	}
	printf("done %u, fault %u, unknown %u\n", results[0], results[1], results[2]);
	assert_true(results[0] > 3000 && results[1] > 3000 && results[2] > 3000);
}

/* Kept instructions meet other registers than those they were taken apart with. */
static void a_kept_instruction_does_what_a_fresh_one_does(void **state)
{
	unsigned done = 0;

	seed = 0xcafe;
	fake_reset();
	for (unsigned n = 0; n < 60000; n++) {
		struct vcpu_regs before, fresh;
		struct fake_access log[2];
		enum emu_result res;
		u8 bytes[15];

		fake_mode(64);
		random_bytes(bytes);
		fake.e.insn = bytes;
		fake.e.insn_len = 15;
		fake.e.max_iter = 5;
		fake.e.cache = &fake.cache;
		(void)!emu_length(&fake.e);
		for (unsigned k = 0; k < 16; k++)
			r->gpr[k] = FAKE_DEV + (rnd() & 0xffff);
		r->rip = 0x1000 + 8 * (rnd() & 0xff) * 8; /* the same slot */
		fake.answer = rnd();
		before = *r;
		fake.accesses = 0;
		res = emu_step(&fake.e);
		fresh = *r;
		memcpy(log, fake.log, sizeof(log));
		*r = before;
		fake.e.cache = NULL;
		fake.accesses = 0;
		assert_int_equal(emu_step(&fake.e), res);
		assert_memory_equal(&fresh, r, sizeof(fresh));
		assert_memory_equal(log, fake.log, fake.accesses >= 2 ? sizeof(log) : fake.accesses * sizeof(log[0]));
		done += res == EMU_DONE;
	}
	assert_true(done > 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_move_is_one_device_access),
		cmocka_unit_test(a_change_of_a_device_is_a_read_and_a_write),
		cmocka_unit_test(an_access_across_pages_is_split_at_the_boundary),
		cmocka_unit_test(a_fault_on_the_second_page_writes_nothing),
		cmocka_unit_test(a_string_stops_where_it_faults),
		cmocka_unit_test(a_string_across_pages_and_the_device),
		cmocka_unit_test(a_long_string_goes_back_to_the_guest_now_and_then),
		cmocka_unit_test(port_strings_use_dx_and_memory),
		cmocka_unit_test(push_and_call_check_the_stack_before_they_read_a_device),
		cmocka_unit_test(the_operand_is_where_the_cpu_has_found_it),
		cmocka_unit_test(the_stack_of_16_bit_code_wraps_at_64k),
		cmocka_unit_test(lock_needs_a_memory_destination_that_allows_it),
		cmocka_unit_test(what_touches_no_memory_is_not_ours),
		cmocka_unit_test(selectors_are_loaded_in_real_mode_only),
		cmocka_unit_test(dividing_by_what_a_device_answers_may_fault),
		cmocka_unit_test(random_instructions_touch_nothing_else),
		cmocka_unit_test(a_kept_instruction_does_what_a_fresh_one_does),
	};
	int bad = cmocka_run_group_tests(tests, NULL, NULL);

	fake_free();
	return bad;
}
