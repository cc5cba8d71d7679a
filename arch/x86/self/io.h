/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/self/io.h: device registers are I/O ports. */
#ifndef SELF_IO_H
#define SELF_IO_H

static inline u8 arch_io_read8(u64 addr)
{
	u8 v;

	asm volatile("inb %w1, %0" : "=a"(v) : "Nd"((u16)addr));
	return v;
}

static inline void arch_io_write8(u64 addr, u8 v)
{
	asm volatile("outb %0, %w1" : : "a"(v), "Nd"((u16)addr));
}

static inline u32 port_read32(u16 port)
{
	u32 v;

	asm volatile("inl %w1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void port_write32(u16 port, u32 v)
{
	asm volatile("outl %0, %w1" : : "a"(v), "Nd"(port));
}

#endif
