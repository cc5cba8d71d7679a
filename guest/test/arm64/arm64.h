/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/arm64.h: what arm64 test guests can use besides guest/test/lib/t.h: exceptions, system registers,
 * the interrupt controller, PSCI, the parts of the machine. */
#ifndef GUEST_TEST_ARM64_H
#define GUEST_TEST_ARM64_H

#include "guest/test/lib/t.h"

#define UART 0x09000000ull /* PL011 */
#define RTC  0x09010000ull /* PL031 */

/** Caches and the identity map: on from the start. Off: all memory is like a device's. */
void t_mmu(bool on);
void t_start(void);
void t_arm64_boot(u64 fdt);
/** Is @word in the kernel command line (/chosen, bootargs)? */
bool t_bootarg(const char *word);
/** Check that @addr reads ones or aborts; say which. */
void t_nothing_at(const char *name, u64 addr);

/* --- exceptions: guest/test/arm64/trap.c ----------------------------------------------------------------------- */
struct trap_info {
	u32 class; /* first: start.S reads it. ESR_EL1.EC, or TRAP_SERROR */
	u32 iss;
	u64 far, elr, spsr;
};
extern struct trap_info trap_last;

struct trap_frame {
	u64 x[31], elr, spsr;
};
void trap_c(struct trap_frame *f, u64 vector);
extern u64 try_sp;

#define EC_UNKNOWN    0x00
#define EC_SVC	      0x15
#define EC_HVC	      0x16
#define EC_SYSREG     0x18
#define EC_IABT	      0x21
#define EC_PC_ALIGN   0x22
#define EC_DABT	      0x25
#define EC_SP_ALIGN   0x26
#define EC_BRK	      0x3c
#define TRAP_SERROR   0x40
#define DFSC(iss)     ((iss)&0x3f)
#define DFSC_EXTERNAL 0x10 /* synchronous external abort, not on a table walk */
#define DFSC_ALIGN    0x21

/** Accesses of 1, 2, 4 or 8 bytes that survive an exception: its class, or -1. */
int t_load(u64 addr, unsigned size, u64 *v);
int t_store(u64 addr, unsigned size, u64 v);
/** Run one instruction word with x0 = *@x0, which gets the result: the exception's class, or -1. */
int t_insn(u32 insn, u64 *x0);
/** What of x4 to x30 changes over @kind 0: an HVC, 1: the read of an ID register, 2: a 32-bit load from @addr. */
u64 t_regs(unsigned kind, u64 addr);

/* --- system registers ----------------------------------------------------------------------------------------------
 */
