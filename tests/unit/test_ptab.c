/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: hv/lib/ptab.c hv/lib/pool.c tests/unit/fake_panic.c */
/* tests/unit/test_ptab.c: the page-table walker against a naive array, over random sequences. */
#include "hv/lib/ptab.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "hv/lib/util.h"

#define PAGES 512

static u8 mem[PAGES][PAGE_SIZE] ALIGNED(8 * 4096);
static struct pool pool;
static struct ptab pt;
static struct ptab_leaf out;

/* A format of our own: bit 0 present, bit 1 leaf, flags in 62:56. */
static u64 fmt_leaf(u64 pa, unsigned flags, unsigned level)
{
	return pa | 3 | (u64)flags << 56;
}

static u64 fmt_table(u64 pa)
{
	return pa | 1;
}

static unsigned fmt_flags(u64 e, unsigned level)
{
	return e >> 56;
}

static bool fmt_present(u64 e)
{
	return e & 1;
}

static bool fmt_is_leaf(u64 e, unsigned level)
{
	return e & 2;
}

#define FMT(l, bits, roots)                                                                                            \
	{                                                                                                              \
		.name = "test", .levels = l, .max_leaf = 2, .addr_bits = bits, .pa_mask = BITS(51, 12),                \
		.root_pages = roots, .leaf = fmt_leaf, .table = fmt_table, .flags = fmt_flags, .present = fmt_present, \
		.is_leaf = fmt_is_leaf                                                                                 \
	}

static const struct ptab_format fmt4 = FMT(4, 48, 1);
static const struct ptab_format fmt3 = FMT(3, 40, 2);
static const struct ptab_format *const fmts[] = { &fmt4, &fmt3 };

#define MEM_PA 0x40000000ULL /* not the identity: a mixed-up address shows */

static void *mem_ptr(u64 pa)
{
	assert_in_range(pa, MEM_PA, MEM_PA + sizeof(mem) - 1);
	return (u8 *)mem + (pa - MEM_PA);
}

static u64 mem_pa(const void *p)
{
	return (u64)((const u8 *)p - (const u8 *)mem) + MEM_PA;
}

static const struct ptab_mem access = { mem_ptr, mem_pa };

static void start(const struct ptab_format *fmt, size_t pages)
{
	memset(mem, 0xee, sizeof(mem));
	pool_init(&pool);
	pool_add_range(&pool, mem, pages);
	assert_int_equal(ptab_init(&pt, fmt, &access, &pool), OK);
}

static void map_without_memory_changes_nothing(void **state)
{
	start(&fmt4, 3); /* 4 levels need 4 tables */
	assert_int_equal(ptab_map(&pt, 0x1000, 0x8000, PAGE_SIZE, PT_R, &pool), ERR_NOMEM);
	assert_int_equal(ptab_lookup(&pt, 0x1000, &out), ERR_UNMAPPED);
	assert_int_equal(pool_free(&pool), 2); /* all but the root came back */
}

static void init_without_memory_takes_nothing(void **state)
{
	pool_init(&pool);
	assert_int_equal(ptab_init(&pt, &fmt4, &access, &pool), ERR_NOMEM);
	pool_add(&pool, mem[0]);
	pool_add(&pool, mem[2]); /* two, but not in a row */
	assert_int_equal(ptab_init(&pt, &fmt3, &access, &pool), ERR_NOMEM);
	assert_int_equal(pool_free(&pool), 2);
}

static void a_concatenated_root_is_aligned_to_its_size(void **state)
{
	pool_init(&pool);
	pool_add_range(&pool, mem[1], 6);
	assert_int_equal(ptab_init(&pt, &fmt3, &access, &pool), OK);
	assert_ptr_equal(pt.root, mem[2]);
	assert_int_equal(pool_free(&pool), 4);
	assert_ptr_equal(pool_get(&pool), mem[1]); /* put back in its place */
}

static void the_second_root_page_is_used(void **state)
{
	start(&fmt3, 8);
	assert_int_equal(ptab_map(&pt, 512 * SIZE_1G, SIZE_1G, SIZE_1G, PT_R, &pool), OK);
	assert_int_equal(ptab_lookup(&pt, 512 * SIZE_1G + 0x5678, &out), OK);
	assert_int_equal(out.va, 512 * SIZE_1G);
	assert_int_equal(out.pa, SIZE_1G);
	assert_int_equal(ptab_lookup(&pt, 0, &out), ERR_UNMAPPED);
	assert_int_equal(((u64 *)mem[1])[0] & 3, 3);
}

