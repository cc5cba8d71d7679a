/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/run.c: run a vCPU; what its exits are, and those that need nobody else. */
#include "arch/arm64/abort.h"
#include "arch/arm64/cpu.h"
#include "arch/iface/cpu.h"
#include "arch/iface/mem.h"
#include "hv/lib/log.h"
#include "hv/lib/util.h"

static_assert(offsetof(struct arch_vcpu, regs) == 0 && offsetof(struct arch_vcpu, sp_el0) == 8 &&
		      offsetof(struct arch_vcpu, pc) == 16 && offsetof(struct arch_vcpu, pstate) == 24,
	      "entry.S");
static_assert(offsetof(struct vcpu_regs, x) == 0, "entry.S");

#define SERVICE_SVC 0x5456u

/* SCTLR_EL1 without VHE: what a guest may set there that would bend the service VM at EL0. */
#define SCTLR_A		BIT(1)
#define SCTLR_UCT	BIT(15)
#define SCTLR_E0E	BIT(24)
#define SCTLR_UCI	BIT(26)
#define SCTLR_EL1	(0x30d00980UL | SCTLR_UCT | SCTLR_UCI) /* RES1; the service VM cleans caches */
#define CNTKCTL_SERVICE 3UL				       /* EL0 reads the counters */

/* The service VM borrows from the guest in the CPU what acts on EL0 without VHE too. */
static void run_load_service(struct arm_cpu *cpu, struct arch_vcpu *v)
{
	struct arch_vcpu *o = cpu->owner;

	if (o && unlikely(o->mdscr))
		write_sysreg(0, mdscr_el1);
	if (arm_features.vhe) {
		cpu_el0_root();
	} else {
		if (o) {
			o->el1.cntkctl = read_sysreg(cntkctl_el1);
			o->el1.sctlr = read_sysreg(sctlr_el1);
		}
		if (!o || unlikely(o->el1.sctlr & (SCTLR_A | SCTLR_E0E)))
			write_sysreg(SCTLR_EL1, sctlr_el1);
		write_sysreg(CNTKCTL_SERVICE, cntkctl_el1);
		write_sysreg(v->vm->vtcr, vtcr_el2);
		write_sysreg(v->vm->vttbr, vttbr_el2);
	}
	write_sysreg(v->hcr, hcr_el2);
	cpu->loaded = v;
}

static void run_unload_service(const struct arm_cpu *cpu)
{
	struct arch_vcpu *o = cpu->owner;

	if (!arm_features.vhe && o) {
		write_sysreg(o->el1.cntkctl, cntkctl_el1);
		if (unlikely(o->el1.sctlr & (SCTLR_A | SCTLR_E0E)))
			write_sysreg(o->el1.sctlr, sctlr_el1);
	}
	if (o && unlikely(o->mdscr))
		write_sysreg(o->mdscr, mdscr_el1);
}

/*
 * vCPUs of a VM have one VMID; what one has told its own TLB and instruction cache alone to forget, or what its tables
 * alone say, is no business of another's. HCR_EL2 and VTTBR_EL2 are @v's.
 */
static COLD void run_not_last(struct arch_vcpu *v, u8 *last)
{
	if (*last)
		asm volatile("isb; tlbi vmalle1; ic iallu; dsb nsh; isb" : : : "memory");
	*last = (u8)(v->id + 1);
}

static void run_load_guest(struct arm_cpu *cpu, struct arch_vcpu *v)
{
	bool other = cpu->owner != v;
	u8 *last = &v->vm->last[cpu->number];

	if (cpu->loaded && cpu->loaded->service)
		run_unload_service(cpu);
	if (unlikely(other)) {
		if (cpu->owner && cpu->owner->mdscr)
			write_sysreg(0, mdscr_el1);
		cpu_el0_root();
		context_own(v);
		if (v->mdscr)
			write_sysreg(v->mdscr, mdscr_el1);
	}
	if (other || !arm_features.vhe) {
		write_sysreg(v->vm->vtcr, vtcr_el2);
		write_sysreg(v->vm->vttbr, vttbr_el2);
	}
	write_sysreg(v->hcr, hcr_el2);
	cpu->loaded = v;
	if (unlikely(*last != v->id + 1))
		run_not_last(v, last);
}

void run_forget(const struct arch_vcpu *v)
{
	struct arm_cpu *cpu = arm_cpu();

	if (cpu->loaded && cpu->loaded->service)
		run_unload_service(cpu);
	cpu->loaded = NULL;
	if (v && cpu->owner == v) {
		context_own(NULL);
		if (v->mdscr) /* else it would single-step the service VM, or the next guest */
			write_sysreg(0, mdscr_el1);
	}
}

