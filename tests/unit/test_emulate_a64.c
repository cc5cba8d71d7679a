/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_emulate_a64.c: A64 loads and stores carried out for a guest. Words are what the assembler makes.
 * LINK: guest/vmm/arm64/emulate.c guest/vmm/arm64/walk.c guest/vmm/bus.c tests/unit/fake_rt.c
 * CFLAGS: -Ihv/abi/arm64 -Iguest/vmm/arm64
 */
#include "guest/vmm/arm64/emulate.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fake_rt.h"
#include "guest/vmm/arm64/virt.h"

#define DEV	 0x9000000u /* 128 KiB of a device */
#define DEV_SIZE 0x20000u
#define RAM_SIZE 0x4000u
#define VA	 0xffff800012340000ull /* where the guest has mapped the device */
#define ANSWER	 0xf1f2f3f4f5f5f6f8ull /* of the device at offset 0; it is the offset more elsewhere */

static struct vm vm;
static struct vcpu_state st;
static struct bus_region region;
static struct {
	u64 off, value;
	unsigned size;
	bool write;
} acc[32];
static unsigned accesses;

static u64 dev_read(void *dev, u64 off, unsigned size)
{
	if (accesses < ARRAY_SIZE(acc)) {
		acc[accesses].off = off;
		acc[accesses].size = size;
		acc[accesses].write = false;
	}
	accesses++;
	return ANSWER + off;
}

static void dev_write(void *dev, u64 off, unsigned size, u64 value)
{
	dev_read(dev, off, size);
	if (accesses <= ARRAY_SIZE(acc)) {
		acc[accesses - 1].write = true;
		acc[accesses - 1].value = value;
	}
}

static const struct bus_ops dev_ops = { dev_read, dev_write };

static int setup(void **state)
{
	fake_reset();
	fake_vm_init(&vm, RAM_SIZE);
	vm.ram[0].gpa = VIRT_RAM_BASE;
	region = (struct bus_region){ DEV, DEV_SIZE, &dev_ops, NULL };
	assert_int_equal(bus_add(&vm.mmio, &region), OK);
	memset(&st, 0, sizeof(st));
	st.sctlr = 1; /* MMU on */
	st.regs.pstate = ARM_PSTATE_EL1H;
	st.regs.pc = 0x1000;
	accesses = 0;
	memset(acc, 0, sizeof(acc));
	return 0;
}

static int teardown(void **state)
{
	fake_vm_free(&vm);
	return 0;
}

/* Carry out @word, whose access goes to @va, mapped to the device at VA - @va. */
static bool step(u32 word, u64 va)
{
	struct a64_insn i;

	return a64_decode(word, &i) && a64_step(&vm, &st, &i, va, DEV + (va - VA));
}

/* x1 = 1111111122222222h, x3 = 33333333 44444444h or @x3, x2 = VA + 8100h. */
struct row {
	u32 word;
	s64 off; /* of the access, from x2 */
	u8 size, count;
	bool write;
	s64 moved;  /* of x2 */
	u64 v1, v3; /* loads: x1 and x3 after; stores: what the device gets */
	u64 x3;	    /* index, 0: no matter */
	const char *text;
};

#define X1 0x1111111122222222ull
#define X3 0x3333333344444444ull