#define mrs(reg)                                                           \
	({                                                                 \
		u64 mrs_v;                                                 \
		__asm__ volatile("mrs %0, " #reg : "=r"(mrs_v)::"memory"); \
		mrs_v;                                                     \
	})
#define msr(reg, v) __asm__ volatile("msr " #reg ", %0" ::"r"((u64)(v)) : "memory")
static inline void isb(void)
{
	__asm__ volatile("isb" ::: "memory");
}
static inline void dsb(void)
{
	__asm__ volatile("dsb sy" ::: "memory");
}
static inline void wfi(void)
{
	__asm__ volatile("dsb sy; wfi" ::: "memory");
}
static inline u64 counter(void)
{
	isb();
	return mrs(cntvct_el0);
}
/* An MRS (or, @write, an MSR) of this encoding from or to x0. */
static inline u32 sysreg_insn(bool write, u32 op0, u32 op1, u32 crn, u32 crm, u32 op2)
{
	return 0xd5000000u | (write ? 0 : 1u << 21) | op0 << 19 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5;
}

static inline volatile u8 *mmio8(u64 a)
{
	return (volatile u8 *)a;
}

/* --- the interrupt controller: guest/test/arm64/gic.c ----------------------------------------------------------------
 */
#define INTID_VTIMER  27
#define INTID_PTIMER  30
#define INTID_UART    33
#define INTID_RTC     34
#define INTID_INTX    35
#define INTID_SPECIAL 1020
#define LPI_FIRST     8192ull
#define ITS_MSIS      8
#define IRQ_LPI	      1024 /* the first LPI's place in irq_count */
#define IRQS	      (IRQ_LPI + ITS_MSIS)
#define IRQS_CPU      128

extern unsigned gic_version; /* 2 or 3, by the device tree */
extern u64 gicd, gicc, gicr;
extern u64 v2m_frame; /* 0: none */

/* Offsets in the distributor (and for INTIDs below 32 in GICv3's redistributor). */
#define GICD_CTLR	0x000
#define GICD_TYPER	0x004
#define GICD_IIDR	0x008
#define GICD_IGROUPR	0x080
#define GICD_ISENABLER	0x100
#define GICD_ICENABLER	0x180
#define GICD_ISPENDR	0x200
#define GICD_ICPENDR	0x280
#define GICD_ISACTIVER	0x300
#define GICD_ICACTIVER	0x380
#define GICD_IPRIORITYR 0x400
#define GICD_ITARGETSR	0x800
#define GICD_ICFGR	0xc00
#define GICD_SGIR	0xf00

void gic_init(void);
/** The part of CPU @cpu, which calls it: SGIs and the virtual timer enabled. */
void gic_cpu_init(unsigned cpu);
/** Where the registers of @intid with one bit each are: add GICD_IxxxR. */
u64 gic_frame(unsigned intid);
/** Set, or test, @intid's bit in the register row @reg. */
void gic_bit(unsigned reg, unsigned intid);
bool gic_is(unsigned reg, unsigned intid);
void gic_priority(unsigned intid, u8 priority);
void gic_edge(unsigned intid, bool edge);
/** Enable with priority 0xa0, and route to this CPU. */
void gic_enable(unsigned intid);
void gic_disable(unsigned intid);
void gic_pmr(u8 priority);
void gic_sgi_self(unsigned intid);
u32 gic_ack(void);
void gic_eoi(u32 iar);
/** The INTID that gic_ack would give, from the CPU interface's highest-pending register. */
u32 gic_highest(void);
u8 gic_running(void);
/** Is an interrupt signalled to the CPU (ISR_EL1.I)? */
bool gic_signalled(void);

extern volatile u32 irq_cpu[8][IRQS_CPU]; /* by CPU, the first INTIDs */
extern volatile u32 irq_total;		  /* all but spurious ones */
extern volatile u32 irq_spurious;	  /* times that there was nothing to acknowledge */
extern volatile u32 irq_log[256];	  /* in order of arrival, the last 256 */
extern volatile u32 irq_depth;		  /* the deepest nesting seen */
extern u8 irq_quiet[IRQS];		  /* disable it when it comes */
extern u32 irq_nest;			  /* in this one's handler interrupts are on for a while; 0: none */
void irq_handler(void);
/** t_msi by a GICv3's ITS: guest/test/arm64/its.c. False: there is none. */
bool its_msi(unsigned n, u64 *addr, u32 *data, u32 *irq);

/* --- PSCI
 * ---------------------------------------------------------------------------------------------------------------- */
#define PSCI_VERSION	     0x84000000u
#define PSCI_CPU_SUSPEND     0x84000001u
#define PSCI_CPU_OFF	     0x84000002u
#define PSCI_CPU_ON	     0xc4000003u
#define PSCI_AFFINITY_INFO   0xc4000004u
#define PSCI_MIGRATE_TYPE    0x84000006u
#define PSCI_SYSTEM_OFF	     0x84000008u
#define PSCI_SYSTEM_RESET    0x84000009u
#define PSCI_FEATURES	     0x8400000au
#define SMCCC_VERSION	     0x80000000u
#define SMCCC_ARCH_FEATURES  0x80000001u
#define PSCI_NOT_SUPPORTED   (-1)
#define PSCI_INVALID_PARAMS  (-2)
#define PSCI_DENIED	     (-3)
#define PSCI_ALREADY_ON	     (-4)
#define PSCI_INVALID_ADDRESS (-9)

/** HVC #0 with @fn and three arguments; x0. */
s64 psci(u64 fn, u64 a, u64 b, u64 c);

/* --- other CPUs: guest/test/arm64/smp.c, smp.S -----------------------------------------------------------------------
 */
#define SMP_MAX 8
/* smp.S reads the first, and writes down the three that it found. */
struct smp_start {
	u64 stack, ttbr0, mair, tcr, vbar, sctlr;
	u64 found_el, found_daif, found_sctlr;
	u64 cpu;
	u64 main;
} ALIGNED(64);
extern struct smp_start smp[SMP_MAX];
extern u8 smp_entry[];
/** Start CPU @n (< SMP_MAX), which is to call @main with this one's map and vectors. PSCI's answer. */
s64 smp_on(unsigned n, void (*main)(struct smp_start *));

/* --- the virtual timer
 * ---------------------------------------------------------------------------------------------------- */
/** Virtual timer: interrupt in @ticks; its handler masks it. */
void vtimer_in(u64 ticks);
u64 us_to_ticks(u64 us);

#endif
