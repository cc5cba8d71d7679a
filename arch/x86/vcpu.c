/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/vcpu.c: the life of a VM and of a vCPU on x86: set-up, state in and out, completion of exits. */
#include "arch/iface/cpu.h"
#include "arch/iface/mem.h"
#include "arch/x86/vendor.h"
#include "hv/lib/string.h"

/* XSAVE area (Intel SDM 1, 13.4): what FNINIT and a reset leave. */
#define XSAVE_FCW   0
#define XSAVE_MXCSR 24
#define FCW_RESET   0x40 /* power-on: 0040h; MXCSR 1F80h */
#define MXCSR_RESET 0x1f80

status_t arch_vm_init(struct arch_vm *vm, bool service, struct pool *pool)
{
	status_t s = ptab_init(&vm->s2, vendor->s2_format, &arch_ptab_mem, pool);

	if (s != OK)
		return s;
	if (!x86_features.pages_1g && vm->s2.max_leaf > 1)
		vm->s2.max_leaf = 1;
	vm->s2_root = arch_pa(vm->s2.root);
	vm->service = service;
	vm->flush = 1;
	vm->nvcpus = 0;
	memset(vm->vcpu, 0, sizeof(vm->vcpu));
	vm->cpuid = NULL;
	vm->msr = NULL;
	return OK;
}

void arch_vm_fini(struct arch_vm *vm, struct pool *pool)
{
	ptab_destroy(&vm->s2, pool);
	if (vm->cpuid)
		pool_put(pool, vm->cpuid);
	if (vm->msr)
		pool_put(pool, vm->msr);
}

/* Each vCPU looks when it begins to run; one that is in the guest, or on its way, must come out for that. */
bool arch_vm_flush(struct arch_vm *vm)
{
	__atomic_store_n(&vm->flush, vm->flush + 1, __ATOMIC_RELEASE);
	return true;
}

void arch_vcpu_leave(struct arch_vcpu *v)
{
	x86_forget(v);
	vendor->leave(v);
	v->flush_seen = v->vm->flush - 1; /* where it goes to there may be old translations of it */
}

static void vcpu_segment(struct x86_seg *s, u16 sel, u16 ar, u32 limit, u64 base)
{
	*s = (struct x86_seg){ .sel = sel, .ar = ar, .limit = limit, .base = base };
}

/* After power-on (Intel SDM 3A, table 9-1): real mode at F000:FFF0. */
static void vcpu_reset_state(struct vcpu_state *s)
{
	struct vcpu_regs *r = &s->regs;

	memset(s, 0, sizeof(*s));
	r->rip = 0xfff0;
	r->rflags = RFLAGS_FIXED;
	r->cr0 = CR0_CD | CR0_NW | CR0_ET;
	for (unsigned i = 0; i < X86_NSREG; i++)
		vcpu_segment(&r->seg[i], 0, 0x93, 0xffff, 0);
	vcpu_segment(&r->seg[X86_CS], 0xf000, 0x9b, 0xffff, 0xffff0000);
	vcpu_segment(&s->tr, 0, 0x8b, 0xffff, 0);
	vcpu_segment(&s->ldtr, 0, 0x82, 0xffff, 0);
	s->gdtr.limit = s->idtr.limit = 0xffff;
	s->dr6 = 0xffff0ff0;
	s->dr7 = 0x400;
	s->pat = PAT_RESET;
	s->xcr0 = XCR0_X87;
	s->counter_offset = -arch_counter();
}

static void vcpu_apic_back(struct arch_vcpu *v)
{
	v->apic_hw = v->apic_lent = false;
	v->apic_give = x86_features.apic_hw;
	v->eoi_set = false; /* the word's memory may have another use already */
	v->eoi = NULL;
}

void x86_reset_apic(struct arch_vcpu *v)
{
	vlapic_reset(&v->apic);
	vcpu_apic_back(v);
}

/* As firmware leaves it: nobody's firmware runs here. */
void arch_vcpu_reset_irq(struct arch_vcpu *v, bool wait)
{
	vlapic_init(&v->apic, v->id, v->id == 0);
	if (wait)
		v->apic.wait = true;
	else
		vlapic_virtual_wire(&v->apic);
	v->extint = false;
	vcpu_apic_back(v);
}

status_t arch_vcpu_init(struct arch_vcpu *v, struct arch_vm *vm, struct vcpu_regs *regs, u32 id, u64 *exits,
			struct pool *pool)
{
	struct vcpu_state s;

	if (!vm->service && id >= ARRAY_SIZE(vm->vcpu))
		return ERR_RANGE;
	if (pool_free(pool) < 3)
		return ERR_NOMEM;
	memset(v, 0, sizeof(*v));
	v->ctl = pool_get(pool);
	v->xsave = pool_get(pool);
	v->ctl_pa = arch_pa(v->ctl);
	v->regs = regs;
	v->vm = vm;
	v->id = id;
	v->service = vm->service;
	if (x86_features.apic_hw && !v->service)
		v->vmx.apic_page = pool_get(pool);
	v->exits = exits;
	*(u16 *)((u8 *)v->xsave + XSAVE_FCW) = FCW_RESET;
	*(u32 *)((u8 *)v->xsave + XSAVE_MXCSR) = MXCSR_RESET;
	*(u64 *)((u8 *)v->xsave + 512) =
		XCR0_X87 | XCR0_SSE; /* XSTATE_BV: these are in the area, the rest is initial */
	arch_vcpu_reset_irq(v, false);
	vendor->vcpu_init(v);
	vcpu_reset_state(&s);
	if (arch_vcpu_set(v, &s) != OK)
		return ERR_INVAL;
	if (!v->service) { /* now others of the VM may find it */
		__atomic_store_n(&vm->vcpu[id], v, __ATOMIC_RELEASE);
		vm->nvcpus++;
	}
	return OK;
}

