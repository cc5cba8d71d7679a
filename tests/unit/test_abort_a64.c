/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_abort_a64.c: what an abort from a guest is about, by its syndrome. */
/* CFLAGS: -Ihv/abi/arm64 -Iarch/arm64 */
#include "arch/arm64/abort.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define DABT 0x92000000u /* EC 24h, IL */
#define IABT 0x82000000u /* EC 20h, IL */

static const u32 classes[] = { DABT, IABT };

static void an_access_that_stage_2_stops(void **state)
{
	for (unsigned level = 0; level < 4; level++)
		for (unsigned type = FSC_TRANSLATION; type <= FSC_PERMISSION; type += 4)
			for (unsigned i = 0; i < ARRAY_SIZE(classes); i++)
				assert_int_equal(abort_kind(classes[i] | type | level), ABORT_ACCESS);
	assert_int_equal(abort_kind(DABT | ISS_ISV | ISS_WNR | FSC_TRANSLATION | 3), ABORT_ACCESS);
}

/* A page of RAM is away, and the guest has a table there: the guest has done nothing wrong. */
static void a_walk_whose_table_is_not_there(void **state)
{
	for (unsigned level = 0; level < 4; level++)
		for (unsigned i = 0; i < ARRAY_SIZE(classes); i++) {
			u32 esr = classes[i] | ISS_S1PTW | level;

			assert_int_equal(abort_kind(esr | FSC_TRANSLATION), ABORT_WALK);
			assert_int_equal(abort_kind(esr | FSC_ACCESS), ABORT_WALK);
		}
	assert_int_equal(abort_kind(DABT | ISS_S1PTW | ISS_WNR | FSC_TRANSLATION | 2), ABORT_WALK);
	/* for AT, or for maintenance of the caches: the walk comes first */
	assert_int_equal(abort_kind(DABT | ISS_S1PTW | ISS_CM | ISS_WNR | FSC_TRANSLATION | 3), ABORT_WALK);
}

static void a_walk_of_device_memory_goes_back(void **state)
{
	for (unsigned level = 0; level < 4; level++)
		for (unsigned i = 0; i < ARRAY_SIZE(classes); i++)
			assert_int_equal(abort_kind(classes[i] | ISS_S1PTW | FSC_PERMISSION | level), ABORT_BACK);
}

static void cache_maintenance_is_no_access(void **state)
{
	assert_int_equal(abort_kind(DABT | ISS_CM | ISS_WNR | FSC_TRANSLATION | 3), ABORT_CACHE);
	assert_int_equal(abort_kind(DABT | ISS_CM | ISS_WNR | FSC_PERMISSION | 1), ABORT_CACHE);
}

static void other_faults_go_back(void **state)
{
	for (unsigned fsc = 0; fsc < 64; fsc++) {
		unsigned type = fsc & FSC_TYPE;

		if (type >= FSC_TRANSLATION && type <= FSC_PERMISSION)
			continue;
		for (unsigned i = 0; i < ARRAY_SIZE(classes); i++) {
			assert_int_equal(abort_kind(classes[i] | fsc), ABORT_BACK);
			assert_int_equal(abort_kind(classes[i] | ISS_S1PTW | fsc), ABORT_BACK);
		}
		assert_int_equal(abort_kind(DABT | ISS_CM | ISS_WNR | fsc), ABORT_BACK);
	}
}

static void permission_faults_are_told_apart(void **state)
{
	for (unsigned level = 0; level < 4; level++) {
		assert_true(abort_permission(DABT | FSC_PERMISSION | level));
		assert_false(abort_permission(DABT | FSC_TRANSLATION | level));
		assert_false(abort_permission(DABT | FSC_ACCESS | level));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_access_that_stage_2_stops),
		cmocka_unit_test(a_walk_whose_table_is_not_there),
		cmocka_unit_test(a_walk_of_device_memory_goes_back),
		cmocka_unit_test(cache_maintenance_is_no_access),
		cmocka_unit_test(other_faults_go_back),
		cmocka_unit_test(permission_faults_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
