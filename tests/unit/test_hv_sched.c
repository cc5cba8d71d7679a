/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LINK: arch/host/mem.c arch/host/cpu.c arch/host/vcpu.c tests/unit/fake_hv.c tests/unit/fake_panic.c
 * LINK: hv/mem.c hv/vm.c hv/hypercall.c hv/exit.c hv/sched.c hv/virq.c hv/trace.c hv/audit.c hv/service.c
 * LINK: hv/lib/ptab.c hv/lib/pool.c */
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

/* --- interrupts of devices (hv/virq.c) ------------------------------------------------------------------ */

static void an_interrupt_is_told_once_until_it_was_taken(void **state)
{
	assert_int_equal(virq_attach(40, IRQ_LEVEL, 7), OK);
	host_raise(40);
	host_raise(40);
	hv_assert_event(hv_wait(0, WAIT_POLL), EVENT_IRQ, 7);
	(void)hv_wait(0, WAIT_POLL);
	assert_int_equal(hv_out[0], EVENT_NONE);
	host_gsi_masked[40] = true;
	host_raise(40);
	assert_int_equal(virq_ack(40), OK);
	host_raise(40);
	hv_assert_event(hv_wait(0, WAIT_POLL), EVENT_IRQ, 7);
}

static void interrupts_that_nobody_attached_are_dropped(void **state)
{
	irq_arrived(3);
	irq_arrived(0xffffffff);
	assert_int_equal(c->pending, 0);
}

static void a_detached_interrupt_is_not_told_any_more(void **state)
{
	assert_int_equal(virq_attach(40, 0, 7), OK);
	assert_int_equal(virq_attach(41, 0, 8), OK);
	host_raise(40);
	host_raise(41);
	assert_int_equal(virq_attach(40, IRQ_DETACH, 0), OK);
	hv_assert_event(hv_wait(0, WAIT_POLL), EVENT_IRQ, 8);
	(void)hv_wait(0, WAIT_POLL);
	assert_int_equal(hv_out[0], EVENT_NONE);
	assert_int_equal(virq_attach(40, 0, 9), OK);
	host_raise(40);
	hv_assert_event(hv_wait(0, WAIT_POLL), EVENT_IRQ, 9);
}

/* A machine may have more interrupts than our table. */
static void an_interrupt_beyond_the_table_is_refused(void **state)
{
	u32 gsi = HOST_GSIS - 1;

	assert_int_equal(virq_attach(gsi, 0, 7), ERR_RANGE);
	assert_false(host_gsi_on[gsi]);
	host_override = (int)gsi;
	assert_int_equal(virq_attach(0, IRQ_ISA, 7), ERR_RANGE);
	irq_arrived(gsi);
	assert_int_equal(c->pending, 0);
}

static void an_interrupt_is_attached_once(void **state)
{
	assert_int_equal(virq_attach(40, 0, 7), OK);
	host_gsi_masked[40] = true;
	assert_int_equal(virq_attach(40, 0, 8), OK); /* again: the new cookie counts */
	assert_false(host_gsi_masked[40]);
	host_raise(40);
	hv_assert_event(hv_wait(0, WAIT_POLL), EVENT_IRQ, 8);
}

static void an_isa_interrupt_arrives_as_its_gsi(void **state)
{
	host_override = 2;
	assert_int_equal(virq_attach(0, IRQ_ISA, 7), OK);
	host_raise(2);
	hv_assert_event(hv_wait(0, WAIT_POLL), EVENT_IRQ, 7);
	assert_int_equal(hv_out[2], 2);
	assert_int_equal(virq_ack(2), OK);
	assert_int_equal(virq_attach(2, IRQ_DETACH, 0), OK);
}

/* --- the trace ring (hv/trace.c) ------------------------------------------------------------------------ */

static const struct trace_ring *ring(u64 pa)
{
	return (const struct trace_ring *)(const void *)(host_machine + pa);
}

