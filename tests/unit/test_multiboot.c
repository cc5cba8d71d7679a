/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: boot/multiboot/parse.c */
/* tests/unit/test_multiboot.c: Multiboot 1 and 2 information, whole, cut off and mutated. */
#include "boot/multiboot/parse.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_phys.h"

static struct boot_info out;

static void build1(void)
{
	phys_free();
	memset(phys, 0, sizeof(phys));
	phys_put(0, 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9, 4);
	phys_put(16, PHYS_BASE + 200, 4);
	phys_put(20, 1, 4);
	phys_put(24, PHYS_BASE + 240, 4);
	phys_put(44, 24, 4);
	phys_put(48, PHYS_BASE + 280, 4);
	phys_put(64, PHYS_BASE + 320, 4);
	memcpy(phys + 200, "a=b", 4);
	phys_put(240, 0x200000, 4);
	phys_put(244, 0x201234, 4);
	phys_put(248, PHYS_BASE + 340, 4);
	phys_put(280, 20, 4);
	phys_put(284, 0x100000, 8);
	phys_put(292, 0x700000, 8);
	phys_put(300, 1, 4);
	memcpy(phys + 320, "GRUB", 5);
	memcpy(phys + 340, "vm", 3);
}

static u32 tag(u32 at, u32 type, u32 size)
{
	phys_put(at, type, 4);
	phys_put(at + 4, size, 4);
	return at + ((size + 7) & ~7u);
}

static u32 build2(void)
{
	u32 at = 8, t;

	phys_free();
	memset(phys, 0, sizeof(phys));
	t = at, at = tag(at, 1, 12);
	memcpy(phys + t + 8, "a=b", 4);
	t = at, at = tag(at, 2, 13);
	memcpy(phys + t + 8, "GRUB", 5);
	t = at, at = tag(at, 3, 19);
	phys_put(t + 8, 0x200000, 4);
	phys_put(t + 12, 0x201234, 4);
	memcpy(phys + t + 16, "vm", 3);
	t = at, at = tag(at, 6, 40);
	phys_put(t + 8, 24, 4);
	phys_put(t + 16, 0x100000, 8);
	phys_put(t + 24, 0x700000, 8);
	phys_put(t + 32, 1, 4);
	t = at, at = tag(at, 8, 38);
	phys_put(t + 8, 0xe0000000, 8);
	phys[t + 28] = 32;
	phys[t + 29] = 1;
	phys[t + 32] = 16;
	at = tag(at, 15, 44);
	at = tag(at, 14, 28);
	at = tag(at, 0, 8);
	phys_put(0, at, 4);
	return at;
}

static void check_common(void)
{
	assert_int_equal(warnings, 0);
	assert_string_equal(out.cmdline, "a=b");
	assert_string_equal(out.loader, "GRUB");
	assert_int_equal(out.nmodules, 1);
	assert_int_equal(out.module[0].base, 0x200000);
	assert_int_equal(out.module[0].size, 0x1234);
	assert_string_equal(out.module[0].string, "vm");
	assert_int_equal(out.nregions, 1);
	assert_int_equal(out.region[0].size, 0x700000);
	assert_int_equal(out.region[0].kind, BOOT_MEM_RAM);
}

static void both_versions_are_read(void **state)
{
	build1();
	assert_int_equal(multiboot_parse(MULTIBOOT1_MAGIC, PHYS_BASE, phys_map, phys_warn, &out), OK);
	check_common();
	build2();
	assert_int_equal(multiboot_parse(MULTIBOOT2_MAGIC, PHYS_BASE, phys_map, phys_warn, &out), OK);
	check_common();
	assert_int_equal(out.fb.base, 0xe0000000);
	assert_int_equal(out.fb.bpp, 32);
	assert_int_equal(out.fb.red_pos, 16);
	assert_in_range(out.acpi_rsdp, PHYS_BASE, PHYS_BASE + 300);
	assert_int_equal(phys[out.acpi_rsdp - PHYS_BASE - 8], 15); /* the newer of the two */
	assert_int_equal(multiboot_parse(7, PHYS_BASE, phys_map, phys_warn, &out), ERR_UNSUPPORTED);
}

