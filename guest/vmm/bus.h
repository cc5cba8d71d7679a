/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/bus.h: address ranges of a guest (ports or physical memory) and the devices behind them. */
#ifndef GUEST_VMM_BUS_H
#define GUEST_VMM_BUS_H

#include "guest/rt/lock.h"
#include "hv/abi/status.h"
#include "hv/lib/util.h"

#define BUS_MAX_REGIONS 64

/*
 * @off: bytes from the region's base; @size: 1, 2, 4 or 8; the access lies wholly in the region. A device masks or
 * splits sizes it does not know as its hardware would. read() returns the value in its low bytes. Both are called with
 * the region's lock held, which is the device's.
 */
struct bus_ops {
	u64 (*read)(void *dev, u64 off, unsigned size);
	void (*write)(void *dev, u64 off, unsigned size, u64 value);
};

struct bus_region {
	u64 base, size;
	const struct bus_ops *ops;
	void *dev;
	struct lock *lock; /* NULL: the device has nothing to guard */
};

/*
 * The table changes under the lock (PCI BARs move); accesses that miss @last look it up under the lock. An access at
 * the time at which its region moves goes to the old place or to the new one, as on hardware. A region stays in memory
 * as long as its guest has vCPUs that run.
 */
struct bus {
	struct lock lock;
	unsigned n;
	struct bus_region *last;		    /* that was hit, or NULL; read without the lock */
	struct bus_region *region[BUS_MAX_REGIONS]; /* sorted by base                               */
};

/** An empty bus. */
void bus_init(struct bus *b);
/** Put @r (the caller's, stays) on @b. ERR_RANGE (empty or wraps), ERR_EXISTS (overlaps), ERR_FULL. */
MUST_CHECK status_t bus_add(struct bus *b, struct bus_region *r);
/** The same at @base, which becomes its own if that succeeds. */
MUST_CHECK status_t bus_add_at(struct bus *b, struct bus_region *r, u64 base);
void bus_remove(struct bus *b, struct bus_region *r);
/** The region at @addr, or NULL. */
struct bus_region *bus_find(struct bus *b, u64 addr);

/** If an access lies wholly in @r, true and its offset. */
static inline bool bus_whole(const struct bus_region *r, u64 addr, unsigned size, u64 *off)
{
	u64 all = r->size; /* never changes; the base may at any time, hence once */

	*off = addr - __atomic_load_n(&r->base, __ATOMIC_RELAXED);
	return *off < all && all - *off >= size;
}

/** The region of the access before, if this one, too, lies wholly in it. NULL: it is to be looked up. */
static inline struct bus_region *bus_hit(const struct bus *b, u64 addr, unsigned size, u64 *off)
{
	struct bus_region *r = __atomic_load_n(&b->last, __ATOMIC_RELAXED);

	return likely(r != NULL && bus_whole(r, addr, size, off)) ? r : NULL;
}

/** Access the device behind @r. */
static inline u64 bus_region_read(const struct bus_region *r, u64 off, unsigned size)
{
	struct lock *l = r->lock;
	u64 v;

	if (l == NULL)
		return r->ops->read(r->dev, off, size);
	lock_take(l);
	v = r->ops->read(r->dev, off, size);
	lock_drop(l);
	return v;
}

static inline void bus_region_write(const struct bus_region *r, u64 off, unsigned size, u64 value)
{
	struct lock *l = r->lock;

	if (l == NULL) {
		r->ops->write(r->dev, off, size, value);
		return;
	}
	lock_take(l);
	r->ops->write(r->dev, off, size, value);
	lock_drop(l);
}

/** All ones where nothing is; an access that straddles a region's end is split into bytes. */
u64 bus_read(struct bus *b, u64 addr, unsigned size);
void bus_write(struct bus *b, u64 addr, unsigned size, u64 value);

#endif
