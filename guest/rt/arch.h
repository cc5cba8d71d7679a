/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/arch.h: what an architecture provides so that the runtime works: guest/rt/ARCH. */
#ifndef GUEST_RT_ARCH_H
#define GUEST_RT_ARCH_H

#include "guest/rt/sys.h"

/** The first call: what hypercalls need. @base: the image's address, @mailbox: the first CPU's. */
void rt_arch_init(u64 base, void *mailbox);
/** Map RAM up to @top by identity and protect the image. Needs the page allocator; RAM below 4 GiB is in it. */
void rt_arch_map(u64 base, u64 top);
/** Leave the page @guard of a stack out of rt_arch_map's tables. False: this architecture cannot; look at the canary.
 */
bool rt_arch_guard(void *guard);
/** On CPU @c, on its own stack: exceptions, and what else each CPU has. */
void rt_arch_cpu(struct rt_cpu *c);
/** On the first CPU, after rt_arch_map: fill c->start for CPU @c, and return where CPU_START shall let it begin. */
u64 rt_arch_entry(struct rt_cpu *c);
/** Call fn(@c) on the stack that ends at @top, for good. */
NORETURN void rt_arch_switch(struct rt_cpu *c, void *top, void (*fn)(struct rt_cpu *c));
/** What rt_arch_entry's code calls on a new CPU: @c is the argument of CPU_START. */
NORETURN void rt_secondary(struct rt_cpu *c, u64 mailbox);
/** Seconds since 1970, UTC, by the machine's battery clock; 0: it has none. */
u64 rt_arch_clock(const struct hv_info *info);

#include "self/insn.h" /* cpu_counter, cpu_random, cpu_halt */

#endif
