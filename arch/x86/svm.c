/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/svm.c: the SVM back end: VMCB set-up, world switch, decoding of exits (AMD APM volume 2, chapter 15). */
#include "arch/x86/svm.h"

#include "arch/iface/cpu.h"
#include "arch/iface/mem.h"
#include "arch/x86/format.h"
#include "arch/x86/loop.h"
#include "arch/x86/mce.h"
#include "hv/lib/panic.h"
#include "hv/lib/string.h"

#define IOPM_SIZE    0x3000
#define SEG_UNKNOWN  0xff /* struct exit's io.seg without decode assists */
#define MSRPM_SIZE   0x2000
#define PAUSE_ROUNDS 1000

/* All guests share one pair of bitmaps and all service vCPUs another: a guest's ports all exit. */
static u8 svm_iopm[2][IOPM_SIZE] ALIGNED(4096);
static u8 svm_msrpm[2][MSRPM_SIZE] ALIGNED(4096);
static bool svm_nrips, svm_assists, svm_pause_filter;
static u32 svm_max_asid;

/* arch/x86/svm_entry.asm: load the general registers (but RAX), VMRUN, save them. */
void svm_enter(struct vcpu_regs *regs, u64 vmcb_pa);

static const char *svm_probe(void)
{
	u32 features;

	if (cpuid(0x80000000, 0).eax < 0x8000000a || !(cpuid(0x80000001, 0).ecx & BIT(2)))
		return "this CPU has no SVM (AMD-V). Under QEMU, use -cpu max or -cpu EPYC,+svm,+npt";
	if (rdmsr(MSR_VM_CR) & VM_CR_SVMDIS)
		return "SVM (AMD-V) is switched off in the firmware. Enable \"SVM\" or \"Virtualization\" in its setup";
	features = cpuid(0x8000000a, 0).edx;
	if (!(features & SVM_FEATURE_NP))
		return "this CPU's SVM has no nested paging (NPT), which Trivet needs";
	svm_nrips = features & SVM_FEATURE_NRIPS;
	x86_features.next_pc = svm_nrips;
	svm_pause_filter = features & SVM_FEATURE_PAUSE_FILTER;
	svm_assists = features & SVM_FEATURE_DECODE_ASSIST;
	svm_max_asid = cpuid(0x8000000a, 0).ebx;
	return NULL;
}

/* Bit offset of @msr in the MSRPM (15.11): two bits each, three ranges. */
static void svm_msrpm_pass(u8 *map, u32 msr, unsigned pass)
{
	u32 bit;

	if (msr < 0x2000)
		bit = msr * 2;
	else if (msr - 0xc0000000u < 0x2000)
		bit = 0x4000 + (msr - 0xc0000000u) * 2;
	else if (msr - 0xc0010000u < 0x2000)
		bit = 0x8000 + (msr - 0xc0010000u) * 2;
	else
		return;
	if (pass & X86_PASS_READ)
		map[bit / 8] &= (u8)~BIT(bit % 8);
	if (pass & X86_PASS_WRITE)
		map[bit / 8] &= (u8)~BIT(bit % 8 + 1);
}

static void svm_make_bitmaps(void)
{
	static const u32 base[] = { 0, 0xc0000000u, 0xc0010000u };

	memset(svm_iopm[0], 0xff, IOPM_SIZE);
	memset(svm_msrpm, 0xff, sizeof(svm_msrpm));
	for (unsigned r = 0; r < ARRAY_SIZE(base); r++)
		for (u32 i = 0; i < 0x2000; i++)
			svm_msrpm_pass(svm_msrpm[0], base[r] + i, x86_msr_pass(base[r] + i));
}

static const char *svm_cpu_on(void)
{
	struct x86_cpu *c = x86_cpu();

	if (c->number == 0)
		svm_make_bitmaps();
	else if (rdmsr(MSR_VM_CR) & VM_CR_SVMDIS)
		return "its firmware has switched SVM off";
	c->asid_next = c->asid_generation = 1;
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_VM_HSAVE_PA, arch_pa(x86_cpu_region()));
	return NULL;
}

