/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/svm_state.c: a guest's registers in and out of its VMCB, and what VMLOAD and VMSAVE swap (AMD APM 2, 15.5).
 */
#include "arch/x86/percpu.h"
#include "arch/x86/svm.h"
#include "arch/x86/vendor.h"

static void svm_vmsave(u64 pa)
{
	asm volatile("vmsave %%rax" : : "a"(pa) : "memory");
}

static void svm_vmload(u64 pa)
{
	asm volatile("vmload %%rax" : : "a"(pa) : "memory");
}

void svm_swap(struct arch_vcpu *from, struct arch_vcpu *to)
{
	if (from)
		svm_vmsave(from->ctl_pa);
	if (to)
		svm_vmload(to->ctl_pa);
}

#define SEG_AR BITS(27, 16) /* of a segment's first eight bytes, which differ in the bits above alone */
static_assert(offsetof(struct x86_seg, ar) == 2 && offsetof(struct vmcb_seg, attrib) == 2, "alike");
static_assert(offsetof(struct x86_seg, base) == 8 && offsetof(struct vmcb_seg, base) == 8, "alike");

static inline struct x86_seg svm_seg_get(const struct vmcb_seg *s)
{
	struct x86_seg r;
	u64 low;

	__builtin_memcpy(&low, s, sizeof(low));
	low &= SEG_AR | ~(u64)BITS(31, 16);
	__builtin_memcpy(&r, &low, sizeof(low));
	r.base = s->base;
	return r;
}

static struct vmcb_seg svm_seg_set(const struct x86_seg *s)
{
	return (struct vmcb_seg){ .sel = s->sel, .attrib = s->ar & 0xfff, .limit = s->limit, .base = s->base };
}

void svm_export(struct arch_vcpu *v)
{
	const struct vmcb *c = v->ctl;
	struct vcpu_regs *r = v->regs;

	if (v == x86_cpu()->loaded)
		svm_vmsave(v->ctl_pa); /* FS and GS live in the CPU */
	r->gpr[X86_RSP] = c->rsp;
	r->rflags = c->rflags;
	r->cr0 = c->cr0;
	r->cr2 = c->cr2;
	r->cr3 = c->cr3;
	r->cr4 = c->cr4;
	r->efer = c->efer & ~EFER_SVME;
	r->cpl = c->cpl;
	r->seg[X86_ES] = svm_seg_get(&c->es);
	r->seg[X86_CS] = svm_seg_get(&c->cs);
	r->seg[X86_SS] = svm_seg_get(&c->ss);
	r->seg[X86_DS] = svm_seg_get(&c->ds);
	r->seg[X86_FS] = svm_seg_get(&c->fs);
	r->seg[X86_GS] = svm_seg_get(&c->gs);
}

void svm_get(struct arch_vcpu *v, struct vcpu_state *s)
{
	const struct vmcb *c = v->ctl;

	svm_export(v);
	s->tr = svm_seg_get(&c->tr);
	s->ldtr = svm_seg_get(&c->ldtr);
	s->gdtr = (struct x86_table){ .base = c->gdtr.base, .limit = c->gdtr.limit };
	s->idtr = (struct x86_table){ .base = c->idtr.base, .limit = c->idtr.limit };
	s->dr7 = c->dr7;
	s->dr6 = c->dr6;
	s->pat = c->g_pat;
	s->star = c->star;
	s->lstar = c->lstar;
	s->cstar = c->cstar;
	s->sfmask = c->sfmask;
	s->kernel_gs_base = c->kernel_gs_base;
	s->sysenter_cs = c->sysenter_cs;
	s->sysenter_esp = c->sysenter_esp;
	s->sysenter_eip = c->sysenter_eip;
	s->counter_offset = c->counter_offset;
}

void svm_set(struct arch_vcpu *v, const struct vcpu_state *s)
{
	struct vmcb *c = v->ctl;
	const struct vcpu_regs *r = &s->regs;

	c->rsp = r->gpr[X86_RSP];
	c->rip = r->rip;
	c->rflags = (r->rflags & RFLAGS_WRITABLE) | RFLAGS_FIXED;
	c->cr0 = r->cr0;
	c->cr2 = r->cr2;
	c->cr3 = r->cr3;
	c->cr4 = r->cr4;
	c->efer = r->efer | EFER_SVME;
	c->cpl = r->cpl;
	c->es = svm_seg_set(&r->seg[X86_ES]);
	c->cs = svm_seg_set(&r->seg[X86_CS]);
	c->ss = svm_seg_set(&r->seg[X86_SS]);
	c->ds = svm_seg_set(&r->seg[X86_DS]);
	c->fs = svm_seg_set(&r->seg[X86_FS]);
	c->gs = svm_seg_set(&r->seg[X86_GS]);
	c->tr = svm_seg_set(&s->tr);
	c->ldtr = svm_seg_set(&s->ldtr);
	c->gdtr = (struct vmcb_seg){ .base = s->gdtr.base, .limit = s->gdtr.limit };
	c->idtr = (struct vmcb_seg){ .base = s->idtr.base, .limit = s->idtr.limit };
	c->dr7 = s->dr7;
	c->dr6 = s->dr6;
	c->g_pat = s->pat;
	c->star = s->star;
	c->lstar = s->lstar;
	c->cstar = s->cstar;
	c->sfmask = s->sfmask;
	c->kernel_gs_base = s->kernel_gs_base;
	c->sysenter_cs = s->sysenter_cs;
	c->sysenter_esp = s->sysenter_esp;
	c->sysenter_eip = s->sysenter_eip;
	c->counter_offset = s->counter_offset;
	c->int_state = 0;
	c->clean = 0;
	if (v == x86_cpu()->loaded)
		svm_vmload(v->ctl_pa);
}
