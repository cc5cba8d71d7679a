/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/vmx.c: the VMX back end: entering a guest, its events and interrupts (Intel SDM 3C, chapters 24 to 28). */
#include "arch/x86/format.h"
#include "arch/x86/loop.h"
#include "arch/x86/vmx.h"

/* Exceptions that push an error code (SDM 3A, 6.13); one that comes of real mode does not. */
#define VECTORS_WITH_ERROR \
	(BIT(VEC_DF) | BIT(VEC_TS) | BIT(VEC_NP) | BIT(VEC_SS) | BIT(VEC_GP) | BIT(VEC_PF) | BIT(VEC_AC))
#define ERROR_BITS 0x7fffu

#define BOCHS_ENTRIES 64 /* between two looks for interrupts */

static void vmx_write_dirty(struct arch_vcpu *v)
{
	if (v->dirty & DIRTY_RIP) {
		u64 blocking = vmread(VMCS_GUEST_BLOCKING);

		vmwrite(VMCS_GUEST_RIP, v->rip);
		if (blocking & (BLOCKING_STI | BLOCKING_MOV_SS)) /* it ends with the instruction */
			vmwrite(VMCS_GUEST_BLOCKING, blocking & ~(BLOCKING_STI | BLOCKING_MOV_SS));
		if (unlikely(vmread(VMCS_GUEST_RFLAGS) & RFLAGS_TF)) /* a step, too */
			vmwrite(VMCS_GUEST_PENDING_DEBUG, PENDING_DEBUG_BS);
	}
	if (v->dirty & DIRTY_RFLAGS)
		vmwrite(VMCS_GUEST_RFLAGS, (v->regs->rflags & RFLAGS_WRITABLE) | RFLAGS_FIXED);
	if (v->dirty & DIRTY_RSP)
		vmwrite(VMCS_GUEST_RSP, v->regs->gpr[X86_RSP]);
	if (v->dirty & DIRTY_CR2)
		write_cr2(v->regs->cr2);
	v->dirty = 0;
}

bool vmx_interruptible(struct arch_vcpu *v)
{
	u64 rflags;

	vmx_load(v);
	rflags = v->dirty & DIRTY_RFLAGS ? v->regs->rflags : vmread(VMCS_GUEST_RFLAGS);
	if (!(rflags & RFLAGS_IF))
		return false;
	return (v->dirty & DIRTY_RIP) || !(vmread(VMCS_GUEST_BLOCKING) & (BLOCKING_STI | BLOCKING_MOV_SS));
}

/* Hand @e to the CPU. False: not at this instruction boundary. */
static bool vmx_inject(struct arch_vcpu *v, struct x86_event e)
{
	u32 vector = e.info & EVENT_VECTOR;

	switch (e.info & EVENT_TYPE) {
	case EVENT_TYPE_NMI: {
		u64 blocking = vmread(VMCS_GUEST_BLOCKING);

		if (blocking & BLOCKING_MOV_SS)
			return false;
		/* Its delivery, when cut short, has blocked NMIs already. */
		if (blocking & (BLOCKING_NMI | BLOCKING_STI))
			vmwrite(VMCS_GUEST_BLOCKING, blocking & ~(BLOCKING_NMI | BLOCKING_STI));
		v->nmi_masked = true;
		break;
	}
	case EVENT_TYPE_EXCP:
		e.info &= ~EVENT_ERROR;
		if (vector < 32 && (VECTORS_WITH_ERROR & BIT(vector)) && (vmread(VMCS_GUEST_CR0) & CR0_PE)) {
			e.info |= EVENT_ERROR;
			vmwrite(VMCS_ENTRY_ERROR, e.error & ERROR_BITS);
		}
		break;
	case INFO_TYPE_PRIV_SOFT: vmwrite(VMCS_ENTRY_LENGTH, e.length); break;
	default: break;
	}
	vmwrite(VMCS_ENTRY_INFO, e.info);
	return true;
}

/* The armed interrupt: give it now, or exit as soon as the guest takes interrupts. One that CR8 holds back waits for
 * CR8. */
static bool vmx_give_virq(struct arch_vcpu *v, bool injecting)
{
	if (!v->virq_is_extint && v->virq_vector >> 4 <= v->tpr >> 4)
		return false;
	if (injecting || v->vmx.window || !vmx_interruptible(v)) {
		vmx_set_proc(v, v->vmx.proc | (u32)PROC_INTR_WINDOW);
		return false;
	}
	vmwrite(VMCS_ENTRY_INFO, EVENT_VALID | EVENT_TYPE_INTR | v->virq_vector);
	vmx_set_proc(v, v->vmx.proc & ~(u32)PROC_INTR_WINDOW);
	return true;
}

/* What was being delivered when the guest left (28.2.4). INT n, INT3, INTO and INT1 are executed again instead. */
static void vmx_reinject(struct arch_vcpu *v)
{
	u64 info = vmread(VMCS_IDT_INFO);
	u32 type = info & EVENT_TYPE;

	if (!(info & EVENT_VALID) || type == EVENT_TYPE_SOFT || type == INFO_TYPE_PRIV_SOFT ||
	    type == INFO_TYPE_SOFT_EXCP)
		return;
	v->reinject.info = (u32)info & (EVENT_VALID | EVENT_ERROR | EVENT_TYPE | EVENT_VECTOR);
	v->reinject.error = info & EVENT_ERROR ? (u32)vmread(VMCS_IDT_ERROR) : 0;
	v->reinject.length = 0;
}

