/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch/arm64/spin.h: a spin lock for a few instructions at a time. Not in the order of asking: where our CPUs are
 * threads of an emulator or another hypervisor, it would be handed on to one that does not run, and all would wait for
 * that. Nobody is kept from it for long: a guest that asks again and again makes an exit each time, many times as long.
 */
#ifndef ARCH_ARM64_SPIN_H
#define ARCH_ARM64_SPIN_H

#include "hv/abi/types.h"

struct spin {
	u32 held;
};

#ifdef UNIT_TEST
void spin_pause(void);
#else
static inline void spin_pause(void)
{
	asm volatile("yield" : : : "memory");
}
#endif

/* Interrupts are masked: the holder is not interrupted, and waits for nothing. */
static inline void spin_lock(struct spin *s)
{
	while (__builtin_expect(__atomic_exchange_n(&s->held, 1, __ATOMIC_ACQUIRE) != 0, 0))
		while (__atomic_load_n(&s->held, __ATOMIC_RELAXED))
			spin_pause();
}

static inline void spin_unlock(struct spin *s)
{
	__atomic_store_n(&s->held, 0, __ATOMIC_RELEASE);
}

#endif
