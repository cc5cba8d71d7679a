/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/traps.c: system registers that guests do not get straight: ID registers, the physical timer, SGIs, debug.
 */
#include "arch/arm64/cpu.h"
#include "arch/iface/cpu.h"
#include "hv/lib/util.h"

#define NIBBLE(v, lo)	   ((v) >> (lo)&0xf)
#define WITHOUT(v, lo)	   ((v) & ~(0xfUL << (lo)))
#define WITH(v, lo, value) (WITHOUT(v, lo) | (u64)(value) << (lo))

/* A read of an ID register by its numbers: op0 3, op1 0, CRn 0. */
#define ID_ROW(X, m) X(m, 0) X(m, 1) X(m, 2) X(m, 3) X(m, 4) X(m, 5) X(m, 6) X(m, 7)
#define ID_CASE(m, o) \
	case (m) << 3 | (o): v = read_sysreg(S3_0_C0_C##m##_##o); break;

static u64 trap_id_raw(unsigned crm, unsigned op2)
{
	u64 v = 0;

	switch (crm << 3 | op2) {
		ID_ROW(ID_CASE, 1)
		ID_ROW(ID_CASE, 2)
		ID_ROW(ID_CASE, 3)
		ID_ROW(ID_CASE, 4)
		ID_ROW(ID_CASE, 5)
		ID_ROW(ID_CASE, 6)
		ID_ROW(ID_CASE, 7)
	default: break;
	}
	return v;
}

static u64 trap_pfr0(u64 v)
{
	v = WITH(v, 4, 1);			     /* EL1: AArch64 only                            */
	v = WITHOUT(v, 8);			     /* EL2                                          */
	v = WITHOUT(v, 12);			     /* EL3                                          */
	v = WITH(v, 24, vgic_hw == &vgic_hw_v3);     /* GIC system registers        */
	v = WITHOUT(v, 28);			     /* RAS                                          */
	v = WITHOUT(v, 32);			     /* SVE                                          */
	v = WITHOUT(v, 36);			     /* SEL2                                         */
	v = WITHOUT(v, 40);			     /* MPAM                                         */
	v = WITHOUT(v, 44);			     /* AMU                                          */
	v = WITHOUT(v, 52);			     /* RME                                          */
	return WITH(v, 56, MIN(NIBBLE(v, 56), 1UL)); /* CSV2: no SCXTNUM         */
}

static u64 trap_pfr1(u64 v)
{
	/* Branch targets, SSBS (which has no register that traps). No MTE, RAS, MPAM, SME, RNDR trap, NMI, GCS, THE ...
	 */
	return v & (0xfUL | 0xfUL << 4);
}

static u64 trap_dfr0(u64 v)
{
	/* The version of the debug architecture; one breakpoint, one watchpoint: the least that there can be. */
	return NIBBLE(v, 0);
}

static u64 trap_isar1(u64 v)
{
	v = WITHOUT(v, 60); /* LS64 */
	if (!arm_features.pauth)
		v &= ~(0xffUL << 4 | 0xffUL << 24);
	return v;
}

static u64 trap_mmfr0(u64 v)
{
	unsigned range = 0;

	while (range + 1 < ARM_PA_RANGES && arm_pa_bits[range + 1] <= arm_features.ipa_bits)
		range++;
	v = WITH(v, 0, range);
	v &= ~(0xfffUL << 32); /* granules of stage 2        */
	v = WITHOUT(v, 44);    /* ExS                        */
	v = WITHOUT(v, 56);    /* FGT                        */
	return WITHOUT(v, 60); /* ECV                        */
}

static u64 trap_mmfr1(u64 v)
{
	v = WITHOUT(v, 8);  /* VH   */
	v = WITHOUT(v, 16); /* LO   */
	v = WITHOUT(v, 28); /* XNX  */
	v = WITHOUT(v, 32); /* TWED */
	v = WITHOUT(v, 40); /* HCX  */
	return v & BITS(47, 0);
}

static u64 trap_mmfr2(u64 v)
{
	v = WITHOUT(v, 24);    /* NV  */
	v = WITHOUT(v, 40);    /* FWB */
	return WITHOUT(v, 56); /* EVT */
}

static inline u64 trap_id_value(unsigned crm, unsigned op2)
{
	u64 v = trap_id_raw(crm, op2);

	if (crm < 4) /* AArch32's: what EL0 may run; no performance monitors, which ID_DFR0 would tell of */
		return crm == 1 && op2 == 2 ? WITHOUT(v, 24) : v;
	switch (crm << 3 | op2) {
	case 4 << 3 | 0: return trap_pfr0(v);
	case 4 << 3 | 1: return trap_pfr1(v);
	case 5 << 3 | 0: return trap_dfr0(v);
	case 6 << 3 | 0: return WITHOUT(v, 24); /* TME */
	case 6 << 3 | 1: return trap_isar1(v);
	case 6 << 3 | 2:
		v = arm_features.pauth ? v : WITHOUT(WITHOUT(v, 8), 12);
		return WITHOUT(v, 16) & BITS(27, 4); /* no MOPS: it needs HCRX_EL2; no WFxT: its end is not kept */
	case 7 << 3 | 0: return trap_mmfr0(v);
	case 7 << 3 | 1: return trap_mmfr1(v);
	case 7 << 3 | 2: return trap_mmfr2(v);
	default: return 0; /* SVE, SME, auxiliary, and what has come later */
	}
}

COLD u64 trap_id(unsigned crm, unsigned op2)
{
	return trap_id_value(crm, op2);
}

/* --- the physical timer: its counter is everybody's, its comparator is emulated ------------------------------- */

#define CNTP_ENABLE  BIT(0)
#define CNTP_IMASK   BIT(1)
#define CNTP_ISTATUS BIT(2)

static void trap_ptimer(struct arch_vcpu *v)
{
	bool on = (v->cntp_ctl & CNTP_ENABLE) && !(v->cntp_ctl & CNTP_IMASK), met = arch_counter() >= v->cntp_cval;

	(void)vgic_line(&v->gic, VGIC_PPI_PTIMER, on && met);
	v->deadline = on && !met ? v->cntp_cval : ~0UL;
}

void arch_vcpu_timer(struct arch_vcpu *v)
{
	u64 vtimer;

	trap_ptimer(v);
	if (!v->halted || v->power != ARM_ON)
		return;
	/* It sleeps on if the guest does not want that interrupt; and is awake once the other timer's time has come. */
	vtimer = context_vtimer(v);
	if (vtimer > arch_counter())
		v->deadline = MIN(v->deadline, vtimer);
}

#define SYSREG(op0, op1, crn, crm, op2) ARM_SYSREG(op0, op1, crn, crm, op2)

#define CNTPCT_EL0 SYSREG(3, 3, 14, 0, 1)

static bool trap_cntp(struct arch_vcpu *v, u32 reg, bool write, u64 *value)
{
	switch (reg) {
	case CNTPCT_EL0: /* see trap_counter: from EL0 */ *value = arch_counter(); return !write;
	case SYSREG(3, 3, 14, 2, 0): /* CNTP_TVAL_EL0 */
		if (write)
			v->cntp_cval = arch_counter() + (u64)(s64)(s32)*value;
		else
			*value = (u32)(v->cntp_cval - arch_counter());
		break;
	case SYSREG(3, 3, 14, 2, 1): /* CNTP_CTL_EL0 */
		if (write)
			v->cntp_ctl = *value & (CNTP_ENABLE | CNTP_IMASK);
		else
			*value = v->cntp_ctl |
				 ((v->cntp_ctl & CNTP_ENABLE) && arch_counter() >= v->cntp_cval ? CNTP_ISTATUS : 0);
		break;
	case SYSREG(3, 3, 14, 2, 2): /* CNTP_CVAL_EL0 */
		if (write)
			v->cntp_cval = *value;
		else
			*value = v->cntp_cval;
		break;
	default: return false;
	}
	if (write)
		trap_ptimer(v);
	return true;
}

/* --- debug: op0 2, op1 0. Single step works; the breakpoint and the watchpoint keep nothing ---------------------- */

static bool trap_debug(struct arch_vcpu *v, u32 reg, bool write, u64 *value)
{
	unsigned crn = reg >> 7 & 15, crm = reg >> 3 & 15, op2 = reg & 7;

	switch (reg) {
	case SYSREG(2, 0, 0, 2, 2): /* MDSCR_EL1 */
		if (write) {
			v->mdscr = *value;
			v->quick = arm_features.vhe && !v->mdscr;
			write_sysreg(v->mdscr, mdscr_el1);
		} else {
			*value = v->mdscr;
		}
		return true;
	case SYSREG(2, 0, 1, 0, 4): /* OSLAR_EL1 */
		if (write)
			v->oslsr = *value & 1;
		return write;
	case SYSREG(2, 0, 1, 1, 4): /* OSLSR_EL1: OSLM says that there is a lock */
		*value = BIT(3) | v->oslsr << 1;
		return !write;
	default: break;
	}
	/* DBGBVR, DBGBCR, DBGWVR, DBGWCR 0 and 1; MDCCINT, OSDTRRX, OSDTRTX, OSECCR, OSDLR, DBGPRCR, DBGCLAIM, ... */
	if (crn == 0 && op2 >= 4)
		*value = 0;
	else if (crn == 0 && (crm == 0 || crm == 2 || crm == 3 || crm == 6))
		*value = 0;
	else if ((crn == 1 && (crm == 3 || crm == 4) && op2 == 4) || (crn == 7 && op2 == 6))
		*value = 0;
	else
		return false;
	return true;
}

/* --- all of them ------------------------------------------------------------------------------------------------- */

static const struct msr_policy *trap_policy(const struct arch_vm *vm, u32 reg)
{
	for (u32 i = 0; i < vm->npolicy; i++)
		if (reg >= vm->policy[i].first && reg <= vm->policy[i].last)
			return &vm->policy[i];
	return NULL;
}

enum trap_done { TRAP_DONE, TRAP_UNDEFINED, TRAP_FORWARD };

static enum trap_done trap_by_policy(struct arch_vcpu *v, u32 reg, bool write, u64 *value)
{
	const struct msr_policy *p = trap_policy(v->vm, reg);

	if (!p || p->action == MSR_GP || (p->action == MSR_VALUE && write))
		return TRAP_UNDEFINED;
	if (p->action == MSR_FORWARD)
		return TRAP_FORWARD;
	*value = p->value;
	return TRAP_DONE;
}

static enum trap_done trap_access(struct arch_vcpu *v, u32 reg, bool write, u64 *value)
{
	unsigned op0 = reg >> 14, op1 = reg >> 11 & 7, crn = reg >> 7 & 15, crm = reg >> 3 & 15, op2 = reg & 7;

	if (op0 == 3 && op1 == 0 && crn == 0 && crm >= 1 && crm <= 7) {
		v->exits[EXIT_CPUID]++;
		*value = trap_id_value(crm, op2);
		return write ? TRAP_UNDEFINED : TRAP_DONE;
	}
	if (op0 == 3 && op1 == 0 && crn == 12 && crm == 11 && op2 >= 5 && write && v->gic.vgic->v3) {
		v->exits[EXIT_APIC]++;
		vgic_sgi(&v->gic, *value, op2 == 5); /* ICC_SGI1R_EL1; else ICC_ASGI1R_EL1, ICC_SGI0R_EL1 */
		return TRAP_DONE;
	}
	v->exits[EXIT_MSR]++;
	if (op0 == 1) { /* DC by set and way: memory is coherent, and no guest has a device that is not */
		v->exits[EXIT_CACHE]++;
		return op1 == 0 && crn == 7 && op2 == 2 ? TRAP_DONE : TRAP_UNDEFINED;
	}
	if (op0 == 3 && op1 == 3 && crn == 14 && trap_cntp(v, reg, write, value))
		return TRAP_DONE;
	if (op0 == 2 && op1 == 0 && trap_debug(v, reg, write, value))
		return TRAP_DONE;
	if (reg == SYSREG(3, 0, 1, 0, 1)) { /* ACTLR_EL1 */
		*value = 0;
		return TRAP_DONE;
	}
	return trap_by_policy(v, reg, write, value);
}

static u32 trap_reg(u64 esr)
{
	return ARM_SYSREG((u32)(esr >> 20) & 3, (u32)(esr >> 14) & 7, (u32)(esr >> 10) & 15, (u32)(esr >> 1) & 15,
			  (u32)(esr >> 17) & 7);
}

/* Give the MRS of @esr its result. */
static void trap_put(struct arch_vcpu *v, u64 esr, u64 value)
{
	unsigned rt = esr >> 5 & 31;

	if (rt != 31)
		v->regs->x[rt] = value;
}

void trap_answer(struct arch_vcpu *v, u64 value)
{
	trap_put(v, v->esr, value);
}

bool trap_counter(struct arch_vcpu *v, u64 esr)
{
	if (ESR_EC(esr) != EC_SYSREG || !(esr & 1) || trap_reg(esr) != CNTPCT_EL0)
		return false;
	trap_put(v, esr, arch_counter());
	v->pc += 4;
	return true;
}

bool trap_sysreg(struct arch_vcpu *v, u64 esr, struct exit *x)
{
	bool write = !(esr & 1);
	unsigned rt = esr >> 5 & 31;
	u32 reg = trap_reg(esr);
	u64 value = write && rt != 31 ? v->regs->x[rt] : 0, deadline = v->deadline;

	switch (trap_access(v, reg, write, &value)) {
	case TRAP_DONE:
		if (!write)
			trap_put(v, esr, value);
		v->pc += 4;
		x->kind = EXIT_NONE; /* a timer that has moved is hv/'s to see */
		return v->deadline == deadline;
	case TRAP_FORWARD:
		v->forwarded = !write;
		v->esr = esr;
		x->kind = EXIT_SYSREG;
		x->sysreg.index = reg;
		x->sysreg.write = write;
		x->data = value;
		x->next_pc = v->pc + 4;
		return false;
	default:
		v->exits[EXIT_UNDEFINED]++;
		arch_vcpu_undefined(v);
		return true;
	}
}
