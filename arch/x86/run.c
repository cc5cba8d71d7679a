/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/run.c: the parts of the loop around the world switch (loop.h) that are not built into it. */
#include "arch/iface/cpu.h"
#include "arch/iface/mem.h"
#include "arch/x86/loop.h"
#include "arch/x86/post.h"
#include "hv/lib/string.h"

const struct vendor *vendor;

void arch_vcpu_undefined(struct arch_vcpu *v)
{
	loop_fault(v, VEC_UD, false);
}

/* Extended state and the MSRs that no world switch touches: only when the CPU goes to another guest. */
static void run_save_user(struct arch_vcpu *v)
{
	struct x86_user_msrs *m = &v->msrs;

	if (x86_features.intel) {
		m->star = rdmsr(MSR_STAR);
		m->lstar = rdmsr(MSR_LSTAR);
		m->cstar = rdmsr(MSR_CSTAR);
		m->sfmask = rdmsr(MSR_SFMASK);
		m->kernel_gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	}
	if (x86_features.rdtscp)
		m->tsc_aux = rdmsr(MSR_TSC_AUX);
	m->dr[0] = read_dr0();
	m->dr[1] = read_dr1();
	m->dr[2] = read_dr2();
	m->dr[3] = read_dr3();
	if (x86_features.xsave) {
		v->xcr0 = xgetbv(0); /* TCG doesn't intercept XSETBV */
		xsetbv(0, x86_features.xcr0);
		asm volatile("xsave64 (%0)" : : "r"(v->xsave), "a"(~0u), "d"(~0u) : "memory");
		xsetbv(0, v->xcr0);
	} else {
		asm volatile("fxsave64 (%0)" : : "r"(v->xsave) : "memory");
	}
}

static void run_load_user(struct arch_vcpu *v)
{
	const struct x86_user_msrs *m = &v->msrs;

	if (x86_features.intel) {
		wrmsr(MSR_STAR, m->star);
		wrmsr(MSR_LSTAR, m->lstar);
		wrmsr(MSR_CSTAR, m->cstar);
		wrmsr(MSR_SFMASK, m->sfmask);
		wrmsr(MSR_KERNEL_GS_BASE, m->kernel_gs_base);
	}
	if (x86_features.rdtscp)
		wrmsr(MSR_TSC_AUX, m->tsc_aux);
	write_dr0(m->dr[0]);
	write_dr1(m->dr[1]);
	write_dr2(m->dr[2]);
	write_dr3(m->dr[3]);
	if (x86_features.xsave) {
		xsetbv(0, x86_features.xcr0);
		asm volatile("xrstor64 (%0)" : : "r"(v->xsave), "a"(~0u), "d"(~0u) : "memory");
		xsetbv(0, v->xcr0);
	} else {
		asm volatile("fxrstor64 (%0)" : : "r"(v->xsave) : "memory");
	}
}

void x86_load_guest(struct arch_vcpu *v)
{
	struct x86_cpu *c = x86_cpu();

	if (c->loaded)
		run_save_user(c->loaded);
	if (!x86_features.intel)
		svm_swap(c->loaded, v);
	if (v)
		run_load_user(v);
	c->loaded = v;
}

void x86_sync_user(struct arch_vcpu *v)
{
	if (x86_cpu()->loaded == v)
		run_save_user(v);
}

void x86_forget(struct arch_vcpu *v)
{
	if (x86_cpu()->loaded == v)
		x86_load_guest(NULL);
}

/* The 8259 has a vector for us: ask the service VM for it, when the guest would take it. */
static bool run_extint(struct arch_vcpu *v, struct exit *x)
{
	if (!v->extint || v->extint_ready || !vlapic_extint_ok(&v->apic))
		return false;
	if (vendor->interruptible(v)) {
		x->kind = EXIT_EXTINT;
		return true;
	}
	vendor->window(v, WINDOW_INTR);
	return false;
}

