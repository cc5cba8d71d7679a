/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/pool.h: a stack of free pages that somebody has donated. No heap, no fragmentation. */
#ifndef HV_LIB_POOL_H
#define HV_LIB_POOL_H

#include "hv/abi/status.h"

/* Free pages linked through their own first word. */
struct pool {
	void *head;
	size_t free;
	size_t total;
};

void pool_init(struct pool *p);
/** Add one page at @page (mapped, page-aligned) to @p. */
void pool_add(struct pool *p, void *page);
/** Add @n consecutive pages from @mem on; the first is the first to be taken. */
void pool_add_range(struct pool *p, void *mem, size_t n);
/** Take a zeroed page, or NULL. */
void *pool_get(struct pool *p);
/** Give back a page from pool_get. */
void pool_put(struct pool *p, void *page);
static inline size_t pool_free(const struct pool *p)
{
	return p->free;
}

#endif
