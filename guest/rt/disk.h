/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/disk.h: a block device as device models see it: a boot module in memory, or a driver's disk. */
#ifndef GUEST_RT_DISK_H
#define GUEST_RT_DISK_H

#include "guest/rt/lock.h"
#include "hv/abi/status.h"

#define SECTOR_SIZE 512u

enum disk_op { DISK_READ, DISK_WRITE, DISK_FLUSH, DISK_DISCARD, DISK_ZEROES };

struct disk_seg {
	void *base;
	u32 len; /* bytes */
};

struct disk_req {
	enum disk_op op;
	u64 sector;		    /* first sector                                         */
	u64 nsectors;		    /* READ, WRITE: sum of the segments; DISCARD, ZEROES    */
	const struct disk_seg *seg; /* memory of the caller, stays until done()       */
	unsigned nseg;
	bool unmap; /* ZEROES: the space may be given back                  */
	/*
	 * Called exactly once, with @lock held, which disk_submit is called with: from within that, or by disk_done
	 * from the event loop of any CPU.
	 */
	struct lock *lock;
	void (*done)(struct disk_req *, status_t);
};

struct disk;
struct disk_ops {
	void (*submit)(struct disk *, struct disk_req *);
};

struct disk {
	const struct disk_ops *ops;
	u64 nsectors;
	bool readonly;
	char serial[21]; /* NUL-terminated */
};

/** Start @r. Out of range, write to a read-only disk: done() with ERR_RANGE, ERR_RIGHTS. Others as the disk says. */
static inline void disk_submit(struct disk *d, struct disk_req *r)
{
	if (r->op != DISK_FLUSH && (r->sector > d->nsectors || r->nsectors > d->nsectors - r->sector))
		r->done(r, ERR_RANGE);
	else if (d->readonly && r->op != DISK_READ && r->op != DISK_FLUSH)
		r->done(r, ERR_RIGHTS);
	else
		d->ops->submit(d, r);
}

/** @r, which was not done when disk_submit came back, has ended. */
static inline void disk_done(struct disk_req *r, status_t s)
{
	struct lock *l = r->lock;

	lock_take(l);
	r->done(r, s);
	lock_drop(l);
}

#endif
