/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LINK: arch/host/mem.c arch/host/cpu.c arch/host/vcpu.c tests/unit/fake_hv.c tests/unit/fake_panic.c
 * LINK: hv/mem.c hv/vm.c hv/hypercall.c hv/call_vm.c hv/call_vcpu.c hv/exit.c hv/sched.c hv/smp.c hv/virq.c hv/trace.c hv/audit.c hv/service.c
 * LINK: drivers/uart/x86/ns16550.c drivers/uart/x86/debugcon.c hv/lib/ptab.c hv/lib/pool.c */
/* tests/unit/test_hv_hypercall.c: every hypercall with good, absurd and hostile arguments; an error changes nothing. */
#include "hv/vm.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/fake_hv.h"

/* Memory that the tests hand out: donations, run pages, guests' RAM. */
#define DON  T_RAM
#define RUN  (T_RAM + SIZE_2M)
#define RAM  (T_RAM + 2 * SIZE_2M)
#define MAX1 (~0UL)

static u64 vm;
static struct vcpu *g;

static int on(void **state)
{
	hv_boot();
	vm = hv_make_vm(DON, 64, 0xc001);
	g = hv_make_vcpu(vm, RUN, 0xc00c1e, 0);
	return 0;
}

static int off(void **state)
{
	hv_off();
	return 0;
}

/* The call fails with @s and has changed nothing; the service VM goes on. */
static void refused_at(unsigned line, u64 s, u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	u64 hash = hv_hash(), got = hv_call(nr, a, b, c, d, e);

	if (got != s || hv_hash() != hash)
		fail_msg("line %u: call %lu(%lx, %lx, %lx, %lx, %lx) answered %lu, not %lu, and changed %s", line,
			 (unsigned long)nr, (unsigned long)a, (unsigned long)b, (unsigned long)c, (unsigned long)d,
			 (unsigned long)e, (unsigned long)got, (unsigned long)s,
			 hv_hash() == hash ? "nothing" : "something");
	assert_ptr_equal(hv_next, this_cpu()->service);
	assert_int_equal(hv_out[0] | hv_out[1] | hv_out[2], 0);
}

#define REFUSED(...)			       refused_(__LINE__, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define refused_(l, s, nr, a, b, c, d, e, ...) refused_at(l, s, nr, a, b, c, d, e)
#define OKAY(...)			       assert_int_equal(okay_(__VA_ARGS__, 0, 0, 0, 0, 0), OK)
#define okay_(nr, a, b, c, d, e, ...)	       hv_call(nr, a, b, c, d, e)

static void numbers_beyond_the_last_do_not_exist(void **state)
{
	REFUSED(ERR_NOENT, HV_COUNT);
	REFUSED(ERR_NOENT, 0x100000000UL); /* its low half is a call */
	REFUSED(ERR_NOENT, MAX1, MAX1, MAX1, MAX1, MAX1, MAX1);
}

static void each_call_needs_its_right(void **state)
{
	static const u32 right[HV_COUNT] = {
#define X(NAME, fn, needs) [HV_##NAME] = needs,
		HYPERCALL_LIST(X)
#undef X
	};
	struct vm *service = vm_table[VM_SERVICE];

	for (u64 nr = 0; nr < HV_COUNT; nr++) {
		if (!right[nr])
			continue;
		service->rights = RIGHT_ALL & ~right[nr];
		REFUSED(ERR_RIGHTS, nr, vm, 1, 2, 3, 4);
	}
	service->rights = RIGHT_ALL;
}

static void a_vm_without_rights_makes_no_calls(void **state)
{
	u64 hash;

	OKAY(HV_VCPU_RUN, g->id);
	assert_ptr_equal(hv_wait(0, 0), g);
	for (u64 nr = 0; nr <= HV_COUNT; nr++) {
		memset(&hv_run(g)->regs, 0, sizeof(struct vcpu_regs));
		hv_run(g)->regs.gpr[0] = nr;
		hv_run(g)->regs.gpr[1] = vm;
		hash = hv_hash();
		hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_HYPERCALL, .next_pc = 3 }), EVENT_EXIT,
				0xc00c1e);
		assert_int_equal(hv_run(g)->kind, EXIT_HYPERCALL);
		assert_int_equal(hv_run(g)->regs.gpr[0], nr);
		assert_ptr_equal(hv_wait(g->id, 0), g);
		g->arch.completions--; /* the only difference */
		if (nr > 0)
			assert_int_equal(hv_hash(), hash);
	}
}

static void vm_create_checks_its_donation(void **state)
{
	REFUSED(ERR_NOMEM, HV_VM_CREATE, RAM, 0);
	REFUSED(ERR_NOMEM, HV_VM_CREATE, RAM, 3 * PAGE_SIZE);
	REFUSED(ERR_ALIGN, HV_VM_CREATE, RAM + 1, 8 * PAGE_SIZE);
	REFUSED(ERR_ALIGN, HV_VM_CREATE, RAM, 8 * PAGE_SIZE + 1);
	REFUSED(ERR_RANGE, HV_VM_CREATE, RAM, MAX1 & PAGE_MASK);
	REFUSED(ERR_RANGE, HV_VM_CREATE, RAM, SIZE_1G + PAGE_SIZE);
	REFUSED(ERR_OWNER, HV_VM_CREATE, RAM, SIZE_1G);
	REFUSED(ERR_OWNER, HV_VM_CREATE, MAX1 & PAGE_MASK, 8 * PAGE_SIZE);
	REFUSED(ERR_OWNER, HV_VM_CREATE, HOST_RAM, 8 * PAGE_SIZE);
	REFUSED(ERR_OWNER, HV_VM_CREATE, DON, 8 * PAGE_SIZE); /* donated already */
	REFUSED(ERR_OWNER, HV_VM_CREATE, HOST_IMAGE, 8 * PAGE_SIZE);
	REFUSED(ERR_BUSY, HV_VM_CREATE, RUN - 4 * PAGE_SIZE, 8 * PAGE_SIZE); /* a run page in it */
	OKAY(HV_VM_CREATE, RAM, 4 * PAGE_SIZE, 1);
	assert_int_equal(hv_out[0], vm + 1);
}

