/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/bus.c: address ranges of a guest, kept sorted so that a lookup is a binary search. */
#include "guest/vmm/bus.h"

#include "hv/lib/util.h"

/* The index of the first region that ends behind @addr; b->n: none. */
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

status_t bus_add(struct bus *b, struct bus_region *r)
{
	unsigned i, at;

	if (range_bad(r->base, r->size))
		return ERR_RANGE;
	at = bus_search(b, r->base);
	if (at < b->n && range_overlap(r->base, r->size, b->region[at]->base, b->region[at]->size))
		return ERR_EXISTS;
	if (b->n == BUS_MAX_REGIONS)
		return ERR_FULL;
	for (i = b->n; i > at; i--)
		b->region[i] = b->region[i - 1];
	b->region[at] = r;
	b->n++;
	b->last = NULL;
	return OK;
}

void bus_remove(struct bus *b, struct bus_region *r)
{
	unsigned i;

	for (i = 0; i < b->n && b->region[i] != r; i++)
		;
	if (i == b->n)
		return;
	b->n--;
	for (; i < b->n; i++)
		b->region[i] = b->region[i + 1];
	b->last = NULL;
}

struct bus_region *bus_find(struct bus *b, u64 addr)
{
	unsigned i;

	/* Accesses come in runs to one device: the last region is right most times. */
	if (b->last != NULL && addr - b->last->base < b->last->size)
		return b->last;
	i = bus_search(b, addr);
	if (i == b->n || addr < b->region[i]->base)
		return NULL;
	b->last = b->region[i];
	return b->last;
}

static u64 bus_mask(unsigned size)
{
	return ~0ULL >> ((64 - 8 * size) & 63);
}

/* Is no byte of the access in any region? None holds @addr itself. */
static bool bus_nothing(const struct bus *b, u64 addr, unsigned size)
{
	unsigned i = bus_search(b, addr);

	return (i == b->n || b->region[i]->base - addr >= size) && !range_bad(addr, size);
}

/* Not in the region of the access before. */
static NOINLINE u64 bus_read_other(struct bus *b, u64 addr, unsigned size)
{
	struct bus_region *r = bus_find(b, addr);
	u64 value = 0;
	unsigned i;

	if (r == NULL && (size == 1 || bus_nothing(b, addr, size)))
		return bus_mask(size);
	if (r != NULL && bus_whole(r, addr, size))
		return r->ops->read(r->dev, addr - r->base, size) & bus_mask(size);
	for (i = 0; i < size && i < 8; i++)
		value |= bus_read(b, addr + i, 1) << (8 * i);
	return value;
}

u64 bus_read(struct bus *b, u64 addr, unsigned size)
{
	const struct bus_region *r = bus_hit(b, addr, size);

	if (likely(r != NULL))
		return r->ops->read(r->dev, addr - r->base, size) & bus_mask(size);
	return bus_read_other(b, addr, size);
}

static NOINLINE void bus_write_other(struct bus *b, u64 addr, unsigned size, u64 value)
{
	struct bus_region *r = bus_find(b, addr);
	unsigned i;

	if (r == NULL && (size == 1 || bus_nothing(b, addr, size)))
		return;
	if (r != NULL && bus_whole(r, addr, size)) {
		r->ops->write(r->dev, addr - r->base, size, value & bus_mask(size));
		return;
	}
	for (i = 0; i < size && i < 8; i++)
		bus_write(b, addr + i, 1, value >> (8 * i) & 0xff);
}

void bus_write(struct bus *b, u64 addr, unsigned size, u64 value)
{
	const struct bus_region *r = bus_hit(b, addr, size);

	if (likely(r != NULL))
		r->ops->write(r->dev, addr - r->base, size, value & bus_mask(size));
	else
		bus_write_other(b, addr, size, value);
}
