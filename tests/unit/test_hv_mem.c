/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LINK: arch/host/mem.c arch/host/cpu.c arch/host/vcpu.c tests/unit/fake_hv.c tests/unit/fake_panic.c
 * LINK: hv/mem.c hv/vm.c hv/hypercall.c hv/call_vm.c hv/call_vcpu.c hv/exit.c hv/sched.c hv/smp.c hv/virq.c hv/trace.c hv/audit.c hv/service.c
 * LINK: drivers/uart/x86/ns16550.c drivers/uart/x86/debugcon.c hv/lib/ptab.c hv/lib/pool.c */
/* tests/unit/test_hv_mem.c: who owns each page, through boot, donation, grants and shares. */
#include "hv/mem.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/fake_hv.h"

#define service vm_table[VM_SERVICE]

static int on(void **state)
{
	hv_boot();
	return 0;
}

static int off(void **state)
{
	hv_off();
	return 0;
}

static struct ptab_leaf leaf;

static status_t s2_of_service(u64 pa)
{
	return ptab_lookup(arch_vm_s2(&service->arch), pa, &leaf);
}

static void boot_gives_the_service_vm_all_but_what_is_ours(void **state)
{
	u64 own = 0;

	for (u64 pa = 0; pa < HOST_RAM; pa += PAGE_SIZE) {
		const struct frame *f = mem_frame(pa);
		bool firmware = (pa >= 0x9f000 && pa < 0x100000) || pa >= T_ACPI;

		assert_int_equal(f == NULL, firmware);
		if (f && f->owner == 0) {
			own += PAGE_SIZE;
			assert_int_equal(s2_of_service(pa), ERR_UNMAPPED);
		} else {
			assert_int_equal(s2_of_service(pa), OK);
			assert_int_equal(leaf.flags & PT_DEVICE ? 1 : 0, firmware);
		}
		if (f && f->owner != 0)
			assert_int_equal(host_mapped(pa), (f->flags & FRAME_SHARED) != 0);
	}
	assert_int_equal(own, round_up(mem_own_bytes(), PAGE_SIZE));
	assert_null(mem_frame(HOST_RAM));
	assert_null(mem_frame(~0UL));
	assert_int_equal(hv_audit(), 0);
}

static void the_service_vm_reaches_devices_but_not_ours(void **state)
{
	assert_int_equal(s2_of_service(HOST_DEVICE), ERR_UNMAPPED);
	assert_int_equal(s2_of_service(HOST_DEVICE - PAGE_SIZE), OK);
	assert_true(leaf.flags & PT_DEVICE);
	assert_int_equal(s2_of_service(HOST_DEVICE + PAGE_SIZE), OK);
	assert_int_equal(s2_of_service(4 * SIZE_1G - PAGE_SIZE), OK);
	assert_int_equal(s2_of_service(4 * SIZE_1G), ERR_UNMAPPED);
}

static void too_little_memory_is_told_in_words(void **state)
{
	hv_boot_info.nregions = 1; /* 636 KiB below 1 MiB: never ours */
	host_mem_reset();
	expect_assert_failure(mem_init(&hv_boot_info));
}

static void check_free_names_each_fault(void **state)
{
	assert_int_equal(mem_check_free(service, T_RAM, PAGE_SIZE), OK);
	assert_int_equal(mem_check_free(service, T_RAM + 1, PAGE_SIZE), ERR_ALIGN);
	assert_int_equal(mem_check_free(service, T_RAM, PAGE_SIZE + 8), ERR_ALIGN);
	assert_int_equal(mem_check_free(service, T_RAM, 0), ERR_ALIGN);
	assert_int_equal(mem_check_free(service, HOST_RAM, PAGE_SIZE), ERR_OWNER);
	assert_int_equal(mem_check_free(service, HOST_RAM - PAGE_SIZE, 2 * PAGE_SIZE), ERR_OWNER);
	assert_int_equal(mem_check_free(service, PAGE_SIZE, ~0UL << PAGE_SHIFT), ERR_OWNER);
	assert_int_equal(mem_check_free(service, ~0UL << PAGE_SHIFT, PAGE_SIZE), ERR_OWNER);
	assert_int_equal(mem_check_free(service, T_ACPI, PAGE_SIZE), ERR_OWNER);
	assert_int_equal(mem_check_free(service, T_ACPI - PAGE_SIZE, 2 * PAGE_SIZE), ERR_OWNER);
	assert_int_equal(mem_check_free(service, HOST_IMAGE, PAGE_SIZE), ERR_OWNER);
	assert_int_equal(mem_check_free(service, this_cpu()->mailbox_pa, PAGE_SIZE), ERR_BUSY);
	assert_int_equal(mem_grant(service, T_RAM, PAGE_SIZE, 2), OK);
	assert_int_equal(mem_check_free(service, T_RAM - PAGE_SIZE, 2 * PAGE_SIZE), ERR_BUSY);
	mem_revoke(T_RAM, PAGE_SIZE, 2);
	assert_int_equal(mem_check_free(service, T_RAM - PAGE_SIZE, 2 * PAGE_SIZE), OK);
}

