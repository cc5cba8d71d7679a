/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/work.c: functions to be called later from the event loop, in the order in which they were queued. */
#include "guest/rt/cpu.h"
#include "guest/rt/hypercall.h"
#include "guest/rt/sys.h"

void work_init(struct work *w, void (*fn)(struct work *))
{
	list_init(&w->link);
	w->fn = fn;
	w->queued = 0;
}

static void work_add(struct rt_cpu *c, struct work *w)
{
	lock_take(&c->lock);
	list_add_tail(&c->works, &w->link);
	__atomic_store_n(&c->nworks, c->nworks + 1, __ATOMIC_RELAXED);
	lock_drop(&c->lock);
}

void work_queue(struct work *w)
{
	if (__atomic_exchange_n(&w->queued, 1u, __ATOMIC_ACQ_REL) == 0)
		work_add(cpu_this(), w);
}

void work_queue_on(unsigned n, struct work *w)
{
	struct rt_cpu *c = rt_cpu(n);

	if (c == NULL || c == cpu_this()) {
		work_queue(w);
		return;
	}
	if (__atomic_exchange_n(&w->queued, 1u, __ATOMIC_ACQ_REL) != 0)
		return; /* whoever has queued it has seen to it that it runs */
	work_add(c, w);
	cpu_kick(n);
}

static struct work *work_take(struct rt_cpu *c, const struct list *mark)
{
	struct work *w = NULL;

	lock_take(&c->lock);
	if (c->works.next != mark) {
		w = list_entry(c->works.next, struct work, link);
		list_del(&w->link);
		__atomic_store_n(&c->nworks, c->nworks - 1, __ATOMIC_RELAXED);
		/* From here on it can be queued again: what its handler has not seen makes it run once more. */
		(void)__atomic_exchange_n(&w->queued, 0u, __ATOMIC_ACQ_REL);
	}
	lock_drop(&c->lock);
	return w;
}

void work_run(void)
{
	struct rt_cpu *c = cpu_this();
	struct list mark; /* what is queued behind it came later and waits for the next round */
	struct work *w;

	lock_take(&c->lock);
	list_add_tail(&c->works, &mark);
	lock_drop(&c->lock);
	while ((w = work_take(c, &mark)) != NULL)
		w->fn(w);
	lock_take(&c->lock);
	list_del(&mark);
	lock_drop(&c->lock);
}