static void vms_are_numbered_up_to_the_limit(void **state)
{
	u64 n;

	for (n = 0; hv_call(HV_VM_CREATE, RAM + n * 4 * PAGE_SIZE, 4 * PAGE_SIZE, n, 0, 0) == OK; n++)
		assert_int_equal(hv_out[0], vm + 1 + n);
	assert_int_equal(n, VM_MAX - 3);
	REFUSED(ERR_FULL, HV_VM_CREATE, RAM + n * 4 * PAGE_SIZE, 4 * PAGE_SIZE);
	OKAY(HV_VM_DESTROY, 10);
	OKAY(HV_VM_CREATE, RAM + n * 4 * PAGE_SIZE, 4 * PAGE_SIZE);
	assert_int_equal(hv_out[0], 10);
	assert_int_equal(hv_audit(), 0);
}

static void calls_want_a_guest_that_exists(void **state)
{
	static const u8 of_vm[] = { HV_VM_DESTROY,   HV_VM_MAP,	    HV_VM_UNMAP, HV_VM_DONATE,	HV_VCPU_CREATE,
				    HV_VM_CONFIGURE, HV_VM_SET_MSR, HV_VM_IRQ,	 HV_VM_DOORBELL };
	static const u8 of_vcpu[] = { HV_VCPU_RUN,    HV_VCPU_STOP, HV_VCPU_GET, HV_VCPU_SET,
				      HV_VCPU_EXTINT, HV_VCPU_APIC, HV_VCPU_EOI };
	const u64 no_vm[] = { 0, VM_SERVICE, vm + 1, VM_MAX, VM_MAX + 2, 1UL << 32 | vm, MAX1 };
	const u64 no_vcpu[] = { 0,  VM_SERVICE << 8,	 vm << 8 | 1, vm << 8 | 8, vm << 8 | 0xff, (vm + 1) << 8,
				vm, 1UL << 40 | vm << 8, MAX1 };

	for (unsigned i = 0; i < ARRAY_SIZE(of_vm); i++)
		for (unsigned n = 0; n < ARRAY_SIZE(no_vm); n++)
			REFUSED(ERR_NOENT, of_vm[i], no_vm[n], RAM, PAGE_SIZE, PAGE_SIZE, 1);
	for (unsigned n = 0; n < ARRAY_SIZE(no_vcpu); n++) {
		for (unsigned i = 0; i < ARRAY_SIZE(of_vcpu); i++)
			REFUSED(ERR_NOENT, of_vcpu[i], no_vcpu[n], 0, 0, 0, 0);
		if (no_vcpu[n])
			REFUSED(ERR_NOENT, HV_REPLY_WAIT, no_vcpu[n], 0);
	}
}

static void map_checks_all_and_then_acts(void **state)
{
	REFUSED(ERR_INVAL, HV_VM_MAP, vm, 0, RAM, PAGE_SIZE, 0);
	REFUSED(ERR_INVAL, HV_VM_MAP, vm, 0, RAM, PAGE_SIZE, MAP_W);
	REFUSED(ERR_INVAL, HV_VM_MAP, vm, 0, RAM, PAGE_SIZE, MAP_R | 8);
	REFUSED(ERR_INVAL, HV_VM_MAP, vm, 0, RAM, PAGE_SIZE, MAP_R | 1UL << 40);
	REFUSED(ERR_INVAL, HV_VM_MAP, vm, 0, RAM, PAGE_SIZE, MAP_R | PT_DEVICE);
	REFUSED(ERR_ALIGN, HV_VM_MAP, vm, 0, RAM, 0, MAP_R);
	REFUSED(ERR_ALIGN, HV_VM_MAP, vm, 0, RAM + 1, PAGE_SIZE, MAP_R);
	REFUSED(ERR_ALIGN, HV_VM_MAP, vm, 0, RAM, PAGE_SIZE + 1, MAP_R);
	REFUSED(ERR_ALIGN, HV_VM_MAP, vm, 0x800, RAM, PAGE_SIZE, MAP_R);
	REFUSED(ERR_RANGE, HV_VM_MAP, vm, 0, RAM, SIZE_1G + PAGE_SIZE, MAP_R);
	REFUSED(ERR_RANGE, HV_VM_MAP, vm, 0, RAM, MAX1, MAP_R);
	REFUSED(ERR_RANGE, HV_VM_MAP, vm, 1UL << 48, RAM, PAGE_SIZE, MAP_R);
	REFUSED(ERR_RANGE, HV_VM_MAP, vm, (1UL << 48) - PAGE_SIZE, RAM, 2 * PAGE_SIZE, MAP_R);
	REFUSED(ERR_RANGE, HV_VM_MAP, vm, MAX1 & PAGE_MASK, RAM, PAGE_SIZE, MAP_R);
	REFUSED(ERR_RANGE, HV_VM_MAP, vm, MAX1 & PAGE_MASK, RAM, 2 * PAGE_SIZE, MAP_R);
	REFUSED(ERR_OWNER, HV_VM_MAP, vm, 0, RAM, SIZE_1G, MAP_R);
	REFUSED(ERR_OWNER, HV_VM_MAP, vm, 0, DON, PAGE_SIZE, MAP_R); /* its own tables */
	REFUSED(ERR_OWNER, HV_VM_MAP, vm, 0, HOST_IMAGE, PAGE_SIZE, MAP_R);
	REFUSED(ERR_OWNER, HV_VM_MAP, vm, 0, HOST_DEVICE, PAGE_SIZE, MAP_R);
	REFUSED(ERR_OWNER, HV_VM_MAP, vm, 0, MAX1 & PAGE_MASK, 2 * PAGE_SIZE, MAP_R);
	REFUSED(ERR_BUSY, HV_VM_MAP, vm, 0, RUN, PAGE_SIZE, MAP_R); /* its run page */
	OKAY(HV_VM_MAP, vm, SIZE_2M, RAM, 2 * SIZE_2M, MAP_R | MAP_W | MAP_X);
	REFUSED(ERR_EXISTS, HV_VM_MAP, vm, SIZE_2M - PAGE_SIZE, RAM, 2 * PAGE_SIZE, MAP_R);
	REFUSED(ERR_EXISTS, HV_VM_MAP, vm, SIZE_2M + PAGE_SIZE, RAM, PAGE_SIZE, MAP_R);
	OKAY(HV_VM_MAP, vm, 0, RAM, PAGE_SIZE, MAP_R); /* an alias */
	assert_int_equal(mem_frame(RAM)->count, 2);
	assert_int_equal(hv_audit(), 0);
}