void arch_vcpu_fini(struct arch_vcpu *v, struct pool *pool)
{
	v->vm->vcpu[v->id] = NULL;
	v->vm->nvcpus--;
	x86_forget(v);
	if (x86_features.intel)
		vmx_vcpu_fini(v);
	pool_put(pool, v->ctl);
	pool_put(pool, v->xsave);
	if (v->vmx.apic_page)
		pool_put(pool, v->vmx.apic_page);
}

/* 32-bit protected mode, flat, paging and interrupts off; EDI: image, ESI: mailbox (hv/abi/service.h). */
void arch_vcpu_init_service(struct arch_vcpu *v, u64 entry, u64 image, u64 mailbox)
{
	struct vcpu_state s;
	struct vcpu_regs *r = &s.regs;

	vcpu_reset_state(&s);
	r->rip = entry;
	r->cr0 = CR0_PE | CR0_ET | CR0_NE;
	for (unsigned i = 0; i < X86_NSREG; i++)
		vcpu_segment(&r->seg[i], 0x10, X86_AR_P | X86_AR_S | 3 | X86_AR_DB | X86_AR_G, 0xffffffff, 0);
	vcpu_segment(&r->seg[X86_CS], 0x08, X86_AR_P | X86_AR_S | 0xb | X86_AR_DB | X86_AR_G, 0xffffffff, 0);
	r->gpr[X86_RDI] = image;
	r->gpr[X86_RSI] = mailbox;
	s.counter_offset = 0;
	(void)!arch_vcpu_set(v, &s);
}

void arch_vcpu_export(struct arch_vcpu *v)
{
	vendor->export(v);
	v->regs->rip = v->rip;
}

void arch_vcpu_get(struct arch_vcpu *v, struct vcpu_state *s)
{
	arch_vcpu_export(v);
	vendor->get(v, s);
	s->regs = *v->regs;
	s->xcr0 = v->xcr0;
	s->apic_base = v->apic.base;
	s->counter_offset = v->counter_offset;
	if (x86_features.intel) {
		x86_sync_user(v);
		s->star = v->msrs.star;
		s->lstar = v->msrs.lstar;
		s->cstar = v->msrs.cstar;
		s->sfmask = v->msrs.sfmask;
		s->kernel_gs_base = v->msrs.kernel_gs_base;
	}
}

status_t arch_vcpu_set(struct arch_vcpu *v, const struct vcpu_state *s)
{
	const struct vcpu_regs *r = &s->regs;

	if ((r->efer & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)) || r->cr0 >> 32 ||
	    (s->xcr0 & ~x86_features.xcr0) || r->cpl > 3)
		return ERR_INVAL;
	x86_forget(v);
	if (v->regs != r)
		memcpy(v->regs->gpr, r->gpr, sizeof(r->gpr));
	v->rip = r->rip;
	v->dirty = 0;
	v->counter_offset = s->counter_offset;
	v->tsc_adjust = 0;
	v->xcr0 = s->xcr0 | XCR0_X87;
	v->msrs.star = s->star;
	v->msrs.lstar = s->lstar;
	v->msrs.cstar = s->cstar;
	v->msrs.sfmask = s->sfmask;
	v->msrs.kernel_gs_base = s->kernel_gs_base;
	memset(v->length, 0, sizeof(v->length));
	v->inject.info = v->reinject.info = 0;
	v->nmi_masked = v->extint_ready = v->virq_on = false;
	vendor->set(v, s);
	vendor->virq(v, -1);
	return OK;
}

u32 x86_complete(struct arch_vcpu *v, enum exit_kind kind, struct run_page *run, u32 reply)
{
	u32 inject = run->inject;

	if (unlikely(kind == EXIT_LENGTH))
		svm_learn(v, run->data & 15);
	if (reply & REPLY_REGS) {
		x86_take_regs(v, run);
	} else if ((reply & REPLY_SKIP) && v->next_pc) {
		if (kind == EXIT_IO && !run->u.io.write)
			x86_answer_io(v, run->u.io.size, run->data);
		else if (kind == EXIT_SYSREG && !run->u.sysreg.write) {
			u64 data = run->data;

			v->regs->gpr[X86_RAX] = (u32)data;
			v->regs->gpr[X86_RDX] = data >> 32;
		}
		x86_skip(v);
	}
	if (reply & REPLY_INJECT) {
		v->inject.info =
			EVENT_VALID | EVENT_TYPE_EXCP | (inject & 0x1f) | (inject & RUN_INJECT_ERROR ? EVENT_ERROR : 0);
		v->inject.error = run->error;
		v->inject.length = 0;
		if ((inject & 0x1f) == VEC_PF)
			v->dirty |= DIRTY_CR2;
	}
	if (reply & REPLY_EXTINT) {
		v->extint_vector = (u8)inject;
		v->extint_ready = true;
	}
	return reply;
}

/* The wires of a PC end at the I/O APIC and the 8259, which are the service VM's. */
bool arch_vcpu_line(struct arch_vcpu *v, u32 line, bool level)
{
	return false;
}