static void svm_vcpu_init(struct arch_vcpu *v)
{
	struct vmcb *c = v->ctl;

	c->intercept_misc1 = MISC1_INTR | MISC1_NMI | MISC1_INIT | MISC1_RDPMC | MISC1_CPUID | MISC1_INVD | MISC1_HLT |
			     MISC1_INVLPGA | MISC1_IOIO | MISC1_MSR | MISC1_SHUTDOWN;
	c->intercept_misc2 = MISC2_VMRUN | MISC2_VMMCALL | MISC2_VMLOAD | MISC2_VMSAVE | MISC2_STGI | MISC2_CLGI |
			     MISC2_SKINIT | MISC2_MONITOR | MISC2_MWAIT | MISC2_XSETBV | MISC2_RDPRU;
	c->intercept_excp = BIT(VEC_MC) | (v->service ? 0 : BIT(VEC_DB) | BIT(VEC_AC));
	c->intercept_cr = x86_features.tcg ? INTERCEPT_CR8_WRITE : 0;
	c->iopm_base_pa = arch_pa(svm_iopm[v->service]);
	c->msrpm_base_pa = arch_pa(svm_msrpm[v->service]);
	c->int_ctl = INT_V_MASKING;
	c->np_enable = 1;
	c->n_cr3 = v->vm->s2_root;
	c->efer = EFER_SVME;
}

/* A fresh ASID for @v; when all are used, start over with an empty TLB (15.16.1). */
static void svm_new_asid(struct arch_vcpu *v, struct vmcb *c, struct x86_cpu *p)
{
	if (p->asid_next >= svm_max_asid) {
		p->asid_next = 1;
		p->asid_generation++;
		c->tlb_control = 1;
	}
	c->guest_asid = p->asid_next++;
	v->asid_seen = p->asid_generation;
	c->clean = 0;
}

/* What an entry rarely needs: the reason is in v->dirty. */
static NOINLINE void svm_prepare(struct arch_vcpu *v, struct vmcb *c)
{
	struct x86_event inject = v->event;

	if (v->dirty & DIRTY_CR2)
		c->cr2 = v->regs->cr2;
	if (v->dirty & DIRTY_TPR)
		c->int_ctl = (c->int_ctl & ~INT_V_TPR) | FIELD_PUT(INT_V_TPR, v->tpr >> 4);
	v->dirty &= DIRTY_RIP;
	c->clean = 0;
	c->tlb_control = 0;
	c->eventinj = 0;
	if (v->asid_seen != x86_cpu()->asid_generation)
		svm_new_asid(v, c, x86_cpu());
	if (v->flush_seen != v->vm->flush) {
		v->flush_seen = v->vm->flush;
		c->tlb_control = 1;
	}
	if (c->tlb_control || inject.info)
		v->dirty |= DIRTY_ONCE; /* to be cleared at the next entry */
	/* TCG delivers an external interrupt given to EVENTINJ twice: those go through V_IRQ, also on hardware. */
	if (inject.info && (inject.info & EVENT_TYPE) == EVENT_TYPE_INTR) {
		c->int_ctl = (c->int_ctl & ~INT_V_PRIO) | INT_V_IRQ | INT_V_IGN_TPR;
		c->int_vector = inject.info & EVENT_VECTOR;
	} else if (inject.info) {
		/* An exception in real mode pushes no error code (APM 2, 8.2). */
		c->eventinj = c->cr0 & CR0_PE ? inject.info : inject.info & ~EVENT_ERROR;
		c->eventinj_err = inject.error;
	}
}

static void svm_decode_io(struct arch_vcpu *v, const struct vmcb *c, struct exit *x)
{
	u64 info = c->exitinfo1;
	unsigned size = FIELD(IOIO_SIZE, info);

	x->io.port = FIELD(IOIO_PORT, info);
	x->io.size = (u8)size;
	x->io.write = !(info & IOIO_IN);
	v->next_pc = c->exitinfo2;
	if (likely(!(info & IOIO_STR))) {
		x->kind = EXIT_IO;
		x->data = info & IOIO_IN ? 0 : v->regs->gpr[X86_RAX] & (0xffffffffu >> (32 - 8 * size));
		return;
	}
	x->kind = EXIT_IO_STRING;
	x->io.rep = info & IOIO_REP;
	x->io.addr_size = FIELD(IOIO_ADDR, info) * 2;
	x->io.seg = svm_assists ? FIELD(IOIO_SEG, info) : SEG_UNKNOWN;
}

