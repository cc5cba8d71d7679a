/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/ptab.c: the page-table walker: checks and counts first, then acts, so a failed call changes nothing. */
#include "hv/lib/ptab.h"

#include "hv/lib/panic.h"
#include "hv/lib/util.h"

#define PTAB_ENTRIES (PAGE_SIZE / sizeof(u64))

/*
 * Invariant: no table but the root is empty. So a present table entry means that something is mapped
 * below it, and the search for the next leaf reads at most one table per level and branch.
 */

static inline u64 ptab_size(unsigned level)
{
	return 1ULL << (PAGE_SHIFT + 9 * level);
}

static inline unsigned ptab_entries(const struct ptab *pt, unsigned level)
{
	return level == pt->fmt->levels - 1 ? PTAB_ENTRIES * pt->fmt->root_pages : PTAB_ENTRIES;
}

static inline unsigned ptab_index(const struct ptab *pt, u64 va, unsigned level)
{
	return (va / ptab_size(level)) & (ptab_entries(pt, level) - 1);
}

static inline bool ptab_is_leaf(const struct ptab *pt, u64 entry, unsigned level)
{
	return level == 0 || pt->fmt->is_leaf(entry, level);
}

static inline u64 *ptab_below(const struct ptab *pt, u64 entry)
{
	return pt->mem->ptr(entry & pt->fmt->pa_mask);
}

/* Where a leaf points: the low bits of a large leaf's address field may have other meanings. */
static inline u64 ptab_leaf_pa(const struct ptab *pt, u64 entry, unsigned level)
{
	return entry & pt->fmt->pa_mask & ~(ptab_size(level) - 1);
}

