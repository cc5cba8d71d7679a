/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LINK: arch/host/mem.c arch/host/cpu.c arch/host/vcpu.c tests/unit/fake_hv.c tests/unit/fake_panic.c
 * LINK: hv/mem.c hv/vm.c hv/hypercall.c hv/call_vm.c hv/call_vcpu.c hv/exit.c hv/sched.c hv/smp.c hv/virq.c hv/trace.c hv/audit.c hv/service.c
 * LINK: drivers/uart/x86/ns16550.c drivers/uart/x86/debugcon.c hv/lib/ptab.c hv/lib/pool.c */
/* tests/unit/test_hv_sched.c: whose turn it is, timers, idling and waking. */
#include "hv/vm.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/fake_hv.h"

#define DON   T_RAM
#define RUN   (T_RAM + SIZE_2M)
#define SLICE (HOST_HZ / 100) /* 10 ms */
#define N     3

static u64 vm;
static struct vcpu *g[N]; /* with cookies 0x60, 0x61, 0x62, stopped */
static struct cpu *c;

static int on(void **state)
{
	hv_boot();
	c = this_cpu();
	vm = hv_make_vm(DON, 64, 0);
	for (u64 i = 0; i < N; i++)
		g[i] = hv_make_vcpu(vm, RUN + i * PAGE_SIZE, 0x60 + i, i);
	return 0;
}

static int off(void **state)
{
	hv_off();
	return 0;
}

static void run(struct vcpu *v)
{
	assert_int_equal(hv_call(HV_VCPU_RUN, v->id, 0, 0, 0, 0), OK);
}

static void run_all(void)
{
	for (unsigned i = 0; i < N; i++)
		run(g[i]);
	assert_ptr_equal(hv_wait(0, 0), g[0]);
}

static struct vcpu *irq(struct vcpu *v)
{
	return hv_exit(v, (struct exit){ .kind = EXIT_IRQ });
}

static void service_timer(u64 when)
{
	assert_int_equal(hv_call(HV_TIMER_SET, when, 0, 0, 0, 0), OK);
}

static void guests_take_turns_of_a_slice(void **state)
{
	run_all();
	for (unsigned turn = 0; turn < 3 * N; turn++) {
		struct vcpu *v = g[turn % N];

		assert_ptr_equal(c->current, v);
		assert_int_equal(host_timer, host_counter + SLICE);
		host_counter += SLICE / 2;
		assert_ptr_equal(irq(v), v); /* some other interrupt: the turn goes on */
		host_counter = host_timer;
		assert_ptr_equal(irq(v), g[(turn + 1) % N]);
	}
}

static void alone_there_are_no_slices(void **state)
{
	run(g[0]);
	assert_ptr_equal(hv_wait(0, 0), g[0]);
	assert_int_equal(host_timer, ~0UL);
	host_counter += 100 * SLICE;
	assert_ptr_equal(irq(g[0]), g[0]);
}

static void a_guest_that_wakes_shares_from_then_on(void **state)
{
	run(g[0]);
	assert_ptr_equal(hv_wait(0, 0), g[0]);
	hv_assert_event(hv_exit(g[0], (struct exit){ .kind = EXIT_SIPI }), EVENT_EXIT, 0x60);
	run(g[1]);
	assert_ptr_equal(hv_wait(g[0]->id, 0), g[0]); /* its slice began when the other came */
	assert_int_equal(host_timer, host_counter + SLICE);
	host_counter = host_timer;
	assert_ptr_equal(irq(g[0]), g[1]);
	host_counter = host_timer;
	assert_ptr_equal(irq(g[1]), g[0]);
}

static void a_device_model_runs_in_its_guests_slice(void **state)
{
	run_all();
	host_counter += SLICE / 2;
	hv_assert_event(hv_exit(g[0], (struct exit){ .kind = EXIT_SIPI }), EVENT_EXIT, 0x60);
	assert_ptr_equal(hv_wait(g[0]->id, 0), g[0]); /* straight back, though others are ready */
	hv_assert_event(hv_exit(g[0], (struct exit){ .kind = EXIT_SIPI }), EVENT_EXIT, 0x60);
	host_counter += SLICE; /* used up in the service VM */
	assert_ptr_equal(irq(c->service), c->service);
	assert_ptr_equal(hv_wait(g[0]->id, 0), g[1]);
	host_counter = host_timer;
	assert_ptr_equal(irq(g[1]), g[2]);
	host_counter = host_timer;
	assert_ptr_equal(irq(g[2]), g[0]);
}

