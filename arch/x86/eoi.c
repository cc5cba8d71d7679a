/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch/x86/eoi.c: ends of interrupts without an exit: KVM's paravirtual EOI (Linux, Documentation/virt/kvm/x86/msr.rst,
 * MSR_KVM_PV_EOI_EN).
 *
 * The guest shares a word of its memory. Bit 0 of it, when we have set it, says: whatever is in service next, or is
 * already, ends by clearing the bit. A guest that finds it set clears it and leaves out the write to its APIC; we see
 * that later (x86_eoi_look), before anything depends on it. So the bit may be set only while nobody waits for that end:
 * while one interrupt is alone in IRR and ISR together, and edge-triggered, so that no I/O APIC is to hear of its end.
 * Before an entry at which that is not so the bit is taken back, and the guest's write exits as ever.
 *
 * The bit is ours to touch only while the vCPU is out of the guest, on its CPU: there is no race with its own
 * instructions. What others of the guest write there harms the guest alone: an end that was none, or one that is
 * missing.
 */
#include "arch/x86/vendor.h"
#include "arch/x86/vlapic_priv.h"

#define EOI_PENDING BIT(0)

static bool eoi_is_alone(const struct vlapic *a)
{
	const struct vlapic_vectors *s = a->isr.words ? &a->isr : &a->irr;
	int n = vec_top(s);

	if (n < 0 || (a->isr.words && a->irr.words))
		return false;
	return s->words == 1u << n / 32 && s->w[n / 32] == 1u << n % 32 && !vec_test(a->tmr, (u8)n);
}

static void eoi_put(struct arch_vcpu *v, bool set)
{
	if (set)
		__atomic_fetch_or(v->eoi, (u32)EOI_PENDING, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(v->eoi, ~(u32)EOI_PENDING, __ATOMIC_RELAXED);
	v->eoi_set = set;
}

void x86_eoi_look(struct arch_vcpu *v)
{
	struct vlapic_ipi end;

	if (__atomic_load_n(v->eoi, __ATOMIC_RELAXED) & EOI_PENDING)
		return;
	v->eoi_set = false;
	/* It was edge-triggered. If its vector has come again, by level, that one waits, and has its own end. */
	(void)vlapic_end(&v->apic, &end);
}

void x86_eoi_offer(struct arch_vcpu *v)
{
	/* Of one that is in service already the guest may have seen that its end needs the write. */
	bool set = eoi_is_alone(&v->apic) && (v->eoi_set || !v->apic.isr.words);

	if (set != v->eoi_set)
		eoi_put(v, set);
}

void arch_vcpu_eoi(struct arch_vcpu *v, void *word)
{
	if (v->eoi_set)
		x86_eoi_look(v);
	if (v->eoi_set)
		eoi_put(v, false);
	v->eoi = x86_features.apic_hw ? NULL : word; /* there, the CPU ends them */
}