static inline u64 ptab_read(const u64 *entry)
{
	return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

/* One store, after all that was written before: hardware may be walking this table. */
static inline void ptab_write(u64 *entry, u64 v)
{
	__atomic_store_n(entry, v, __ATOMIC_RELEASE);
}

static void ptab_publish(const struct ptab *pt)
{
	if (pt->fmt->publish)
		pt->fmt->publish();
}

/* Does [@va, @end) hold the whole entry of @level that starts at @base? */
static inline bool ptab_covers(u64 va, u64 end, u64 base, unsigned level)
{
	return va <= base && end - base >= ptab_size(level);
}

static status_t ptab_check(const struct ptab *pt, u64 va, u64 size)
{
	if (((va | size) & (PAGE_SIZE - 1)) != 0)
		return ERR_ALIGN;
	if (range_bad(va, size) || !range_in(va, size, 0, BIT(pt->fmt->addr_bits)))
		return ERR_RANGE;
	return OK;
}

/*
 * Take @n pages in a row, aligned to their sum, out of @pool. Pages that do not fit are put aside and
 * then back, in their order.
 */
static u64 *ptab_take_root(const struct ptab_mem *mem, struct pool *pool, unsigned n)
{
	struct pool aside;
	unsigned run = 0;
	u8 *root = NULL, *page;

	pool_init(&aside);
	while (run < n && (page = pool_get(pool)) != NULL) {
		if (run != 0 && page == root + run * PAGE_SIZE && mem->pa(page) == mem->pa(root) + run * PAGE_SIZE) {
			run++;
			continue;
		}
		for (unsigned i = 0; i < run; i++)
			pool_add(&aside, root + i * PAGE_SIZE);
		run = 0;
		if ((mem->pa(page) & (n * PAGE_SIZE - 1)) == 0) {
			root = page;
			run = 1;
		} else {
			pool_add(&aside, page);
		}
	}
	if (run < n) {
		while (run != 0)
			pool_put(pool, root + --run * PAGE_SIZE);
		root = NULL;
	}
	while ((page = pool_get(&aside)) != NULL)
		pool_put(pool, page);
	return (u64 *)(void *)root;
}

status_t ptab_init(struct ptab *pt, const struct ptab_format *fmt, const struct ptab_mem *mem, struct pool *pool)
{
	u64 *root = ptab_take_root(mem, pool, fmt->root_pages);

	if (root == NULL)
		return ERR_NOMEM;
	pt->fmt = fmt;
	pt->mem = mem;
	pt->max_leaf = fmt->max_leaf;
	pt->root = root;
	return OK;
}

status_t ptab_lookup(const struct ptab *pt, u64 va, struct ptab_leaf *out)
{
	const u64 *table = pt->root;

	if (va >= BIT(pt->fmt->addr_bits))
		return ERR_RANGE;
	for (unsigned level = pt->fmt->levels - 1;; level--) {
		u64 e = ptab_read(&table[ptab_index(pt, va, level)]);

		if (!pt->fmt->present(e))
			return ERR_UNMAPPED;
		if (ptab_is_leaf(pt, e, level)) {
			out->va = round_down(va, ptab_size(level));
			out->pa = ptab_leaf_pa(pt, e, level);
			out->size = ptab_size(level);
			out->flags = pt->fmt->flags(e, level);
			return OK;
		}
		table = ptab_below(pt, e);
	}
}

/* The first address at or after @va that a leaf below @table may map. False: none. */
static bool ptab_seek(const struct ptab *pt, const u64 *table, unsigned level, u64 *va)
{
	unsigned n = ptab_entries(pt, level);

	for (unsigned i = ptab_index(pt, *va, level); i < n; i++) {
		u64 e = ptab_read(&table[i]);

		if (pt->fmt->present(e)) {
			if (ptab_is_leaf(pt, e, level) || ptab_seek(pt, ptab_below(pt, e), level - 1, va))
				return true;
		}
		/* Nothing in this entry: on to the start of the next. */
		if (i + 1 < n)
			*va = round_down(*va, ptab_size(level)) + ptab_size(level);
	}
	return false;
}

status_t ptab_next(const struct ptab *pt, u64 va, struct ptab_leaf *out)
{
	if (va >= BIT(pt->fmt->addr_bits) || !ptab_seek(pt, pt->root, pt->fmt->levels - 1, &va))
		return ERR_NOENT;
	return ptab_lookup(pt, va, out);
}

/* What one call of ptab_map is about. */
struct ptab_job {
	const struct ptab *pt;
	struct pool *pool;
	u64 va, end;
	u64 delta;	/* physical minus input address, modulo 2^64 */
	unsigned top;	/* highest level at which a leaf fits        */
	unsigned flags; /* PT_*                                      */
};

/*
 * How many tables ptab_fill will take below @table (NULL: not there yet) for the part of the job in
 * [@base, @base + the table's reach). Stops once above @limit, so no size makes it slow.
 */
static size_t ptab_count(const struct ptab_job *j, const u64 *table, unsigned level, u64 base, size_t limit)
{
	u64 size = ptab_size(level), at = round_down(MAX(j->va, base), size);
	u64 stop = MIN(j->end, base + size * ptab_entries(j->pt, level));
	size_t need = 0;

	if (level == 0)
		return 0;
	for (; at < stop && need <= limit; at += size) {
		u64 e = table != NULL ? ptab_read(&table[ptab_index(j->pt, at, level)]) : 0;

		if (table != NULL && j->pt->fmt->present(e))
			need += ptab_count(j, ptab_below(j->pt, e), level - 1, at, limit - need);
		else if (level > j->top || !ptab_covers(j->va, j->end, at, level))
			need += 1 + ptab_count(j, NULL, level - 1, at, limit - need);
	}
	return need;
}

/* Write the job's leaves below @table. A new table is linked only when it is filled. */
static void ptab_fill(const struct ptab_job *j, u64 *table, unsigned level, u64 base)
{
	const struct ptab_format *fmt = j->pt->fmt;
	u64 size = ptab_size(level), at = round_down(MAX(j->va, base), size);
	u64 stop = MIN(j->end, base + size * ptab_entries(j->pt, level));

	for (; at < stop; at += size) {
		u64 *entry = &table[ptab_index(j->pt, at, level)];
		u64 e = ptab_read(entry), *below;

		if (fmt->present(e)) {
			ASSERT(!ptab_is_leaf(j->pt, e, level));
			ptab_fill(j, ptab_below(j->pt, e), level - 1, at);
		} else if (level <= j->top && ptab_covers(j->va, j->end, at, level)) {
			ptab_write(entry, fmt->leaf(at + j->delta, j->flags, level));
		} else {
			below = pool_get(j->pool);
			ASSERT(below != NULL);
			ptab_fill(j, below, level - 1, at);
			ptab_write(entry, fmt->table(j->pt->mem->pa(below)));
		}
	}
}

status_t ptab_map(struct ptab *pt, u64 va, u64 pa, u64 size, unsigned flags, struct pool *pool)
{
	struct ptab_job j = { pt, pool, va, va + size, pa - va, pt->max_leaf, flags };
	unsigned root_level = pt->fmt->levels - 1;
	struct ptab_leaf leaf;
	status_t s = ptab_check(pt, va, size);

	if (s != OK)
		return s;
	if ((pa & (PAGE_SIZE - 1)) != 0)
		return ERR_ALIGN;
	if (range_bad(pa, size) || ((pa | (pa + size - 1)) & ~(pt->fmt->pa_mask | (PAGE_SIZE - 1))) != 0)
		return ERR_RANGE;
	if (ptab_next(pt, va, &leaf) == OK && leaf.va < j.end)
		return ERR_EXISTS;
	while ((j.delta & (ptab_size(j.top) - 1)) != 0)
		j.top--;
	if (ptab_count(&j, pt->root, root_level, 0, pool_free(pool)) > pool_free(pool))
		return ERR_NOMEM;
	ptab_fill(&j, pt->root, root_level, 0);
	ptab_publish(pt);
	return OK;
}

/* The level of the leaf that maps @va, or 0 (which needs no split) where there is none. */
static unsigned ptab_leaf_level(const struct ptab *pt, u64 va)
{
	struct ptab_leaf leaf;
	unsigned level = 0;

	if (ptab_lookup(pt, va, &leaf) != OK)
		return 0;
	while (ptab_size(level) < leaf.size)
		level++;
	return level;
}

/* How many tables it takes to split the leaves that are cut at @va and at @end. */
static size_t ptab_count_splits(const struct ptab *pt, u64 va, u64 end)
{
	unsigned first = ptab_leaf_level(pt, va), last = ptab_leaf_level(pt, end);
	size_t need = 0;

	for (unsigned l = 1; l <= first; l++)
		need += !is_aligned(va, ptab_size(l));
	for (unsigned l = 1; l <= last; l++) {
		bool shared = l <= first && !is_aligned(va, ptab_size(l)) && va / ptab_size(l) == end / ptab_size(l);

		need += !is_aligned(end, ptab_size(l)) && !shared;
	}
	return need;
}

bool ptab_splits(const struct ptab *pt, u64 va, u64 size)
{
	return ptab_check(pt, va, size) == OK && ptab_count_splits(pt, va, va + size) != 0;
}

/* Replace the leaf @entry of @level by a table of smaller leaves that map the same. */
static void ptab_split(const struct ptab *pt, u64 *entry, unsigned level, struct pool *pool)
{
	u64 e = ptab_read(entry), pa = ptab_leaf_pa(pt, e, level);
	unsigned flags = pt->fmt->flags(e, level);
	u64 *below = pool_get(pool);

	ASSERT(below != NULL);
	for (unsigned i = 0; i < PTAB_ENTRIES; i++)
		below[i] = pt->fmt->leaf(pa + i * ptab_size(level - 1), flags, level - 1);
	if (pt->fmt->broken) {
		ptab_write(entry, 0);
		pt->fmt->broken(pt);
	}
	ptab_write(entry, pt->fmt->table(pt->mem->pa(below)));
}

static bool ptab_empty(const struct ptab *pt, const u64 *table)
{
	for (unsigned i = 0; i < PTAB_ENTRIES; i++) {
		if (pt->fmt->present(ptab_read(&table[i])))
			return false;
	}
	return true;
}

/* Clear the job's range, or give it the job's flags if @keep. Tables that become empty go to the pool. */
static void ptab_change(const struct ptab_job *j, u64 *table, unsigned level, u64 base, bool keep)
{
	const struct ptab *pt = j->pt;
	u64 size = ptab_size(level), at = round_down(MAX(j->va, base), size);
	u64 stop = MIN(j->end, base + size * ptab_entries(pt, level));

	for (; at < stop; at += size) {
		u64 *entry = &table[ptab_index(pt, at, level)], *below;
		u64 e = ptab_read(entry);

		if (!pt->fmt->present(e))
			continue;
		if (ptab_is_leaf(pt, e, level)) {
			if (ptab_covers(j->va, j->end, at, level)) {
				e = keep ? pt->fmt->leaf(ptab_leaf_pa(pt, e, level), j->flags, level) : 0;
				ptab_write(entry, e);
				continue;
			}
			ptab_split(pt, entry, level, j->pool);
			e = ptab_read(entry);
		}
		below = ptab_below(pt, e);
		ptab_change(j, below, level - 1, at, keep);
		if (!keep && ptab_empty(pt, below)) {
			ptab_write(entry, 0);
			pool_put(j->pool, below);
		}
	}
}

status_t ptab_unmap(struct ptab *pt, u64 va, u64 size, struct pool *pool)
{
	struct ptab_job j = { .pt = pt, .pool = pool, .va = va, .end = va + size };
	status_t s = ptab_check(pt, va, size);

	if (s != OK)
		return s;
	if (ptab_count_splits(pt, va, j.end) > pool_free(pool))
		return ERR_NOMEM;
	ptab_change(&j, pt->root, pt->fmt->levels - 1, 0, false);
	ptab_publish(pt);
	return OK;
}

status_t ptab_protect(struct ptab *pt, u64 va, u64 size, unsigned flags, struct pool *pool)
{
	struct ptab_job j = { .pt = pt, .pool = pool, .va = va, .end = va + size, .flags = flags };
	struct ptab_leaf leaf;
	status_t s = ptab_check(pt, va, size);

	if (s != OK)
		return s;
	for (u64 at = va; at < j.end; at = leaf.va + leaf.size) {
		if (ptab_lookup(pt, at, &leaf) != OK)
			return ERR_UNMAPPED;
	}
	if (ptab_count_splits(pt, va, j.end) > pool_free(pool))
		return ERR_NOMEM;
	ptab_change(&j, pt->root, pt->fmt->levels - 1, 0, true);
	ptab_publish(pt);
	return OK;
}

static void ptab_free_below(struct ptab *pt, u64 *table, unsigned level, struct pool *pool)
{
	for (unsigned i = 0; i < ptab_entries(pt, level); i++) {
		u64 e = table[i];

		if (!pt->fmt->present(e) || ptab_is_leaf(pt, e, level))
			continue;
		ptab_free_below(pt, ptab_below(pt, e), level - 1, pool);
		pool_put(pool, ptab_below(pt, e));
	}
}

void ptab_destroy(struct ptab *pt, struct pool *pool)
{
	ptab_free_below(pt, pt->root, pt->fmt->levels - 1, pool);
	for (unsigned i = pt->fmt->root_pages; i-- != 0;) /* so that they come out in a row again */
		pool_put(pool, (u8 *)pt->root + i * PAGE_SIZE);
	pt->root = NULL;
}
