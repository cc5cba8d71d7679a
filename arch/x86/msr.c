/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/msr.c: the model-specific registers of a guest: passed through, answered here, or by the VM's policy. */
#include "arch/iface/cpu.h"
#include "arch/iface/mem.h"
#include "arch/x86/vendor.h"
#include "arch/x86/vlapic_priv.h"
#include "hv/lib/string.h"

#define MSR_POLICIES 126

struct msr_table {
	u32 n;
	struct msr_policy e[MSR_POLICIES];
};
static_assert(sizeof(struct msr_table) <= PAGE_SIZE, "a page");

/* Direct access: what the CPU switches with the guest, or run.c between guests. */
unsigned x86_msr_pass(u32 msr)
{
	switch (msr) {
	case MSR_SYSENTER_CS:
	case MSR_SYSENTER_ESP:
	case MSR_SYSENTER_EIP:
	case MSR_STAR:
	case MSR_LSTAR:
	case MSR_CSTAR:
	case MSR_SFMASK:
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
	case MSR_PAT: return X86_PASS_READ | X86_PASS_WRITE;
	case MSR_TSC: return X86_PASS_READ;
	case MSR_TSC_AUX: return x86_features.rdtscp ? X86_PASS_READ | X86_PASS_WRITE : 0;
	default: return 0;
	}
}

static const struct msr_policy *msr_find(const struct arch_vcpu *v, u32 msr)
{
	const struct msr_table *t = v->vm->msr;

	if (!t)
		return NULL;
	for (u32 i = 0; i < t->n; i++)
		if (msr >= t->e[i].first && msr <= t->e[i].last)
			return &t->e[i];
	return NULL;
}

static u64 msr_get_efer(struct arch_vcpu *v)
{
	return vendor->reg(v, REG_EFER);
}

/* Which bits a guest's EFER may have: what its CPU offers, less what we don't virtualize. */
static enum x86_answer msr_set_efer(struct arch_vcpu *v, u64 value)
{
	u64 old = msr_get_efer(v);
	u64 allowed = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;

	if (value & ~allowed)
		return ANSWER_FAULT;
	if ((old & EFER_LMA) && !(value & EFER_LME))
		return ANSWER_FAULT; /* LME may not change while paging is on */
	if (!(old & EFER_LMA) && (value & EFER_LME) != (old & EFER_LME) && (vendor->reg(v, REG_CR0) & CR0_PG))
		return ANSWER_FAULT;
	value = (value & ~EFER_LMA) | (old & EFER_LMA);
	vendor->set_reg(v, REG_EFER, value);
	return ANSWER_DONE;
}

enum x86_answer x86_rdmsr(struct arch_vcpu *v, u32 msr, u64 *value)
{
	u64 now = arch_counter() + v->counter_offset;
	const struct msr_policy *p;

	switch (msr) {
	case MSR_EFER: *value = msr_get_efer(v); return ANSWER_DONE;
	case MSR_TSC_ADJUST: *value = v->tsc_adjust; return ANSWER_DONE;
	case MSR_TSC: *value = now; return ANSWER_DONE;
	case MSR_X2APIC_FIRST ... MSR_X2APIC_LAST:
		x86_apic_take(v);
		return vlapic_rdmsr(&v->apic, msr, value, now) ? ANSWER_DONE : ANSWER_FAULT;
	case MSR_APIC_BASE:
	case MSR_TSC_DEADLINE: return vlapic_rdmsr(&v->apic, msr, value, now) ? ANSWER_DONE : ANSWER_FAULT;
	default: break;
	}
	p = msr_find(v, msr);
	if (!p || p->action == MSR_GP)
		return ANSWER_FAULT;
	*value = p->value;
	return p->action == MSR_FORWARD ? ANSWER_FORWARD : ANSWER_DONE;
}

/* Who delivers the APIC's interrupts: hardware knows nothing of xAPIC mode here, nor of the enable bit in SVR. */
static void msr_apic_mode(struct arch_vcpu *v)
{
	if (!x86_features.apic_hw)
		return;
	v->apic_hw = vlapic_is_x2apic(&v->apic) && (v->apic.svr & APIC_SVR_ENABLE);
	v->apic_give = true;
}