static void screens_without_direct_colour_are_told(void **state)
{
	u32 fb = 0;

	build2();
	while (phys[fb] != 8 || phys[fb + 4] != 38)
		fb += 8;
	for (unsigned type = 0; type < 256; type++) {
		phys[fb + 29] = (u8)type;
		warnings = 0;
		assert_int_equal(multiboot_parse(MULTIBOOT2_MAGIC, PHYS_BASE, phys_map, phys_warn, &out), OK);
		assert_int_equal(out.fb.base != 0, type == 1);
		assert_int_equal(warnings, type != 1);
	}
	phys[fb + 29] = 1;
	phys[fb + 4] = 37; /* without all of the colours' places */
	assert_int_equal(multiboot_parse(MULTIBOOT2_MAGIC, PHYS_BASE, phys_map, phys_warn, &out), OK);
	assert_int_equal(out.fb.base, 0);
	warnings = 0;
	build1();
	phys_put(0, 1 << 12, 4);
	phys_put(88, 0xb8000, 8);
	phys[109] = 2;
	assert_int_equal(multiboot_parse(MULTIBOOT1_MAGIC, PHYS_BASE, phys_map, phys_warn, &out), OK);
	assert_int_equal(out.fb.base, 0);
	assert_int_equal(warnings, 1);
}

static void a_module_that_ends_before_its_start_is_dropped(void **state)
{
	build1();
	phys_put(244, 0x1ff000, 4);
	assert_int_equal(multiboot_parse(MULTIBOOT1_MAGIC, PHYS_BASE, phys_map, phys_warn, &out), OK);
	assert_int_equal(out.nmodules, 0);
	assert_int_equal(warnings, 1);
}

static void an_address_before_a_modules_name_goes(void **state)
{
	static const char *const cases[][2] = {
		{ "tftp://10.0.2.2/a/service.bin service", "service" },
		{ "http://h/symbols.bin hypervisor symbols", "hypervisor symbols" },
		{ "http://h/vmlinuz", "http://h/vmlinuz" },
		{ "kernel with://in", "kernel with://in" },
		{ "/boot/x y", "/boot/x y" },
		{ "http://h/x ", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		build1();
		memcpy(phys + 340, cases[i][0], strlen(cases[i][0]) + 1);
		assert_int_equal(multiboot_parse(MULTIBOOT1_MAGIC, PHYS_BASE, phys_map, phys_warn, &out), OK);
		assert_string_equal(out.module[0].string, cases[i][1]);
		for (size_t k = strlen(cases[i][1]); k < BOOT_STRING; k++)
			assert_int_equal(out.module[0].string[k], 0);
	}
}

static void information_cut_off_anywhere_does_no_harm(void **state)
{
	u32 size = build2();

	for (u32 n = 0; n < size; n++) {
		build1();
		phys_len = n;
		assert_int_equal(multiboot_parse(MULTIBOOT1_MAGIC, PHYS_BASE, phys_map, phys_warn, &out),
				 n < 116 ? ERR_FORMAT : OK);
		build2();
		phys_put(0, n, 4); /* the total lies */
		phys_len = n < 8 ? 8 : n;
		assert_int_equal(multiboot_parse(MULTIBOOT2_MAGIC, PHYS_BASE, phys_map, phys_warn, &out),
				 n < 16 ? ERR_FORMAT : OK);
	}
	phys_free();
}

static void mutations_do_no_harm(void **state)
{
	u32 x = 1;

	for (int i = 0; i < 40000; i++) {
		if (i & 1)
			build1();
		else
			build2();
		for (int k = 0; k < 3; k++) {
			x = x * 1664525 + 1013904223;
			phys[(x >> 8) % 360] = (u8)(x >> 24);
		}
		(void)!multiboot_parse(i & 1 ? MULTIBOOT1_MAGIC : MULTIBOOT2_MAGIC, PHYS_BASE, phys_map, phys_warn,
				       &out);
		assert_true(out.nmodules <= BOOT_MAX_MODULES && out.nregions <= BOOT_MAX_REGIONS);
		assert_int_equal(out.cmdline[BOOT_STRING - 1] | out.loader[63], 0);
	}
	phys_free();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_versions_are_read),
		cmocka_unit_test(screens_without_direct_colour_are_told),
		cmocka_unit_test(a_module_that_ends_before_its_start_is_dropped),
		cmocka_unit_test(an_address_before_a_modules_name_goes),
		cmocka_unit_test(information_cut_off_anywhere_does_no_harm),
		cmocka_unit_test(mutations_do_no_harm),
	};

	return cmocka_run_group_tests_name("multiboot", tests, NULL, NULL);
}