static void memory_of_one_guest_is_not_for_another(void **state)
{
	u64 other = hv_make_vm(RAM + SIZE_2M, 16, 0);

	OKAY(HV_VM_MAP, vm, 0, RAM, 4 * PAGE_SIZE, MAP_R);
	REFUSED(ERR_BUSY, HV_VM_MAP, other, 0, RAM + PAGE_SIZE, PAGE_SIZE, MAP_R);
	REFUSED(ERR_BUSY, HV_VM_MAP, other, 0, RAM - PAGE_SIZE, 2 * PAGE_SIZE, MAP_R);
	REFUSED(ERR_BUSY, HV_VM_DONATE, other, RAM, 4 * PAGE_SIZE);
	REFUSED(ERR_BUSY, HV_VM_CREATE, RAM, 4 * PAGE_SIZE);
	REFUSED(ERR_BUSY, HV_VCPU_CREATE, other, RAM, 0, 0);
	REFUSED(ERR_BUSY, HV_TRACE, RAM, 1, MAX1);
	OKAY(HV_VM_UNMAP, vm, 0, 4 * PAGE_SIZE);
	OKAY(HV_VM_MAP, other, 0, RAM + PAGE_SIZE, PAGE_SIZE, MAP_R);
	assert_int_equal(hv_audit(), 0);
}

static void map_without_memory_for_tables_changes_nothing(void **state)
{
	u64 small = hv_make_vm(RAM, 4, 0), s; /* the VM's page, its root, and two more tables */

	REFUSED(ERR_NOMEM, HV_VM_MAP, small, 0, RAM + SIZE_2M, PAGE_SIZE, MAP_R);
	OKAY(HV_VM_DONATE, small, RAM + SIZE_2M - PAGE_SIZE, PAGE_SIZE);
	OKAY(HV_VM_MAP, small, 0, RAM + SIZE_2M, PAGE_SIZE, MAP_R);
	REFUSED(ERR_NOMEM, HV_VM_MAP, small, SIZE_2M, RAM + SIZE_2M + PAGE_SIZE, PAGE_SIZE, MAP_R);
	REFUSED(ERR_NOMEM, HV_VCPU_CREATE, small, RUN + PAGE_SIZE, 0, 0);
	s = hv_call(HV_VM_CONFIGURE, small, 1, 0, 0, 0);
	assert_int_equal(s, ERR_NOMEM);
}

static void donations_are_checked_and_limited(void **state)
{
	REFUSED(ERR_ALIGN, HV_VM_DONATE, vm, RAM, 0);
	REFUSED(ERR_ALIGN, HV_VM_DONATE, vm, RAM + 4, PAGE_SIZE);
	REFUSED(ERR_OWNER, HV_VM_DONATE, vm, T_ACPI, PAGE_SIZE);
	REFUSED(ERR_RANGE, HV_VM_DONATE, vm, RAM, MAX1 & PAGE_MASK);
	for (u64 i = 1; i < VM_DONATIONS; i++)
		OKAY(HV_VM_DONATE, vm, RAM + i * PAGE_SIZE, PAGE_SIZE);
	REFUSED(ERR_FULL, HV_VM_DONATE, vm, RAM, PAGE_SIZE);
	OKAY(HV_VM_DESTROY, vm);
	for (u64 i = 1; i < VM_DONATIONS; i++)
		assert_int_equal(mem_frame(RAM + i * PAGE_SIZE)->owner, VM_SERVICE);
	assert_int_equal(hv_audit(), 0);
}

static struct ptab_leaf leaf;

static status_t s2(u64 gpa)
{
	return ptab_lookup(arch_vm_s2(&vm_get(vm)->arch), gpa, &leaf);
}

static void unmap_checks_its_range(void **state)
{
	OKAY(HV_VM_MAP, vm, SIZE_2M, RAM, SIZE_2M, MAP_R);
	REFUSED(ERR_ALIGN, HV_VM_UNMAP, vm, SIZE_2M, 0);
	REFUSED(ERR_ALIGN, HV_VM_UNMAP, vm, SIZE_2M + 1, PAGE_SIZE);
	REFUSED(ERR_ALIGN, HV_VM_UNMAP, vm, SIZE_2M, 100);
	REFUSED(ERR_RANGE, HV_VM_UNMAP, vm, 0, SIZE_1G + PAGE_SIZE);
	REFUSED(ERR_RANGE, HV_VM_UNMAP, vm, 0, MAX1 & PAGE_MASK);
	REFUSED(ERR_RANGE, HV_VM_UNMAP, vm, MAX1 & PAGE_MASK, 2 * PAGE_SIZE);
	REFUSED(ERR_RANGE, HV_VM_UNMAP, vm, MAX1 & PAGE_MASK, PAGE_SIZE);
	REFUSED(ERR_RANGE, HV_VM_UNMAP, vm, (1UL << 48) - PAGE_SIZE, 2 * PAGE_SIZE);
	REFUSED(ERR_UNMAPPED, HV_VM_UNMAP, vm, 0, SIZE_2M);
	REFUSED(ERR_UNMAPPED, HV_VM_UNMAP, vm, 2 * SIZE_2M, PAGE_SIZE);
}

