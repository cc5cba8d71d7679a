/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/work.c: functions to be called later from the event loop, in the order in which they were queued. */
#include "guest/rt/sys.h"

struct list work_list = LIST_INIT(work_list);

void work_init(struct work *w, void (*fn)(struct work *))
{
	list_init(&w->link);
	w->fn = fn;
}

void work_queue(struct work *w)
{
	if (list_empty(&w->link))
		list_add_tail(&work_list, &w->link);
}

void work_run(void)
{
	struct list mark; /* what is queued behind it came later and waits for the next round */

	list_add_tail(&work_list, &mark);
	while (work_list.next != &mark) {
		struct work *w = list_entry(work_list.next, struct work, link);

		list_del(&w->link);
		w->fn(w);
	}
	list_del(&mark);
}
