/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_rt_loop.c: the event loop against a scripted hypervisor.
 * LINK: guest/vmm/loop.c guest/vmm/stop.c guest/rt/timer.c guest/rt/work.c
 */
#include "guest/vmm/loop.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "guest/rt/sys.h"
#include "guest/vmm/virtio.h"

static unsigned nkick;

struct rt_cpu *rt_cpu(unsigned n)
{
	return &fake_cpus[n];
}

void cpu_kick(unsigned n)
{
	nkick++;
}

void rt_stack_check(void)
{
}

void bus_init(struct bus *b)
{
}

static u64 now;
static struct hv_result answer; /* to the next REPLY_WAIT */
static status_t stop_answer;	/* of VCPU_STOP */
static u64 waited_for, waited_flags, timer_at;
static unsigned nwait, ntimer, nstop, nrun, nexit, nbell, nirq, nstopped, nfired;
static struct vm vm;
static struct run_page page[2];
static enum { HANDLE_REPLY, HANDLE_STOP } handling;

void panic(const char *fmt, ...)
{
	mock_assert(0, "panic", __FILE__, __LINE__);
	abort();
}

u64 time_ns(void)
{
	return now;
}

u64 time_to_counter(u64 ns)
{
	return ns + 1000;
}

struct hv_result hv_call(enum hypercall nr, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	struct hv_result ok = { OK, 0, 0, 0 }, r = answer;

	switch (nr) {
	case HV_REPLY_WAIT:
		nwait++;
		waited_for = a;
		waited_flags = b;
		answer = ok; /* EVENT_NONE */
		return r;
	case HV_TIMER_SET:
		ntimer++;
		timer_at = a;
		break;
	case HV_VCPU_STOP:
		nstop++;
		ok.status = stop_answer;
		break;
	case HV_VCPU_RUN: nrun++; break;
	default: fail();
	}
	return ok;
}

struct hv_event hv_reply_wait(u32 vcpu, u64 flags)
{
	struct hv_result r = hv_call(HV_REPLY_WAIT, vcpu, flags, 0, 0, 0);

	return (struct hv_event){ r.status, (u32)r.a, r.b };
}

void vq_doorbell(struct vq *q)
{
	nbell++;
}

void exit_dispatch(struct vcpu *v)
{
	nexit++;
	if (handling == HANDLE_STOP)
		vm_stop(v->vm, STOP_CRASH, "because of %d", 7);
}

static void on_stopped(struct vm *v)
{
	nstopped++;
}

static void on_irq(struct irq_handler *h)
{
	nirq++;
}

static void on_timer(struct timer *t)
{
	nfired++;
}

static void comes(enum event_kind kind, void *cookie)
{
	answer = (struct hv_result){ OK, kind, (uintptr_t)cookie, 0 };
}

static int setup(void **state)
{
	fake_cpus_reset();
	memset(&vm, 0, sizeof(vm));
	vm_init(&vm);
	vm_running(&vm);
	stop_answer = OK;
	vm.stopped = on_stopped;
	vm.nvcpus = 2;
	for (unsigned i = 0; i < 2; i++) {
		vm.vcpu[i].vm = &vm;
		vm.vcpu[i].id = i + 5;
		vm.vcpu[i].run = &page[i];
		page[i].kind = EXIT_IO;
		assert_int_equal(vm_start(&vm.vcpu[i]), OK);
	}
	nkick = nwait = ntimer = nstop = nrun = nexit = nbell = nirq = nstopped = nfired = 0;
	handling = HANDLE_REPLY;
	answer = (struct hv_result){ OK, 0, 0, 0 };
	return 0;
}

/* The event that vCPU @i was stopped comes. */
static void is_out(unsigned i)
{
	page[i].kind = EXIT_STOPPED;
	comes(EVENT_EXIT, &vm.vcpu[i]);
	assert_null(loop_step(NULL));
}

