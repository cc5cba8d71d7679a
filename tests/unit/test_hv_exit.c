/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LINK: arch/host/mem.c arch/host/cpu.c arch/host/vcpu.c tests/unit/fake_hv.c tests/unit/fake_panic.c
 * LINK: hv/mem.c hv/vm.c hv/hypercall.c hv/call_vm.c hv/call_vcpu.c hv/exit.c hv/sched.c hv/smp.c hv/virq.c hv/trace.c hv/audit.c hv/service.c
 * LINK: drivers/uart/x86/ns16550.c drivers/uart/x86/debugcon.c hv/lib/ptab.c hv/lib/pool.c */
/* tests/unit/test_hv_exit.c: exits on their way to the service VM and back, doorbells, and the order of events. */
#include "hv/vm.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/fake_hv.h"

#define DON  T_RAM
#define RUN  (T_RAM + SIZE_2M)
#define COOK 0xc00c1eUL

static u64 vm;
static struct vcpu *g;
static struct cpu *c;

/* One guest with one vCPU, which runs. */
static int on(void **state)
{
	hv_boot();
	c = this_cpu();
	vm = hv_make_vm(DON, 64, 0);
	g = hv_make_vcpu(vm, RUN, COOK, 0);
	assert_int_equal(hv_call(HV_VCPU_RUN, g->id, 0, 0, 0, 0), OK);
	assert_ptr_equal(hv_wait(0, 0), g);
	return 0;
}

static int off(void **state)
{
	hv_off();
	return 0;
}

static struct exit io(u16 port, u8 size, bool write, u64 data)
{
	return (struct exit){ .kind = EXIT_IO,
			      .next_pc = g->arch.pc + 2,
			      .data = data,
			      .io = { .port = port, .size = size, .write = write } };
}

static void an_exit_switches_straight_to_the_service_vm_and_back(void **state)
{
	hv_assert_event(hv_exit(g, io(0x3f8, 1, true, 'x')), EVENT_EXIT, COOK);
	assert_ptr_equal(c->current, g);
	assert_int_equal(c->pending, 0);
	assert_int_equal(g->state, VCPU_STOPPED);
	assert_int_equal(hv_run(g)->kind, EXIT_IO);
	assert_int_equal(hv_run(g)->u.io.port, 0x3f8);
	assert_int_equal(hv_run(g)->u.io.size, 1);
	assert_int_equal(hv_run(g)->u.io.write, 1);
	assert_int_equal(hv_run(g)->data, 'x');
	assert_int_equal(hv_run(g)->next_pc, 2);
	hv_run(g)->reply = REPLY_SKIP;
	assert_ptr_equal(hv_wait(g->id, 0), g);
	assert_int_equal(g->state, VCPU_READY);
	assert_int_equal(g->arch.reply, REPLY_SKIP);
	assert_int_equal(g->arch.kind, EXIT_IO);
	assert_int_equal(hv_run(g)->reply, 0);
	assert_int_equal(g->exits[EXIT_IO], 1);
}

