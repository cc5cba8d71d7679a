/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/self/vcpu.h: a VM and a vCPU at EL2, and the hot accessors of arch/iface/vcpu.h. */
#ifndef SELF_VCPU_H
#define SELF_VCPU_H

#include "arch/arm64/vgic.h"

struct arm_policy;

struct arch_vm {
	struct ptab s2;
	u64 vttbr, vtcr;
	bool service;
	struct vgic gic;
	struct msr_policy *policy; /* a page, NULL: none */
	u32 npolicy;
};

/* EL1 and EL0 state while another guest has it in the CPU. */
struct arm_context {
	u64 sctlr, cpacr, ttbr0, ttbr1, tcr, mair, amair, vbar;
	u64 sp_el1, elr, spsr, esr, far, afsr0, afsr1, par;
	u64 contextidr, tpidr_el0, tpidrro_el0, tpidr_el1, csselr, cntkctl;
	u64 cntv_ctl, cntv_cval;
	u64 key[10]; /* pointer authentication */
};

#define ARM_FP_AREA 528

struct arch_vcpu {
	struct vcpu_regs *regs; /* x0 to x30; offsets of the first four are entry.S's */
	u64 sp_el0;
	u64 pc;
	u64 pstate;
	u64 hcr;
	struct arch_vm *vm;
	u64 *exits;
	u32 id;
	bool service;
	bool halted;	  /* it left by WFI: deadline holds its timers' */
	bool was_read;	  /* the exit that the service VM serves: a read into x[rt] */
	u8 rt, size, len; /* register, bytes; length of the instruction */
	bool sign, wide;
	u64 fault_esr, fault_far; /* of the last memory exit, for an external abort */
	u64 deadline;		  /* counter, ~0 */
	u64 cntp_ctl, cntp_cval;  /* the emulated physical timer */
	u64 mpidr, cntvoff;
	u64 mdscr, oslsr; /* debug registers are trapped */
	struct arm_context el1;
	struct vgic_cpu gic;
	u8 fp[ARM_FP_AREA] ALIGNED(16);
};

static inline struct ptab *arch_vm_s2(struct arch_vm *vm)
{
	return &vm->s2;
}

static inline void arch_vcpu_skip(struct arch_vcpu *v, const struct exit *x)
{
	v->pc = x->next_pc;
}

static inline u64 arch_vcpu_pc(const struct arch_vcpu *v)
{
	return v->pc;
}

static inline u64 arch_vcpu_deadline(const struct arch_vcpu *v)
{
	return v->deadline;
}

static inline u64 arch_vcpu_arg(const struct arch_vcpu *v, unsigned n)
{
	return v->regs->x[n];
}

static inline void arch_vcpu_result(struct arch_vcpu *v, u64 status, u64 a, u64 b, u64 c)
{
	v->regs->x[0] = status;
	v->regs->x[1] = a;
	v->regs->x[2] = b;
	v->regs->x[3] = c;
}

#endif
