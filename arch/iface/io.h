/* SPDX-License-Identifier: Apache-2.0 */
/* arch/iface/io.h: how a driver of the hypervisor reaches its device's registers. */
#ifndef ARCH_IFACE_IO_H
#define ARCH_IFACE_IO_H

#include "hv/abi/types.h"

/** Read or write the 8-bit register at @addr: an I/O port where the architecture has ports, else a mapped address. */
static inline u8 arch_io_read8(u64 addr);
static inline void arch_io_write8(u64 addr, u8 v);

#include "self/io.h"

#endif