static void each_exit_has_its_record(void **state)
{
	static const u8 insn[15] = { 0x8b, 0x07, 0x90 };

	hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_MMIO,
						  .mmio = { .gpa = 0xfe000010, .gva = ~0UL, .access = MAP_W } }),
			EVENT_EXIT, COOK);
	assert_int_equal(hv_run(g)->u.mmio.gpa, 0xfe000010);
	assert_int_equal(hv_run(g)->u.mmio.access, MAP_W);
	assert_int_equal(hv_run(g)->flags, RUN_STATE);
	assert_int_equal(g->arch.exports, 1);
	assert_ptr_equal(hv_wait(g->id, 0), g);
	hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_MMIO, .mmio = { .access = MAP_R, .operand = true } }),
			EVENT_EXIT, COOK);
	assert_int_equal(hv_run(g)->flags, RUN_STATE | RUN_OPERAND);
	assert_ptr_equal(hv_wait(g->id, 0), g);
	/* A CPU with decode assists gives the instruction, and says how many bytes: not more than there is room for. */
	hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_MMIO, .mmio = { .insn = insn, .insn_len = 200 } }),
			EVENT_EXIT, COOK);
	assert_int_equal(hv_run(g)->flags, RUN_STATE | RUN_INSN);
	assert_memory_equal(hv_run(g)->insn, insn, 15);
	assert_int_equal(hv_run(g)->insn_len, 15);
	assert_ptr_equal(hv_wait(g->id, 0), g);
	hv_assert_event(
		hv_exit(g, (struct exit){ .kind = EXIT_SYSREG, .data = 7, .sysreg = { .index = 0x10, .write = true } }),
		EVENT_EXIT, COOK);
	assert_int_equal(hv_run(g)->u.sysreg.index, 0x10);
	assert_int_equal(hv_run(g)->u.sysreg.write, 1);
	assert_int_equal(hv_run(g)->flags, 0);
	assert_ptr_equal(hv_wait(g->id, 0), g);
	hv_assert_event(
		hv_exit(g, (struct exit){ .kind = EXIT_IO_STRING,
					  .io = { .port = 1, .size = 2, .rep = true, .addr_size = 8, .seg = 0xff } }),
		EVENT_EXIT, COOK);
	assert_int_equal(hv_run(g)->u.io.rep, 1);
	assert_int_equal(hv_run(g)->u.io.addr_size, 8);
	assert_int_equal(hv_run(g)->u.io.seg, 0xff);
	assert_int_equal(hv_run(g)->flags, RUN_STATE);
	assert_ptr_equal(hv_wait(g->id, 0), g);
	hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_EOI, .vector = 0x31 }), EVENT_EXIT, COOK);
	assert_int_equal(hv_run(g)->u.eoi.vector, 0x31);
	assert_ptr_equal(hv_wait(g->id, 0), g);
	hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_EXTINT }), EVENT_EXIT, COOK);
	assert_ptr_equal(hv_wait(g->id, 0), g);
	hv_assert_event(
		hv_exit(g, (struct exit){ .kind = EXIT_SHUTDOWN, .fault = { .code = 3, .info = 4, .what = "triple" } }),
		EVENT_EXIT, COOK);
	assert_int_equal(hv_run(g)->u.fault.code, 3);
	assert_string_equal(hv_run(g)->u.fault.what, "triple");
	assert_ptr_equal(hv_wait(g->id, 0), g);
	hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_ENTRY_FAILED, .fault = { .what = "no" } }), EVENT_EXIT,
			COOK);
	assert_int_equal(hv_run(g)->kind, EXIT_ENTRY_FAILED);
}

static void exits_that_ask_for_nothing_go_on(void **state)
{
	assert_ptr_equal(hv_exit(g, (struct exit){ .kind = EXIT_NONE }), g);
	assert_ptr_equal(hv_exit(g, (struct exit){ .kind = EXIT_IRQ }), g);
	assert_int_equal(host_polls, 1);
	assert_ptr_equal(hv_exit(g, (struct exit){ .kind = EXIT_PAUSE }), g);
	assert_ptr_equal(hv_exit(g, (struct exit){ .kind = EXIT_NMI }), g);
	assert_non_null(strstr(hv_log(), "NMI"));
}

static void the_run_page_is_never_believed(void **state)
{
	struct run_page *run = hv_run(g);

	hv_assert_event(hv_exit(g, io(0x60, 1, false, 0)), EVENT_EXIT, COOK);
	memset((u8 *)run + sizeof(run->regs), 0xff, PAGE_SIZE - sizeof(run->regs));
	/* All replies at once, REPLY_HALT among them: nothing pends, so it sleeps until the timer. */
	g->arch.deadline = host_counter + 100;
	assert_ptr_equal(hv_wait(g->id, 0), g);
	assert_int_equal(g->arch.ticks, 1);
	assert_int_equal(g->arch.kind, EXIT_IO); /* not what the page says */
	hv_assert_event(hv_exit(g, io(0x60, 1, false, 0)), EVENT_EXIT, COOK);
	assert_int_equal(run->kind, EXIT_IO); /* the record is written anew */
	assert_int_equal(run->reply, 0);
	assert_int_equal(hv_audit(), 0);
}