static NOINLINE enum x86_answer msr_apic(struct arch_vcpu *v, u32 msr, u64 value, struct exit *x)
{
	enum vlapic_act act = VLAPIC_NONE;
	struct vlapic_ipi ipi;

	v->exits[EXIT_APIC]++;
	if (msr == MSR_APIC_BASE || msr == MSR_X2APIC_SVR) /* of the others, those that exit only add to IRR */
		x86_apic_take(v);
	if (!vlapic_wrmsr(&v->apic, msr, value, arch_counter() + v->counter_offset, &ipi, &act))
		return ANSWER_FAULT;
	if (msr == MSR_APIC_BASE || msr == MSR_X2APIC_SVR)
		msr_apic_mode(v);
	switch (act) {
	case VLAPIC_IPI: x86_ipi(v, &ipi); return ANSWER_DONE;
	case VLAPIC_TIMER:
	case VLAPIC_MODE: x->kind = EXIT_NONE; return ANSWER_LEAVE; /* hv/ looks at the deadline after every exit */
	default: return ANSWER_DONE;
	}
}

/* A fixed interrupt from this vCPU to itself. */
static inline enum x86_answer msr_self(struct arch_vcpu *v, u8 vector)
{
	v->exits[EXIT_APIC]++;
	(void)vlapic_fixed(&v->apic, vector, false);
	return ANSWER_DONE;
}

#define ICR_SELF    (BIT(18)) /* shorthand; with or without the level bit, which means nothing here */
#define ICR_LEVEL   (BIT(14))
#define ICR_SPECIAL (BITS(31, 16) | BITS(13, 8)) /* another mode, logical, shorthand, busy, reserved */

/* x2APIC's ICR. Most often it is a fixed interrupt to another CPU by its ID, or to itself, which is all done here. */
static enum x86_answer msr_icr(struct arch_vcpu *v, u64 value, struct exit *x)
{
	struct arch_vcpu *to = value >> 32 < ARRAY_SIZE(v->vm->vcpu) ? v->vm->vcpu[value >> 32] : NULL;

	if ((u32)(value & ~(BITS(7, 0) | ICR_LEVEL)) == ICR_SELF)
		to = v;
	else if (value & ICR_SPECIAL)
		to = NULL;
	if (!to || (u8)value < 16 || !vlapic_is_x2apic(&v->apic))
		return msr_apic(v, MSR_X2APIC_ICR, value, x);
	v->apic.icr = value;
	if (to == v)
		return msr_self(v, (u8)value);
	v->exits[EXIT_APIC]++;
	x86_ipi_fixed(to, (u8)value);
	return ANSWER_DONE;
}

/* The guest sets its TSC @delta on (Intel SDM 3B, 18.17.3); what is armed by it moves along. */
static void msr_move_tsc(struct arch_vcpu *v, u64 delta, struct exit *x)
{
	v->counter_offset += delta;
	v->tsc_adjust += delta;
	vendor->set_reg(v, REG_TSC_OFFSET, v->counter_offset);
	vlapic_tsc_moved(&v->apic, delta);
	x->kind = EXIT_NONE; /* hv/ looks at the deadline */
}

enum x86_answer x86_wrmsr(struct arch_vcpu *v, u32 msr, u64 value, struct exit *x)
{
	const struct msr_policy *p;

	if (msr == MSR_X2APIC_ICR)
		return msr_icr(v, value, x);
	if (msr == MSR_X2APIC_SELF)
		return value > 0xff || !vlapic_is_x2apic(&v->apic) ? ANSWER_FAULT : msr_self(v, (u8)value);
	switch (msr) {
	case MSR_X2APIC_FIRST ... MSR_X2APIC_LAST:
	case MSR_TSC_DEADLINE:
	case MSR_APIC_BASE: return msr_apic(v, msr, value, x);
	case MSR_EFER: return msr_set_efer(v, value);
	case MSR_TSC: msr_move_tsc(v, value - (arch_counter() + v->counter_offset), x); return ANSWER_LEAVE;
	case MSR_TSC_ADJUST: msr_move_tsc(v, value - v->tsc_adjust, x); return ANSWER_LEAVE;
	default: break;
	}
	p = msr_find(v, msr);
	if (p && p->action == MSR_FORWARD)
		return ANSWER_FORWARD;
	return p && p->action == MSR_IGNORE_WRITE ? ANSWER_DONE : ANSWER_FAULT;
}

status_t arch_vm_set_msr(struct arch_vm *vm, const struct msr_policy *e, u32 n, struct pool *pool)
{
	if (n > MSR_POLICIES)
		return ERR_FULL;
	for (u32 i = 0; i < n; i++)
		if (e[i].first > e[i].last || e[i].action > MSR_FORWARD)
			return ERR_INVAL;
	if (!vm->msr)
		vm->msr = pool_get(pool);
	if (!vm->msr)
		return ERR_NOMEM;
	memcpy(vm->msr->e, e, n * sizeof(*e));
	vm->msr->n = n;
	return OK;
}
