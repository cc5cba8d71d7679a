/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/self/io.h: device registers are memory: @addr is a pointer that arch_ptr gave for a mapped device page. */
#ifndef SELF_IO_H
#define SELF_IO_H

static inline u8 arch_io_read8(u64 addr)
{
	u8 v;

	asm volatile("ldrb %w0, [%1]" : "=r"(v) : "r"(addr) : "memory");
	return v;
}

static inline void arch_io_write8(u64 addr, u8 v)
{
	asm volatile("strb %w0, [%1]" : : "r"(v), "r"(addr) : "memory");
}

/* Plain accesses that a compiler cannot turn into forms without a syndrome. */
static inline u32 io_read32(u64 addr)
{
	u32 v;

	asm volatile("ldr %w0, [%1]" : "=r"(v) : "r"(addr) : "memory");
	return v;
}

static inline void io_write32(u64 addr, u32 v)
{
	asm volatile("str %w0, [%1]" : : "r"(v), "r"(addr) : "memory");
}

static inline u64 io_read64(u64 addr)
{
	u64 v;

	asm volatile("ldr %0, [%1]" : "=r"(v) : "r"(addr) : "memory");
	return v;
}

static inline void io_write64(u64 addr, u64 v)
{
	asm volatile("str %0, [%1]" : : "r"(v), "r"(addr) : "memory");
}

#endif
