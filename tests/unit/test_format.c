/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: arch/x86/format.c */
/* tests/unit/test_format.c: the page-table formats of x86. */
#include "arch/x86/format.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static const struct ptab_format *const fmts[] = { &fmt_host4, &fmt_npt, &fmt_ept };
static const unsigned rights[] = { PT_R, PT_R | PT_W, PT_R | PT_X, PT_R | PT_W | PT_X };
static const unsigned types[] = { 0, PT_DEVICE, PT_WC };

static void entries_have_the_bits_of_the_manual(void **state)
{
	unsigned rwx = PT_R | PT_W | PT_X;

	assert_int_equal(fmt_ept.leaf(0x1000, rwx, 0), 0x1037);
	assert_int_equal(fmt_ept.leaf(SIZE_1G, rwx, 2), SIZE_1G | 0xb7);
	assert_int_equal(fmt_ept.leaf(0xfee00000, PT_R | PT_W | PT_DEVICE, 0), 0xfee00003);
	assert_int_equal(fmt_ept.leaf(0xa0000, PT_R | PT_W | PT_WC, 0), 0xa000b);
	assert_int_equal(fmt_ept.table(0x5000), 0x5007);
	assert_int_equal(fmt_host4.leaf(0x1000, rwx | PT_GLOBAL, 0), 0x1163);
	assert_int_equal(fmt_host4.leaf(SIZE_2M, PT_R | PT_X | PT_USER, 1), SIZE_2M | 0xe5);
	assert_int_equal(fmt_host4.leaf(0xb8000, PT_R | PT_W | PT_DEVICE, 0), 0x80000000000b807b);
	assert_int_equal(fmt_host4.table(0x5000), 0x5027);
	assert_int_equal(fmt_npt.leaf(0x1000, rwx, 0), 0x1067);
	assert_int_equal(fmt_npt.leaf(SIZE_1G, PT_R | PT_GLOBAL, 2), SIZE_1G | 0x80000000000000e5);
}

static void flags_come_back_from_every_leaf(void **state)
{
	for (unsigned f = 0; f < 3; f++) {
		for (unsigned i = 0; i < 4 * 3 * 3; i++) {
			unsigned level = i / 12, flags = rights[i % 4] | types[i / 4 % 3];
			u64 e = fmts[f]->leaf(SIZE_1G, flags, level);

			assert_true(fmts[f]->present(e));
			assert_true(level == 0 || fmts[f]->is_leaf(e, level));
			assert_int_equal(fmts[f]->flags(e, level), flags);
		}
		assert_false(fmts[f]->present(0));
		assert_true(fmts[f]->present(fmts[f]->table(0x1000)));
		assert_false(fmts[f]->is_leaf(fmts[f]->table(0x1000), 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_have_the_bits_of_the_manual),
		cmocka_unit_test(flags_come_back_from_every_leaf),
	};

	return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