static void the_service_vms_own_faults_are_ours(void **state)
{
	static const enum exit_kind kind[] = {
		EXIT_IO,     EXIT_IO_STRING, EXIT_MMIO, EXIT_SYSREG,	   EXIT_HALT,
		EXIT_EXTINT, EXIT_EOI,	     EXIT_SIPI, EXIT_ENTRY_FAILED, EXIT_SHUTDOWN
	};

	hv_assert_event(hv_exit(g, io(0x60, 1, false, 0)), EVENT_EXIT, COOK);
	for (unsigned i = 0; i < ARRAY_SIZE(kind); i++) {
		struct exit x = { .kind = kind[i] };

		if (kind[i] == EXIT_ENTRY_FAILED || kind[i] == EXIT_SHUTDOWN)
			x.fault.what = "";
		expect_assert_failure(exit_dispatch(c->service, &x));
	}
}

static void kinds_that_the_architecture_answers_do_not_arrive(void **state)
{
	expect_assert_failure(exit_dispatch(g, &(struct exit){ .kind = EXIT_CPUID }));
	expect_assert_failure(exit_dispatch(g, &(struct exit){ .kind = EXIT_COUNT }));
}

static void bell(u64 port, u64 flags, u64 match, u64 cookie)
{
	assert_int_equal(hv_call(HV_VM_DOORBELL, vm, port, flags | DOORBELL_PORT, match, cookie), OK);
}

static void a_doorbell_lets_the_guest_go_on_and_rings_once(void **state)
{
	hv_assert_event(hv_exit(g, io(0x60, 1, false, 0)), EVENT_EXIT, COOK);
	bell(0x500, 0, 0, 0xbe11);
	assert_ptr_equal(hv_wait(g->id, 0), g);
	g->arch.pc = 0x100;
	for (unsigned i = 0; i < 3; i++)
		assert_ptr_equal(hv_exit(g, io(0x500, 2, true, i)), g);
	assert_int_equal(g->arch.pc, 0x106);
	assert_true(host_timer <= host_counter + HOST_HZ / 1000); /* and is told soon though the guest goes on */
	host_counter = host_timer;
	hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_IRQ }), EVENT_DOORBELL, 0xbe11);
	assert_ptr_equal(hv_wait(0, 0), g);
	assert_int_equal(host_timer, ~0UL);
	hv_assert_event(hv_exit(g, io(0x500, 2, false, 0)), EVENT_EXIT, COOK); /* a read is no ring */
}

/* It rings, halts, is served and wakes by the interrupt that comes of that. */
static void ring_and_halt(void)
{
	assert_ptr_equal(hv_exit(g, io(0x500, 2, true, 0)), g);
	hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_HALT }), EVENT_DOORBELL, 0xbe11);
	assert_int_equal(hv_call(HV_VM_IRQ, vm, 0, 3, 0, 0), OK);
	assert_ptr_equal(hv_wait(0, 0), g);
	g->arch.irqs = 0;
}

static void who_waits_for_its_doorbell_is_served_at_once(void **state)
{
	hv_assert_event(hv_exit(g, io(0x60, 1, false, 0)), EVENT_EXIT, COOK);
	bell(0x500, 0, 0, 0xbe11);
	assert_ptr_equal(hv_wait(g->id, 0), g);
	for (unsigned round = 0; round < 3; round++) {
		ring_and_halt();
		g->arch.pc = 0x100;
		for (unsigned i = 0; i < 15; i++) { /* nothing is armed, the guest is behind its instruction */
			hv_assert_event(hv_exit(g, io(0x500, 2, true, i)), EVENT_DOORBELL, 0xbe11);
			assert_int_equal(host_timer, ~0UL);
			assert_ptr_equal(hv_wait(0, 0), g);
		}
		assert_int_equal(g->arch.pc, 0x100 + 15 * 2);
		/* Now and then it waits, for the guest to show whether it still halts. */
	}
	assert_ptr_equal(hv_exit(g, io(0x500, 2, true, 0)), g);
	host_counter = host_timer;
	hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_IRQ }), EVENT_DOORBELL, 0xbe11);
	assert_ptr_equal(hv_wait(0, 0), g);
	for (unsigned i = 0; i < 15; i++) /* it has gone on: not any more */
		assert_ptr_equal(hv_exit(g, io(0x500, 2, true, i)), g);
}