static void time_goes_on_while_a_guest_runs(void **state)
{
	u64 before;

	run_all();
	before = sched_time(g[0]);
	host_counter += 1000;
	assert_int_equal(sched_time(g[0]), before + 1000);
	assert_int_equal(sched_time(g[1]), 0);
	hv_exit(g[0], (struct exit){ .kind = EXIT_HALT });
	assert_int_equal(sched_time(g[0]), before + 1000);
}

static void a_spinning_guest_gives_its_turn_away(void **state)
{
	run_all();
	assert_ptr_equal(hv_exit(g[0], (struct exit){ .kind = EXIT_PAUSE }), g[1]);
	assert_ptr_equal(hv_exit(g[1], (struct exit){ .kind = EXIT_PAUSE }), g[2]);
	assert_ptr_equal(hv_exit(g[2], (struct exit){ .kind = EXIT_PAUSE }), g[0]);
}

static void a_halting_guest_gives_its_turn_away(void **state)
{
	run_all();
	assert_ptr_equal(hv_exit(g[0], (struct exit){ .kind = EXIT_HALT }), g[1]);
	assert_ptr_equal(hv_exit(g[1], (struct exit){ .kind = EXIT_HALT }), g[2]);
	assert_int_equal(host_timer, ~0UL); /* alone now */
	g[1]->arch.deadline = host_counter + 10;
	sched_deadline(c, g[1]);
	assert_ptr_equal(hv_exit(g[2], (struct exit){ .kind = EXIT_HALT }), g[1]);
	assert_int_equal(g[0]->state, VCPU_HALTED);
}

static void the_service_vms_events_come_before_guests(void **state)
{
	run_all();
	service_timer(host_counter + 100);
	(void)hv_wait(0, 0);
	host_counter += 100;
	hv_assert_event(irq(g[0]), EVENT_TIMER, 0);
	assert_ptr_equal(hv_wait(0, 0), g[0]); /* whose turn goes on */
	assert_int_equal(host_timer, 1000 + SLICE);
}

static void a_doorbell_is_told_soon_though_others_want_the_cpu(void **state)
{
	run_all();
	assert_int_equal(hv_call(HV_VM_DOORBELL, vm, 0x500, DOORBELL_PORT, 0, 0xbe11), OK);
	(void)hv_wait(0, 0);
	assert_ptr_equal(
		hv_exit(g[0], (struct exit){ .kind = EXIT_IO, .io = { .port = 0x500, .size = 2, .write = true } }),
		g[0]);
	assert_true(host_timer <= host_counter + HOST_HZ / 10000);
	host_counter = host_timer;
	hv_assert_event(irq(g[0]), EVENT_DOORBELL, 0xbe11);
	assert_ptr_equal(hv_wait(0, 0), g[0]); /* and this costs it nothing of its slice */
	assert_int_equal(host_timer, 1000 + SLICE);
}

static void ringing_alone_shortens_no_later_slice(void **state)
{
	run(g[0]);
	assert_int_equal(hv_call(HV_VM_DOORBELL, vm, 0x500, DOORBELL_PORT, 0, 0xbe11), OK);
	assert_ptr_equal(hv_wait(0, 0), g[0]);
	(void)hv_exit(g[0], (struct exit){ .kind = EXIT_IO, .io = { .port = 0x500, .size = 2, .write = true } });
	hv_assert_event(hv_exit(g[0], (struct exit){ .kind = EXIT_SIPI }), EVENT_EXIT, 0x60);
	run(g[1]);
	hv_assert_event(hv_wait(g[0]->id, 0), EVENT_DOORBELL, 0xbe11);
	assert_ptr_equal(hv_wait(0, 0), g[0]);
	host_counter = host_timer; /* the doorbell's, no longer needed */
	assert_ptr_equal(irq(g[0]), g[0]);
	assert_int_equal(host_timer, 1000 + SLICE);
}

static void timers_fire_in_order_and_once(void **state)
{
	static const u64 when[N] = { 3000, 1500, 2000 };

	for (unsigned i = 0; i < N; i++) {
		g[i]->arch.deadline = when[i];
		sched_deadline(c, g[i]);
	}
	assert_int_equal(host_timer, 1500);
	host_counter = 2000;
	sched_timers(c);
	assert_int_equal(g[0]->arch.ticks, 0);
	assert_int_equal(g[1]->arch.ticks, 1);
	assert_int_equal(g[2]->arch.ticks, 1);
	assert_int_equal(host_timer, 3000);
	g[0]->arch.deadline = ~0UL; /* the guest takes it back */
	sched_deadline(c, g[0]);
	assert_int_equal(host_timer, ~0UL);
	assert_true(list_empty(&c->timers));
	host_counter = 5000;
	sched_timers(c);
	assert_int_equal(g[0]->arch.ticks, 0);
}

