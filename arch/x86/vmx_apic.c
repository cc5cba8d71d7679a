/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/vmx_apic.c: the local APIC in x2APIC mode by the CPU: virtual-interrupt delivery (Intel SDM 3C, chapter 30).
 *
 * While v->apic_lent, the virtual-APIC page holds TPR, PPR, ISR and IRR, and the CPU changes them without exits. Then
 * v->apic.irr has only what has arrived since, which goes into the page before the next entry. All other registers, and
 * TMR, stay in v->apic: the CPU writes none of them. Software that looks takes the four back first (vmx_apic_take).
 */
#include "arch/x86/vlapic_priv.h"
#include "arch/x86/vmx.h"
#include "hv/lib/string.h"

static u32 *apic_words(struct arch_vcpu *v, u32 off)
{
	return (u32 *)((u8 *)v->vmx.apic_page + off);
}

void vmx_apic_take(struct arch_vcpu *v)
{
	struct vlapic *a = &v->apic;
	struct vlapic_vectors arrived = a->irr;
	u32 tmr[8];

	memcpy(tmr, a->tmr, sizeof(tmr));
	vlapic_from_page(a, v->vmx.apic_page);
	memcpy(a->tmr, tmr, sizeof(tmr));
	for (unsigned i = 0; i < 8; i++)
		a->irr.w[i] |= arrived.w[i];
	a->irr.words |= arrived.words;
	v->apic_lent = false;
	v->apic_give = true;
}

/* Everything but IRR, whose vectors count as just arrived. */
static void apic_fill(struct arch_vcpu *v)
{
	int isr = vec_top(&v->apic.isr);

	vlapic_to_page(&v->apic, v->vmx.apic_page);
	for (unsigned i = 0; i < 8; i++)
		*apic_words(v, APIC_IRR + i * 16) = 0;
	vmwrite(VMCS_GUEST_VIRQ, FIELD_PUT(VIRQ_SVI, isr < 0 ? 0 : (unsigned)isr));
	v->apic_lent = true;
}

/* Which EOIs exit: of level-triggered interrupts, for the I/O APIC; or @all. */
static void apic_set_eoi_exits(struct arch_vcpu *v, bool all)
{
	const struct vlapic *a = &v->apic;

	for (unsigned i = 0; i < 4; i++) {
		u64 w = a->svr & APIC_SVR_NO_EOI_BC ? 0 : (u64)a->tmr[2 * i + 1] << 32 | a->tmr[2 * i];

		if (all)
			w = ~0UL;
		if (w != v->vmx.eoi_exits[i]) {
			v->vmx.eoi_exits[i] = w;
			vmwrite(VMCS_EOI_EXITS + 2 * i, w);
		}
	}
}

/* The vectors of @set, which have arrived, go into the page. RFLAGS.IF and priorities are the CPU's to look at. */
static void apic_request(struct arch_vcpu *v, struct vlapic_vectors set)
{
	struct vlapic *a = &v->apic;
	u64 status = vmread(VMCS_GUEST_VIRQ);
	unsigned top = (unsigned)vec_top(&set);

	for (unsigned i = 0; i < 8; i++) {
		*apic_words(v, APIC_IRR + i * 16) |= set.w[i];
		*apic_words(v, APIC_TMR + i * 16) = a->tmr[i];
		a->irr.w[i] &= ~set.w[i];
		if (a->irr.w[i] == 0)
			a->irr.words &= ~(1u << i);
	}
	if (top > FIELD(VIRQ_RVI, status))
		vmwrite(VMCS_GUEST_VIRQ, (status & ~VIRQ_RVI) | FIELD_PUT(VIRQ_RVI, top));
}

/*
 * Bochs 2.7 delivers a requested interrupt despite RFLAGS.IF = 0 when one of the machine's own arrives then. There, the
 * page gets one at a time, when the guest takes it at once. What waits for the one in service comes at the EOI, which
 * exits; only what waits for TPR waits in the page.
 */
static void apic_request_one(struct arch_vcpu *v, bool injecting)
{
	struct vlapic_vectors one = { 0 };
	u8 top = (u8)vec_top(&v->apic.irr);
	bool first = top >> 4 > FIELD(VIRQ_SVI, vmread(VMCS_GUEST_VIRQ)) >> 4;

	if (first && (injecting || !vmx_interruptible(v))) {
		vmx_set_proc(v, v->vmx.proc | (u32)PROC_INTR_WINDOW);
		return;
	}
	if (!v->vmx.window)
		vmx_set_proc(v, v->vmx.proc & ~(u32)PROC_INTR_WINDOW);
	if (!first)
		return;
	vec_set(&one, top);
	apic_request(v, one);
}

void vmx_apic_give(struct arch_vcpu *v, bool injecting)
{
	struct vlapic *a = &v->apic;

	if (v->apic_give) {
		v->apic_give = false;
		vmx_apic_switch(v, v->apic_hw);
		if (v->apic_hw)
			apic_fill(v);
	}
	if (!v->apic_hw)
		return;
	if (a->irr.words) {
		if (vmx_caps.bochs)
			apic_request_one(v, injecting);
		else
			apic_request(v, a->irr);
	}
	apic_set_eoi_exits(v, a->irr.words != 0);
}

void vmx_exit_eoi(struct arch_vcpu *v, struct exit *x)
{
	u8 vector = (u8)vmread(VMCS_QUALIFICATION);

	v->next_pc = 0; /* the WRMSR is done */
	x->kind = vec_test(v->apic.tmr, vector) && !(v->apic.svr & APIC_SVR_NO_EOI_BC) ? EXIT_EOI : EXIT_WINDOW;
	x->vector = vector;
}

void vmx_exit_apic_write(struct arch_vcpu *v, struct exit *x)
{
	if (FIELD(QUAL_APIC_OFFSET, vmread(VMCS_QUALIFICATION)) == APIC_SELF) /* of an illegal vector */
		vlapic_accept(&v->apic, APIC_FIXED, (u8)*apic_words(v, APIC_SELF), false);
	v->next_pc = 0;
	x->kind = EXIT_WINDOW; /* nothing is left to do */
}
