/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/vmx.h: VMCS fields, controls and exits, from the Intel SDM 3C/3D (appendices A to C), and what vmx*.c share.
 */
#ifndef ARCH_X86_VMX_H
#define ARCH_X86_VMX_H

#include "arch/x86/percpu.h"
#include "arch/x86/vendor.h"
#include "arch/x86/vmx_ops.h"

/* Capability MSRs (appendix A). */
#define MSR_VMX_BASIC	      0x480u
#define MSR_VMX_MISC	      0x485u
#define MSR_VMX_CR0_FIXED0    0x486u
#define MSR_VMX_CR0_FIXED1    0x487u
#define MSR_VMX_CR4_FIXED0    0x488u
#define MSR_VMX_CR4_FIXED1    0x489u
#define MSR_VMX_PROCBASED2    0x48bu
#define MSR_VMX_EPT_VPID_CAP  0x48cu
#define MSR_VMX_TRUE_PINBASED 0x48du
#define MSR_VMX_TRUE_PROC     0x48eu
#define MSR_VMX_TRUE_EXIT     0x48fu
#define MSR_VMX_TRUE_ENTRY    0x490u

#define VMX_BASIC_REVISION BITS(30, 0)
#define VMX_BASIC_INSOUTS  BIT(54) /* exits by INS and OUTS tell segment and address size */
#define VMX_BASIC_TRUE	   BIT(55)
#define VMX_MISC_TIMER	   BITS(4, 0) /* the timer counts at the TSC's rate divided by 2 to this */
#define VMX_MISC_LMA	   BIT(5)     /* exits store EFER.LMA into the entry control */

#define FEATURE_CONTROL_LOCK  BIT(0)
#define FEATURE_CONTROL_VMXON BIT(2) /* outside SMX */

#define EPT_CAP_WALK4	       BIT(6)
#define EPT_CAP_WB	       BIT(14)
#define EPT_CAP_2M	       BIT(16)
#define EPT_CAP_1G	       BIT(17)
#define EPT_CAP_INVEPT	       BIT(20)
#define EPT_CAP_INVEPT_SINGLE  BIT(25)
#define EPT_CAP_INVEPT_ALL     BIT(26)
#define EPT_CAP_INVVPID	       BIT(32)
#define EPT_CAP_INVVPID_SINGLE BIT(41)

/* EPTP (25.6.11): write-back, a walk of four levels. */
#define EPTP_WB	   6u
#define EPTP_WALK4 (3u << 3)

#define PIN_INTR	BIT(0)
#define PIN_NMI		BIT(3)
#define PIN_VIRTUAL_NMI BIT(5)
#define PIN_TIMER	BIT(6)
#define PIN_POSTED	BIT(7)

#define PROC_INTR_WINDOW BIT(2)
#define PROC_TSC_OFFSET	 BIT(3)
#define PROC_HLT	 BIT(7)
#define PROC_INVLPG	 BIT(9)
#define PROC_MWAIT	 BIT(10)
#define PROC_RDPMC	 BIT(11)
#define PROC_RDTSC	 BIT(12)
#define PROC_CR3_LOAD	 BIT(15)
#define PROC_CR3_STORE	 BIT(16)
#define PROC_CR8_LOAD	 BIT(19)
#define PROC_CR8_STORE	 BIT(20)
#define PROC_TPR_SHADOW	 BIT(21)
#define PROC_NMI_WINDOW	 BIT(22)
#define PROC_MOV_DR	 BIT(23)
#define PROC_IO		 BIT(24) /* every port */
#define PROC_MSR_BITMAP	 BIT(28)
#define PROC_MONITOR	 BIT(29)
#define PROC_PAUSE	 BIT(30)
#define PROC_SECONDARY	 BIT(31)