static void donated_pages_change_hands_zeroed(void **state)
{
	u64 hash = hv_hash();
	struct pool pool;

	pool_init(&pool);
	assert_int_equal(mem_donate(service, T_RAM, 3 * PAGE_SIZE, 7, &pool), OK);
	assert_int_equal(pool_free(&pool), 3);
	assert_ptr_equal(pool_get(&pool), host_view + T_RAM);
	for (u64 pa = T_RAM; pa < T_RAM + 3 * PAGE_SIZE; pa += PAGE_SIZE) {
		assert_int_equal(mem_frame(pa)->owner, 0);
		assert_int_equal(mem_frame(pa)->grantee, 7);
		assert_int_equal(mem_frame(pa)->flags, FRAME_DONATED);
		assert_true(host_mapped(pa));
		assert_int_equal(s2_of_service(pa), ERR_UNMAPPED);
	}
	assert_false(host_mapped(T_RAM + 3 * PAGE_SIZE));
	assert_int_equal(host_machine[T_RAM + 100], 0);
	assert_int_equal(hv_audit(), 0);
	host_view[T_RAM + 100] = 0x5e; /* a secret of ours */
	mem_return(service, T_RAM, 3 * PAGE_SIZE);
	assert_int_equal(host_machine[T_RAM + 100], 0);
	assert_int_equal(s2_of_service(T_RAM + PAGE_SIZE), OK);
	assert_int_equal(leaf.flags, PT_R | PT_W | PT_X);
	assert_int_not_equal(hv_hash(), hash); /* the 2 MiB leaf stays split ... */
	assert_false(host_mapped(T_RAM));
	assert_int_equal(hv_audit(), 0);
	/* ... and is whole again once it was donated and returned as a whole. */
	pool_init(&pool);
	assert_int_equal(mem_donate(service, T_RAM, SIZE_2M, 7, &pool), OK);
	mem_return(service, T_RAM, SIZE_2M);
	assert_int_equal(hv_hash(), hash);
}

static void donating_what_is_not_free_changes_nothing(void **state)
{
	static const struct {
		u64 pa, size;
		status_t s;
	} bad[] = {
		{ T_RAM + 8, PAGE_SIZE, ERR_ALIGN },
		{ T_RAM, 0, ERR_ALIGN },
		{ T_ACPI - PAGE_SIZE, 0x2000, ERR_OWNER },
		{ HOST_IMAGE, PAGE_SIZE, ERR_OWNER },
		{ HOST_RAM, PAGE_SIZE, ERR_OWNER },
		{ ~0xfffUL, PAGE_SIZE, ERR_OWNER },
		{ HOST_DEVICE, PAGE_SIZE, ERR_OWNER },
		{ T_RAM, ~0xfffUL, ERR_RANGE },
		{ T_RAM, SIZE_1G, ERR_OWNER },
	};
	struct pool pool;
	u64 hash = hv_hash();

	pool_init(&pool);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(mem_donate(service, bad[i].pa, bad[i].size, 2, &pool), bad[i].s);
	assert_int_equal(mem_donate(service, this_cpu()->mailbox_pa, PAGE_SIZE, 2, &pool), ERR_BUSY);
	assert_int_equal(pool_free(&pool), 0);
	assert_int_equal(hv_hash(), hash);
}

static void donating_without_memory_for_tables_changes_nothing(void **state)
{
	struct pool pool, *own = mem_pool();
	void *kept = NULL, *page;
	unsigned refused = 0;

	/* Take page after page of our pool away: each donation must either succeed or change nothing. */
	for (;;) {
		u64 hash = hv_hash();
		status_t s;

		pool_init(&pool);
		s = mem_donate(service, T_RAM + SIZE_2M - PAGE_SIZE, 2 * PAGE_SIZE, 2, &pool);
		if (s == OK) {
			mem_return(service, T_RAM + SIZE_2M - PAGE_SIZE, 2 * PAGE_SIZE);
		} else {
			assert_int_equal(s, ERR_NOMEM);
			assert_int_equal(hv_hash(), hash);
			refused++;
		}
		page = pool_get(own);
		if (!page)
			break;
		*(void **)page = kept;
		kept = page;
	}
	assert_true(refused > 0);
	while (kept) {
		page = kept;
		kept = *(void **)page;
		pool_put(own, page);
	}
}

/* Two halves of a 2 MiB leaf: the first splits it, the second frees that table; and it takes one to return the first.
 */
static void use_up_and_return(unsigned pages)
{
	struct pool pool;
	u64 at;

	hv_boot();
	while (pool_free(mem_pool()) > pages) /* a larger machine would use up more */
		(void)pool_get(mem_pool());
	pool_init(&pool);
	if (mem_donate(service, T_RAM, SIZE_2M / 2, 2, &pool) != OK)
		return;
	if (mem_donate(service, T_RAM + SIZE_2M / 2, SIZE_2M / 2, 2, &pool) != OK)
		return;
	for (at = T_RAM + SIZE_2M; at + SIZE_2M <= T_ACPI; at += SIZE_2M)
		(void)!mem_donate(service, at, PAGE_SIZE, 3, &pool);
	for (at = 0; at < T_ACPI; at += SIZE_2M / 2)
		(void)!mem_share(service, at + 2 * PAGE_SIZE);
	mem_return(service, T_RAM, SIZE_2M / 2);
	mem_return(service, T_RAM + SIZE_2M / 2, SIZE_2M / 2);
	assert_int_equal(s2_of_service(T_RAM), OK);
	assert_int_equal(s2_of_service(T_RAM + SIZE_2M - PAGE_SIZE), OK);
	assert_int_equal(hv_audit(), 0);
}