static void leaves_are_as_large_as_alignment_allows(void **state)
{
	start(&fmt4, 64);
	/* One page below 1 GiB up to one page above 2 GiB. */
	assert_int_equal(
		ptab_map(&pt, SIZE_1G - PAGE_SIZE, 5 * SIZE_1G - PAGE_SIZE, SIZE_1G + 2 * PAGE_SIZE, PT_R, &pool), OK);
	assert_int_equal(ptab_lookup(&pt, SIZE_1G - 1, &out), OK);
	assert_int_equal(out.size, PAGE_SIZE);
	assert_int_equal(ptab_lookup(&pt, SIZE_1G + 12345, &out), OK);
	assert_int_equal(out.size, SIZE_1G);
	assert_int_equal(out.pa, 5 * SIZE_1G);
	assert_int_equal(ptab_lookup(&pt, 2 * SIZE_1G, &out), OK);
	assert_int_equal(out.size, PAGE_SIZE);
	assert_int_equal(out.pa, 6 * SIZE_1G);

	/* Addresses that differ in bit 21 only: 2 MiB leaves. */
	assert_int_equal(ptab_map(&pt, 8 * SIZE_1G, SIZE_2M, SIZE_1G, PT_R, &pool), OK);
	assert_int_equal(ptab_lookup(&pt, 8 * SIZE_1G, &out), OK);
	assert_int_equal(out.size, SIZE_2M);

	pt.max_leaf = 1; /* a machine without 1 GiB leaves */
	assert_int_equal(ptab_map(&pt, 16 * SIZE_1G, 0, SIZE_1G, PT_R, &pool), OK);
	assert_int_equal(ptab_lookup(&pt, 16 * SIZE_1G, &out), OK);
	assert_int_equal(out.size, SIZE_2M);
}

static void bad_arguments_are_refused(void **state)
{
	start(&fmt4, 16);
	assert_int_equal(ptab_map(&pt, 1, 0, PAGE_SIZE, PT_R, &pool), ERR_ALIGN);
	assert_int_equal(ptab_map(&pt, 0, 8, PAGE_SIZE, PT_R, &pool), ERR_ALIGN);
	assert_int_equal(ptab_map(&pt, 0, 0, PAGE_SIZE - 1, PT_R, &pool), ERR_ALIGN);
	assert_int_equal(ptab_map(&pt, 0, 0, 0, PT_R, &pool), ERR_RANGE);
	assert_int_equal(ptab_map(&pt, BIT(48), 0, PAGE_SIZE, PT_R, &pool), ERR_RANGE);
	assert_int_equal(ptab_map(&pt, BIT(48) - PAGE_SIZE, 0, 2 * PAGE_SIZE, PT_R, &pool), ERR_RANGE);
	assert_int_equal(ptab_map(&pt, -PAGE_SIZE, 0, 2 * PAGE_SIZE, PT_R, &pool), ERR_RANGE);
	assert_int_equal(ptab_map(&pt, 0, BIT(52), PAGE_SIZE, PT_R, &pool), ERR_RANGE);
	assert_int_equal(ptab_map(&pt, 0, BIT(52) - PAGE_SIZE, 2 * PAGE_SIZE, PT_R, &pool), ERR_RANGE);
	assert_int_equal(ptab_map(&pt, 0, -PAGE_SIZE, 2 * PAGE_SIZE, PT_R, &pool), ERR_RANGE);
	assert_int_equal(ptab_unmap(&pt, 0x800, PAGE_SIZE, &pool), ERR_ALIGN);
	assert_int_equal(ptab_unmap(&pt, BIT(48), PAGE_SIZE, &pool), ERR_RANGE);
	assert_int_equal(ptab_protect(&pt, 0, PAGE_SIZE, PT_R, &pool), ERR_UNMAPPED);
	assert_int_equal(ptab_lookup(&pt, BIT(48), &out), ERR_RANGE);
	assert_int_equal(ptab_next(&pt, BIT(48), &out), ERR_NOENT);
	assert_int_equal(ptab_next(&pt, 0, &out), ERR_NOENT);
	assert_int_equal(pool_free(&pool), 15);
}

