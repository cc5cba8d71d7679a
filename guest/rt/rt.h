/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/rt.h: what device models and drivers may ask of the program they live in. tests/unit has a fake of it. */
#ifndef GUEST_RT_RT_H
#define GUEST_RT_RT_H

#include "guest/rt/lock.h"
#include "hv/abi/status.h"
#include "hv/lib/list.h"
#include "hv/lib/panic.h"
#include "hv/lib/print.h"
#include "hv/lib/string.h"

/** A line (without newline) on the service VM's own console and, at first, the machine's. */
void log_line(const char *fmt, ...) PRINTF(1, 2);

/** Nanoseconds since boot; never goes back. */
u64 time_ns(void);
/** Seconds since 1970, UTC, from the machine's clock. */
u64 time_wall(void);

struct rt_cpu;

/*
 * A timer belongs to whoever embeds it; the event loop of the CPU that has set it calls fn once, after @when has
 * passed, with @lock held. All but timer_init are called with that lock held: so a timer that has been cancelled or
 * moved does not fire for what it was set to before, whatever another CPU is just about to do.
 */
struct timer {
	struct list link;
	u64 when; /* time_ns() */
	void (*fn)(struct timer *);
	struct lock *lock;  /* its device's; NULL: only one CPU ever touches it */
	struct rt_cpu *cpu; /* whose list it is in, NULL: none                  */
	bool armed;
};
void timer_init(struct timer *t, void (*fn)(struct timer *), struct lock *lock);
/** Call t->fn when time_ns() reaches @when, on this CPU; an armed timer is moved. */
void timer_set(struct timer *t, u64 when);
void timer_cancel(struct timer *t);
bool timer_armed(const struct timer *t);

/*
 * Work for later: fn runs from the event loop, without locks, after the present handler has returned. Long work is done
 * in slices that queue themselves again. Queued twice, it runs once, where it was queued first; queued while it runs,
 * once more, on another CPU perhaps at the same time.
 */
struct work {
	struct list link;
	void (*fn)(struct work *);
	u32 queued;
};
void work_init(struct work *w, void (*fn)(struct work *));
void work_queue(struct work *w);
/** On CPU @cpu; on this one if that is not up. */
void work_queue_on(unsigned cpu, struct work *w);

/** Zeroed memory that lives until mem_free; aligned to 16 bytes, or to a page when @size is a page or more. NULL. */
void *mem_alloc(size_t size);
void mem_free(void *p);
/** @size bytes (a multiple of 4 KiB) aligned to @align (a power of two of at least 4 KiB). NULL. */
void *page_alloc(size_t size, size_t align);
void page_free(void *p, size_t size);

/** @n unpredictable bytes (RDRAND/RNDR mixed with the counter; says at boot when it has no hardware source). */
void random_bytes(void *buf, size_t n);

#endif
