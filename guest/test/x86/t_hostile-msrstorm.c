/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/t_hostile-msrstorm.c: RDMSR and WRMSR of random and of interesting numbers with random values.
 * Expected: each succeeds or is #GP, the guest goes on, PASS. Left out is only what ends any machine rightly: EFER,
 * a moved APIC page, the microcode loader. */
#include "guest/test/x86/x86.h"

static u32 pick(void)
{
	static const u32 base[] = {
		0,	    0x100,	0x200,	    0x400,	0x600,	    0x800,	0xc00,
		0x40000000, 0x4b564d00, 0xc0000080, 0xc0000100, 0xc0010000, 0xc0010100, 0xc0011000
	};
	u64 r = t_rand();

	if ((r & 7) == 0)
		return (u32)(r >> 32);
	return base[(r >> 8) % ARRAY_SIZE(base)] + (r >> 32) % 0x100;
}

static u64 value(void)
{
	u64 r = t_rand();

	switch (r & 3) {
	case 0: return r;
	case 1: return BIT(r >> 8 & 63);
	case 2: return r >> (r >> 8 & 63);
	default: return r & 0x100 ? ~0ull : 0;
	}
}

void t_main(void)
{
	unsigned reads = 0, writes = 0;
	u64 v;

	for (unsigned i = 0; i < 20000; i++) {
		u32 n = pick();

		reads += rdmsr_safe(n, &v);
		if (n == 0xc0000080 || n == 0x1b || n == 0x79)
			continue;
		writes += wrmsr_safe(n, value());
	}
	t_info("successful reads", reads);
	t_info("successful writes", writes);
	t_check("20000 random MSR accesses survived", true);
	t_check("EFER is as before", (rdmsr(0xc0000080) & 0x500) == 0x500);
}
