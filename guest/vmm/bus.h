/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/bus.h: address ranges of a guest (ports or physical memory) and the devices behind them. */
#ifndef GUEST_VMM_BUS_H
#define GUEST_VMM_BUS_H

#include "hv/abi/status.h"
#include "hv/lib/util.h"

#define BUS_MAX_REGIONS 64

/*
 * @off: bytes from the region's base; @size: 1, 2, 4 or 8; the access lies wholly in the region. A device masks or
 * splits sizes it does not know as its hardware would. read() returns the value in its low bytes.
 */
struct bus_ops {
	u64 (*read)(void *dev, u64 off, unsigned size);
	void (*write)(void *dev, u64 off, unsigned size, u64 value);
};

struct bus_region {
	u64 base, size;
	const struct bus_ops *ops;
	void *dev;
};

struct bus {
	unsigned n;
	struct bus_region *last;		    /* that was hit, or NULL */
	struct bus_region *region[BUS_MAX_REGIONS]; /* sorted by base        */
};

/** Put @r (the caller's, stays) on @b. ERR_RANGE (empty or wraps), ERR_EXISTS (overlaps), ERR_FULL. */
MUST_CHECK status_t bus_add(struct bus *b, struct bus_region *r);
void bus_remove(struct bus *b, struct bus_region *r);
struct bus_region *bus_find(struct bus *b, u64 addr);

/** Does an access lie wholly in @r? */
static inline bool bus_whole(const struct bus_region *r, u64 addr, unsigned size)
{
	u64 off = addr - r->base;

	return off < r->size && r->size - off >= size;
}

/** The region of the access before, if this one, too, lies wholly in it. NULL: ask bus_find. */
static inline struct bus_region *bus_hit(const struct bus *b, u64 addr, unsigned size)
{
	return likely(b->last != NULL && bus_whole(b->last, addr, size)) ? b->last : NULL;
}

/** All ones where nothing is; an access that straddles a region's end is split into bytes. */
u64 bus_read(struct bus *b, u64 addr, unsigned size);
void bus_write(struct bus *b, u64 addr, unsigned size, u64 value);

#endif
