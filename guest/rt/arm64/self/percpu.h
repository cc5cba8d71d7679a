/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/arm64/self/percpu.h: this CPU's block, by the stack pointer. Unit tests have their own. */
#ifndef SELF_PERCPU_H
#define SELF_PERCPU_H

/** This CPU's. Not before rt_start has changed the stack. */
static inline struct rt_cpu *cpu_this(void)
{
	u64 sp;

	__asm__("mov %0, sp" : "=r"(sp));
	return (struct rt_cpu *)(sp & ~(u64)(RT_CPU_BLOCK - 1));
}

#endif