/* Where the lengths of instructions at @linear are remembered. */
static u64 *svm_slot(struct arch_vcpu *v, u64 linear)
{
	return &v->length[(linear ^ linear >> 6) % VCPU_LENGTHS];
}

/*
 * Where does the instruction of this exit end? NRIP says so on hardware. Without it (QEMU) the opcode's @len bytes may
 * have prefixes before them: the service VM is asked once for each place, and the guest then makes the same exit again.
 * The service VM itself has none.
 */
static inline void svm_length(struct arch_vcpu *v, const struct vmcb *c, unsigned len, struct exit *x)
{
	u64 linear, known;

	if (svm_nrips) {
		v->next_pc = c->nrip;
		return;
	}
	if (v->service) {
		v->next_pc = v->rip + len;
		return;
	}
	linear = c->cs.base + v->rip;
	known = *svm_slot(v, linear) ^ linear << 4;
	v->next_pc = v->rip + known;
	if (unlikely(known > 15)) {
		v->next_pc = 0;
		x->kind = EXIT_LENGTH;
	}
}

void svm_learn(struct arch_vcpu *v, unsigned length)
{
	const struct vmcb *c = v->ctl;
	u64 linear = c->cs.base + v->rip;

	if (length)
		*svm_slot(v, linear) = linear << 4 | length;
}

/*
 * Run one instruction, no virtual interrupt before it, and come back: TF, and #DB exits. For two faults of TCG:
 * it stops with an assertion when a guest writes CR8 under an armed interrupt (so there every write of CR8 exits and is
 * stepped over, with none armed), and VMRUN forgets the shadow of STI and MOV SS, so that an interrupt comes between
 * STI and HLT, which then sleeps through what the interrupt had to say.
 */
static void svm_step_begin(struct arch_vcpu *v, struct vmcb *c)
{
	v->step = true;
	v->step_irq = c->int_ctl & INT_V_IRQ;
	v->step_tf = c->rflags & RFLAGS_TF;
	c->int_ctl &= ~(u32)INT_V_IRQ;
	c->rflags |= RFLAGS_TF;
	c->clean = 0;
}

static void svm_step_end(struct arch_vcpu *v, struct vmcb *c)
{
	v->step = false;
	v->virq_tpr = VIRQ_STALE; /* to be offered anew */
	if (x86_features.tcg)
		c->intercept_cr |= INTERCEPT_CR8_WRITE;
	if (v->step_irq)
		c->int_ctl |= INT_V_IRQ;
	if (!v->step_tf) {
		c->rflags &= ~RFLAGS_TF;
		v->stepped = c->exitcode == SVM_EXIT_EXCP0 + VEC_DB; /* else the guest steps, too: its exception */
	}
	c->clean = 0;
}

/*
 * #DB and #AC go back to the guest. They exit because a guest can make their delivery raise them again, without end and
 * without an instruction boundary at which the CPU would see our interrupts (CVE-2015-5307, CVE-2015-8104).
 */
static void svm_exception(struct arch_vcpu *v, u32 vector, struct exit *x)
{
	if (v->reinject.info && (v->reinject.info & EVENT_TYPE) != EVENT_TYPE_EXCP && !v->inject.info)
		v->inject = v->reinject; /* an interrupt whose delivery it broke off comes behind it */
	v->reinject.info = EVENT_VALID | EVENT_TYPE_EXCP | vector | (vector == VEC_AC ? EVENT_ERROR : 0);
	v->reinject.error = 0; /* #AC's is always 0 */
	v->exits[EXIT_EXCEPTION]++;
	x->kind = EXIT_IRQ; /* so that hv/ looks for interrupts and at the time each time round */
}

/* F3 90; what more prefixes leave behind that is a NOP. */
static __attribute__((noinline)) void svm_pause(struct arch_vcpu *v, const struct vmcb *c, struct exit *x)
{
	v->next_pc = svm_nrips ? c->nrip : v->rip + 2;
	x->kind = EXIT_PAUSE;
}

