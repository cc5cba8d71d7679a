/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/x86/self/lock.h: how this CPU waits for a lock. Unit tests have their own, which checks the order. */
#ifndef SELF_LOCK_H
#define SELF_LOCK_H

static inline void lock_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

static inline void lock_taken(const struct lock *l)
{
}

static inline void lock_dropped(const struct lock *l)
{
}

#endif