static void a_timer_that_is_always_due_keeps_nobody_from_theirs(void **state)
{
	g[0]->arch.deadline = 1;
	g[0]->arch.period = 1; /* far behind, and stays so */
	g[1]->arch.deadline = 900;
	g[1]->arch.period = 100000;
	service_timer(950);
	sched_deadline(c, g[0]);
	sched_deadline(c, g[1]);
	sched_timers(c);
	assert_int_equal(g[0]->arch.ticks, 1);
	assert_int_equal(g[1]->arch.ticks, 1);
	assert_true(c->pending & PENDING_TIMER);
	host_counter = MAX(host_counter, host_timer);
	sched_timers(c);
	assert_int_equal(g[0]->arch.ticks, 2);
	assert_int_equal(g[1]->arch.ticks, 1);
}

static void an_idle_cpu_waits_for_timer_or_device(void **state)
{
	service_timer(7777);
	hv_assert_event(hv_wait(0, 0), EVENT_TIMER, 0);
	assert_int_equal(host_counter, 7777);
	assert_int_equal(host_timer, ~0UL);
	assert_int_equal(hv_call(HV_IRQ_ATTACH, 9, 0, 0x99, 0, 0), OK);
	host_idle_gsi = 9;
	hv_assert_event(hv_wait(0, 0), EVENT_IRQ, 0x99);
	assert_int_equal(host_idles, 2);
}

static void a_timer_in_the_past_fires_at_once(void **state)
{
	service_timer(1);
	hv_assert_event(hv_wait(0, 0), EVENT_TIMER, 0);
	assert_int_equal(host_counter, 1000);
}

static void a_stopped_guests_timer_wakes_nobody(void **state)
{
	g[0]->arch.deadline = 2000;
	sched_deadline(c, g[0]);
	service_timer(3000);
	hv_assert_event(hv_wait(0, 0), EVENT_TIMER, 0);
	assert_int_equal(g[0]->arch.ticks, 1);
	assert_int_equal(g[0]->state, VCPU_STOPPED);
}

#define T(f) cmocka_unit_test_setup_teardown(f, on, off)

static void sched(struct vcpu *v, u64 priority, u64 shares, u64 budget, u64 period)
{
	assert_int_equal(hv_call(HV_VCPU_SCHED, v->id, priority << 16, shares, budget, period), OK);
}

/* Let the CPU go from timer to timer for @ticks, whoever runs spinning. */
static struct vcpu *pass(struct vcpu *v, u64 ticks)
{
	u64 end = host_counter + ticks;

	while (host_counter < end) {
		host_counter = MIN(end, MAX(host_timer, host_counter + 1));
		v = irq(v);
	}
	return v;
}

static void assert_share(u64 part, u64 all, u64 percent)
{
	assert_in_range(part * 1000 / all, percent * 10 - 20, percent * 10 + 20);
}

static void a_higher_priority_goes_first(void **state)
{
	sched(g[1], 3, SCHED_SHARES, 0, 0);
	run(g[0]);
	assert_ptr_equal(hv_wait(0, 0), g[0]);
	run(g[1]);
	assert_ptr_equal(hv_wait(0, 0), g[1]);
	assert_int_equal(host_timer, ~0UL); /* no turn ends for one of lower priority */
	assert_ptr_equal(pass(g[1], 20 * SLICE), g[1]);
	assert_ptr_equal(hv_exit(g[1], (struct exit){ .kind = EXIT_HALT }), g[0]);
	g[1]->arch.irqs = 1;
	vcpu_kicked(&g[1]->arch);
	assert_true(host_timer <= host_counter); /* at once, though the guest that runs has made no exit for hv/ */
	assert_ptr_equal(irq(g[0]), g[1]);
}

/* What was sent to it is found when its state is taken out of the CPU: awake, it goes to its new place all the same. */
static void one_that_wakes_as_it_leaves_is_not_lost(void **state)
{
	run(g[0]);
	assert_ptr_equal(hv_wait(0, 0), g[0]);
	run(g[1]);
	assert_ptr_equal(hv_exit(g[0], (struct exit){ .kind = EXIT_HALT }), g[1]);
	assert_int_equal(g[0]->state, VCPU_HALTED);
	g[0]->arch.late = 1;
	sched(g[0], 2, SCHED_SHARES, 0, 0);
	assert_int_equal(g[0]->state, VCPU_READY);
	assert_int_equal(c->ready_mask, 1u << 2);
	assert_true(list_empty(&c->ready[0]));
	assert_ptr_equal(irq(g[1]), g[0]);
}

