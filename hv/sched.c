/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hv/sched.c: who runs next on this CPU: the service VM when it has an event, else the guests' vCPUs, else nobody.
 *
 * Fixed priorities; among equals a deficit round robin: a turn gives a vCPU a quantum in proportion to its shares, what
 * it has used too much (the service VM is not preempted while it works for it) it owes, what it has not used it keeps.
 * Time passes for whoever it is spent on (sched_charge): a device access for the vCPU that made it, a doorbell's
 * handler for the one that rang. A vCPU with a budget rests once that is used up, until its period ends.
 */
#include "hv/vm.h"

#define SLICE_MS   10	/* a turn of a vCPU with the usual shares, while others want the CPU */
#define BELL_US	   50	/* a rung doorbell waits this long for a guest that goes on */
#define WAKE_US	   1000 /* what is left of a turn when one wakes that has time to its credit */
#define DEBT_MAX   64	/* turns: more is forgiven, so that looking for one without debts ends soon */
#define TURN_LEAST 16	/* a fraction of a turn: less is none */

#define KICK_US \
	50 /* what is left of the turn of one that has sent another of its VM an interrupt: it may wait for it */

static u64 sched_slice, sched_bell, sched_kick, sched_wake_slice;

void sched_init(struct cpu *c, unsigned id)
{
	c->id = id;
	for (unsigned i = 0; i < SCHED_PRIORITIES; i++)
		list_init(&c->ready[i]);
	list_init(&c->spent);
	list_init(&c->exits);
	list_init(&c->doorbells);
	list_init(&c->timers);
	c->service_timer = ~0UL;
	c->slice_end = ~0UL;
	c->bell_end = ~0UL;
	c->armed = ~0UL;
	c->service_waits = true;
	sched_slice = arch_counter_hz() / 1000 * SLICE_MS;
	sched_bell = arch_counter_hz() / 1000000 * BELL_US;
	sched_kick = arch_counter_hz() / 1000000 * KICK_US;
	sched_wake_slice = arch_counter_hz() / 1000000 * WAKE_US;
}

s64 sched_quantum(const struct vcpu *v)
{
	return (s64)(sched_slice * v->sched.shares / SCHED_SHARES);
}

void sched_arm(struct cpu *c)
{
	u64 when = MIN(c->service_timer, MIN(c->slice_end, c->bell_end));

	if (!list_empty(&c->timers))
		when = MIN(when, list_entry(c->timers.next, struct vcpu, timer_link)->deadline);
	if (unlikely(!list_empty(&c->spent)))
		when = MIN(when, list_entry(c->spent.next, struct vcpu, link)->period_end);
	c->armed = when;
	arch_timer_set(when);
}

/* --- whose time it is ------------------------------------------------------------------------------------------- */

void sched_charge(struct cpu *c, struct vcpu *v)
{
	struct vcpu *old = c->charged;
	u64 now, d;

	if (old == v)
		return;
	now = arch_counter();
	d = now - c->charged_since;
	c->charged_since = now;
	c->charged = v;
	if (!old)
		return;
	old->time += d;
	old->left -= (s64)d;
	if (old->sched.budget)
		old->used += d;
}

u64 sched_time(const struct vcpu *v)
{
	const struct cpu *c = v->cpu;
	u64 since = __atomic_load_n(&c->charged_since, __ATOMIC_RELAXED), now = arch_counter();
	bool running = __atomic_load_n(&c->charged, __ATOMIC_RELAXED) == v;

	return v->time + (running && now > since ? now - since : 0);
}

/* Bring the account of who is charged up to now. */
static void sched_account(struct cpu *c)
{
	struct vcpu *v = c->charged;

	sched_charge(c, NULL);
	sched_charge(c, v);
}

/* Has @v, with a budget, used it up? A new period brings a new one. */
static bool sched_is_spent(struct vcpu *v, u64 now)
{
	if (now >= v->period_end) {
		u64 periods = (now - v->period_end) / v->sched.period + 1;

		v->period_end += periods * v->sched.period;
		v->used -= MIN(v->used, periods * v->sched.budget); /* no more than the time that has passed */
	}
	return v->used >= v->sched.budget;
}

