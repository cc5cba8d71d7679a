/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: boot/uefi/image.c */
/* tests/unit/test_uefi_image.c: the hypervisor's file and the service VM's, whole, cut off and mutated. */
#include "boot/uefi/image.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "boot/handoff.h"
#include "hv/abi/service.h"
#include "hv/lib/string.h"

#define MACHINE 62
#define SIZE	0x1000u
#define BASE	0x200000ull

static u8 file[SIZE] ALIGNED(8);
static struct image image;
static const char *why;

static void put(size_t at, u64 v, unsigned n)
{
	memcpy(file + at, &v, n);
}

static void segment(unsigned n, u32 type, u64 offset, u64 paddr, u64 filesz, u64 memsz)
{
	size_t at = 64 + n * 56;

	put(at, type, 4);
	put(at + 8, offset, 8);
	put(at + 16, 0xffffffff80000000 + paddr, 8);
	put(at + 24, paddr, 8);
	put(at + 32, filesz, 8);
	put(at + 40, memsz, 8);
}

/* Two segments, of file offsets 400h and 800h; section headers at the end. */
static void build(void)
{
	memset(file, 0, sizeof(file));
	memcpy(file,
	       "\x7f"
	       "ELF\2\1\1",
	       7);
	put(16, 2, 2);
	put(18, MACHINE, 2);
	put(32, 64, 8);
	put(40, SIZE - 3 * 64, 8);
	put(54, 56, 2);
	put(56, 3, 2);
	put(58, 64, 2);
	put(60, 3, 2);
	segment(0, 6, 0, 0, 0x10, 0x10);
	segment(1, 1, 0x400, BASE, 0x400, 0x1800);
	segment(2, 1, 0x800, BASE + 0x2000, 0x100, 0x300);
	memset(file + 0x400, 0xaa, 0x400);
	memset(file + 0x800, 0xbb, 0x100);
	put(0x440, HANDOFF_MAGIC, 8);
	put(0x448, sizeof(struct boot_info), 4);
	put(0x450, BASE + 0x123, 8);
}

static status_t check(u64 size)
{
	u8 *copy = malloc(size ? size : 1); /* so that a byte too many is seen */
	status_t s;

	memcpy(copy, file, size);
	s = image_check(copy, size, MACHINE, &image, &why);
	assert_int_equal(s == OK, why == NULL);
	free(copy);
	return s;
}

static void a_whole_one_is_loaded(void **state)
{
	u8 *to = malloc(0x2300);

	build();
	assert_int_equal(check(SIZE), OK);
	assert_int_equal(image.base, BASE);
	assert_int_equal(image.size, 0x2300);
	assert_int_equal(image.entry, BASE + 0x123);
	memset(to, 0x55, 0x2300);
	image_load(file, &image, to);
	assert_int_equal(to[0], 0xaa);
	assert_int_equal(to[0x3ff], 0xaa);
	assert_int_equal(to[0x400], 0);
	assert_int_equal(to[0x1fff], 0);
	assert_int_equal(to[0x20ff], 0xbb);
	assert_int_equal(to[0x2100], 0);
	assert_int_equal(to[0x22ff], 0);
	free(to);
}

static void one_that_is_cut_off_is_told(void **state)
{
	build();
	for (u64 n = 0; n < SIZE; n++) {
		assert_int_not_equal(check(n), OK);
		assert_string_equal(why, "it is cut off");
	}
}

static void broken(const char *words)
{
	assert_int_not_equal(check(SIZE), OK);
	assert_string_equal(why, words);
	build();
}

static void what_is_wrong_is_told(void **state)
{
	build();
	put(4, 1, 1);
	broken("it is not an ELF-64 file");
	put(18, 183, 2);
	broken("it is for another architecture");
	segment(2, 1, 0x800, BASE + 0x1000, 0x100, 0x300); /* overlap */
	broken("its segments make no sense");
	segment(2, 1, 0x800, BASE + 0x2000, 0x100, 0xff);
	broken("its segments make no sense");
	segment(2, 1, 0x800, ~0ull - 0x10, 0, 0x1000);
	broken("its segments make no sense");
	segment(2, 1, 0x800, BASE + 0x2000, 0, 64 << 20);
	broken("its segments make no sense");
	segment(2, 1, ~0ull - 8, BASE + 0x2000, 0x100, 0x300);
	broken("it is cut off");
	segment(1, 1, 0x400, BASE + 0x1000, 0x400, 0x800);
	broken("it does not start at a multiple of 2 MiB");
	put(56, 0, 2);
	broken("it does not start at a multiple of 2 MiB");
	put(0x440, 0, 8);
	broken("it is not a Trivet that UEFI can start");
	put(0x448, sizeof(struct boot_info) + 8, 4);
	broken("it is of another version than this loader");
	put(0x450, BASE + 0x2300, 8);
	broken("its entry lies outside of it");
}

static void any_change_is_survived(void **state)
{
	static u8 to[64 << 20];

	srand(1);
	for (unsigned i = 0; i < 20000; i++) {
		build();
		for (unsigned k = 0, n = 1 + (unsigned)rand() % 3; k < n; k++)
			put((size_t)rand() % 0x100, (u64)rand() << (rand() % 40), 1 + (unsigned)rand() % 8);
		if (image_check(file, SIZE, MACHINE, &image, &why) == OK) {
			assert_true(image.size <= sizeof(to));
			assert_true(image.entry - image.base < image.size);
			image_load(file, &image, to);
		}
	}
}

static void the_service_vm_is_checked_by_its_header(void **state)
{
	struct service_header h = {
		.magic = SERVICE_MAGIC, .version = SERVICE_VERSION, .header_size = 64, .image_size = 4096
	};

	assert_int_equal(image_check_service(&h, 4096, &why), OK);
	assert_int_equal(image_check_service(&h, 4095, &why), ERR_RANGE);
	assert_string_equal(why, "it is cut off");
	assert_int_equal(image_check_service(&h, 63, &why), ERR_RANGE);
	assert_int_equal(image_check_service(&h, 0, &why), ERR_RANGE);
	h.version++;
	assert_int_equal(image_check_service(&h, 4096, &why), ERR_FORMAT);
	h.version--;
	h.magic++;
	assert_int_equal(image_check_service(&h, 4096, &why), ERR_FORMAT);
	assert_string_equal(why, "it is not a service VM of this version");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_one_is_loaded),
		cmocka_unit_test(one_that_is_cut_off_is_told),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(any_change_is_survived),
		cmocka_unit_test(the_service_vm_is_checked_by_its_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
