/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LINK: arch/host/mem.c arch/host/cpu.c arch/host/vcpu.c tests/unit/fake_hv.c tests/unit/fake_panic.c
 * LINK: hv/mem.c hv/vm.c hv/hypercall.c hv/call_vm.c hv/call_vcpu.c hv/exit.c hv/sched.c hv/smp.c hv/virq.c hv/trace.c hv/audit.c hv/service.c
 * LINK: drivers/uart/x86/ns16550.c drivers/uart/x86/debugcon.c hv/lib/ptab.c hv/lib/pool.c */
/* tests/unit/test_hv_audit.c: the audit finds each kind of broken mapping; and storms of random calls leave none. */
#include "hv/vm.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/fake_hv.h"

#define DON T_RAM
#define RUN (T_RAM + SIZE_2M)
#define RAM (T_RAM + 2 * SIZE_2M)

static u64 vm;

static int on(void **state)
{
	hv_boot();
	vm = hv_make_vm(DON, 64, 0);
	assert_int_equal(hv_call(HV_VM_MAP, vm, 0, RAM, SIZE_2M, MAP_R | MAP_W), OK);
	assert_int_equal(hv_audit(), 0);
	assert_true(hv_audited.leaves > 1);
	assert_true(hv_audited.pages > HOST_RAM / PAGE_SIZE);
	return 0;
}

static int off(void **state)
{
	hv_off();
	return 0;
}

/* Behind the hypercalls' backs, VM @id maps @pa at @gpa. */
static void map_size_badly(u64 id, u64 gpa, u64 pa, u64 size, unsigned flags)
{
	assert_int_equal(ptab_map(arch_vm_s2(&vm_get(id)->arch), gpa, pa, size, flags, vm_get(id)->pool), OK);
}

static void map_badly(u64 id, u64 gpa, u64 pa, unsigned flags)
{
	map_size_badly(id, gpa, pa, PAGE_SIZE, flags);
}

static void found(u64 id, u64 gpa, u64 pa, const char *what)
{
	assert_int_equal(hv_audit(), 1);
	assert_int_equal(hv_audited.vm, id);
	assert_int_equal(hv_audited.gpa, gpa);
	assert_int_equal(hv_audited.pa, pa);
	assert_non_null(strstr(hv_audited.what, what));
	/* The hypercall says the same. */
	assert_int_equal(hv_call(HV_AUDIT, 0, 0, 0, 0, 0), OK);
	assert_memory_equal(this_cpu()->mailbox, &hv_audited, sizeof(hv_audited));
}

static void a_guest_with_a_page_of_the_hypervisor_is_found(void **state)
{
	map_badly(vm, SIZE_1G, HOST_IMAGE + PAGE_SIZE, PT_R);
	found(vm, SIZE_1G, HOST_IMAGE + PAGE_SIZE, "hypervisor's");
}

static void a_guest_with_its_own_tables_is_found(void **state)
{
	map_badly(vm, SIZE_1G, DON + PAGE_SIZE, PT_R | PT_W);
	found(vm, SIZE_1G, DON + PAGE_SIZE, "hypervisor's");
}

static void a_guest_with_a_page_that_was_not_granted_is_found(void **state)
{
	map_badly(vm, SIZE_1G, RAM + SIZE_2M, PT_R);
	found(vm, SIZE_1G, RAM + SIZE_2M, "neither owns nor was granted");
}

static void a_guest_with_a_page_of_another_is_found(void **state)
{
	u64 other = hv_make_vm(RUN, 16, 0);

	map_badly(other, 0x7000, RAM + 0x3000, PT_R);
	found(other, 0x7000, RAM + 0x3000, "neither owns nor was granted");
}

static void a_guest_with_a_device_is_found(void **state)
{
	map_badly(vm, SIZE_1G, 0xfd000000, PT_R | PT_DEVICE);
	found(vm, SIZE_1G, 0xfd000000, "without a right to devices");
}

static void a_page_of_a_device_that_is_made_for_guests_is_theirs_alone(void **state)
{
	map_badly(vm, SIZE_1G, HOST_GUESTS, PT_R | PT_W | PT_DEVICE);
	assert_int_equal(hv_audit(), 0);
	map_badly(vm, SIZE_1G + PAGE_SIZE, HOST_GUESTS + PAGE_SIZE, PT_R | PT_DEVICE); /* the one behind it is not */
	found(vm, SIZE_1G + PAGE_SIZE, HOST_GUESTS + PAGE_SIZE, "without a right to devices");
}

