/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/percpu.h: what x86 keeps for each physical CPU, in its block behind hv/'s part (arch/iface/cpu.h). */
#ifndef ARCH_X86_PERCPU_H
#define ARCH_X86_PERCPU_H

#include "arch/iface/cpu.h"
#include "arch/iface/vcpu.h"

/* A CPU's block: data, one page of the vendor's (SVM's host save area, VMX's VMXON region), a guard page, the stack. */
#define CPU_REGION 0x1000UL
#define CPU_GUARD  0x2000UL

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3, iomap;
} PACKED;

struct x86_cpu {
	struct arch_vcpu *loaded;	/* the guest whose user state, on SVM VMLOAD state too, the CPU holds     */
	struct arch_vcpu *vmx_current;	/* whose VMCS is current                        */
	struct arch_vcpu *vmx_user;	/* whose CR2 and DR6, on VMX                    */
	u32 asid_next, asid_generation; /* SVM */
	u32 vmx_entries;		/* of guests, for Bochs */
	u32 number;			/* as boot_platform lists them, the boot CPU first */
	u64 timer_armed;		/* what arch_timer_set was last told            */
	struct tss tss;
	u64 gdt[5];
};
static_assert(ARCH_CPU_OWN + sizeof(struct x86_cpu) <= 0x1000, "one page with hv/'s part");

static inline struct x86_cpu *x86_cpu(void)
{
	return (struct x86_cpu *)((u8 *)arch_cpu_block() + ARCH_CPU_OWN);
}

/** The vendor's page of the running CPU. */
static inline void *x86_cpu_region(void)
{
	return (u8 *)arch_cpu_block() + CPU_REGION;
}

#endif
