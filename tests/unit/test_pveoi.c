/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_pveoi.c: KVM's MSR for ends of interrupts: what the guest writes, and what the hypervisor hears.
 * LINK: guest/vmm/x86/pveoi.c tests/unit/fake_rt.c */
#include "guest/vmm/x86/pveoi.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_rt.h"

#define RAM 0x4000

static struct vm vm;
static struct pveoi eoi;

static int setup(void **state)
{
	const struct hv_info info = { .features = 0 };

	fake_reset();
	fake_vm_init(&vm, RAM);
	vm.nvcpus = 2;
	for (u32 i = 0; i < 2; i++)
		vm.vcpu[i] = (struct vcpu){ .vm = &vm, .id = 70 + i, .index = i };
	pveoi_init(&eoi, &info);
	return 0;
}

static int teardown(void **state)
{
	fake_vm_free(&vm);
	return 0;
}

static bool put(unsigned i, u64 value)
{
	return pveoi_access(&eoi, &vm.vcpu[i], MSR_KVM_PV_EOI_EN, true, &value);
}

static u64 get(unsigned i)
{
	u64 value = 0xdead;

	assert_true(pveoi_access(&eoi, &vm.vcpu[i], MSR_KVM_PV_EOI_EN, false, &value));
	return value;
}

/* The last call but @before. */
static void told(unsigned before, u32 vcpu, u64 value)
{
	const struct fake_call *c = &fake.call[fake.ncall - 1 - before];

	assert_true(fake.ncall > before);
	assert_int_equal(c->nr, HV_VCPU_EOI);
	assert_int_equal(c->a, vcpu);
	assert_int_equal(c->b, value);
}

static void each_vcpu_has_its_own(void **state)
{
	assert_int_equal(get(0) | get(1), 0);
	assert_true(put(0, 0x1000 | 1));
	told(0, 70, 0x1000 | 1);
	assert_true(put(1, 0x1004 | 1));
	told(0, 71, 0x1004 | 1);
	assert_int_equal(get(0), 0x1001);
	assert_int_equal(get(1), 0x1005);
	assert_true(put(0, 0));
	told(0, 70, 0);
	assert_true(put(1, 0xfffffffffffffffe)); /* off, with an address that does not matter */
	told(0, 71, 0);
	assert_int_equal(get(1), 0xfffffffffffffffe);
}

static void what_is_no_word_of_ram_is_refused(void **state)
{
	static const u64 bad[] = { 3, 0x1002 | 1, RAM | 1, 1ull << 63 | 1, ~0ull };

	assert_true(put(0, (RAM - 4) | 1));
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(put(0, bad[i]));
	assert_int_equal(fake.ncall, 1);
	assert_int_equal(get(0), (RAM - 4) | 1);
}

static void a_word_that_is_not_shared_does_no_harm(void **state)
{
	assert_true(put(0, 0x1000 | 1));
	fake.result.status = ERR_UNMAPPED;
	assert_true(put(0, 0x2000 | 1));
	told(1, 70, 0x2000 | 1);
	told(0, 70, 0); /* the old one is none any more */
	assert_int_equal(get(0), 0x2001);
	fake.result.status = OK;
	pveoi_again(&eoi, &vm);
	told(0, 70, 0x2000 | 1);
	assert_int_equal(fake.ncall, 4);
}

static void init_and_reset_forget_it(void **state)
{
	pveoi_off(&eoi, &vm.vcpu[1]);
	assert_int_equal(fake.ncall, 0);
	assert_true(put(0, 0x1000 | 1));
	assert_true(put(1, 0x1004 | 1));
	pveoi_off(&eoi, &vm.vcpu[1]);
	told(0, 71, 0);
	assert_int_equal(get(1), 0);
	assert_int_equal(get(0), 0x1001);
	pveoi_reset(&eoi);
	assert_int_equal(get(0), 0);
	assert_int_equal(fake.ncall, 3);
	pveoi_again(&eoi, &vm);
	assert_int_equal(fake.ncall, 3);
}

static void a_cpu_that_ends_interrupts_by_itself_has_no_such_msr(void **state)
{
	const struct hv_info info = { .features = HV_FEATURE_APIC_HW };
	u64 value;

	pveoi_init(&eoi, &info);
	assert_false(put(0, 0x1001));
	assert_false(pveoi_access(&eoi, &vm.vcpu[0], MSR_KVM_PV_EOI_EN, false, &value));
	pveoi_again(&eoi, &vm);
	pveoi_off(&eoi, &vm.vcpu[0]);
	assert_int_equal(fake.ncall, 0);
}

static void it_is_one_msr(void **state)
{
	u64 value = 0x1001;

	assert_false(pveoi_access(&eoi, &vm.vcpu[0], MSR_KVM_PV_EOI_EN - 1, false, &value));
	assert_false(pveoi_access(&eoi, &vm.vcpu[0], MSR_KVM_PV_EOI_EN + 1, true, &value));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_vcpu_has_its_own),
		T(what_is_no_word_of_ram_is_refused),
		T(a_word_that_is_not_shared_does_no_harm),
		T(init_and_reset_forget_it),
		T(a_cpu_that_ends_interrupts_by_itself_has_no_such_msr),
		T(it_is_one_msr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