static void memory_can_always_be_returned(void **state)
{
	for (unsigned pages = 2; pages < 70; pages++)
		use_up_and_return(pages);
}

static void a_shared_page_is_mapped_and_busy_until_unshared(void **state)
{
	u64 hash = hv_hash();

	assert_int_equal(mem_share(service, T_RAM + 8), ERR_ALIGN);
	assert_int_equal(mem_share(service, T_ACPI), ERR_OWNER);
	assert_int_equal(mem_share(service, ~0xfffUL), ERR_OWNER);
	assert_int_equal(hv_hash(), hash);
	assert_int_equal(mem_share(service, T_RAM), OK);
	assert_true(host_mapped(T_RAM));
	assert_int_equal(s2_of_service(T_RAM), OK);
	assert_int_equal(mem_share(service, T_RAM), ERR_BUSY);
	assert_int_equal(mem_grant(service, T_RAM, PAGE_SIZE, 2), ERR_BUSY);
	assert_int_equal(mem_donate(service, T_RAM, PAGE_SIZE, 2, NULL), ERR_BUSY);
	mem_unshare(T_RAM);
	assert_false(host_mapped(T_RAM));
	assert_int_equal(hv_hash(), hash);
}

static void grants_are_counted_and_go_to_one_vm(void **state)
{
	u64 hash = hv_hash();

	assert_int_equal(mem_grant(service, T_RAM, 0, 2), ERR_ALIGN);
	assert_int_equal(mem_grant(service, T_RAM, 12, 2), ERR_ALIGN);
	assert_int_equal(mem_grant(service, T_ACPI - PAGE_SIZE, 0x2000, 2), ERR_OWNER);
	assert_int_equal(mem_grant(service, HOST_DEVICE, PAGE_SIZE, 2), ERR_OWNER);
	assert_int_equal(mem_grant(service, PAGE_SIZE, ~0xfffUL, 2), ERR_OWNER);
	assert_int_equal(mem_grant(service, HOST_IMAGE - PAGE_SIZE, 0x2000, 2), ERR_OWNER);
	assert_int_equal(hv_hash(), hash);
	assert_int_equal(mem_grant(service, T_RAM, 2 * PAGE_SIZE, 2), OK);
	assert_int_equal(mem_grant(service, T_RAM, PAGE_SIZE, 2), OK);
	assert_int_equal(mem_frame(T_RAM)->count, 2);
	assert_int_equal(mem_grant(service, T_RAM, PAGE_SIZE, 3), ERR_BUSY);
	mem_revoke(T_RAM, PAGE_SIZE, 2);
	assert_int_equal(mem_grant(service, T_RAM, PAGE_SIZE, 3), ERR_BUSY);
	mem_revoke(T_RAM, 2 * PAGE_SIZE, 2);
	assert_int_equal(hv_hash(), hash);
	assert_int_equal(mem_grant(service, T_RAM, PAGE_SIZE, 3), OK);
	expect_assert_failure(mem_revoke(T_RAM, PAGE_SIZE, 2));
}

static void a_page_granted_too_often_is_busy(void **state)
{
	for (unsigned i = 0; i < 0xffff; i++)
		assert_int_equal(mem_grant(service, T_RAM, PAGE_SIZE, 2), OK);
	assert_int_equal(mem_grant(service, T_RAM - PAGE_SIZE, 2 * PAGE_SIZE, 2), ERR_BUSY);
	assert_int_equal(mem_frame(T_RAM - PAGE_SIZE)->count, 0);
	assert_int_equal(mem_frame(T_RAM)->count, 0xffff);
}

static void reaching_for_a_page_that_is_not_ours_fails_the_test(void **state)
{
	expect_assert_failure((void)arch_ptr(T_RAM));
	expect_assert_failure((void)arch_ptr(HOST_RAM));
}

#define T(f) cmocka_unit_test_setup_teardown(f, on, off)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(boot_gives_the_service_vm_all_but_what_is_ours),
		T(the_service_vm_reaches_devices_but_not_ours),
		cmocka_unit_test_setup(too_little_memory_is_told_in_words, on),
		T(check_free_names_each_fault),
		T(donated_pages_change_hands_zeroed),
		T(donating_what_is_not_free_changes_nothing),
		T(donating_without_memory_for_tables_changes_nothing),
		T(memory_can_always_be_returned),
		T(a_shared_page_is_mapped_and_busy_until_unshared),
		T(grants_are_counted_and_go_to_one_vm),
		T(a_page_granted_too_often_is_busy),
		T(reaching_for_a_page_that_is_not_ours_fails_the_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
