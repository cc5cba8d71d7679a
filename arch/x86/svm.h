/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/svm.h: the VMCB and its fields, from the AMD APM volume 2, appendices B and C, same names. */
#ifndef ARCH_X86_SVM_H
#define ARCH_X86_SVM_H

#include "hv/lib/util.h"

struct vmcb_seg {
	u16 sel, attrib;
	u32 limit;
	u64 base;
};

struct vmcb {
	/* Control area (table B-1). */
	u32 intercept_cr;    /* 000 read 15:0, write 31:16 */
	u32 intercept_dr;    /* 004 */
	u32 intercept_excp;  /* 008 */
	u32 intercept_misc1; /* 00c */
	u32 intercept_misc2; /* 010 */
	u32 intercept_misc3; /* 014 */
	u8 reserved_018[0x24];
	u16 pause_gap;	    /* 03c PAUSE filter threshold */
	u16 pause_count;    /* 03e PAUSE filter count     */
	u64 iopm_base_pa;   /* 040 */
	u64 msrpm_base_pa;  /* 048 */
	u64 counter_offset; /* 050 */
	u32 guest_asid;	    /* 058 */
	u32 tlb_control;    /* 05c */
	u32 int_ctl;	    /* 060 V_TPR, V_IRQ, ... */
	u32 int_vector;	    /* 064 V_INTR_VECTOR     */
	u64 int_state;	    /* 068 interrupt shadow  */
	u64 exitcode;	    /* 070 */
	u64 exitinfo1;	    /* 078 */
	u64 exitinfo2;	    /* 080 */
	u32 exitintinfo;    /* 088 */
	u32 exitintinfo_err;
	u64 np_enable; /* 090 */
	u8 reserved_098[0x10];
	u32 eventinj; /* 0a8 */
	u32 eventinj_err;
	u64 n_cr3;	 /* 0b0 */
	u64 lbr_control; /* 0b8 */
	u32 clean;	 /* 0c0 */
	u32 reserved_0c4;
	u64 nrip;    /* 0c8 */
	u8 insn_len; /* 0d0 */
	u8 insn[15];
	u8 reserved_0e0[0x400 - 0xe0];
	/* State save area (table B-2). */
	struct vmcb_seg es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr; /* 400-49f */
	u8 reserved_4a0[0x4cb - 0x4a0];
	u8 cpl; /* 4cb */
	u32 reserved_4cc;
	u64 efer; /* 4d0 */
	u8 reserved_4d8[0x548 - 0x4d8];
	u64 cr4, cr3, cr0, dr7, dr6, rflags, rip; /* 548-57f */
	u8 reserved_580[0x5d8 - 0x580];
	u64 rsp; /* 5d8 */
	u8 reserved_5e0[0x18];
	u64 rax; /* 5f8 */
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip, cr2; /* 628-647 */
	u8 reserved_648[0x20];
	u64 g_pat; /* 668 */
	u64 dbgctl;
	u8 rest[PAGE_SIZE - 0x678];
};

static_assert(sizeof(struct vmcb) == PAGE_SIZE, "a VMCB is a page");
static_assert(offsetof(struct vmcb, int_ctl) == 0x60, "int_ctl");
static_assert(offsetof(struct vmcb, eventinj) == 0xa8, "eventinj");
static_assert(offsetof(struct vmcb, nrip) == 0xc8, "nrip");
static_assert(offsetof(struct vmcb, tr) == 0x490, "tr");
static_assert(offsetof(struct vmcb, efer) == 0x4d0, "efer");
static_assert(offsetof(struct vmcb, rip) == 0x578, "rip");
static_assert(offsetof(struct vmcb, rax) == 0x5f8, "rax");
static_assert(offsetof(struct vmcb, cr2) == 0x640, "cr2");
static_assert(offsetof(struct vmcb, g_pat) == 0x668, "g_pat");

#define INTERCEPT_CR8_WRITE ((u32)BIT(16 + 8))

