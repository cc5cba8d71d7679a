/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: boot/names.c */
/* tests/unit/test_boot_names.c: the files that a configuration names, and their paths; words of command lines. */
#include "boot/names.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hv/lib/string.h"

/* "line:name line:name", and "line!why" at the end. */
static const char *found(const char *text, size_t size)
{
	static char out[4096];
	char name[BOOT_STRING], *copy = malloc(size + 1); /* not a byte more than it may read */
	struct names n;
	size_t at = 0;

	memcpy(copy, text, size);
	copy = realloc(copy, size ? size : 1);
	out[0] = '\0';
	for (names_start(&n, copy, size); names_next(&n, name);)
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%u:%s", at ? " " : "", n.line, name);
	if (n.why)
		snprintf(out + at, sizeof(out) - at, "%u!%s", n.line, n.why);
	free(copy);
	return out;
}

static const char *in(const char *text)
{
	return found(text, strlen(text));
}

static void files_of_guests_are_found_with_their_lines(void **state)
{
	assert_string_equal(in("# kernel = no\n[machine]\nkernel = no\n[vm a]\nkernel = k ; why\ninitrd=i\n"
			       "disk = d.img,ro,serial=A\nmodule = m with words\ncmdline = initrd=/no\n"),
			    "5:k 6:i 7:d.img 8:m");
	assert_string_equal(in("[vm a]\nkernel: k=1\ndisk = a:b\ninitrd = i #1 ;#2"), "2:k=1 3:a:b 4:i #1");
	assert_string_equal(in("\xef\xbb\xbf[vm a]\nkernel = k"), "2:k");
	assert_string_equal(in("[vm a]\r\nkernel = k\r\n\r\n[vm b]\r\n\tkernel =\tdir/k2 "), "2:k 5:dir/k2");
}

static void what_names_nothing_is_passed_over(void **state)
{
	assert_string_equal(in(""), "");
	assert_string_equal(in("\n\n\n"), "");
	assert_string_equal(in("kernel = k\n"), "");
	assert_string_equal(in("[vm a]\nkernel\nkernel =\n= k\nkernel = ; none\n; kernel = k\nkernels = k\n"), "");
	assert_string_equal(in("[vm a]\n[net]\nkernel = k"), "");
	assert_string_equal(in("[]\n[[\n[ ]\nkernel = k"), "");
	assert_string_equal(in("[vm]\nkernel = k"), "2:k");
	assert_string_equal(in("[ vm a ]\ndisk = ,ro\nmodule = m#1"), "3:m#1");
	assert_string_equal(in("[vmx a]\nkernel = k"), "");
}

static void a_name_that_is_too_long_is_told(void **state)
{
	char text[600] = "[vm a]\nkernel = ";
	size_t n = strlen(text);

	memset(text + n, 'k', 255);
	assert_int_equal(strlen(in(text)), 2 + 255);
	text[n + 255] = 'k';
	assert_string_equal(in(text), "2!a file's name is longer than 255 characters");
}

static void any_bytes_are_survived(void **state)
{
	static const char some[] = "[]vm \n=kernel,disk;#\0\r\t\xff/..";
	char text[200];

	srand(1);
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = (size_t)rand() % sizeof(text);

		for (size_t k = 0; k < n; k++)
			text[k] = some[(size_t)rand() % sizeof(some)];
		memcpy(text, "[vm a]\n", n < 7 ? n : 7);
		(void)found(text, n);
	}
}

static const char *path(const char *name)
{
	static char out[NAMES_PATH];
	u16 wide[NAMES_PATH];
	status_t s = names_path(name, wide);
	size_t n = 0;

	do
		out[n] = (char)wide[n];
	while (wide[n++]);
	assert_int_equal(s == OK, out[0] != '\0');
	return out;
}

static void names_become_paths_in_our_folder(void **state)
{
	char longest[BOOT_STRING];

	assert_string_equal(path("vmlinuz"), "\\trivet\\vmlinuz");
	assert_string_equal(path("dir/my kernel"), "\\trivet\\dir\\my kernel");
	assert_string_equal(path("/boot/vmlinuz-6.1"), "\\trivet\\boot\\vmlinuz-6.1");
	assert_string_equal(path("..a/.b/c.."), "\\trivet\\..a\\.b\\c..");
	memset(longest, 'k', sizeof(longest));
	longest[BOOT_STRING - 1] = '\0';
	assert_int_equal(strlen(path(longest)), strlen(NAMES_FOLDER) + BOOT_STRING - 1);
}

static void names_that_lead_elsewhere_are_refused(void **state)
{
	static const char *const bad[] = { "..",  ".",	"../x", "x/..",	       "a/../b", "a/./b", "/..", "a\\b",
					   "C:x", "a*", "a?",	"k\xc3\xa4se", "a\tb",	 "\"a\"", "a|b", "<a>" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_string_equal(path(bad[i]), "");
}

static void a_line_is_appended(void **state)
{
	char text[BOOT_STRING] = "", longer[BOOT_STRING];

	names_append(text, "report\r\nmore", 12);
	assert_string_equal(text, "report ");
	names_append(text, "a\xff", 2);
	assert_string_equal(text, "report  a ");
	names_append(text, "", 0);
	names_append(text, "b\0c", 3);
	assert_string_equal(text, "report  a   b");
	memset(longer, 'x', sizeof(longer));
	names_append(text, longer, sizeof(longer));
	names_append(text, longer, sizeof(longer));
	assert_int_equal(strlen(text), BOOT_STRING - 1);
}

static void words_are_whole(void **state)
{
	assert_true(names_word("recovery", "recovery"));
	assert_true(names_word(" report\trecovery quiet", "recovery"));
	assert_true(names_word("report recovery", "recovery"));
	assert_false(names_word("", "recovery"));
	assert_false(names_word("  ", "recovery"));
	assert_false(names_word("recovery2 norecovery recover", "recovery"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_of_guests_are_found_with_their_lines),
		cmocka_unit_test(what_names_nothing_is_passed_over),
		cmocka_unit_test(a_name_that_is_too_long_is_told),
		cmocka_unit_test(any_bytes_are_survived),
		cmocka_unit_test(names_become_paths_in_our_folder),
		cmocka_unit_test(names_that_lead_elsewhere_are_refused),
		cmocka_unit_test(a_line_is_appended),
		cmocka_unit_test(words_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
