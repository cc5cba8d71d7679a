/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/timer.c: timers in a list sorted by time. A machine has about a dozen, so a list is the simplest heap. */
#include "guest/rt/sys.h"

#define TIMER_ROUND 32 /* calls before the event loop looks for events again */

struct list timer_list = LIST_INIT(timer_list);

void timer_init(struct timer *t, void (*fn)(struct timer *))
{
	list_init(&t->link);
	t->when = 0;
	t->fn = fn;
}

void timer_set(struct timer *t, u64 when)
{
	struct list *l;

	list_del(&t->link);
	t->when = when;
	list_for_each (l, &timer_list) {
		if (list_entry(l, struct timer, link)->when > when)
			break;
	}
	list_add_tail(l, &t->link); /* before @l */
}

void timer_cancel(struct timer *t)
{
	list_del(&t->link);
}

bool timer_armed(const struct timer *t)
{
	return !list_empty(&t->link);
}

bool timers_run(void)
{
	u64 now = time_ns();

	for (unsigned i = 0; i < TIMER_ROUND; i++) {
		struct timer *t;

		if (timers_next() > now)
			return false;
		t = list_entry(timer_list.next, struct timer, link);
		list_del(&t->link);
		t->fn(t);
	}
	return timers_next() <= now;
}