static NOINLINE void svm_decode_rare(struct arch_vcpu *v, struct vmcb *c, struct exit *x)
{
	switch (c->exitcode) {
	case SVM_EXIT_VINTR:
		c->int_ctl &= ~INT_V_IRQ;
		c->intercept_misc1 &= ~MISC1_VINTR;
		c->clean = 0;
		v->virq_tpr = VIRQ_STALE; /* what was armed before the window was asked for is not any more */
		x->kind = EXIT_WINDOW;
		break;
	case SVM_EXIT_IRET:
		c->intercept_misc1 &= ~MISC1_IRET;
		c->clean = 0;
		v->nmi_masked = false;
		x->kind = EXIT_WINDOW;
		break;
	case SVM_EXIT_CR8_WRITE:
		c->intercept_cr &= ~INTERCEPT_CR8_WRITE;
		svm_step_begin(v, c);
		x->kind = EXIT_CR;
		break;
	case SVM_EXIT_EXCP0 + VEC_DB:
		if (v->stepped)
			x->kind = EXIT_CR; /* svm_step_end has done it */
		else
			svm_exception(v, VEC_DB, x);
		v->stepped = false;
		break;
	case SVM_EXIT_EXCP0 + VEC_AC: svm_exception(v, VEC_AC, x); break;
	case SVM_EXIT_NMI: x->kind = EXIT_NMI; break;
	case SVM_EXIT_PAUSE: svm_pause(v, c, x); break;
	case SVM_EXIT_INVD:
		x->kind = EXIT_CACHE;
		svm_length(v, c, 2, x);
		break;
	case SVM_EXIT_XSETBV:
		x->kind = EXIT_XSETBV;
		svm_length(v, c, 3, x);
		break;
	case SVM_EXIT_SHUTDOWN:
		x86_mce_check("in a guest");
		x->kind = EXIT_SHUTDOWN;
		x->fault.what = "triple fault";
		x->fault.code = c->exitcode;
		x->fault.info = 0;
		break;
	case SVM_EXIT_RDPMC:
	case SVM_EXIT_INVLPGA:
	case SVM_EXIT_VMRUN ... SVM_EXIT_VMRUN + 6:
	case SVM_EXIT_MONITOR ... SVM_EXIT_MWAIT:
	case SVM_EXIT_RDPRU:
		x->kind = c->exitcode == SVM_EXIT_VMMCALL ? EXIT_HYPERCALL : EXIT_UNDEFINED;
		svm_length(v, c, 3, x);
		break;
	case SVM_EXIT_EXCP0 + VEC_MC: x86_mce_fatal("in a guest");
	default:
		x->kind = EXIT_ENTRY_FAILED;
		x->fault.what =
			(u32)c->exitcode == SVM_EXIT_INVALID ? "VMRUN: invalid guest state" : "unexpected exit code";
		x->fault.code = c->exitcode;
		x->fault.info = c->exitinfo1;
	}
}

static inline void svm_decode(struct arch_vcpu *v, struct vmcb *c, struct exit *x)
{
	switch (c->exitcode) {
	case SVM_EXIT_INTR: x->kind = EXIT_IRQ; return;
	case SVM_EXIT_IOIO: svm_decode_io(v, c, x); return;
	case SVM_EXIT_VMMCALL:
		x->kind = EXIT_HYPERCALL;
		svm_length(v, c, 3, x);
		return;
	case SVM_EXIT_CPUID:
		x->kind = EXIT_CPUID;
		svm_length(v, c, 2, x);
		return;
	case SVM_EXIT_MSR:
		x->kind = EXIT_MSR;
		svm_length(v, c, 2, x);
		x->sysreg.index = (u32)v->regs->gpr[X86_RCX];
		x->sysreg.write = c->exitinfo1;
		return;
	case SVM_EXIT_NPF:
		x->kind = EXIT_MMIO;
		x->mmio.gpa = c->exitinfo2;
		x->mmio.gva = ~0UL;
		x->mmio.size = 0;
		x->mmio.insn_gpa = ~0UL;
		x->mmio.operand = c->exitinfo1 & NPF_FINAL;
		x->mmio.access = c->exitinfo1 & NPF_FETCH ? MAP_X : c->exitinfo1 & NPF_WRITE ? MAP_W : MAP_R;
		x->mmio.insn = c->insn;
		x->mmio.insn_len = svm_assists ? MIN(c->insn_len, sizeof(c->insn)) : 0;
		v->next_pc = 0;
		return;
	case SVM_EXIT_HLT:
		x->kind = EXIT_HALT;
		svm_length(v, c, 1, x);
		return;
	default: svm_decode_rare(v, c, x);
	}
}