static void the_reply_goes_with_the_next_wait(void **state)
{
	struct vcpu *v;

	comes(EVENT_EXIT, &vm.vcpu[0]);
	v = loop_step(NULL);
	assert_ptr_equal(v, &vm.vcpu[0]);
	assert_int_equal(waited_for, 0);
	assert_int_equal(nexit, 1);
	assert_int_equal(v->exits[EXIT_IO], 1);
	assert_int_equal(v->at, VCPU_SERVED);
	assert_null(loop_step(v));
	assert_int_equal(waited_for, 5);
	assert_int_equal(v->at, VCPU_IN);
	assert_int_equal(nwait, 2);
}

static void each_event_reaches_its_handler(void **state)
{
	struct irq_handler h = { .fn = on_irq };
	struct vq q;

	comes(EVENT_IRQ, &h);
	assert_null(loop_step(NULL));
	comes(EVENT_DOORBELL, &q);
	assert_null(loop_step(NULL));
	assert_int_equal(nirq, 1);
	assert_int_equal(nbell, 1);
}

static void the_timer_is_programmed_only_when_it_moves_forward(void **state)
{
	struct timer a, b;

	timer_init(&a, on_timer, NULL);
	timer_init(&b, on_timer, NULL);
	timer_set(&a, 500);
	(void)loop_step(NULL);
	assert_int_equal(timer_at, 1500);
	timer_set(&b, 800);
	(void)loop_step(NULL);
	assert_int_equal(ntimer, 1);
	now = 600;
	comes(EVENT_TIMER, NULL);
	(void)loop_step(NULL);
	(void)loop_step(NULL);
	assert_int_equal(nfired, 1);
	assert_int_equal(timer_at, 1800);
	timer_set(&b, 10); /* past: runs at once */
	(void)loop_step(NULL);
	assert_int_equal(nfired, 2);
	comes(EVENT_TIMER, NULL);
	(void)loop_step(NULL);
}

static void requeue(struct work *w)
{
	work_queue(w);
}

static void nothing(struct work *w)
{
}

static void with_work_pending_it_does_not_wait(void **state)
{
	struct work w;

	work_init(&w, requeue);
	work_queue(&w);
	(void)loop_step(NULL);
	assert_int_equal(waited_flags, WAIT_POLL);
	w.fn = nothing;
	(void)loop_step(NULL);
	assert_int_equal(waited_flags, 0);
}

static void a_stopped_vm_gets_no_reply_and_is_told_of_when_all_are_out(void **state)
{
	struct vcpu *v;

	handling = HANDLE_STOP;
	comes(EVENT_EXIT, &vm.vcpu[0]);
	v = loop_step(NULL);
	assert_int_equal(nstop, 1); /* the other one */
	(void)loop_step(v);
	assert_int_equal(waited_for, 0);
	assert_int_equal(nstopped, 0);
	page[1].kind = EXIT_STOPPED;
	comes(EVENT_EXIT, &vm.vcpu[1]);
	v = loop_step(NULL);
	assert_int_equal(nexit, 1);
	(void)loop_step(v);
	assert_int_equal(waited_for, 0);
	assert_int_equal(nstopped, 1);
	assert_string_equal(vm.stop_why, "because of 7");
	comes(EVENT_EXIT, &vm.vcpu[1]); /* a stray one */
	(void)loop_step(loop_step(NULL));
	assert_int_equal(nstopped, 1);
}

static void the_first_reason_to_stop_counts(void **state)
{
	vm_stop(&vm, STOP_RESET, "first");
	vm_stop(&vm, STOP_CRASH, "second");
	assert_string_equal(vm.stop_why, "first");
	assert_int_equal(vm.stop_how, STOP_RESET);
	is_out(0);
	is_out(1);
	work_run();
	assert_int_equal(nstopped, 1);
}

static void a_refused_reply_stops_that_vm_only(void **state)
{
	struct vcpu *v;

	comes(EVENT_EXIT, &vm.vcpu[0]);
	v = loop_step(NULL);
	answer = (struct hv_result){ ERR_INVAL, 0, 0, 0 };
	assert_null(loop_step(v));
	assert_int_equal(vm.state, VM_CRASHED);
	is_out(1);
	work_run();
	assert_int_equal(nstopped, 1);
}

