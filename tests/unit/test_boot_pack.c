/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: boot/arm64/pack.c hv/lib/string.c */
/* CFLAGS: -Ihv/abi/arm64 */
/* tests/unit/test_boot_pack.c: the pack of boot modules, with each field wrong, cut off, mutated; and where modules
 * lie. */
#include "boot/arm64/fdt.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct boot_info bi;
static const char *why;

#define PACK_BASE 0x50000000ul
#define PACK_SIZE 0x5000u

static u8 pack[PACK_SIZE];

static void put(u32 at, u64 v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		pack[at + i] = (u8)(v >> (8 * i));
}

static void build_pack(void)
{
	memset(pack, 0, sizeof(pack));
	memcpy(pack, "TRVPACK1", 8);
	put(8, 1, 4);
	put(12, 2, 4);
	put(16, PACK_SIZE, 8);
	put(256, 0x1000, 8);
	put(264, 0x2345, 8);
	memcpy(pack + 272, "service", 8);
	put(512, 0x4000, 8);
	put(520, 0x10, 8);
	memcpy(pack + 528, "config a=b", 11);
	memset(&bi, 0, sizeof(bi));
}

/* Read from a copy of @len bytes. */
static status_t parse_pack(size_t len, u64 base, u64 size)
{
	u8 *copy = malloc(len ? len : 1);
	status_t s;

	memcpy(copy, pack, len);
	s = pack_parse(copy, len, base, size, &bi, &why);
	free(copy);
	assert_true(s == OK ? why == NULL : why != NULL && bi.nmodules == 0);
	return s;
}

static void expect_pack(u32 at, u64 v, unsigned n, const char *words)
{
	build_pack();
	put(at, v, n);
	assert_int_not_equal(parse_pack(0x1000, PACK_BASE, PACK_SIZE), OK);
	if (!strstr(why, words))
		fail_msg("\"%s\" does not say \"%s\"", why, words);
}

static void a_pack_is_read(void **state)
{
	build_pack();
	assert_int_equal(parse_pack(768, PACK_BASE, PACK_SIZE), OK);
	assert_int_equal(bi.nmodules, 2);
	assert_int_equal(bi.module[0].base, PACK_BASE + 0x1000);
	assert_int_equal(bi.module[0].size, 0x2345);
	assert_string_equal(bi.module[0].string, "service");
	assert_int_equal(bi.module[1].base, PACK_BASE + 0x4000);
	assert_string_equal(bi.module[1].string, "config a=b");
}

static void each_field_of_a_pack_is_checked(void **state)
{
	expect_pack(0, 7, 1, "not a pack");
	expect_pack(8, 2, 4, "version");
	expect_pack(12, 25, 4, "more than 24");
	expect_pack(12, 0xffffffff, 4, "more than 24");
	expect_pack(16, PACK_SIZE + 1, 8, "cut off");
	expect_pack(16, 0, 8, "outside");
	expect_pack(256, 0x1001, 8, "4 KiB");
	expect_pack(256, 0, 8, "outside");
	expect_pack(256, 0x5000, 8, "outside");
	expect_pack(256, ~0xffful, 8, "outside");
	expect_pack(264, 0x4001, 8, "outside");
	expect_pack(264, ~0ul, 8, "outside");
	build_pack();
	memset(pack + 272, 'x', 240);
	assert_int_equal(parse_pack(0x1000, PACK_BASE, PACK_SIZE), ERR_RANGE);
	build_pack();
	assert_int_equal(parse_pack(0x1000, PACK_BASE + 8, PACK_SIZE), ERR_FORMAT);
	bi.nmodules = BOOT_MAX_MODULES - 1;
	assert_int_equal(pack_parse(pack, 0x1000, PACK_BASE, PACK_SIZE, &bi, &why), ERR_FULL);
	for (size_t n = 0; n < 768; n++) {
		build_pack();
		assert_int_equal(parse_pack(n, PACK_BASE, PACK_SIZE), ERR_FORMAT);
	}
}

static void modules_lie_in_memory_and_apart(void **state)
{
	memset(&bi, 0, sizeof(bi));
	bi.nregions = 3; /* memory in two pieces that touch */
	bi.region[0] = (struct boot_region){ 0x60000000, 0x20000000, BOOT_MEM_RAM, 0 };
	bi.region[1] = (struct boot_region){ 0x40000000, 0x20000000, BOOT_MEM_RAM, 0 };
	bi.region[2] = (struct boot_region){ 0x48000000, 0x100000, BOOT_MEM_RESERVED, 0 };
	bi.nmodules = 2;
	bi.module[0] = (struct boot_module){ .base = 0x50000000, .size = 0x1001 };
	bi.module[1] = (struct boot_module){ .base = 0x50002000, .size = 0x1000 };
	assert_int_equal(boot_check_modules(&bi, 0x40200000, 0x20000, &why), OK);
	bi.module[1].base = 0x50001000;
	assert_int_equal(boot_check_modules(&bi, 0x40200000, 0x20000, &why), ERR_RANGE);
	assert_string_equal(why, "two modules overlap");
	bi.module[1].base = 0x40210000;
	assert_int_equal(boot_check_modules(&bi, 0x40200000, 0x20000, &why), ERR_RANGE);
	assert_string_equal(why, "a module and the hypervisor overlap");
	bi.module[1].base = 0x48000000;
	assert_int_equal(boot_check_modules(&bi, 0x40200000, 0x20000, &why), ERR_RANGE);
	bi.module[1].base = 0x5ffff000;
	bi.module[1].size = 0x2000;
	assert_int_equal(boot_check_modules(&bi, 0x40200000, 0x20000, &why), OK);
	bi.module[1].base = 0x7ffff000;
	bi.module[1].size = 0x1000;
	assert_int_equal(boot_check_modules(&bi, 0x40200000, 0x20000, &why), OK);
	bi.module[1].size = 0x1001;
	assert_int_equal(boot_check_modules(&bi, 0x40200000, 0x20000, &why), ERR_RANGE);
	assert_string_equal(why, "a module does not lie in memory");
}

static void mutated_packs_do_no_harm(void **state)
{
	u32 x = 1;

	for (u32 i = 0; i < 20000; i++) {
		build_pack();
		for (u32 k = 0; k <= i % 4; k++) {
			x = x * 1664525 + 1013904223;
			pack[(x >> 8) % 600] ^= (u8)(x >> 24);
		}
		if (parse_pack(0x1000, PACK_BASE, PACK_SIZE) != OK)
			continue;
		for (u32 k = 0; k < bi.nmodules; k++) {
			assert_in_range(bi.module[k].base, PACK_BASE + 0x1000, PACK_BASE + PACK_SIZE);
			assert_in_range(bi.module[k].size, 0, PACK_BASE + PACK_SIZE - bi.module[k].base);
			assert_int_equal(bi.module[k].string[BOOT_STRING - 1], 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pack_is_read),
		cmocka_unit_test(each_field_of_a_pack_is_checked),
		cmocka_unit_test(modules_lie_in_memory_and_apart),
		cmocka_unit_test(mutated_packs_do_no_harm),
	};

	return cmocka_run_group_tests_name("boot_pack", tests, NULL, NULL);
}