static void an_enormous_request_fails_at_once(void **state)
{
	start(&fmt4, 16); /* 4 KiB leaves only: would take half a terabyte of tables */
	assert_int_equal(ptab_map(&pt, 0, PAGE_SIZE, BIT(48) - PAGE_SIZE, PT_R, &pool), ERR_NOMEM);
	assert_int_equal(pool_free(&pool), 15);
}

static void the_last_page_can_be_mapped_and_found(void **state)
{
	start(&fmt4, 16);
	assert_int_equal(ptab_map(&pt, BIT(48) - PAGE_SIZE, BIT(52) - PAGE_SIZE, PAGE_SIZE, PT_W, &pool), OK);
	assert_int_equal(ptab_next(&pt, 0, &out), OK);
	assert_int_equal(out.va, BIT(48) - PAGE_SIZE);
	assert_int_equal(out.pa, BIT(52) - PAGE_SIZE);
	assert_int_equal(ptab_unmap(&pt, 0, BIT(48), &pool), OK);
	assert_int_equal(pool_free(&pool), 15);
}

static void cutting_one_leaf_twice_shares_its_tables(void **state)
{
	for (size_t spare = 0; spare < 4; spare++) {
		bool enough = spare >= 2;

		start(&fmt3, 2 + spare);
		assert_int_equal(ptab_map(&pt, 0, 0, SIZE_1G, PT_R, &pool), OK);
		assert_int_equal(ptab_unmap(&pt, 0x5000, 0x3000, &pool), enough ? OK : ERR_NOMEM);
		assert_int_equal(ptab_lookup(&pt, 0x4fff, &out), OK);
		assert_int_equal(out.size, enough ? PAGE_SIZE : SIZE_1G);
		assert_int_equal(ptab_lookup(&pt, 0x5000, &out), enough ? ERR_UNMAPPED : OK);
		assert_int_equal(ptab_lookup(&pt, 0x8000, &out), OK);
		assert_int_equal(pool_free(&pool), enough ? spare - 2 : spare);
	}
}

static void destroy_gives_everything_back(void **state)
{
	for (unsigned f = 0; f < 2; f++) {
		start(fmts[f], 64);
		assert_int_equal(ptab_map(&pt, 0x1000, 0, SIZE_1G, PT_R, &pool), ERR_NOMEM);
		assert_int_equal(ptab_map(&pt, 0x1000, 0, 8 * SIZE_2M, PT_R, &pool), OK);
		assert_int_equal(ptab_map(&pt, 3 * SIZE_1G, 0, 2 * SIZE_1G, PT_R, &pool), OK);
		ptab_destroy(&pt, &pool);
		assert_int_equal(pool_free(&pool), 64);
		assert_int_equal(ptab_init(&pt, fmts[f], &access, &pool), OK);
	}
}

/*
 * The model: each 4 KiB page of three windows, as entry "pa | flags | 1". The windows straddle what
 * splits: 2 MiB and 1 GiB borders, and (3 levels) the border between the two root pages.
 */
#define WIN	2048
#define WINDOWS 2

static u64 model[WINDOWS][WIN];
static u64 window[WINDOWS];
static u64 seed;

static u32 rnd(u32 n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(seed >> 33) % n;
}

static void check_against_model(void)
{
	for (unsigned w = 0; w < WINDOWS; w++) {
		for (unsigned i = 0; i < WIN; i++) {
			u64 va = window[w] + i * PAGE_SIZE;
			status_t s = ptab_lookup(&pt, va + 0x123, &out);

			if (model[w][i] == 0) {
				assert_int_equal(s, ERR_UNMAPPED);
				continue;
			}
			assert_int_equal(s, OK);
			assert_true(range_in(va, PAGE_SIZE, out.va, out.size));
			assert_int_equal((out.pa + (va - out.va)) | out.flags << 1 | 1, model[w][i]);
		}
	}
}

/* ptab_next must list exactly what is in the model, in order and without overlap. */
static void check_walk(void)
{
	u64 at = 0, pages = 0, want = 0;

	while (ptab_next(&pt, at, &out) == OK) {
		assert_true(out.va >= at);
		assert_true(is_aligned(out.va | out.pa, out.size));
		pages += out.size / PAGE_SIZE;
		at = out.va + out.size;
	}
	for (unsigned w = 0; w < WINDOWS; w++) {
		for (unsigned i = 0; i < WIN; i++)
			want += model[w][i] != 0;
	}
	assert_int_equal(pages, want);
}