static void unmap_splits_and_takes_back_just_its_pages(void **state)
{
	u32 flushes = vm_get(vm)->arch.flushes;

	OKAY(HV_VM_MAP, vm, 0, RAM, 3 * SIZE_2M, MAP_R | MAP_W);
	OKAY(HV_VM_UNMAP, vm, SIZE_2M - PAGE_SIZE, SIZE_2M + 2 * PAGE_SIZE);
	assert_true(vm_get(vm)->arch.flushes > flushes);
	for (u64 gpa = 0; gpa < 3 * SIZE_2M; gpa += PAGE_SIZE) {
		bool gone = gpa >= SIZE_2M - PAGE_SIZE && gpa < 2 * SIZE_2M + PAGE_SIZE;

		assert_int_equal(s2(gpa), gone ? ERR_UNMAPPED : OK);
		assert_int_equal(mem_frame(RAM + gpa)->count, !gone);
		assert_int_equal(mem_frame(RAM + gpa)->grantee, gone ? 0 : vm);
	}
	assert_int_equal(hv_audit(), 0);
}

static void unmap_passes_over_holes(void **state)
{
	OKAY(HV_VM_MAP, vm, PAGE_SIZE, RAM, PAGE_SIZE, MAP_R);
	OKAY(HV_VM_MAP, vm, 5 * PAGE_SIZE, RAM + PAGE_SIZE, 2 * PAGE_SIZE, MAP_R);
	OKAY(HV_VM_UNMAP, vm, 0, 6 * PAGE_SIZE); /* neither end of the first piece, the middle of the second */
	assert_int_equal(s2(PAGE_SIZE), ERR_UNMAPPED);
	assert_int_equal(s2(5 * PAGE_SIZE), ERR_UNMAPPED);
	assert_int_equal(s2(6 * PAGE_SIZE), OK);
	assert_int_equal(mem_frame(RAM)->grantee, 0);
	assert_int_equal(mem_frame(RAM + 2 * PAGE_SIZE)->count, 1);
	OKAY(HV_VM_UNMAP, vm, 0, SIZE_1G);
	assert_int_equal(mem_frame(RAM + 2 * PAGE_SIZE)->grantee, 0);
	assert_int_equal(hv_audit(), 0);
}

static void unmap_without_memory_to_split_changes_nothing(void **state)
{
	u64 small = hv_make_vm(RAM, 5, 0); /* page, root, and three tables */

	OKAY(HV_VM_MAP, small, 0, RAM + SIZE_2M, 2 * SIZE_2M, MAP_R);			/* takes two */
	REFUSED(ERR_NOMEM, HV_VM_UNMAP, small, PAGE_SIZE, 2 * SIZE_2M - 2 * PAGE_SIZE); /* would cut both leaves */
	assert_int_equal(mem_frame(RAM + SIZE_2M)->count, 1);
	OKAY(HV_VM_UNMAP, small, PAGE_SIZE, PAGE_SIZE);
	assert_int_equal(hv_audit(), 0);
	OKAY(HV_VM_DESTROY, small);
	assert_int_equal(mem_frame(RAM + SIZE_2M)->grantee, 0);
}

/* A leaf that the architecture has mapped, between RAM of the guest's. */
static void unmap_leaves_a_device_of_the_architectures_alone(void **state)
{
	struct vm *guest = vm_get(vm);

	OKAY(HV_VM_MAP, vm, 0, RAM, 2 * PAGE_SIZE, MAP_R);
	assert_int_equal(ptab_map(arch_vm_s2(&guest->arch), 2 * PAGE_SIZE, HOST_GUESTS, PAGE_SIZE,
				  PT_R | PT_W | PT_DEVICE, guest->pool),
			 OK);
	OKAY(HV_VM_MAP, vm, 3 * PAGE_SIZE, RAM + 2 * PAGE_SIZE, PAGE_SIZE, MAP_R);
	REFUSED(ERR_INVAL, HV_VM_UNMAP, vm, 2 * PAGE_SIZE, PAGE_SIZE);
	REFUSED(ERR_INVAL, HV_VM_UNMAP, vm, 0, 4 * PAGE_SIZE);
	REFUSED(ERR_INVAL, HV_VM_UNMAP, vm, PAGE_SIZE, 2 * PAGE_SIZE);
	REFUSED(ERR_INVAL, HV_VM_UNMAP, vm, 2 * PAGE_SIZE, SIZE_1G);
	REFUSED(ERR_EXISTS, HV_VM_MAP, vm, 2 * PAGE_SIZE, RAM + SIZE_2M, PAGE_SIZE, MAP_R);
	OKAY(HV_VM_UNMAP, vm, 0, 2 * PAGE_SIZE);
	OKAY(HV_VM_UNMAP, vm, 3 * PAGE_SIZE, PAGE_SIZE);
	assert_int_equal(s2(2 * PAGE_SIZE), OK);
	assert_int_equal(hv_audit(), 0);
	OKAY(HV_VM_DESTROY, vm); /* no grant to take back */
	assert_int_equal(hv_audit(), 0);
}