void run_own(struct arch_vcpu *v)
{
	run_load_guest(arm_cpu(), v);
}

void arch_vcpu_undefined(struct arch_vcpu *v)
{
	context_exception(v, (u64)EC_UNKNOWN << 26 | ESR_IL, 0, false);
}

/* A memory access that nothing answers: a synchronous external abort (Arm ARM, D19.2.40, DFSC 010000). */
void run_abort(struct arch_vcpu *v)
{
	u64 esr = (v->esr & BIT(6)) | ESR_IL; /* WnR; IL is 1 without a syndrome */
	bool el0 = (v->pstate & ARM_PSTATE_MODE) == 0 || (v->pstate & 0x10);
	bool fetch = ESR_EC(v->esr) == EC_IABT_LOW;
	u64 ec = fetch ? (el0 ? EC_IABT_LOW : EC_IABT_SAME) : (el0 ? EC_DABT_LOW : EC_DABT_SAME);

	/* On a walk of the guest's tables it is one at the level where the walk stood: 0101LL. */
	context_exception(v, ec << 26 | esr | (v->esr & BIT(7) ? 0x15 : 0x10), v->far, true);
}

/* Where @va is, as the guest's own tables say: a physical address of the guest's, or ~0. */
static u64 run_translate(const struct arch_vcpu *v, u64 va, bool write)
{
	u64 saved = read_sysreg(par_el1), par;

	if ((v->pstate & ARM_PSTATE_MODE) == 0 || (v->pstate & 0x10)) {
		if (write)
			asm volatile("at s1e0w, %0; isb" : : "r"(va) : "memory");
		else
			asm volatile("at s1e0r, %0; isb" : : "r"(va) : "memory");
	} else if (write) {
		asm volatile("at s1e1w, %0; isb" : : "r"(va) : "memory");
	} else {
		asm volatile("at s1e1r, %0; isb" : : "r"(va) : "memory");
	}
	par = read_sysreg(par_el1);
	write_sysreg(saved, par_el1);
	return par & 1 ? ~0UL : (par & BITS(47, 12)) | (va & (PAGE_SIZE - 1));
}

#define ISS_WFE BIT(0) /* of a trapped WFx */

/* Nobody can carry out what missed @x's place: a walk, a fetch, cache maintenance. If it is RAM, it is tried again. */
static void run_no_access(struct arch_vcpu *v, struct exit *x, unsigned access)
{
	v->forwarded = false;
	x->mmio.access = access;
	x->mmio.size = 0;
	x->mmio.insn_gpa = ~0UL;
	x->mmio.operand = false;
	x->data = 0;
}

/* The walk of the guest's tables for its access of FAR_EL2; the table is at HPFAR_EL2, whatever the fault. */
static void run_walk(struct arch_vcpu *v, struct exit *x)
{
	run_no_access(v, x, MAP_R);
	x->mmio.gpa = round_down(x->mmio.gpa, PAGE_SIZE);
	x->mmio.gva = ~0UL;
}

/* What is no plain access: a fault of another kind, or one whose instruction the CPU has not decoded. */
static COLD NOINLINE bool run_data_abort_rest(struct arch_vcpu *v, u64 esr, struct exit *x)
{
	enum abort_kind kind = abort_kind(esr);

	if (kind == ABORT_BACK) {
		v->exits[EXIT_EXCEPTION]++;
		run_abort(v);
		return true;
	}
	if (kind == ABORT_WALK) {
		run_walk(v, x);
		return false;
	}
	if (abort_permission(esr)) { /* then HPFAR_EL2 does not hold it */
		x->mmio.gpa = run_translate(v, v->far, esr & ISS_WNR);
		if (x->mmio.gpa == ~0UL)
			return true; /* the guest's own tables have changed meanwhile: it will find out */
	}
	if (kind == ABORT_CACHE) {
		run_no_access(v, x, 0);
		return false;
	}
	if (esr & ISS_ISV)
		return false;
	x->mmio.size = 0;
	v->forwarded = false;
	x->data = 0;
	x->mmio.insn_gpa = v->pstate & 0x10 ? ~0UL : run_translate(v, v->pc, false);
	return false;
}