static void equals_share_as_they_are_told(void **state)
{
	struct vcpu *v;

	sched(g[0], 0, 300, 0, 0);
	run(g[0]);
	run(g[1]);
	v = pass(hv_wait(0, 0), 400 * SLICE);
	assert_ptr_not_equal(v, c->service);
	sched_charge(c, NULL);
	assert_share(g[0]->time, g[0]->time + g[1]->time, 75);
	assert_int_equal(g[0]->time + g[1]->time, 400 * SLICE);
}

static void the_service_vms_time_is_that_of_the_guest_it_works_for(void **state)
{
	struct vcpu *v;

	run(g[0]);
	run(g[1]);
	v = hv_wait(0, 0);
	for (unsigned i = 0; i < 2000; i++) {
		if (v == g[0]) { /* exits all the time, and each takes the service VM longer than a turn is */
			hv_assert_event(hv_exit(v, (struct exit){ .kind = EXIT_SIPI }), EVENT_EXIT, 0x60);
			host_counter += SLICE + SLICE / 2;
			assert_ptr_equal(irq(c->service), c->service);
			v = hv_wait(g[0]->id, 0);
		} else {
			v = pass(v, SLICE / 4);
		}
	}
	sched_charge(c, NULL);
	assert_share(g[0]->time, g[0]->time + g[1]->time, 50);
}

static void a_doorbells_handler_is_the_time_of_who_rang(void **state)
{
	u64 before;

	assert_int_equal(hv_call(HV_VM_DOORBELL, vm, 0x500, DOORBELL_PORT, 0, 0xbe11), OK);
	run(g[0]);
	run(g[1]);
	assert_ptr_equal(hv_wait(0, 0), g[0]);
	doorbell_ring(&vm_get(vm)->bell[0], g[0]);
	hv_assert_event(hv_exit(g[0], (struct exit){ .kind = EXIT_HALT }), EVENT_DOORBELL, 0xbe11);
	before = g[0]->time;
	host_counter += 3 * SLICE;
	assert_ptr_equal(hv_wait(0, 0), g[1]);
	assert_int_equal(g[0]->time, before + 3 * SLICE);
	assert_int_equal(g[1]->time, 0);
	assert_true(g[0]->left < 0);
}

static void a_budget_is_all_there_is_in_a_period(void **state)
{
	u64 start, waits;

	sched(g[0], 5, SCHED_SHARES, 2 * SLICE, 10 * SLICE);
	run(g[0]);
	run(g[1]);
	start = host_counter;
	pass(hv_wait(0, 0), 1000 * SLICE);
	sched_charge(c, NULL);
	assert_share(g[0]->time, 1000 * SLICE, 20);
	assert_int_equal(g[0]->time + g[1]->time, host_counter - start);
	/* Alone it rests as well. */
	assert_int_equal(hv_call(HV_VCPU_STOP, g[1]->id, 0, 0, 0, 0), OK);
	waits = host_idles;
	for (unsigned i = 0; i < 4; i++) {
		struct vcpu *v = hv_wait(0, WAIT_POLL);

		if (v == c->service && hv_out[0] == EVENT_NONE)
			v = hv_wait(0, 0);
		if (v != c->service)
			pass(v, 20 * SLICE);
	}
	assert_true(host_idles > waits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(guests_take_turns_of_a_slice),
		T(alone_there_are_no_slices),
		T(a_guest_that_wakes_shares_from_then_on),
		T(a_device_model_runs_in_its_guests_slice),
		T(time_goes_on_while_a_guest_runs),
		T(a_spinning_guest_gives_its_turn_away),
		T(a_halting_guest_gives_its_turn_away),
		T(the_service_vms_events_come_before_guests),
		T(a_doorbell_is_told_soon_though_others_want_the_cpu),
		T(ringing_alone_shortens_no_later_slice),
		T(timers_fire_in_order_and_once),
		T(a_timer_that_is_always_due_keeps_nobody_from_theirs),
		T(an_idle_cpu_waits_for_timer_or_device),
		T(a_timer_in_the_past_fires_at_once),
		T(a_stopped_guests_timer_wakes_nobody),
		T(a_higher_priority_goes_first),
		T(one_that_wakes_as_it_leaves_is_not_lost),
		T(equals_share_as_they_are_told),
		T(the_service_vms_time_is_that_of_the_guest_it_works_for),
		T(a_doorbells_handler_is_the_time_of_who_rang),
		T(a_budget_is_all_there_is_in_a_period),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