static const struct row rows[] = {
	{ 0xb8404441, 0, 4, 1, false, 4, 0xf5f677f8, X3, 0, "ldr w1, [x2], #4" },
	{ 0xf85f8c41, -8, 8, 1, false, -8, 0xf1f2f3f4f5f677f0, X3, 0, "ldr x1, [x2, #-8]!" },
	{ 0xf81f0441, 0, 8, 1, true, -16, X1, 0, 0, "str x1, [x2], #-16" },
	{ 0x38001c41, 1, 1, 1, true, 1, 0x22, 0, 0, "strb w1, [x2, #1]!" },
	{ 0x39401441, 5, 1, 1, false, 0, 0xfd, X3, 0, "ldrb w1, [x2, #5]" },
	{ 0x79400c41, 6, 2, 1, false, 0, 0x77fe, X3, 0, "ldrh w1, [x2, #6]" },
	{ 0x39800041, 0, 1, 1, false, 0, ~7ull, X3, 0, "ldrsb x1, [x2]" },
	{ 0x39c00041, 0, 1, 1, false, 0, 0xfffffff8, X3, 0, "ldrsb w1, [x2]" },
	{ 0x79800041, 0, 2, 1, false, 0, 0x77f8, X3, 0, "ldrsh x1, [x2]" },
	{ 0xb9800041, 0, 4, 1, false, 0, 0xfffffffff5f677f8, X3, 0, "ldrsw x1, [x2]" },
	{ 0xb85fd041, -3, 4, 1, false, 0, 0xf5f677f5, X3, 0, "ldur w1, [x2, #-3]" },
	{ 0xf80ff041, 255, 8, 1, true, 0, X1, 0, 0, "stur x1, [x2, #255]" },
	{ 0xb8004841, 4, 4, 1, true, 0, 0x22222222, 0, 0, "sttr w1, [x2, #4]" },
	{ 0xb8804841, 4, 4, 1, false, 0, 0xfffffffff5f677fc, X3, 0, "ldtrsw x1, [x2, #4]" },
	{ 0xf8636841, 24, 8, 1, false, 0, 0xf1f2f3f4f5f67810, 24, 24, "ldr x1, [x2, x3]" },
	{ 0xf8637841, 64, 8, 1, false, 0, 0xf1f2f3f4f5f67838, 8, 8, "ldr x1, [x2, x3, lsl #3]" },
	{ 0xb8635841, 32, 4, 1, false, 0, 0xf5f67818, 0xffffffff00000008, 0xffffffff00000008,
	  "ldr w1, [x2, w3, uxtw #2]" },
	{ 0xb823c841, -4, 4, 1, true, 0, 0x22222222, 0, 0xfffffffc, "str w1, [x2, w3, sxtw]" },
	{ 0xf863f841, -64, 8, 1, false, 0, 0xf1f2f3f4f5f677b8, -8ull, -8ull, "ldr x1, [x2, x3, sxtx #3]" },
	{ 0x29400c41, 0, 4, 2, false, 0, 0xf5f677f8, 0xf5f677fc, 0, "ldp w1, w3, [x2]" },
	{ 0xa9c10c41, 16, 8, 2, false, 16, 0xf1f2f3f4f5f67808, 0xf1f2f3f4f5f67810, 0, "ldp x1, x3, [x2, #16]!" },
	{ 0xa8be0c41, 0, 8, 2, true, -32, X1, X3, 0, "stp x1, x3, [x2], #-32" },
	{ 0x293f0c5f, -8, 4, 2, true, 0, 0, 0x44444444, 0, "stp wzr, w3, [x2, #-8]" },
	{ 0xa8408c41, 8, 8, 2, false, 0, 0xf1f2f3f4f5f67800, 0xf1f2f3f4f5f67808, 0, "ldnp x1, x3, [x2, #8]" },
	{ 0x68c10c41, 0, 4, 2, false, 8, 0xfffffffff5f677f8, 0xfffffffff5f677fc, 0, "ldpsw x1, x3, [x2], #8" },
	{ 0x88dffc41, 0, 4, 1, false, 0, 0xf5f677f8, X3, 0, "ldar w1, [x2]" },
	{ 0xc89ffc41, 0, 8, 1, true, 0, X1, 0, 0, "stlr x1, [x2]" },
	{ 0x089ffc41, 0, 1, 1, true, 0, 0x22, 0, 0, "stlrb w1, [x2]" },
	{ 0xb8bfc041, 0, 4, 1, false, 0, 0xf5f677f8, X3, 0, "ldapr w1, [x2]" },
	{ 0xd9408041, 8, 8, 1, false, 0, 0xf1f2f3f4f5f67800, X3, 0, "ldapur x1, [x2, #8]" },
	{ 0x59002041, 2, 2, 1, true, 0, 0x2222, 0, 0, "stlurh w1, [x2, #2]" },
	{ 0x19800041, 0, 1, 1, false, 0, ~7ull, X3, 0, "ldapursb x1, [x2]" },
	{ 0xf900005f, 0, 8, 1, true, 0, 0, 0, 0, "str xzr, [x2]" },
	{ 0xf940005f, 0, 8, 1, false, 0, X1, X3, 0, "ldr xzr, [x2]" },
	{ 0xf97ffc41, 32760, 8, 1, false, 0, 0xf1f2f3f4f5f6f7f0, X3, 0, "ldr x1, [x2, #32760]" },
};

