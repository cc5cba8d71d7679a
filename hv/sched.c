/* SPDX-License-Identifier: Apache-2.0 */
/* hv/sched.c: who runs next on this CPU: the service VM when it has an event, else guests in turn, else nobody. */
#include "hv/vm.h"

#define SLICE_MS 10 /* of each guest while others want the CPU     */
#define BELL_US	 50 /* a rung doorbell waits this long for a guest that goes on */

#define KICK_US \
	50 /* what is left of the turn of one that has sent another of its VM an interrupt: it may wait for it */

static u64 sched_slice, sched_bell, sched_kick;

void sched_init(struct cpu *c)
{
	list_init(&c->ready);
	list_init(&c->exits);
	list_init(&c->doorbells);
	list_init(&c->timers);
	c->service_timer = ~0UL;
	c->slice_end = ~0UL;
	c->bell_end = ~0UL;
	sched_slice = arch_counter_hz() / 1000 * SLICE_MS;
	sched_bell = arch_counter_hz() / 1000000 * BELL_US;
	sched_kick = arch_counter_hz() / 1000000 * KICK_US;
}

void sched_arm(struct cpu *c)
{
	u64 when = MIN(c->service_timer, MIN(c->slice_end, c->bell_end));

	if (!list_empty(&c->timers))
		when = MIN(when, list_entry(c->timers.next, struct vcpu, timer_link)->deadline);
	arch_timer_set(when);
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

void sched_ready(struct vcpu *v)
{
	struct cpu *c = this_cpu();

	v->state = VCPU_READY;
	if (v == c->current)
		return;
	list_del(&v->link);
	list_add_tail(&c->ready, &v->link);
	if (c->slice_end == ~0UL && c->current && c->current != c->service) {
		c->slice_end = arch_counter() + sched_slice;
		arch_vcpu_crowded(&c->current->arch, true);
		sched_arm(c);
	}
}

void sched_remove(struct vcpu *v)
{
	struct cpu *c = this_cpu();

	list_del(&v->link);
	if (c->current == v)
		c->current = NULL;
}

void sched_wake(struct vcpu *v)
{
	if (v->state == VCPU_HALTED && arch_vcpu_awake(&v->arch))
		sched_ready(v);
}

void vcpu_kicked(struct arch_vcpu *v)
{
	struct vcpu *to = container_of(v, struct vcpu, arch);
	struct cpu *c = this_cpu();
	u64 end;

	sched_wake(to);
	if (to->state != VCPU_READY || to == c->current)
		return;
	end = arch_counter() + sched_kick;
	if (c->slice_end > end) {
		c->slice_end = end;
		sched_arm(c);
	}
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
	if (c->service_timer <= now) {
		c->service_timer = ~0UL;
		sched_post(c, PENDING_TIMER);
	}
	if (c->slice_end <= now)
		c->slice_end = ~0UL;
	if (c->bell_end <= now)
		c->bell_end = ~0UL;
	sched_arm(c);
}

/* The present guest's turn is over, if others wait. */
static struct vcpu *sched_turn(struct cpu *c)
{
	struct vcpu *v = c->current;

	if (v && v != c->service && v->state == VCPU_READY && (c->slice_end != ~0UL || list_empty(&c->ready)))
		return v;
	if (list_empty(&c->ready))
		return NULL;
	if (v && v != c->service && v->state == VCPU_READY)
		list_add_tail(&c->ready, &v->link);
	v = list_entry(c->ready.next, struct vcpu, link);
	list_del(&v->link);
	c->slice_end = list_empty(&c->ready) ? ~0UL : arch_counter() + sched_slice;
	arch_vcpu_crowded(&v->arch, !list_empty(&c->ready));
	sched_arm(c);
	return v;
}

struct vcpu *sched_next(struct cpu *c)
{
	for (;;) {
		struct vcpu *v;

		if (!c->service_waits || (c->pending && event_deliver(c)))
			return c->service;
		v = sched_turn(c);
		if (v) {
			c->current = v;
			return v;
		}
		c->current = NULL;
		arch_idle();
		sched_timers(c);
	}
}
