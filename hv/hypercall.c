/* SPDX-License-Identifier: Apache-2.0 */
/* hv/hypercall.c: decode a hypercall, check the right to it, answer. Events and the way back to a guest are here too.
 */
#include "arch/iface/mem.h"
#include "hv/call.h"
#include "hv/lib/string.h"

static const struct {
	call_fn fn;
	u32 right;
} call_table[HV_COUNT] = {
#define X(NAME, name, needs) [HV_##NAME] = { .fn = call_##name, .right = needs },
	HYPERCALL_LIST(X)
#undef X
};

/* Those that only touch what is this CPU's, post something, or do not return: without the control lock. */
#define CALLS_QUICK                                                                                 \
	(BIT(HV_MACHINE) | BIT(HV_TIMER_SET) | BIT(HV_IRQ_ACK) | BIT(HV_VM_IRQ) | BIT(HV_VM_LINE) | \
	 BIT(HV_VCPU_EXTINT) | BIT(HV_VCPU_APIC))
static_assert(HV_COUNT <= 64, "a bit each");

bool event_deliver(struct cpu *c)
{
	u64 cookie;
	u32 gsi;

	if (c->pending & PENDING_IRQ) {
		if (virq_take(c, &cookie, &gsi)) {
			sched_charge(c, NULL);
			event_give(c, EVENT_IRQ, cookie, gsi);
			return true;
		}
		c->pending &= ~(u32)PENDING_IRQ;
	}
	if (c->pending & PENDING_TIMER) {
		c->pending &= ~(u32)PENDING_TIMER;
		sched_charge(c, NULL);
		event_give(c, EVENT_TIMER, 0, 0);
		return true;
	}
	if (c->pending & PENDING_KICK) {
		c->pending &= ~(u32)PENDING_KICK;
		sched_charge(c, NULL);
		event_give(c, EVENT_KICK, 0, 0);
		return true;
	}
	if (!list_empty(&c->exits)) {
		struct vcpu *v = list_entry(c->exits.next, struct vcpu, link);

		list_del(&v->link);
		sched_charge(c, v);
		event_give(c, EVENT_EXIT, v->cookie, 0);
		return true;
	}
	c->pending &= ~(u32)PENDING_EXIT;
	if (!list_empty(&c->doorbells)) {
		struct doorbell *d = list_entry(c->doorbells.next, struct doorbell, link);

		list_del(&d->link);
		__atomic_store_n(&d->eager, __atomic_load_n(&d->by->state, __ATOMIC_RELAXED) == VCPU_HALTED,
				 __ATOMIC_RELAXED);
		sched_charge(c, d->by->cpu == c ? d->by : NULL);
		__atomic_store_n(&d->rung, false, __ATOMIC_RELEASE);
		if (list_empty(&c->doorbells))
			c->bell_end = ~0UL;
		event_give(c, EVENT_DOORBELL, d->cookie, 0);
		return true;
	}
	c->pending = 0;
	return false;
}

/* The exit of @g, a vCPU of this CPU's, has been served: it goes on, or sleeps. One that waits on a list has not been
 * seen yet. */
static inline status_t call_resume_now(struct vcpu *g)
{
	struct cpu *c = this_cpu();
	u32 reply;

	if (unlikely(g->state != VCPU_STOPPED || !list_empty(&g->link)))
		return ERR_STATE;
	reply = arch_vcpu_complete(&g->arch, g->exit_kind, g->run);
	if (unlikely(reply & REPLY_HALT) && !arch_vcpu_awake(&g->arch)) {
		g->state = VCPU_HALTED;
		g->dead = !arch_vcpu_can_wake(&g->arch);
		if (c->current == g)
			c->current = NULL;
		sched_deadline(c, g);
		return OK;
	}
	if (likely(g == c->current))
		g->state = VCPU_READY;
	else
		sched_ready(g);
	return OK;
}

struct call_resume {
	struct vcpu *v;
	status_t status;
};

static void call_resume_there(void *arg)
{
	struct call_resume *r = arg;

	r->status = call_resume_now(r->v);
}

status_t call_resume(struct vcpu *g)
{
	struct call_resume r = { .v = g };

	cpu_call(g->cpu, call_resume_there, &r);
	return r.status;
}

/* A reply to the exit of a vCPU that is not, or not any more, this CPU's. */
static NOINLINE status_t call_resume_far(u64 id)
{
	struct vcpu *g;
	status_t s;

	control_lock();
	g = vcpu_get(id);
	s = g ? call_resume(g) : ERR_NOENT;
	control_unlock();
	return s;
}

/*
 * The way back of every exit, and the service VM's only place to wait: the fast one. Sends a bad reply back as an
 * error and doesn't wait then.
 */
static struct vcpu *call_wait(struct vcpu *v)
{
	struct cpu *c = this_cpu();
	u64 id = arch_vcpu_arg(&v->arch, 1), flags = arch_vcpu_arg(&v->arch, 2);

	if (unlikely(flags & ~(u64)WAIT_POLL)) {
		arch_vcpu_result(&v->arch, ERR_INVAL, 0, 0, 0);
		return v;
	}
	if (id) {
		struct vcpu *g = c->current;
		status_t s;

		if (unlikely(!g || g->id != id))
			g = vcpu_get(id);
		s = likely(g && g->cpu == c) ? call_resume_now(g) : call_resume_far(id);
		if (unlikely(s != OK)) {
			arch_vcpu_result(&v->arch, s, 0, 0, 0);
			return v;
		}
	}
	c->service_waits = true;
	if (c->pending && event_deliver(c))
		return v;
	if (unlikely(flags & WAIT_POLL)) {
		event_give(c, EVENT_NONE, 0, 0);
		return v;
	}
	if (likely(c->current && c->current->state == VCPU_READY && !c->resched)) {
		if (unlikely(c->charged != c->current))
			sched_charge(c, c->current);
		return c->current;
	}
	return sched_next(c);
}

