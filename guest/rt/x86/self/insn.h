/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/x86/self/insn.h: single instructions of the service VM's CPU as functions. Unit tests give their own. */
#ifndef SELF_INSN_H
#define SELF_INSN_H

#include "hv/abi/types.h"

#ifdef UNIT_TEST
u64 cpu_counter(void);
u8 cpu_in8(u16 port);
void cpu_out8(u16 port, u8 v);
u16 cpu_in16(u16 port);
void cpu_out16(u16 port, u16 v);
u32 cpu_in32(u16 port);
void cpu_out32(u16 port, u32 v);
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

static inline u16 cpu_in16(u16 port)
{
	u16 v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void cpu_out16(u16 port, u16 v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline u32 cpu_in32(u16 port)
{
	u32 v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void cpu_out32(u16 port, u32 v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}
#endif

static inline void cpu_cpuid(u32 leaf, u32 sub, u32 out[4])
{
	__asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(sub));
}

/** Make what was written to memory visible to those who read past the caches: here nobody does. */
static inline void cpu_clean(const void *p, u64 size)
{
}

/** A random word of the CPU's; false when it has no generator or that had nothing to give. */
bool cpu_random(u64 *v);

/** Stop for good. */
static inline NORETURN void cpu_halt(void)
{
	for (;;)
		__asm__ volatile("hlt");
}

#endif