/* Tables reachable from @table, none of them empty. */
static size_t count_tables(const u64 *table, unsigned level, bool root)
{
	unsigned n = 512 * (root ? pt.fmt->root_pages : 1), used = 0;
	size_t tables = 0;

	for (unsigned i = 0; i < n; i++) {
		used += table[i] & 1;
		if ((table[i] & 3) == 1)
			tables += 1 + count_tables(mem_ptr(table[i] & BITS(51, 12)), level - 1, false);
	}
	assert_true(root || used != 0);
	return tables;
}

static void pick_range(u32 *from, u32 *n)
{
	static const u32 sizes[] = { 1, 2, 512, 513, 1024, 1536 };

	*n = rnd(3) == 0 ? 1 + rnd(WIN) : sizes[rnd(6)];
	*from = rnd(2) == 0 ? rnd(WIN) : 512 * rnd(4);
	if (*n > WIN - *from)
		*n = WIN - *from;
}

static void random_step(size_t pages)
{
	u32 w = rnd(WINDOWS), from, n, op = rnd(3), flags = rnd(PT_FLAGS + 1);
	u64 va, pa = (rnd(2) == 0 ? 0 : rnd(64) * PAGE_SIZE) + 0x10000000ULL;
	bool any = false, all = true;
	status_t s;

	pick_range(&from, &n);
	va = window[w] + from * PAGE_SIZE;
	pa += rnd(2) == 0 ? from * PAGE_SIZE : 0;
	for (u32 i = from; i < from + n; i++) {
		any |= model[w][i] != 0;
		all &= model[w][i] != 0;
	}
	if (op == 0) {
		s = ptab_map(&pt, va, pa, n * PAGE_SIZE, flags, &pool);
		assert_true(any ? s == ERR_EXISTS : s == OK || s == ERR_NOMEM);
	} else if (op == 1) {
		s = ptab_protect(&pt, va, n * PAGE_SIZE, flags, &pool);
		assert_true(!all ? s == ERR_UNMAPPED : s == OK || s == ERR_NOMEM);
	} else {
		s = ptab_unmap(&pt, va, n * PAGE_SIZE, &pool);
		assert_true(s == OK || s == ERR_NOMEM);
	}
	for (u32 i = from; s == OK && i < from + n; i++) {
		if (op == 0)
			model[w][i] = (pa + (i - from) * PAGE_SIZE) | flags << 1 | 1;
		else
			model[w][i] = op == 1 ? (model[w][i] & ~0xffeULL) | flags << 1 | 1 : 0;
	}
	assert_int_equal(count_tables(pt.root, pt.fmt->levels - 1, true) + pt.fmt->root_pages + pool_free(&pool),
			 pages);
}

static void run_random(const struct ptab_format *fmt, size_t pages, unsigned steps)
{
	start(fmt, pages);
	memset(model, 0, sizeof(model));
	window[0] = SIZE_1G - 2 * SIZE_2M;
	window[1] = fmt == &fmt3 ? 512 * SIZE_1G - 2 * SIZE_2M : BIT(48) - WIN * PAGE_SIZE;
	for (unsigned i = 0; i < steps; i++) {
		random_step(pages);
		check_against_model();
		if (i % 8 == 0)
			check_walk();
	}
	for (unsigned w = 0; w < WINDOWS; w++)
		assert_int_equal(ptab_unmap(&pt, window[w], WIN * PAGE_SIZE, &pool), OK);
	assert_int_equal(pool_free(&pool), pages - fmt->root_pages);
}

static void random_sequences_equal_the_model(void **state)
{
	for (seed = 1; seed < 4; seed++) {
		u64 s = seed;

		run_random(&fmt4, 64, 300);
		seed = s;
		run_random(&fmt3, 64, 300);
		seed = s;
	}
}

static void random_sequences_hold_when_memory_is_short(void **state)
{
	for (size_t pages = 4; pages < 14; pages++) {
		seed = pages;
		run_random(&fmt4, pages, 60);
		seed = pages;
		run_random(&fmt3, pages, 60);
	}
}

