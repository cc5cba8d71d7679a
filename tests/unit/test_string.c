/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: */
/* tests/unit/test_string.c: hv/lib/string.c, under other names, against the host's libc. */
#define memset	lib_memset
#define memcpy	lib_memcpy
#define memmove lib_memmove
#define memcmp	lib_memcmp
#define strlen	lib_strlen
#define strnlen lib_strnlen
#define strcmp	lib_strcmp
#define strncmp lib_strncmp
#define strchr	lib_strchr
#define strstr	lib_strstr
#include "hv/lib/string.c"
#undef memset
#undef memcpy
#undef memmove
#undef memcmp
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strstr

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define N 160

static u8 a[N], b[N];

static void fill(void)
{
	for (int i = 0; i < N; i++)
		a[i] = b[i] = (u8)(i * 37 + 11);
}

static void memset_writes_exactly_its_range(void **state)
{
	for (int at = 0; at < 17; at++) {
		for (int n = 0; n < 100; n++) {
			fill();
			assert_ptr_equal(lib_memset(a + at, 0x1a5, n), a + at);
			memset(b + at, 0xa5, n);
			assert_memory_equal(a, b, N);
		}
	}
}

static void memmove_equals_libc_for_every_overlap(void **state)
{
	for (int d = 0; d < 40; d++) {
		for (int s = 0; s < 40; s++) {
			for (int n = 0; n < 80; n += 1 + n / 20) {
				fill();
				assert_ptr_equal(lib_memmove(a + d, a + s, n), a + d);
				memmove(b + d, b + s, n);
				assert_memory_equal(a, b, N);
			}
		}
	}
}

static void memcpy_equals_libc_for_every_alignment(void **state)
{
	u8 src[N];

	for (int i = 0; i < N; i++)
		src[i] = (u8)(255 - i);
	for (int d = 0; d < 9; d++) {
		for (int s = 0; s < 9; s++) {
			for (int n = 0; n < 120; n++) {
				fill();
				lib_memcpy(a + d, src + s, n);
				memcpy(b + d, src + s, n);
				assert_memory_equal(a, b, N);
			}
		}
	}
}

static void memcmp_finds_the_first_difference_as_unsigned(void **state)
{
	for (int n = 1; n < 50; n++) {
		fill();
		assert_int_equal(lib_memcmp(a + 3, b + 3, n), 0);
		for (int at = 0; at < n; at++) {
			fill();
			if (at != n - 1)
				b[3 + n - 1] ^= 0xff; /* a later difference does not matter */
			a[3 + at] = 0x80;
			b[3 + at] = 0x7f;
			assert_true(lib_memcmp(a + 3, b + 3, n) > 0);
			assert_true(lib_memcmp(b + 3, a + 3, n) < 0);
			assert_int_equal(lib_memcmp(a + 3, b + 3, at), 0);
		}
	}
}

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

static void string_functions_equal_libc(void **state)
{
	static const char *const s[] = { "", "a", "b", "ab", "abc", "abab", "ababac", "\xff", "a\xff", "bac" };

	for (unsigned i = 0; i < ARRAY_SIZE(s); i++) {
		assert_int_equal(lib_strlen(s[i]), strlen(s[i]));
		for (unsigned n = 0; n < 8; n++)
			assert_int_equal(lib_strnlen(s[i], n), strnlen(s[i], n));
		for (int c = 0; c < 256; c++)
			assert_ptr_equal(lib_strchr(s[i], c), strchr(s[i], c));
		for (unsigned j = 0; j < ARRAY_SIZE(s); j++) {
			assert_int_equal(sign(lib_strcmp(s[i], s[j])), sign(strcmp(s[i], s[j])));
			assert_ptr_equal(lib_strstr(s[i], s[j]), strstr(s[i], s[j]));
			for (unsigned n = 0; n < 8; n++)
				assert_int_equal(sign(lib_strncmp(s[i], s[j], n)), sign(strncmp(s[i], s[j], n)));
		}
	}
}

static void strnlen_does_not_read_past_its_limit(void **state)
{
	char *p = malloc(4); /* AddressSanitizer watches its end */

	memset(p, 'x', 4);
	assert_int_equal(lib_strnlen(p, 4), 4);
	free(p);
}

static void str_copy_always_ends_its_string(void **state)
{
	char d[4] = "zzz";

	assert_false(str_copy(d, "abc", 0));
	assert_string_equal(d, "zzz");
	assert_true(str_copy(d, "abc", sizeof(d)));
	assert_string_equal(d, "abc");
	assert_false(str_copy(d, "wxyz", sizeof(d)));
	assert_string_equal(d, "wxy");
	assert_false(str_copy(d, "q", 1));
	assert_string_equal(d, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memset_writes_exactly_its_range),
		cmocka_unit_test(memmove_equals_libc_for_every_overlap),
		cmocka_unit_test(memcpy_equals_libc_for_every_alignment),
		cmocka_unit_test(memcmp_finds_the_first_difference_as_unsigned),
		cmocka_unit_test(string_functions_equal_libc),
		cmocka_unit_test(strnlen_does_not_read_past_its_limit),
		cmocka_unit_test(str_copy_always_ends_its_string),
	};

	return cmocka_run_group_tests_name("string", tests, NULL, NULL);
}