static void destroy_gives_everything_back(void **state)
{
	u64 hash, n;

	OKAY(HV_VM_DESTROY, vm);
	hash = hv_hash();
	for (n = 0; n < 3; n++) {
		vm = hv_make_vm(DON, 64, 0);
		g = hv_make_vcpu(vm, RUN, 5, 3);
		(void)hv_make_vcpu(vm, RUN + PAGE_SIZE, 6, 0);
		OKAY(HV_VM_MAP, vm, 0, RAM, SIZE_2M, MAP_R | MAP_W);
		OKAY(HV_VM_MAP, vm, SIZE_1G, RAM + PAGE_SIZE, SIZE_2M, MAP_R | MAP_W);
		OKAY(HV_VM_UNMAP, vm, PAGE_SIZE, PAGE_SIZE);
		OKAY(HV_VM_DOORBELL, vm, 0x500, DOORBELL_PORT, 0, 1);
		OKAY(HV_VM_DOORBELL, vm, 0x501, DOORBELL_PORT, 0, 2);
		doorbell_ring(&vm_get(vm)->bell[0], g);
		doorbell_ring(&vm_get(vm)->bell[1], g);
		g->arch.deadline = 5000;
		sched_deadline(this_cpu(), g);
		OKAY(HV_VM_DESTROY, vm);
		assert_true(list_empty(&this_cpu()->doorbells));
		assert_true(list_empty(&this_cpu()->timers));
		assert_ptr_equal(hv_wait(0, WAIT_POLL), this_cpu()->service); /* no event of a VM that is gone */
		assert_int_equal(hv_out[0], EVENT_NONE);
		this_cpu()->slice_end = ~0UL;
		sched_arm(this_cpu());
		if (n)
			assert_int_equal(hv_hash(), hash);
		assert_int_equal(host_vms, 1); /* what the architecture counts, VMIDs for instance, comes back too */
		hash = hv_hash();
		REFUSED(ERR_NOENT, HV_VM_DESTROY, vm);
		assert_int_equal(hv_audit(), 0);
	}
}

static void destroy_wants_its_vcpus_stopped_and_their_exits_served(void **state)
{
	OKAY(HV_VCPU_RUN, g->id);
	REFUSED(ERR_BUSY, HV_VM_DESTROY, vm); /* ready */
	assert_ptr_equal(hv_wait(0, 0), g);
	host_idle_gsi = 9;
	OKAY(HV_IRQ_ATTACH, 9, 0, 77);
	hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_HALT }), EVENT_IRQ, 77);
	REFUSED(ERR_BUSY, HV_VM_DESTROY, vm); /* halted */
	OKAY(HV_VCPU_STOP, g->id);
	REFUSED(ERR_BUSY, HV_VM_DESTROY, vm); /* its exit waits */
	hv_assert_event(hv_wait(0, 0), EVENT_EXIT, 0xc00c1e);
	OKAY(HV_VM_DESTROY, vm);
	assert_int_equal(hv_audit(), 0);
}

static void destroying_the_present_guest_leaves_no_pointer_to_it(void **state)
{
	OKAY(HV_VCPU_RUN, g->id);
	assert_ptr_equal(hv_wait(0, 0), g);
	hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_SIPI }), EVENT_EXIT, 0xc00c1e);
	assert_ptr_equal(this_cpu()->current, g);
	OKAY(HV_VM_DESTROY, vm);
	assert_null(this_cpu()->current);
	REFUSED(ERR_NOENT, HV_REPLY_WAIT, (u64)vm << 8);
}

static void vcpu_create_checks_number_and_run_page(void **state)
{
	REFUSED(ERR_EXISTS, HV_VCPU_CREATE, vm, RUN + PAGE_SIZE, 0, 0);
	REFUSED(ERR_RANGE, HV_VCPU_CREATE, vm, RUN + PAGE_SIZE, 0, VM_MAX_VCPUS);
	REFUSED(ERR_RANGE, HV_VCPU_CREATE, vm, RUN + PAGE_SIZE, 0, 1UL << 32);
	REFUSED(ERR_ALIGN, HV_VCPU_CREATE, vm, RUN + 8, 0, 1);
	REFUSED(ERR_BUSY, HV_VCPU_CREATE, vm, RUN, 0, 1); /* one page for two */
	REFUSED(ERR_BUSY, HV_VCPU_CREATE, vm, this_cpu()->mailbox_pa, 0, 1);
	REFUSED(ERR_OWNER, HV_VCPU_CREATE, vm, DON, 0, 1);
	REFUSED(ERR_OWNER, HV_VCPU_CREATE, vm, MAX1 & PAGE_MASK, 0, 1);
	REFUSED(ERR_OWNER, HV_VCPU_CREATE, vm, HOST_DEVICE, 0, 1);
	host_vcpu_init_fails = true;
	REFUSED(ERR_NOMEM, HV_VCPU_CREATE, vm, RUN + PAGE_SIZE, 0, 1);
	assert_false(host_mapped(RUN + PAGE_SIZE));
	assert_null(vm_get(vm)->vcpu[1]);
	for (u64 i = 1; i < VM_MAX_VCPUS; i++)
		(void)hv_make_vcpu(vm, RUN + i * PAGE_SIZE, 0, i);
	REFUSED(ERR_STATE, HV_VCPU_STOP, vm << 8 | 7);
}

static void run_and_stop_want_the_right_state(void **state)
{
	OKAY(HV_VCPU_RUN, g->id);
	REFUSED(ERR_STATE, HV_VCPU_RUN, g->id);
	REFUSED(ERR_STATE, HV_REPLY_WAIT, g->id);
	REFUSED(ERR_STATE, HV_VCPU_SET, g->id);
	OKAY(HV_VCPU_STOP, g->id);
	REFUSED(ERR_STATE, HV_VCPU_STOP, g->id);
	hv_assert_event(hv_wait(0, 0), EVENT_EXIT, 0xc00c1e);
	assert_int_equal(hv_run(g)->kind, EXIT_STOPPED);
}

/* Until the service VM has been told of an exit, it cannot have served it. */
static void an_exit_that_waits_is_not_completed_unseen(void **state)
{
	OKAY(HV_VCPU_RUN, g->id);
	OKAY(HV_VCPU_STOP, g->id);
	REFUSED(ERR_STATE, HV_VCPU_RUN, g->id);
	REFUSED(ERR_STATE, HV_REPLY_WAIT, g->id);
	hv_assert_event(hv_wait(0, 0), EVENT_EXIT, 0xc00c1e);
	OKAY(HV_VCPU_RUN, g->id);
}

