/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/smp.c: starts another CPU. */
#include "guest/test/arm64/arm64.h"

struct smp_start smp[SMP_MAX];

static u8 smp_stack[SMP_MAX][8192] ALIGNED(16);

s64 smp_on(unsigned n, void (*main)(struct smp_start *))
{
	smp[n] = (struct smp_start){ .stack = (u64)smp_stack[n] + sizeof(smp_stack[n]),
				     .ttbr0 = mrs(ttbr0_el1),
				     .mair = mrs(mair_el1),
				     .tcr = mrs(tcr_el1),
				     .vbar = mrs(vbar_el1),
				     .sctlr = mrs(sctlr_el1),
				     .cpu = n,
				     .main = (u64)main };
	for (u64 a = (u64)&smp[n]; a < (u64)(&smp[n] + 1); a += 16)
		__asm__ volatile("dc civac, %0" ::"r"(a) : "memory");
	dsb();
	return psci(PSCI_CPU_ON, n, (u64)smp_entry, (u64)&smp[n]);
}
