/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LINK: arch/host/mem.c arch/host/cpu.c arch/host/vcpu.c tests/unit/fake_hv.c tests/unit/fake_panic.c
 * LINK: hv/mem.c hv/vm.c hv/hypercall.c hv/call_vm.c hv/call_vcpu.c hv/exit.c hv/sched.c hv/smp.c hv/virq.c hv/trace.c hv/audit.c hv/service.c
 * LINK: drivers/uart/x86/ns16550.c drivers/uart/x86/debugcon.c hv/lib/ptab.c hv/lib/pool.c */
/* tests/unit/test_hv_eoi.c: which words of guests the hypervisor shares for ends of interrupts, and until when. */
#include "hv/vm.h"
#include "arch/iface/mem.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/fake_hv.h"

#define DON			      T_RAM
#define RUN			      (T_RAM + SIZE_2M)
#define RAM			      (T_RAM + 2 * SIZE_2M)
#define ON			      VCPU_EOI_ON
#define CALL(...)		      call_(__VA_ARGS__, 0, 0, 0, 0, 0)
#define call_(nr, a, b, c, d, e, ...) hv_call(nr, a, b, c, d, e)

static u64 vm, pages; /* that the hypervisor maps when it shares no word */
static struct vcpu *g[2];

static int on(void **state)
{
	hv_boot();
	vm = hv_make_vm(DON, 64, 0);
	for (u64 i = 0; i < 2; i++)
		g[i] = hv_make_vcpu(vm, RUN + i * PAGE_SIZE, i, i);
	assert_int_equal(CALL(HV_VM_MAP, vm, 0, RAM, SIZE_2M, MAP_R | MAP_W), OK);
	pages = host_mapped_pages;
	return 0;
}

static int off(void **state)
{
	hv_off();
	return 0;
}

static u64 eoi(unsigned i, u64 value)
{
	return CALL(HV_VCPU_EOI, g[i]->id, value);
}

/* vCPU @i has the word at @gpa, and @n pages are mapped for all of them. */
static void has(unsigned i, u64 gpa, u64 n)
{
	assert_ptr_equal(g[i]->arch.eoi, arch_ptr(RAM + gpa));
	assert_int_equal(host_mapped_pages - pages, n);
	assert_true(mem_frame(RAM + gpa)->flags >= FRAME_WORD);
	assert_int_equal(hv_audit(), 0);
}

static void has_none(unsigned i, u64 n)
{
	assert_null(g[i]->arch.eoi);
	assert_int_equal(host_mapped_pages - pages, n);
	assert_int_equal(hv_audit(), 0);
}

static void refused(u64 status, u64 value)
{
	u64 hash = hv_hash();

	assert_int_equal(eoi(0, value), status);
	assert_int_equal(hv_hash(), hash);
}

static void a_word_is_shared_and_given_up(void **state)
{
	assert_int_equal(eoi(0, 0x3004 | ON), OK);
	has(0, 0x3004, 1);
	assert_int_equal(mem_frame(RAM + 0x3000)->flags, FRAME_WORD);
	refused(OK, 0x3004 | ON); /* it is shared */
	assert_int_equal(eoi(0, 0), OK);
	has_none(0, 0);
	assert_int_equal(mem_frame(RAM + 0x3000)->flags, 0);
	refused(OK, 0);
}

static void words_of_several_may_lie_in_one_page(void **state)
{
	assert_int_equal(eoi(0, 0x3004 | ON), OK);
	assert_int_equal(eoi(1, 0x3ffc | ON), OK);
	has(0, 0x3004, 1);
	has(1, 0x3ffc, 1);
	assert_int_equal(mem_frame(RAM + 0x3000)->flags, 2 * FRAME_WORD);
	assert_int_equal(eoi(0, 0x3008 | ON), OK); /* within it */
	has(0, 0x3008, 1);
	assert_int_equal(eoi(0, 0x4000 | ON), OK);
	has(0, 0x4000, 2);
	has(1, 0x3ffc, 2);
	assert_int_equal(eoi(1, 0), OK);
	has(0, 0x4000, 1);
	has_none(1, 1);
}

static void only_a_word_of_the_guests_own_ram_will_do(void **state)
{
	assert_int_equal(CALL(HV_VM_MAP, vm, SIZE_1G, RAM + SIZE_2M, PAGE_SIZE, MAP_R), OK);
	assert_int_equal(eoi(1, 0x3000 | ON), OK);
	refused(ERR_ALIGN, 0x3000);
	refused(ERR_ALIGN, 0x3002 | ON);
	refused(ERR_ALIGN, ~0UL);
	refused(ERR_UNMAPPED, SIZE_2M | ON);
	refused(ERR_RANGE, 1UL << 48 | ON);
	refused(ERR_OWNER, SIZE_1G | ON); /* it may not write there */
	assert_int_equal(ptab_map(arch_vm_s2(&vm_get(vm)->arch), 2 * SIZE_1G, HOST_GUESTS, PAGE_SIZE,
				  PT_R | PT_W | PT_DEVICE, vm_get(vm)->pool),
			 OK);
	refused(ERR_OWNER, 2 * SIZE_1G | ON);
	assert_int_equal(CALL(HV_VCPU_EOI, vm << 8 | 5, 0x3000 | ON), ERR_NOENT);
	assert_int_equal(CALL(HV_VCPU_EOI, VM_SERVICE << 8, 0), ERR_NOENT);
}