static void a_doorbell_matches_size_and_value(void **state)
{
	hv_assert_event(hv_exit(g, io(0x60, 1, false, 0)), EVENT_EXIT, COOK);
	bell(0x500, DOORBELL_SIZE(2) | DOORBELL_MATCH, 5, 1);
	bell(0x500, DOORBELL_SIZE(4), 0, 2);
	assert_ptr_equal(hv_wait(g->id, 0), g);
	assert_ptr_equal(hv_exit(g, io(0x500, 2, true, 5)), g);
	assert_ptr_equal(hv_exit(g, io(0x500, 4, true, 9)), g);
	assert_true(vm_get(vm)->bell[0].rung && vm_get(vm)->bell[1].rung);
	/* Others are exits; and an exit goes before doorbells. */
	hv_assert_event(hv_exit(g, io(0x500, 2, true, 6)), EVENT_EXIT, COOK);
	hv_assert_event(hv_wait(0, 0), EVENT_DOORBELL, 1);
	hv_assert_event(hv_wait(g->id, 0), EVENT_DOORBELL, 2);
	assert_ptr_equal(hv_wait(0, 0), g);
	hv_assert_event(hv_exit(g, io(0x500, 1, true, 5)), EVENT_EXIT, COOK);
	assert_ptr_equal(hv_wait(g->id, 0), g);
	hv_assert_event(hv_exit(g, io(0x501, 2, true, 5)), EVENT_EXIT, COOK);
}

/* What a CPU tells that decodes the access. */
static struct exit mmio(u64 gpa, u32 access, u8 size, u64 data)
{
	return (struct exit){ .kind = EXIT_MMIO,
			      .next_pc = g->arch.pc + 4,
			      .data = data,
			      .mmio = { .gpa = gpa, .gva = ~0UL, .insn_gpa = 0x1234, .access = access, .size = size } };
}

#define BELL 0x10000050UL

static void bells_in_memory(void)
{
	host_features |= HV_FEATURE_DOORBELL_MEM;
	hv_assert_event(hv_exit(g, io(0x60, 1, false, 0)), EVENT_EXIT, COOK);
	assert_int_equal(hv_call(HV_VM_DOORBELL, vm, BELL, DOORBELL_SIZE(2) | DOORBELL_MATCH, 5, 0xbe11), OK);
	assert_int_equal(hv_call(HV_VM_DOORBELL, vm, BELL + 8, 0, 0, 0xbe12), OK);
	bell(0x500, 0, 0, 0xbe13);
	assert_ptr_equal(hv_wait(g->id, 0), g);
	g->arch.pc = 0x100;
}

static void a_doorbell_in_memory_lets_the_guest_go_on(void **state)
{
	bells_in_memory();
	assert_ptr_equal(hv_exit(g, mmio(BELL, MAP_W, 2, 5)), g);
	assert_int_equal(g->arch.pc, 0x104);
	assert_int_equal(g->arch.exports, 0);
	for (u8 size = 1; size <= 8; size *= 2)
		assert_ptr_equal(hv_exit(g, mmio(BELL + 8, MAP_W, size, size)), g);
	assert_int_equal(g->arch.pc, 0x114);
	assert_int_equal(g->state, VCPU_READY);
	host_counter = host_timer;
	hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_IRQ }), EVENT_DOORBELL, 0xbe11);
	hv_assert_event(hv_wait(0, 0), EVENT_DOORBELL, 0xbe12);
	assert_ptr_equal(hv_wait(0, 0), g);
}

