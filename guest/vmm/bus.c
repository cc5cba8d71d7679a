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
	b->last = 0;
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
	b->last = 0;
}

struct bus_region *bus_find(struct bus *b, u64 addr)
{
	unsigned i;

	/* Accesses come in runs to one device: the last region is right most times. */
	if (b->last < b->n && addr - b->region[b->last]->base < b->region[b->last]->size)
		return b->region[b->last];
	i = bus_search(b, addr);
	if (i == b->n || addr < b->region[i]->base)
		return NULL;
	b->last = i;
	return b->region[i];
}

static u64 bus_mask(unsigned size)
{
	return size >= 8 ? ~0ULL : BIT(8 * size) - 1;
}

/* Does the access lie wholly in @r? */
static bool bus_whole(const struct bus_region *r, u64 addr, unsigned size)
{
	return r != NULL && r->size - (addr - r->base) >= size;
}

u64 bus_read(struct bus *b, u64 addr, unsigned size)
{
	struct bus_region *r = bus_find(b, addr);
	u64 value = 0;
	unsigned i;

	if (bus_whole(r, addr, size))
		return r->ops->read(r->dev, addr - r->base, size) & bus_mask(size);
	if (size == 1)
		return bus_mask(1);
	for (i = 0; i < size && i < 8; i++)
		value |= bus_read(b, addr + i, 1) << (8 * i);
	return value;
}

void bus_write(struct bus *b, u64 addr, unsigned size, u64 value)
{
	struct bus_region *r = bus_find(b, addr);
	unsigned i;

	if (bus_whole(r, addr, size)) {
		r->ops->write(r->dev, addr - r->base, size, value & bus_mask(size));
		return;
	}
	if (size == 1)
		return;
	for (i = 0; i < size && i < 8; i++)
		bus_write(b, addr + i, 1, value >> (8 * i) & 0xff);
}
