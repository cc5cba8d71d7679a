/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/list.h: a circular doubly linked list whose links live in its elements. */
#ifndef HV_LIB_LIST_H
#define HV_LIB_LIST_H

#include "hv/lib/util.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name)          \
	{                        \
		&(name), &(name) \
	}

static inline void list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/** Add @n at the end of the list @head. */
static inline void list_add_tail(struct list *head, struct list *n)
{
	n->prev = head->prev;
	n->next = head;
	head->prev->next = n;
	head->prev = n;
}

/** Take @n out of its list; harmless if it is in none but was initialised. */
static inline void list_del(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

#define list_entry(l, type, member) container_of(l, type, member)
#define list_for_each(pos, head)    for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)
/* The loop may take @pos out; @tmp holds the next. */
#define list_for_each_safe(pos, tmp, head) \
	for ((pos) = (head)->next, (tmp) = (pos)->next; (pos) != (head); (pos) = (tmp), (tmp) = (pos)->next)

#endif
