/* SPDX-License-Identifier: Apache-2.0 */
/* arch/iface/mem.h: the hypervisor's own address space: its image, and those pages alone that it owns. */
#ifndef ARCH_IFACE_MEM_H
#define ARCH_IFACE_MEM_H

#include "hv/lib/ptab.h"

/** Where a page that arch_mem_map has mapped is seen; and back (image addresses too). */
static inline void *arch_ptr(u64 pa);
static inline u64 arch_pa(const void *ptr);
extern const struct ptab_mem arch_ptab_mem;

/** [@base, @base+@size) of physical memory that the loaded image takes, its .bss included. Bytes. */
void arch_image_range(u64 *base, u64 *size);
/** Of it, text, rodata and data, without .bss. */
u64 arch_image_bytes(void);

/**
 * Build the final tables (image W^X, guard pages; [@base, @base+@size) read-write) with pages of @pool, which lies
 * in that range, and switch to them. Until then arch_ptr works for all memory below 4 GiB. Panics when @pool is short.
 */
void arch_mem_init(u64 base, u64 size, struct pool *pool);
/**
 * Map the page-aligned [@pa, @pa+@size) for arch_ptr, or take it away. @type: 0, PT_DEVICE or PT_WC. Tables come from
 * arch_mem_init's pool. As ptab_map, and ERR_RANGE also for addresses that the CPU does not have.
 */
MUST_CHECK status_t arch_mem_map(u64 pa, u64 size, unsigned type);
void arch_mem_unmap(u64 pa, u64 size);
/** Take the page-aligned range out of this CPU's TLB: others' part of arch_mem_unmap, where hardware does not
 * broadcast. */
void arch_mem_flush(u64 pa, u64 size);
/** [@ptr, @ptr+@size) goes from the caches to memory, where a reset does not reach it. */
void arch_mem_clean(const void *ptr, size_t size);
/** Zero physical page @pa, mapped or not, through this CPU's window. */
void arch_mem_zero(u64 pa);
/** Copy the page at @pa into @buf through the same window. */
void arch_mem_read(u64 pa, void *buf);

#include "self/mem.h"

#endif
