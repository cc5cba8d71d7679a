/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/vmx_exit.c: decoding of VM exits (Intel SDM 3C, chapter 28) into struct exit. */
#include "arch/x86/mce.h"
#include "arch/x86/vmx.h"
#include "hv/lib/panic.h"

static void vmx_insn(struct arch_vcpu *v, struct exit *x, enum exit_kind kind)
{
	v->next_pc = v->rip + vmread(VMCS_LENGTH);
	x->kind = kind;
}

static void vmx_decode_io(struct arch_vcpu *v, struct exit *x)
{
	u64 q = vmread(VMCS_QUALIFICATION), info;

	x->io.port = (u16)FIELD(QUAL_IO_PORT, q);
	x->io.size = (u8)(FIELD(QUAL_IO_SIZE, q) + 1);
	x->io.write = !(q & QUAL_IO_IN);
	if (likely(!(q & QUAL_IO_STR))) {
		vmx_insn(v, x, EXIT_IO);
		x->data = v->regs->gpr[X86_RAX] & (0xffffffffu >> (32 - 8 * x->io.size));
		return;
	}
	vmx_insn(v, x, EXIT_IO_STRING);
	info = vmread(VMCS_INSN_INFO);
	x->io.rep = q & QUAL_IO_REP;
	x->io.addr_size = (u8)(2u << FIELD(INSN_ADDR, info));
	x->io.seg = x->io.write ? (u8)FIELD(INSN_SEG, info) : X86_ES; /* of INS the field is undefined */
}

/* An IRET that was cut short had unblocked NMIs already (28.2.3): block them again. */
static void vmx_iret_again(u64 info)
{
	if (unlikely(info & INFO_NMI_UNBLOCKED) && !(vmread(VMCS_IDT_INFO) & EVENT_VALID))
		vmwrite(VMCS_GUEST_BLOCKING, vmread(VMCS_GUEST_BLOCKING) | BLOCKING_NMI);
}

static void vmx_decode_ept(struct arch_vcpu *v, struct exit *x)
{
	const u64 translated = QUAL_EPT_LINEAR | QUAL_EPT_TRANSLATED;
	u64 q = vmread(VMCS_QUALIFICATION);

	x->kind = EXIT_MMIO;
	x->mmio.insn_len = 0; /* VMX never gives the bytes */
	x->mmio.size = 0;
	x->mmio.insn_gpa = ~0UL;
	x->mmio.gpa = vmread(VMCS_GUEST_PA);
	x->mmio.operand = (q & translated) == translated;
	x->mmio.gva = x->mmio.operand ? vmread(VMCS_GUEST_LINEAR) : ~0UL;
	x->mmio.access = q & QUAL_EPT_FETCH ? MAP_X : q & QUAL_EPT_WRITE ? MAP_W : MAP_R;
	v->next_pc = 0;
	vmx_iret_again(q);
}

static void vmx_fault(struct exit *x, enum exit_kind kind, const char *what, u64 code, u64 info)
{
	x->kind = kind;
	x->fault.what = what;
	x->fault.code = code;
	x->fault.info = info;
}

/* The CPU blocks NMIs after this exit until an IRET; this one returns to where it stands. */
static void vmx_unblock_nmi(void)
{
	u64 scratch;

	asm volatile("mov %%ss, %k0\n\t"
		     "push %0\n\t"
		     "lea 8(%%rsp), %0\n\t"
		     "push %0\n\t"
		     "pushfq\n\t"
		     "mov %%cs, %k0\n\t"
		     "push %0\n\t"
		     "lea 1f(%%rip), %0\n\t"
		     "push %0\n\t"
		     "iretq\n"
		     "1:"
		     : "=&r"(scratch)
		     :
		     : "cc", "memory");
}

/* What the CPU would have done to the debug registers: an exit leaves it to us (28.1, 28.2.1). */
static void vmx_debug_registers(void)
{
	u64 q = vmread(VMCS_QUALIFICATION) & QUAL_DEBUG;

	write_dr6((read_dr6() & ~QUAL_DEBUG_B) | q);
	if (q & QUAL_DEBUG_BD)
		vmwrite(VMCS_GUEST_DR7, vmread(VMCS_GUEST_DR7) & ~DR7_GD);
	/* The entry checks want a single step pending where it is blocked (27.3.1.5). */
	if ((vmread(VMCS_GUEST_RFLAGS) & RFLAGS_TF) && (vmread(VMCS_GUEST_BLOCKING) & (BLOCKING_STI | BLOCKING_MOV_SS)))
		vmwrite(VMCS_GUEST_PENDING_DEBUG, PENDING_DEBUG_BS);
}

/*
 * #DB and #AC go back to the guest. They exit because a guest can make their delivery raise them again, without end and
 * without an instruction boundary at which the CPU would see our interrupts (CVE-2015-5307, CVE-2015-8104).
 */
