/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/pool.c: a stack of free pages, linked through their own first word. */
#include "hv/lib/pool.h"

#include "hv/lib/panic.h"
#include "hv/lib/string.h"

void pool_init(struct pool *p)
{
	p->head = NULL;
	p->free = 0;
	p->total = 0;
}

static void pool_push(struct pool *p, void *page)
{
	ASSERT(page != NULL && ((uintptr_t)page & (PAGE_SIZE - 1)) == 0);
	*(void **)page = p->head;
	p->head = page;
	p->free++;
}

void pool_add(struct pool *p, void *page)
{
	pool_push(p, page);
	p->total++;
}

void pool_add_range(struct pool *p, void *mem, size_t n)
{
	while (n-- != 0)
		pool_add(p, (u8 *)mem + n * PAGE_SIZE);
}

void *pool_get(struct pool *p)
{
	void *page = p->head;

	if (page == NULL)
		return NULL;
	p->head = *(void **)page;
	p->free--;
	return memset(page, 0, PAGE_SIZE);
}

void pool_put(struct pool *p, void *page)
{
	ASSERT(p->free < p->total);
	pool_push(p, page);
}
