/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/t_cpu.c: exceptions, ID registers and what they must hide, registers that don't exist here, floating
 * point over exits, EL0, alignment, PAN. */
#include "guest/test/arm64/arm64.h"

void fp_fill(u64 seed);
u64 fp_differ(u64 seed);
u64 fp_multiply(u64 a, u64 b);
void el0_run(void *start);
extern const u8 el0_svc[], el0_hvc[], el0_smc[], el0_sysreg[], el0_load[], el0_udf[], el0_counter[];
extern u64 t_l1[1024];

#define READ(op1, crn, crm, op2)  sysreg_insn(false, 3, op1, crn, crm, op2)
#define WRITE(op1, crn, crm, op2) sysreg_insn(true, 3, op1, crn, crm, op2)
#define NIBBLE(v, lsb)		  ((v) >> (lsb)&15)

static void undefined(const char *name, u32 insn)
{
	u64 v = 0;

	if (t_eq(name, (u32)t_insn(insn, &v), EC_UNKNOWN) &&
	    (*(u32 *)trap_last.elr != insn || (trap_last.spsr & 15) != 5))
		t_check("  ELR_EL1 and SPSR_EL1 of it", false);
}

static void exceptions(void)
{
	u64 v = 0;

	t_eq("CurrentEL is 1", mrs(CurrentEL), 4);
	t_eq("MPIDR_EL1: affinity 0", mrs(mpidr_el1) & 0xff00ffffffull, 0);
	t_eq("MPIDR_EL1: bit 31", mrs(mpidr_el1) >> 31 & 1, 1);
	undefined("UDF", 0);
	undefined("an unallocated instruction", 0xffffffff);
	t_eq("SVC", (u32)t_insn(0xd4000461, &v), EC_SVC);
	t_eq("  its number", trap_last.iss, 0x23);
	t_eq("BRK", (u32)t_insn(0xd4200900, &v), EC_BRK);
	t_eq("  its number", trap_last.iss, 0x48);
	v = 0x40000002;
	t_eq("a jump to an odd place", (u32)t_insn(0xd61f0000, &v), EC_PC_ALIGN); /* br x0 */
	v = 1ull << 50;
	t_eq("a load beyond the address space", (u32)t_insn(0xf9400000, &v), EC_DABT);
	t_eq("  FAR_EL1", trap_last.far, 1ull << 50);
	t_eq("  a translation fault", DFSC(trap_last.iss) & 0x3c, 4);
}

/* Every encoding of the ID space reads: those without a register are zero. */
static void id_registers(void)
{
	unsigned bad = 0;
	u64 v;

	for (u32 crm = 1; crm < 8; crm++)
		for (u32 op2 = 0; op2 < 8; op2++)
			bad += t_insn(READ(0, 0, crm, op2), &v) >= 0;
	t_eq("all ID registers read", bad, 0);
	bad = 0;
	for (u32 crm = 4; crm < 8; crm++)
		for (u32 op2 = 0; op2 < 8; op2++)
			bad += t_insn(WRITE(0, 0, crm, op2), &v) != EC_UNKNOWN;
	t_eq("none can be written", bad, 0);
	v = mrs(id_aa64pfr0_el1);
	t_info("ID_AA64PFR0_EL1", v);
	t_check("EL0 and EL1 with AArch64", NIBBLE(v, 0) >= 1 && NIBBLE(v, 4) >= 1);
	t_check("floating point and SIMD", NIBBLE(v, 16) <= 1 && NIBBLE(v, 16) == NIBBLE(v, 20));
	t_check("4 KiB granule", NIBBLE(mrs(id_aa64mmfr0_el1), 28) != 15);
	v = mrs(ctr_el0);
	t_check("CTR_EL0", (v & BIT(31)) != 0);
	v = mrs(midr_el1);
	t_check("MIDR_EL1 isn't zero", v != 0);
	t_eq("MIDR_EL1 reads the same again", mrs(midr_el1), v);
	t_eq("x4 to x30 over the read of an ID register", t_regs(1, 0), 0);
}