static void a_page_of_a_device_as_memory_is_found(void **state)
{
	map_badly(vm, SIZE_1G, HOST_GUESTS, PT_R | PT_W);
	found(vm, SIZE_1G, HOST_GUESTS, "a device as RAM");
}

static void the_service_vm_with_guests_device_is_found(void **state)
{
	map_badly(VM_SERVICE, HOST_GUESTS, HOST_GUESTS, PT_R | PT_DEVICE);
	found(VM_SERVICE, HOST_GUESTS, HOST_GUESTS, "device of the hypervisor's");
}

static void a_guest_with_firmwares_memory_is_found(void **state)
{
	map_badly(vm, SIZE_1G, T_ACPI, PT_R);
	found(vm, SIZE_1G, T_ACPI, "no RAM");
}

static void the_service_vm_with_our_device_is_found(void **state)
{
	map_badly(VM_SERVICE, HOST_DEVICE, HOST_DEVICE, PT_R | PT_DEVICE);
	found(VM_SERVICE, HOST_DEVICE, HOST_DEVICE, "device of the hypervisor's");
}

static void our_device_within_a_large_leaf_is_found(void **state)
{
	const u64 start = HOST_DEVICE & ~(SIZE_2M - 1);
	struct ptab *s2 = arch_vm_s2(&vm_get(VM_SERVICE)->arch);

	assert_int_equal(ptab_unmap(s2, start, SIZE_2M, vm_get(VM_SERVICE)->pool), OK);
	map_size_badly(VM_SERVICE, start, start, SIZE_2M, PT_R | PT_W | PT_DEVICE);
	found(VM_SERVICE, start, start, "device of the hypervisor's");
}

static void the_service_vm_with_donated_memory_is_found(void **state)
{
	map_badly(VM_SERVICE, DON + 5 * PAGE_SIZE, DON + 5 * PAGE_SIZE, PT_R);
	found(VM_SERVICE, DON + 5 * PAGE_SIZE, DON + 5 * PAGE_SIZE, "hypervisor's");
}

static void a_map_of_the_service_vm_that_is_no_identity_is_found(void **state)
{
	map_badly(VM_SERVICE, 5 * SIZE_1G, RAM, PT_R);
	found(VM_SERVICE, 5 * SIZE_1G, RAM, "identity");
}

static void ram_as_a_device_is_found(void **state)
{
	assert_int_equal(
		ptab_protect(arch_vm_s2(&vm_get(vm)->arch), 0x5000, PAGE_SIZE, PT_R | PT_DEVICE, vm_get(vm)->pool), OK);
	found(vm, 0x5000, RAM + 0x5000, "RAM as a device");
}

/* An entry written into the table itself, as a stray write would. */
static void an_entry_written_into_a_table_is_found(void **state)
{
	u64 *t = arch_vm_s2(&vm_get(vm)->arch)->root;

	for (unsigned level = 3; level > 1; level--)
		t = arch_ptr(t[0] & host_format.pa_mask);
	assert_true(host_format.is_leaf(t[0], 1));
	t[0] += SIZE_2M; /* 2 MiB of the neighbour */
	assert_int_equal(hv_audit(), SIZE_2M / PAGE_SIZE);
	assert_int_equal(hv_audited.vm, vm);
	assert_int_equal(hv_audited.gpa, 0);
	assert_int_equal(hv_audited.pa, RAM + SIZE_2M);
}

static void all_violations_are_counted_and_the_first_is_named(void **state)
{
	map_badly(vm, SIZE_1G, T_ACPI, PT_R);
	map_badly(vm, 2 * SIZE_1G, RAM + SIZE_2M, PT_R);
	map_badly(vm, 3 * SIZE_1G, HOST_IMAGE, PT_R);
	assert_int_equal(hv_audit(), 3);
	assert_int_equal(hv_audited.gpa, SIZE_1G);
}

/* --- storms ------------------------------------------------------------------------------------------------ */

static u64 pick(const u64 *v, unsigned n)
{
	return v[hv_random() % n];
}
#define PICK(...) pick((const u64[]){ __VA_ARGS__ }, ARRAY_SIZE(((const u64[]){ __VA_ARGS__ })))

static u64 any_address(void)
{
	u64 near = T_RAM + (hv_random() % 0x800) * PAGE_SIZE; /* 8 MiB: collisions are wanted */

	if (hv_random() % 8)
		return hv_random() % 8 ? near : round_down(near, SIZE_2M);
	return PICK(0, HOST_IMAGE, HOST_RAM, HOST_RAM - PAGE_SIZE, T_ACPI, HOST_DEVICE, this_cpu()->mailbox_pa,
		    near + 1, ~0xfffUL, ~0UL, 1UL << 48, (1UL << 48) - PAGE_SIZE, 1UL << 63);
}