static void a_page_with_words_is_nobody_elses(void **state)
{
	u64 other = hv_make_vm(RAM + SIZE_2M, 16, 0);

	pages = host_mapped_pages;
	assert_int_equal(eoi(0, 0x3000 | ON), OK);
	assert_int_equal(CALL(HV_VM_MAP, other, 0, RAM + 0x3000, PAGE_SIZE, MAP_R), ERR_BUSY);
	assert_int_equal(CALL(HV_VM_DONATE, other, RAM + 0x3000, PAGE_SIZE), ERR_BUSY);
	assert_int_equal(CALL(HV_VCPU_CREATE, other, RAM + 0x3000, 0, 0), ERR_BUSY);
	assert_int_equal(CALL(HV_VM_MAP, vm, SIZE_1G, RAM + 0x3000, PAGE_SIZE, MAP_R), OK); /* an alias */
	assert_int_equal(CALL(HV_VM_UNMAP, vm, SIZE_1G, PAGE_SIZE), OK);
	has(0, 0x3000, 1);
	assert_int_equal(CALL(HV_VM_UNMAP, vm, 0, SIZE_2M), OK);
	has_none(0, 0);
	assert_int_equal(mem_frame(RAM + 0x3000)->flags, 0);
	assert_int_equal(CALL(HV_VM_MAP, other, 0, RAM + 0x3000, PAGE_SIZE, MAP_R), OK);
}

static void it_goes_with_its_page_and_with_no_other(void **state)
{
	assert_int_equal(eoi(0, 0x3ffc | ON), OK);
	assert_int_equal(eoi(1, 0 | ON), OK);
	assert_int_equal(CALL(HV_VM_UNMAP, vm, 0x1000, 2 * PAGE_SIZE), OK);
	assert_int_equal(CALL(HV_VM_UNMAP, vm, 0x4000, PAGE_SIZE), OK);
	has(0, 0x3ffc, 2);
	has(1, 0, 2);
	assert_int_equal(CALL(HV_VM_UNMAP, vm, 0x3000, PAGE_SIZE), OK);
	has_none(0, 1);
	has(1, 0, 1);
	assert_int_equal(CALL(HV_VM_UNMAP, vm, 0, PAGE_SIZE), OK);
	has_none(1, 0);
	assert_int_equal(eoi(1, 0 | ON), ERR_UNMAPPED);
	assert_int_equal(CALL(HV_VM_MAP, vm, 0, RAM, PAGE_SIZE, MAP_R | MAP_W), OK);
	assert_int_equal(eoi(1, 0 | ON), OK);
	has(1, 0, 1);
}

static void an_unmap_that_fails_leaves_it(void **state)
{
	u64 small = hv_make_vm(RAM + SIZE_2M, 9, 0), hash;
	struct vcpu *v = hv_make_vcpu(small, RUN + 2 * PAGE_SIZE, 0, 0);

	assert_int_equal(CALL(HV_VM_MAP, small, 0, RAM + 2 * SIZE_2M, SIZE_2M, MAP_R | MAP_W), OK);
	while (pool_free(vm_get(small)->pool))
		assert_non_null(pool_get(vm_get(small)->pool));
	assert_int_equal(CALL(HV_VCPU_EOI, v->id, 0x3000 | ON), OK);
	hash = hv_hash();
	assert_int_equal(CALL(HV_VM_UNMAP, small, 0x3000, PAGE_SIZE), ERR_NOMEM);
	assert_int_equal(hv_hash(), hash);
	assert_ptr_equal(v->arch.eoi, arch_ptr(RAM + 2 * SIZE_2M + 0x3000));
	assert_int_equal(CALL(HV_VM_UNMAP, small, 0, SIZE_2M), OK);
	assert_null(v->arch.eoi);
}

static void power_on_and_the_vms_end_give_it_up(void **state)
{
	assert_int_equal(eoi(0, 0x3000 | ON), OK);
	assert_int_equal(eoi(1, 0x4000 | ON), OK);
	memset(this_cpu()->mailbox, 0, PAGE_SIZE);
	assert_int_equal(CALL(HV_VCPU_SET, g[0]->id, 0), OK);
	has(0, 0x3000, 2);
	assert_int_equal(CALL(HV_VCPU_SET, g[0]->id, VCPU_SET_POWER_ON), OK);
	has_none(0, 1);
	assert_int_equal(CALL(HV_VM_DESTROY, vm), OK);
	for (u64 off = 0; off < SIZE_2M; off += PAGE_SIZE)
		assert_int_equal(mem_frame(RAM + off)->flags | mem_frame(RAM + off)->grantee, 0);
	assert_int_equal(hv_audit(), 0);
	assert_true(host_mapped_pages < pages);
}

static void memory_for_our_tables_is_kept(void **state)
{
	struct pool *p = mem_pool();
	void *page[256];
	unsigned n = 0;

	while (pool_free(p) > 30) { /* enough for VMs and their vCPUs */
		page[n] = pool_get(p);
		assert_non_null(page[n++]);
	}
	refused(ERR_NOMEM, 0x3000 | ON);
	while (n)
		pool_put(p, page[--n]);
	assert_int_equal(eoi(0, 0x3000 | ON), OK);
}

#define T(f) cmocka_unit_test_setup_teardown(f, on, off)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_word_is_shared_and_given_up),
		T(words_of_several_may_lie_in_one_page),
		T(only_a_word_of_the_guests_own_ram_will_do),
		T(a_page_with_words_is_nobody_elses),
		T(it_goes_with_its_page_and_with_no_other),
		T(an_unmap_that_fails_leaves_it),
		T(power_on_and_the_vms_end_give_it_up),
		T(memory_for_our_tables_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