/* What was being delivered when the guest left (15.7.2). INT n, INT3 and INTO are executed again instead. */
static void svm_reinject(struct arch_vcpu *v, const struct vmcb *c)
{
	u32 info = c->exitintinfo, type = info & EVENT_TYPE, vector = info & EVENT_VECTOR;

	if (type == EVENT_TYPE_SOFT || (type == EVENT_TYPE_EXCP && (vector == VEC_BP || vector == 4)))
		return;
	if (type == EVENT_TYPE_EXCP && vector >= 32) /* TCG's word for an interrupt, which it does not take back */
		info = (info & ~(EVENT_ERROR | EVENT_TYPE)) | EVENT_TYPE_INTR;
	v->reinject.info = info & (EVENT_VALID | EVENT_ERROR | EVENT_TYPE | EVENT_VECTOR);
	v->reinject.error = c->exitintinfo_err;
}

/* Has the CPU taken the armed interrupt? */
static inline void svm_look_taken(struct arch_vcpu *v, const struct vmcb *c)
{
	if (v->virq_on && !(c->int_ctl & INT_V_IRQ) && !v->virq_held)
		loop_taken(v);
}

/* The other end of svm_prepare. */
static void svm_injected(struct arch_vcpu *v, struct vmcb *c, struct x86_event inject)
{
	if ((inject.info & EVENT_TYPE) == EVENT_TYPE_INTR) {
		if (c->int_ctl & INT_V_IRQ)
			v->reinject = inject; /* it was not taken */
		c->int_ctl &= ~(INT_V_IRQ | INT_V_IGN_TPR);
		v->virq_tpr = VIRQ_STALE; /* what was armed before is to be offered anew */
	} else {
		if ((inject.info & EVENT_TYPE) == EVENT_TYPE_NMI) {
			v->nmi_masked = true;
			c->intercept_misc1 |= MISC1_IRET;
		}
		svm_look_taken(v, c); /* behind the exception, as soon as its handler let it */
	}
	c->clean = 0;
}

/* An exit behind an entry with an event, or a step. */
static NOINLINE void svm_after(struct arch_vcpu *v, struct vmcb *c)
{
	if (v->step)
		svm_step_end(v, c);
	if (v->event.info)
		svm_injected(v, c, v->event);
	else
		svm_look_taken(v, c);
	v->event.info = 0;
}

static ALWAYS_INLINE void svm_switch(struct arch_vcpu *v, struct exit *x)
{
	struct vmcb *c = v->ctl;
	u64 *rax = &v->regs->gpr[X86_RAX];

	if (unlikely(v->dirty & ~DIRTY_RIP)) {
		if (v->dirty & DIRTY_RFLAGS)
			c->rflags = (v->regs->rflags & RFLAGS_WRITABLE) | RFLAGS_FIXED;
		if (v->dirty & DIRTY_RSP)
			c->rsp = v->regs->gpr[X86_RSP];
		v->dirty &= ~(DIRTY_RFLAGS | DIRTY_RSP);
		if (v->dirty & ~DIRTY_RIP)
			svm_prepare(v, c);
	}
	if (v->dirty & DIRTY_RIP) {
		c->rip = v->rip;
		c->int_state = 0; /* the shadow of STI, MOV SS ends with the instruction */
		v->dirty &= ~DIRTY_RIP;
	} else if (unlikely((c->int_state & 1) && x86_features.tcg && !v->step && !v->event.info)) {
		svm_step_begin(v, c);
	}
	c->rax = *rax;
	svm_enter(v->regs, v->ctl_pa);
	*rax = c->rax;
	v->rip = c->rip;
	c->clean = CLEAN_ALL;
	if (unlikely((s32)c->exitintinfo < 0)) /* EVENT_VALID */
		svm_reinject(v, c);
	loop_tpr(v, (u8)(FIELD(INT_V_TPR, c->int_ctl) << 4));
	if (unlikely(v->event.info | v->step))
		svm_after(v, c);
	else
		svm_look_taken(v, c);
	svm_decode(v, c, x);
}

/*
 * Another vCPU's new ASID may have made this one's stale, and its VM's map may have changed: while it runs on, only
 * another CPU changes it, and interrupts this one, and waits until it has come out (smp_quiesce).
 */
