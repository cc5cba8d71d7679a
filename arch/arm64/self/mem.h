/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/self/mem.h: the hypervisor's address space: all at one distance from physical memory. */
#ifndef SELF_MEM_H
#define SELF_MEM_H

#define MEM_HIGH 0xffff000000000000UL /* with VHE, the tables of TTBR1_EL2; without, 0 */

/* Virtual - physical: MEM_HIGH or 0. Hidden: else its address comes from a table of final addresses, which boot code
 * cannot reach with the MMU off. */
extern u64 mem_offset __attribute__((visibility("hidden")));

static inline void *arch_ptr(u64 pa)
{
	return (void *)(pa + mem_offset);
}

static inline u64 arch_pa(const void *ptr)
{
	return (u64)ptr - mem_offset;
}

#endif
