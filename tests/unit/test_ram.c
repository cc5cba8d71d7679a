/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_ram.c: what of a guest's RAM is out of its stage 2, and how it comes back.
 * LINK: guest/vmm/mem.c guest/vmm/bus.c tests/unit/fake_rt.c
 */
#include "guest/vmm/vm.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_rt.h"

#define PAGES 64u
#define RAM   (PAGES * PAGE_SIZE)

static struct vm vm;
static bool mapped[PAGES]; /* as the hypervisor has it */
static status_t answer;
static unsigned nmap, ndonate;

static status_t stage2(u64 gpa, u64 size, bool on)
{
	if (answer != OK) {
		status_t s = answer;

		if (s == ERR_NOMEM)
			answer = OK; /* until somebody donates */
		return s;
	}
	for (u64 at = gpa; at < gpa + size; at += PAGE_SIZE) {
		assert_int_equal(mapped[at / PAGE_SIZE], !on);
		mapped[at / PAGE_SIZE] = on;
	}
	return OK;
}

status_t hv_vm_map(u32 id, u64 gpa, const void *mem, u64 size, unsigned flags)
{
	assert_int_equal(id, 7);
	assert_ptr_equal(mem, vm.ram[0].mem + gpa);
	assert_int_equal(flags, MAP_R | MAP_W | MAP_X);
	nmap++;
	return stage2(gpa, size, true);
}

status_t hv_vm_unmap(u32 id, u64 gpa, u64 size)
{
	return stage2(gpa, size, false);
}

static bool donate(struct vm *v)
{
	ndonate++;
	return true;
}

static int setup(void **state)
{
	fake_reset();
	fake_vm_init(&vm, RAM);
	lock_init(&vm.ram_lock, LOCK_RAM);
	vm.donate = donate;
	for (unsigned i = 0; i < PAGES; i++)
		mapped[i] = true;
	answer = OK;
	nmap = ndonate = 0;
	return 0;
}

static int teardown(void **state)
{
	fake_vm_free(&vm);
	return 0;
}

/* The invariant: what is not mapped is in a hole, and nothing else is. */
static void check(void)
{
	for (unsigned i = 0; i < PAGES; i++) {
		bool hole = false;

		for (unsigned k = 0; k < vm.nholes; k++)
			hole |= i * PAGE_SIZE - vm.hole[k].gpa < vm.hole[k].size;
		assert_int_equal(mapped[i], !hole);
	}
}

static void a_piece_comes_back_when_it_is_used(void **state)
{
	assert_int_equal(vm_ram_unmap(&vm, 0x3000, 0x4000), OK);
	check();
	assert_true(vm_ram_fault(&vm, 0x5123));
	assert_int_equal(nmap, 1);
	check();
	assert_int_equal(vm.nholes, 0);
	assert_true(vm_ram_fault(&vm, 0x5123)); /* another vCPU, which comes late: it finds it there */
	assert_int_equal(nmap, 1);
	assert_false(vm_ram_fault(&vm, RAM));
	assert_int_equal(vm.refaults, 1);
}

static void what_is_no_ram_or_is_away_is_refused(void **state)
{
	assert_int_equal(vm_ram_unmap(&vm, 0, 0), ERR_RANGE);
	assert_int_equal(vm_ram_unmap(&vm, 0x800, 0x1000), ERR_RANGE);
	assert_int_equal(vm_ram_unmap(&vm, RAM - 0x1000, 0x2000), ERR_RANGE);
	assert_int_equal(vm_ram_unmap(&vm, RAM, 0x1000), ERR_RANGE);
	assert_int_equal(vm_ram_unmap(&vm, 0x4000, 0x2000), OK);
	assert_int_equal(vm_ram_unmap(&vm, 0x5000, 0x2000), ERR_EXISTS);
	assert_int_equal(vm_ram_unmap(&vm, 0x3000, 0x1000), OK);
	check();
}

static void memory_for_tables_is_given(void **state)
{
	answer = ERR_NOMEM;
	assert_int_equal(vm_ram_unmap(&vm, 0x4000, 0x1000), OK);
	answer = ERR_NOMEM;
	assert_true(vm_ram_fault(&vm, 0x4000));
	assert_int_equal(ndonate, 2);
	check();
}

static void a_guest_whose_ram_is_lost_stops(void **state)
{
	assert_int_equal(vm_ram_unmap(&vm, 0x4000, 0x1000), OK);
	answer = ERR_OWNER;
	assert_true(vm_ram_fault(&vm, 0x4000));
	assert_int_equal(fake.nstop, 1);
	check();
}

static void any_order_keeps_the_invariant(void **state)
{
	u64 seed = 1;

	for (unsigned i = 0; i < 20000; i++) {
		u64 gpa, size;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		gpa = (seed >> 33) % PAGES * PAGE_SIZE;
		size = ((seed >> 50) % 8 + 1) * PAGE_SIZE;
		if ((seed >> 40 & 1) != 0)
			(void)!vm_ram_unmap(&vm, gpa, size);
		else
			assert_true(vm_ram_fault(&vm, gpa));
		check();
	}
	assert_true(vm_ram_restore(&vm));
	assert_int_equal(vm.nholes, 0);
	check();
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_piece_comes_back_when_it_is_used), T(what_is_no_ram_or_is_away_is_refused),
		T(memory_for_tables_is_given),	       T(a_guest_whose_ram_is_lost_stops),
		T(any_order_keeps_the_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