static void what_rings_no_doorbell_in_memory_is_the_service_vms(void **state)
{
	const struct exit other[] = {
		mmio(BELL, MAP_W, 4, 5),	       /* size  */
		mmio(BELL, MAP_W, 2, 6),	       /* value */
		mmio(BELL, MAP_W, 2, 0x10005),	       /* value, beyond its size: not this one's to cut */
		mmio(BELL, MAP_R, 2, 5),	       /* a read */
		mmio(BELL + 8, MAP_X, 4, 0),	       /* a fetch */
		mmio(BELL + 8, MAP_W, 0, 0),	       /* not decoded */
		mmio(BELL + 9, MAP_W, 1, 0),	       /* beside it */
		mmio(0x500, MAP_W, 2, 0),	       /* a port's number */
		mmio(BELL + (1UL << 32), MAP_W, 2, 5), /* its low half is one */
	};

	bells_in_memory();
	for (unsigned i = 0; i < ARRAY_SIZE(other); i++) {
		hv_assert_event(hv_exit(g, other[i]), EVENT_EXIT, COOK);
		assert_int_equal(hv_run(g)->u.mmio.gpa, other[i].mmio.gpa);
		assert_int_equal(hv_run(g)->u.mmio.access, other[i].mmio.access);
		assert_int_equal(hv_run(g)->u.mmio.size, other[i].mmio.size);
		if (!other[i].mmio.size)
			assert_int_equal(hv_run(g)->u.mmio.insn_gpa, 0x1234);
		assert_int_equal(hv_run(g)->data, other[i].data);
		assert_int_equal(g->arch.pc, 0x100);
		assert_ptr_equal(hv_wait(g->id, 0), g);
	}
	/* A port's doorbell is none in memory, nor the other way. */
	hv_assert_event(hv_exit(g, io((u16)BELL + 8, 1, true, 0)), EVENT_EXIT, COOK);
	assert_true(list_empty(&c->doorbells));
}

static void a_doorbell_in_memory_that_is_removed_rings_no_more(void **state)
{
	bells_in_memory();
	assert_ptr_equal(hv_exit(g, mmio(BELL + 8, MAP_W, 4, 0)), g);
	hv_assert_event(hv_exit(g, io(0x60, 1, false, 0)), EVENT_EXIT, COOK);
	assert_int_equal(hv_call(HV_VM_DOORBELL, vm, BELL + 8, DOORBELL_REMOVE, 0, 0), OK);
	assert_ptr_equal(hv_wait(g->id, 0), g); /* not even what had been rung */
	hv_assert_event(hv_exit(g, mmio(BELL + 8, MAP_W, 4, 0)), EVENT_EXIT, COOK);
	assert_int_equal(hv_run(g)->kind, EXIT_MMIO);
}

static void events_come_in_their_order(void **state)
{
	struct vcpu *h;

	hv_assert_event(hv_exit(g, io(0x60, 1, false, 0)), EVENT_EXIT, COOK);
	h = hv_make_vcpu(vm, RUN + PAGE_SIZE, 0x5ec, 1);
	bell(0x500, 0, 0, 0xbe11);
	assert_int_equal(hv_call(HV_IRQ_ATTACH, 40, 0, 0x140, 0, 0), OK);
	assert_int_equal(hv_call(HV_IRQ_ATTACH, 5, 0, 0x105, 0, 0), OK);
	assert_int_equal(hv_call(HV_VCPU_RUN, h->id, 0, 0, 0, 0), OK);
	assert_int_equal(hv_call(HV_VCPU_RUN, g->id, 0, 0, 0, 0), OK);
	doorbell_ring(&vm_get(vm)->bell[0], g);
	assert_int_equal(hv_call(HV_VCPU_STOP, h->id, 0, 0, 0, 0), OK);
	assert_int_equal(hv_call(HV_VCPU_STOP, g->id, 0, 0, 0, 0), OK);
	assert_int_equal(hv_call(HV_TIMER_SET, host_counter, 0, 0, 0, 0), OK);
	sched_timers(c);
	host_raise(40);
	host_raise(5);
	host_raise(5);
	hv_assert_event(hv_wait(0, 0), EVENT_IRQ, 0x105);
	assert_int_equal(hv_out[2], 5);
	hv_assert_event(hv_wait(0, 0), EVENT_IRQ, 0x140);
	hv_assert_event(hv_wait(0, 0), EVENT_TIMER, 0);
	hv_assert_event(hv_wait(0, 0), EVENT_EXIT, 0x5ec); /* first stopped, first told */
	hv_assert_event(hv_wait(0, 0), EVENT_EXIT, COOK);
	hv_assert_event(hv_wait(0, 0), EVENT_DOORBELL, 0xbe11);
	assert_ptr_equal(hv_wait(0, WAIT_POLL), c->service);
	assert_int_equal(hv_out[0], EVENT_NONE);
}