static u64 any_size(void)
{
	if (hv_random() % 8)
		return hv_random() % 4 ? (hv_random() % 64 + 1) * PAGE_SIZE : PICK(SIZE_2M, SIZE_2M / 2, PAGE_SIZE);
	return PICK(0, 1, SIZE_1G, SIZE_1G + PAGE_SIZE, ~0xfffUL, ~0UL, 4 * SIZE_2M);
}

static u64 any_vm(void)
{
	return hv_random() % 16 ? 2 + hv_random() % 4 : PICK(0, 1, 63, 64, ~0UL, 1UL << 32 | 2);
}

static u64 any_vcpu(void)
{
	return hv_random() % 16 ? any_vm() << 8 | hv_random() % 3 : PICK(0, 1 << 8, 2 << 8 | 200, ~0UL);
}

static u64 any_gpa(void)
{
	return hv_random() % 16 ? (hv_random() % 0x600) * PAGE_SIZE
				: PICK((1UL << 48) - PAGE_SIZE, 1UL << 48, ~0xfffUL, 7);
}

/* Arguments that often mean something, for call @nr; [0] is the number. */
static void any_arguments(u64 nr, u64 *a)
{
	for (unsigned i = 1; i < 6; i++)
		a[i] = hv_random() % 4 ? hv_random() % 16 : (u64)hv_random() << hv_random() % 40;
	switch (nr) {
	case HV_REPLY_WAIT:
		a[1] = hv_random() % 3 ? any_vcpu() : 0;
		a[2] = hv_random() % 2;
		break;
	case HV_VM_CREATE: a[1] = any_address(), a[2] = any_size(); break;
	case HV_VM_MAP:
		a[1] = any_vm(), a[2] = any_gpa(), a[3] = any_address(), a[4] = any_size();
		a[5] = hv_random() % 8 ? MAP_R | (hv_random() & 6) : hv_random();
		break;
	case HV_VM_UNMAP: a[1] = any_vm(), a[2] = any_gpa(), a[3] = any_size(); break;
	case HV_VM_DONATE: a[1] = any_vm(), a[2] = any_address(), a[3] = any_size(); break;
	case HV_VCPU_CREATE: a[1] = any_vm(), a[2] = any_address(), a[4] = hv_random() % 4; break;
	case HV_VCPU_RUN:
	case HV_VCPU_STOP:
	case HV_VCPU_GET:
	case HV_VCPU_SET:
	case HV_VCPU_EXTINT: a[1] = any_vcpu(); break;
	case HV_VCPU_APIC:
		a[1] = any_vcpu(), a[2] = PICK(0, 8, 16, 24), a[4] = host_counter + hv_random() % 100000;
		break;
	case HV_VCPU_EOI:
		a[1] = any_vcpu(), a[2] = hv_random() % 4 ? (any_gpa() + hv_random() % 1024 * 4) | VCPU_EOI_ON : 0;
		break;
	case HV_VM_DOORBELL: a[1] = any_vm(), a[2] = 0x500 + hv_random() % 4, a[3] = hv_random() & 7; break;
	case HV_VM_LINE: a[1] = any_vm(), a[2] = hv_random() % 256, a[3] = hv_random() % 2; break;
	case HV_TIMER_SET: a[1] = host_counter + hv_random() % 100000; break;
	case HV_IRQ_ATTACH: a[1] = hv_random() % 300, a[2] = hv_random() % 17; break;
	case HV_IRQ_ACK: a[1] = hv_random() % 300; break;
	case HV_TRACE:
		a[1] = hv_random() % 3 ? any_address() : 0;
		a[2] = a[1] ? hv_random() % 8 : 0;
		break;
	case HV_MACHINE: a[1] += 2; break;
	default: a[1] = any_vm(); break;
	}
}

/* Guest @v does something. */
static struct vcpu *any_exit(struct vcpu *v)
{
	static const enum exit_kind kind[] = { EXIT_NONE,     EXIT_IRQ,	  EXIT_NMI,	  EXIT_HYPERCALL,
					       EXIT_IO,	      EXIT_IO,	  EXIT_IO,	  EXIT_MMIO,
					       EXIT_HALT,     EXIT_PAUSE, EXIT_EOI,	  EXIT_SYSREG,
					       EXIT_SHUTDOWN, EXIT_SIPI,  EXIT_IO_STRING, EXIT_EXTINT };
	struct exit x = { .kind = kind[hv_random() % ARRAY_SIZE(kind)], .data = hv_random() };

