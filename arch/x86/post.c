/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch/x86/post.c: posted interrupts in software. Who sends sets bits by atomic operations and then @any; the vCPU's
 * own CPU clears @any and then takes the bits. What comes behind that sets @any again, and its sender interrupts the
 * CPU.
 */
#include "arch/x86/post.h"

#include "arch/x86/vlapic_priv.h"

#define POST_NMI     BIT(0)
#define POST_INIT    BIT(1)
#define POST_SIPI    BIT(2)
#define POST_EXTINT  BIT(3)
#define POST_ILLEGAL BIT(4)	 /* a vector below 16: the APIC has an error to tell */
#define POST_VECTOR  BITS(15, 8) /* of the SIPI */

/* INIT takes back a SIPI before it; a SIPI counts once. */
static bool post_start(u32 *events, bool init, u8 vector)
{
	u32 old = __atomic_load_n(events, __ATOMIC_RELAXED), new;

	do {
		if (!init && (old & POST_SIPI))
			return false;
		new = init ? (old & ~(u32)(POST_SIPI | POST_VECTOR)) | (u32)POST_INIT
			   : old | (u32)POST_SIPI | (u32)FIELD_PUT(POST_VECTOR, vector);
	} while (!__atomic_compare_exchange_n(events, &old, new, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	return true;
}

static bool post_event(struct arch_vcpu *v, u32 event)
{
	__atomic_fetch_or(&v->post.events, event, __ATOMIC_RELEASE);
	return true;
}

static bool post_vector(struct arch_vcpu *v, u8 vector, bool level)
{
	u32 *w = level ? v->post.level : v->post.edge;

	if (!vlapic_soft_enabled(&v->apic))
		return false;
	if (vector < 16)
		return post_event(v, POST_ILLEGAL);
	__atomic_fetch_or(&w[vector / 32], 1u << vector % 32, __ATOMIC_RELEASE);
	return true;
}

bool post_accept(struct arch_vcpu *v, u32 mode, u8 vector, bool level)
{
	bool ok;

	switch (mode) {
	case APIC_FIXED:
	case APIC_LOWEST: ok = post_vector(v, vector, level); break;
	case APIC_NMI: ok = post_event(v, POST_NMI); break;
	case APIC_INIT: ok = post_start(&v->post.events, true, 0); break;
	case APIC_SIPI: ok = post_start(&v->post.events, false, vector); break;
	case APIC_EXTINT: ok = post_event(v, POST_EXTINT); break;
	default: return false;
	}
	if (ok)
		__atomic_store_n(&v->post.any, 1, __ATOMIC_SEQ_CST);
	return ok;
}

static void post_take_vectors(struct vlapic *a, u32 *from, bool level)
{
	for (unsigned i = 0; i < 8; i++) {
		u32 w;

		if (!__atomic_load_n(&from[i], __ATOMIC_RELAXED))
			continue;
		w = __atomic_exchange_n(&from[i], 0, __ATOMIC_ACQUIRE);
		if (!vlapic_soft_enabled(a)) /* it has been switched off meanwhile */
			continue;
		a->irr.w[i] |= w;
		a->irr.words |= 1u << i;
		a->tmr[i] = level ? a->tmr[i] | w : a->tmr[i] & ~w;
	}
}

void post_take_now(struct arch_vcpu *v)
{
	struct vlapic *a = &v->apic;
	u32 events;

	__atomic_store_n(&v->post.any, 0, __ATOMIC_SEQ_CST);
	events = __atomic_load_n(&v->post.events, __ATOMIC_RELAXED);
	if (events) {
		events = __atomic_exchange_n(&v->post.events, 0, __ATOMIC_ACQUIRE);
		if (events & POST_INIT)
			vlapic_accept(a, APIC_INIT, 0, false);
		if (events & POST_SIPI)
			vlapic_accept(a, APIC_SIPI, (u8)FIELD(POST_VECTOR, events), false);
		if (events & POST_NMI)
			vlapic_accept(a, APIC_NMI, 0, false);
		if (events & POST_EXTINT)
			vlapic_accept(a, APIC_EXTINT, 0, false);
		if (events & POST_ILLEGAL)
			vlapic_accept(a, APIC_FIXED, 0, false);
	}
	post_take_vectors(a, v->post.edge, false);
	post_take_vectors(a, v->post.level, true);
}
