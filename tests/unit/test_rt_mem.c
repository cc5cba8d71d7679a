/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_rt_mem.c: the page allocator and the heap. LINK: guest/rt/mem.c */
#include "guest/rt/sys.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define ARENA (16 * SIZE_2M)

static u8 *arena;

void panic(const char *fmt, ...)
{
	mock_assert(0, "panic", __FILE__, __LINE__);
	abort();
}

static int setup(void **state)
{
	arena = aligned_alloc(SIZE_2M, ARENA);
	memset(arena, 0xcc, ARENA);
	mem_add((uintptr_t)arena, ARENA);
	return 0;
}

static void objects_are_zeroed_aligned_and_apart(void **state)
{
	enum { N = 300 };
	static u8 *p[N];
	u64 before;

	for (unsigned i = 0; i < N; i++) {
		p[i] = mem_alloc(i * 9 + 1);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % 16, 0);
		for (unsigned k = 0; k < i * 9 + 1; k++)
			assert_int_equal(p[i][k], 0);
		memset(p[i], (int)(i | 1), i * 9 + 1);
	}
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(p[i][i * 9], (u8)(i | 1));
	before = mem_free_bytes();
	for (unsigned i = 0; i < N; i++)
		mem_free(p[i]);
	for (unsigned i = 0; i < N; i++) {
		p[i] = mem_alloc(i * 9 + 1);
		assert_int_equal(p[i][0], 0);
	}
	assert_int_equal(mem_free_bytes(), before);
	for (unsigned i = 0; i < N; i++)
		mem_free(p[i]);
}

static void a_page_or_more_is_page_aligned_and_comes_back(void **state)
{
	u8 *p = mem_alloc(5000);
	u64 before = mem_free_bytes();

	assert_int_equal((uintptr_t)p % PAGE_SIZE, 0);
	assert_int_equal(p[0] | p[4999], 0);
	mem_free(p);
	assert_int_equal(mem_free_bytes(), before + 2 * PAGE_SIZE);
}

static void pages_honour_alignment_and_merge_again(void **state)
{
	u64 before = mem_free_bytes();
	u8 *a = page_alloc(PAGE_SIZE, PAGE_SIZE);
	u8 *b = page_alloc(2 * SIZE_2M, SIZE_2M);
	u8 *c = page_alloc(3 * PAGE_SIZE, PAGE_SIZE);

	assert_int_equal((uintptr_t)b % SIZE_2M, 0);
	assert_true(a < b && c < b); /* first fit fills the gap before the aligned block */
	page_free(b, 2 * SIZE_2M);
	page_free(a, PAGE_SIZE);
	page_free(c, 3 * PAGE_SIZE);
	assert_int_equal(mem_free_bytes(), before);
	b = page_alloc(ARENA - 2 * SIZE_2M, SIZE_2M);
	assert_non_null(b);
	page_free(b, ARENA - 2 * SIZE_2M);
}

static void freed_pages_do_not_leak_their_content(void **state)
{
	u8 *p = page_alloc(4 * PAGE_SIZE, PAGE_SIZE), *q;

	memset(p, 0x5a, 4 * PAGE_SIZE);
	page_free(p, 4 * PAGE_SIZE);
	q = page_alloc(4 * PAGE_SIZE, PAGE_SIZE);
	assert_ptr_equal(p, q);
	for (unsigned i = 0; i < 4 * PAGE_SIZE; i++)
		assert_int_not_equal(q[i], 0x5a);
	page_free(q, 4 * PAGE_SIZE);
}

/* Free ranges are described in their own first bytes: that must be gone, too, when neighbours merge. */
static void the_lists_of_free_ranges_do_not_leak(void **state)
{
	u8 *p = page_alloc(6 * PAGE_SIZE, PAGE_SIZE);

	assert_non_null(p);
	memset(p, 0x5a, 6 * PAGE_SIZE);
	page_free(p, PAGE_SIZE);
	page_free(p + 2 * PAGE_SIZE, PAGE_SIZE);
	page_free(p + 4 * PAGE_SIZE, PAGE_SIZE);
	page_free(p + 3 * PAGE_SIZE, PAGE_SIZE);
	page_free(p + PAGE_SIZE, PAGE_SIZE);
	page_free(p + 5 * PAGE_SIZE, PAGE_SIZE);
	assert_ptr_equal(page_alloc(6 * PAGE_SIZE, PAGE_SIZE), p);
	for (size_t i = 0; i < 6 * PAGE_SIZE; i++)
		assert_int_equal(p[i], 0);
	page_free(p, 6 * PAGE_SIZE);
}

static void impossible_requests_get_null(void **state)
{
	u64 before = mem_free_bytes();

	assert_null(page_alloc(0, PAGE_SIZE));
	assert_null(page_alloc(100, PAGE_SIZE));
	assert_null(page_alloc(PAGE_SIZE, 100));
	assert_null(page_alloc(PAGE_SIZE, 3 * PAGE_SIZE));
	assert_null(page_alloc(ARENA + PAGE_SIZE, PAGE_SIZE));
	assert_null(page_alloc(~0UL & PAGE_MASK, PAGE_SIZE));
	assert_null(mem_alloc(~(size_t)0));
	assert_null(mem_alloc(ARENA * 2));
	mem_free(NULL);
	assert_int_equal(mem_free_bytes(), before);
}

static void donations_share_a_large_page(void **state)
{
	u8 *a = mem_donation(PAGE_SIZE + 1), *b = mem_donation(PAGE_SIZE);

	assert_int_equal((uintptr_t)a / SIZE_2M, (uintptr_t)b / SIZE_2M);
	assert_ptr_equal(b, a + 2 * PAGE_SIZE);
	assert_null(mem_donation(ARENA * 2));
}

static void freeing_what_was_not_allocated_is_our_bug(void **state)
{
	u8 *p = page_alloc(PAGE_SIZE, PAGE_SIZE);

	expect_assert_failure(mem_free(p));
	page_free(p, PAGE_SIZE);
	expect_assert_failure(page_free(p, PAGE_SIZE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_zeroed_aligned_and_apart),
		cmocka_unit_test(a_page_or_more_is_page_aligned_and_comes_back),
		cmocka_unit_test(pages_honour_alignment_and_merge_again),
		cmocka_unit_test(freed_pages_do_not_leak_their_content),
		cmocka_unit_test(the_lists_of_free_ranges_do_not_leak),
		cmocka_unit_test(impossible_requests_get_null),
		cmocka_unit_test(donations_share_a_large_page),
		cmocka_unit_test(freeing_what_was_not_allocated_is_our_bug),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
