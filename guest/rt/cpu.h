/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/cpu.h: what the service VM keeps for each physical CPU: a block of memory with its data and its stack. */
#ifndef GUEST_RT_CPU_H
#define GUEST_RT_CPU_H

#include "guest/rt/lock.h"
#include "hv/abi/boot_info.h"
#include "hv/lib/list.h"

#define RT_MAX_CPUS BOOT_MAX_CPUS

/*
 * A CPU's block, aligned to its size so that the stack pointer tells where it begins: data, the stack for exceptions
 * (x86), a page that is left out, the stack.
 */
#define RT_CPU_BLOCK 0x10000u
#define RT_CPU_TRAP  0x3000u /* where the exceptions' stack ends */
#define RT_CPU_GUARD 0x3000u

struct rt_cpu {
	u64 start[4]; /* for the first instructions: what the architecture says there */
	unsigned n;   /* the hypervisor's number of it */
	void *mailbox;
	void *serving; /* the vCPU whose exit is being served; for device models that ask */
	/* Timers armed on this CPU, the earliest first, and work to be done on it: under the lock. */
	struct lock lock;
	struct list timers, works;
	u64 timer_next; /* time of the earliest, ~0: none; read without the lock */
	u32 nworks;	/* the same */
	u64 armed;	/* time_ns() at which the hypervisor's timer stands, ~0: off; its own alone */
	u64 canary;	/* the lowest word of the stack, where no page could be left out, has it too */
	u64 arch[32];	/* tables of the architecture */
};

/** Fill @c as CPU @n's. */
static inline void rt_cpu_init(struct rt_cpu *c, unsigned n)
{
	c->n = n;
	lock_init(&c->lock, LOCK_LIST);
	list_init(&c->timers);
	list_init(&c->works);
	c->timer_next = ~0ULL;
	c->armed = ~0ULL;
}

#include "self/percpu.h" /* cpu_this */

/** CPU @n, or NULL: there is none, or it is not up. */
struct rt_cpu *rt_cpu(unsigned n);
/** How many are up: 0 to that. */
unsigned rt_ncpus(void);

#endif
