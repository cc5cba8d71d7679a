/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/loop.c: the event loop of the service VM: one hypercall replies to the last exit and waits for the next. */
#include "guest/vmm/loop.h"
#include "guest/rt/sys.h"
#include "guest/vmm/virtio.h"

static u64 loop_armed = ~0ULL; /* time_ns() that the hypervisor's timer stands at, ~0: off */

/* The hypervisor's timer is moved only to an earlier time: one that comes too early costs less than each move. */
static void loop_arm(void)
{
	u64 next = timers_next();

	if (next >= loop_armed)
		return;
	loop_armed = next;
	if (hv_call(HV_TIMER_SET, time_to_counter(next), 0, 0, 0, 0).status != OK)
		panic("the hypervisor refused a timer");
}

static NOINLINE bool loop_own_work_now(void)
{
	bool more = false;

	if (unlikely(timers_next() < loop_armed))
		more = timers_run();
	if (work_pending())
		work_run();
	loop_arm();
	return more || work_pending();
}

/* Timers that are due and queued work; true: there is more. Most exits leave neither. */
static bool loop_own_work(void)
{
	if (likely(timers_next() >= loop_armed && !work_pending()))
		return false;
	return loop_own_work_now();
}

/* The exit in @v's run page. Of one that was stopped there is nothing to serve: it goes on, or sleeps on. */
static void loop_serve(struct vcpu *v)
{
	v->owed = true;
	if (unlikely(v->run->kind == EXIT_STOPPED))
		v->run->reply = v->run->data ? REPLY_HALT : 0;
	else
		exit_dispatch(v);
}

static void loop_exit(struct vcpu *v)
{
	u32 kind = v->run->kind;

	v->in_guest = false;
	if (likely(kind < EXIT_COUNT))
		v->exits[kind]++;
	if (unlikely(v->vm->state != VM_RUNNING)) {
		if (v->vm->state == VM_PAUSED)
			v->held = HELD_EXIT;
		else
			work_queue(&v->vm->stop_work); /* perhaps it was the last one out */
		return;
	}
	loop_serve(v);
}

static void loop_refused(struct vcpu *v, status_t status)
{
	if (v == NULL)
		panic("reply_wait: status %d", (int)status);
	v->in_guest = false;
	vm_stop(v->vm, STOP_CRASH, "the hypervisor refused the reply to exit %u: status %d", v->run->kind, (int)status);
}

struct vcpu *loop_step(struct vcpu *v)
{
	bool more = loop_own_work();
	struct hv_event ev;

	/* What ran just now may have stopped this VM. */
	if (v != NULL && !v->owed)
		v = NULL;
	if (v != NULL) {
		v->owed = false;
		v->in_guest = true;
	}
	ev = hv_reply_wait(v != NULL ? v->id : 0, more ? WAIT_POLL : 0);
	if (unlikely(ev.status != OK)) {
		loop_refused(v, ev.status);
		return NULL;
	}
	if (likely(ev.kind == EVENT_EXIT)) {
		v = (struct vcpu *)(uintptr_t)ev.cookie;
		loop_exit(v);
		return v;
	}
	switch (ev.kind) {
	case EVENT_DOORBELL: vq_doorbell((struct vq *)(uintptr_t)ev.cookie); break;
	case EVENT_IRQ: {
		struct irq_handler *h = (struct irq_handler *)(uintptr_t)ev.cookie;

		h->fn(h);
		break;
	}
	case EVENT_TIMER:
		loop_armed = ~0ULL; /* loop_own_work looks at the list and sets it again */
		break;
	default: break;
	}
	return NULL;
}

void loop_run(void)
{
	struct vcpu *v = NULL;

	for (;;)
		v = loop_step(v);
}

status_t loop_vcpu_run(struct vcpu *v)
{
	status_t s = hv_call(HV_VCPU_RUN, v->id, 0, 0, 0, 0).status;

	if (s == OK)
		v->in_guest = true;
	return s;
}

bool vm_resume(struct vm *vm)
{
	if (vm->state != VM_PAUSED)
		return false;
	vm->state = VM_RUNNING;
	for (unsigned i = 0; i < vm->nvcpus && vm->state == VM_RUNNING; i++) {
		struct vcpu *v = &vm->vcpu[i];
		enum vcpu_held held = v->held;
		status_t s;

		v->held = HELD_NOT; /* still in the guest: the event that it was stopped is yet to come, and served then
				     */
		if (held == HELD_NOT)
			continue;
		if (held == HELD_EXIT) {
			loop_serve(v);
			if (!v->owed)
				continue;
			v->owed = false;
		}
		s = loop_vcpu_run(v);
		if (s != OK)
			loop_refused(v, s);
	}
	return true;
}
