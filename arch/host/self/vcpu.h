/* SPDX-License-Identifier: Apache-2.0 */
/* arch/host/self/vcpu.h: a fake vCPU: registers, pending interrupts, a timer, and notes of what was asked of it. */
#ifndef SELF_VCPU_H
#define SELF_VCPU_H

struct arch_vm {
	struct ptab s2;
	bool service;
	u32 flushes;  /* arch_vm_flush was called */
	void *policy; /* page of set_cpuid or set_msr, NULL: none */
	u32 npolicy;
};

struct arch_vcpu {
	struct vcpu_regs *regs;
	struct vcpu_state *state; /* one page: all but the general registers */
	struct arch_vm *vm;
	u64 *exits;
	u32 id;
	u64 pc;
	u64 irqs;	 /* pending, by vector & 63                     */
	u64 late;	 /* the same, sent but not seen before it leaves */
	bool irqs_off;	 /* no interrupt wakes it                       */
	bool extint;	 /* the 8259's line                             */
	u64 deadline;	 /* of its timer, ~0 none                       */
	u64 period;	 /* 0: one shot                                 */
	u32 ticks;	 /* arch_vcpu_timer was called                  */
	u32 runs;	 /* arch_vcpu_run                               */
	u32 exports;	 /* arch_vcpu_export                            */
	u32 completions; /* arch_vcpu_complete                          */
	u32 reply;	 /* of the last                                 */
	u32 kind;	 /* of the exit that it completed               */
	bool crowded;	 /* as last told */
	u32 leaves;	 /* arch_vcpu_leave was called                  */
	u32 *eoi;	 /* arch_vcpu_eoi's word                        */
};

static inline struct ptab *arch_vm_s2(struct arch_vm *vm)
{
	return &vm->s2;
}

static inline void arch_vcpu_skip(struct arch_vcpu *v, const struct exit *x)
{
	v->pc = x->next_pc;
}

static inline void arch_vcpu_crowded(struct arch_vcpu *v, bool others)
{
	v->crowded = others;
}

static inline u64 arch_vcpu_deadline(const struct arch_vcpu *v)
{
	return v->deadline;
}

static inline u64 arch_vcpu_pc(const struct arch_vcpu *v)
{
	return v->pc;
}

/* Call number, arguments and results are in the first registers, in order. */
static inline u64 arch_vcpu_arg(const struct arch_vcpu *v, unsigned n)
{
	return v->regs->gpr[n];
}

static inline void arch_vcpu_result(struct arch_vcpu *v, u64 status, u64 a, u64 b, u64 c)
{
	v->regs->gpr[0] = status;
	v->regs->gpr[1] = a;
	v->regs->gpr[2] = b;
	v->regs->gpr[3] = c;
}

#define ARCH_EOI_WORDS true
static inline void arch_vcpu_eoi(struct arch_vcpu *v, void *word)
{
	v->eoi = word;
}

void arch_vcpu_export(struct arch_vcpu *v);
u32 arch_vcpu_complete(struct arch_vcpu *v, enum exit_kind kind, struct run_page *run);

#endif
