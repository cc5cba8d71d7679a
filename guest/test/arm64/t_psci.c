/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/t_psci.c: PSCI 1.1 and SMCCC as far as one CPU goes (Arm DEN0022, DEN0028). */
#include "guest/test/arm64/arm64.h"

#define CPU_ON32	0x84000003u
#define AFFINITY_INFO32 0x84000004u
#define MEM_PROTECT	0x84000013u
#define WORKAROUND_1	0x80008000u
#define AFFINITIES	0xff00ffffffull

/* Results are 32 bits wide for functions whose ID has bit 30 clear. */
static s32 psci32(u32 fn, u64 a, u64 b, u64 c)
{
	return (s32)psci(fn, a, b, c);
}

static void features(void)
{
	static const u32 must[] = { PSCI_VERSION,    CPU_ON32,		PSCI_CPU_ON,
				    PSCI_CPU_OFF,    AFFINITY_INFO32,	PSCI_AFFINITY_INFO,
				    PSCI_SYSTEM_OFF, PSCI_SYSTEM_RESET, PSCI_FEATURES };
	bool ok = true;

	t_check("PSCI_VERSION is 1.1 or later", psci32(PSCI_VERSION, 0, 0, 0) >= 0x10001);
	for (unsigned i = 0; i < ARRAY_SIZE(must); i++)
		ok &= psci32(PSCI_FEATURES, must[i], 0, 0) == 0;
	t_check("PSCI_FEATURES has all that must be there", ok);
	t_eq("PSCI_FEATURES of an unknown function", (u32)psci32(PSCI_FEATURES, 0x84000fff, 0, 0),
	     (u32)PSCI_NOT_SUPPORTED);
	t_eq("PSCI_FEATURES of a number that is none of PSCI's", (u32)psci32(PSCI_FEATURES, 0x12345678, 0, 0),
	     (u32)PSCI_NOT_SUPPORTED);
	if (t_strict() || psci32(PSCI_FEATURES, SMCCC_VERSION, 0, 0) == 0) {
		t_eq("PSCI_FEATURES tells of SMCCC_VERSION", (u32)psci32(PSCI_FEATURES, SMCCC_VERSION, 0, 0), 0);
		t_check("SMCCC_VERSION is 1.1 or later", psci32(SMCCC_VERSION, 0, 0, 0) >= 0x10001);
		t_eq("SMCCC_ARCH_FEATURES of SMCCC_VERSION", (u32)psci32(SMCCC_ARCH_FEATURES, SMCCC_VERSION, 0, 0), 0);
		t_check("SMCCC_ARCH_FEATURES of a workaround is 0, 1 or not supported",
			psci32(SMCCC_ARCH_FEATURES, WORKAROUND_1, 0, 0) >= -1 &&
				psci32(SMCCC_ARCH_FEATURES, WORKAROUND_1, 0, 0) <= 1);
		t_eq("SMCCC_ARCH_FEATURES of an unknown function", (u32)psci32(SMCCC_ARCH_FEATURES, 0x80001234, 0, 0),
		     (u32)PSCI_NOT_SUPPORTED);
	} else {
		t_skip("SMCCC", "not here");
	}
}

static void cpus(void)
{
	u64 self = mrs(mpidr_el1) & AFFINITIES;

	t_eq("AFFINITY_INFO of this CPU is ON", (u64)psci(PSCI_AFFINITY_INFO, self, 0, 0), 0);
	t_eq("AFFINITY_INFO by 32 bits", (u32)psci32(AFFINITY_INFO32, self, 0, 0), 0);
	t_eq("AFFINITY_INFO of nobody", (u64)psci(PSCI_AFFINITY_INFO, self + 200, 0, 0), (u64)PSCI_INVALID_PARAMS);
	t_check("AFFINITY_INFO of an absurd level", psci(PSCI_AFFINITY_INFO, self, 77, 0) == PSCI_INVALID_PARAMS ||
							    psci(PSCI_AFFINITY_INFO, self, 77, 0) == 0);
	t_eq("CPU_ON of this CPU", (u64)psci(PSCI_CPU_ON, self, (u64)t_start, 0), (u64)PSCI_ALREADY_ON);
	t_eq("CPU_ON by 32 bits", (u32)psci32(CPU_ON32, self, 0x40000000, 0), (u32)PSCI_ALREADY_ON);
	t_eq("CPU_ON of nobody", (u64)psci(PSCI_CPU_ON, self + 200, (u64)t_start, 0), (u64)PSCI_INVALID_PARAMS);
	t_eq("CPU_ON of an affinity that no CPU can have", (u64)psci(PSCI_CPU_ON, ~0ull, (u64)t_start, 0),
	     (u64)PSCI_INVALID_PARAMS);
	t_dev("CPU_ON with reserved bits of an affinity set", (u64)psci(PSCI_CPU_ON, self | BIT(31), (u64)t_start, 0),
	      (u64)PSCI_INVALID_PARAMS);
}

