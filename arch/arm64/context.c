/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch/arm64/context.c: a guest's EL1 registers, FP registers, timer and virtual CPU interface. They stay in the CPU
 * while the hypervisor or the service VM works, and change only when another guest runs.
 */
#include "arch/arm64/cpu.h"
#include "arch/arm64/irq.h"
#include "arch/iface/cpu.h"
#include "hv/lib/util.h"

#define CNTV_ENABLE BIT(0)
#define CNTV_IMASK  BIT(1)

/*
 * EL1's registers from EL2: with E2H their own names mean EL2's, and they have others (Arm ARM, D8.1.3: *_EL12).
 * X(field, encoding without E2H, with E2H).
 */
#define EL1_REGS(X)                                 \
	X(sctlr, S3_0_C1_C0_0, S3_5_C1_C0_0)        \
	X(cpacr, S3_0_C1_C0_2, S3_5_C1_C0_2)        \
	X(ttbr0, S3_0_C2_C0_0, S3_5_C2_C0_0)        \
	X(ttbr1, S3_0_C2_C0_1, S3_5_C2_C0_1)        \
	X(tcr, S3_0_C2_C0_2, S3_5_C2_C0_2)          \
	X(mair, S3_0_C10_C2_0, S3_5_C10_C2_0)       \
	X(amair, S3_0_C10_C3_0, S3_5_C10_C3_0)      \
	X(vbar, S3_0_C12_C0_0, S3_5_C12_C0_0)       \
	X(elr, S3_0_C4_C0_1, S3_5_C4_C0_1)          \
	X(spsr, S3_0_C4_C0_0, S3_5_C4_C0_0)         \
	X(esr, S3_0_C5_C2_0, S3_5_C5_C2_0)          \
	X(far, S3_0_C6_C0_0, S3_5_C6_C0_0)          \
	X(afsr0, S3_0_C5_C1_0, S3_5_C5_C1_0)        \
	X(afsr1, S3_0_C5_C1_1, S3_5_C5_C1_1)        \
	X(contextidr, S3_0_C13_C0_1, S3_5_C13_C0_1) \
	X(cntkctl, S3_0_C14_C1_0, S3_5_C14_C1_0)    \
	X(cntv_cval, S3_3_C14_C3_2, S3_5_C14_C3_2)  \
	X(cntv_ctl, S3_3_C14_C3_1, S3_5_C14_C3_1)

/* These have one name. */
#define EL1_SAME(X)                 \
	X(sp_el1, sp_el1)           \
	X(par, par_el1)             \
	X(tpidr_el0, tpidr_el0)     \
	X(tpidrro_el0, tpidrro_el0) \
	X(tpidr_el1, tpidr_el1)     \
	X(csselr, csselr_el1)

/* Keys of pointer authentication: APIA, APIB, APDA, APDB, APGA; low and high. */
#define EL1_KEYS(X)        \
	X(0, S3_0_C2_C1_0) \
	X(1, S3_0_C2_C1_1) \
	X(2, S3_0_C2_C1_2) \
	X(3, S3_0_C2_C1_3) \
	X(4, S3_0_C2_C2_0) \
	X(5, S3_0_C2_C2_1) \
	X(6, S3_0_C2_C2_2) \
	X(7, S3_0_C2_C2_3) \
	X(8, S3_0_C2_C3_0) \
	X(9, S3_0_C2_C3_1)

static void context_read(struct arch_vcpu *v)
{
	struct arm_context *c = &v->el1;

#define X(field, plain, e2h) c->field = read_sysreg(e2h);
	if (arm_features.vhe) {
		EL1_REGS(X)
	}
#undef X
#define X(field, plain, e2h) c->field = read_sysreg(plain);
	if (!arm_features.vhe) {
		EL1_REGS(X)
	}
#undef X
#define X(field, reg) c->field = read_sysreg(reg);
	EL1_SAME(X)
#undef X
#define X(n, reg) c->key[n] = read_sysreg(reg);
	if (arm_features.pauth) {
		EL1_KEYS(X)
	}
#undef X
}

static void context_write(const struct arch_vcpu *v)
{
	const struct arm_context *c = &v->el1;

#define X(field, plain, e2h) write_sysreg(c->field, e2h);
	if (arm_features.vhe) {
		EL1_REGS(X)
	}
#undef X
#define X(field, plain, e2h) write_sysreg(c->field, plain);
	if (!arm_features.vhe) {
		EL1_REGS(X)
	}
#undef X
#define X(field, reg) write_sysreg(c->field, reg);
	EL1_SAME(X)
#undef X
#define X(n, reg) write_sysreg(c->key[n], reg);
	if (arm_features.pauth) {
		EL1_KEYS(X)
	}
#undef X
}

