/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/self/lock.h: locks in unit tests: each thread's are checked for order and owner. */
#ifndef SELF_LOCK_H
#define SELF_LOCK_H

#include "hv/lib/panic.h"

#define LOCK_DEPTH 16

/* Of this thread: the locks it holds. One for the whole program, wherever this is included. */
__attribute__((weak)) _Thread_local const struct lock *lock_mine[LOCK_DEPTH];
__attribute__((weak)) _Thread_local unsigned lock_nmine;

static inline void lock_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

static inline void lock_taken(const struct lock *l)
{
	/* A structure that a test has only zeroed has no rank, and is checked for no order. */
	for (unsigned i = 0; i < lock_nmine; i++)
		ASSERT(lock_mine[i] != l && (lock_mine[i]->rank < l->rank || l->rank == 0));
	ASSERT(lock_nmine < LOCK_DEPTH);
	lock_mine[lock_nmine++] = l;
}

static inline void lock_dropped(const struct lock *l)
{
	unsigned i = lock_nmine;

	while (i != 0 && lock_mine[i - 1] != l)
		i--;
	ASSERT(i != 0);
	for (lock_nmine--; i <= lock_nmine; i++)
		lock_mine[i - 1] = lock_mine[i];
}

/* Does this thread hold @l? */
static inline bool lock_held(const struct lock *l)
{
	for (unsigned i = 0; i < lock_nmine; i++) {
		if (lock_mine[i] == l)
			return true;
	}
	return false;
}

#endif
