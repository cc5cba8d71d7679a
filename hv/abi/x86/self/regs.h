/* SPDX-License-Identifier: Apache-2.0 */
/* hv/abi/x86/self/regs.h: a vCPU's registers as they stand in its run page and in vcpu_get/vcpu_set. */
#ifndef SELF_REGS_H
#define SELF_REGS_H

#include "hv/abi/types.h"

/* In the order of the instruction encoding (Intel SDM 2A, table 2-2), so a decoder can index. */
enum x86_gpr {
	X86_RAX,
	X86_RCX,
	X86_RDX,
	X86_RBX,
	X86_RSP,
	X86_RBP,
	X86_RSI,
	X86_RDI,
	X86_R8,
	X86_R9,
	X86_R10,
	X86_R11,
	X86_R12,
	X86_R13,
	X86_R14,
	X86_R15,
	X86_NGPR
};

/* In the order of the Sreg encoding. */
enum x86_sreg { X86_ES, X86_CS, X86_SS, X86_DS, X86_FS, X86_GS, X86_NSREG };

/* Segment attributes: descriptor bits 40-47 in bits 0-7 and 52-55 in bits 8-11 (as SVM's VMCB);
 * VMX access rights differ in where the last four stand and in the unusable bit. P = 0: unusable. */
#define X86_AR_TYPE 0x00fu
#define X86_AR_S    0x010u
#define X86_AR_DPL  0x060u
#define X86_AR_P    0x080u
#define X86_AR_AVL  0x100u
#define X86_AR_L    0x200u
#define X86_AR_DB   0x400u
#define X86_AR_G    0x800u

struct x86_seg {
	u16 sel;
	u16 ar;	   /* X86_AR_* */
	u32 limit; /* bytes, G already applied */
	u64 base;
};

/*
 * The general registers, always current while the vCPU is stopped (the hypervisor saves them here
 * straight from the CPU), and what a decoder needs beside them, which is current only for an exit whose
 * record has RUN_STATE set, or after hv_vcpu_get.
 */
struct vcpu_regs {
	u64 gpr[X86_NGPR]; /* gpr[X86_RSP] is current only with RUN_STATE */
	u64 rip;
	u64 rflags;
	u64 cr0, cr3, cr4;
	u64 efer;
	struct x86_seg seg[X86_NSREG];
	u64 cr2;
	u8 cpl;
	u8 pad[7];
};

struct x86_table {
	u64 base;
	u32 limit;
	u32 pad;
};

/* Everything: hv_vcpu_get and hv_vcpu_set move it through the mailbox. */
struct vcpu_state {
	struct vcpu_regs regs;
	struct x86_seg tr, ldtr;
	struct x86_table gdtr, idtr;
	u64 dr7, dr6;
	u64 pat;
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 xcr0;
	u64 apic_base;	    /* IA32_APIC_BASE */
	u64 counter_offset; /* guest's TSC - host's */
};

/* One CPUID answer: hv_vm_set_cpuid takes an array of these through the mailbox. */
struct vm_config {
	u32 leaf;
	u32 subleaf;
	u32 match_subleaf; /* 0: this answers every subleaf */
	u32 eax, ebx, ecx, edx;
	u32 pad;
};

#endif