static void suspend(void)
{
	u64 start = counter();
	s64 r;

	if (psci32(PSCI_FEATURES, PSCI_CPU_SUSPEND, 0, 0) == PSCI_NOT_SUPPORTED) {
		t_skip("CPU_SUSPEND", "not offered");
		return;
	}
	irq_clear();
	vtimer_in(us_to_ticks(2000));
	do
		r = psci(PSCI_CPU_SUSPEND, 0, 0, 0);
	while (r == 0 && !gic_signalled() && counter() - start < us_to_ticks(1000000));
	t_eq("CPU_SUSPEND, standby, succeeds", (u64)r, 0);
	t_check("  and an interrupt ends it", gic_signalled() && counter() - start >= us_to_ticks(2000));
	t_check("  which arrives", irq_wait(INTID_VTIMER, 1, 100));
}

static void call(void *arg)
{
	*(u64 *)arg = t_hypercall(3, *(u64 *)arg, (const u64[4]){ 0 });
}

static void call_smc(void *arg)
{
	*(u64 *)arg = t_hypercall(2, *(u64 *)arg, (const u64[4]){ 0 });
}

static void others(void)
{
	u64 v = PSCI_VERSION;
	int x;

	t_eq("unknown PSCI function", (u32)psci32(0x8400ffff, 0, 0, 0), (u32)PSCI_NOT_SUPPORTED);
	t_eq("unknown 64-bit PSCI function", (u64)psci(0xc400ffff, 0, 0, 0), (u64)PSCI_NOT_SUPPORTED);
	t_eq("unknown service", (u64)psci(0xc600ff01, 0, 0, 0), (u64)PSCI_NOT_SUPPORTED);
	t_eq("yielding call", (u32)psci32(0x12345678, 0, 0, 0), (u32)PSCI_NOT_SUPPORTED);
	t_eq("MEM_PROTECT, which is optional", (u32)psci32(MEM_PROTECT, 1, 0, 0), (u32)PSCI_NOT_SUPPORTED);
	x = psci32(PSCI_MIGRATE_TYPE, 0, 0, 0);
	t_check("MIGRATE_INFO_TYPE: nothing to migrate", x == 2 || x == PSCI_NOT_SUPPORTED);
	x = trap_try(call, &v);
	t_check("an HVC number that nobody has: undefined, refused or the same",
		trap_undefined(x) || (x < 0 && ((s32)v == -1 || (s32)v >= 0x10001)));
	v = PSCI_VERSION;
	x = trap_try(call_smc, &v);
	if (t_strict())
		t_check("SMC answers as HVC does", x < 0 && (s32)v >= 0x10001);
	else
		t_check("SMC: undefined or as HVC", trap_undefined(x) || (x < 0 && (s32)v >= 0x10001));
	if (trap_undefined(x))
		t_eq("  the exception points to it", *(u32 *)trap_last.elr, 0xd4000003);
	v = 0x8400ffff;
	x = trap_try(call_smc, &v);
	t_check("SMC of an unknown function", trap_undefined(x) || (x < 0 && (s32)v == PSCI_NOT_SUPPORTED));
}

void t_main(void)
{
	features();
	cpus();
	suspend();
	others();
	t_eq("x4 to x30 survive a call", t_regs(0, 0), 0);
}
