/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/cpu.h: what the parts of arch/arm64 share: features, page-table formats, the CPU's exits. */
#ifndef ARCH_ARM64_CPU_H
#define ARCH_ARM64_CPU_H

#include "arch/arm64/percpu.h"
#include "arch/arm64/sysreg.h"
#include "arch/iface/vcpu.h"
#include "hv/abi/boot_info.h"

/* What this CPU has, read once by arch_early_init. */
struct arm_features {
	bool vhe;      /* E2H is set: entry.S has chosen            */
	bool pauth;    /* address or generic authentication         */
	bool sve, sme; /* kept from guests                          */
	bool rndr;
	bool pan;
	bool ras;	   /* virtual SErrors have a syndrome, ESB defers them */
	bool el0_32;	   /* AArch32 at EL0                                   */
	unsigned pa_bits;  /* at most 48                             */
	unsigned ipa_bits; /* of a guest's physical addresses       */
};
extern struct arm_features arm_features;

/* Bits of a physical address by ID_AA64MMFR0_EL1.PARange, as far as our tables go. */
#define ARM_PA_RANGES 6
extern const u8 arm_pa_bits[ARM_PA_RANGES];

/* Our own tables, the service VM's (with VHE its stage 1, else a stage 2), a guest's. */
extern const struct ptab_format fmt_el2, fmt_el2_vhe, fmt_el0, fmt_s2, fmt_s2_service;
/** Of a struct arch_vm's table an entry has been made invalid, before another takes its place (struct ptab_format). */
void vcpu_broken(const struct ptab *pt);

/* HCR_EL2 (Arm ARM, D19.2.48). */
#define HCR_VM	   BIT(0)
#define HCR_SWIO   BIT(1)
#define HCR_PTW	   BIT(2)
#define HCR_FMO	   BIT(3)
#define HCR_IMO	   BIT(4)
#define HCR_AMO	   BIT(5)
#define HCR_VSE	   BIT(8)
#define HCR_FB	   BIT(9)
#define HCR_BSU_IS BIT(10)
#define HCR_DC	   BIT(12)
#define HCR_TWI	   BIT(13)
#define HCR_TWE	   BIT(14)
#define HCR_TID3   BIT(18)
#define HCR_TSC	   BIT(19)
#define HCR_TIDCP  BIT(20)
#define HCR_TACR   BIT(21)
#define HCR_TSW	   BIT(22)
#define HCR_TGE	   BIT(27)
#define HCR_RW	   BIT(31)
#define HCR_E2H	   BIT(34)
#define HCR_TLOR   BIT(35)
#define HCR_TERR   BIT(36)
#define HCR_APK	   BIT(40)
#define HCR_API	   BIT(41)

/* How the CPU left a guest: entry.S's vector. */
enum arm_leave { LEAVE_SYNC, LEAVE_IRQ, LEAVE_FIQ, LEAVE_SERROR };

/** Run @v until it leaves: loads general registers, pc, pstate and SP_EL0, and saves them. */
enum arm_leave arm_enter(struct arch_vcpu *v);

/* ESR_ELx.EC (Arm ARM, D19.2.40). */
#define ESR_EC(esr)  ((esr) >> 26 & 0x3f)
#define ESR_IL	     ARM_ESR_IL
#define EC_UNKNOWN   0x00
#define EC_WFX	     0x01
#define EC_SVC64     0x15
#define EC_HVC64     0x16
#define EC_SMC64     0x17
#define EC_SYSREG    0x18
#define EC_IABT_LOW  0x20
#define EC_IABT_SAME 0x21
#define EC_DABT_LOW  0x24
#define EC_DABT_SAME 0x25

/* arch/arm64/cpu.c */
/** What this CPU has. Its registers, that reset leaves open, are set for us by cpu_registers. */
void cpu_features(struct arm_features *f);
void cpu_registers(void);
#define PSCI_NOT_SUPPORTED (-1L)
/** PSCI of the machine's firmware (Arm DEN0022); PSCI_NOT_SUPPORTED where there is none. */
long cpu_psci(u32 function, u64 a, u64 b, u64 c);
extern u64 cpu_service_root; /* physical address of the service VM's table, 0: not made yet */
/** With VHE: the service VM's table is in TTBR0_EL2 of this CPU. */
void cpu_el0_root(void);