static void hidden(void)
{
	u64 pfr0 = mrs(id_aa64pfr0_el1), pfr1 = mrs(id_aa64pfr1_el1), dfr0 = mrs(id_aa64dfr0_el1), v;

	t_eq("no EL2", NIBBLE(pfr0, 8), 0);
	t_eq("no EL3", NIBBLE(pfr0, 12), 0);
	t_eq("no RAS", NIBBLE(pfr0, 28), 0);
	t_eq("no SVE", NIBBLE(pfr0, 32), 0);
	t_eq("no MPAM", NIBBLE(pfr0, 40) | NIBBLE(pfr1, 16), 0);
	t_eq("no AMU", NIBBLE(pfr0, 44), 0);
	t_eq("no MTE", NIBBLE(pfr1, 8), 0);
	t_eq("no SME", NIBBLE(pfr1, 24), 0);
	t_check("no PMU", NIBBLE(dfr0, 8) == 0 || NIBBLE(dfr0, 8) == 15);
	t_eq("no trace", NIBBLE(dfr0, 4) | NIBBLE(dfr0, 40) | NIBBLE(dfr0, 44), 0);
	t_eq("no statistical profiling", NIBBLE(dfr0, 32), 0);
	t_check("ID_AA64ZFR0_EL1", t_insn(READ(0, 0, 4, 4), &v) < 0 && v == 0);
	t_check("ID_AA64SMFR0_EL1", t_insn(READ(0, 0, 4, 5), &v) < 0 && v == 0);
	msr(cpacr_el1, BITS(17, 16) | BITS(21, 20) | BITS(25, 24)); /* ZEN, FPEN, SMEN */
	isb();
	undefined("ZCR_EL1", READ(0, 1, 2, 0));
	undefined("an SVE instruction", 0x04bf5020); /* rdvl x0, #1 */
	undefined("SMCR_EL1", READ(0, 1, 2, 6));
	undefined("SVCR", READ(3, 4, 2, 2));
	undefined("GCR_EL1 (MTE)", READ(0, 1, 0, 6));
	undefined("PMCR_EL0", READ(3, 9, 12, 0));
	undefined("PMCCNTR_EL0", READ(3, 9, 13, 0));
	undefined("PMCCFILTR_EL0", WRITE(3, 14, 15, 7));
	undefined("PMSCR_EL1", READ(0, 9, 9, 0));
	undefined("TRFCR_EL1", READ(0, 1, 2, 1));
	undefined("ERRSELR_EL1", READ(0, 5, 3, 1));
	undefined("MPAM0_EL1", READ(0, 10, 5, 1));
	undefined("AMCR_EL0", READ(3, 13, 2, 0));
	undefined("an implementation-defined register", READ(0, 15, 3, 3));
	undefined("another", WRITE(3, 15, 0, 0));
	undefined("an implementation-defined instruction", sysreg_insn(true, 1, 0, 11, 0, 0));
	msr(cpacr_el1, 0);
	isb();
}

static void el2_registers(void)
{
	undefined("HCR_EL2", READ(4, 1, 1, 0));
	undefined("SCTLR_EL2", READ(4, 1, 0, 0));
	undefined("VBAR_EL2, written", WRITE(4, 12, 0, 0));
	undefined("VTTBR_EL2", READ(4, 2, 1, 0));
	undefined("VTCR_EL2", READ(4, 2, 1, 2));
	undefined("TTBR0_EL2, written", WRITE(4, 2, 0, 0));
	undefined("ESR_EL2", READ(4, 5, 2, 0));
	undefined("ELR_EL2", READ(4, 4, 0, 1));
	undefined("SPSR_EL2", READ(4, 4, 0, 0));
	undefined("SP_EL1", READ(4, 4, 1, 0));
	undefined("TPIDR_EL2", READ(4, 13, 0, 2));
	undefined("CNTVOFF_EL2", READ(4, 14, 0, 3));
	undefined("VMPIDR_EL2", READ(4, 0, 0, 5));
	undefined("ICH_HCR_EL2", READ(4, 12, 11, 0));
	undefined("ICH_LR0_EL2", READ(4, 12, 12, 0));
	undefined("SCTLR_EL12", READ(5, 1, 0, 0));
	undefined("CNTV_CTL_EL02", READ(5, 14, 3, 1));
	undefined("SCR_EL3", READ(6, 1, 1, 0));
	undefined("an empty place", READ(0, 4, 7, 7));
	undefined("another, written", WRITE(7, 9, 3, 1));
	undefined("TLBI ALLE1", sysreg_insn(true, 1, 4, 8, 7, 4));
	undefined("TLBI VMALLS12E1", sysreg_insn(true, 1, 4, 8, 7, 6));
	undefined("AT S12E1R", sysreg_insn(true, 1, 4, 7, 8, 4));
}

