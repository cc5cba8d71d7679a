/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: boot/uefi/convert.c hv/lib/string.c */
/* tests/unit/test_uefi_convert.c: memory maps, colour masks and load options as firmware gives them. */
#include "boot/uefi/convert.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hv/lib/string.h"
#include "hv/lib/util.h"

#define WB   8ull
#define STEP (sizeof(struct uefi_memory) + 8) /* a firmware's descriptor may be longer than ours */

static u8 map[256 * STEP];
static size_t map_size;
static struct boot_info bi;

static void add(u32 type, u64 start, u64 pages, u64 attribute)
{
	struct uefi_memory m = { type, 0, start, 0, pages, attribute };

	memset(map + map_size, 0xee, STEP);
	memcpy(map + map_size, &m, sizeof(m));
	map_size += STEP;
}

static unsigned convert(void)
{
	memset(&bi, 0x55, sizeof(bi));
	return convert_memory(map, map_size, STEP, &bi);
}

static u32 kind_at(u64 pa)
{
	for (u32 i = 0; i < bi.nregions; i++)
		if (range_in(pa, 1, bi.region[i].base, bi.region[i].size))
			return bi.region[i].kind;
	return 0;
}

static void each_type_has_its_kind(void **state)
{
	static const u32 kinds[] = {
		BOOT_MEM_RESERVED, BOOT_MEM_RAM,      BOOT_MEM_RAM,	 BOOT_MEM_RAM,
		BOOT_MEM_RAM,	   BOOT_MEM_RESERVED, BOOT_MEM_RESERVED, BOOT_MEM_RAM,
		BOOT_MEM_BAD,	   BOOT_MEM_ACPI,     BOOT_MEM_NVS,	 BOOT_MEM_RESERVED,
		BOOT_MEM_RESERVED, BOOT_MEM_RESERVED, BOOT_MEM_RESERVED, BOOT_MEM_RESERVED,
	};

	map_size = 0;
	for (u32 type = 0; type < ARRAY_SIZE(kinds); type++)
		add(type, (type + 1) * 0x100000ull, 1, WB);
	add(0x80000000, 0x10000000, 1, WB); /* an OEM's */
	assert_int_equal(convert(), 0);
	for (u32 type = 0; type < ARRAY_SIZE(kinds); type++)
		assert_int_equal(kind_at((type + 1) * 0x100000ull), kinds[type]);
	assert_int_equal(kind_at(0x10000000), BOOT_MEM_RESERVED);
}

static void neighbours_of_a_kind_become_one(void **state)
{
	map_size = 0;
	add(7, 0x1000, 1, WB);
	add(3, 0x3000, 1, WB);
	add(4, 0x2000, 1, WB);
	add(6, 0x4000, 2, WB);
	add(0, 0x6000, 1, 0);
	assert_int_equal(convert(), 0);
	assert_int_equal(bi.region[0].base, 0x1000);
	assert_int_equal(kind_at(0x3fff), BOOT_MEM_RAM);
	assert_int_equal(kind_at(0x4000), BOOT_MEM_RESERVED);
	assert_int_equal(kind_at(0x6fff), BOOT_MEM_RESERVED);
	assert_true(bi.nregions <= 3);
}

static void ram_that_is_not_for_all_is_reserved(void **state)
{
	map_size = 0;
	add(7, 0x100000, 16, 0);		      /* cannot be cached */
	add(7, 0x200000, 16, WB | BIT(18));	      /* special purpose  */
	add(7, 0x300000, 16, WB | BIT(16) | BIT(15)); /* more reliable    */
	assert_int_equal(convert(), 0);
	assert_int_equal(kind_at(0x100000), BOOT_MEM_RESERVED);
	assert_int_equal(kind_at(0x200000), BOOT_MEM_RESERVED);
	assert_int_equal(kind_at(0x300000), BOOT_MEM_RAM);
}

