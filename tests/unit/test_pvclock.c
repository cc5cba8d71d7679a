/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_pvclock.c: the paravirtual clock.
 * LINK: guest/vmm/x86/pvclock.c tests/unit/fake_rt.c
 */
#include "guest/vmm/x86/pvclock.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_rt.h"

static struct vm vm;
static struct pvclock clock_;

static bool pvclock_msr(struct vcpu *v, u32 index, bool write, u64 *value)
{
	return pvclock_access(&clock_, v, index, write, value);
}

static int setup(void **state)
{
	struct hv_info info = { .features = HV_FEATURE_INVARIANT_TSC, .counter_hz = 2400000000 };

	fake_reset();
	fake.wall = 1700000000;
	fake_vm_init(&vm, 0x2000);
	pvclock_init(&clock_, &info, 0);
	return 0;
}

static int teardown(void **state)
{
	fake_vm_free(&vm);
	return 0;
}

static u64 guest_ns(const struct pvclock_vcpu_time *t, u64 tsc)
{
	u64 d = tsc - t->tsc_timestamp;

	d = t->tsc_shift >= 0 ? d << t->tsc_shift : d >> -t->tsc_shift;
	return (u64)((unsigned __int128)d * t->tsc_to_system_mul >> 32) + t->system_time;
}

static void the_scale_is_right_for_every_frequency(void **state)
{
	static const u64 hz[] = { 1000,	      62500000,	  999999999,  1000000000,
				  1000000001, 2400000000, 4294967296, 1000000000000 };
	const u64 hour = 3600;

	for (unsigned i = 0; i < ARRAY_SIZE(hz); i++) {
		struct hv_info info = { .counter_hz = hz[i] };
		struct pvclock_vcpu_time t;
		u64 v = 0x1001, ns;

		pvclock_init(&clock_, &info, 0);
		assert_true(pvclock_msr(&vm.vcpu[0], MSR_KVM_SYSTEM_TIME_NEW, true, &v));
		assert_int_equal(vm_read(&vm, 0x1000, &t, sizeof(t)), OK);
		assert_true(t.tsc_to_system_mul & 0x80000000u);
		assert_int_equal(t.flags, 0);
		ns = guest_ns(&t, hz[i] * hour);
		assert_in_range(ns, hour * 1000000000 - 2000, hour * 1000000000 + 1000); /* within 2^-31 */
	}
}

static void a_nonsensical_frequency_means_no_clock(void **state)
{
	struct hv_info info = { .counter_hz = 0 };
	u64 v = 0x1001;

	pvclock_init(&clock_, &info, 0);
	assert_false(pvclock_msr(&vm.vcpu[0], MSR_KVM_SYSTEM_TIME_NEW, true, &v));
	info.counter_hz = ~0ull;
	pvclock_init(&clock_, &info, 0);
	assert_false(pvclock_msr(&vm.vcpu[0], MSR_KVM_SYSTEM_TIME_NEW, true, &v));
}

static void version_is_even_and_grows(void **state)
{
	u64 v = 0x1001;
	u32 first, second;

	assert_true(pvclock_msr(&vm.vcpu[0], MSR_KVM_SYSTEM_TIME, true, &v));
	assert_int_equal(vm_read(&vm, 0x1000, &first, 4), OK);
	assert_true(pvclock_msr(&vm.vcpu[0], MSR_KVM_SYSTEM_TIME, true, &v));
	assert_int_equal(vm_read(&vm, 0x1000, &second, 4), OK);
	assert_int_equal(first & 1, 0);
	assert_int_equal(second & 1, 0);
	assert_true(second > first);
	assert_int_equal(((struct pvclock_vcpu_time *)vm_mem(&vm, 0x1000, 32))->flags, 1);
	v = 0;
	assert_true(pvclock_msr(&vm.vcpu[0], MSR_KVM_SYSTEM_TIME, false, &v));
	assert_int_equal(v, 0x1001);
	v = 0; /* off: nothing is written */
	assert_true(pvclock_msr(&vm.vcpu[0], MSR_KVM_SYSTEM_TIME, true, &v));
}

static void wall_clock_and_system_time_make_now(void **state)
{
	u64 v = 0x1800, tsc = __builtin_ia32_rdtsc(), now;
	struct pvclock_wall w;

	assert_true(pvclock_msr(&vm.vcpu[0], MSR_KVM_WALL_CLOCK_NEW, true, &v));
	assert_int_equal(vm_read(&vm, 0x1800, &w, sizeof(w)), OK);
	assert_int_equal(w.version & 1, 0);
	assert_in_range(w.nsec, 0, 999999999);
	now = w.sec + (u64)((unsigned __int128)tsc * 1000000000 / 2400000000 + w.nsec) / 1000000000;
	assert_in_range(now, 1700000000 - 2, 1700000000 + 1);
}

static void bad_addresses_are_refused(void **state)
{
	u64 v = 0x1ff1; /* ends behind RAM */

	assert_false(pvclock_msr(&vm.vcpu[0], MSR_KVM_SYSTEM_TIME_NEW, true, &v));
	v = ~0ull;
	assert_false(pvclock_msr(&vm.vcpu[0], MSR_KVM_SYSTEM_TIME_NEW, true, &v));
	v = 0xfffffffffffffffc;
	assert_false(pvclock_msr(&vm.vcpu[0], MSR_KVM_WALL_CLOCK, true, &v));
	assert_false(pvclock_msr(&vm.vcpu[0], 0x10, false, &v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_scale_is_right_for_every_frequency, setup, teardown),
		cmocka_unit_test_setup_teardown(a_nonsensical_frequency_means_no_clock, setup, teardown),
		cmocka_unit_test_setup_teardown(version_is_even_and_grows, setup, teardown),
		cmocka_unit_test_setup_teardown(wall_clock_and_system_time_make_now, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_addresses_are_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
