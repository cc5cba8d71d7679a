/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/self/mem.h: the hypervisor's address space on x86. */
#ifndef SELF_MEM_H
#define SELF_MEM_H

#define IMAGE_BASE  0xffffffff80000000UL /* + the address it is linked at: the image   */
#define DMAP_BASE   0xffff800000000000UL /* + physical address: pages that we own      */
#define DMAP_BITS   46u			 /* of the address: what is above belongs to others */
#define WINDOW_BASE 0xffffff0000000000UL /* the one-page window of arch_mem_zero       */

/* Physical address at which the image lies, less the one it is linked at; set by boot/multiboot/entry.asm. */
extern u64 x86_image_offset;

static inline void *arch_ptr(u64 pa)
{
	return (void *)(DMAP_BASE + pa);
}

static inline u64 arch_pa(const void *ptr)
{
	u64 va = (u64)ptr;

	return va >= IMAGE_BASE ? va - IMAGE_BASE + x86_image_offset : va - DMAP_BASE;
}

#endif