static void state_goes_through_the_mailbox(void **state)
{
	struct vcpu_state *box = this_cpu()->mailbox;

	memset(box, 0, sizeof(*box));
	box->regs.rip = 0x1234;
	box->counter_offset = 99;
	OKAY(HV_VCPU_SET, g->id);
	memset(box, 0xff, sizeof(*box));
	OKAY(HV_VCPU_GET, g->id);
	assert_int_equal(box->regs.rip, 0x1234);
	assert_int_equal(box->counter_offset, 99);
	box->regs.cpl = 4;
	REFUSED(ERR_INVAL, HV_VCPU_SET, g->id);
}

static void policies_are_limited_to_the_mailbox(void **state)
{
	REFUSED(ERR_RANGE, HV_VM_CONFIGURE, vm, PAGE_SIZE / sizeof(struct vm_config) + 1);
	REFUSED(ERR_RANGE, HV_VM_SET_MSR, vm, PAGE_SIZE / sizeof(struct msr_policy) + 1);
	REFUSED(ERR_RANGE, HV_VM_CONFIGURE, vm, 1UL << 32);
	REFUSED(ERR_RANGE, HV_VM_SET_MSR, vm, MAX1);
	OKAY(HV_VM_CONFIGURE, vm, PAGE_SIZE / sizeof(struct vm_config));
	OKAY(HV_VM_SET_MSR, vm, PAGE_SIZE / sizeof(struct msr_policy));
}

/* A device of the service VM's writes into the mailbox while the call is served. */
static void mailbox_changes(void)
{
	memset(this_cpu()->mailbox, 0xff, PAGE_SIZE);
}

static void what_has_been_checked_does_not_change(void **state)
{
	struct vm_config config = { 0 };
	struct msr_policy policy = { .first = 3, .last = 5 };

	host_meanwhile = mailbox_changes;
	memcpy(this_cpu()->mailbox, &config, sizeof(config));
	OKAY(HV_VM_CONFIGURE, vm, 1);
	assert_int_equal(vm_get(vm)->arch.npolicy, 1);
	assert_memory_equal(vm_get(vm)->arch.policy, &config, sizeof(config));
	memcpy(this_cpu()->mailbox, &policy, sizeof(policy));
	OKAY(HV_VM_SET_MSR, vm, 1);
	assert_memory_equal(vm_get(vm)->arch.policy, &policy, sizeof(policy));
	memset(this_cpu()->mailbox, 0, PAGE_SIZE);
	OKAY(HV_VCPU_SET, g->id);
	assert_int_equal(g->arch.pc, 0);
}

static void doorbells_are_added_once_and_removed_once(void **state)
{
	const u64 f = DOORBELL_PORT;

	REFUSED(ERR_INVAL, HV_VM_DOORBELL, vm, 0x500, f | 8);
	REFUSED(ERR_INVAL, HV_VM_DOORBELL, vm, 0x500, f | DOORBELL_SIZE(3));
	REFUSED(ERR_INVAL, HV_VM_DOORBELL, vm, 0x500, f | DOORBELL_SIZE(5));
	REFUSED(ERR_INVAL, HV_VM_DOORBELL, vm, 0x500, f | DOORBELL_SIZE(8));
	REFUSED(ERR_INVAL, HV_VM_DOORBELL, vm, 0x500, f | 1UL << 32);
	REFUSED(ERR_RANGE, HV_VM_DOORBELL, vm, 0x10000, f);
	REFUSED(ERR_NOENT, HV_VM_DOORBELL, vm, 0x500, f | DOORBELL_REMOVE);
	for (u64 i = 0; i < VM_DOORBELLS; i++)
		OKAY(HV_VM_DOORBELL, vm, 0x500, f | DOORBELL_MATCH, i, i);
	REFUSED(ERR_EXISTS, HV_VM_DOORBELL, vm, 0x500, f | DOORBELL_MATCH, 3);
	REFUSED(ERR_FULL, HV_VM_DOORBELL, vm, 0x500, f | DOORBELL_MATCH, 100);
	doorbell_ring(&vm_get(vm)->bell[3], g);
	OKAY(HV_VM_DOORBELL, vm, 0x500, f | DOORBELL_MATCH | DOORBELL_REMOVE, 3);
	REFUSED(ERR_NOENT, HV_VM_DOORBELL, vm, 0x500, f | DOORBELL_MATCH | DOORBELL_REMOVE, 3);
	OKAY(HV_VM_DOORBELL, vm, 0x500, f | DOORBELL_MATCH, 100, 1);
	assert_ptr_equal(hv_wait(0, WAIT_POLL), this_cpu()->service);
	assert_int_equal(hv_out[0], EVENT_NONE);
}

static void doorbells_in_memory_want_the_feature(void **state)
{
	const u64 high = 0x8000000010UL;

	REFUSED(ERR_UNSUPPORTED, HV_VM_DOORBELL, vm, high, 0);
	REFUSED(ERR_UNSUPPORTED, HV_VM_DOORBELL, vm, high, DOORBELL_REMOVE);
	host_features |= HV_FEATURE_DOORBELL_MEM;
	REFUSED(ERR_NOENT, HV_VM_DOORBELL, vm, high, DOORBELL_REMOVE);
	REFUSED(ERR_INVAL, HV_VM_DOORBELL, vm, high, DOORBELL_SIZE(8));
	REFUSED(ERR_INVAL, HV_VM_DOORBELL, vm, high, 8);
	REFUSED(ERR_RANGE, HV_VM_DOORBELL, vm, high, DOORBELL_PORT);
	OKAY(HV_VM_DOORBELL, vm, high, DOORBELL_SIZE(4), 0, 1);
	OKAY(HV_VM_DOORBELL, vm, 0x500, 0, 0, 2);
	OKAY(HV_VM_DOORBELL, vm, 0x500, DOORBELL_PORT, 0, 3); /* another place */
	REFUSED(ERR_EXISTS, HV_VM_DOORBELL, vm, high, DOORBELL_SIZE(4));
	REFUSED(ERR_NOENT, HV_VM_DOORBELL, vm, high, DOORBELL_SIZE(2) | DOORBELL_REMOVE);
	for (u64 i = 3; i < VM_DOORBELLS; i++)
		OKAY(HV_VM_DOORBELL, vm, MAX1, DOORBELL_MATCH, i, i);
	REFUSED(ERR_FULL, HV_VM_DOORBELL, vm, high, DOORBELL_SIZE(2));
	OKAY(HV_VM_DOORBELL, vm, 0x500, DOORBELL_REMOVE);
	assert_non_null(doorbell_find(vm_get(vm), 0x500, true, 2, 0));
	assert_null(doorbell_find(vm_get(vm), 0x500, false, 2, 0));
	OKAY(HV_VM_DOORBELL, vm, high, DOORBELL_SIZE(2));
}

