/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/vcpu.c: the life of a VM and of a vCPU at EL2: set-up, state in and out, completion of exits. */
#include "arch/arm64/cpu.h"
#include "arch/arm64/gic.h"
#include "arch/iface/cpu.h"
#include "arch/iface/mem.h"
#include "hv/lib/panic.h"
#include "hv/lib/string.h"

#define VMID_SHIFT 48
#define VM_VMIDS   256

/* VTCR_EL2: start at level 1, 4 KiB, inner shareable, write-back, 8-bit VMID (Arm ARM, D19.2.157). */
#define VTCR_COMMON (BIT(31) | 3UL << 12 | 1UL << 10 | 1UL << 8 | 1UL << 6)
#define VTCR_PS	    16

/* A guest starts with MMU and caches off (SCTLR_EL1's RES1 bits), interrupts masked. */
#define SCTLR_RESET 0x30d00980UL
#define MPIDR_RES1  BIT(31)

/* What a pstate from the service VM may hold: NZCV, DIT, SSBS, PAN, UAO, TCO, BTYPE, DAIF, SS, IL and the mode. */
#define PSTATE_MASK (BITS(31, 20) | BITS(12, 0))

static u64 vcpu_vmids[VM_VMIDS / 64];

static u64 vcpu_take_vmid(void)
{
	for (unsigned n = 1; n < VM_VMIDS; n++)
		if (!(vcpu_vmids[n / 64] >> n % 64 & 1)) {
			vcpu_vmids[n / 64] |= BIT(n % 64);
			return n;
		}
	panic("no VMID left"); /* there are fewer VMs */
}

status_t arch_vm_init(struct arch_vm *vm, bool service, struct pool *pool)
{
	const struct ptab_format *fmt = !service ? &fmt_s2 : arm_features.vhe ? &fmt_el0 : &fmt_s2_service;
	unsigned bits = MIN(fmt->addr_bits, arm_features.pa_bits);
	status_t s = ptab_init(&vm->s2, fmt, &arch_ptab_mem, pool);

	if (s != OK)
		return s;
	vm->service = service;
	vm->policy = NULL;
	vm->npolicy = 0;
	if (!service) {
		vm->gic.v3 = vgic_hw == &vgic_hw_v3;
		s = vgic_init(&vm->gic, pool);
		if (s != OK) {
			ptab_destroy(&vm->s2, pool);
			return s;
		}
	}
	vm->vtcr = VTCR_COMMON | (64 - bits);
	vm->vtcr |= (u64)MIN(read_sysreg(id_aa64mmfr0_el1) & 0xf, 5UL) << VTCR_PS;
	vm->vttbr = arch_pa(vm->s2.root) | vcpu_take_vmid() << VMID_SHIFT;
	if (service)
		cpu_service_root = arch_pa(vm->s2.root);
	(void)arch_vm_flush(vm);
	return OK;
}

void arch_vm_fini(struct arch_vm *vm, struct pool *pool)
{
	u64 vmid = vm->vttbr >> VMID_SHIFT;

	vgic_fini(&vm->gic, pool);
	ptab_destroy(&vm->s2, pool);
	if (vm->policy)
		pool_put(pool, vm->policy);
	vcpu_vmids[vmid / 64] &= ~BIT(vmid % 64);
}

void vcpu_broken(const struct ptab *pt)
{
	(void)arch_vm_flush((struct arch_vm *)(void *)((char *)pt - offsetof(struct arch_vm, s2)));
}

/* TLBI by VMID means the one in VTTBR_EL2, and with TGE set it would mean EL2's own. */
bool arch_vm_flush(struct arch_vm *vm)
{
	const struct arch_vcpu *owner = arm_cpu()->owner;

	if (vm->service && arm_features.vhe) {
		asm volatile("dsb ishst; tlbi alle2is; dsb ish; isb" : : : "memory");
		return false;
	}
	run_forget(NULL);
	write_sysreg(HCR_RW | HCR_VM | (arm_features.vhe ? HCR_E2H : 0), hcr_el2);
	write_sysreg(vm->vttbr, vttbr_el2);
	isb();
	asm volatile("dsb ishst; tlbi vmalls12e1is; dsb ish; isb" : : : "memory");
	if (owner) /* the quick way back to it, in run.c, takes it for granted */
		write_sysreg(owner->vm->vttbr, vttbr_el2);
	return false;
}