static void check_row(const struct row *r)
{
	const u64 base = VA + 0x8100;

	accesses = 0;
	st.regs.x[1] = X1;
	st.regs.x[2] = base;
	st.regs.x[3] = r->x3 != 0 ? r->x3 : X3;
	st.regs.pc = 0x1000;
	st.regs.pstate = ARM_PSTATE_EL1H | BIT(21) | BIT(10) | BIT(31);
	assert_true(step(r->word, base + (u64)r->off));
	assert_int_equal(accesses, r->count);
	for (unsigned n = 0; n < r->count; n++) {
		assert_int_equal(acc[n].off, 0x8100 + r->off + n * r->size);
		assert_int_equal(acc[n].size, r->size);
		assert_int_equal(acc[n].write, r->write);
		if (r->write)
			assert_int_equal(acc[n].value, n == 0 ? r->v1 : r->v3);
	}
	if (!r->write) {
		assert_int_equal(st.regs.x[1], r->v1);
		assert_int_equal(st.regs.x[3], r->v3);
	}
	assert_int_equal(st.regs.x[2], base + (u64)r->moved);
	assert_int_equal(st.regs.pc, 0x1004);
	assert_int_equal(st.regs.pstate, ARM_PSTATE_EL1H | BIT(31)); /* neither stepping nor a branch's type is left */
}

static void every_form_accesses_extends_and_writes_back(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		check_row(&rows[i]);
	}
}

static void what_is_no_plain_load_or_store_is_not_known(void **state)
{
	static const u32 words[] = {
		0x3dc00040, /* ldr q0, [x2]               */
		0x6d400440, /* ldp d0, d1, [x2]           */
		0xbc404440, /* ldr s0, [x2], #4           */
		0x885f7c41, /* ldxr w1, [x2]              */
		0x88037c41, /* stxr w3, w1, [x2]          */
		0xc85ffc41, /* ldaxr x1, [x2]             */
		0xc87f0c41, /* ldxp x1, x3, [x2]          */
		0xf8210043, /* ldadd x1, x3, [x2]         */
		0xc8a17c43, /* cas x1, x3, [x2]           */
		0xf8218043, /* swp x1, x3, [x2]           */
		0xd50b7422, /* dc zva, x2                 */
		0xf9800040, /* prfm pldl1keep, [x2]       */
		0xf8801040, /* prfum pldl1keep, [x2, #1]  */
		0x69000c41, /* stgp x1, x3, [x2]          */
		0xd9200841, /* stg x1, [x2]               */
		0x58000001, /* ldr x1, .                  */
		0xd65f03c0, /* ret                        */
		0x00000000, 0xffffffff,
	};
	struct a64_insn i;

	for (unsigned n = 0; n < ARRAY_SIZE(words); n++)
		assert_false(a64_decode(words[n], &i));
}

static void register_31_as_base_is_the_stack_pointer_in_use(void **state)
{
	st.sp_el1 = VA + 0x100;
	st.regs.sp_el0 = VA + 0x200;
	st.regs.x[1] = 5;
	assert_true(step(0xf81f0fe1, VA + 0xf0)); /* str x1, [sp, #-16]! */
	assert_int_equal(st.sp_el1, VA + 0xf0);
	st.regs.pstate = ARM_PSTATE_EL1T;
	assert_true(step(0xf9400be1, VA + 0x210)); /* ldr x1, [sp, #16] */
	assert_int_equal(st.regs.x[1], ANSWER + 0x210);
	st.regs.pstate = ARM_PSTATE_EL0;
	assert_true(step(0xf81f0fe1, VA + 0x1f0));
	assert_int_equal(st.regs.sp_el0, VA + 0x1f0);
	assert_int_equal(st.sp_el1, VA + 0xf0);
}