static void the_trace_ring_holds_the_newest_exits_of_chosen_vms(void **state)
{
	u64 pa = T_RAM + 2 * SIZE_2M, size = (PAGE_SIZE - sizeof(struct trace_ring)) / sizeof(struct trace_record);

	assert_int_equal(trace_set(pa, 1, 1UL << vm), OK);
	assert_int_equal(ring(pa)->size, size);
	run(g[0]);
	assert_ptr_equal(hv_wait(0, 0), g[0]);
	assert_int_equal(ring(pa)->head, 0); /* the service VM is not traced */
	for (u64 i = 0; i < 2 * size + 3; i++) {
		host_counter++;
		assert_ptr_equal(hv_exit(g[0], (struct exit){ .kind = EXIT_NONE, .data = i }), g[0]);
	}
	assert_int_equal(ring(pa)->head, 2 * size + 3);
	for (u64 i = size + 3; i < 2 * size + 3; i++) {
		const struct trace_record *r = &ring(pa)->rec[i % size];

		assert_int_equal(r->b, i);
		assert_int_equal(r->time, 1001 + i);
		assert_int_equal(r->vm, vm);
		assert_int_equal(r->kind, EXIT_NONE);
	}
	/* What the service VM writes there moves nothing of ours. */
	memset(host_machine + pa, 0xff, PAGE_SIZE);
	assert_ptr_equal(hv_exit(g[0], (struct exit){ .kind = EXIT_NONE }), g[0]);
	assert_int_equal(ring(pa)->head, 2 * size + 4);
	assert_int_equal(trace_set(0, 0, 0), OK);
	assert_ptr_equal(hv_exit(g[0], (struct exit){ .kind = EXIT_NONE }), g[0]); /* would touch a page not ours */
}

static void a_trace_ring_that_fails_half_way_shares_nothing(void **state)
{
	u64 pa = T_RAM + 2 * SIZE_2M, hash;

	assert_int_equal(mem_share(vm_table[VM_SERVICE], pa + 5 * PAGE_SIZE), OK);
	hash = hv_hash();
	for (u64 first = 0; first <= 5; first++) {
		assert_int_equal(trace_set(pa + first * PAGE_SIZE, 8, ~0UL), ERR_BUSY);
		assert_int_equal(hv_hash(), hash);
	}
	mem_unshare(pa + 5 * PAGE_SIZE);
	assert_int_equal(trace_set(pa, 256, ~0UL), OK);
	assert_int_equal(trace_set(0, 0, 0), OK);
}

/* --- the log (hv/log.c) --------------------------------------------------------------------------------- */

static void the_log_keeps_its_newest_text(void **state)
{
	char text[64];
	u64 end;

	for (unsigned i = 0; i < 1000; i++)
		log_printf("line %u\n", i);
	assert_non_null(strstr(hv_log(), "line 999\n"));
	assert_null(strstr(hv_log(), "line 1\n"));
	for (end = 0; log_copy(end, text, 1); end++)
		;
	assert_int_equal(log_copy(end - 9, text, sizeof(text)), 9);
	assert_memory_equal(text, "line 999\n", 9);
	assert_int_equal(log_copy(~0UL, text, sizeof(text)), 0);
	assert_int_equal(log_copy(0, text, 0), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, on, off)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(guests_take_turns_of_a_slice),
		T(alone_there_are_no_slices),
		T(a_guest_that_wakes_shares_from_then_on),
		T(a_device_model_runs_in_its_guests_slice),
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
		T(an_interrupt_is_told_once_until_it_was_taken),
		T(interrupts_that_nobody_attached_are_dropped),
		T(a_detached_interrupt_is_not_told_any_more),
		T(an_interrupt_beyond_the_table_is_refused),
		T(an_interrupt_is_attached_once),
		T(an_isa_interrupt_arrives_as_its_gsi),
		T(the_trace_ring_holds_the_newest_exits_of_chosen_vms),
		T(a_trace_ring_that_fails_half_way_shares_nothing),
		T(the_log_keeps_its_newest_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