/* INIT or SIPI. After INIT the CPU waits for a SIPI, which may be there already; the first CPU's resets the VM. */
static __attribute__((noinline)) void run_sipi(struct arch_vcpu *v, struct exit *x)
{
	u32 sipi = v->apic.events & VLAPIC_EV_SIPI;

	x->kind = EXIT_SIPI;
	if (!vlapic_take(&v->apic, VLAPIC_EV_INIT)) {
		v->apic.events &= ~sipi;
		v->apic.wait = false;
		x->data = v->apic.sipi_vector;
		return;
	}
	x->data = EXIT_SIPI_INIT;
	if (v->id != 0) {
		u8 vector = v->apic.sipi_vector;

		x86_reset_apic(v);
		v->apic.wait = true;
		v->apic.events = sipi;
		v->apic.sipi_vector = vector;
	}
}

/* Offer the guest its next interrupt. False: @x must be seen by hv/ first. */
static bool run_interrupts(struct arch_vcpu *v, struct exit *x)
{
	bool extint = v->extint_ready;
	int vector;

	if (unlikely(v->apic.events & (VLAPIC_EV_INIT | VLAPIC_EV_SIPI))) {
		run_sipi(v, x);
		return false;
	}
	if (unlikely(extint)) {
		vector = v->extint_vector;
	} else {
		if (unlikely(v->extint) && run_extint(v, x))
			return false;
		if (unlikely(v->extint) && vlapic_extint_ok(&v->apic))
			return true;				   /* the window is armed; the 8259 goes first */
		vector = v->apic_hw ? -1 : vlapic_offer(&v->apic); /* or the vendor's run sees to it */
	}
	if (vector < 0 && !v->virq_on)
		return true;
	if (v->virq_on && v->virq_vector == vector && v->virq_tpr == v->apic.tpr && v->virq_is_extint == extint)
		return true;
	v->virq_tpr = v->apic.tpr;
	v->virq_is_extint = extint;
	vendor->virq(v, vector);
	v->virq_on = vector >= 0;
	v->virq_vector = (u8)vector;
	return true;
}

/* The event to go in with the entry: v->event. */
static void run_event(struct arch_vcpu *v)
{
	struct x86_event *e = &v->event;

	if (v->reinject.info) {
		*e = v->reinject;
		v->reinject.info = 0;
	} else if (v->inject.info) {
		*e = v->inject;
		v->inject.info = 0;
	} else if (v->apic.events & VLAPIC_EV_NMI) {
		if (!v->nmi_masked) {
			vlapic_nmi_take(&v->apic);
			e->info = EVENT_VALID | EVENT_TYPE_NMI | VEC_NMI;
		} else {
			vendor->window(v, WINDOW_NMI);
		}
	}
	if (e->info)
		v->dirty |= DIRTY_ONCE;
}

bool run_before(struct arch_vcpu *v, struct exit *x)
{
	if (unlikely(v->eoi_set))
		x86_eoi_look(v);
	post_take(v);
	if (!run_interrupts(v, x))
		return false;
	if (unlikely(v->eoi != NULL))
		x86_eoi_offer(v);
	run_event(v);
	return true;
}

static void run_xsetbv(struct arch_vcpu *v)
{
	const u64 *r = v->regs->gpr;
	u64 value = (u32)r[X86_RAX] | r[X86_RDX] << 32;
	u64 avx512 = value & XCR0_AVX512;

	/* The rules of Intel SDM 1, 13.3: a bad value is #GP for the guest, not for us. */
	if ((u32)r[X86_RCX] != 0 || !x86_features.xsave || (value & ~x86_features.xcr0) || !(value & XCR0_X87) ||
	    ((value & XCR0_AVX) && !(value & XCR0_SSE)) || (avx512 && (avx512 != XCR0_AVX512 || !(value & XCR0_AVX)))) {
		loop_fault(v, VEC_GP, true);
		return;
	}
	v->xcr0 = value;
	xsetbv(0, value);
	x86_skip(v);
}