static void a_tag_in_the_address_does_not_matter(void **state)
{
	st.regs.x[2] = (VA & ~(0xffull << 56)) | 0x5aull << 56;
	assert_true(step(0xf9400041, VA)); /* ldr x1, [x2] */
	assert_int_equal(acc[0].off, 0);
}

static void an_instruction_that_is_not_the_one_that_faulted_does_nothing(void **state)
{
	struct vcpu_state old;

	st.regs.x[2] = VA + 0x10;
	old = st;
	assert_false(step(0xf8408441, VA + 0x18)); /* ldr x1, [x2], #8 */
	assert_false(step(0xf8408441, VA + 0x0f));
	assert_memory_equal(&st, &old, sizeof(st));
	assert_int_equal(accesses, 0);
}

static void a_pair_may_fault_in_its_second_half(void **state)
{
	st.regs.x[2] = VA + 0x10;
	assert_true(step(0xa9400c41, VA + 0x18)); /* ldp x1, x3, [x2] */
	assert_int_equal(accesses, 2);
	assert_int_equal(acc[0].off, 0x10);
}

static void other_pages_need_the_guests_tables_or_no_mmu(void **state)
{
	struct vcpu_state old;

	/* str x1, [x2], #8, three bytes in one page and five in the next */
	st.regs.x[1] = 0x8877665544332211;
	st.regs.x[2] = DEV + 0xffd;
	old = st;
	assert_false(step(0xf8008441, VA + 0xffd));
	assert_memory_equal(&st, &old, sizeof(st));
	st.sctlr = 0;
	{
		struct a64_insn i;

		assert_true(a64_decode(0xf8008441, &i));
		assert_true(a64_step(&vm, &st, &i, DEV + 0x1000, DEV + 0x1000));
	}
	assert_int_equal(accesses, 8);
	for (unsigned n = 0; n < 8; n++) {
		assert_int_equal(acc[n].off, 0xffd + n);
		assert_int_equal(acc[n].size, 1);
		assert_int_equal(acc[n].value, 0x11 * (n + 1));
	}
	assert_int_equal(st.regs.x[2], DEV + 0x1005);
}

static void what_leaves_the_device_and_ram_is_refused_as_a_whole(void **state)
{
	struct vcpu_state old;
	struct a64_insn i;

	st.sctlr = 0;
	st.regs.x[2] = DEV + DEV_SIZE - 8;
	old = st;
	assert_true(a64_decode(0xa9000c41, &i)); /* stp x1, x3, [x2] */
	assert_false(a64_step(&vm, &st, &i, DEV + DEV_SIZE - 8, DEV + DEV_SIZE - 8));
	assert_memory_equal(&st, &old, sizeof(st));
	assert_int_equal(accesses, 0);
	/* In PCI's windows nothing is missing. */
	st.regs.x[2] = VIRT_MMIO_START;
	assert_true(a64_decode(0xf9400041, &i)); /* ldr x1, [x2] */
	assert_true(a64_step(&vm, &st, &i, VIRT_MMIO_START, VIRT_MMIO_START));
	assert_int_equal(st.regs.x[1], ~0ull);
}

static void a_pair_may_straddle_ram_and_a_device(void **state)
{
	static struct bus_region behind;
	struct a64_insn i;
	u64 v = 0x0123456789abcdef;

	behind = (struct bus_region){ VIRT_RAM_BASE + RAM_SIZE, 0x1000, &dev_ops, NULL };
	assert_int_equal(bus_add(&vm.mmio, &behind), OK);
	st.sctlr = 0;
	st.regs.x[2] = VIRT_RAM_BASE + RAM_SIZE - 8;
	memcpy(vm.ram[0].mem + RAM_SIZE - 8, &v, 8);
	assert_true(a64_decode(0xa9400c41, &i)); /* ldp x1, x3, [x2] */
	assert_true(a64_step(&vm, &st, &i, VIRT_RAM_BASE + RAM_SIZE, VIRT_RAM_BASE + RAM_SIZE));
	assert_int_equal(st.regs.x[1], v);
	assert_int_equal(st.regs.x[3], ANSWER);
}

