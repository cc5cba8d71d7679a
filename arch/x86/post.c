/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch/x86/post.c: posted interrupts in software. Who sends sets bits by atomic operations and then one in @any, which
 * says where; the vCPU's own CPU clears @any and then takes what is there. What comes behind that sets @any again, and
 * its sender interrupts the CPU.
 */
#include "arch/x86/post.h"

#include "arch/x86/vlapic_priv.h"

/* Of @any: which words of @vectors, and @events. */
#define ANY_VECTORS BITS(15, 0)
#define ANY_EVENTS  BIT(16)

#define POST_NMI     BIT(0)
#define POST_INIT    BIT(1)
#define POST_SIPI    BIT(2)
#define POST_EXTINT  BIT(3)
#define POST_ILLEGAL BIT(4)	 /* a vector below 16: the APIC has an error to tell */
#define POST_VECTOR  BITS(15, 8) /* of the SIPI */

static void post_any(struct arch_vcpu *v, u32 any)
{
	__atomic_fetch_or(&v->post.any, any, __ATOMIC_SEQ_CST);
}

/* INIT takes back a SIPI before it; a SIPI counts once. */
static bool post_start(struct arch_vcpu *v, bool init, u8 vector)
{
	u32 *events = &v->post.events;
	u32 old = __atomic_load_n(events, __ATOMIC_RELAXED), new;

	do {
		if (!init && (old & POST_SIPI))
			return false;
		new = init ? (old & ~(u32)(POST_SIPI | POST_VECTOR)) | (u32)POST_INIT
			   : old | (u32)POST_SIPI | (u32)FIELD_PUT(POST_VECTOR, vector);
	} while (!__atomic_compare_exchange_n(events, &old, new, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	post_any(v, ANY_EVENTS);
	return true;
}

static bool post_event(struct arch_vcpu *v, u32 event)
{
	__atomic_fetch_or(&v->post.events, event, __ATOMIC_RELEASE);
	post_any(v, ANY_EVENTS);
	return true;
}

static bool post_vector(struct arch_vcpu *v, u8 vector, bool level)
{
	unsigned n = vector / 32 + (level ? 8 : 0);

	if (!vlapic_soft_enabled(&v->apic))
		return false;
	if (vector < 16)
		return post_event(v, POST_ILLEGAL);
	__atomic_fetch_or(&v->post.vectors[n], 1u << vector % 32, __ATOMIC_RELEASE);
	post_any(v, 1u << n);
	return true;
}

bool post_accept(struct arch_vcpu *v, u32 mode, u8 vector, bool level)
{
	switch (mode) {
	case APIC_FIXED:
	case APIC_LOWEST: return post_vector(v, vector, level);
	case APIC_NMI: return post_event(v, POST_NMI);
	case APIC_INIT: return post_start(v, true, 0);
	case APIC_SIPI: return post_start(v, false, vector);
	case APIC_EXTINT: return post_event(v, POST_EXTINT);
	default: return false;
	}
}

static void post_take_events(struct arch_vcpu *v)
{
	u32 events = __atomic_exchange_n(&v->post.events, 0, __ATOMIC_ACQUIRE);
	struct vlapic *a = &v->apic;

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

void post_take_now(struct arch_vcpu *v)
{
	u32 any = __atomic_exchange_n(&v->post.any, 0, __ATOMIC_SEQ_CST);
	struct vlapic *a = &v->apic;

	if (unlikely(any & ANY_EVENTS))
		post_take_events(v);
	for (any &= ANY_VECTORS; any; any &= any - 1) {
		unsigned n = (unsigned)__builtin_ctz(any), i = n % 8;
		u32 w = __atomic_exchange_n(&v->post.vectors[n], 0, __ATOMIC_ACQUIRE);

		if (!w || !vlapic_soft_enabled(a)) /* taken before; it has been switched off meanwhile */
			continue;
		a->irr.w[i] |= w;
		a->irr.words |= 1u << i;
		a->tmr[i] = n < 8 ? a->tmr[i] & ~w : a->tmr[i] | w;
	}
}
