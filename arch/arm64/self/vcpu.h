/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/self/vcpu.h: a VM and a vCPU at EL2, and the hot accessors of arch/iface/vcpu.h. */
#ifndef SELF_VCPU_H
#define SELF_VCPU_H

#include "arch/arm64/vgic.h"
#include "hv/abi/boot_info.h"

struct arm_policy;

struct arch_vm {
	struct ptab s2;
	u64 vttbr, vtcr;
	bool service;
	struct vgic gic;
	struct msr_policy *policy; /* a page, NULL: none */
	u32 npolicy;
	/* Per CPU, number + 1 of the vCPU whose translations may still be in its TLB; 0: none's. */
	u8 last[BOOT_MAX_CPUS];
};

/*
 * PSCI's states of a CPU; their numbers are AFFINITY_INFO's (Arm DEN0022, 5.7). All in arch_vcpu.power, atomic:
 *
 *   ON ---CPU_OFF, itself---> OFF ---CPU_ON, from any CPU---> ON_PENDING ---itself, at its next run---> ON
 *
 * Who turns OFF into ON_PENDING writes arch_vcpu.on, sets its "posted" last, and kicks; until then it sleeps on.
 */
enum arm_power { ARM_ON, ARM_OFF, ARM_ON_PENDING };

struct arm_power_on {
	bool posted; /* atomic */
	u64 entry, context, cntvoff;
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

#define ARCH_EOI_WORDS false
static inline void arch_vcpu_eoi(struct arch_vcpu *v, void *word)
{
}

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
	u8 power;		 /* atomic, enum arm_power; other than on: halted too */
	bool halted;		 /* it left by WFI: deadline holds its timers' */
	bool quick;		 /* with VHE, and no debug register in use: the service VM borrows nothing from it */
	bool forwarded;		 /* the exit that the service VM serves is a read into the register that esr names */
	u64 esr, far;		 /* of the last memory exit or trapped register that the service VM serves */
	u64 deadline;		 /* counter, ~0 */
	u64 cntp_ctl, cntp_cval; /* the emulated physical timer */
	u64 mpidr, cntvoff;
	u64 mdscr, oslsr; /* debug registers are trapped */
	struct arm_power_on on;
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

/* ISS of a data abort whose instruction the CPU has decoded (Arm ARM, D19.2.40). */
#define ARM_ISS_SAS(esr) ((unsigned)((esr) >> 22) & 3)
#define ARM_ISS_SSE	 BIT(21)
#define ARM_ISS_SRT(esr) ((unsigned)((esr) >> 16) & 31)
#define ARM_ISS_SF	 BIT(15)
#define ARM_ESR_IL	 BIT(25)

/* Bytes of the instruction that made the exit with syndrome @esr. */
static inline unsigned arm_length(u64 esr)
{
	return esr & ARM_ESR_IL ? 4 : 2;
}

/* The value that a load gets, as the instruction extends it. */
static inline void arm_load(struct arch_vcpu *v, u64 esr, u64 value)
{
	unsigned rt = ARM_ISS_SRT(esr), shift = 64 - (8u << ARM_ISS_SAS(esr));

	value <<= shift;
	if (unlikely(esr & ARM_ISS_SSE))
		value = (u64)((s64)value >> shift) & (esr & ARM_ISS_SF ? ~0UL : 0xffffffffUL);
	else
		value >>= shift;
	if (likely(rt != 31))
		v->regs->x[rt] = value;
}

static inline void arch_vcpu_export(struct arch_vcpu *v)
{
	struct vcpu_regs *r = v->regs;
	u64 pc = v->pc, pstate = v->pstate, sp = v->sp_el0;

	r->sp_el0 = sp;
	r->pc = pc;
	r->pstate = pstate;
}

/** See arch/iface/vcpu.h: one that waits for another of its VM wastes its turn, and WFE tells. */
void arch_vcpu_crowded(struct arch_vcpu *v, bool others);

static inline u8 arm_power(const struct arch_vcpu *v)
{
	return __atomic_load_n(&v->power, __ATOMIC_ACQUIRE);
}

/* Has another vCPU started it? */
static inline bool arm_started(const struct arch_vcpu *v)
{
	return arm_power(v) == ARM_ON_PENDING && __atomic_load_n(&v->on.posted, __ATOMIC_ACQUIRE);
}

/** What arch_vcpu_complete does not do by itself. */
void arm_complete(struct arch_vcpu *v, enum exit_kind kind, const struct run_page *run, u32 reply);

static inline u32 arch_vcpu_complete(struct arch_vcpu *v, enum exit_kind kind, struct run_page *run)
{
	u32 reply = run->reply;

	run->reply = 0;
	if (likely(reply == REPLY_SKIP && kind == EXIT_MMIO)) {
		if (v->forwarded)
			arm_load(v, v->esr, run->data);
		v->pc += arm_length(v->esr);
	} else {
		arm_complete(v, kind, run, reply);
	}
	return reply;
}

static inline u64 arch_vcpu_arg(const struct arch_vcpu *v, unsigned n)
{
	return v->regs->x[n];
}

static inline void arch_vcpu_result(struct arch_vcpu *v, u64 status, u64 a, u64 b, u64 c)
{
	struct vcpu_regs *r = v->regs;

	r->x[0] = status;
	r->x[1] = a;
	r->x[2] = b;
	r->x[3] = c;
}

#endif