static status_t vcpu_configure(struct vgic *g, const struct vm_config *c)
{
	if (c->what < ARM_CONFIG_MSI && (!is_aligned(c->value, PAGE_SIZE) || c->value >> 40))
		return ERR_INVAL;
	switch (c->what) {
	case ARM_CONFIG_GICD: g->gicd = c->value; break;
	case ARM_CONFIG_GICR: g->gicr = c->value; break;
	case ARM_CONFIG_GICC:
		if (g->v3)
			return ERR_INVAL;
		if (g->gicc != VGIC_NOWHERE)
			return ERR_EXISTS;
		g->gicc = c->value;
		break;
	case ARM_CONFIG_MSI: g->msi_addr = c->value; break;
	case ARM_CONFIG_MSI_FIRST: g->msi_first = (u32)c->value; break;
	case ARM_CONFIG_MSI_COUNT: g->msi_count = (u32)c->value; break;
	default: return ERR_INVAL;
	}
	return OK;
}

status_t arch_vm_configure(struct arch_vm *vm, const struct vm_config *e, u32 n, struct pool *pool)
{
	struct vgic g = vm->gic; /* an error has changed nothing */
	status_t s = OK;

	for (u32 i = 0; i < n && s == OK; i++) {
		struct vm_config c = e[i]; /* the mailbox may change under us */

		s = vcpu_configure(&g, &c);
	}
	/* GICv2: the guest's CPU interface is the hardware's virtual one. */
	if (s == OK && g.gicc != vm->gic.gicc)
		s = ptab_map(&vm->s2, g.gicc, gic_gicv_pa, 2 * PAGE_SIZE, PT_R | PT_W | PT_DEVICE, pool);
	if (s == OK) { /* the rest of it is alive */
		vm->gic.gicd = g.gicd;
		vm->gic.gicr = g.gicr;
		vm->gic.gicc = g.gicc;
		vm->gic.msi_addr = g.msi_addr;
		vm->gic.msi_first = g.msi_first;
		vm->gic.msi_count = g.msi_count;
	}
	return s;
}

status_t arch_vm_set_msr(struct arch_vm *vm, const struct msr_policy *e, u32 n, struct pool *pool)
{
	if (!vm->policy)
		vm->policy = pool_get(pool);
	if (!vm->policy)
		return ERR_NOMEM;
	memcpy(vm->policy, e, n * sizeof(*e));
	vm->npolicy = n;
	return OK;
}

struct arch_vcpu *vcpu_number(struct arch_vm *vm, unsigned n)
{
	return n < vm->gic.nvcpus && vm->gic.cpu[n] ? container_of(vm->gic.cpu[n], struct arch_vcpu, gic) : NULL;
}

void vgic_kicked(struct vgic_cpu *c)
{
	vcpu_kicked(container_of(c, struct arch_vcpu, gic));
}

static u64 vcpu_hcr(const struct arch_vm *vm)
{
	u64 hcr = HCR_RW | HCR_FMO | HCR_IMO | HCR_AMO | (arm_features.vhe ? HCR_E2H : 0);

	if (vm->service)
		return hcr | HCR_TGE | (arm_features.vhe ? 0 : HCR_VM | HCR_DC | HCR_SWIO);
	return hcr | HCR_VM | HCR_SWIO | HCR_PTW | HCR_FB | HCR_BSU_IS | HCR_TWI | HCR_TID3 | HCR_TSC | HCR_TIDCP |
	       HCR_TACR | HCR_TSW | HCR_TLOR | HCR_TERR | (arm_features.pauth ? HCR_APK | HCR_API : 0);
}