/* One vCPU's exit is on its way when the VM is paused, the other is stopped, halted. */
static void a_paused_vm_goes_on_where_it_was(void **state)
{
	assert_true(vm_pause(&vm));
	assert_false(vm_pause(&vm));
	assert_int_equal(nstop, 2);
	comes(EVENT_EXIT, &vm.vcpu[0]);
	(void)loop_step(loop_step(NULL));
	page[1].kind = EXIT_STOPPED;
	page[1].data = 1;
	comes(EVENT_EXIT, &vm.vcpu[1]);
	(void)loop_step(loop_step(NULL));
	assert_int_equal(waited_for, 0);
	assert_int_equal(nexit, 0);
	assert_int_equal(nstopped, 0);
	assert_true(vm_resume(&vm));
	assert_false(vm_resume(&vm));
	work_run();
	assert_int_equal(nexit, 1);
	assert_int_equal(nrun, 2);
	assert_int_equal(page[1].reply, REPLY_HALT);
	assert_true(vm.vcpu[0].at == VCPU_IN && vm.vcpu[1].at == VCPU_IN);
}

static void a_reply_that_a_pause_has_stopped_is_given_later(void **state)
{
	struct vcpu *v;

	comes(EVENT_EXIT, &vm.vcpu[0]);
	v = loop_step(NULL);
	assert_true(vm_pause(&vm)); /* as a command or a timer between exit and reply does */
	(void)loop_step(v);
	assert_int_equal(waited_for, 0);
	assert_true(vm_resume(&vm));
	work_run();
	assert_int_equal(nexit, 1);
	assert_int_equal(nrun, 1);
}

/* The event that it was stopped comes after it was to go on. */
static void a_pause_may_end_before_all_have_heard_of_it(void **state)
{
	struct vcpu *v;

	assert_true(vm_pause(&vm));
	assert_true(vm_resume(&vm));
	assert_int_equal(nrun, 0);
	page[1].kind = EXIT_STOPPED;
	page[1].data = 0;
	comes(EVENT_EXIT, &vm.vcpu[1]);
	v = loop_step(NULL);
	assert_int_equal(nexit, 0);
	assert_int_equal(page[1].reply, 0);
	(void)loop_step(v);
	assert_int_equal(waited_for, vm.vcpu[1].id);
}

static void is_stopped_by(struct vm *v)
{
	vm_stop(v, STOP_CRASH, "gone");
	is_out(0);
	is_out(1);
	work_run();
}

static void a_paused_vm_can_be_stopped(void **state)
{
	assert_true(vm_pause(&vm));
	comes(EVENT_EXIT, &vm.vcpu[0]);
	(void)loop_step(loop_step(NULL));
	vm_stop(&vm, STOP_POWEROFF, "told so");
	assert_false(vm_resume(&vm));
	page[1].kind = EXIT_STOPPED;
	comes(EVENT_EXIT, &vm.vcpu[1]);
	(void)loop_step(loop_step(NULL));
	assert_int_equal(nstopped, 1);
	assert_int_equal(nexit, 0);
	assert_int_equal(nrun, 0);
}

/* CPU 0 serves an exit of vCPU 0 while CPU 1 stops the VM: no reply is given, and it is out only behind the handler. */
static void a_reply_under_way_elsewhere_is_not_given(void **state)
{
	struct vcpu *v;

	comes(EVENT_EXIT, &vm.vcpu[0]);
	v = loop_step(NULL);
	assert_int_equal(v->at, VCPU_SERVED);
	fake_cpu = 1;
	vm_stop(&vm, STOP_POWEROFF, "elsewhere");
	assert_int_equal(nkick, 1); /* the owner lives on CPU 0 */
	is_out(1);
	assert_int_equal(v->at, VCPU_CANCELLED);
	fake_cpu = 0;
	work_run();
	assert_int_equal(nstopped, 0);
	assert_null(loop_step(v));
	assert_int_equal(waited_for, 0);
	assert_int_equal(v->at, VCPU_OUT);
	work_run();
	assert_int_equal(nstopped, 1);
	work_run();
	assert_int_equal(nstopped, 1);
}

