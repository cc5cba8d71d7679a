/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/spin.h: a spin lock that is passed on in the order of asking: no CPU can keep another one from it. */
#ifndef ARCH_ARM64_SPIN_H
#define ARCH_ARM64_SPIN_H

#include "hv/abi/types.h"

struct spin {
	u16 next;  /* the ticket that the next one draws */
	u16 owner; /* whose turn it is                   */
};

static inline void spin_pause(void)
{
#ifdef __aarch64__
	asm volatile("yield" : : : "memory");
#endif
}

/* Interrupts are masked: the holder is not interrupted, and waits for nothing. */
static inline void spin_lock(struct spin *s)
{
	u16 mine = __atomic_fetch_add(&s->next, 1, __ATOMIC_RELAXED);

	while (__builtin_expect(__atomic_load_n(&s->owner, __ATOMIC_ACQUIRE) != mine, 0))
		spin_pause();
}

static inline void spin_unlock(struct spin *s)
{
	__atomic_store_n(&s->owner, (u16)(s->owner + 1), __ATOMIC_RELEASE);
}

#endif
