/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/rt/arm64/cpu.c: what the service VM learns of its machine. Memory and exceptions are the hypervisor's: it runs
 * at EL0, and a fault of it stops the machine.
 */
#include "guest/rt/arch.h"
#include "guest/rt/hypercall.h"
#include "hv/lib/util.h"
#include "hv/abi/boot_info.h"

#define PL031_DR 0x00 /* Arm DDI 0224: seconds since 1970 */

#define CPU_RANDOM_TRIES 10

static bool cpu_has_rndr;

void rt_arch_init(u64 base, void *mailbox)
{
	const struct hv_info *info = mailbox;

	if (hv_call(HV_INFO, 0, 0, 0, 0, 0).status != OK)
		return;
	/* EL0 cannot read the ID registers. */
	cpu_has_rndr = (info->features & ARM_FEATURE_RNDR) != 0;
}

/* The hypervisor has mapped all of it and protects the image by its header. */
void rt_arch_map(u64 base, u64 top)
{
}

bool rt_arch_guard(void *guard)
{
	return false;
}

void rt_arch_cpu(struct rt_cpu *c)
{
}

extern u8 start_secondary[];

u64 rt_arch_entry(struct rt_cpu *c)
{
	return (uintptr_t)start_secondary;
}

void rt_arch_switch(struct rt_cpu *c, void *top, void (*fn)(struct rt_cpu *c))
{
	register struct rt_cpu *x0 __asm__("x0") = c;

	__asm__ volatile("mov sp, %1; mov x29, xzr; mov x30, xzr; blr %2; udf #0"
			 :
			 : "r"(x0), "r"(top), "r"(fn)
			 : "memory");
	__builtin_unreachable();
}

u64 rt_arch_clock(const struct hv_info *info)
{
	const struct boot_info *boot = (const struct boot_info *)(uintptr_t)info->boot_info;

	if (boot == NULL || boot->platform.rtc.size == 0)
		return 0;
	return cpu_read32(boot->platform.rtc.base + PL031_DR);
}

/* CTR_EL0.DminLine: the binary logarithm of the smallest line's words. */
void cpu_clean(const void *p, u64 size)
{
	u64 ctr, line, at;

	__asm__ volatile("mrs %0, ctr_el0" : "=r"(ctr));
	line = 4ull << FIELD(BITS(19, 16), ctr);
	for (at = round_down((u64)(uintptr_t)p, line); at < (u64)(uintptr_t)p + size; at += line)
		__asm__ volatile("dc civac, %0" : : "r"(at) : "memory");
	__asm__ volatile("dsb sy" : : : "memory");
}

/* RNDR (Arm ARM, D23.2.141), by its encoding: it sets Z when it had nothing in reasonable time. */
bool cpu_random(u64 *v)
{
	bool ok = false;

	for (unsigned i = 0; cpu_has_rndr && !ok && i < CPU_RANDOM_TRIES; i++)
		__asm__ volatile("mrs %0, s3_3_c2_c4_0" : "=r"(*v), "=@ccne"(ok));
	return ok;
}
