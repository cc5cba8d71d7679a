/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/vendor.h: what differs between VMX and SVM; private to arch/x86. Two const tables, chosen at boot. */
#ifndef ARCH_X86_VENDOR_H
#define ARCH_X86_VENDOR_H

#include "arch/iface/vcpu.h"
#include "arch/x86/cpu.h"

enum x86_window { WINDOW_INTR, WINDOW_NMI };
enum x86_reg { REG_EFER, REG_CR0, REG_CR4, REG_TSC_OFFSET };

struct vendor {
	const char *name;
	const struct ptab_format *s2_format;
	/** Is it there and not locked off? Returns NULL, or what is missing and what to do, in words. */
	const char *(*probe)(void);
	/** Turn it on, on this CPU; the boot CPU first. Returns NULL, or why another one cannot be like the boot CPU.
	 */
	const char *(*cpu_on)(void);
	/** This CPU keeps nothing of @v, whose user state it does not hold any more. */
	void (*leave)(struct arch_vcpu *v);
	/** v->ctl is a zeroed page: set up controls for v->vm. */
	void (*vcpu_init)(struct arch_vcpu *v);
	/** Run @v until an exit that hv/ is to see: loop_run (loop.h) with the vendor's world switch. */
	void (*run)(struct arch_vcpu *v, struct exit *x);
	/**
	 * Let the guest take interrupt @vector as soon as RFLAGS.IF and CR8 allow, or with -1 no interrupt. loop_taken
	 * when the CPU has taken it.
	 */
	void (*virq)(struct arch_vcpu *v, int vector);
	/** EXIT_WINDOW as soon as the guest could take an external interrupt (takes virq's place), or an NMI. */
	void (*window)(struct arch_vcpu *v, enum x86_window which);
	/** Can the guest take an external interrupt at its next instruction? */
	bool (*interruptible)(struct arch_vcpu *v);
	/** Move the state between the control structure and @s; general registers and what arch/x86 keeps are not
	 * touched. */
	void (*get)(struct arch_vcpu *v, struct vcpu_state *s);
	void (*set)(struct arch_vcpu *v, const struct vcpu_state *s);
	/** One register of the guest's. TSC_OFFSET is write only. */
	u64 (*reg)(struct arch_vcpu *v, enum x86_reg reg);
	void (*set_reg)(struct arch_vcpu *v, enum x86_reg reg, u64 value);
	/** RSP, RFLAGS, CRs and segments into v->regs, for an exit record: as get, but quick. */
	void (*export)(struct arch_vcpu *v);
	/** v->crowded is new: while it is set, a guest that spins is to leave with EXIT_PAUSE. */
	void (*watch_pause)(struct arch_vcpu *v);
};

/* What one vendor alone has to do is called by its name, where the CPU is its. */
/** Part of x86_load_guest: VMSAVE and VMLOAD. */
void svm_swap(struct arch_vcpu *from, struct arch_vcpu *to);
/** The instruction of the last exit is @length bytes long: EXIT_LENGTH's answer. */
void svm_learn(struct arch_vcpu *v, unsigned length);
/** v->ctl is about to become somebody else's page: the CPU must have nothing of it. */
void vmx_vcpu_fini(struct arch_vcpu *v);
/** v->apic_lent: make v->apic complete again, and v->apic_lent false. */
void vmx_apic_take(struct arch_vcpu *v);

extern const struct vendor vendor_svm, vendor_vmx;
extern const struct vendor *vendor;

/* Which guest's registers the CPU holds (struct x86_user_msrs, extended state): swapped when it changes. */
void x86_load_guest(struct arch_vcpu *v);
/** v->msrs is to be current. */
void x86_sync_user(struct arch_vcpu *v);
/* arch/x86/eoi.c */
/** While v->eoi_set: has the guest ended the interrupt? Then so it is in v->apic, too. */
void x86_eoi_look(struct arch_vcpu *v);
/** While v->eoi: may the guest end its interrupt so? Before an entry, when v->apic is as the guest will see it. */
void x86_eoi_offer(struct arch_vcpu *v);
/** Software is about to look at TPR, ISR or IRR in v->apic. */
static inline void x86_apic_take(struct arch_vcpu *v)
{
	if (unlikely(v->apic_lent))
		vmx_apic_take(v);
	if (unlikely(v->eoi_set))
		x86_eoi_look(v);
}
/** INIT of its local APIC. */
void x86_reset_apic(struct arch_vcpu *v);
/** @v's state in the CPU goes into its memory, and the CPU holds nobody's. */
void x86_forget(struct arch_vcpu *v);

/* Bitmaps shared by all guests and by all service vCPUs, built at boot: ports, MSRs. */
#define X86_PASS_READ  1u
#define X86_PASS_WRITE 2u
/** May a guest touch @msr directly? The list is one place for both vendors. X86_PASS_* */
unsigned x86_msr_pass(u32 msr);

/* arch/x86/msr.c: answered here (true), or #GP for the guest, or x->kind = EXIT_SYSREG for the service VM. */
enum x86_answer { ANSWER_DONE, ANSWER_FAULT, ANSWER_FORWARD, ANSWER_LEAVE };
enum x86_answer x86_rdmsr(struct arch_vcpu *v, u32 msr, u64 *value);
enum x86_answer x86_wrmsr(struct arch_vcpu *v, u32 msr, u64 value, struct exit *x);
/* arch/x86/ipi.c: to the other vCPUs of @from's VM; VLAPIC_IPI says so. */
void x86_ipi(struct arch_vcpu *from, const struct vlapic_ipi *ipi);
/* @to, another one, gets @vector, which is 16 or above. */
void x86_ipi_fixed(struct arch_vcpu *to, u8 vector);
/* arch/x86/run.c */
/** Something may have to go in with the entry: interrupts, v->event. False: @x must be seen by hv/ first. */
bool run_before(struct arch_vcpu *v, struct exit *x);
/** The exits that need nobody else. False: hv/ must see @x. */
bool run_exit(struct arch_vcpu *v, struct exit *x);
/* arch/x86/cpuid.c */
void x86_cpuid(struct arch_vcpu *v);
/** Fill x86_features. */
void x86_features_init(void);

#endif
