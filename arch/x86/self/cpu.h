/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/self/cpu.h: hot accessors of arch/iface/cpu.h. */
#ifndef SELF_CPU_H
#define SELF_CPU_H

static inline void *arch_cpu_block(void)
{
	u64 sp;

	asm("mov %%rsp, %0" : "=r"(sp));
	return (void *)(sp & ~(ARCH_CPU_BLOCK - 1));
}

static inline u64 arch_counter(void)
{
	u32 lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

#endif