/* With 0, 1, 2 ... pages left, each call fails without a trace until there is enough. */
static void a_failure_at_every_page_leaves_all_unchanged(void **state)
{
	static u8 before[PAGES][PAGE_SIZE];

	for (int op = 0; op < 3; op++) {
		status_t s = ERR_NOMEM;

		for (size_t spare = 0; s == ERR_NOMEM; spare++) {
			assert_true(spare < 20);
			start(&fmt4, 8 + spare);
			assert_int_equal(ptab_map(&pt, SIZE_1G, 0, SIZE_1G, PT_R, &pool), OK);
			assert_int_equal(ptab_map(&pt, 2 * SIZE_1G, 0, SIZE_2M, PT_R, &pool), OK);
			while (pool_free(&pool) > spare)
				pool_get(&pool);
			memcpy(before, mem, sizeof(mem));
			if (op == 0)
				s = ptab_map(&pt, 3 * SIZE_1G - PAGE_SIZE, 0x3000, 9 * SIZE_2M, PT_R, &pool);
			else if (op == 1)
				s = ptab_protect(&pt, SIZE_1G + PAGE_SIZE, SIZE_1G, PT_W, &pool);
			else
				s = ptab_unmap(&pt, SIZE_1G + PAGE_SIZE, SIZE_1G, &pool);
			if (s == ERR_NOMEM) {
				assert_memory_equal(before, mem, sizeof(mem));
				assert_int_equal(pool_free(&pool), spare);
			}
		}
		assert_int_equal(s, OK);
		assert_int_equal(pool_free(&pool), 0); /* it needed just as much as it asked for */
	}
}

static unsigned broken, published;
static u64 *broken_entry;

static void fmt_broken(const struct ptab *t)
{
	assert_ptr_equal(t, &pt);
	assert_int_equal(*broken_entry, 0); /* neither the leaf nor the table */
	broken++;
}

static void fmt_publish(void)
{
	published++;
}

static void a_large_leaf_is_broken_before_its_table_is_made(void **state)
{
	struct ptab_format fmt = fmt4;

	fmt.broken = fmt_broken;
	fmt.publish = fmt_publish;
	start(&fmt, 64);
	broken = published = 0;
	assert_int_equal(ptab_map(&pt, 0, 0, SIZE_1G, PT_R, &pool), OK);
	assert_int_equal(published, 1);
	broken_entry = (u64 *)(void *)mem_ptr(pt.root[0] & fmt.pa_mask);
	assert_false(ptab_splits(&pt, 0, SIZE_1G));
	assert_false(ptab_splits(&pt, SIZE_1G, PAGE_SIZE));
	assert_false(ptab_splits(&pt, 1, PAGE_SIZE));
	assert_true(ptab_splits(&pt, 0, SIZE_2M));
	assert_true(ptab_splits(&pt, SIZE_1G - PAGE_SIZE, 2 * PAGE_SIZE));
	assert_int_equal(ptab_unmap(&pt, SIZE_2M, SIZE_2M, &pool), OK);
	assert_int_equal(broken, 1);
	assert_int_equal(published, 2);
	assert_false(ptab_splits(&pt, SIZE_2M, SIZE_2M));
	assert_int_equal(ptab_protect(&pt, 2 * SIZE_2M, SIZE_2M, PT_R | PT_W, &pool), OK);
	assert_int_equal(broken, 1); /* whole leaves only */
	assert_int_equal(published, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_without_memory_changes_nothing),
		cmocka_unit_test(init_without_memory_takes_nothing),
		cmocka_unit_test(a_concatenated_root_is_aligned_to_its_size),
		cmocka_unit_test(the_second_root_page_is_used),
		cmocka_unit_test(leaves_are_as_large_as_alignment_allows),
		cmocka_unit_test(bad_arguments_are_refused),
		cmocka_unit_test(an_enormous_request_fails_at_once),
		cmocka_unit_test(the_last_page_can_be_mapped_and_found),
		cmocka_unit_test(cutting_one_leaf_twice_shares_its_tables),
		cmocka_unit_test(destroy_gives_everything_back),
		cmocka_unit_test(a_large_leaf_is_broken_before_its_table_is_made),
		cmocka_unit_test(random_sequences_equal_the_model),
		cmocka_unit_test(random_sequences_hold_when_memory_is_short),
		cmocka_unit_test(a_failure_at_every_page_leaves_all_unchanged),
	};

	return cmocka_run_group_tests_name("ptab", tests, NULL, NULL);
}
