/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch/x86/loop.h: the loop around the world switch, which each vendor's file has built in: what goes in before, and
 * the exits answered right here. It is the way of every exit, so what is rare stands apart, in run.c.
 */
#ifndef ARCH_X86_LOOP_H
#define ARCH_X86_LOOP_H

#include "arch/x86/percpu.h"
#include "arch/x86/vendor.h"
#include "arch/x86/vlapic_priv.h"
#include "hv/lib/panic.h"

/* What run_exit answers. */
#define LOOP_EXITS                                                                                                    \
	(BIT(EXIT_MSR) | BIT(EXIT_XSETBV) | BIT(EXIT_WINDOW) | BIT(EXIT_UNDEFINED) | BIT(EXIT_CACHE) | BIT(EXIT_CR) | \
	 BIT(EXIT_DR) | BIT(EXIT_EXCEPTION))
static_assert(EXIT_COUNT <= 64, "a bit each");

/** An exception for the guest, of error code 0 if it has one. The service VM must not make one. */
static inline void loop_fault(struct arch_vcpu *v, u32 vector, bool has_error)
{
	if (v->service)
		panic("the service VM takes exception %u at %lx", vector, v->rip);
	v->inject =
		(struct x86_event){ .info = EVENT_VALID | EVENT_TYPE_EXCP | vector | (has_error ? EVENT_ERROR : 0) };
}

/* An interrupt's end, by far the most frequent write of an MSR. */
static inline bool loop_is_eoi(const struct arch_vcpu *v, const struct exit *x)
{
	return x->kind == EXIT_MSR && x->sysreg.index == MSR_X2APIC_EOI && x->sysreg.write &&
	       (u32)(v->regs->gpr[X86_RAX] | v->regs->gpr[X86_RDX]) == 0 && vlapic_is_x2apic(&v->apic);
}

/* False: the I/O APIC is to hear of it. */
static inline bool loop_eoi(struct arch_vcpu *v, struct exit *x)
{
	struct vlapic_ipi end;

	v->exits[EXIT_MSR]++;
	v->exits[EXIT_APIC]++;
	x86_skip(v);
	if (likely(vlapic_end(&v->apic, &end) != VLAPIC_EOI))
		return true;
	x->kind = EXIT_EOI;
	x->vector = end.vector;
	return false;
}

/**
 * Enter @v by @enter until an exit is hv/'s, which @x then has. @enter enters with what is dirty and v->event; on the
 * exit it fills v->rip, v->next_pc, v->reinject and @x, calls loop_taken when the CPU has taken the armed interrupt,
 * and loop_tpr.
 */
static ALWAYS_INLINE void loop_run(struct arch_vcpu *v, struct exit *x,
				   void (*enter)(struct arch_vcpu *v, struct exit *x))
{
	for (;;) {
		if (unlikely(v->irq_state | v->apic.irr.words | v->apic.events | v->post.any | v->reinject.info |
			     v->inject.info) &&
		    !run_before(v, x))
			break;
		if (unlikely(v->tpr != v->apic.tpr)) {
			v->tpr = v->apic.tpr;
			v->dirty |= DIRTY_TPR;
		}
		enter(v, x);
		if (x->kind == EXIT_CPUID) {
			v->exits[EXIT_CPUID]++;
			x86_cpuid(v);
			x86_skip(v);
			continue;
		}
		if (!(LOOP_EXITS >> x->kind & 1) || !(loop_is_eoi(v, x) ? loop_eoi(v, x) : run_exit(v, x)))
			break;
	}
	x->next_pc = v->next_pc;
}

/** The CPU has taken the armed interrupt. */
static inline void loop_taken(struct arch_vcpu *v)
{
	v->virq_on = false;
	if (v->virq_is_extint)
		v->extint_ready = false;
	else
		vlapic_deliver(&v->apic, v->virq_vector);
}

/** The CPU has @tpr, of which bits 7 to 4 count: those below are only in the APIC's register. */
static inline void loop_tpr(struct arch_vcpu *v, u8 tpr)
{
	if (unlikely((tpr ^ v->tpr) >> 4)) {
		v->tpr = tpr;
		vlapic_set_tpr(&v->apic, tpr);
	}
}

#endif
