/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: */
/* CFLAGS: -Wno-format -Wno-format-security -Wno-format-truncation */
/* tests/unit/test_print.c: hv/lib/print.c against the host's snprintf. */
#define vsnprintf lib_vsnprintf
#define snprintf  lib_snprintf
#include "hv/lib/print.c"
#undef vsnprintf
#undef snprintf

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char ours[256], theirs[256];

/* The same call to both, with room and with a short buffer. */
#define SAME(...)                                                                    \
	do {                                                                         \
		int n_ = snprintf(theirs, sizeof(theirs), __VA_ARGS__);              \
		assert_int_equal(lib_snprintf(ours, sizeof(ours), __VA_ARGS__), n_); \
		assert_string_equal(ours, theirs);                                   \
		memset(ours, 'Z', sizeof(ours));                                     \
		snprintf(theirs, 6, __VA_ARGS__);                                    \
		assert_int_equal(lib_snprintf(ours, 6, __VA_ARGS__), n_);            \
		assert_string_equal(ours, theirs);                                   \
		assert_int_equal(ours[6], 'Z');                                      \
	} while (0)

static const char *const flags[] = { "", "0", "-", "-0", " ", "0 ", "- ", "-0 " };
static const char *const widths[] = { "", "1", "7", "23", ".0", ".", ".3", ".21", "9.4", "4.9", "30.22" };
static const char *const lengths[] = { "hh", "h", "", "l", "ll", "z" };
static const s64 values[] = {
	0,    1,      -1,     9,	 10,	    127,	  128,	     -128,	255,
	-129, 0x7fff, 0x8000, INT32_MAX, INT32_MIN, 0xffffffffLL, 1LL << 32, INT64_MAX, INT64_MIN
};

static void compare_integer(const char *flag, const char *width, unsigned length, char conv)
{
	char f[32];

	snprintf(f, sizeof(f), "<%%%s%s%s%c>", flag, width, lengths[length], conv);
	for (unsigned v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
		if (length < 3)
			SAME(f, (int)values[v]);
		else
			SAME(f, values[v]);
	}
}

static void integers_equal_libc_in_every_form(void **state)
{
	for (unsigned fl = 0; fl < 8; fl++) {
		for (unsigned w = 0; w < 11; w++) {
			for (unsigned l = 0; l < 6; l++) {
				for (const char *c = fl < 4 ? "diuxX" : "di"; *c != '\0'; c++)
					compare_integer(flags[fl], widths[w], l, *c);
			}
		}
	}
}

static void strings_chars_and_pointers_equal_libc(void **state)
{
	static const char *const s[] = { "", "a", "hello", "a longer string than that" };
	static const char *const w[] = { "", "1", "7", "-7", ".0", ".", ".3", "9.4", "-9.4", "40" };
	char f[32];

	for (unsigned i = 0; i < 10; i++) {
		snprintf(f, sizeof(f), "<%%%ss>", w[i]);
		for (unsigned j = 0; j < 4; j++)
			SAME(f, s[j]);
		snprintf(f, sizeof(f), "<%%%sc>", w[i]);
		SAME(f, 'q');
	}
	SAME("100%% %s=%d %c\n", "x", 5, 'y');
	SAME("%p %20p %-20p|", (void *)ours, (void *)ours, (void *)ours);
}

static void stars_take_width_and_precision(void **state)
{
	for (int w = -12; w < 12; w++) {
		for (int p = -3; p < 9; p++) {
			SAME("%*.*d|", w, p, 1234);
			SAME("%0*.*x|", w, p, 0xbeef);
			SAME("%*.*s|", w, p, "abcdef");
		}
	}
}

static void precision_bounds_the_read_of_a_string(void **state)
{
	char *p = malloc(3); /* no NUL: AddressSanitizer watches its end */

	memset(p, 'x', 3);
	assert_int_equal(lib_snprintf(ours, sizeof(ours), "%.3s", p), 3);
	assert_string_equal(ours, "xxx");
	free(p);
}

static void null_and_unknown_do_no_harm(void **state)
{
	lib_snprintf(ours, sizeof(ours), "%s", (char *)NULL);
	assert_string_equal(ours, "(null)");
	lib_snprintf(ours, sizeof(ours), "%p", (void *)NULL);
	assert_string_equal(ours, "0x0");
	lib_snprintf(ours, sizeof(ours), "a%4yb");
	assert_string_equal(ours, "a%4yb");
	lib_snprintf(ours, sizeof(ours), "end%-5l");
	assert_string_equal(ours, "end%-5l");
	assert_int_equal(lib_snprintf(NULL, 0, "%d", 12345), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_equal_libc_in_every_form),
		cmocka_unit_test(strings_chars_and_pointers_equal_libc),
		cmocka_unit_test(stars_take_width_and_precision),
		cmocka_unit_test(precision_bounds_the_read_of_a_string),
		cmocka_unit_test(null_and_unknown_do_no_harm),
	};

	return cmocka_run_group_tests_name("print", tests, NULL, NULL);
}