/* The CPU refused: by a flag of VMLAUNCH (27.1, 27.2), or by an exit that never was one (27.8). */
static void vmx_entry_failed(struct arch_vcpu *v, u64 flags, struct exit *x)
{
	u64 reason = flags ? 0 : FIELD(REASON_BASIC, vmread(VMCS_REASON));

	if (reason == REASON_GUEST_STATE && vmx_mend_segments()) {
		vmwrite(VMCS_ENTRY_INFO, 0);
		x->kind = EXIT_WINDOW; /* try again */
		return;
	}
	x->kind = EXIT_ENTRY_FAILED;
	x->fault.info = flags ? 0 : vmread(VMCS_QUALIFICATION);
	if (flags) {
		x->fault.code = flags == 1 ? 0 : vmread(VMCS_INSN_ERROR);
		x->fault.what = flags == 1 ? "VM entry: no current VMCS" : vmx_insn_error(x->fault.code);
	} else {
		x->fault.code = REASON_ENTRY_FAILED | reason;
		x->fault.what = reason == REASON_GUEST_STATE ? vmx_check_guest()
				: reason == REASON_ENTRY_MCE ? "machine check during VM entry"
							     : "VM entry: MSR loading";
	}
	vmx_dump(v);
	vmwrite(VMCS_ENTRY_INFO, 0); /* an exit would have cleared its valid bit */
}

static inline void vmx_switch(struct arch_vcpu *v, struct exit *x)
{
	struct x86_event inject = v->event;
	bool virq = false;
	u32 reason;
	u64 flags;

	/*
	 * Bochs 2.7 does not look for the machine's interrupts at an entry: behind it a guest whose every instruction
	 * exits would keep them away. So it counts as interrupted now and then.
	 */
	if (unlikely(vmx_caps.bochs) && !v->service && !inject.info && ++x86_cpu()->vmx_entries % BOCHS_ENTRIES == 0) {
		x->kind = EXIT_IRQ;
		v->next_pc = 0;
		return;
	}
	v->event.info = 0;
	vmx_load(v);
	if (!v->service)
		vmx_swap_user(v);
	if (v->dirty)
		vmx_write_dirty(v);
	if (unlikely(v->flush_seen != v->vm->flush)) {
		v->flush_seen = v->vm->flush;
		vmx_flush_guest(v);
	}
	if (unlikely(inject.info) && !vmx_inject(v, inject)) {
		v->reinject = inject;
		vmx_set_proc(v, v->vmx.proc | (u32)PROC_NMI_WINDOW);
		inject.info = 0;
	}
	if (unlikely(v->apic_give | (v->apic_hw & (v->apic.irr.words != 0))))
		vmx_apic_give(v, inject.info);
	if (unlikely(v->virq_on))
		virq = vmx_give_virq(v, inject.info);
	flags = vmx_enter(v->regs, &v->vmx.host_rsp, v->launched);
	v->next_pc = 0;
	v->rip = vmread(VMCS_GUEST_RIP);
	reason = flags ? 0 : (u32)vmread(VMCS_REASON);
	if (unlikely(flags || (reason & REASON_ENTRY_FAILED))) {
		v->reinject = inject; /* not taken */
		vmx_entry_failed(v, flags, x);
		return;
	}
	v->launched = true;
	if (virq)
		loop_taken(v);
	if (unlikely(v->nmi_masked))
		v->nmi_masked = vmread(VMCS_GUEST_BLOCKING) & BLOCKING_NMI;
	reason = (u32)FIELD(REASON_BASIC, reason);
	if (unlikely(reason < 64 && (REASONS_VECTORING & BIT(reason))))
		vmx_reinject(v);
	vmx_decode(v, reason, x);
}

static void vmx_run(struct arch_vcpu *v, struct exit *x)
{
	loop_run(v, x, vmx_switch);
}

static void vmx_virq(struct arch_vcpu *v, int vector)
{
	/* The vector itself is v->virq_vector, and virq_on says that it is there: vmx_switch looks. */
	vmx_load(v);
	v->vmx.window = false;
	vmx_set_proc(v, v->vmx.proc & ~(u32)PROC_INTR_WINDOW);
}

static void vmx_window(struct arch_vcpu *v, enum x86_window which)
{
	vmx_load(v);
	v->vmx.window |= which == WINDOW_INTR;
	vmx_set_proc(v, v->vmx.proc | (u32)(which == WINDOW_INTR ? PROC_INTR_WINDOW : PROC_NMI_WINDOW));
}

const struct vendor vendor_vmx = {
	.name = "VMX",
	.s2_format = &fmt_ept,
	.probe = vmx_probe,
	.cpu_on = vmx_cpu_on,
	.leave = vmx_leave,
	.vcpu_init = vmx_vcpu_init,
	.run = vmx_run,
	.virq = vmx_virq,
	.window = vmx_window,
	.interruptible = vmx_interruptible,
	.reg = vmx_reg,
	.set_reg = vmx_set_reg,
	.get = vmx_get,
	.set = vmx_set,
	.export = vmx_export,
	.watch_pause = vmx_watch_pause,
};
