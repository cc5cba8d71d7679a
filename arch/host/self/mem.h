/* SPDX-License-Identifier: Apache-2.0 */
/* arch/host/self/mem.h: fake physical memory, seen twice: as the hypervisor may touch it, and as the machine has it. */
#ifndef SELF_MEM_H
#define SELF_MEM_H

#define HOST_RAM (64UL << 20) /* bytes, from physical address host_base */

extern u64 host_base;	 /* 0, unless a test says otherwise */
extern u8 *host_view;	 /* physical address 0 for the hypervisor: pages not mapped by arch_mem_map are out of bounds */
extern u8 *host_machine; /* and for a VM, a device or a test, which reach everything */

/** Fails the test unless the hypervisor has mapped the page of @pa. */
void host_check(u64 pa);

static inline void *arch_ptr(u64 pa)
{
	host_check(pa);
	return host_view + pa;
}

static inline u64 arch_pa(const void *ptr)
{
	return (u64)((const u8 *)ptr - host_view);
}

#endif