/* True: served, or given to the guest. False: @x is for hv/. */
static inline bool run_data_abort(struct arch_vcpu *v, u64 esr, struct exit *x)
{
	u64 far = read_sysreg(far_el2), gpa;
	unsigned size = 1u << ARM_ISS_SAS(esr), rt = ARM_ISS_SRT(esr);
	bool plain = (esr & (ISS_ISV | ISS_S1PTW | ISS_CM | FSC_TYPE)) == (ISS_ISV | FSC_TRANSLATION);

	gpa = (read_sysreg(hpfar_el2) & BITS(43, 4)) << 8 | (far & (PAGE_SIZE - 1));
	if (likely(plain) && vgic_mine(&v->vm->gic, gpa)) {
		v->exits[EXIT_APIC]++;
		if (esr & ISS_WNR)
			vgic_write(&v->gic, gpa, size, rt == 31 ? 0 : v->regs->x[rt]);
		else
			arm_load(v, esr, vgic_read(&v->gic, gpa, size));
		v->pc += arm_length(esr);
		return true;
	}
	v->esr = esr;
	v->far = far;
	v->forwarded = !(esr & ISS_WNR);
	x->kind = EXIT_MMIO;
	x->next_pc = v->pc + arm_length(esr);
	x->mmio.gpa = gpa;
	x->mmio.gva = far;
	x->mmio.access = esr & ISS_WNR ? MAP_W : MAP_R;
	x->mmio.insn_len = 0;
	x->mmio.operand = false;
	x->mmio.size = (u8)size;
	x->data = 0;
	if ((esr & ISS_WNR) && rt != 31)
		x->data = v->regs->x[rt] & (~0UL >> (64 - 8 * size));
	return unlikely(!plain) && run_data_abort_rest(v, esr, x);
}

static bool run_insn_abort(struct arch_vcpu *v, u64 esr, struct exit *x)
{
	enum abort_kind kind = abort_kind(esr);

	v->esr = esr;
	v->far = read_sysreg(far_el2);
	if (kind == ABORT_BACK) {
		v->exits[EXIT_EXCEPTION]++;
		run_abort(v);
		return true;
	}
	x->kind = EXIT_MMIO;
	x->mmio.gpa = (read_sysreg(hpfar_el2) & BITS(43, 4)) << 8 | (v->far & (PAGE_SIZE - 1));
	x->mmio.gva = v->far;
	x->mmio.insn_len = 0;
	x->next_pc = 0;
	if (kind == ABORT_WALK)
		run_walk(v, x);
	else
		run_no_access(v, x, MAP_X);
	return false;
}

bool run_halt(struct arch_vcpu *v, u64 next_pc, struct exit *x)
{
	u64 vtimer = context_vtimer(v);

	x->kind = EXIT_HALT;
	x->next_pc = next_pc;
	v->halted = true;
	v->deadline = MIN(v->deadline, vtimer);
	return false;
}

#define ISS_WFXT BIT(1) /* ISS.TI: WFIT or WFET, with a time at which it ends */

/* An exit by exception. False: @x is for hv/. */
static bool run_sync(struct arch_vcpu *v, struct exit *x)
{
	u64 esr = read_sysreg(esr_el2);

	switch (ESR_EC(esr)) {
	case EC_DABT_LOW: return run_data_abort(v, esr, x);
	case EC_HVC64:
		if (likely((esr & 0xffff) == 0))
			return psci_call(v, x);
		v->pc -= 4;
		break;
	case EC_SMC64: /* the preferred return address is the instruction's own */
		if ((esr & 0xffff) == 0) {
			v->pc += 4;
			return psci_call(v, x);
		}
		break;
	case EC_SYSREG: return trap_sysreg(v, esr, x);
	case EC_WFX:
		if (unlikely(esr & ISS_WFXT)) { /* guests are not told of it; it may end at any time */
			v->pc += 4;
			return true;
		}
		if (!(esr & ISS_WFE))
			return run_halt(v, v->pc + arm_length(esr), x);
		v->pc += arm_length(esr);
		x->kind = EXIT_PAUSE;
		x->next_pc = v->pc;
		return false;
	case EC_IABT_LOW: return run_insn_abort(v, esr, x);
	default: break;
	}
	v->exits[EXIT_UNDEFINED]++;
	arch_vcpu_undefined(v);
	return true;
}

/*
 * Without VHE the guest in the CPU may keep EL0 from the caches, which the service VM seldom wants: then nobody's
 * registers are there, and it tries again.
 */