/* intercept_misc1 */
#define MISC1_INTR     BIT(0)
#define MISC1_NMI      BIT(1)
#define MISC1_INIT     BIT(3)
#define MISC1_VINTR    BIT(4)
#define MISC1_RDPMC    BIT(15)
#define MISC1_CPUID    BIT(18)
#define MISC1_IRET     BIT(20)
#define MISC1_INVD     BIT(22)
#define MISC1_PAUSE    BIT(23)
#define MISC1_HLT      BIT(24)
#define MISC1_INVLPGA  BIT(26)
#define MISC1_IOIO     BIT(27)
#define MISC1_MSR      BIT(28)
#define MISC1_TASK     BIT(29)
#define MISC1_SHUTDOWN BIT(31)
/* intercept_misc2 */
#define MISC2_VMRUN   BIT(0)
#define MISC2_VMMCALL BIT(1)
#define MISC2_VMLOAD  BIT(2)
#define MISC2_VMSAVE  BIT(3)
#define MISC2_STGI    BIT(4)
#define MISC2_CLGI    BIT(5)
#define MISC2_SKINIT  BIT(6)
#define MISC2_MONITOR BIT(10)
#define MISC2_MWAIT   BIT(11)
#define MISC2_XSETBV  BIT(13)
#define MISC2_RDPRU   BIT(14)

/* int_ctl */
#define INT_V_TPR     BITS(3, 0)
#define INT_V_IRQ     BIT(8)
#define INT_V_PRIO    BITS(19, 16)
#define INT_V_IGN_TPR BIT(20)
#define INT_V_MASKING BIT(24)

/* clean bits: set, the CPU may use what it has cached */
#define CLEAN_INTERCEPTS BIT(0)
#define CLEAN_ASID	 BIT(2)
#define CLEAN_TPR	 BIT(3)
#define CLEAN_ALL	 0x3ffu

/* exitcode (appendix C) */
#define SVM_EXIT_CR8_WRITE 0x18
#define SVM_EXIT_EXCP0	   0x40
#define SVM_EXIT_INTR	   0x60
#define SVM_EXIT_NMI	   0x61
#define SVM_EXIT_INIT	   0x63
#define SVM_EXIT_VINTR	   0x64
#define SVM_EXIT_RDPMC	   0x6f
#define SVM_EXIT_CPUID	   0x72
#define SVM_EXIT_IRET	   0x74
#define SVM_EXIT_INVD	   0x76
#define SVM_EXIT_PAUSE	   0x77
#define SVM_EXIT_HLT	   0x78
#define SVM_EXIT_INVLPGA   0x7a
#define SVM_EXIT_IOIO	   0x7b
#define SVM_EXIT_MSR	   0x7c
#define SVM_EXIT_TASK	   0x7d
#define SVM_EXIT_SHUTDOWN  0x7f
#define SVM_EXIT_VMRUN	   0x80
#define SVM_EXIT_VMMCALL   0x81
#define SVM_EXIT_SKINIT	   0x86
#define SVM_EXIT_MONITOR   0x8a
#define SVM_EXIT_MWAIT	   0x8b
#define SVM_EXIT_XSETBV	   0x8d
#define SVM_EXIT_RDPRU	   0x8e
#define SVM_EXIT_NPF	   0x400
#define SVM_EXIT_INVALID   0xffffffffu /* 64 bits of ones; TCG writes but 32 */

/* exitinfo1 of IOIO */
#define IOIO_IN	  BIT(0)
#define IOIO_STR  BIT(2)
#define IOIO_REP  BIT(3)
#define IOIO_SIZE BITS(6, 4) /* in bytes */
#define IOIO_ADDR BITS(9, 7) /* 1: 16 bit, 2: 32, 4: 64 */
#define IOIO_SEG  BITS(12, 10)
#define IOIO_PORT BITS(31, 16)
/* `in al, 0x71`. */
static_assert(FIELD(IOIO_SIZE, 0x710011) == 1 && FIELD(IOIO_PORT, 0x710011) == 0x71, "IOIO");

/* exitinfo1 of NPF: a page-fault error code */
#define NPF_WRITE BIT(1)
#define NPF_FETCH BIT(4)
#define NPF_FINAL BIT(32) /* the guest-physical address of the access itself, not of a table on the way */

/* CPUID 8000000A EDX */
#define SVM_FEATURE_NP		  BIT(0)
#define SVM_FEATURE_NRIPS	  BIT(3)
#define SVM_FEATURE_DECODE_ASSIST BIT(7)
#define SVM_FEATURE_PAUSE_FILTER  BIT(10)

#define VM_CR_SVMDIS BIT(4)
#define VM_CR_LOCK   BIT(3)

/* arch/x86/svm_state.c: struct vendor's functions of these names. */
struct arch_vcpu;
struct vcpu_state;
void svm_export(struct arch_vcpu *v);
void svm_get(struct arch_vcpu *v, struct vcpu_state *s);
void svm_set(struct arch_vcpu *v, const struct vcpu_state *s);

#endif