static void lines_reach_the_vcpu_that_they_lead_to(void **state)
{
	struct vcpu *h = hv_make_vcpu(vm, RUN + PAGE_SIZE, 0, 1);

	REFUSED(ERR_UNSUPPORTED, HV_VM_LINE, vm, 5, 1);
	host_features |= HV_FEATURE_LINES;
	REFUSED(ERR_NOENT, HV_VM_LINE, 0, 5, 1);
	REFUSED(ERR_NOENT, HV_VM_LINE, VM_SERVICE, 5, 1);
	REFUSED(ERR_NOENT, HV_VM_LINE, vm + 1, 5, 1);
	REFUSED(ERR_NOENT, HV_VM_LINE, MAX1, 5, 1);
	REFUSED(ERR_RANGE, HV_VM_LINE, vm, 1UL << 32 | 5, 1);
	REFUSED(ERR_RANGE, HV_VM_LINE, vm, MAX1, 1);
	OKAY(HV_VM_LINE, vm, 5, 1UL << 40); /* anything but 0 is high */
	OKAY(HV_VM_LINE, vm, 64 + 6, 1);
	OKAY(HV_VM_LINE, vm, 0xffffffff, 1); /* nobody's */
	assert_int_equal(g->arch.irqs, 1 << 5);
	assert_int_equal(h->arch.irqs, 1 << 6);
	OKAY(HV_VM_LINE, vm, 5, 0);
	assert_int_equal(g->arch.irqs, 0);
	assert_int_equal(g->state, VCPU_STOPPED); /* only a halted one wakes */
}

static void apic_and_irq_reach_the_vcpu(void **state)
{
	OKAY(HV_VM_IRQ, vm, 0, 5);
	OKAY(HV_VM_IRQ, vm, 1, 6); /* for nobody */
	assert_int_equal(g->arch.irqs, 1 << 5);
	OKAY(HV_VCPU_APIC, g->id, 0, false, 0);
	assert_int_equal(hv_out[0], 1 << 5);
	OKAY(HV_VCPU_APIC, g->id, 8, true, 5);
	assert_int_equal(hv_out[1], EXIT_EOI);
	assert_int_equal(hv_out[2], 5);
	REFUSED(ERR_UNMAPPED, HV_VCPU_APIC, g->id, 0x1000, false, 0);
	REFUSED(ERR_UNMAPPED, HV_VCPU_APIC, g->id, 0x100000000UL, false, 0); /* its low half is an offset */
	OKAY(HV_VCPU_APIC, g->id, 16, true, 123456);
	assert_int_equal(host_timer, 123456);
	OKAY(HV_VCPU_EXTINT, g->id, 1);
	assert_true(g->arch.extint);
}

static void stats_are_of_vcpus_that_exist(void **state)
{
	struct hv_stats *s = this_cpu()->mailbox;

	REFUSED(ERR_NOENT, HV_STATS, vm, 1);
	REFUSED(ERR_NOENT, HV_STATS, vm, VM_MAX_VCPUS);
	REFUSED(ERR_NOENT, HV_STATS, vm, MAX1);
	REFUSED(ERR_NOENT, HV_STATS, vm + 1, 0);
	REFUSED(ERR_NOENT, HV_STATS, MAX1, 0);
	REFUSED(ERR_NOENT, HV_STATS, 0, 0);
	g->exits[EXIT_IO] = 42;
	OKAY(HV_STATS, vm, 0);
	assert_int_equal(s->exits[EXIT_IO], 42);
	assert_int_equal(s->state, VCPU_STOPPED);
	OKAY(HV_STATS, VM_SERVICE, 0);
	assert_true(s->exits[EXIT_HYPERCALL] > 0);
}

static void info_tells_memory_that_is_free_to_use(void **state)
{
	const struct hv_info *i = this_cpu()->mailbox;
	u64 ram = 0;

	OKAY(HV_INFO);
	assert_int_equal(i->abi_version, ABI_VERSION);
	assert_string_equal(i->machine, "host");
	for (u32 n = 0; n < i->nregions; n++) {
		if (i->region[n].kind != HV_REGION_RAM)
			continue;
		ram += i->region[n].size;
		for (u64 pa = i->region[n].base; pa < i->region[n].base + i->region[n].size; pa += PAGE_SIZE) {
			assert_int_equal(mem_check_free(vm_table[VM_SERVICE], pa, PAGE_SIZE), OK);
			assert_false(pa >= T_SERVICE && pa < T_SERVICE + 0x10000);
			assert_false(pa >= T_INITRD && pa < T_INITRD + 0x2000);
		}
	}
	assert_true(ram > HOST_RAM - 4 * SIZE_2M);
}

