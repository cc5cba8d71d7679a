/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/x86/cpu.h: single instructions of the service VM's CPU as functions. Unit tests give their own. */
#ifndef GUEST_RT_X86_CPU_H
#define GUEST_RT_X86_CPU_H

#include "hv/abi/types.h"

#ifdef UNIT_TEST
u64 cpu_counter(void);
u8 cpu_in8(u16 port);
void cpu_out8(u16 port, u8 v);
#else
static inline u64 cpu_counter(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

static inline u8 cpu_in8(u16 port)
{
	u8 v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void cpu_out8(u16 port, u8 v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}
#endif

static inline void cpu_cpuid(u32 leaf, u32 sub, u32 out[4])
{
	__asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(sub));
}

/** One RDRAND; false when it had nothing to give. */
static inline bool cpu_rdrand(u64 *v)
{
	bool ok;

	__asm__ volatile("rdrand %0" : "=r"(*v), "=@ccc"(ok));
	return ok;
}

/** Set up descriptors, exceptions and protection; @base is the image's address. */
void cpu_init(u64 base);
/** Identity-map RAM up to @top and make text read-only and data not executable. Needs the page allocator. */
void paging_init(u64 base, u64 top);

#endif
