/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/psci.c: what a guest gets by HVC #0 or SMC #0: PSCI 1.1 (Arm DEN0022) and SMCCC 1.1 (Arm DEN0028). */
#include "arch/arm64/cpu.h"
#include "hv/lib/util.h"

#define PSCI_VERSION	    0x84000000u
#define PSCI_CPU_SUSPEND    0x84000001u
#define PSCI_AFFINITY_INFO  0x84000004u
#define PSCI_MIGRATE_INFO   0x84000006u /* MIGRATE_INFO_TYPE */
#define PSCI_FEATURES	    0x8400000au
#define PSCI_RESET2_32	    0x84000012u
#define SMCCC_VERSION	    0x80000000u
#define SMCCC_ARCH_FEATURES 0x80000001u
#define SMCCC_64	    BIT(30)

#define PSCI_1_1	   0x10001
#define SMCCC_1_1	   0x10001
#define PSCI_NOT_PRESENT   2 /* MIGRATE_INFO_TYPE: no trusted OS that would have to move */
#define PSCI_SUCCESS	   0
#define PSCI_INVALID	   (-2L)
#define PSCI_ALREADY_ON	   (-4L)
#define PSCI_ON_PENDING	   (-5L)
#define PSCI_BAD_ADDRESS   (-9L)
#define PSCI_RESET2_VENDOR BIT(31)

static const u32 psci_functions[] = {
	PSCI_VERSION,
	PSCI_CPU_SUSPEND,
	PSCI_CPU_SUSPEND | SMCCC_64,
	PSCI_CPU_OFF,
	PSCI_CPU_ON,
	PSCI_CPU_ON | SMCCC_64,
	PSCI_AFFINITY_INFO,
	PSCI_AFFINITY_INFO | SMCCC_64,
	PSCI_MIGRATE_INFO,
	PSCI_SYSTEM_OFF,
	PSCI_SYSTEM_RESET,
	PSCI_FEATURES,
	PSCI_RESET2_32,
	PSCI_SYSTEM_RESET2,
	SMCCC_VERSION,
};

static long psci_features(u32 fn)
{
	for (unsigned i = 0; i < ARRAY_SIZE(psci_functions); i++)
		if (psci_functions[i] == fn)
			return 0;
	return PSCI_NOT_SUPPORTED;
}

#define PSCI_AFFINITY 0xff00ffffffUL /* of MPIDR_EL1 */

/* The vCPU of @affinity, or NULL. */
static struct arch_vcpu *psci_target(const struct arch_vcpu *v, u64 affinity)
{
	for (unsigned n = 0; n < v->vm->gic.nvcpus; n++) {
		struct arch_vcpu *t = vcpu_number(v->vm, n);

		if (t && (t->mpidr & PSCI_AFFINITY) == affinity)
			return t;
	}
	return NULL;
}

/* May a CPU start at @entry? It must be an instruction in the guest's memory. */
static bool psci_entry(const struct arch_vcpu *v, u64 entry)
{
	struct ptab_leaf leaf;

	return is_aligned(entry, 4) && ptab_lookup(&v->vm->s2, entry, &leaf) == OK && (leaf.flags & PT_X);
}

static long psci_cpu_on(struct arch_vcpu *v, u64 affinity, u64 entry, u64 context)
{
	struct arch_vcpu *t = psci_target(v, affinity);

	if (!t)
		return PSCI_INVALID;
	if (t->power != ARM_OFF)
		return t->power == ARM_ON ? PSCI_ALREADY_ON : PSCI_ON_PENDING;
	if (!psci_entry(v, entry))
		return PSCI_BAD_ADDRESS;
	vcpu_power_on(t, entry, context, v->cntvoff);
	return PSCI_SUCCESS;
}

static long psci_affinity_info(const struct arch_vcpu *v, u64 affinity, u32 level)
{
	const struct arch_vcpu *t = psci_target(v, affinity);

	return t && level == 0 ? t->power : PSCI_INVALID;
}

