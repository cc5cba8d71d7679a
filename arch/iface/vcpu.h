/* SPDX-License-Identifier: Apache-2.0 */
/* arch/iface/vcpu.h: what an architecture provides so that hv/ can run a vCPU over a stage-2 table. */
#ifndef ARCH_IFACE_VCPU_H
#define ARCH_IFACE_VCPU_H

#include "arch/iface/exit.h"
#include "hv/abi/hypercall.h"
#include "hv/lib/ptab.h"

struct arch_vm;
struct arch_vcpu;

/** Prepare @vm: its stage-2 root and what else it needs, out of @pool. @service: it may touch ports. ERR_NOMEM. */
MUST_CHECK status_t arch_vm_init(struct arch_vm *vm, bool service, struct pool *pool);
void arch_vm_fini(struct arch_vm *vm, struct pool *pool);
/** The stage-2 table. */
static inline struct ptab *arch_vm_s2(struct arch_vm *vm);
/**
 * Forget cached translations of @vm, on every CPU.
 * true: other CPUs may still use old translations until each has left its guest once (the caller sees to it: x86).
 */
bool arch_vm_flush(struct arch_vm *vm);
/** Shape @vm's machine (CPUID answers, addresses of the interrupt controller) by @n entries of @e. ERR_FULL, ERR_NOMEM,
 * ERR_INVAL. */
MUST_CHECK status_t arch_vm_configure(struct arch_vm *vm, const struct vm_config *e, u32 n, struct pool *pool);
MUST_CHECK status_t arch_vm_set_msr(struct arch_vm *vm, const struct msr_policy *e, u32 n, struct pool *pool);

/**
 * Prepare @v, number @id of its VM, in the power-on state. Its general registers live in @regs. Takes pages from @pool.
 * @exits: the counters by exit kind that the architecture increments for what it answers by itself. ERR_NOMEM.
 */
MUST_CHECK status_t arch_vcpu_init(struct arch_vcpu *v, struct arch_vm *vm, struct vcpu_regs *regs, u32 id, u64 *exits,
				   struct pool *pool);
void arch_vcpu_fini(struct arch_vcpu *v, struct pool *pool);
/** Let @v be the service VM's: it starts at its image's @entry with image address and mailbox as arguments. */
void arch_vcpu_init_service(struct arch_vcpu *v, u64 entry, u64 image, u64 mailbox);

/** Run @v, interrupts masked, until an exit that hv/ must see; fill @x. */
void arch_vcpu_run(struct arch_vcpu *v, struct exit *x);
/*
 * Two more that are inline where that is worth it, so that self/vcpu.h declares them:
 * void arch_vcpu_export(struct arch_vcpu *v): put what RUN_STATE promises into @v's registers.
 * u32 arch_vcpu_complete(struct arch_vcpu *v, enum exit_kind kind, struct run_page *run): carry out the completion in
 * @run of the exit @kind; every field is read once. Returns run->reply as it was.
 */
/** Nothing of @v stays in this CPU: it may run on another one from now on. On its CPU. */
void arch_vcpu_leave(struct arch_vcpu *v);
/** Skip the instruction that made exit @x. */
static inline void arch_vcpu_skip(struct arch_vcpu *v, const struct exit *x);
/** Give the guest the exception of an instruction it does not have. */
void arch_vcpu_undefined(struct arch_vcpu *v);

void arch_vcpu_get(struct arch_vcpu *v, struct vcpu_state *s);
/** ERR_INVAL when @s is no state a CPU can be in as far as it can tell; the rest shows at entry. */
MUST_CHECK status_t arch_vcpu_set(struct arch_vcpu *v, const struct vcpu_state *s);

/**
 * @v's local interrupt controller as after power-on: nothing pending, no timer. @wait: it does nothing until another
 * vCPU starts it (SIPI; PSCI CPU_ON), and arch_vcpu_awake is false until then.
 */
void arch_vcpu_reset_irq(struct arch_vcpu *v, bool wait);

/** Would @v, halted, go on now? */
bool arch_vcpu_awake(struct arch_vcpu *v);
/* hv/ gives this: another vCPU has sent @v an interrupt, or has started it. From any CPU, at any time. */
void vcpu_kicked(struct arch_vcpu *v);
/*
 * void arch_vcpu_crowded(struct arch_vcpu *v, bool others), in self/vcpu.h: others wait for the CPU while
 * @v runs, or no longer do. While they wait, a vCPU that spins should leave with EXIT_PAUSE, where the CPU can see
 * that.
 */
/** Can any interrupt wake @v, once halted? */
bool arch_vcpu_can_wake(struct arch_vcpu *v);
/*
 * These two from any CPU, also at the same time, without locks of hv/: they note what has come. hv/ calls vcpu_kicked
 * if
 * @v is to be told. All other arch_vcpu_* run on the vCPU's own CPU, or while it is stopped and has left.
 */
/** Deliver a message-signalled interrupt; true if it was for @v. */
bool arch_vcpu_msi(struct arch_vcpu *v, u64 addr, u32 data);
/** Wire @line of the interrupt controller is at @level; true if @v is to look. Only with HV_FEATURE_LINES. */
bool arch_vcpu_line(struct arch_vcpu *v, u32 line, bool level);
void arch_vcpu_extint(struct arch_vcpu *v, bool level);
/*
 * Only where self/vcpu.h says ARCH_EOI_WORDS:
 * void arch_vcpu_eoi(struct arch_vcpu *v, void *word): @v's guest shares the 4 bytes at @word, mapped here, for ends of
 * interrupts without exits; NULL: no more, and no word is touched any more when this returns. arch_vcpu_reset_irq has
 * the same effect.
 */
/** Forwarded access to the local interrupt controller. False: the guest must get its fault. */
bool arch_vcpu_apic(struct arch_vcpu *v, u32 off, bool write, u64 *value, struct exit *more);
/** When its timer wants @v to be told, counter value, ~0 never. And tell it. */
static inline u64 arch_vcpu_deadline(const struct arch_vcpu *v);
void arch_vcpu_timer(struct arch_vcpu *v);
/** Program counter, for traces. */
static inline u64 arch_vcpu_pc(const struct arch_vcpu *v);

/** Argument @n (0: the call's number) and results of a hypercall. */
static inline u64 arch_vcpu_arg(const struct arch_vcpu *v, unsigned n);
static inline void arch_vcpu_result(struct arch_vcpu *v, u64 status, u64 a, u64 b, u64 c);

#include "self/vcpu.h"

#endif