#define PROC2_EPT	   BIT(1)
#define PROC2_RDTSCP	   BIT(3)
#define PROC2_X2APIC	   BIT(4)
#define PROC2_VPID	   BIT(5)
#define PROC2_UNRESTRICTED BIT(7)
#define PROC2_APIC_REGS	   BIT(8)
#define PROC2_VIRQ	   BIT(9)
#define PROC2_PAUSE_LOOP   BIT(10)
#define PROC2_INVPCID	   BIT(12)

#define EXIT_SAVE_DEBUG BIT(2)
#define EXIT_HOST_64	BIT(9)
#define EXIT_SAVE_PAT	BIT(18)
#define EXIT_LOAD_PAT	BIT(19)
#define EXIT_SAVE_EFER	BIT(20)
#define EXIT_LOAD_EFER	BIT(21)

#define ENTRY_LOAD_DEBUG BIT(2)
#define ENTRY_IA32E	 BIT(9)
#define ENTRY_LOAD_PAT	 BIT(14)
#define ENTRY_LOAD_EFER	 BIT(15)

/* Field encodings (appendix B). Of the segments: ES, CS, SS, DS, FS, GS, LDTR, TR, two apart. */
enum vmcs_field {
	VMCS_VPID = 0x0000,
	VMCS_GUEST_SEL = 0x0800,
	VMCS_GUEST_VIRQ = 0x0810, /* "interrupt status" */
	VMCS_HOST_ES = 0x0c00,
	VMCS_HOST_CS = 0x0c02,
	VMCS_HOST_SS = 0x0c04,
	VMCS_HOST_DS = 0x0c06,
	VMCS_HOST_FS = 0x0c08,
	VMCS_HOST_GS = 0x0c0a,
	VMCS_HOST_TR = 0x0c0c,
	VMCS_MSR_BITMAP = 0x2004,
	VMCS_TSC_OFFSET = 0x2010,
	VMCS_VIRTUAL_APIC = 0x2012,
	VMCS_EPTP = 0x201a,
	VMCS_EOI_EXITS = 0x201c, /* four of 64 vectors */
	VMCS_GUEST_PA = 0x2400,
	VMCS_LINK = 0x2800,
	VMCS_GUEST_DEBUGCTL = 0x2802,
	VMCS_GUEST_PAT = 0x2804,
	VMCS_GUEST_EFER = 0x2806,
	VMCS_GUEST_PDPTE = 0x280a,
	VMCS_HOST_PAT = 0x2c00,
	VMCS_HOST_EFER = 0x2c02,
	VMCS_PIN = 0x4000,
	VMCS_PROC = 0x4002,
	VMCS_EXCEPTIONS = 0x4004,
	VMCS_PF_MASK = 0x4006,
	VMCS_PF_MATCH = 0x4008,
	VMCS_CR3_TARGETS = 0x400a,
	VMCS_EXIT_CONTROLS = 0x400c,
	VMCS_EXIT_MSR_STORES = 0x400e,
	VMCS_EXIT_MSR_LOADS = 0x4010,
	VMCS_ENTRY_CONTROLS = 0x4012,
	VMCS_ENTRY_MSR_LOADS = 0x4014,
	VMCS_ENTRY_INFO = 0x4016,
	VMCS_ENTRY_ERROR = 0x4018,
	VMCS_ENTRY_LENGTH = 0x401a,
	VMCS_TPR_THRESHOLD = 0x401c,
	VMCS_PROC2 = 0x401e,
	VMCS_PAUSE_GAP = 0x4020,
	VMCS_PAUSE_WINDOW = 0x4022,
	VMCS_INSN_ERROR = 0x4400,
	VMCS_REASON = 0x4402,
	VMCS_EXIT_INFO = 0x4404,
	VMCS_IDT_INFO = 0x4408,
	VMCS_IDT_ERROR = 0x440a,
	VMCS_LENGTH = 0x440c,
	VMCS_INSN_INFO = 0x440e,
	VMCS_GUEST_LIMIT = 0x4800,
	VMCS_GUEST_GDTR_LIMIT = 0x4810,
	VMCS_GUEST_IDTR_LIMIT = 0x4812,
	VMCS_GUEST_AR = 0x4814,
	VMCS_GUEST_BLOCKING = 0x4824, /* "interruptibility state" */
	VMCS_GUEST_ACTIVITY = 0x4826,
	VMCS_GUEST_SMBASE = 0x4828,
	VMCS_GUEST_SYSENTER_CS = 0x482a,
	VMCS_GUEST_TIMER = 0x482e, /* "VMX-preemption timer value" */
	VMCS_HOST_SYSENTER_CS = 0x4c00,
	VMCS_CR0_MASK = 0x6000,
	VMCS_CR4_MASK = 0x6002,
	VMCS_CR0_SHADOW = 0x6004,
	VMCS_CR4_SHADOW = 0x6006,
	VMCS_QUALIFICATION = 0x6400,
	VMCS_GUEST_LINEAR = 0x640a,
	VMCS_GUEST_CR0 = 0x6800,
	VMCS_GUEST_CR3 = 0x6802,
	VMCS_GUEST_CR4 = 0x6804,
	VMCS_GUEST_BASE = 0x6806,
	VMCS_GUEST_GDTR = 0x6816,
	VMCS_GUEST_IDTR = 0x6818,
	VMCS_GUEST_DR7 = 0x681a,
	VMCS_GUEST_RSP = 0x681c,
	VMCS_GUEST_RIP = 0x681e,
	VMCS_GUEST_RFLAGS = 0x6820,
	VMCS_GUEST_PENDING_DEBUG = 0x6822,
	VMCS_GUEST_SYSENTER_ESP = 0x6824,
	VMCS_GUEST_SYSENTER_EIP = 0x6826,
	VMCS_HOST_CR0 = 0x6c00,
	VMCS_HOST_CR3 = 0x6c02,
	VMCS_HOST_CR4 = 0x6c04,
	VMCS_HOST_FS_BASE = 0x6c06,
	VMCS_HOST_GS_BASE = 0x6c08,
	VMCS_HOST_TR_BASE = 0x6c0a,
	VMCS_HOST_GDTR = 0x6c0c,
	VMCS_HOST_IDTR = 0x6c0e,
	VMCS_HOST_SYSENTER_ESP = 0x6c10,
	VMCS_HOST_SYSENTER_EIP = 0x6c12,
	VMCS_HOST_RSP = 0x6c14,
	VMCS_HOST_RIP = 0x6c16,
};