static void vmx_give_back(struct arch_vcpu *v, u64 info, struct exit *x)
{
	u32 vector = info & EVENT_VECTOR;

	if (vector == VEC_DB)
		vmx_debug_registers();
	if (v->reinject.info && (v->reinject.info & EVENT_TYPE) != EVENT_TYPE_EXCP && !v->inject.info)
		v->inject = v->reinject; /* an interrupt whose delivery it broke off comes behind it */
	v->reinject.info = EVENT_VALID | (info & EVENT_TYPE) | vector;
	v->reinject.error = 0;			  /* #AC's is always 0 */
	v->reinject.length = vmread(VMCS_LENGTH); /* of INT1 */
	v->exits[EXIT_EXCEPTION]++;
	x->kind = EXIT_IRQ; /* so that hv/ looks for interrupts and at the time each time round */
}

static void vmx_decode_exception(struct arch_vcpu *v, struct exit *x)
{
	u64 info = vmread(VMCS_EXIT_INFO);

	if ((info & EVENT_TYPE) == EVENT_TYPE_NMI) {
		vmx_unblock_nmi();
		x->kind = EXIT_NMI;
		return;
	}
	if ((info & EVENT_VECTOR) == VEC_MC)
		x86_mce_fatal("in a guest");
	if ((info & EVENT_VECTOR) == VEC_DB || (info & EVENT_VECTOR) == VEC_AC) {
		vmx_give_back(v, info, x);
		return;
	}
	vmx_fault(x, EXIT_ENTRY_FAILED, "exit for an exception that nobody asked for", REASON_EXCEPTION, info);
}

static void vmx_decode_rare(struct arch_vcpu *v, u32 reason, struct exit *x)
{
	switch (reason) {
	case REASON_EXCEPTION: vmx_decode_exception(v, x); break;
	case REASON_TRIPLE_FAULT: vmx_fault(x, EXIT_SHUTDOWN, "triple fault", reason, 0); break;
	case REASON_NMI_WINDOW:
		vmx_set_proc(v, v->vmx.proc & ~(u32)PROC_NMI_WINDOW);
		v->nmi_masked = false;
		x->kind = EXIT_WINDOW;
		break;
	case REASON_TASK:
		vmx_fault(x, EXIT_SHUTDOWN, "hardware task switch, which VMX leaves to software", reason,
			  vmread(VMCS_QUALIFICATION));
		break;
	case REASON_GETSEC:
	case REASON_RDPMC:
	case REASON_RSM:
	case REASON_VMCLEAR ... REASON_VMXON:
	case REASON_MWAIT:
	case REASON_MONITOR:
	case REASON_INVEPT:
	case REASON_INVVPID:
	case REASON_VMFUNC: vmx_insn(v, x, EXIT_UNDEFINED); break;
	case REASON_PAUSE: vmx_insn(v, x, EXIT_PAUSE); break;
	case REASON_INVD: vmx_insn(v, x, EXIT_CACHE); break;
	case REASON_XSETBV: vmx_insn(v, x, EXIT_XSETBV); break;
	case REASON_EOI: vmx_exit_eoi(v, x); break;
	case REASON_APIC_WRITE: vmx_exit_apic_write(v, x); break;
	case REASON_EPT_MISCONFIG:
		vmx_dump(v);
		vmx_fault(x, EXIT_ENTRY_FAILED, "EPT misconfiguration", reason, vmread(VMCS_GUEST_PA));
		break;
	default:
		vmx_dump(v);
		vmx_fault(x, EXIT_ENTRY_FAILED, "unexpected exit reason", reason, vmread(VMCS_QUALIFICATION));
	}
}

void vmx_decode(struct arch_vcpu *v, u32 reason, struct exit *x)
{
	switch (reason) {
	case REASON_INTR:
	case REASON_TIMER: x->kind = EXIT_IRQ; return;
	case REASON_INTR_WINDOW:
		v->vmx.window = false;
		vmx_set_proc(v, v->vmx.proc & ~(u32)PROC_INTR_WINDOW);
		x->kind = EXIT_WINDOW;
		return;
	case REASON_EPT_VIOLATION: vmx_decode_ept(v, x); return;
	case REASON_IO: vmx_decode_io(v, x); return;
	case REASON_VMCALL: vmx_insn(v, x, EXIT_HYPERCALL); return;
	case REASON_CPUID: vmx_insn(v, x, EXIT_CPUID); return;
	case REASON_RDMSR:
	case REASON_WRMSR:
		vmx_insn(v, x, EXIT_MSR);
		x->sysreg.index = (u32)v->regs->gpr[X86_RCX];
		x->sysreg.write = reason == REASON_WRMSR;
		return;
	case REASON_HLT: vmx_insn(v, x, EXIT_HALT); return;
	case REASON_CR:
		vmx_exit_cr(v, vmread(VMCS_QUALIFICATION));
		x->kind = EXIT_CR;
		return;
	default: vmx_decode_rare(v, reason, x);
	}
}