/* Any other call than that. */
static NOINLINE void call_other(struct vcpu *v, u64 nr)
{
	struct call c;
	status_t s;

	if (nr >= HV_COUNT) {
		arch_vcpu_result(&v->arch, ERR_NOENT, 0, 0, 0);
		return;
	}
	if (call_table[nr].right && !(v->vm->rights & call_table[nr].right)) {
		arch_vcpu_result(&v->arch, ERR_RIGHTS, 0, 0, 0);
		return;
	}
	for (unsigned i = 1; i < 6; i++)
		c.arg[i] = arch_vcpu_arg(&v->arch, i);
	c.out[0] = c.out[1] = c.out[2] = 0;
	if (BIT(nr) & CALLS_QUICK) {
		s = call_table[nr].fn(v->vm, &c);
	} else {
		control_lock();
		s = call_table[nr].fn(v->vm, &c);
		control_unlock();
	}
	arch_vcpu_result(&v->arch, s, c.out[0], c.out[1], c.out[2]);
}

struct vcpu *hypercall_dispatch(struct vcpu *v, const struct exit *x)
{
	u64 nr = arch_vcpu_arg(&v->arch, 0);

	arch_vcpu_skip(&v->arch, x);
	if (likely(nr == HV_REPLY_WAIT && (v->vm->rights & RIGHT_SERVICE)))
		return call_wait(v);
	call_other(v, nr);
	return v;
}

status_t call_reply_wait(struct vm *caller, struct call *c)
{
	return ERR_STATE; /* call_wait serves it */
}

/* --- the machine ------------------------------------------------------------------------------------------ */

status_t call_info(struct vm *caller, struct call *c)
{
	service_info(this_cpu()->mailbox);
	return OK;
}

status_t call_timer_set(struct vm *caller, struct call *c)
{
	this_cpu()->service_timer = c->arg[1] ? c->arg[1] : ~0UL;
	sched_arm(this_cpu());
	return OK;
}

/* CPU number @n, if it is up. */
static struct cpu *call_cpu(u64 n)
{
	return n < BOOT_MAX_CPUS ? cpus[n] : NULL;
}

static void call_start_there(void *arg)
{
	const struct call *c = arg;

	service_start(this_cpu(), c->arg[2], c->arg[3]);
}

status_t call_cpu_start(struct vm *caller, struct call *c)
{
	struct cpu *to = call_cpu(c->arg[1]);

	if (!to)
		return ERR_RANGE;
	if (to->started)
		return ERR_EXISTS;
	if (c->arg[2] >> 32)
		return ERR_RANGE;
	cpu_call(to, call_start_there, c);
	return OK;
}

static void call_kick_there(void *arg)
{
	sched_post(this_cpu(), PENDING_KICK);
}

status_t call_cpu_kick(struct vm *caller, struct call *c)
{
	struct cpu *to = call_cpu(c->arg[1]);

	if (!to)
		return ERR_RANGE;
	if (!to->started)
		return ERR_STATE;
	cpu_call(to, call_kick_there, NULL);
	return OK;
}

status_t call_irq_attach(struct vm *caller, struct call *c)
{
	if (c->arg[2] >> 32)
		return ERR_INVAL;
	return c->arg[1] > 0xffff ? ERR_RANGE : virq_attach((u32)c->arg[1], (u32)c->arg[2], c->arg[3]);
}

status_t call_irq_ack(struct vm *caller, struct call *c)
{
	return c->arg[1] > 0xffff ? ERR_RANGE : virq_ack((u32)c->arg[1]);
}

status_t call_stats(struct vm *caller, struct call *c)
{
	struct vm *vm = vm_get(c->arg[1]);
	struct hv_stats *s = this_cpu()->mailbox;
	struct vcpu *v = vm && c->arg[2] < VM_MAX_VCPUS ? vm->vcpu[c->arg[2]] : NULL;

	if (!v)
		return ERR_NOENT;
	memset(s, 0, sizeof(*s));
	memcpy(s->exits, v->exits, sizeof(v->exits));
	s->state = v->state;
	s->cpu = v->cpu->id;
	s->time = sched_time(v);
	return OK;
}

status_t call_trace(struct vm *caller, struct call *c)
{
	return trace_set(c->arg[1], c->arg[2], c->arg[3]);
}

status_t call_audit(struct vm *caller, struct call *c)
{
	static struct hv_audit a;

	audit_run(&a);
	memcpy(this_cpu()->mailbox, &a, sizeof(a));
	return OK;
}

status_t call_log(struct vm *caller, struct call *c)
{
	c->out[0] = log_copy(c->arg[1], this_cpu()->mailbox, MAILBOX_SIZE);
	return OK;
}

status_t call_machine(struct vm *caller, struct call *c)
{
	if (c->arg[1] > MACHINE_CLOSE)
		return ERR_INVAL;
	log_close();
	if (c->arg[1] == MACHINE_RESET)
		arch_reset();
	if (c->arg[1] == MACHINE_POWEROFF)
		arch_poweroff();
	return OK;
}