/* What Linux touches at its start, whatever the ID registers say. */
static void harmless(void)
{
	static const u32 debug[][3] = { { 0, 0, 4 }, { 0, 0, 5 }, { 0, 0, 6 }, { 0, 0, 7 } };
	unsigned bad = 0;
	u64 v = 0;

	bad += t_insn(sysreg_insn(true, 2, 0, 1, 0, 4), &v) >= 0;  /* OSLAR_EL1 */
	bad += t_insn(sysreg_insn(true, 2, 0, 1, 3, 4), &v) >= 0;  /* OSDLR_EL1 */
	bad += t_insn(sysreg_insn(false, 2, 0, 0, 2, 2), &v) >= 0; /* MDSCR_EL1 */
	v = 0;
	bad += t_insn(sysreg_insn(true, 2, 0, 0, 2, 2), &v) >= 0;
	for (unsigned i = 0; i < ARRAY_SIZE(debug); i++)
		bad += t_insn(sysreg_insn(true, 2, debug[i][0], 0, debug[i][1], debug[i][2]), &v) >= 0;
	t_eq("debug registers that exist always", bad, 0);
	bad = 0;
	v = 0;
	for (u32 op2 = 1; op2 <= 2; op2++)
		bad += t_insn(sysreg_insn(true, 1, 0, 7, 6, op2), &v) >= 0; /* DC IVAC is 1: of address 0 */
	t_info("cache operations that trapped", bad);
	v = 0;
	t_eq("DC CISW, by set and way", (u32)t_insn(sysreg_insn(true, 1, 0, 7, 14, 2), &v), ~0u);
	t_eq("ACTLR_EL1 reads", (u32)t_insn(READ(0, 1, 0, 1), &v), ~0u);
	t_eq("ACTLR_EL1 writes", (u32)t_insn(WRITE(0, 1, 0, 1), &v), ~0u);
	t_eq("CSSELR_EL1 and CCSIDR_EL1", (u32)t_insn(READ(1, 0, 0, 0), &v), ~0u);
	t_eq("CLIDR_EL1", (u32)t_insn(READ(1, 0, 0, 1), &v), ~0u);
	t_eq("AIDR_EL1", (u32)t_insn(READ(1, 0, 0, 7), &v), ~0u);
	t_eq("REVIDR_EL1", (u32)t_insn(READ(0, 0, 0, 6), &v), ~0u);
	for (unsigned i = 0; i < 3; i++)
		__asm__ volatile("yield; wfe; sev; wfe" ::: "memory");
	t_check("WFE, SEV and YIELD", true);
}

static void fp_off(void *arg)
{
	fp_fill(1);
}

static void floating_point(void)
{
	u64 v = 0;

	msr(cpacr_el1, 0);
	isb();
	t_eq("floating point turned off traps", (u32)trap_try(fp_off, NULL), 7);
	msr(cpacr_el1, BITS(21, 20));
	isb();
	t_eq("CPACR_EL1 reads back", mrs(cpacr_el1) & BITS(21, 20), BITS(21, 20));
	t_eq("a product", fp_multiply(12345, 67890), 12345 * 67890);
	fp_fill(0x123456789abcdef0);
	msr(fpcr, BITS(23, 22));
	msr(fpsr, BIT(27) | 0x1f);
	psci(PSCI_VERSION, 0, 0, 0);
	t_eq("v0 to v30 over a hypercall", fp_differ(0x123456789abcdef0), 0);
	v = *mmio32(UART + 0x18) + *mmio32(gicd + GICD_TYPER);
	t_puts("INFO and some output\n");
	t_eq("  and over device accesses", fp_differ(0x123456789abcdef0), 0);
	vtimer_in(us_to_ticks(2000));
	while (!gic_signalled())
		wfi();
	irq_clear();
	irq_wait(INTID_VTIMER, 1, 100);
	t_eq("  and over sleep", fp_differ(0x123456789abcdef0), 0);
	t_eq("FPCR", mrs(fpcr) & BITS(23, 22), BITS(23, 22));
	t_eq("FPSR", mrs(fpsr) & (BIT(27) | 0x1f), BIT(27) | 0x1f);
	msr(fpcr, 0);
	msr(fpsr, 0);
	t_eq("CPACR_EL1 is as it was", mrs(cpacr_el1) & BITS(21, 20), BITS(21, 20));
	(void)v;
}

/* EL0 and PAN use an alias of RAM's first 4 GiB at 768 GiB that EL0 may read, write and run. */
#define ALIAS_GIB 768
#define ALIAS(p)  ((u64)(p) - (1ull << 30) + ((u64)ALIAS_GIB << 30))

static void alias_init(void)
{
	for (u64 i = 0; i < 4; i++)
		t_l1[ALIAS_GIB + i] = (i + 1) << 30 | 0x745;
	__asm__ volatile("dsb ish; tlbi vmalle1; dsb ish; isb" ::: "memory");
}