#define TABLE(n) (VIRT_RAM_BASE + 0x1000u * (n))

static void put_desc(u64 table, unsigned i, u64 desc)
{
	memcpy(vm.ram[0].mem + (table - VIRT_RAM_BASE) + 8 * i, &desc, 8);
}

/* 39 bits in both halves, 4 KiB: VA in TTBR1's by three tables. */
static void make_tables(u64 page)
{
	st.tcr = 25 | 25 << 16 | 2u << 30;
	st.ttbr1 = TABLE(1) | 0x7ull << 48 | 1;
	put_desc(TABLE(1), VA >> 30 & 511, TABLE(2) | 3);
	put_desc(TABLE(2), VA >> 21 & 511, TABLE(3) | 3);
	put_desc(TABLE(3), VA >> 12 & 511, page);
}

#define VA39 (VA | 0xffffff8000000000ull)

static void tables_of_three_levels_are_walked(void **state)
{
	u64 gpa = 0;

	make_tables(DEV | 0x403);
	assert_true(a64_walk(&vm, &st, VA39 + 0x123, true, &gpa));
	assert_int_equal(gpa, DEV + 0x123);
	assert_true(a64_walk(&vm, &st, (VA39 + 0x123) ^ 0x3full << 56, false, &gpa)); /* a tag */
	assert_false(a64_walk(&vm, &st, VA, false, &gpa));			      /* between the halves */
	assert_false(a64_walk(&vm, &st, VA39 + 0x1000, false, &gpa));
	assert_false(a64_walk(&vm, &st, VA39 & BITS(38, 0), false, &gpa)); /* TTBR0 leads out of RAM */
	st.regs.pstate = ARM_PSTATE_EL0;
	assert_false(a64_walk(&vm, &st, VA39, false, &gpa));
	make_tables(DEV | 0x4c3); /* user, read-only */
	assert_true(a64_walk(&vm, &st, VA39, false, &gpa));
	assert_false(a64_walk(&vm, &st, VA39, true, &gpa));
	make_tables(DEV | 0x043); /* not accessed */
	assert_false(a64_walk(&vm, &st, VA39, false, &gpa));
	make_tables(DEV | 0x441); /* no page */
	assert_false(a64_walk(&vm, &st, VA39, false, &gpa));
	st.tcr |= BIT(23); /* EPD1 */
	make_tables(DEV | 0x443);
	st.tcr |= BIT(23);
	assert_false(a64_walk(&vm, &st, VA39, false, &gpa));
}

static void blocks_and_other_granules_are_walked(void **state)
{
	u64 gpa = 0;

	make_tables(0);
	put_desc(TABLE(2), VA >> 21 & 511, 0x8000000 | 0x401);
	assert_true(a64_walk(&vm, &st, VA39 + 0x45, false, &gpa));
	assert_int_equal(gpa, 0x8000000 + ((VA + 0x45) & 0x1fffff));
	put_desc(TABLE(1), VA >> 30 & 511, 0x40000000 | 0x401);
	assert_true(a64_walk(&vm, &st, VA39, false, &gpa));
	assert_int_equal(gpa, 0x40000000 + (VA & 0x3fffffff));
	/* 48 bits, 4 KiB: four levels; a block at the first is none */
	st.tcr = 16 | 16 << 16 | 2u << 30;
	put_desc(TABLE(1), VA >> 39 & 511, 0x401);
	assert_false(a64_walk(&vm, &st, VA, false, &gpa));
	/* 64 KiB, 42 bits: two levels, in TTBR0 */
	st.tcr = 22 | 1 << 14;
	st.ttbr0 = TABLE(0);
	put_desc(TABLE(0), 1, 0x60000000 | 0x401); /* a block of 512 MiB */
	assert_true(a64_walk(&vm, &st, 0x20012345, false, &gpa));
	assert_int_equal(gpa, 0x60012345);
	/* 16 KiB, 36 bits: two levels */
	st.tcr = 28 | 2 << 14;
	put_desc(TABLE(0), 2, TABLE(0) | 3); /* is its own next table */
	put_desc(TABLE(0), 5, 0x5000000 | 0x403);
	assert_true(a64_walk(&vm, &st, 2ull << 25 | 5ull << 14 | 0x77, false, &gpa));
	assert_int_equal(gpa, 0x5000077);
}

