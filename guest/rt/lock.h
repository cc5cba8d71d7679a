/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/lock.h: spin locks of the service VM, and the one order in which they are taken. */
#ifndef GUEST_RT_LOCK_H
#define GUEST_RT_LOCK_H

#include "hv/lib/util.h"

/*
 * Who holds one lock takes only those further down; two of the same rank are never held at once. What a handler
 * of the event loop does, it does without a lock at first: the bus takes the device's around each access, timers
 * their device's around their handler, vq_doorbell and work take what they need.
 *
 * Upwards, from a console to a device for one, nothing is called with a lock held: it is noted, and done as work.
 */
enum lock_rank {
	LOCK_PCI = 1, /* a guest's PCI root: CONFIG_ADDRESS, where BARs lie             */
	LOCK_DEVICE,  /* one device model, a PCI function with its configuration space  */
	LOCK_PM,      /* ACPI's registers: the RTC's alarm shows there                  */
	LOCK_INTX,    /* a PCI root's interrupt pins, which share lines                 */
	LOCK_CHIP,    /* one interrupt controller                                       */
	LOCK_BUS,     /* a bus' table of regions                                        */
	LOCK_VM,      /* a guest's life: vm->state, who is in the guest                 */
	LOCK_RAM,     /* which pieces of a guest's RAM are out of its stage 2           */
	LOCK_CONSOLE, /* all consoles                                                   */
	LOCK_WIRE,    /* the machine's serial line                                      */
	LOCK_LIST,    /* one CPU's timers and work                                      */
	LOCK_MEM,     /* memory                                                         */
	LOCK_LOG,     /* the log's ring, early output                                   */
};

/*
 * A service vCPU is never preempted by a guest, so a lock is held for microseconds at most, and an unfair one will do.
 * It is taken in five instructions when nobody has it.
 */
struct lock {
	u32 held;
	u32 rank; /* enum lock_rank */
};

#define LOCK_INIT(r)        \
	{                   \
		.rank = (r) \
	}

#include "self/lock.h" /* lock_relax, lock_taken, lock_dropped */

static inline void lock_init(struct lock *l, enum lock_rank rank)
{
	l->held = 0;
	l->rank = rank;
}

static inline void lock_take(struct lock *l)
{
	lock_taken(l);
	while (unlikely(__atomic_exchange_n(&l->held, 1u, __ATOMIC_ACQUIRE) != 0)) {
		while (__atomic_load_n(&l->held, __ATOMIC_RELAXED) != 0)
			lock_relax();
	}
}

static inline void lock_drop(struct lock *l)
{
	lock_dropped(l);
	__atomic_store_n(&l->held, 0u, __ATOMIC_RELEASE);
}

#endif
