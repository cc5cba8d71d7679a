/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LINK: arch/host/mem.c arch/host/cpu.c arch/host/vcpu.c tests/unit/fake_hv.c tests/unit/fake_panic.c
 * LINK: hv/mem.c hv/vm.c hv/hypercall.c hv/call_vm.c hv/call_vcpu.c hv/exit.c hv/sched.c hv/smp.c hv/virq.c hv/trace.c
 * LINK: hv/audit.c hv/service.c drivers/uart/x86/ns16550.c drivers/uart/x86/debugcon.c hv/lib/ptab.c hv/lib/pool.c */
/*
 * tests/unit/test_hv_smp.c: several physical CPUs. Each of the others comes up in a context of its own, by cpu_main,
 * and idles there; after that the test plays each of them in turn (as), and whoever waits lets all others serve their
 * inboxes.
 */
#include "hv/vm.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include <ucontext.h>

#include "tests/unit/fake_hv.h"

#define DON   T_RAM
#define RUN   (T_RAM + SIZE_2M)
#define CPUS  3
#define STACK 0x20000
#define COOK  0x60UL

static ucontext_t test_context, cpu_context[HOST_CPUS];
static u8 *stacks[HOST_CPUS];
static unsigned starting; /* whose context runs or is waited for, 0: nobody's */
static u64 vm;
static struct vcpu *g[2]; /* of CPU 1 and CPU 2, stopped */

static void as(unsigned n)
{
	host_block = host_blocks[n];
}

static void to_test(void)
{
	unsigned n = starting;

	as(0);
	swapcontext(&cpu_context[n], &test_context);
	as(n);
}

static void to_cpu(void)
{
	as(starting);
	swapcontext(&test_context, &cpu_context[starting]);
}

/* One waits: the new CPU goes on, or all others serve what is asked of them. */
static void relax(void)
{
	void *me = host_block;

	if (starting) {
		if (me == host_blocks[starting])
			to_test();
		else
			to_cpu();
		return;
	}
	for (unsigned n = 0; n < HOST_CPUS; n++)
		if (cpus[n] && cpus[n] != me) {
			host_block = cpus[n];
			smp_serve(cpus[n]);
		}
	host_block = me;
}

static void cpu_begins(int n)
{
	cpu_main((unsigned)n);
}

static void start(unsigned n)
{
	starting = n;
	stacks[n] = realloc(stacks[n], STACK);
	getcontext(&cpu_context[n]);
	cpu_context[n].uc_stack.ss_sp = stacks[n];
	cpu_context[n].uc_stack.ss_size = STACK;
	makecontext(&cpu_context[n], (void (*)(void))cpu_begins, 1, (int)n);
	to_cpu();
}

/* A new CPU has nothing to do: it has come all the way. */
static void idle(void)
{
	if (starting)
		to_test();
	fail_msg("an idle CPU ran");
}

static void power_on(u32 listed)
{
	hv_find_memory(0);
	hv_boot_info.platform.ncpus = listed;
	host_ncpus = listed;
	host_on_start = start;
	host_on_relax = relax;
	host_on_idle = idle;
}

static void boot(void)
{
	memcpy(host_machine + host_base + T_SERVICE, &hv_header, sizeof(hv_header));
	mem_init(&hv_boot_info);
	arch_cpu_init(&hv_boot_info);
	sched_init(this_cpu(), 0);
	smp_start();
	starting = 0;
	service_create(&hv_boot_info);
}

/* As CPU @n's service vCPU: wait for an event. Returns who runs next there. */
static struct vcpu *wait_on(unsigned n)
{
	struct vcpu *v;

	as(n);
	v = hv_wait(0, 0);
	as(0);
	return v;
}

static struct vcpu *exit_on(unsigned n, struct vcpu *v, struct exit x)
{
	struct vcpu *next;

	as(n);
	next = hv_exit(v, x);
	as(0);
	return next;
}