enum vmcs_seg { SEG_LDTR = X86_NSREG, SEG_TR, SEG_COUNT };

/* Access rights (table 25-2): as a descriptor's bits 40-55, and bit 16. */
#define AR_LOW	    BITS(7, 0)
#define AR_HIGH	    BITS(15, 12)
#define AR_ACCESSED BIT(0)
#define AR_UNUSABLE BIT(16)

#define BLOCKING_STI	BIT(0)
#define BLOCKING_MOV_SS BIT(1)
#define BLOCKING_NMI	BIT(3)

#define PENDING_DEBUG_BS BIT(14)

/* Exit qualification of #DB, as in DR6; and DR7 */
#define QUAL_DEBUG_B  BITS(3, 0)
#define QUAL_DEBUG_BD BIT(13)
#define QUAL_DEBUG    (QUAL_DEBUG_B | QUAL_DEBUG_BD | BIT(14))
#define DR7_GD	      BIT(13)

/* Guest interrupt status (25.4.2): the highest vector requested, and in service. */
#define VIRQ_RVI BITS(7, 0)
#define VIRQ_SVI BITS(15, 8)

/* Interruption information: EVENT_* of self/vcpu.h, and in exits: */
#define INFO_TYPE_PRIV_SOFT (5u << 8)
#define INFO_TYPE_SOFT_EXCP (6u << 8)
#define INFO_NMI_UNBLOCKED  BIT(12)

