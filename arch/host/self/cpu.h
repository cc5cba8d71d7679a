/* SPDX-License-Identifier: Apache-2.0 */
/* arch/host/self/cpu.h: one fake CPU with a counter that only tests move. */
#ifndef SELF_CPU_H
#define SELF_CPU_H

extern u64 host_cpu[ARCH_CPU_BLOCK / 8];
extern u64 host_counter;

static inline void *arch_cpu_block(void)
{
	return host_cpu;
}

static inline u64 arch_counter(void)
{
	return host_counter;
}

#endif
