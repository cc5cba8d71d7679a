/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_ramdisk.c: the copy-on-write disk over a module.
 * LINK: guest/drv/ramdisk.c tests/unit/fake_rt.c
 */
#include "guest/drv/ramdisk.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_rt.h"

#define SIZE (3 * 4096 + 700)

static u8 module[SIZE], pristine[SIZE];
static struct disk *disk;
static unsigned calls;
static status_t result;

static void done(struct disk_req *r, status_t s)
{
	calls++;
	result = s;
}

static status_t go(enum disk_op op, u64 sector, u64 n, void *buf, u32 first)
{
	struct disk_seg seg[2] = { { buf, first }, { (u8 *)buf + first, (u32)(n * 512) - first } };
	struct disk_req r = {
		.op = op, .sector = sector, .nsectors = n, .seg = seg, .nseg = buf ? 2 : 0, .done = done
	};

	calls = 0;
	disk_submit(disk, &r);
	assert_int_equal(calls, 1);
	return result;
}

static int setup(void **state)
{
	unsigned i;

	fake_reset();
	for (i = 0; i < SIZE; i++)
		module[i] = pristine[i] = (u8)(i * 7 + i / 256 + 1);
	disk = ramdisk_new(module, SIZE, false, "0123456789012345678901234");
	return disk == NULL;
}

static int teardown(void **state)
{
	ramdisk_free(disk);
	return memcmp(module, pristine, SIZE); /* whatever a test did, the module is as it was */
}

static void size_rounds_up_and_the_rest_is_zeros(void **state)
{
	u8 buf[1024];

	assert_int_equal(disk->nsectors, 3 * 8 + 2);
	assert_int_equal(go(DISK_READ, 24, 2, buf, 100), OK);
	assert_memory_equal(buf, pristine + 3 * 4096, 700);
	for (unsigned i = 700; i < 1024; i++)
		assert_int_equal(buf[i], 0);
	assert_int_equal(strlen(disk->serial), 20);
}

static void writes_are_read_back_and_neighbours_stay(void **state)
{
	u8 buf[2 * 4096], in[1024];

	memset(in, 0xee, sizeof(in));
	assert_int_equal(go(DISK_WRITE, 7, 2, in, 10), OK); /* over a page's edge */
	assert_int_equal(go(DISK_READ, 0, 16, buf, 4000), OK);
	assert_memory_equal(buf, pristine, 7 * 512);
	assert_memory_equal(buf + 7 * 512, in, 1024);
	assert_memory_equal(buf + 9 * 512, pristine + 9 * 512, 7 * 512);
}

static void zeroes_are_exact_and_discard_frees_whole_pages(void **state)
{
	u8 buf[3 * 4096];

	assert_int_equal(go(DISK_ZEROES, 3, 10, NULL, 0), OK);
	assert_int_equal(go(DISK_READ, 0, 24, buf, 1), OK);
	assert_memory_equal(buf, pristine, 3 * 512);
	for (unsigned i = 3 * 512; i < 13 * 512; i++)
		assert_int_equal(buf[i], 0);
	assert_memory_equal(buf + 13 * 512, pristine + 13 * 512, 11 * 512);
	assert_int_equal(go(DISK_DISCARD, 12, 8, NULL, 0), OK); /* no whole page: may keep all */
	assert_int_equal(go(DISK_DISCARD, 16, 8, NULL, 0), OK);
	assert_int_equal(go(DISK_READ, 16, 8, buf, 1), OK);
	for (unsigned i = 0; i < 4096; i++)
		assert_int_equal(buf[i], 0);
	buf[0] = 9; /* a write to a page of zeros must not be seen in another */
	assert_int_equal(go(DISK_DISCARD, 0, 8, NULL, 0), OK);
	assert_int_equal(go(DISK_WRITE, 16, 1, buf, 1), OK);
	assert_int_equal(go(DISK_READ, 0, 1, buf + 512, 1), OK);
	assert_int_equal(buf[512], 0);
}

static void out_of_range_is_refused(void **state)
{
	u8 buf[1024];

	assert_int_equal(go(DISK_READ, disk->nsectors - 1, 2, buf, 1), ERR_RANGE);
	assert_int_equal(go(DISK_WRITE, ~0ULL, 2, buf, 1), ERR_RANGE);
	assert_int_equal(go(DISK_ZEROES, 1, ~0ULL, NULL, 0), ERR_RANGE);
	assert_int_equal(go(DISK_READ, 0, 2, NULL, 0), ERR_INVAL); /* memory for less than it asks */
	assert_int_equal(go(DISK_FLUSH, 0, 0, NULL, 0), OK);
}

static void out_of_memory_is_an_error_and_changes_nothing(void **state)
{
	u8 buf[4096] = { 1 };

	fake.no_memory = true;
	assert_null(ramdisk_new(module, SIZE, false, ""));
	assert_int_equal(go(DISK_WRITE, 0, 8, buf, 1), ERR_NOMEM);
	fake.no_memory = false;
	assert_int_equal(go(DISK_READ, 0, 8, buf, 1), OK);
	assert_memory_equal(buf, pristine, 4096);
}

static void a_read_only_disk_refuses_writes(void **state)
{
	u8 buf[512];

	disk->readonly = true;
	assert_int_equal(go(DISK_WRITE, 0, 1, buf, 1), ERR_RIGHTS);
	assert_int_equal(go(DISK_DISCARD, 0, 1, NULL, 0), ERR_RIGHTS);
	assert_int_equal(go(DISK_FLUSH, 0, 0, NULL, 0), OK);
	assert_int_equal(go(DISK_READ, 0, 1, buf, 1), OK);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(size_rounds_up_and_the_rest_is_zeros),	   T(writes_are_read_back_and_neighbours_stay),
		T(zeroes_are_exact_and_discard_frees_whole_pages), T(out_of_range_is_refused),
		T(out_of_memory_is_an_error_and_changes_nothing),  T(a_read_only_disk_refuses_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