	if (x.kind == EXIT_IO || x.kind == EXIT_IO_STRING) {
		x.io.port = (u16)(0x500 + hv_random() % 4);
		x.io.size = (u8)(1 << hv_random() % 3);
		x.io.write = hv_random() % 2;
	} else if (x.kind == EXIT_MMIO) {
		x.mmio.gpa = 0x500 + hv_random() % 4;
		x.mmio.size = (u8)PICK(0, 1, 2, 4);
		x.mmio.access = PICK(MAP_R, MAP_W, MAP_W, MAP_X);
	} else if (x.kind == EXIT_SHUTDOWN) {
		x.fault.what = "storm";
	}
	for (unsigned i = 0; i < X86_NGPR; i++)
		v->arch.regs->gpr[i] = hv_random() % 64;
	host_counter += hv_random() % 20000;
	v->arch.irqs_off = hv_random() % 8 == 0;
	v->arch.irqs &= hv_random();
	if (hv_random() % 16 == 0)
		v->arch.deadline = host_counter + hv_random() % 100000 - 50000;
	v->arch.period = hv_random() % 4 ? 0 : 1 + hv_random() % 100;
	return hv_exit(v, x);
}

/* The service VM writes what it likes into the pages that it shares. */
static void scribble(void)
{
	for (unsigned i = 2; i < 6; i++)
		for (unsigned n = 0; vm_table[i] && n < VM_MAX_VCPUS; n++)
			if (vm_table[i]->vcpu[n] && hv_random() % 4 == 0)
				hv_run(vm_table[i]->vcpu[n])->reply = hv_random();
	if (hv_random() % 8 == 0)
		for (unsigned i = 0; i < PAGE_SIZE / 4; i++)
			((u32 *)this_cpu()->mailbox)[i] = hv_random() & hv_random() & hv_random();
}

/* Each list has what its members' states say, and nothing of VMs that are gone. */
static void assert_lists(void)
{
	struct cpu *c = this_cpu();
	struct list *at;
	u64 last = 0;

	list_for_each (at, &c->ready[0]) {
		struct vcpu *v = list_entry(at, struct vcpu, link);

		assert_ptr_equal(vcpu_get(v->id), v);
		assert_int_equal(v->state, VCPU_READY);
		assert_ptr_not_equal(v, c->current);
	}
	list_for_each (at, &c->exits) {
		struct vcpu *v = list_entry(at, struct vcpu, link);

		assert_ptr_equal(vcpu_get(v->id), v);
		assert_int_equal(v->state, VCPU_STOPPED);
	}
	list_for_each (at, &c->timers) {
		struct vcpu *v = list_entry(at, struct vcpu, timer_link);

		assert_ptr_equal(vcpu_get(v->id), v);
		assert_true(v->deadline >= last);
		last = v->deadline;
	}
	list_for_each (at, &c->doorbells)
		assert_true(list_entry(at, struct doorbell, link)->rung);
	if (c->current)
		assert_ptr_equal(vcpu_get(c->current->id), c->current);
}

struct storm {
	u64 calls, refused, entered;
};

static void storm_call(struct storm *st)
{
	u64 nr = hv_random() % 2 ? hv_random() % (HV_COUNT + 1)
				 : PICK(HV_REPLY_WAIT, HV_REPLY_WAIT, HV_VM_MAP, HV_VM_UNMAP);
	u64 a[6], hash, s;

	if (nr == HV_VM_DESTROY && hv_random() % 8)
		nr = HV_VCPU_CREATE;
	any_arguments(nr, a);
	if (nr == HV_REPLY_WAIT && hv_random() % 2) /* the first guest, if it is there and waits to go on */
		for (unsigned i = 2; i < 6; i++)
			if (vm_table[i] && vm_table[i]->vcpu[0] && vm_table[i]->vcpu[0]->state == VCPU_STOPPED)
				a[1] = (u64)i << 8;
	/* Somebody must wake the CPU up. */
	if (nr == HV_REPLY_WAIT)
		assert_int_equal(hv_call(HV_TIMER_SET, host_counter + 100000, 0, 0, 0, 0), OK);
	host_vcpu_init_fails = nr == HV_VCPU_CREATE && hv_random() % 8 == 0;
	hash = hv_hash();
	s = hv_call(nr, a[1], a[2], a[3], a[4], a[5]);
	host_vcpu_init_fails = false;
	st->calls++;
	if (nr == HV_REPLY_WAIT && hv_next != this_cpu()->service)
		return;
	assert_ptr_equal(hv_next, this_cpu()->service);
	if (s != OK) {
		st->refused++;
		if (hv_hash() != hash)
			fail_msg("call %lu(%lx, %lx, %lx, %lx, %lx) answered %lu and changed something",
				 (unsigned long)nr, (unsigned long)a[1], (unsigned long)a[2], (unsigned long)a[3],
				 (unsigned long)a[4], (unsigned long)a[5], (unsigned long)s);
	}
}