static void a_halted_guest_sleeps_until_its_timer(void **state)
{
	g->arch.deadline = host_counter + 5000;
	assert_ptr_equal(hv_exit(g, (struct exit){ .kind = EXIT_HALT, .next_pc = 1 }), g);
	assert_int_equal(host_idles, 1);
	assert_int_equal(host_counter, 6000);
	assert_int_equal(g->arch.ticks, 1);
	assert_int_equal(g->arch.pc, 1);
	assert_int_equal(g->state, VCPU_READY);
	/* With an interrupt pending it does not sleep at all. */
	assert_ptr_equal(hv_exit(g, (struct exit){ .kind = EXIT_HALT }), g);
	assert_int_equal(host_idles, 1);
}

static void a_halted_guest_wakes_by_the_service_vms_interrupt(void **state)
{
	hv_assert_event(hv_exit(g, io(0x60, 1, false, 0)), EVENT_EXIT, COOK);
	assert_int_equal(hv_call(HV_IRQ_ATTACH, 40, 0, 1, 0, 0), OK);
	assert_ptr_equal(hv_wait(g->id, 0), g);
	host_idle_gsi = 40;
	hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_HALT }), EVENT_IRQ, 1);
	assert_int_equal(g->state, VCPU_HALTED);
	assert_int_equal(hv_call(HV_VM_IRQ, vm, 5, 3, 0, 0), OK); /* for another */
	assert_int_equal(g->state, VCPU_HALTED);
	assert_int_equal(hv_call(HV_VM_IRQ, vm, 0, 3, 0, 0), OK);
	assert_int_equal(g->state, VCPU_READY);
	assert_ptr_equal(hv_wait(0, 0), g);
}

static void a_halted_guest_wakes_by_a_line(void **state)
{
	host_features |= HV_FEATURE_LINES;
	hv_assert_event(hv_exit(g, io(0x60, 1, false, 0)), EVENT_EXIT, COOK);
	assert_int_equal(hv_call(HV_TIMER_SET, host_counter + 9, 0, 0, 0, 0), OK);
	assert_ptr_equal(hv_wait(g->id, 0), g);
	hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_HALT }), EVENT_TIMER, 0);
	assert_int_equal(g->state, VCPU_HALTED);
	assert_int_equal(hv_call(HV_VM_LINE, vm, 64, 1, 0, 0), OK); /* another's */
	assert_int_equal(hv_call(HV_VM_LINE, vm, 3, 0, 0, 0), OK);  /* low */
	assert_int_equal(g->state, VCPU_HALTED);
	g->arch.irqs_off = true;
	assert_int_equal(hv_call(HV_VM_LINE, vm, 3, 1, 0, 0), OK);
	assert_int_equal(g->state, VCPU_HALTED); /* the architecture says that it is not awake */
	g->arch.irqs_off = false;
	assert_int_equal(hv_call(HV_VM_LINE, vm, 3, 1, 0, 0), OK);
	assert_int_equal(g->state, VCPU_READY);
	assert_ptr_equal(hv_wait(0, 0), g);
}

static void a_halt_that_nothing_can_end_is_a_shutdown(void **state)
{
	g->arch.irqs_off = true;
	hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_HALT, .next_pc = 1 }), EVENT_EXIT, COOK);
	assert_int_equal(hv_run(g)->kind, EXIT_SHUTDOWN);
	assert_string_equal(hv_run(g)->u.fault.what, "halted with interrupts off");
}