static int on(void **state)
{
	power_on(CPUS);
	boot();
	for (u64 n = 1; n < CPUS; n++)
		assert_int_equal(hv_call(HV_CPU_START, n, 0x2000, n, 0, 0), OK);
	vm = hv_make_vm(DON, 64, 0);
	for (u64 i = 0; i < 2; i++) {
		g[i] = hv_make_vcpu(vm, RUN + i * PAGE_SIZE, COOK + i, i);
		assert_int_equal(hv_call(HV_VCPU_SCHED, g[i]->id, i + 1, SCHED_SHARES, 0, 0), OK);
		assert_int_equal(hv_call(HV_VCPU_RUN, g[i]->id, 0, 0, 0, 0), OK);
	}
	assert_ptr_equal(wait_on(1), g[0]);
	assert_ptr_equal(wait_on(2), g[1]);
	return 0;
}

static int off(void **state)
{
	as(0);
	starting = 0;
	hv_off();
	return 0;
}

static void all_cpus_come_up_and_one_that_does_not_leaves_no_gap(void **state)
{
	power_on(4);
	host_cpu_dead[2] = true;
	boot();
	assert_non_null(strstr(hv_log(), "CPU 2 (12) cannot be started: it stays off"));
	assert_non_null(strstr(hv_log(), "3 of 4 CPUs are up, their counters agree"));
	assert_ptr_equal(cpus[2], host_blocks[3]);
	assert_int_equal(cpus[2]->id, 2);
	assert_int_equal(cpus[2]->hw, 3);
	assert_null(cpus[3]);
	assert_int_equal(hv_call(HV_INFO, 0, 0, 0, 0, 0), OK);
	assert_int_equal(((struct hv_info *)this_cpu()->mailbox)->ncpus, 3);
	assert_int_equal(hv_call(HV_CPU_START, 3, 0x2000, 0, 0, 0), ERR_RANGE);
	assert_int_equal(hv_call(HV_CPU_START, 0, 0x2000, 0, 0, 0), ERR_EXISTS);
	assert_int_equal(hv_call(HV_CPU_START, 1, 1UL << 32, 0, 0, 0), ERR_RANGE);
	assert_int_equal(hv_call(HV_CPU_KICK, 1, 0, 0, 0, 0), ERR_STATE);
	assert_int_equal(hv_audit(), 0);
}

static void a_service_vcpu_starts_where_it_is_told(void **state)
{
	assert_int_equal(cpus[1]->service->arch.pc, 0x2000 + 3); /* behind its first call, REPLY_WAIT */
	assert_int_equal(hv_call(HV_CPU_START, 1, 0x3000, 0, 0, 0), ERR_EXISTS);
	assert_int_not_equal(cpus[1]->mailbox_pa, cpus[2]->mailbox_pa);
	host_kicked = 0;
	assert_int_equal(hv_call(HV_CPU_KICK, 2, 0, 0, 0, 0), OK);
	assert_int_equal(host_kicked, 1 << 2);
	as(2);
	hv_assert_event(hv_exit(g[1], (struct exit){ .kind = EXIT_IRQ }), EVENT_KICK, 0);
}

static void an_exit_goes_to_the_service_vcpu_of_its_cpu(void **state)
{
	assert_ptr_equal(exit_on(2, g[1], (struct exit){ .kind = EXIT_SIPI }), cpus[2]->service);
	as(2);
	hv_assert_event(cpus[2]->service, EVENT_EXIT, COOK + 1);
	assert_ptr_equal(hv_wait(g[1]->id, 0), g[1]);
	assert_ptr_equal(cpus[1]->current, g[0]);
}

static void a_reply_may_come_from_another_cpu(void **state)
{
	exit_on(2, g[1], (struct exit){ .kind = EXIT_SIPI });
	assert_int_equal(hv_call(HV_REPLY_WAIT, g[1]->id, WAIT_POLL, 0, 0, 0), OK);
	assert_int_equal(hv_out[0], EVENT_NONE);
	assert_int_equal(g[1]->state, VCPU_READY);
	assert_int_equal(hv_call(HV_REPLY_WAIT, g[1]->id, WAIT_POLL, 0, 0, 0), ERR_STATE);
	assert_ptr_equal(wait_on(2), g[1]);
}