/* Calls about other CPUs; apart, as the answer to frequent ones needs no stack. */
static NOINLINE bool psci_cpus(struct arch_vcpu *v, u32 fn, u64 mask)
{
	u64 *r = v->regs->x;

	if ((fn & ~(u32)SMCCC_64) == PSCI_CPU_ON)
		r[0] = (u64)psci_cpu_on(v, r[1] & mask, r[2] & mask, r[3] & mask);
	else
		r[0] = (u64)psci_affinity_info(v, r[1] & mask, (u32)r[2]);
	return true;
}

/* It sleeps until somebody else starts it; false. True: there is nobody else. */
static NOINLINE bool psci_cpu_off(struct arch_vcpu *v, struct exit *x)
{
	bool others = false;

	for (unsigned n = 0; n < v->vm->gic.nvcpus; n++) {
		const struct arch_vcpu *t = vcpu_number(v->vm, n);

		others = others || (t && t != v && t->power != ARM_OFF);
	}
	if (!others)
		return true;
	v->power = ARM_OFF;
	v->halted = true;
	run_forget(v);
	vgic_reset_cpu(&v->gic); /* what it has of SPIs can go elsewhere */
	v->cntp_ctl = 0;
	v->deadline = ~0UL;
	vcpu_kicks(&v->vm->gic);
	x->kind = EXIT_HALT;
	return false;
}

/* The machine ends or sleeps: hv/ and the service VM do that. */
static NOINLINE bool psci_leave(struct arch_vcpu *v, struct exit *x, u32 fn)
{
	x->next_pc = v->pc;
	if ((fn & ~(u32)SMCCC_64) == PSCI_CPU_SUSPEND) {
		v->regs->x[0] = PSCI_SUCCESS; /* once awake: standby loses nothing */
		return run_halt(v, v->pc, x);
	}
	if (fn == PSCI_CPU_OFF && !psci_cpu_off(v, x))
		return false;
	x->kind = EXIT_SHUTDOWN;
	x->fault.code = fn == PSCI_RESET2_32 ? PSCI_SYSTEM_RESET2 : fn;
	x->fault.info = v->regs->x[1];
	x->fault.what = fn == PSCI_CPU_OFF	? "PSCI CPU_OFF"
			: fn == PSCI_SYSTEM_OFF ? "PSCI SYSTEM_OFF"
						: "PSCI SYSTEM_RESET";
	return false;
}

bool psci_call(struct arch_vcpu *v, struct exit *x)
{
	u64 *r = v->regs->x;
	u32 fn = (u32)r[0];
	u64 mask = fn & SMCCC_64 ? ~0UL : 0xffffffffUL;

	v->exits[EXIT_HYPERCALL]++;
	switch (fn) {
	case PSCI_VERSION: r[0] = PSCI_1_1; return true;
	case SMCCC_VERSION: r[0] = SMCCC_1_1; return true;
	case SMCCC_ARCH_FEATURES: /* of the workarounds for speculation there is none: a true "not supported" */
		r[0] = (u64)((u32)r[1] == SMCCC_VERSION || (u32)r[1] == SMCCC_ARCH_FEATURES ? PSCI_SUCCESS
											    : PSCI_NOT_SUPPORTED);
		return true;
	case PSCI_FEATURES: r[0] = (u64)psci_features((u32)r[1]); return true;
	case PSCI_MIGRATE_INFO: r[0] = PSCI_NOT_PRESENT; return true;
	case PSCI_CPU_ON:
	case PSCI_CPU_ON | SMCCC_64: return psci_cpus(v, fn, mask);
	case PSCI_AFFINITY_INFO:
	case PSCI_AFFINITY_INFO | SMCCC_64: return psci_cpus(v, fn, mask);
	case PSCI_RESET2_32:
	case PSCI_SYSTEM_RESET2:
		if ((u32)r[1] != 0 && !(r[1] & PSCI_RESET2_VENDOR)) {
			r[0] = (u64)PSCI_INVALID;
			return true;
		}
		return psci_leave(v, x, fn);
	case PSCI_CPU_SUSPEND:
	case PSCI_CPU_SUSPEND | SMCCC_64:
	case PSCI_CPU_OFF:
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET: return psci_leave(v, x, fn);
	default: r[0] = (u64)PSCI_NOT_SUPPORTED; return true;
	}
}