static void with_a_second_vcpu_such_a_halt_is_no_shutdown(void **state)
{
	hv_assert_event(hv_exit(g, io(0x60, 1, false, 0)), EVENT_EXIT, COOK);
	(void)hv_make_vcpu(vm, RUN + PAGE_SIZE, 0, 1);
	assert_int_equal(hv_call(HV_TIMER_SET, host_counter + 9, 0, 0, 0, 0), OK);
	assert_ptr_equal(hv_wait(g->id, 0), g);
	g->arch.irqs_off = true;
	hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_HALT }), EVENT_TIMER, 0);
	assert_int_equal(g->state, VCPU_HALTED);
}

static void a_halt_of_the_last_live_vcpu_is_a_shutdown(void **state)
{
	struct vcpu *other;

	hv_assert_event(hv_exit(g, io(0x60, 1, false, 0)), EVENT_EXIT, COOK);
	other = hv_make_vcpu(vm, RUN + PAGE_SIZE, COOK + 1, 1);
	hv_run(other)->reply = REPLY_HALT; /* it waits to be started */
	other->arch.irqs_off = true;
	assert_int_equal(hv_call(HV_VCPU_RUN, other->id, 0, 0, 0, 0), OK);
	assert_int_equal(other->state, VCPU_HALTED);
	assert_ptr_equal(hv_wait(g->id, 0), g);
	g->arch.irqs_off = true;
	hv_assert_event(hv_exit(g, (struct exit){ .kind = EXIT_HALT }), EVENT_EXIT, COOK);
	assert_int_equal(hv_run(g)->kind, EXIT_SHUTDOWN);
}

static void a_kick_wakes_a_halted_vcpu_and_a_spin_lets_it_run(void **state)
{
	struct vcpu *other;

	hv_assert_event(hv_exit(g, io(0x60, 1, false, 0)), EVENT_EXIT, COOK);
	other = hv_make_vcpu(vm, RUN + PAGE_SIZE, COOK + 1, 1);
	hv_run(other)->reply = REPLY_HALT;
	assert_int_equal(hv_call(HV_VCPU_RUN, other->id, 0, 0, 0, 0), OK);
	assert_ptr_equal(hv_wait(g->id, 0), g);
	assert_false(g->arch.crowded);
	vcpu_kicked(&other->arch); /* for nothing */
	assert_int_equal(other->state, VCPU_HALTED);
	other->arch.irqs = 8;
	vcpu_kicked(&other->arch);
	assert_int_equal(other->state, VCPU_READY);
	assert_true(g->arch.crowded);
	assert_ptr_equal(hv_exit(g, (struct exit){ .kind = EXIT_PAUSE, .next_pc = 77 }), other);
	assert_int_equal(g->arch.pc, 77);
	assert_true(other->arch.crowded);
	hv_assert_event(hv_exit(other, (struct exit){ .kind = EXIT_SHUTDOWN, .fault.what = "" }), EVENT_EXIT, COOK + 1);
	assert_ptr_equal(hv_wait(0, 0), g);
	assert_ptr_equal(hv_exit(g, (struct exit){ .kind = EXIT_PAUSE }), g);
	assert_false(g->arch.crowded);
}

static void a_reply_with_halt_sleeps_unless_an_interrupt_pends(void **state)
{
	hv_assert_event(hv_exit(g, io(0x60, 1, false, 0)), EVENT_EXIT, COOK);
	hv_run(g)->reply = REPLY_HALT | REPLY_SKIP;
	g->arch.irqs = 4;
	assert_ptr_equal(hv_wait(g->id, 0), g);
	g->arch.irqs = 0;
	hv_assert_event(hv_exit(g, io(0x60, 1, false, 0)), EVENT_EXIT, COOK);
	assert_int_equal(hv_call(HV_TIMER_SET, host_counter + 50, 0, 0, 0, 0), OK);
	hv_run(g)->reply = REPLY_HALT;
	hv_assert_event(hv_wait(g->id, 0), EVENT_TIMER, 0);
	assert_int_equal(g->state, VCPU_HALTED);
	assert_null(c->current);
	assert_int_equal(hv_call(HV_VCPU_EXTINT, g->id, 1, 0, 0, 0), OK);
	assert_ptr_equal(hv_wait(0, 0), g);
}

