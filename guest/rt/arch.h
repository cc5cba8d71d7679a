/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/arch.h: what an architecture provides so that the runtime works: guest/rt/ARCH. */
#ifndef GUEST_RT_ARCH_H
#define GUEST_RT_ARCH_H

#include "guest/rt/sys.h"

/** The first call: what hypercalls and exceptions need. @base: the image's address. */
void rt_arch_init(u64 base);
/** Map RAM up to @top by identity and protect the image. Needs the page allocator; RAM below 4 GiB is in it. */
void rt_arch_map(u64 base, u64 top);
/** Seconds since 1970, UTC, by the machine's battery clock; 0: it has none. */
u64 rt_arch_clock(const struct hv_info *info);

#include "self/insn.h" /* cpu_counter, cpu_random, cpu_halt */

#endif