status_t arch_vcpu_init(struct arch_vcpu *v, struct arch_vm *vm, struct vcpu_regs *regs, u32 id, u64 *exits,
			struct pool *pool)
{
	memset(v, 0, sizeof(*v));
	v->regs = regs;
	v->vm = vm;
	v->id = id;
	v->exits = exits;
	v->service = vm->service;
	v->quick = arm_features.vhe;
	v->hcr = vcpu_hcr(vm);
	v->deadline = ~0UL;
	v->mpidr = MPIDR_RES1 | id;
	v->pstate = ARM_PSTATE_DAIF | ARM_PSTATE_EL1H;
	v->el1.sctlr = SCTLR_RESET;
	if (!vm->service) {
		vgic_cpu_init(&v->gic, &vm->gic, id);
		arch_vcpu_reset_irq(v, false);
	}
	return OK;
}

void arch_vcpu_fini(struct arch_vcpu *v, struct pool *pool)
{
	run_forget(v);
}

void arch_vcpu_leave(struct arch_vcpu *v)
{
	run_forget(v);
}

void arch_vcpu_init_service(struct arch_vcpu *v, u64 entry, u64 image, u64 mailbox)
{
	v->pc = entry;
	/*
	 * With VHE and TGE, PSTATE masks at EL0 what goes to EL2 (Arm ARM, D1.3.6): it is not to keep other CPUs' kicks
	 * and the timer waiting while it spins.
	 */
	v->pstate = ARM_PSTATE_EL0 | (ARM_PSTATE_DAIF & ~(ARM_PSTATE_I | ARM_PSTATE_F));
	v->regs->x[0] = image;
	v->regs->x[1] = mailbox;
}

void arch_vcpu_reset_irq(struct arch_vcpu *v, bool wait)
{
	run_forget(v);
	asm volatile("ic ialluis; dsb ish; isb" : : : "memory"); /* its code is new */
	vgic_reset(&v->gic);
	v->cntp_ctl = 0;
	v->cntp_cval = 0;
	v->el1.cntv_ctl = 0;
	v->on.posted = false;
	__atomic_store_n(&v->power, wait ? ARM_OFF : ARM_ON, __ATOMIC_SEQ_CST);
	v->halted = wait;
	v->deadline = ~0UL;
}

void vcpu_power_on(struct arch_vcpu *v)
{
	run_forget(v);
	vgic_reset_cpu(&v->gic);
	memset(v->regs, 0, sizeof(*v->regs));
	memset(&v->el1, 0, sizeof(v->el1));
	memset(v->fp, 0, sizeof(v->fp));
	v->regs->x[0] = v->on.context;
	v->pc = v->on.entry;
	v->sp_el0 = 0;
	v->pstate = ARM_PSTATE_DAIF | ARM_PSTATE_EL1H;
	v->el1.sctlr = SCTLR_RESET;
	v->hcr &= ~HCR_VSE;
	v->mdscr = v->oslsr = 0;
	v->quick = arm_features.vhe;
	v->forwarded = false;
	v->cntp_ctl = v->cntp_cval = 0;
	v->cntvoff = v->on.cntvoff;
	v->deadline = ~0UL;
	v->on.posted = false;
	__atomic_store_n(&v->power, ARM_ON, __ATOMIC_RELEASE);
}

/* A pstate that a guest may have: EL0 or EL1, never more. */
static u64 vcpu_pstate(u64 pstate)
{
	u64 mode = pstate & ARM_PSTATE_MODE;

	if (mode == 0x10 && arm_features.el0_32) /* AArch32 at EL0: its bits are others, and the CPU checks them */
		return pstate & 0xff7fffffUL & ~0xfUL;
	if (mode == 0x10)
		return (pstate & PSTATE_MASK & ~(u64)ARM_PSTATE_MODE) | ARM_PSTATE_EL0;
	if (mode != ARM_PSTATE_EL0 && mode != ARM_PSTATE_EL1T && mode != ARM_PSTATE_EL1H)
		pstate = (pstate & ~(u64)ARM_PSTATE_MODE) | ARM_PSTATE_EL1H;
	return pstate & PSTATE_MASK;
}

