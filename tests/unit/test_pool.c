/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: hv/lib/pool.c tests/unit/fake_panic.c */
/* tests/unit/test_pool.c: hv/lib/pool.c. */
#include "hv/lib/pool.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static u8 mem[4][PAGE_SIZE] ALIGNED(4096);
static struct pool pool;

static void pages_come_in_order_and_zeroed(void **state)
{
	memset(mem, 0xcc, sizeof(mem));
	pool_init(&pool);
	pool_add_range(&pool, mem, 4);
	assert_int_equal(pool_free(&pool), 4);
	for (int i = 0; i < 4; i++) {
		u8 *p = pool_get(&pool);

		assert_ptr_equal(p, mem[i]);
		for (size_t j = 0; j < PAGE_SIZE; j++)
			assert_int_equal(p[j], 0);
	}
	assert_null(pool_get(&pool));
	assert_int_equal(pool_free(&pool), 0);
}

static void a_page_given_back_is_taken_again_zeroed(void **state)
{
	u8 *p;

	pool_init(&pool);
	pool_add(&pool, mem[2]);
	p = pool_get(&pool);
	memset(p, 0xff, PAGE_SIZE);
	pool_put(&pool, p);
	assert_int_equal(pool_free(&pool), 1);
	p = pool_get(&pool);
	assert_ptr_equal(p, mem[2]);
	assert_int_equal(p[0] | p[9] | p[PAGE_SIZE - 1], 0);
}

static void giving_back_too_much_is_our_bug(void **state)
{
	pool_init(&pool);
	pool_add(&pool, mem[0]);
	expect_assert_failure(pool_put(&pool, mem[1]));
	expect_assert_failure(pool_add(&pool, mem[1] + 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_come_in_order_and_zeroed),
		cmocka_unit_test(a_page_given_back_is_taken_again_zeroed),
		cmocka_unit_test(giving_back_too_much_is_our_bug),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