static void stop_ends_any_state_with_an_event(void **state)
{
	hv_assert_event(hv_exit(g, io(0x60, 1, false, 0)), EVENT_EXIT, COOK);
	assert_int_equal(hv_call(HV_VCPU_RUN, g->id, 0, 0, 0, 0), OK);
	assert_int_equal(hv_call(HV_VCPU_STOP, g->id, 0, 0, 0, 0), OK); /* it was the present guest */
	hv_assert_event(hv_wait(0, 0), EVENT_EXIT, COOK);
	assert_int_equal(hv_run(g)->kind, EXIT_STOPPED);
	assert_int_equal(g->exits[EXIT_STOPPED], 1);
	hv_run(g)->reply = REPLY_HALT;
	assert_int_equal(hv_call(HV_VCPU_RUN, g->id, 0, 0, 0, 0), OK);
	assert_int_equal(g->state, VCPU_HALTED);
	assert_int_equal(hv_call(HV_VCPU_STOP, g->id, 0, 0, 0, 0), OK);
	hv_assert_event(hv_wait(0, 0), EVENT_EXIT, COOK);
	/* A stopped vCPU is not woken by interrupts. */
	assert_int_equal(hv_call(HV_VM_IRQ, vm, 0, 3, 0, 0), OK);
	assert_int_equal(g->state, VCPU_STOPPED);
	assert_ptr_equal(hv_wait(g->id, 0), g);
}

static void a_reply_to_another_than_the_present_guest_works_too(void **state)
{
	struct vcpu *h;

	hv_assert_event(hv_exit(g, io(0x60, 1, false, 0)), EVENT_EXIT, COOK);
	h = hv_make_vcpu(vm, RUN + PAGE_SIZE, 0x5ec, 1);
	assert_ptr_equal(hv_wait(h->id, 0), h);
	assert_ptr_equal(c->current, h);
	hv_assert_event(hv_exit(h, io(0x61, 1, false, 0)), EVENT_EXIT, 0x5ec);
	assert_ptr_equal(hv_wait(g->id, 0), g);
	hv_assert_event(hv_exit(g, io(0x62, 1, false, 0)), EVENT_EXIT, COOK);
	assert_ptr_equal(hv_wait(h->id, 0), h);
	assert_int_equal(hv_run(g)->u.io.port, 0x62);
}

#define T(f) cmocka_unit_test_setup_teardown(f, on, off)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_exit_switches_straight_to_the_service_vm_and_back),
		T(each_exit_has_its_record),
		T(exits_that_ask_for_nothing_go_on),
		T(the_run_page_is_never_believed),
		T(the_service_vms_own_faults_are_ours),
		T(kinds_that_the_architecture_answers_do_not_arrive),
		T(a_doorbell_lets_the_guest_go_on_and_rings_once),
		T(who_waits_for_its_doorbell_is_served_at_once),
		T(a_doorbell_matches_size_and_value),
		T(a_doorbell_in_memory_lets_the_guest_go_on),
		T(what_rings_no_doorbell_in_memory_is_the_service_vms),
		T(a_doorbell_in_memory_that_is_removed_rings_no_more),
		T(events_come_in_their_order),
		T(a_halted_guest_sleeps_until_its_timer),
		T(a_halted_guest_wakes_by_the_service_vms_interrupt),
		T(a_halted_guest_wakes_by_a_line),
		T(a_halt_that_nothing_can_end_is_a_shutdown),
		T(a_halt_of_the_last_live_vcpu_is_a_shutdown),
		T(a_kick_wakes_a_halted_vcpu_and_a_spin_lets_it_run),
		T(with_a_second_vcpu_such_a_halt_is_no_shutdown),
		T(a_reply_with_halt_sleeps_unless_an_interrupt_pends),
		T(stop_ends_any_state_with_an_event),
		T(a_reply_to_another_than_the_present_guest_works_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
