/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/timer.c: timers in a list for each CPU, sorted by time. A machine has about a dozen: the simplest heap. */
#include "guest/rt/cpu.h"
#include "guest/rt/sys.h"

#define TIMER_ROUND 32 /* calls before the event loop looks for events again */

void timer_init(struct timer *t, void (*fn)(struct timer *), struct lock *lock)
{
	list_init(&t->link);
	t->when = 0;
	t->fn = fn;
	t->lock = lock;
	t->cpu = NULL;
	t->armed = false;
}

/* The list of @c has changed. */
static void timer_note(struct rt_cpu *c)
{
	u64 next = list_empty(&c->timers) ? ~0ULL : list_entry(c->timers.next, struct timer, link)->when;

	__atomic_store_n(&c->timer_next, next, __ATOMIC_RELAXED);
}

/* Take @t out of whichever list it is in. That CPU may be taking it out to fire it. */
static void timer_unlink(struct timer *t)
{
	struct rt_cpu *c = __atomic_load_n(&t->cpu, __ATOMIC_ACQUIRE);

	if (c == NULL)
		return;
	lock_take(&c->lock);
	if (t->cpu == c) {
		list_del(&t->link);
		__atomic_store_n(&t->cpu, (struct rt_cpu *)NULL, __ATOMIC_RELEASE);
		timer_note(c);
	}
	lock_drop(&c->lock);
}

void timer_set(struct timer *t, u64 when)
{
	struct rt_cpu *c = cpu_this();
	struct list *l;

	timer_unlink(t);
	t->when = when;
	t->armed = true;
	lock_take(&c->lock);
	list_for_each (l, &c->timers) {
		if (list_entry(l, struct timer, link)->when > when)
			break;
	}
	list_add_tail(l, &t->link); /* before @l */
	__atomic_store_n(&t->cpu, c, __ATOMIC_RELEASE);
	timer_note(c);
	lock_drop(&c->lock);
}

void timer_cancel(struct timer *t)
{
	timer_unlink(t);
	t->armed = false;
}

bool timer_armed(const struct timer *t)
{
	return t->armed;
}

/* Take the first timer out of the list if it is due. */
static struct timer *timer_due(struct rt_cpu *c, u64 now, u64 *when, struct lock **lock)
{
	struct timer *t = NULL;

	lock_take(&c->lock);
	if (c->timer_next <= now) {
		t = list_entry(c->timers.next, struct timer, link);
		*when = t->when;
		*lock = t->lock;
		list_del(&t->link);
		__atomic_store_n(&t->cpu, (struct rt_cpu *)NULL, __ATOMIC_RELEASE);
		timer_note(c);
	}
	lock_drop(&c->lock);
	return t;
}

/*
 * Its owner may have cancelled or moved @t before we had the lock: then it is not armed, in a list again, or
 * at another time.
 */
static void timer_fire(struct timer *t, u64 when, struct lock *lock)
{
	if (lock != NULL)
		lock_take(lock);
	if (t->armed && t->when == when && __atomic_load_n(&t->cpu, __ATOMIC_RELAXED) == NULL) {
		t->armed = false;
		t->fn(t);
	}
	if (lock != NULL)
		lock_drop(lock);
}

bool timers_run(void)
{
	struct rt_cpu *c = cpu_this();
	u64 now = time_ns(), when = 0;
	struct lock *lock = NULL;

	for (unsigned i = 0; i < TIMER_ROUND; i++) {
		struct timer *t = timer_due(c, now, &when, &lock);

		if (t == NULL)
			return false;
		timer_fire(t, when, lock);
	}
	return timers_next(c) <= now;
}
