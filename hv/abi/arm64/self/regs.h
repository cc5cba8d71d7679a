/* SPDX-License-Identifier: Apache-2.0 */
/* hv/abi/arm64/self/regs.h: a vCPU's registers as they stand in its run page and in vcpu_get/vcpu_set. */
#ifndef SELF_REGS_H
#define SELF_REGS_H

#include "hv/abi/types.h"

/*
 * The general registers: always current while the vCPU is stopped. The hypervisor saves them here straight from the
 * CPU; REPLY_REGS has it take @pc and @pstate back as well (the general registers it always does).
 */
struct vcpu_regs {
	u64 x[31];
	u64 sp_el0;
	u64 pc;	    /* ELR_EL2  */
	u64 pstate; /* SPSR_EL2 */
};

/* SPSR's bits (Arm ARM, C5.2). */
#define ARM_PSTATE_EL0	0x0u
#define ARM_PSTATE_EL1T 0x4u
#define ARM_PSTATE_EL1H 0x5u
#define ARM_PSTATE_MODE 0x1fu /* with M[4]: AArch32 */
#define ARM_PSTATE_DAIF 0x3c0u
#define ARM_PSTATE_I	0x80u
#define ARM_PSTATE_F	0x40u

/* Everything: hv_vcpu_get and hv_vcpu_set move it through the mailbox. EL1's and EL0's registers by their names. */
struct vcpu_state {
	struct vcpu_regs regs;
	u64 sctlr, cpacr, ttbr0, ttbr1, tcr, mair, amair, vbar;
	u64 sp_el1, elr, spsr, esr, far, afsr0, afsr1, par;
	u64 contextidr, tpidr_el0, tpidrro_el0, tpidr_el1, csselr, cntkctl, mdscr;
	u64 cntv_ctl, cntv_cval, cntp_ctl, cntp_cval;
	u64 mpidr;	    /* VMPIDR_EL2, as the guest reads MPIDR_EL1 */
	u64 counter_offset; /* guest's virtual counter - the physical one: -CNTVOFF_EL2 */
};

/* What VM_CONFIGURE tells the hypervisor of a guest's machine: an array of these through the mailbox. */
enum arm_config {
	ARM_CONFIG_GICD,      /* guest-physical address of the distributor, 64 KiB                  */
	ARM_CONFIG_GICR,      /* GICv3: of the first vCPU's redistributor, 128 KiB each             */
	ARM_CONFIG_GICC,      /* GICv2: of the CPU interface, 8 KiB                                 */
	ARM_CONFIG_MSI,	      /* doorbell address of message-signalled interrupts (GICv2m)          */
	ARM_CONFIG_MSI_FIRST, /* first INTID that a message may raise                               */
	ARM_CONFIG_MSI_COUNT, /* how many                                                           */
	ARM_CONFIG_COUNT
};
struct vm_config {
	u32 what; /* enum arm_config */
	u32 pad;
	u64 value;
};

/* hv_info.features beyond the portable ones. */
#define ARM_FEATURE_GICV3 0x10000u /* guests have a GICv3, else a GICv2                        */
#define ARM_FEATURE_VHE	  0x20000u /* the hypervisor uses the virtualization host extensions */
#define ARM_FEATURE_RNDR  0x40000u /* the CPU has RNDR                                        */

/* fault.code of EXIT_SHUTDOWN: the PSCI function that the guest called (Arm DEN0022). */
#define PSCI_CPU_OFF	   0x84000002u
#define PSCI_CPU_ON	   0x84000003u
#define PSCI_CPU_ON_64	   0xc4000003u
#define PSCI_SYSTEM_OFF	   0x84000008u
#define PSCI_SYSTEM_RESET  0x84000009u
#define PSCI_SYSTEM_RESET2 0xc4000012u

/*
 * run_page.inject, beside RUN_INJECT_VALID: what becomes of the instruction that made the exit. The hypervisor fills in
 * ESR_EL1, FAR_EL1 (of an abort), ELR_EL1 and SPSR_EL1; pc is the instruction's own.
 */
#define ARM_INJECT_ABORT     0u /* EXIT_MMIO: synchronous external abort of the access, or with MAP_X of the fetch */
#define ARM_INJECT_UNDEFINED 1u /* EXIT_SYSREG: there is no such register                                         */

/* sysreg.index and msr_policy: the encoding op0, op1, CRn, CRm, op2 of MRS and MSR (Arm ARM, C5.1.2). */
#define ARM_SYSREG(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

#endif
