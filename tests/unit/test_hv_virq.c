/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LINK: arch/host/mem.c arch/host/cpu.c arch/host/vcpu.c tests/unit/fake_hv.c tests/unit/fake_panic.c
 * LINK: hv/mem.c hv/vm.c hv/hypercall.c hv/call_vm.c hv/call_vcpu.c hv/exit.c hv/sched.c hv/smp.c hv/virq.c hv/trace.c hv/audit.c hv/service.c
 * LINK: drivers/uart/x86/ns16550.c drivers/uart/x86/debugcon.c hv/lib/ptab.c hv/lib/pool.c */
/* tests/unit/test_hv_virq.c: what the hypervisor tells: interrupts of devices, the trace ring, its log and its panic.
 */
#include "hv/vm.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/fake_hv.h"

static u64 vm;
static struct vcpu *g;
static struct cpu *c;

static int on(void **state)
{
	hv_boot();
	c = this_cpu();
	vm = hv_make_vm(T_RAM, 16, 0);
	g = hv_make_vcpu(vm, T_RAM + SIZE_2M, 0, 0);
	return 0;
}

static int off(void **state)
{
	hv_off();
	return 0;
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
	assert_int_equal(hv_call(HV_VCPU_RUN, g->id, 0, 0, 0, 0), OK);
	assert_ptr_equal(hv_wait(0, 0), g);
	assert_int_equal(ring(pa)->head, 0); /* the service VM is not traced */
	for (u64 i = 0; i < 2 * size + 3; i++) {
		host_counter++;
		assert_ptr_equal(hv_exit(g, (struct exit){ .kind = EXIT_NONE, .data = i }), g);
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
	assert_ptr_equal(hv_exit(g, (struct exit){ .kind = EXIT_NONE }), g);
	assert_int_equal(ring(pa)->head, 2 * size + 4);
	assert_int_equal(trace_set(0, 0, 0), OK);
	assert_ptr_equal(hv_exit(g, (struct exit){ .kind = EXIT_NONE }), g); /* would touch a page not ours */
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

/* The last test: there is no way back. */
static void a_panic_is_told_once_and_halts(void **state)
{
	host_end_armed = true;
	if (setjmp(host_end) == HOST_RUNS)
		hv_panic("page %lx of VM %u", 0x1234UL, 7);
	assert_non_null(strstr(hv_log(), "trivet: PANIC: page 1234 of VM 7\n"));
	assert_non_null(strstr(host_console, "PANIC"));
	assert_int_equal(host_dumps, 1);
	/* A panic while it panics says nothing more. */
	if (setjmp(host_end) == HOST_RUNS)
		hv_panic("again");
	assert_null(strstr(hv_log(), "again"));
	assert_int_equal(host_dumps, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, on, off)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_interrupt_is_told_once_until_it_was_taken),
		T(interrupts_that_nobody_attached_are_dropped),
		T(a_detached_interrupt_is_not_told_any_more),
		T(an_interrupt_beyond_the_table_is_refused),
		T(an_interrupt_is_attached_once),
		T(an_isa_interrupt_arrives_as_its_gsi),
		T(the_trace_ring_holds_the_newest_exits_of_chosen_vms),
		T(a_trace_ring_that_fails_half_way_shares_nothing),
		T(the_log_keeps_its_newest_text),
		T(a_panic_is_told_once_and_halts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