/* --- lists --- */

static void sched_enqueue(struct cpu *c, struct vcpu *v)
{
	struct list *at;

	list_del(&v->link);
	if (unlikely(v->sched.budget) && sched_is_spent(v, arch_counter())) {
		list_for_each (at, &c->spent)
			if (list_entry(at, struct vcpu, link)->period_end > v->period_end)
				break;
		list_add_tail(at, &v->link);
		sched_arm(c);
		return;
	}
	list_add_tail(&c->ready[v->sched.priority], &v->link);
	c->ready_mask |= 1u << v->sched.priority;
}

/* @v, perhaps on a list of ready ones, is taken out. */
static void sched_dequeue(struct cpu *c, struct vcpu *v)
{
	list_del(&v->link);
	if (list_empty(&c->ready[v->sched.priority]))
		c->ready_mask &= ~(1u << v->sched.priority);
}

/* Sort @v in by @when. */
static void sched_timer_put(struct cpu *c, struct vcpu *v, u64 when)
{
	struct list *at;

	list_del(&v->timer_link);
	v->deadline = when;
	if (when != ~0UL) {
		list_for_each (at, &c->timers)
			if (list_entry(at, struct vcpu, timer_link)->deadline > when)
				break;
		list_add_tail(at, &v->timer_link);
	}
}

void sched_deadline(struct cpu *c, struct vcpu *v)
{
	u64 when = arch_vcpu_deadline(&v->arch);

	if (likely(when == v->deadline))
		return;
	sched_timer_put(c, v, when);
	sched_arm(c);
}

/* The present turn ends at @when, if not before. */
static void sched_cut(struct cpu *c, u64 when)
{
	if (c->slice_end > when) {
		c->slice_end = when;
		sched_arm(c);
	}
}

void sched_ready(struct vcpu *v)
{
	struct cpu *c = this_cpu();
	struct vcpu *cur = c->current;

	v->state = VCPU_READY;
	v->dead = false;
	if (v == cur)
		return;
	sched_enqueue(c, v);
	if (!cur || !(c->ready_mask >> cur->sched.priority))
		return;
	if (v->sched.priority > cur->sched.priority) {
		c->resched = true;
		sched_cut(c, 0); /* if we are on the way back into the guest, it leaves at once */
	} else if (c->slice_end == ~0UL && !c->resched) {
		sched_account(c); /* its time alone is nobody's loss */
		cur->left = sched_quantum(cur);
		arch_vcpu_crowded(&cur->arch, true);
		sched_cut(c, arch_counter() + (u64)cur->left);
	}
}

void sched_remove(struct vcpu *v)
{
	struct cpu *c = v->cpu;

	sched_dequeue(c, v);
	if (c->current == v)
		c->current = NULL;
}

void sched_wake(struct vcpu *v)
{
	struct cpu *c = v->cpu;

	if (v->state != VCPU_HALTED)
		return;
	if (!arch_vcpu_awake(&v->arch)) {
		v->dead = !arch_vcpu_can_wake(&v->arch);
		return;
	}
	v->left = MIN(v->left, sched_quantum(v));
	sched_ready(v);
	if (v->left > 0 && c->current && c->current->sched.priority == v->sched.priority)
		sched_cut(c, arch_counter() + sched_wake_slice);
}

void vcpu_kicked(struct arch_vcpu *v)
{
	struct vcpu *to = container_of(v, struct vcpu, arch);
	struct cpu *c = this_cpu();

	vcpu_notify(to);
	if (to->cpu == c && to->state == VCPU_READY && to != c->current && c->current &&
	    to->sched.priority == c->current->sched.priority)
		sched_cut(c, arch_counter() + sched_kick);
}

void sched_leave(struct vcpu *v)
{
	struct cpu *c = v->cpu;

	arch_vcpu_leave(&v->arch); /* first: what it had been sent may wake it */
	if (c->charged == v)
		sched_charge(c, NULL);
	sched_remove(v);
	list_del(&v->timer_link);
	v->deadline = ~0UL;
}