/* The reply is on its way when the VM is stopped: the hypervisor knows of no vCPU in the guest yet, and is asked again.
 */
static void a_vcpu_on_its_way_in_is_stopped_later(void **state)
{
	stop_answer = ERR_STATE;
	vm_stop(&vm, STOP_POWEROFF, "now");
	assert_int_equal(nstop, 2);
	assert_true(timer_armed(&vm.chase));
	stop_answer = OK;
	now += 1000000;
	(void)timers_run();
	assert_int_equal(nstop, 4);
	assert_false(timer_armed(&vm.chase));
	is_out(0);
	is_out(1);
	work_run();
	assert_int_equal(nstopped, 1);
}

/* What was held on CPU 1 goes on there. */
static void a_paused_vcpu_goes_on_where_it_was_held(void **state)
{
	assert_true(vm_pause(&vm));
	fake_cpu = 1;
	comes(EVENT_EXIT, &vm.vcpu[1]);
	assert_null(loop_step(NULL));
	assert_int_equal(vm.vcpu[1].at, VCPU_HELD);
	fake_cpu = 0;
	assert_true(vm_resume(&vm));
	work_run();
	assert_int_equal(nexit, 0);
	fake_cpu = 1;
	assert_int_equal(nkick, 1);
	work_run();
	assert_int_equal(nexit, 1);
	assert_int_equal(nrun, 1);
	assert_int_equal(vm.vcpu[1].at, VCPU_IN);
}

static void a_pause_right_behind_a_resume_holds_again(void **state)
{
	assert_true(vm_pause(&vm));
	comes(EVENT_EXIT, &vm.vcpu[0]);
	assert_null(loop_step(NULL));
	assert_true(vm_resume(&vm));
	assert_true(vm_pause(&vm)); /* before the work that resume has queued */
	work_run();
	assert_int_equal(nexit, 0);
	assert_int_equal(vm.vcpu[0].at, VCPU_HELD);
	assert_true(vm_resume(&vm));
	work_run();
	assert_int_equal(nexit, 1);
	assert_int_equal(vm.vcpu[0].at, VCPU_IN);
}

static void a_vcpu_of_a_stopped_vm_is_not_started(void **state)
{
	is_stopped_by(&vm);
	assert_int_equal(vm_start(&vm.vcpu[0]), OK);
	assert_int_equal(nrun, 0);
	assert_int_equal(vm.vcpu[0].at, VCPU_OUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_reply_goes_with_the_next_wait, setup),
		cmocka_unit_test_setup(each_event_reaches_its_handler, setup),
		cmocka_unit_test_setup(the_timer_is_programmed_only_when_it_moves_forward, setup),
		cmocka_unit_test_setup(with_work_pending_it_does_not_wait, setup),
		cmocka_unit_test_setup(a_stopped_vm_gets_no_reply_and_is_told_of_when_all_are_out, setup),
		cmocka_unit_test_setup(the_first_reason_to_stop_counts, setup),
		cmocka_unit_test_setup(a_refused_reply_stops_that_vm_only, setup),
		cmocka_unit_test_setup(a_paused_vm_goes_on_where_it_was, setup),
		cmocka_unit_test_setup(a_reply_that_a_pause_has_stopped_is_given_later, setup),
		cmocka_unit_test_setup(a_pause_may_end_before_all_have_heard_of_it, setup),
		cmocka_unit_test_setup(a_paused_vm_can_be_stopped, setup),
		cmocka_unit_test_setup(a_reply_under_way_elsewhere_is_not_given, setup),
		cmocka_unit_test_setup(a_vcpu_on_its_way_in_is_stopped_later, setup),
		cmocka_unit_test_setup(a_paused_vcpu_goes_on_where_it_was_held, setup),
		cmocka_unit_test_setup(a_pause_right_behind_a_resume_holds_again, setup),
		cmocka_unit_test_setup(a_vcpu_of_a_stopped_vm_is_not_started, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