static void a_message_wakes_a_vcpu_elsewhere_with_one_interrupt(void **state)
{
	host_kicked = 0;
	assert_int_equal(hv_call(HV_VM_IRQ, vm, 0, 5, 0, 0), OK); /* the fake's address is the vCPU's number */
	assert_int_equal(host_kicked, 1 << 1);
	assert_true(g[0]->wake_queued);
	host_kicked = 0;
	assert_int_equal(hv_call(HV_VM_IRQ, vm, 0, 6, 0, 0), OK);
	assert_int_equal(host_kicked, 0); /* it has been told, and has not looked */
	assert_ptr_equal(exit_on(1, g[0], (struct exit){ .kind = EXIT_IRQ }), g[0]);
	assert_false(g[0]->wake_queued);
	assert_null(cpus[1]->wakes);
	assert_int_equal(hv_call(HV_VM_IRQ, vm, 0, 7, 0, 0), OK);
	assert_int_equal(host_kicked, 1 << 1);
}

static void a_vcpu_moves_with_its_exit_and_its_wakes(void **state)
{
	exit_on(1, g[0], (struct exit){ .kind = EXIT_SIPI }); /* its CPU's service vCPU gets that; the next one waits */
	assert_int_equal(hv_call(HV_VCPU_SCHED, g[1]->id, 1, 300, 0, 0), OK);
	assert_ptr_equal(g[1]->cpu, cpus[1]);
	assert_int_equal(g[1]->arch.leaves, 2);
	assert_null(cpus[2]->current);
	assert_int_equal(g[1]->sched.shares, 300);
	as(1);
	assert_ptr_equal(hv_wait(0, 0), g[1]);
	hv_assert_event(hv_exit(g[1], (struct exit){ .kind = EXIT_SIPI }), EVENT_EXIT, COOK + 1);
	as(0);
	assert_int_equal(hv_call(HV_VCPU_RUN, g[0]->id, 0, 0, 0, 0), OK);
	assert_int_equal(hv_call(HV_VCPU_STOP, g[0]->id, 0, 0, 0, 0), OK); /* while its CPU serves the other one */
	assert_int_equal(hv_call(HV_VCPU_SCHED, g[0]->id, 2, SCHED_SHARES, 0, 0), OK);
	as(2);
	hv_assert_event(sched_next(cpus[2]), EVENT_EXIT, COOK);
	assert_int_equal(hv_run(g[0])->kind, EXIT_STOPPED);
}

static void what_was_noted_for_the_old_cpu_is_passed_on(void **state)
{
	assert_int_equal(hv_call(HV_VM_IRQ, vm, 1, 5, 0, 0), OK);
	assert_ptr_equal(cpus[2]->wakes, g[1]);
	assert_int_equal(hv_call(HV_VCPU_SCHED, g[1]->id, 1, SCHED_SHARES, 0, 0), OK);
	assert_null(cpus[2]->wakes);
	assert_int_equal(hv_audit(), 0);
}

static void placement_checks_what_it_is_told(void **state)
{
	assert_int_equal(hv_call(HV_VCPU_SCHED, 0x7f00, 0, 100, 0, 0), ERR_NOENT);
	assert_int_equal(hv_call(HV_VCPU_SCHED, g[0]->id, 3, 100, 0, 0), ERR_RANGE);
	assert_int_equal(hv_call(HV_VCPU_SCHED, g[0]->id, 0xffff, 100, 0, 0), ERR_RANGE);
	assert_int_equal(hv_call(HV_VCPU_SCHED, g[0]->id, 8 << 16, 100, 0, 0), ERR_RANGE);
	assert_int_equal(hv_call(HV_VCPU_SCHED, g[0]->id, 0, 0, 0, 0), ERR_RANGE);
	assert_int_equal(hv_call(HV_VCPU_SCHED, g[0]->id, 0, SCHED_SHARES_MAX + 1, 0, 0), ERR_RANGE);
	assert_int_equal(hv_call(HV_VCPU_SCHED, g[0]->id, 0, 100, 0, SCHED_PERIOD_MAX + 1), ERR_RANGE);
	assert_int_equal(hv_call(HV_VCPU_SCHED, g[0]->id, 0, 100, 11, 10), ERR_INVAL);
	assert_ptr_equal(g[0]->cpu, cpus[1]);
}