static void context_timer_off(void)
{
	if (arm_features.vhe)
		write_sysreg(0, S3_5_C14_C3_1); /* CNTV_CTL_EL02 */
	else
		write_sysreg(0, S3_3_C14_C3_1);
	isb();
}

void context_save(struct arch_vcpu *v)
{
	if (v == arm_cpu()->owner)
		context_read(v);
}

void context_own(struct arch_vcpu *v)
{
	struct arm_cpu *cpu = arm_cpu();
	struct arch_vcpu *old = cpu->owner;

	if (old == v)
		return;
	if (old) {
		context_read(old);
		context_timer_off();
		fpsimd_save(old->fp);
		vgic_save(&old->gic);
		vcpu_kicks(&old->vm->gic);
	}
	cpu->owner = v;
	cpu->vgic = v ? &v->gic : NULL;
	if (!v) {
		vgic_hw->load(NULL);
		return;
	}
	write_sysreg(v->cntvoff, cntvoff_el2);
	write_sysreg(v->mpidr, vmpidr_el2);
	if (arm_features.ras) /* the last guest's DISR_EL1 */
		write_sysreg(0, S3_4_C12_C1_1);
	context_write(v);
	fpsimd_load(v->fp);
	vgic_load(&v->gic);
}

u64 context_vtimer(const struct arch_vcpu *v)
{
	u64 ctl = v->el1.cntv_ctl, cval = v->el1.cntv_cval;

	if (v == arm_cpu()->owner) {
		ctl = arm_features.vhe ? read_sysreg(S3_5_C14_C3_1) : read_sysreg(S3_3_C14_C3_1);
		cval = arm_features.vhe ? read_sysreg(S3_5_C14_C3_2) : read_sysreg(S3_3_C14_C3_2);
	}
	if (!(ctl & CNTV_ENABLE) || (ctl & CNTV_IMASK))
		return ~0UL;
	/* Virtual count = physical - offset; a sum beyond the counter's end never comes. */
	return cval + v->cntvoff < cval ? ~0UL : cval + v->cntvoff;
}

bool vgic_hw_line(const struct vgic_cpu *c, u32 intid)
{
	const struct arch_vcpu *v = container_of(c, const struct arch_vcpu, gic);

	return intid == VGIC_PPI_VTIMER && context_vtimer(v) <= arch_counter();
}

/* SPSR and vector of an exception taken to EL1 (Arm ARM, D1.3.1 and pseudocode AArch64.TakeException). */
#define SCTLR_SPAN  BIT(23)
#define SCTLR_DSSBS BIT(44)
#define PSTATE_KEEP (BITS(31, 28) | BIT(24) | BIT(22)) /* NZCV, DIT, PAN */
#define PSTATE_PAN  BIT(22)
#define PSTATE_SSBS BIT(12)

void context_exception(struct arch_vcpu *v, u64 esr, u64 far, bool has_far)
{
	bool vhe = arm_features.vhe;
	u64 vbar = vhe ? read_sysreg(S3_5_C12_C0_0) : read_sysreg(S3_0_C12_C0_0);
	u64 sctlr = vhe ? read_sysreg(S3_5_C1_C0_0) : read_sysreg(S3_0_C1_C0_0);
	u64 mode = v->pstate & ARM_PSTATE_MODE, offset;

	offset = mode == ARM_PSTATE_EL1H ? 0x200 : mode == ARM_PSTATE_EL1T ? 0 : mode & 0x10 ? 0x600 : 0x400;
	if (vhe) {
		write_sysreg(v->pstate, S3_5_C4_C0_0);
		write_sysreg(v->pc, S3_5_C4_C0_1);
		write_sysreg(esr, S3_5_C5_C2_0);
		if (has_far)
			write_sysreg(far, S3_5_C6_C0_0);
	} else {
		write_sysreg(v->pstate, S3_0_C4_C0_0);
		write_sysreg(v->pc, S3_0_C4_C0_1);
		write_sysreg(esr, S3_0_C5_C2_0);
		if (has_far)
			write_sysreg(far, S3_0_C6_C0_0);
	}
	v->pc = (vbar & ~0x7ffUL) + offset;
	v->pstate = (v->pstate & PSTATE_KEEP) | ARM_PSTATE_DAIF | ARM_PSTATE_EL1H |
		    (arm_features.pan && !(sctlr & SCTLR_SPAN) ? PSTATE_PAN : 0) |
		    (sctlr & SCTLR_DSSBS ? PSTATE_SSBS : 0);
}
