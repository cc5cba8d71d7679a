/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/smp.h: what starting another CPU needs of the hypervisor's own address space. */
#ifndef ARCH_X86_SMP_H
#define ARCH_X86_SMP_H

#include "hv/abi/boot_info.h"
#include "hv/lib/pool.h"

/** Take the guard page of a CPU's block out of our tables. */
void x86_mem_guard(const void *block);
/** Physical address of our final top-level table. */
u64 x86_mem_root(void);
/** Switch this CPU to the final tables and CR4. */
void x86_mem_use(void);
/** Where our tables' pages come from. */
struct pool *x86_mem_pool(void);
/** arch_cpu_init's part: which CPUs there are. */
void x86_smp_init(const struct boot_info *bi);

#endif