static void a_vm_goes_from_all_its_cpus_or_from_none(void **state)
{
	assert_int_equal(hv_call(HV_VM_DOORBELL, vm, 0x500, DOORBELL_PORT, 0, 9), OK);
	as(2);
	doorbell_ring(&vm_get(vm)->bell[0], g[1]);
	as(0);
	exit_on(1, g[0], (struct exit){ .kind = EXIT_SIPI });
	assert_int_equal(hv_call(HV_VM_DESTROY, vm, 0, 0, 0, 0), ERR_BUSY); /* the other one runs */
	assert_int_equal(g[0]->state, VCPU_STOPPED);
	exit_on(2, g[1], (struct exit){ .kind = EXIT_SIPI });
	wait_on(2);
	assert_int_equal(hv_call(HV_VM_DESTROY, vm, 0, 0, 0, 0), OK);
	assert_null(cpus[1]->current);
	assert_null(cpus[2]->current);
	assert_true(list_empty(&cpus[2]->doorbells));
	assert_int_equal(hv_call(HV_VCPU_RUN, vm << 8, 0, 0, 0, 0), ERR_NOENT);
	assert_int_equal(hv_audit(), 0);
}

static void a_donation_is_forgotten_on_every_cpu(void **state)
{
	u64 other;

	host_mem_flushes = 0;
	other = hv_make_vm(DON + SIZE_2M * 2, 16, 0);
	assert_int_equal(hv_call(HV_VM_DESTROY, other, 0, 0, 0, 0), OK);
	assert_int_equal(host_mem_flushes, CPUS - 1);
}

static void the_last_to_halt_for_good_ends_it_wherever_the_others_are(void **state)
{
	g[0]->arch.irqs_off = g[1]->arch.irqs_off = true;
	service_start(cpus[1], 0, 0); /* somebody is to run there */
	assert_ptr_equal(exit_on(1, g[0], (struct exit){ .kind = EXIT_HALT }), cpus[1]->service);
	assert_int_equal(g[0]->state, VCPU_HALTED);
	assert_true(g[0]->dead);
	as(2);
	hv_assert_event(hv_exit(g[1], (struct exit){ .kind = EXIT_HALT }), EVENT_EXIT, COOK + 1);
	assert_int_equal(hv_run(g[1])->kind, EXIT_SHUTDOWN);
}

static void one_that_has_been_sent_something_is_not_dead(void **state)
{
	g[0]->arch.irqs_off = g[1]->arch.irqs_off = true;
	service_start(cpus[1], 0, 0);
	service_start(cpus[2], 0, 0);
	exit_on(1, g[0], (struct exit){ .kind = EXIT_HALT });
	as(2);
	vcpu_kicked(&g[0]->arch); /* it has not looked yet */
	assert_ptr_equal(hv_exit(g[1], (struct exit){ .kind = EXIT_HALT }), cpus[2]->service);
	assert_int_equal(g[1]->state, VCPU_HALTED);
}

#define T(f) cmocka_unit_test_setup_teardown(f, on, off)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_cpus_come_up_and_one_that_does_not_leaves_no_gap, NULL, off),
		T(a_service_vcpu_starts_where_it_is_told),
		T(an_exit_goes_to_the_service_vcpu_of_its_cpu),
		T(a_reply_may_come_from_another_cpu),
		T(a_message_wakes_a_vcpu_elsewhere_with_one_interrupt),
		T(a_vcpu_moves_with_its_exit_and_its_wakes),
		T(what_was_noted_for_the_old_cpu_is_passed_on),
		T(placement_checks_what_it_is_told),
		T(a_vm_goes_from_all_its_cpus_or_from_none),
		T(a_donation_is_forgotten_on_every_cpu),
		T(the_last_to_halt_for_good_ends_it_wherever_the_others_are),
		T(one_that_has_been_sent_something_is_not_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