void arm_complete(struct arch_vcpu *v, enum exit_kind kind, const struct run_page *run, u32 reply)
{
	if (reply & REPLY_REGS) {
		v->pc = run->regs.pc;
		v->pstate = vcpu_pstate(run->regs.pstate);
		v->sp_el0 = run->regs.sp_el0;
	}
	if (reply & REPLY_SKIP) {
		if (v->forwarded && kind == EXIT_SYSREG)
			trap_answer(v, run->data);
		else if (v->forwarded && kind == EXIT_MMIO)
			arm_load(v, v->esr, run->data);
		v->pc += arm_length(v->esr);
	}
	if (reply & REPLY_INJECT) {
		run_own(v);
		if (kind == EXIT_MMIO)
			run_abort(v);
		else
			arch_vcpu_undefined(v);
	}
}

/* It would move these lines at each run. */
/* clang-format off */
#define STATE_EL1(X)                                                                                           \
	X(sctlr) X(cpacr) X(ttbr0) X(ttbr1) X(tcr) X(mair) X(amair) X(vbar) X(sp_el1) X(elr) X(spsr) X(esr)     \
	X(far) X(afsr0) X(afsr1) X(par) X(contextidr) X(tpidr_el0) X(tpidrro_el0) X(tpidr_el1) X(csselr)        \
	X(cntkctl) X(cntv_ctl) X(cntv_cval)
/* clang-format on */

void arch_vcpu_get(struct arch_vcpu *v, struct vcpu_state *s)
{
	run_forget(NULL);
	context_save(v);
	arch_vcpu_export(v);
	memset(s, 0, sizeof(*s));
	s->regs = *v->regs;
#define X(field) s->field = v->el1.field;
	STATE_EL1(X)
#undef X
	s->mdscr = v->mdscr;
	s->cntp_ctl = v->cntp_ctl;
	s->cntp_cval = v->cntp_cval;
	s->mpidr = v->mpidr;
	s->counter_offset = 0 - v->cntvoff;
}

status_t arch_vcpu_set(struct arch_vcpu *v, const struct vcpu_state *s)
{
	if (s->mpidr && (s->mpidr & ~0xff00ffffffUL) != MPIDR_RES1)
		return ERR_INVAL;
	run_forget(v);
	*v->regs = s->regs;
	v->pc = s->regs.pc;
	v->pstate = vcpu_pstate(s->regs.pstate);
	v->sp_el0 = s->regs.sp_el0;
#define X(field) v->el1.field = s->field;
	STATE_EL1(X)
#undef X
	v->mdscr = s->mdscr;
	v->quick = arm_features.vhe && !v->mdscr;
	v->cntp_ctl = s->cntp_ctl & 3;
	v->cntp_cval = s->cntp_cval;
	if (s->mpidr)
		v->mpidr = s->mpidr;
	v->cntvoff = 0 - s->counter_offset;
	v->halted = arm_power(v) != ARM_ON;
	return OK;
}

/* The VM's, not a vCPU's: once, with the first; others are kicked. */
static bool vcpu_spi(struct arch_vcpu *v, u32 intid, bool level, bool edge)
{
	if (intid < VGIC_SPI || v->id != 0)
		return false;
	return edge ? vgic_pulse(&v->gic, intid) : vgic_line(&v->gic, intid, level);
}

bool arch_vcpu_msi(struct arch_vcpu *v, u64 addr, u32 data)
{
	const struct vgic *g = &v->vm->gic;

	if (addr != g->msi_addr || data - g->msi_first >= g->msi_count)
		return false;
	return vcpu_spi(v, data, true, true);
}

bool arch_vcpu_line(struct arch_vcpu *v, u32 line, bool level)
{
	return vcpu_spi(v, line, level, false);
}

/* x86's: an 8259, and a local interrupt controller that the service VM may have to serve. */
void arch_vcpu_extint(struct arch_vcpu *v, bool level)
{
}

bool arch_vcpu_apic(struct arch_vcpu *v, u32 off, bool write, u64 *value, struct exit *more)
{
	return false;
}