static u64 el0_stack[64];

static int el0(const u8 *code, u64 arg)
{
	u64 start[3] = { ALIAS(code), ALIAS(el0_stack + 32), arg };

	return trap_try(el0_run, start);
}

static void user(void)
{
	u64 v = 0x5a5a1234;

	t_eq("EL0: SVC", (u32)el0(el0_svc, 0), EC_SVC);
	t_eq("  its number", trap_last.iss, 0x77);
	t_eq("  SPSR_EL1: from EL0", trap_last.spsr & 15, 0);
	t_eq("  its stack", el0_stack[31], ALIAS(el0_stack + 32));
	t_eq("EL0: HVC is undefined", (u32)el0(el0_hvc, 0), EC_UNKNOWN);
	t_eq("EL0: SMC is undefined", (u32)el0(el0_smc, 0), EC_UNKNOWN);
	t_eq("EL0: a register of EL1 is undefined", (u32)el0(el0_sysreg, 0), EC_UNKNOWN);
	t_eq("EL0: UDF", (u32)el0(el0_udf, 0), EC_UNKNOWN);
	t_eq("EL0: a load it may do", (u32)el0(el0_load, ALIAS(&v)), EC_SVC);
	t_eq("EL0: one it may not", (u32)el0(el0_load, (u64)&v), EC_DABT - 1);
	t_eq("  a permission fault", DFSC(trap_last.iss) & 0x3c, 0xc);
	t_eq("EL0: a load beyond RAM", (u32)el0(el0_load, ALIAS(t_map[0].base + t_map[0].size)), EC_DABT - 1);
	t_eq("  an external abort", DFSC(trap_last.iss), DFSC_EXTERNAL);
	t_eq("EL0: the counter, closed", (u32)el0(el0_counter, 0), EC_SYSREG);
	msr(cntkctl_el1, 2);
	t_eq("EL0: the counter, open", (u32)el0(el0_counter, 0), EC_SVC);
	msr(cntkctl_el1, 0);
}

static void pan(void)
{
	u64 v = 0x1122334455667788, got = 0;
	u64 data = ALIAS(&v);

	t_check("EL1 reads EL0's memory", t_load(data, 8, &got) < 0 && got == v);
	if (NIBBLE(mrs(id_aa64mmfr1_el1), 20) == 0) {
		t_skip("PAN", "not here");
		return;
	}
	__asm__ volatile(".arch_extension pan\n\tmsr pan, #1\n\tisb" ::: "memory");
	t_eq("PAN: EL1 may not", (u32)t_load(data, 8, &got), EC_DABT);
	t_eq("  a permission fault", DFSC(trap_last.iss) & 0x3c, 0xc);
	t_check("  its own memory, it may", t_load((u64)&v, 8, &got) < 0 && got == v);
	psci(PSCI_VERSION, 0, 0, 0);
	(void)mrs(id_aa64pfr0_el1);
	t_eq("PSTATE.PAN over exits", mrs(S3_0_C4_C2_3) >> 22 & 1, 1);
	__asm__ volatile(".arch_extension pan\n\tmsr pan, #0\n\tisb" ::: "memory");
	t_check("PAN off: EL1 may again", t_load(data, 8, &got) < 0 && got == v);
}

static void alignment(void)
{
	static u8 buf[8192] ALIGNED(4096);
	u64 v = 0;
	unsigned bad = 0;

	for (unsigned i = 0; i < sizeof(buf); i++)
		buf[i] = (u8)i;
	for (unsigned i = 0; i < 64; i++)
		bad += t_load((u64)buf + 4070 + i, 8, &v) >= 0 || (u8)v != buf[4070 + i] || v >> 56 != buf[4077 + i];
	t_eq("unaligned loads, over a page's end too", bad, 0);
	for (unsigned i = 1; i < 8; i++)
		bad += t_store((u64)buf + i, 8, 0x8877665544332211) >= 0 || buf[i] != 0x11 || buf[i + 7] != 0x88;
	t_eq("unaligned stores", bad, 0);
	t_mmu(false);
	v = t_load((u64)buf + 1, 8, &v) >= 0 ? trap_last.iss & 0x3f : 0;
	t_mmu(true);
	t_hw("MMU off: an unaligned load faults", v, DFSC_ALIGN);
}

void t_main(void)
{
	exceptions();
	id_registers();
	if (t_strict())
		hidden();
	else
		t_skip("what Trivet hides", "no \"trivet\" in the command line");
	el2_registers();
	harmless();
	floating_point();
	alias_init();
	user();
	pan();
	alignment();
}
