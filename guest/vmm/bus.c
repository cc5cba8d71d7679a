/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/bus.c: address ranges of a guest, kept sorted so that a lookup is a binary search. */
#include "guest/vmm/bus.h"

#include "hv/lib/util.h"

/* The index of the first region that ends behind @addr; b->n: none. All here that is not public is under the lock. */
static unsigned bus_search(const struct bus *b, u64 addr)
{
	unsigned lo = 0, hi = b->n;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;
		const struct bus_region *r = b->region[mid];

		if (addr > r->base + (r->size - 1))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void bus_init(struct bus *b)
{
	lock_init(&b->lock, LOCK_BUS);
	b->n = 0;
	b->last = NULL;
}

static status_t bus_insert(struct bus *b, struct bus_region *r, u64 base)
{
	unsigned i, at = bus_search(b, base);

	if (at < b->n && range_overlap(base, r->size, b->region[at]->base, b->region[at]->size))
		return ERR_EXISTS;
	if (b->n == BUS_MAX_REGIONS)
		return ERR_FULL;
	for (i = b->n; i > at; i--)
		b->region[i] = b->region[i - 1];
	b->region[at] = r;
	b->n++;
	__atomic_store_n(&r->base, base, __ATOMIC_RELAXED);
	__atomic_store_n(&b->last, (struct bus_region *)NULL, __ATOMIC_RELAXED);
	return OK;
}

status_t bus_add_at(struct bus *b, struct bus_region *r, u64 base)
{
	status_t s;

	if (range_bad(base, r->size))
		return ERR_RANGE;
	lock_take(&b->lock);
	s = bus_insert(b, r, base);
	lock_drop(&b->lock);
	return s;
}

status_t bus_add(struct bus *b, struct bus_region *r)
{
	return bus_add_at(b, r, r->base);
}

void bus_remove(struct bus *b, struct bus_region *r)
{
	unsigned i;

	lock_take(&b->lock);
	for (i = 0; i < b->n && b->region[i] != r; i++)
		;
	if (i < b->n) {
		b->n--;
		for (; i < b->n; i++)
			b->region[i] = b->region[i + 1];
		__atomic_store_n(&b->last, (struct bus_region *)NULL, __ATOMIC_RELAXED);
	}
	lock_drop(&b->lock);
}

struct bus_region *bus_find(struct bus *b, u64 addr)
{
	struct bus_region *r;
	unsigned i;

	lock_take(&b->lock);
	i = bus_search(b, addr);
	r = i < b->n && addr >= b->region[i]->base ? b->region[i] : NULL;
	lock_drop(&b->lock);
	return r;
}

enum bus_place { BUS_DEVICE, BUS_NOTHING, BUS_STRADDLES };

/* Where does the access go? A device: its region and the offset there. */
static enum bus_place bus_lookup(struct bus *b, u64 addr, unsigned size, struct bus_region **r, u64 *off)
{
	enum bus_place place = BUS_STRADDLES;
	unsigned i;

	lock_take(&b->lock);
	i = bus_search(b, addr);
	if (i == b->n || addr < b->region[i]->base) { /* no region holds its first byte */
		if (size == 1 || ((i == b->n || b->region[i]->base - addr >= size) && !range_bad(addr, size)))
			place = BUS_NOTHING;
	} else if (bus_whole(b->region[i], addr, size, off)) {
		*r = b->region[i];
		/* Accesses come in runs to one device. */
		__atomic_store_n(&b->last, *r, __ATOMIC_RELAXED);
		place = BUS_DEVICE;
	}
	lock_drop(&b->lock);
	return place;
}

static u64 bus_mask(unsigned size)
{
	return ~0ULL >> ((64 - 8 * size) & 63);
}

/* Not in the region of the access before. */
static NOINLINE u64 bus_read_other(struct bus *b, u64 addr, unsigned size)
{
	struct bus_region *r;
	u64 value = 0, off;
	unsigned i;

	switch (bus_lookup(b, addr, size, &r, &off)) {
	case BUS_DEVICE: return bus_region_read(r, off, size) & bus_mask(size);
	case BUS_NOTHING: return bus_mask(size);
	default: break;
	}
	for (i = 0; i < size && i < 8; i++)
		value |= bus_read(b, addr + i, 1) << (8 * i);
	return value;
}

u64 bus_read(struct bus *b, u64 addr, unsigned size)
{
	u64 off;
	const struct bus_region *r = bus_hit(b, addr, size, &off);

	if (likely(r != NULL))
		return bus_region_read(r, off, size) & bus_mask(size);
	return bus_read_other(b, addr, size);
}

static NOINLINE void bus_write_other(struct bus *b, u64 addr, unsigned size, u64 value)
{
	struct bus_region *r;
	unsigned i;
	u64 off;

	switch (bus_lookup(b, addr, size, &r, &off)) {
	case BUS_DEVICE: bus_region_write(r, off, size, value & bus_mask(size)); return;
	case BUS_NOTHING: return;
	default: break;
	}
	for (i = 0; i < size && i < 8; i++)
		bus_write(b, addr + i, 1, value >> (8 * i) & 0xff);
}

void bus_write(struct bus *b, u64 addr, unsigned size, u64 value)
{
	u64 off;
	const struct bus_region *r = bus_hit(b, addr, size, &off);

	if (likely(r != NULL))
		bus_region_write(r, off, size, value & bus_mask(size));
	else
		bus_write_other(b, addr, size, value);
}
