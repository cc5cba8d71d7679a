/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: hv/lib/symbol.c hv/lib/string.c */
/* CFLAGS: -fno-builtin */
/* tests/unit/test_symbol.c: names of addresses, from tables that are right and tables that lie. */
#include "hv/lib/symbol.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hv/lib/log.h"
#include "hv/lib/util.h"

static char logged[160];

void log_printf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(logged, sizeof(logged), fmt, ap);
	va_end(ap);
}

static struct {
	struct symbol_header header;
	struct symbol entry[3];
	char names[24];
} table;

static void build(void)
{
	memset(&table, 0, sizeof(table));
	table.header = (struct symbol_header){ .magic = SYMBOL_MAGIC, .count = 3 };
	table.entry[0] = (struct symbol){ 0x10, offsetof(typeof(table), names) };
	table.entry[1] = (struct symbol){ 0x40, offsetof(typeof(table), names) + 6 };
	table.entry[2] = (struct symbol){ 0x90, offsetof(typeof(table), names) + 10 };
	memcpy(table.names, "first\0two\0third", 16);
}

static void assert_found(u64 at, const char *name, u64 from)
{
	u64 start = 0;
	const char *found = symbol_find(at, &start);

	assert_non_null(found);
	assert_string_equal(found, name);
	assert_int_equal(start, from);
}

static void the_last_that_begins_before_it_is_its_name(void **state)
{
	u64 start;

	build();
	assert_true(symbol_use(&table, sizeof(table)));
	assert_null(symbol_find(0xf, &start));
	assert_found(0x10, "first", 0x10);
	assert_found(0x3f, "first", 0x10);
	assert_found(0x40, "two", 0x40);
	assert_found(~0UL, "third", 0x90);
}

static void a_call_at_a_functions_end_is_that_functions(void **state)
{
	build();
	assert_true(symbol_use(&table, sizeof(table)));
	symbol_log(0x1040, 0x40, true);
	assert_string_equal(logged, "    1040 first+30\n");
	symbol_log(0x1040, 0x40, false);
	assert_string_equal(logged, "    1040 two+0\n");
	symbol_log(5, 5, false);
	assert_string_equal(logged, "    5\n");
	assert_false(symbol_use(&table, 8));
	symbol_log(0x1040, 0x40, false); /* no table: the address alone */
	assert_string_equal(logged, "    1040\n");
}

static void tables_that_lie_do_no_harm(void **state)
{
	u32 x = 1;
	u64 start;

	for (size_t n = 0; n < sizeof(table) + 1; n++) {
		u8 *copy = malloc(n + 1); /* AddressSanitizer watches its end */

		build();
		memcpy(copy, &table, MIN(n, sizeof(table)));
		if (symbol_use(copy, n))
			for (u64 at = 0; at < 0xa0; at++)
				(void)symbol_find(at, &start);
		free(copy);
	}
	for (int i = 0; i < 40000; i++) {
		build();
		for (int k = 0; k < 3; k++) {
			x = x * 1664525 + 1013904223;
			((u8 *)&table)[8 + (x >> 8) % (sizeof(table) - 8)] = (u8)(x >> 24);
		}
		if (symbol_use(&table, sizeof(table)))
			symbol_log(x, x & 0xff, i & 1);
	}
	assert_false(symbol_use(&table, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_that_begins_before_it_is_its_name),
		cmocka_unit_test(a_call_at_a_functions_end_is_that_functions),
		cmocka_unit_test(tables_that_lie_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