static void an_access_across_pages_follows_the_tables(void **state)
{
	make_tables(DEV | 0x403);
	put_desc(TABLE(3), (VA >> 12 & 511) + 1, (DEV + 0x5000) | 0x403);
	st.regs.x[1] = 0x8877665544332211;
	st.regs.x[2] = VA39 + 0xffd;
	{
		struct a64_insn i;

		assert_true(a64_decode(0xf8008441, &i)); /* str x1, [x2], #8 */
		assert_true(a64_step(&vm, &st, &i, VA39 + 0xffd, DEV + 0xffd));
	}
	assert_int_equal(accesses, 8);
	assert_int_equal(acc[2].off, 0xfff);
	assert_int_equal(acc[3].off, 0x5000);
	assert_int_equal(acc[3].value, 0x44);
}

static u64 seed = 0x5eed;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Bases that make accesses hit, miss, straddle and wrap. */
static u64 rnd_address(void)
{
	static const u64 at[] = { DEV, DEV + DEV_SIZE, VIRT_RAM_BASE,	VIRT_RAM_BASE + RAM_SIZE,
				  0,   ~0ull,	       VIRT_MMIO_START, VIRT_MMIO64_BASE,
				  VA };

	return at[rnd() % ARRAY_SIZE(at)] + rnd() % 64 - 32;
}

static void random_words_touch_nothing_but_registers_ram_and_devices(void **state)
{
	unsigned done = 0;

	for (unsigned n = 0; n < 400000; n++) {
		u32 word = (u32)rnd();
		struct a64_insn i;
		u64 gva;

		if (n % 4 != 0)
			word = (word & ~0x0a000000u) | 0x08000000u; /* loads and stores */
		for (unsigned r = 0; r < 31; r++)
			st.regs.x[r] = rnd_address();
		st.sp_el1 = rnd_address();
		st.regs.sp_el0 = rnd_address();
		st.regs.pstate = rnd() % 16;
		st.sctlr = rnd() & 1;
		st.tcr = rnd();
		st.ttbr0 = st.ttbr1 = VIRT_RAM_BASE + rnd() % (RAM_SIZE + 64);
		put_desc(VIRT_RAM_BASE, rnd() % (RAM_SIZE / 8), rnd() % 4 ? rnd() : rnd_address() | 3);
		if (!a64_decode(word, &i))
			continue;
		assert_true(i.count == 1 || i.count == 2);
		assert_true(i.size == 1 || i.size == 2 || i.size == 4 || i.size == 8);
		assert_true((i.rt | i.rt2 | i.rn | i.rm) <= 31);
		gva = rnd() % 4 ? (i.rn == 31 ? st.sp_el1 : st.regs.x[i.rn]) + (i.post || i.index ? 0 : (u64)i.imm)
				: rnd_address();
		done += a64_step(&vm, &st, &i, gva, rnd() % 4 ? gva : rnd_address());
	}
	assert_true(done > 1000);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(every_form_accesses_extends_and_writes_back),
		T(what_is_no_plain_load_or_store_is_not_known),
		T(register_31_as_base_is_the_stack_pointer_in_use),
		T(a_tag_in_the_address_does_not_matter),
		T(an_instruction_that_is_not_the_one_that_faulted_does_nothing),
		T(a_pair_may_fault_in_its_second_half),
		T(other_pages_need_the_guests_tables_or_no_mmu),
		T(what_leaves_the_device_and_ram_is_refused_as_a_whole),
		T(a_pair_may_straddle_ram_and_a_device),
		T(tables_of_three_levels_are_walked),
		T(blocks_and_other_granules_are_walked),
		T(an_access_across_pages_follows_the_tables),
		T(random_words_touch_nothing_but_registers_ram_and_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