void sched_join(struct vcpu *v)
{
	struct cpu *c = v->cpu;

	v->left = sched_quantum(v);
	sched_deadline(c, v);
	if (v->state == VCPU_READY)
		sched_ready(v);
	else
		sched_wake(v);
}

void sched_post(struct cpu *c, u32 why)
{
	c->pending |= why;
	/* A doorbell doesn't stop the guest: it gets a little more time to ring again, or to halt. */
	if (why == PENDING_DOORBELL && c->bell_end == ~0UL) {
		c->bell_end = arch_counter() + sched_bell;
		sched_arm(c);
	}
}

void sched_timers(struct cpu *c)
{
	u64 now = arch_counter();

	while (!list_empty(&c->timers)) {
		struct vcpu *v = list_entry(c->timers.next, struct vcpu, timer_link);

		if (v->deadline > now)
			break;
		arch_vcpu_timer(&v->arch);
		/* A periodic timer may be due again at once: later, lest it keep us here and others from their turn. */
		sched_timer_put(c, v, MAX(arch_vcpu_deadline(&v->arch), now + 1));
		sched_wake(v);
	}
	while (unlikely(!list_empty(&c->spent))) {
		struct vcpu *v = list_entry(c->spent.next, struct vcpu, link);

		if (v->period_end > now)
			break;
		sched_ready(v); /* or among the spent again, of a later period */
	}
	if (c->service_timer <= now) {
		c->service_timer = ~0UL;
		sched_post(c, PENDING_TIMER);
	}
	if (c->slice_end <= now) {
		c->slice_end = ~0UL;
		c->resched = true;
	}
	if (c->bell_end <= now)
		c->bell_end = ~0UL;
	sched_arm(c);
}

/* --- whose turn it is --- */

/* The time of its next turn. */
static void sched_refill(struct vcpu *v)
{
	s64 quantum = sched_quantum(v);

	if (v->left <= quantum / TURN_LEAST)
		v->left = MAX(v->left, -DEBT_MAX * quantum) + quantum;
}

/* The first of the most urgent that owes nothing; who owes gets its turns' time and waits. NULL: nobody is ready. */
static struct vcpu *sched_pick(struct cpu *c)
{
	struct list *l;

	if (!c->ready_mask)
		return NULL;
	l = &c->ready[31 - __builtin_clz(c->ready_mask)];
	for (;;) {
		struct vcpu *v = list_entry(l->next, struct vcpu, link);

		if (v->left > 0)
			return v;
		sched_refill(v);
		if (l->next != l->prev) {
			list_del(&v->link);
			list_add_tail(l, &v->link);
		}
	}
}

static void sched_begin(struct cpu *c, struct vcpu *v)
{
	bool crowded = c->ready_mask >> v->sched.priority;
	u64 now = arch_counter();

	c->current = v;
	c->resched = false;
	sched_charge(c, v);
	c->slice_end = crowded ? now + (u64)MAX(v->left, 1) : ~0UL;
	if (unlikely(v->sched.budget))
		c->slice_end = MIN(c->slice_end, now + v->sched.budget - MIN(v->used, v->sched.budget - 1));
	arch_vcpu_crowded(&v->arch, crowded);
	sched_arm(c);
}

static struct vcpu *sched_turn(struct cpu *c)
{
	struct vcpu *v = c->current;

	if (v && v->state == VCPU_READY) {
		if (!c->resched) {
			sched_charge(c, v);
			return v;
		}
		sched_account(c);
		sched_refill(v);
		sched_enqueue(c, v);
	}
	v = sched_pick(c);
	c->current = NULL;
	c->resched = false;
	if (!v) {
		sched_charge(c, NULL);
		return NULL;
	}
	sched_dequeue(c, v);
	sched_begin(c, v);
	return v;
}

struct vcpu *sched_next(struct cpu *c)
{
	for (;;) {
		struct vcpu *v;

		if (!c->service_waits || (c->pending && event_deliver(c)))
			return c->service;
		v = sched_turn(c);
		if (v)
			return v;
		arch_idle();
		smp_serve(c);
		sched_timers(c);
	}
}