/* arch/arm64/smp.c */
/** Number the CPUs of the machine. */
void smp_init(const struct boot_platform *p);
/** CPU @n's data; NULL: it has never been started. */
extern struct arm_cpu *smp_cpu[BOOT_MAX_CPUS];

/* arch/arm64/mem.c */
/** In VHE's TTBR0_EL2 as long as there is no service VM: nothing is mapped. Physical address. */
u64 mem_nothing(void);
/** Turn on WXN, once the CPU runs on the final tables. */
void mem_wxn(void);
/** Take the guard page of a CPU's @block out of the tables, if that cuts no large leaf. */
void mem_guard(const void *block);
/** The root, physical address; and that of the first tables, where all is as in physical memory. */
u64 mem_root(void);
extern u64 mem_first;

/* arch/arm64/traps.c */
/** What a guest's read of the ID register gives: op0 3, op1 0, CRn 0, @crm 1 to 7, @op2. */
u64 trap_id(unsigned crm, unsigned op2);

/* arch/arm64/context.c: what of a guest stays in the CPU while the service VM works. */
/** @v's EL1 registers, FP registers, timer and virtual CPU interface into the CPU; NULL: nobody's. */
void context_own(struct arch_vcpu *v);
/** EL1 registers that an exception goes through; @v owns the CPU. */
void context_exception(struct arch_vcpu *v, u64 esr, u64 far, bool has_far);
/** The counter value from which on the virtual timer interrupts, ~0 never. */
u64 context_vtimer(const struct arch_vcpu *v);
/** Bring @v's struct arm_context up to date. */
void context_save(struct arch_vcpu *v);

/* arch/arm64/vcpu.c */
/** Pass on what the guest's interrupt controller has left in vgic.kick. */
void vcpu_kicks(struct vgic *g);
/** vCPU @n of @vm, or NULL. */
struct arch_vcpu *vcpu_number(struct arch_vm *vm, unsigned n);
/** @v, which is off, starts at @entry with @context in x0, all else as after power-on; counter offset @cntvoff. */
void vcpu_power_on(struct arch_vcpu *v, u64 entry, u64 context, u64 cntvoff);

/* arch/arm64/fpsimd.S */
/** The 32 vector registers, FPCR and FPSR: 528 bytes, 16-byte aligned. */
void fpsimd_save(void *area);
void fpsimd_load(const void *area);

/* arch/arm64/traps.c */
/** The trapped MSR or MRS of @esr. False: hv/ must see @x. */
bool trap_sysreg(struct arch_vcpu *v, u64 esr, struct exit *x);
/** The service VM's answer to a forwarded read. */
void trap_answer(struct arch_vcpu *v, u64 value);
/**
 * The service VM's read of the physical counter, which QEMU 7.2 traps at EL0 without VHE when CNTHCTL_EL2.EL1PCEN is 0,
 * though EL1PCTEN alone should matter. False: it was something else.
 */
bool trap_counter(struct arch_vcpu *v, u64 esr);

/* arch/arm64/run.c */
/** No vCPU's HCR_EL2 is set any more; @v, if not NULL, gives the CPU's EL1 registers back. */
void run_forget(const struct arch_vcpu *v);
/** @v's EL1 registers are in the CPU, and not lent to the service VM. */
void run_own(struct arch_vcpu *v);
/** Give @v an external abort for its last memory exit. It owns the CPU. */
void run_abort(struct arch_vcpu *v);
/** @v sleeps, at most as long as its timers say, and goes on at @next_pc: @x is for hv/, false. */
bool run_halt(struct arch_vcpu *v, u64 next_pc, struct exit *x);

/* arch/arm64/psci.c */
/** PSCI and SMCCC (Arm DEN0022, DEN0028). False: hv/ must see @x. */
bool psci_call(struct arch_vcpu *v, struct exit *x);

#endif