static void storm(u64 seed, unsigned calls)
{
	struct storm st = { 0 };
	struct vcpu *v;

	hv_boot();
	hv_seed = seed;
	if (seed % 2) /* as on arm64 */
		host_features |= HV_FEATURE_LINES | HV_FEATURE_DOORBELL_MEM;
	for (u64 i = 0; i < 2; i++) /* to begin with */
		(void)hv_make_vcpu(hv_make_vm(T_RAM + i * SIZE_2M, 64, i), RUN - (i + 1) * PAGE_SIZE, i, 0);
	v = this_cpu()->service;
	while (st.calls < calls) {
		if (v != this_cpu()->service) {
			st.entered++;
			v = any_exit(v);
			continue;
		}
		scribble();
		if (hv_random() % 16 == 0)
			host_raise(hv_random() % HOST_GSIS);
		storm_call(&st);
		v = hv_next;
		if (st.calls % 200 == 0) {
			assert_lists();
			if (hv_audit() != 0)
				fail_msg("after %lu calls of seed %lu: VM %u at %lx: %s", (unsigned long)st.calls,
					 (unsigned long)seed, hv_audited.vm, (unsigned long)hv_audited.gpa,
					 hv_audited.what);
		}
	}
	print_message("seed %lu: %lu calls, %lu refused, %lu exits\n", (unsigned long)seed, (unsigned long)st.calls,
		      (unsigned long)st.refused, (unsigned long)st.entered);
	/* Some of it must have meant something. */
	assert_true(st.refused < st.calls * 3 / 4);
	assert_true(st.entered > calls / 50);
	hv_off();
}

static void five_thousand_random_calls_leave_no_violation(void **state)
{
	storm(1, 5000);
}

static void other_storms_leave_none_either(void **state)
{
	const char *more = getenv("STORM_SEEDS"); /* for a longer look: how many */
	u64 seeds = more ? strtoull(more, NULL, 0) : 2;

	for (u64 seed = 2; seed < 2 + seeds; seed++)
		storm(seed, 1500);
}

/* Whatever a guest without rights calls, it is only told to the service VM. */
static void a_guest_gone_mad_changes_nothing(void **state)
{
	struct vcpu *g = hv_make_vcpu(vm, RUN, 0xc0, 0);
	u64 hash = 0;

	assert_int_equal(hv_call(HV_VCPU_RUN, g->id, 0, 0, 0, 0), OK);
	assert_ptr_equal(hv_wait(0, 0), g);
	hv_seed = 99;
	for (unsigned i = 0; i < 500; i++) {
		u64 a[6] = { hv_random() % HV_COUNT };

		any_arguments(a[0], a);
		memcpy(hv_run(g)->regs.gpr, a, sizeof(a));
		hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_HYPERCALL }), EVENT_EXIT, 0xc0);
		assert_memory_equal(hv_run(g)->regs.gpr, a, sizeof(a));
		assert_ptr_equal(hv_wait(g->id, 0), g);
		g->arch.completions = 0;
		if (i > 0)
			assert_int_equal(hv_hash(), hash);
		hash = hv_hash();
	}
	assert_int_equal(hv_audit(), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, on, off)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_guest_with_a_page_of_the_hypervisor_is_found),
		T(a_guest_with_its_own_tables_is_found),
		T(a_guest_with_a_page_that_was_not_granted_is_found),
		T(a_guest_with_a_page_of_another_is_found),
		T(a_guest_with_a_device_is_found),
		T(a_page_of_a_device_that_is_made_for_guests_is_theirs_alone),
		T(a_page_of_a_device_as_memory_is_found),
		T(the_service_vm_with_guests_device_is_found),
		T(a_guest_with_firmwares_memory_is_found),
		T(the_service_vm_with_our_device_is_found),
		T(our_device_within_a_large_leaf_is_found),
		T(the_service_vm_with_donated_memory_is_found),
		T(a_map_of_the_service_vm_that_is_no_identity_is_found),
		T(ram_as_a_device_is_found),
		T(an_entry_written_into_a_table_is_found),
		T(all_violations_are_counted_and_the_first_is_named),
		T(a_guest_gone_mad_changes_nothing),
		cmocka_unit_test(five_thousand_random_calls_leave_no_violation),
		cmocka_unit_test(other_storms_leave_none_either),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
