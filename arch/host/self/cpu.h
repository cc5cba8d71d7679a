/* SPDX-License-Identifier: Apache-2.0 */
/* arch/host/self/cpu.h: fake CPUs, of which a test plays one at a time, with a counter that only tests move. */
#ifndef SELF_CPU_H
#define SELF_CPU_H

extern void *host_block; /* of the CPU that the test plays at the moment */
extern u64 host_counter;

static inline void *arch_cpu_block(void)
{
	return host_block;
}

static inline u64 arch_counter(void)
{
	return host_counter;
}

#endif
