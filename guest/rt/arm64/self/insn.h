/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/arm64/self/insn.h: single instructions of the service VM's CPU as functions. Unit tests give their own. */
#ifndef SELF_INSN_H
#define SELF_INSN_H

#include "hv/abi/types.h"

/*
 * Device registers at their physical address, by instructions with a single register and no writeback: on a machine
 * that is itself virtual they fault with a syndrome that tells all.
 */
#ifdef UNIT_TEST
u64 cpu_counter(void);
u8 cpu_read8(u64 addr);
u32 cpu_read32(u64 addr);
void cpu_write8(u64 addr, u8 v);
void cpu_write32(u64 addr, u32 v);
NORETURN void cpu_halt(void);
#else
static inline u64 cpu_counter(void)
{
	u64 v;

	/* Without the barrier it may be read long before what stands in front of it. */
	__asm__ volatile("isb; mrs %0, cntpct_el0" : "=r"(v) : : "memory");
	return v;
}

static inline u8 cpu_read8(u64 addr)
{
	u32 v;

	__asm__ volatile("ldrb %w0, [%1]" : "=r"(v) : "r"(addr) : "memory");
	return (u8)v;
}

static inline u32 cpu_read32(u64 addr)
{
	u32 v;

	__asm__ volatile("ldr %w0, [%1]" : "=r"(v) : "r"(addr) : "memory");
	return v;
}

static inline void cpu_write8(u64 addr, u8 v)
{
	__asm__ volatile("strb %w0, [%1]" : : "rZ"((u32)v), "r"(addr) : "memory");
}

static inline void cpu_write32(u64 addr, u32 v)
{
	__asm__ volatile("str %w0, [%1]" : : "rZ"(v), "r"(addr) : "memory");
}

/** Stop for good. */
static inline NORETURN void cpu_halt(void)
{
	for (;;)
		__asm__ volatile("wfi");
}
#endif

/**
 * Write @size bytes from @p on back to memory and forget them in the caches, so that a guest whose own are off sees
 * them, and no line that is written back late goes over what it writes.
 */
void cpu_clean(const void *p, u64 size);

/** A random word of the CPU's; false when it has no generator or that had nothing to give. */
bool cpu_random(u64 *v);

#endif