/* Basic exit reasons (appendix C). */
#define REASON_BASIC	    BITS(15, 0)
#define REASON_ENTRY_FAILED BIT(31)
enum vmx_reason {
	REASON_EXCEPTION = 0,
	REASON_INTR = 1,
	REASON_TRIPLE_FAULT = 2,
	REASON_INTR_WINDOW = 7,
	REASON_NMI_WINDOW = 8,
	REASON_TASK = 9,
	REASON_CPUID = 10,
	REASON_GETSEC = 11,
	REASON_HLT = 12,
	REASON_INVD = 13,
	REASON_RDPMC = 15,
	REASON_RSM = 17,
	REASON_VMCALL = 18,
	REASON_VMCLEAR = 19,
	REASON_VMXON = 27,
	REASON_CR = 28,
	REASON_IO = 30,
	REASON_RDMSR = 31,
	REASON_WRMSR = 32,
	REASON_GUEST_STATE = 33,
	REASON_MSR_LOADING = 34,
	REASON_MWAIT = 36,
	REASON_MONITOR = 39,
	REASON_PAUSE = 40,
	REASON_ENTRY_MCE = 41,
	REASON_EOI = 45,
	REASON_EPT_VIOLATION = 48,
	REASON_EPT_MISCONFIG = 49,
	REASON_INVEPT = 50,
	REASON_TIMER = 52,
	REASON_INVVPID = 53,
	REASON_XSETBV = 55,
	REASON_APIC_WRITE = 56,
	REASON_VMFUNC = 59,
};
/* Exits in the middle of an event's delivery have one of these (28.2.4). */
#define REASONS_VECTORING \
	(BIT(REASON_EXCEPTION) | BIT(REASON_TASK) | BIT(REASON_EPT_VIOLATION) | BIT(REASON_EPT_MISCONFIG))

/* Exit qualifications (28.2.1). */
#define QUAL_CR		    BITS(3, 0)
#define QUAL_CR_TYPE	    BITS(5, 4)
#define QUAL_CR_GPR	    BITS(11, 8)
#define CR_TYPE_TO	    0u
#define CR_TYPE_FROM	    1u
#define QUAL_IO_SIZE	    BITS(2, 0) /* less 1 */
#define QUAL_IO_IN	    BIT(3)
#define QUAL_IO_STR	    BIT(4)
#define QUAL_IO_REP	    BIT(5)
#define QUAL_IO_PORT	    BITS(31, 16)
#define INSN_ADDR	    BITS(9, 7) /* 0: 16 bit, 1: 32, 2: 64 */
#define INSN_SEG	    BITS(17, 15)
#define QUAL_APIC_OFFSET    BITS(11, 0)
#define QUAL_EPT_WRITE	    BIT(1)
#define QUAL_EPT_FETCH	    BIT(2)
#define QUAL_EPT_LINEAR	    BIT(7) /* the linear address is valid ... */
#define QUAL_EPT_TRANSLATED BIT(8) /* ... and it is what was accessed, not a table on the way */
/* `in al, 0x71`, `mov cr0, rbx`. */
static_assert(FIELD(QUAL_IO_SIZE, 0x710048) + 1 == 1 && FIELD(QUAL_IO_PORT, 0x710048) == 0x71, "I/O");
static_assert(FIELD(QUAL_CR_GPR, 0x300) == X86_RBX && FIELD(QUAL_CR_TYPE, 0x300) == CR_TYPE_TO, "CR");

/* What this CPU makes of each control word; from vmx_probe on. */
struct vmx_caps {
	u32 revision;
	u32 pin, proc, proc2, exit, entry;
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	u64 cr0_owned, cr4_owned; /* bits that a guest does not change directly */
	bool vpid, invept_single;
	bool pause_loop; /* it exits of loops with PAUSE, not of each PAUSE */
	bool bochs; /* Bochs 2.7: when it looks for interrupts differs from what the SDM says (vmx_apic.c, vmx.c) */
};
extern struct vmx_caps vmx_caps;

/* Owned whatever the CPU says: NE is fixed; CD and NW are the CPU's own, which no switch saves. */
#define VMX_CR0_OWNED (CR0_NE | CR0_CD | CR0_NW)