static COLD NOINLINE bool run_service_alone(struct arm_cpu *cpu, struct arch_vcpu *v, u64 esr)
{
	if (arm_features.vhe || ESR_EC(esr) != EC_SYSREG || !cpu->owner)
		return false;
	run_forget(cpu->owner);
	run_load_service(cpu, v);
	return true;
}

static void run_service(struct arch_vcpu *v, struct exit *x)
{
	struct arm_cpu *cpu = arm_cpu();
	enum arm_leave how;
	u64 esr;

	if (cpu->loaded != v) {
		if (likely(cpu->owner && cpu->owner->quick)) {
			write_sysreg(v->hcr, hcr_el2);
			cpu->loaded = v;
		} else {
			run_load_service(cpu, v);
		}
	}
again:
	how = arm_enter(v);
	if (unlikely(how != LEAVE_SYNC)) {
		x->kind = how == LEAVE_SERROR ? EXIT_SHUTDOWN : EXIT_IRQ;
		x->fault.code = how;
		x->fault.what = "SError";
		return;
	}
	esr = read_sysreg(esr_el2);
	if (likely(esr == ((u64)EC_SVC64 << 26 | ESR_IL | SERVICE_SVC))) {
		x->kind = EXIT_HYPERCALL;
		x->next_pc = v->pc;
		return;
	}
	if (trap_counter(v, esr) || run_service_alone(cpu, v, esr))
		goto again;
	x->kind = EXIT_SHUTDOWN;
	x->fault.code = esr;
	x->fault.what = ESR_EC(esr) == EC_DABT_LOW   ? "data abort"
			: ESR_EC(esr) == EC_IABT_LOW ? "instruction abort"
			: ESR_EC(esr) == EC_WFX	     ? "it has stopped"
						     : "exception";
	log_printf("trivet: service VM: ESR %lx FAR %lx HPFAR %lx LR %lx SP %lx\n", esr, read_sysreg(far_el2),
		   read_sysreg(hpfar_el2), v->regs->x[30], v->sp_el0);
}

/* @v has slept, or was off. False: it is off still, and sleeps on. */
static bool run_wake(struct arch_vcpu *v, struct exit *x)
{
	if (unlikely(arm_power(v) != ARM_ON)) {
		if (!arm_started(v)) {
			x->kind = EXIT_HALT;
			x->next_pc = v->pc;
			return false;
		}
		vcpu_power_on(v);
	}
	v->halted = false;
	arch_vcpu_timer(v);
	return true;
}

void arch_vcpu_run(struct arch_vcpu *v, struct exit *x)
{
	struct arm_cpu *cpu;

	if (v->service) {
		run_service(v, x);
		return;
	}
	if (unlikely(v->halted) && !run_wake(v, x))
		return;
	cpu = arm_cpu();
	if (likely(cpu->owner == v && v->quick && cpu->loaded && cpu->loaded->service)) {
		write_sysreg(v->hcr, hcr_el2);
		cpu->loaded = v;
	} else if (unlikely(cpu->loaded != v)) {
		run_load_guest(cpu, v);
	}
	for (;;) {
		enum arm_leave how;

		if (unlikely(v->gic.todo))
			vgic_flush(&v->gic);
		how = arm_enter(v);
		if (unlikely(v->hcr & HCR_VSE)) /* the CPU clears it once the guest has taken it */
			v->hcr = read_sysreg(hcr_el2);
		if (likely(how == LEAVE_SYNC)) {
			if (run_sync(v, x))
				continue;
			return;
		}
		if (how == LEAVE_SERROR) { /* a physical one: the guest's own doing, so it gets it back */
			v->exits[EXIT_EXCEPTION]++;
			v->hcr |= HCR_VSE;
			write_sysreg(v->hcr, hcr_el2);
			continue;
		}
		x->kind = EXIT_IRQ;
		return;
	}
}

void arch_vcpu_crowded(struct arch_vcpu *v, bool others)
{
	u64 hcr = (v->hcr & ~HCR_TWE) | (others && v->vm->gic.nvcpus > 1 ? HCR_TWE : 0);

	if (hcr == v->hcr)
		return;
	v->hcr = hcr;
	if (arm_cpu()->loaded == v)
		write_sysreg(hcr, hcr_el2);
}

bool arch_vcpu_awake(struct arch_vcpu *v)
{
	if (unlikely(arm_power(v) != ARM_ON))
		return arm_started(v);
	return vgic_awake(&v->gic) || context_vtimer(v) <= arch_counter();
}

/* WFI ends with an interrupt even when PSTATE masks it. */
bool arch_vcpu_can_wake(struct arch_vcpu *v)
{
	return true;
}
