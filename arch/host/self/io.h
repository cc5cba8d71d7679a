/* SPDX-License-Identifier: Apache-2.0 */
/* arch/host/self/io.h: device registers go to arch/host/cpu.c, which holds a fake 16550 at 3F8h. */
#ifndef SELF_IO_H
#define SELF_IO_H

u8 host_io_read8(u64 addr);
void host_io_write8(u64 addr, u8 v);

static inline u8 arch_io_read8(u64 addr)
{
	return host_io_read8(addr);
}

static inline void arch_io_write8(u64 addr, u8 v)
{
	host_io_write8(addr, v);
}

/* There is no PCI. */
static inline u32 port_read32(u16 port)
{
	return ~0u;
}

static inline void port_write32(u16 port, u32 v)
{
}

#endif