static void ram_comes_first_when_there_is_too_much(void **state)
{
	map_size = 0;
	for (u64 i = 0; i < 80; i++)
		add(0, (1 + 2 * i) << 20, 1, 0);
	for (u64 i = 0; i < 80; i++)
		add(7, (1000 + 2 * i) << 20, 1, WB);
	assert_int_equal(convert(), 160 - BOOT_MAX_REGIONS);
	assert_int_equal(bi.nregions, BOOT_MAX_REGIONS);
	for (u64 i = 0; i < 80; i++)
		assert_int_equal(kind_at((1000 + 2 * i) << 20), BOOT_MEM_RAM);
}

static void what_makes_no_sense_is_left_out(void **state)
{
	map_size = 0;
	add(7, 0x1000, 0, WB);
	add(7, 0x1000, ~0ull, WB);
	add(7, BIT(52), 1, WB);
	add(7, BIT(52) - 0x1000, 2, WB);
	add(7, BIT(52) - 0x1000, 1, WB);
	assert_int_equal(convert(), 3);
	assert_int_equal(bi.nregions, 1);
	map_size -= 1; /* cut off */
	assert_int_equal(convert(), 3);
	assert_int_equal(bi.nregions, 0);
	assert_int_equal(convert_memory(map, map_size, 8, &bi), 0);
	assert_int_equal(bi.nregions, 0);
}

static void any_map_gives_sane_regions(void **state)
{
	srand(1);
	for (unsigned round = 0; round < 2000; round++) {
		map_size = 0;
		for (unsigned i = 0, n = (unsigned)rand() % 200; i < n; i++)
			add((u32)rand() % 20, (u64)rand() << (rand() % 34), (u64)rand() << (rand() % 34), (u64)rand());
		convert();
		assert_true(bi.nregions <= BOOT_MAX_REGIONS);
		for (u32 i = 0; i < bi.nregions; i++) {
			assert_false(range_bad(bi.region[i].base, bi.region[i].size));
			assert_in_range(bi.region[i].kind, BOOT_MEM_RAM, BOOT_MEM_BAD);
		}
	}
}

static void masks_become_positions(void **state)
{
	static const struct {
		u32 mask;
		u8 pos, size;
	} cases[] = { { 0xff0000, 16, 8 },    { 0xff, 0, 8 }, { 0xf800, 11, 5 },
		      { 0x3ff00000, 20, 10 }, { 0, 0, 0 },    { 0x5, 0, 0 },
		      { 0x80000000, 31, 1 },  { ~0u, 0, 32 }, { 0xff0000ff, 0, 0 } };

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		u8 pos = 99, size = 99;

		convert_mask(cases[i].mask, &pos, &size);
		assert_int_equal(pos, cases[i].pos);
		assert_int_equal(size, cases[i].size);
	}
}

static const char *options(const char *text, size_t len)
{
	static char out[BOOT_STRING];
	u16 *wide = malloc(len * 2 + 1); /* of exactly its length */

	for (size_t i = 0; i < len; i++)
		wide[i] = (u8)text[i];
	memset(out, 'x', sizeof(out));
	convert_options(wide, len * 2, out);
	free(wide);
	return out;
}

static void options_lose_the_programs_name(void **state)
{
	char longer[2 * BOOT_STRING];

	assert_string_equal(options("trivet.efi a=b c\0", 17), "a=b c");
	assert_string_equal(options("trivet.efi   a", 14), "a");
	assert_string_equal(options("trivet.efi", 10), "");
	assert_string_equal(options("", 0), "");
	assert_string_equal(options("p a\0junk\1", 9), "a");
	assert_string_equal(options("p \1\2", 4), "");
	assert_string_equal(options("p \xe4", 3), "");
	memset(longer, 'a', sizeof(longer));
	longer[1] = ' ';
	assert_int_equal(strlen(options(longer, sizeof(longer))), BOOT_STRING - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_type_has_its_kind),
		cmocka_unit_test(neighbours_of_a_kind_become_one),
		cmocka_unit_test(ram_that_is_not_for_all_is_reserved),
		cmocka_unit_test(ram_comes_first_when_there_is_too_much),
		cmocka_unit_test(what_makes_no_sense_is_left_out),
		cmocka_unit_test(any_map_gives_sane_regions),
		cmocka_unit_test(masks_become_positions),
		cmocka_unit_test(options_lose_the_programs_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