static void svm_run(struct arch_vcpu *v, struct exit *x)
{
	if (unlikely((v->asid_seen ^ x86_cpu()->asid_generation) | (v->flush_seen ^ v->vm->flush)))
		v->dirty |= DIRTY_TLB;
	loop_run(v, x, svm_switch);
}

static void svm_virq(struct arch_vcpu *v, int vector)
{
	struct vmcb *c = v->ctl;
	u32 ctl = c->int_ctl & ~(INT_V_IRQ | INT_V_PRIO | INT_V_IGN_TPR);

	v->virq_held = false;
	if (c->intercept_misc1 & MISC1_VINTR) {
		c->intercept_misc1 &= ~MISC1_VINTR;
		c->clean = 0;
	}
	if (v->virq_is_extint && vector >= 0) { /* CR8 holds back the APIC's interrupts, not the 8259's */
		ctl |= INT_V_IRQ | INT_V_IGN_TPR;
		c->int_vector = vector;
	} else if (x86_features.tcg && vector >= 0 && vector >> 4 <= v->apic.tpr >> 4) {
		v->virq_held = true; /* the write of CR8 that lets it in exits */
	} else if (vector >= 0) {
		/* The CPU compares with CR8 by itself, which the guest moves without an exit. */
		ctl |= INT_V_IRQ | FIELD_PUT(INT_V_PRIO, vector >> 4);
		c->int_vector = vector;
	}
	c->int_ctl = ctl;
	c->clean &= ~CLEAN_TPR;
}

static void svm_window(struct arch_vcpu *v, enum x86_window which)
{
	struct vmcb *c = v->ctl;

	if (which == WINDOW_NMI) {
		c->intercept_misc1 |= MISC1_IRET;
	} else {
		c->int_ctl |= INT_V_IRQ | INT_V_IGN_TPR;
		c->intercept_misc1 |= MISC1_VINTR;
	}
	c->clean = 0;
}

/* A vCPU that spins may wait for one that waits for the CPU: with a filter it exits after some rounds, else at once. */
static void svm_watch_pause(struct arch_vcpu *v)
{
	struct vmcb *c = v->ctl;

	c->pause_count = svm_pause_filter ? PAUSE_ROUNDS : 0;
	if (v->crowded)
		c->intercept_misc1 |= MISC1_PAUSE;
	else
		c->intercept_misc1 &= ~(u32)MISC1_PAUSE;
	c->clean = 0;
}

/* On another CPU it needs an ASID of that one, and the VMCB is new there. */
static void svm_leave(struct arch_vcpu *v)
{
	struct vmcb *c = v->ctl;

	v->asid_seen = 0;
	c->clean = 0;
}

static u64 svm_reg(struct arch_vcpu *v, enum x86_reg reg)
{
	const struct vmcb *c = v->ctl;

	switch (reg) {
	case REG_EFER: return c->efer & ~EFER_SVME;
	case REG_CR0: return c->cr0;
	default: return c->cr4;
	}
}

static void svm_set_reg(struct arch_vcpu *v, enum x86_reg reg, u64 value)
{
	struct vmcb *c = v->ctl;

	switch (reg) {
	case REG_EFER: c->efer = value | EFER_SVME; break;
	case REG_CR0: c->cr0 = value; break;
	case REG_CR4: c->cr4 = value; break;
	case REG_TSC_OFFSET: c->counter_offset = value; break;
	}
	c->clean = 0;
}

static bool svm_interruptible(struct arch_vcpu *v)
{
	const struct vmcb *c = v->ctl;

	return (c->rflags & RFLAGS_IF) && !(c->int_state & 1);
}

const struct vendor vendor_svm = {
	.name = "SVM",
	.s2_format = &fmt_npt,
	.probe = svm_probe,
	.cpu_on = svm_cpu_on,
	.leave = svm_leave,
	.vcpu_init = svm_vcpu_init,
	.run = svm_run,
	.virq = svm_virq,
	.window = svm_window,
	.interruptible = svm_interruptible,
	.reg = svm_reg,
	.set_reg = svm_set_reg,
	.get = svm_get,
	.set = svm_set,
	.export = svm_export,
	.watch_pause = svm_watch_pause,
};