/* The vCPU whose VMCS is current on this CPU. */

/* vmx_caps.c */
const char *vmx_probe(void);
const char *vmx_cpu_on(void);

/* vmx_vmcs.c */
void vmx_make_current(struct arch_vcpu *v);
static inline void vmx_load(struct arch_vcpu *v)
{
	if (unlikely(x86_cpu()->vmx_current != v))
		vmx_make_current(v);
}
void vmx_vcpu_init(struct arch_vcpu *v);
/** @v's VMCS goes to memory: it may become current on any CPU. */
void vmx_leave(struct arch_vcpu *v);
/** @v's primary processor-based controls, which are kept in v->vmx.proc. */
void vmx_set_proc(struct arch_vcpu *v, u32 proc);
/** x86_features.apic_hw: from the next entry on, @v's accesses to its APIC go to its virtual-APIC page, or exit. */
void vmx_apic_switch(struct arch_vcpu *v, bool on);
void vmx_watch_pause(struct arch_vcpu *v);
/** Forget what the TLB has of @v under its VPID; of its VM's guest-physical mappings. */
void vmx_flush_linear(struct arch_vcpu *v);
void vmx_flush_guest(struct arch_vcpu *v);
/** CR2 and DR6 in the CPU become @v's (NULL: nobody's): no world switch does that. The service VM has none to keep. */
void vmx_swap_user(struct arch_vcpu *v);
/** The guest's, whether the CPU holds them or not; and set them, for the next entry. */
u64 vmx_cr2(const struct arch_vcpu *v);
u64 vmx_dr6(const struct arch_vcpu *v);
void vmx_set_user(struct arch_vcpu *v, u64 cr2, u64 dr6);

/* vmx_state.c */
u64 vmx_reg(struct arch_vcpu *v, enum x86_reg reg);
void vmx_set_reg(struct arch_vcpu *v, enum x86_reg reg, u64 value);
void vmx_get(struct arch_vcpu *v, struct vcpu_state *s);
void vmx_set(struct arch_vcpu *v, const struct vcpu_state *s);
void vmx_export(struct arch_vcpu *v);
/**
 * A null selector empties a data segment; a switch to real mode or back then leaves Bochs with one that is usable but
 * not accessed, which it refuses at the next entry. Let such be unusable. True: there was one.
 */
bool vmx_mend_segments(void);
/** PAE paging: fill the PDPTE fields from CR3. False: one of them has reserved bits, or CR3 points at no RAM. */
bool vmx_load_pdptes(struct arch_vcpu *v);

/* vmx_cr.c: a guest's MOV to or from a control register. */
void vmx_exit_cr(struct arch_vcpu *v, u64 qualification);

/* vmx_exit.c */
void vmx_decode(struct arch_vcpu *v, u32 reason, struct exit *x);

/* vmx.c */
bool vmx_interruptible(struct arch_vcpu *v);

/* vmx_apic.c */
/** Before an entry with v->apic_give set, or with vectors that have arrived while v->apic_hw; @injecting: it carries an
 * event. @v's VMCS is current. */
void vmx_apic_give(struct arch_vcpu *v, bool injecting);
/** An EOI of a level-triggered interrupt; a register that hardware has only stored. */
void vmx_exit_eoi(struct arch_vcpu *v, struct exit *x);
void vmx_exit_apic_write(struct arch_vcpu *v, struct exit *x);

/* vmx_check.c */
const char *vmx_insn_error(u64 error);
/** Which of the checks on the guest state (SDM 3C, 27.3.1) fails? */
const char *vmx_check_guest(void);
void vmx_dump(const struct arch_vcpu *v);

/* vmx_entry.asm */
/** Load the guest's general registers (but RSP) and enter; save them on the exit. 0: an exit; 1: VMfailInvalid; 2:
 * VMfailValid. */
u64 vmx_enter(struct vcpu_regs *regs, u64 *host_rsp, u64 launched);
extern const char vmx_exit_entry[];

#endif
