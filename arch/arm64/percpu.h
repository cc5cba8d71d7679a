/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/percpu.h: what each physical CPU has of its own, in its block. */
#ifndef ARCH_ARM64_PERCPU_H
#define ARCH_ARM64_PERCPU_H

#include "arch/iface/cpu.h"

struct arch_vcpu;
struct vgic_cpu;

/* How a CPU is started: arch_cpu_start fills it, boot_cpu (boot/arm64/entry.S, which knows the offsets) reads it. */
struct arm_start {
	u64 hcr, mair, tcr, ttbr0, ttbr1, vbar, sctlr;
	u64 sp, entry;
	u32 state; /* enum arm_start_state */
	/* Written with the caches off, so that its line belongs to nobody else: enum arm_start_state, or 0. */
	u32 early ALIGNED(256);
	u8 rest[252];
};

enum arm_start_state {
	ARM_START_ASKED = 1,
	ARM_START_UP,
	ARM_START_LATE,	  /* nobody waits for it any more */
	ARM_START_LEVEL,  /* entered at another level than EL2 */
	ARM_START_E2H,	  /* VHE is there, or not, unlike the first CPU's */
	ARM_START_UNLIKE, /* another difference: it has said so */
};

struct arm_cpu {
	struct arm_start start ALIGNED(256);
	struct arch_vcpu *owner;  /* whose EL1 registers are in the CPU, NULL: nobody's (context.c) */
	struct arch_vcpu *loaded; /* for whom HCR_EL2 and what follows from it are set (run.c)      */
	struct vgic_cpu *vgic;	  /* @owner's                                                       */
	u64 clock_when;		  /* CNTHP_CVAL_EL2; ~0: the timer is off                           */
	u64 el0_root;		  /* VHE: TTBR0_EL2                                                 */
	u64 bank0;		  /* registers of this CPU's SGIs and PPIs                          */
	u64 gicr;		  /* GICv3: its redistributor                                       */
	u64 mpidr;		  /* affinity                                                       */
	u32 target;		  /* GICv2: its bit in GICD_SGIR; 0: the only CPU                   */
	u32 number;
	u32 me;	   /* number + 1: in vgic_cpu.loaded                                 */
	u32 asked; /* atomic: another CPU waits for us to save our virtual interface */
};
static_assert(ARCH_CPU_OWN + sizeof(struct arm_cpu) <= 0x1000, "below the guard page");

/* The running CPU's. */
static inline struct arm_cpu *arm_cpu(void)
{
	return (struct arm_cpu *)(void *)((char *)arch_cpu_block() + ARCH_CPU_OWN);
}

#endif