static void trace_wants_whole_pages_of_its_own(void **state)
{
	REFUSED(ERR_INVAL, HV_TRACE, RAM, 0, 0);
	REFUSED(ERR_INVAL, HV_TRACE, 0, 1, 0);
	REFUSED(ERR_INVAL, HV_TRACE, RAM, 257, 0);
	REFUSED(ERR_INVAL, HV_TRACE, RAM, MAX1, 0);
	REFUSED(ERR_ALIGN, HV_TRACE, RAM + 4, 1, 0);
	REFUSED(ERR_OWNER, HV_TRACE, T_ACPI - PAGE_SIZE, 2, 0);
	REFUSED(ERR_OWNER, HV_TRACE, MAX1 & PAGE_MASK, 2, 0);
	REFUSED(ERR_BUSY, HV_TRACE, RUN - PAGE_SIZE, 2, 0);
	OKAY(HV_TRACE, RAM, 2, MAX1);
	REFUSED(ERR_BUSY, HV_TRACE, RAM - PAGE_SIZE, 2, 0); /* its own old ring */
	OKAY(HV_TRACE, RAM + 4 * PAGE_SIZE, 1, MAX1);
	assert_false(host_mapped(RAM));
	OKAY(HV_TRACE, 0, 0, MAX1);
	assert_false(host_mapped(RAM + 4 * PAGE_SIZE));
	assert_int_equal(trace_mask, 0);
}

static void interrupts_of_devices_are_attached_by_number(void **state)
{
	REFUSED(ERR_RANGE, HV_IRQ_ATTACH, 0x10000, 0, 0);
	REFUSED(ERR_RANGE, HV_IRQ_ATTACH, MAX1, 0, 0);
	REFUSED(ERR_INVAL, HV_IRQ_ATTACH, 3, 0x10, 0);
	REFUSED(ERR_INVAL, HV_IRQ_ATTACH, 3, 1UL << 32, 0);
	REFUSED(ERR_RANGE, HV_IRQ_ATTACH, 16, IRQ_ISA, 0);
	REFUSED(ERR_NOENT, HV_IRQ_ATTACH, 0x200, 0, 0);
	REFUSED(ERR_NOENT, HV_IRQ_ATTACH, 3, IRQ_DETACH, 0);
	REFUSED(ERR_NOENT, HV_IRQ_ATTACH, 0xffff, IRQ_DETACH, 0);
	REFUSED(ERR_RANGE, HV_IRQ_ACK, 0x10000);
	REFUSED(ERR_NOENT, HV_IRQ_ACK, 3);
	REFUSED(ERR_NOENT, HV_IRQ_ACK, 0xffff);
	OKAY(HV_IRQ_ATTACH, 3, 0, 1);
	OKAY(HV_IRQ_ACK, 3);
	OKAY(HV_IRQ_ATTACH, 3, IRQ_DETACH, 0);
	REFUSED(ERR_NOENT, HV_IRQ_ACK, 3);
}

static void the_log_is_read_from_any_offset(void **state)
{
	OKAY(HV_LOG, MAX1);
	assert_int_equal(hv_out[0], 0);
	log_printf("hello\n");
	OKAY(HV_LOG, 0);
	assert_true(hv_out[0] >= 6 && hv_out[0] <= MAILBOX_SIZE);
}

static void the_machine_resets_and_powers_off(void **state)
{
	int how;

	REFUSED(ERR_INVAL, HV_MACHINE, MACHINE_CLOSE + 1);
	REFUSED(ERR_INVAL, HV_MACHINE, MAX1);
	REFUSED(ERR_INVAL, HV_MACHINE, 1UL << 32);
	OKAY(HV_MACHINE, MACHINE_CLOSE);
	host_end_armed = true;
	how = setjmp(host_end);
	if (how == HOST_RUNS)
		(void)hv_call(HV_MACHINE, MACHINE_RESET, 0, 0, 0, 0);
	assert_int_equal(how, HOST_RESET);
	how = setjmp(host_end);
	if (how == HOST_RUNS)
		(void)hv_call(HV_MACHINE, MACHINE_POWEROFF, 0, 0, 0, 0);
	assert_int_equal(how, HOST_POWEROFF);
}

static void poll_answers_at_once(void **state)
{
	assert_ptr_equal(hv_wait(0, WAIT_POLL), this_cpu()->service);
	assert_int_equal(hv_out[0], EVENT_NONE);
	assert_false(this_cpu()->service_waits);
	OKAY(HV_TIMER_SET, host_counter + 5);
	hv_assert_event(hv_wait(0, 0), EVENT_TIMER, 0);
	OKAY(HV_TIMER_SET, host_counter + 5);
	OKAY(HV_TIMER_SET, 0);
	assert_int_equal(host_timer, MAX1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, on, off)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(numbers_beyond_the_last_do_not_exist),
		T(each_call_needs_its_right),
		T(a_vm_without_rights_makes_no_calls),
		T(vm_create_checks_its_donation),
		T(vms_are_numbered_up_to_the_limit),
		T(calls_want_a_guest_that_exists),
		T(map_checks_all_and_then_acts),
		T(memory_of_one_guest_is_not_for_another),
		T(map_without_memory_for_tables_changes_nothing),
		T(donations_are_checked_and_limited),
		T(unmap_checks_its_range),
		T(unmap_splits_and_takes_back_just_its_pages),
		T(unmap_passes_over_holes),
		T(unmap_without_memory_to_split_changes_nothing),
		T(unmap_leaves_a_device_of_the_architectures_alone),
		T(destroy_gives_everything_back),
		T(destroy_wants_its_vcpus_stopped_and_their_exits_served),
		T(destroying_the_present_guest_leaves_no_pointer_to_it),
		T(vcpu_create_checks_number_and_run_page),
		T(run_and_stop_want_the_right_state),
		T(an_exit_that_waits_is_not_completed_unseen),
		T(state_goes_through_the_mailbox),
		T(policies_are_limited_to_the_mailbox),
		T(what_has_been_checked_does_not_change),
		T(doorbells_are_added_once_and_removed_once),
		T(doorbells_in_memory_want_the_feature),
		T(lines_reach_the_vcpu_that_they_lead_to),
		T(apic_and_irq_reach_the_vcpu),
		T(stats_are_of_vcpus_that_exist),
		T(info_tells_memory_that_is_free_to_use),
		T(trace_wants_whole_pages_of_its_own),
		T(interrupts_of_devices_are_attached_by_number),
		T(the_log_is_read_from_any_offset),
		T(the_machine_resets_and_powers_off),
		T(poll_answers_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
