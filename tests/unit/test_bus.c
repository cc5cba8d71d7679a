/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_bus.c: address ranges of a guest, and its RAM.
 * LINK: guest/vmm/bus.c guest/vmm/mem.c tests/unit/fake_rt.c
 */
#include "guest/vmm/bus.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_rt.h"

static u64 dev_read(void *dev, u64 off, unsigned size)
{
	return (u64)(uintptr_t)dev << 8 | off | 0xffff000000000000ULL;
}

static u64 written_off, written_value;
static unsigned written_size;
static void dev_write(void *dev, u64 off, unsigned size, u64 value)
{
	written_off = off;
	written_size = size;
	written_value = value;
}

static const struct bus_ops ops = { dev_read, dev_write };
static struct bus bus;

static int setup(void **state)
{
	memset(&bus, 0, sizeof(bus));
	written_off = written_value = written_size = 0;
	return 0;
}

static void regions_that_are_empty_wrap_or_overlap_are_refused(void **state)
{
	struct bus_region a = { 0x100, 0x10, &ops, NULL }, r = { 0, 0, &ops, NULL };

	assert_int_equal(bus_add(&bus, &a), OK);
	assert_int_equal(bus_add(&bus, &r), ERR_RANGE);
	r = (struct bus_region){ ~0ULL, 2, &ops, NULL };
	assert_int_equal(bus_add(&bus, &r), ERR_RANGE);
	r = (struct bus_region){ 0x10f, 1, &ops, NULL };
	assert_int_equal(bus_add(&bus, &r), ERR_EXISTS);
	r = (struct bus_region){ 0xff, 2, &ops, NULL };
	assert_int_equal(bus_add(&bus, &r), ERR_EXISTS);
	r = (struct bus_region){ 0x80, 0x1000, &ops, NULL };
	assert_int_equal(bus_add(&bus, &r), ERR_EXISTS);
	r = (struct bus_region){ 0x110, 1, &ops, NULL };
	assert_int_equal(bus_add(&bus, &r), OK);
	assert_int_equal(bus.n, 2);
}

static void a_region_may_end_at_the_top_of_the_address_space(void **state)
{
	struct bus_region r = { 0xfffffffffffff000ULL, 0x1000, &ops, NULL };

	assert_int_equal(bus_add(&bus, &r), OK);
	assert_ptr_equal(bus_find(&bus, ~0ULL), &r);
	assert_int_equal(bus_read(&bus, ~0ULL, 8), 0xffffffffffffffffULL);
}

static void the_table_can_fill_and_lookup_finds_each(void **state)
{
	static struct bus_region r[BUS_MAX_REGIONS + 1];
	unsigned i;

	for (i = 0; i <= BUS_MAX_REGIONS; i++)
		r[i] = (struct bus_region){ ((i * 37) % 65) * 0x100, 0x80, &ops, NULL };
	for (i = 0; i < BUS_MAX_REGIONS; i++)
		assert_int_equal(bus_add(&bus, &r[i]), OK);
	assert_int_equal(bus_add(&bus, &r[i]), ERR_FULL);
	for (i = 0; i < BUS_MAX_REGIONS; i++) {
		assert_ptr_equal(bus_find(&bus, r[i].base), &r[i]);
		assert_ptr_equal(bus_find(&bus, r[i].base + 0x7f), &r[i]);
		assert_null(bus_find(&bus, r[i].base + 0x80));
	}
	for (i = 0; i < BUS_MAX_REGIONS; i++) {
		bus_remove(&bus, &r[i]);
		assert_null(bus_find(&bus, r[i].base));
	}
	bus_remove(&bus, &r[0]);
	assert_int_equal(bus.n, 0);
}

static void nothing_reads_as_ones_and_values_are_cut_to_size(void **state)
{
	struct bus_region r = { 0x10, 8, &ops, NULL };

	assert_int_equal(bus_read(&bus, 0x10, 4), 0xffffffff);
	assert_int_equal(bus_read(&bus, ~0ULL, 8), ~0ULL);
	assert_int_equal(bus_add(&bus, &r), OK);
	assert_int_equal(bus_read(&bus, 0x14, 2), 4);
	bus_write(&bus, 0x12, 2, 0x123456);
	assert_int_equal(written_value, 0x3456);
	assert_int_equal(written_off, 2);
}

static void an_access_over_an_edge_is_split_into_bytes(void **state)
{
	struct bus_region a = { 0x10, 2, &ops, (void *)1 }, b = { 0x13, 4, &ops, (void *)2 };

	assert_int_equal(bus_add(&bus, &a), OK);
	assert_int_equal(bus_add(&bus, &b), OK);
	assert_int_equal(bus_read(&bus, 0x11, 4), 0x0100ff01);
	bus_write(&bus, 0x11, 4, 0xddccbbaa);
	assert_int_equal(written_size, 1);
	assert_int_equal(written_off, 1);
	assert_int_equal(written_value, 0xdd);
	assert_int_equal(bus_read(&bus, 0x0f, 2), 0x00ff);
}

static void guest_memory_is_only_what_is_ram(void **state)
{
	static u8 low[0x1000], high[0x2000];
	struct vm vm = {
		.nram = 3,
		.ram = { { 0x1000, 0x1000, low }, { 0x2000, 0x1000, high }, { 0x8000, 0x1000, high + 0x1000 } }
	};
	u8 buf[16] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	u64 len = 0x100;

	assert_ptr_equal(vm_mem(&vm, 0x1000, 0x1000), low);
	assert_null(vm_mem(&vm, 0x1000, 0x1001));
	assert_null(vm_mem(&vm, 0xfff, 1));
	assert_null(vm_mem(&vm, ~0ULL, 2));
	assert_null(vm_mem(&vm, 0x1800, ~0ULL));
	assert_ptr_equal(vm_mem_part(&vm, 0x1fff, &len), low + 0xfff);
	assert_int_equal(len, 1);
	assert_int_equal(vm_write(&vm, 0x1ffc, buf, 8), OK);
	assert_int_equal(low[0xfff], 4);
	assert_int_equal(high[0], 5);
	assert_int_equal(vm_read(&vm, 0x1ffe, buf, 4), OK);
	assert_int_equal(buf[0], 3);
	assert_int_equal(buf[3], 6);
	assert_int_equal(vm_write(&vm, 0x2ffc, buf, 8), ERR_RANGE);
	assert_int_equal(high[0xffc], 0);
	assert_int_equal(vm_read(&vm, ~0ULL - 2, buf, 8), ERR_RANGE);
	assert_int_equal(vm_read(&vm, 0x5000, buf, 0), OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(regions_that_are_empty_wrap_or_overlap_are_refused, setup),
		cmocka_unit_test_setup(a_region_may_end_at_the_top_of_the_address_space, setup),
		cmocka_unit_test_setup(the_table_can_fill_and_lookup_finds_each, setup),
		cmocka_unit_test_setup(nothing_reads_as_ones_and_values_are_cut_to_size, setup),
		cmocka_unit_test_setup(an_access_over_an_edge_is_split_into_bytes, setup),
		cmocka_unit_test_setup(guest_memory_is_only_what_is_ram, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
