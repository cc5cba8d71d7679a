/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/loop.c: the event loop of the service VM: one hypercall replies to the last exit and waits for the next. */
#include "guest/vmm/loop.h"
#include "guest/rt/sys.h"
#include "guest/vmm/virtio.h"

/* The hypervisor's timer is moved only to an earlier time: one that comes too early costs less than each move. */
static void loop_arm(struct rt_cpu *c)
{
	u64 next = timers_next(c);

	if (next >= c->armed)
		return;
	c->armed = next;
	if (hv_call(HV_TIMER_SET, time_to_counter(next), 0, 0, 0, 0).status != OK)
		panic("the hypervisor refused a timer");
}

static NOINLINE bool loop_own_work_now(struct rt_cpu *c)
{
	bool more = false;

	rt_stack_check();
	if (unlikely(timers_next(c) < c->armed))
		more = timers_run();
	if (work_pending(c))
		work_run();
	loop_arm(c);
	return more || work_pending(c);
}

/* Timers that are due and queued work; true: there is more. Most exits leave neither. */
static bool loop_own_work(struct rt_cpu *c)
{
	if (likely(timers_next(c) >= c->armed && !work_pending(c)))
		return false;
	return loop_own_work_now(c);
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

/*
 * Its exit has come; true: it has been served. Whoever stops the VM changes the state and looks at v->at then; here it
 * is the other way round: one of us sees the other.
 */
static bool loop_exit(struct vcpu *v)
{
	u32 kind = v->run->kind;

	(void)__atomic_exchange_n(&v->at, (u32)VCPU_SERVED, __ATOMIC_SEQ_CST);
	if (likely(kind < EXIT_COUNT))
		v->exits[kind]++;
	if (unlikely(__atomic_load_n(&v->vm->state, __ATOMIC_SEQ_CST) != VM_RUNNING) && !vm_exit_late(v))
		return false;
	loop_serve(v);
	return true;
}

/* May @v have its reply? Then it counts as in the guest already: its next exit may be faster than we. */
static bool loop_reply(struct vcpu *v)
{
	u32 served = VCPU_SERVED;

	if (likely(v->owed && __atomic_compare_exchange_n(&v->at, &served, (u32)VCPU_IN, false, __ATOMIC_SEQ_CST,
							  __ATOMIC_RELAXED)))
		return true;
	return vm_reply_late(v);
}

void loop_go(struct vcpu *v, bool serve)
{
	status_t s;

	v->owed = true;
	if (serve)
		loop_serve(v);
	if (!loop_reply(v))
		return;
	s = hv_call(HV_VCPU_RUN, v->id, 0, 0, 0, 0).status;
	if (s != OK)
		vm_refused(v, s);
}

static NOINLINE void loop_refused(struct vcpu *v, status_t status)
{
	if (v == NULL)
		panic("reply_wait: status %d", (int)status);
	vm_refused(v, status);
}

/* All but exits. */
static void loop_event(const struct hv_event *ev)
{
	switch (ev->kind) {
	case EVENT_DOORBELL: vq_doorbell((struct vq *)(uintptr_t)ev->cookie); break;
	case EVENT_IRQ: {
		struct irq_handler *h = (struct irq_handler *)(uintptr_t)ev->cookie;

		h->fn(h);
		break;
	}
	case EVENT_TIMER:
		cpu_this()->armed = ~0ULL; /* loop_own_work looks at the list and sets it again */
		break;
	default: break; /* EVENT_KICK: there is work */
	}
}

struct vcpu *loop_step(struct vcpu *v)
{
	bool more = loop_own_work(cpu_this());
	struct hv_event ev;

	/* What ran just now, here or elsewhere, may have stopped this VM; then there may be work before the wait. */
	if (v != NULL && unlikely(!loop_reply(v)))
		return NULL;
	ev = hv_reply_wait(v != NULL ? v->id : 0, more ? WAIT_POLL : 0);
	if (unlikely(ev.status != OK)) {
		loop_refused(v, ev.status);
		return NULL;
	}
	if (likely(ev.kind == EVENT_EXIT)) {
		v = (struct vcpu *)(uintptr_t)ev.cookie;
		return likely(loop_exit(v)) ? v : NULL;
	}
	loop_event(&ev);
	return NULL;
}

void loop_run(void)
{
	struct vcpu *v = NULL;

	for (;;)
		v = loop_step(v);
}