/* RDMSR, WRMSR. False: hv/ must see @x. */
static bool run_msr(struct arch_vcpu *v, struct exit *x)
{
	u64 *r = v->regs->gpr;
	u32 msr = x->sysreg.index;
	bool write = x->sysreg.write;
	enum x86_answer a;
	u64 value = (u32)r[X86_RAX] | r[X86_RDX] << 32;

	if (write) {
		a = x86_wrmsr(v, msr, value, x);
	} else {
		a = x86_rdmsr(v, msr, &value);
		if (a == ANSWER_DONE) {
			r[X86_RAX] = (u32)value;
			r[X86_RDX] = value >> 32;
		}
	}
	switch (a) {
	case ANSWER_DONE: x86_skip(v); return true;
	case ANSWER_FAULT: loop_fault(v, VEC_GP, true); return true;
	case ANSWER_LEAVE: x86_skip(v); return false; /* done, and x->kind says what else */
	default:
		x->kind = EXIT_SYSREG;
		x->data = value;
		return false;
	}
}

bool run_exit(struct arch_vcpu *v, struct exit *x)
{
	switch (x->kind) {
	case EXIT_MSR: v->exits[EXIT_MSR]++; return run_msr(v, x);
	case EXIT_XSETBV:
		v->exits[EXIT_XSETBV]++;
		run_xsetbv(v);
		return true;
	case EXIT_WINDOW: v->exits[EXIT_WINDOW]++; return true;
	case EXIT_UNDEFINED:
		v->exits[EXIT_UNDEFINED]++;
		loop_fault(v, VEC_UD, false);
		return true;
	case EXIT_CACHE: /* memory is coherent, and no guest has a device that is not: there is nothing to write back */
		v->exits[EXIT_CACHE]++;
		x86_skip(v);
		return true;
	case EXIT_CR:
	case EXIT_DR:
	case EXIT_EXCEPTION: v->exits[x->kind]++; return true;
	default: return false;
	}
}

void arch_vcpu_run(struct arch_vcpu *v, struct exit *x)
{
	if (!v->service && unlikely(x86_cpu()->loaded != v))
		x86_load_guest(v);
	vendor->run(v, x);
}

void x86_watch_pause(struct arch_vcpu *v, bool on)
{
	v->crowded = on;
	vendor->watch_pause(v);
}

bool arch_vcpu_awake(struct arch_vcpu *v)
{
	post_take(v);
	if (v->apic.wait)
		return v->apic.events & VLAPIC_EV_SIPI;
	if (v->apic.events & (VLAPIC_EV_NMI | VLAPIC_EV_INIT))
		return true;
	x86_apic_take(v);
	return (vlapic_pending(&v->apic) >= 0 || v->extint_ready || (v->extint && vlapic_extint_ok(&v->apic))) &&
	       arch_vcpu_can_wake(v);
}

bool arch_vcpu_can_wake(struct arch_vcpu *v)
{
	arch_vcpu_export(v);
	return v->regs->rflags & RFLAGS_IF;
}

void arch_vcpu_extint(struct arch_vcpu *v, bool level)
{
	__atomic_store_n(&v->extint, level, __ATOMIC_RELEASE); /* perhaps on another CPU */
}

void arch_vcpu_timer(struct arch_vcpu *v)
{
	vlapic_tick(&v->apic, arch_counter() + v->counter_offset);
}

bool arch_vcpu_apic(struct arch_vcpu *v, u32 off, bool write, u64 *value, struct exit *more)
{
	u64 now = arch_counter() + v->counter_offset;
	enum vlapic_act act = VLAPIC_NONE;
	struct vlapic_ipi ipi = { 0 };

	more->kind = EXIT_NONE;
	if (off > 0xff0 || (off & 3) || !vlapic_is_xapic(&v->apic))
		return false;
	v->exits[EXIT_APIC]++;
	x86_apic_take(v);
	if (!write)
		*value = vlapic_read(&v->apic, off, now);
	else
		act = vlapic_write(&v->apic, off, (u32)*value, now, &ipi);
	if (act == VLAPIC_EOI) {
		more->kind = EXIT_EOI;
		more->vector = ipi.vector;
	} else if (act == VLAPIC_IPI) {
		x86_ipi(v, &ipi);
	}
	return true;
}
