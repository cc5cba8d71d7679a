/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: boot/multiboot/folder.c boot/names.c hv/lib/string.c hv/lib/print.c */
/* tests/unit/test_boot_folder.c: of the files that GRUB has loaded, those that the configuration names. */
#include "boot/multiboot/folder.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_phys.h"
#include "hv/lib/string.h"

static struct boot_info bi;
static char why[FOLDER_WHY];
static u32 used;

static int start(void **state)
{
	phys_free();
	memset(&bi, 0, sizeof(bi));
	used = 0;
	return 0;
}

static void module(const char *string, const char *content)
{
	struct boot_module *m = &bi.module[bi.nmodules++];

	m->base = PHYS_BASE + used;
	m->size = strlen(content);
	memcpy(phys + used, content, m->size);
	used += (u32)m->size;
	str_copy(m->string, string, sizeof(m->string));
}

static const char *resolve(void)
{
	bool good;

	why[0] = '\0';
	good = folder_resolve(&bi, phys_map, why);
	assert_int_equal(good, why[0] == '\0');
	return why;
}

static const struct boot_module *found(const char *string)
{
	for (u32 i = 0; i < bi.nmodules; i++)
		if (strcmp(bi.module[i].string, string) == 0)
			return &bi.module[i];
	return NULL;
}

static void named_files_stay_under_the_name_written(void **state)
{
	u64 kernel;

	module("service", "S");
	module("config trivet.ini", "[vm a]\nkernel = /Boot/VMLINUZ\ndisk = my disk,ro\ninitrd = VMLINUX\n");
	module("folder:notes", "n");
	module("folder:vmlinux", "x");
	kernel = PHYS_BASE + used;
	module("folder:boot/vmlinuz", "kernel");
	module("folder:my disk", "d");
	module("hypervisor symbols", "s");
	assert_string_equal(resolve(), "");
	assert_int_equal(bi.nmodules, 6);
	assert_non_null(found("/Boot/VMLINUZ"));
	assert_int_equal(found("/Boot/VMLINUZ")->base, kernel);
	assert_int_equal(found("/Boot/VMLINUZ")->size, 6);
	assert_non_null(found("my disk"));
	assert_non_null(found("VMLINUX"));
	assert_non_null(found("service"));
	assert_non_null(found("hypervisor symbols"));
	assert_null(found("folder:notes"));
}

static void a_file_named_twice_is_one_module(void **state)
{
	module("config trivet.ini", "[vm a]\nkernel = k\n[vm b]\nkernel = k\n");
	module("folder:k", "k");
	assert_string_equal(resolve(), "");
	assert_int_equal(bi.nmodules, 2);
}

static void what_is_missing_is_told_with_its_line(void **state)
{
	module("config recovery.ini", "[vm a]\nkernel = k\ninitrd = dir/gone\n");
	module("folder:k", "k");
	module("folder:dir/gone2", "k");
	module("folder:dir/gon", "k");
	assert_string_equal(resolve(), "there is no file \\trivet\\dir\\gone, named in line 3 of recovery.ini");
}

static void a_file_that_may_be_one_too_many_is_told_so(void **state)
{
	module("config trivet.ini", "[vm a]\nkernel = k\n");
	while (bi.nmodules < BOOT_MAX_MODULES)
		module("folder:x", "");
	assert_string_equal(
		resolve(),
		"there is no file \\trivet\\k, named in line 2 of trivet.ini, among the first 24 of the folder");
}

static void names_that_cannot_be_are_told(void **state)
{
	char text[600] = "[vm a]\n\nkernel = ";
	size_t at = strlen(text);

	module("config trivet.ini", "[vm a]\nkernel = ../k\n");
	module("folder:../k", "k");
	assert_string_equal(resolve(), "trivet.ini:2: no file on this volume can be called ../k");
	start(state);
	memset(text + at, 'k', 300);
	module("config trivet.ini", text);
	assert_string_equal(resolve(), "trivet.ini:3: a file's name is longer than 255 characters");
	start(state);
	text[at + 255] = '\0';
	module("config trivet.ini", text);
	assert_ptr_equal(strstr(resolve(), "there is no file \\trivet\\kkk"), why);
}

static void its_command_line_is_appended(void **state)
{
	str_copy(bi.cmdline, "a", sizeof(bi.cmdline));
	module("command line", "report\nmore");
	module("config trivet.ini", "");
	assert_string_equal(resolve(), "");
	assert_string_equal(bi.cmdline, "a report");
	assert_int_equal(bi.nmodules, 1);
}

static void modules_of_other_loaders_stay_as_they_are(void **state)
{
	module("service", "S");
	module("config", "[vm a]\nkernel = gone\n");
	module("kernel", "k");
	assert_string_equal(resolve(), "");
	assert_int_equal(bi.nmodules, 3);
	assert_string_equal(bi.cmdline, "");
}

static void memory_out_of_reach_is_not_read(void **state)
{
	module("config trivet.ini", "[vm a]\nkernel = k\n");
	module("command line", "report");
	bi.module[0].base = bi.module[1].base = 1ull << 40;
	assert_string_equal(resolve(), "");
	assert_string_equal(bi.cmdline, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(named_files_stay_under_the_name_written, start),
		cmocka_unit_test_setup(a_file_named_twice_is_one_module, start),
		cmocka_unit_test_setup(what_is_missing_is_told_with_its_line, start),
		cmocka_unit_test_setup(a_file_that_may_be_one_too_many_is_told_so, start),
		cmocka_unit_test_setup(names_that_cannot_be_are_told, start),
		cmocka_unit_test_setup(its_command_line_is_appended, start),
		cmocka_unit_test_setup(modules_of_other_loaders_stay_as_they_are, start),
		cmocka_unit_test_setup(memory_out_of_reach_is_not_read, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
