/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/self/cpu.h: hot accessors of arch/iface/cpu.h. */
#ifndef SELF_CPU_H
#define SELF_CPU_H

#ifdef UNIT_TEST
void *arch_cpu_block(void);
#else
static inline void *arch_cpu_block(void)
{
	u64 sp;

	asm("mov %0, sp" : "=r"(sp));
	return (void *)(sp & ~(ARCH_CPU_BLOCK - 1));
}
#endif

/* The physical counter; the virtual one is the guest's, with its offset. */
static inline u64 arch_counter(void)
{
	u64 v;

	asm volatile("isb; mrs %0, cntpct_el0" : "=r"(v) : : "memory");
	return v;
}

#endif
