/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/vlapic_priv.h: what vlapic.c (delivery, timer), vlapic_reg.c (registers) and vmx_apic.c share. */
#ifndef X86_VLAPIC_PRIV_H
#define X86_VLAPIC_PRIV_H

#include "arch/x86/vlapic.h"

#define VLAPIC_NEVER (~0ull)

static inline bool vec_test(const u32 w[8], u8 n)
{
	return (w[n / 32] >> (n % 32)) & 1;
}

static inline void vec_set(struct vlapic_vectors *s, u8 n)
{
	s->w[n / 32] |= 1u << (n % 32);
	s->words |= 1u << (n / 32);
}

static inline void vec_clear(struct vlapic_vectors *s, u8 n)
{
	s->w[n / 32] &= ~(1u << (n % 32));
	if (s->w[n / 32] == 0)
		s->words &= ~(1u << (n / 32));
}

/* The highest member, -1 if none. */
static inline int vec_top(const struct vlapic_vectors *s)
{
	int word;

	if (s->words == 0)
		return -1;
	word = 31 - __builtin_clz(s->words);
	return word * 32 + 31 - __builtin_clz(s->w[word]);
}

/* Task priority class against the vector in service: SDM "Task and Processor Priorities". */
static inline u8 vlapic_ppr(const struct vlapic *v)
{
	int isrv = vec_top(&v->isr);

	return isrv < 0 || v->tpr >> 4 >= isrv >> 4 ? v->tpr : isrv & 0xf0;
}

static inline bool vlapic_soft_enabled(const struct vlapic *v)
{
	return (v->svr & APIC_SVR_ENABLE) && (v->base & APIC_BASE_EN);
}

/* Put @vector (16 or more) into IRR; the APIC is enabled. */
static inline void vlapic_set_irr(struct vlapic *v, u8 vector, bool level)
{
	vec_set(&v->irr, vector);
	if (level)
		v->tmr[vector / 32] |= 1u << (vector % 32);
	else
		v->tmr[vector / 32] &= ~(1u << (vector % 32));
}

/* Note @bits of ESR and raise the error LVT entry when one is new. */
void vlapic_error(struct vlapic *v, u32 bits);

/* vlapic_accept of a fixed interrupt. */
static inline bool vlapic_fixed(struct vlapic *v, u8 vector, bool level)
{
	if (!vlapic_soft_enabled(v))
		return false;
	if (unlikely(vector < 16)) {
		vlapic_error(v, APIC_ESR_RECV_VECTOR);
		return false;
	}
	vlapic_set_irr(v, vector, level);
	return true;
}

/** The CPU took @vector, which vlapic_pending returned: IRR to ISR. */
static inline void vlapic_deliver(struct vlapic *v, u8 vector)
{
	vec_clear(&v->irr, vector);
	vec_set(&v->isr, vector);
}

/* End the highest interrupt in service. */
static inline enum vlapic_act vlapic_end(struct vlapic *v, struct vlapic_ipi *ipi)
{
	int top = vec_top(&v->isr);

	if (top < 0)
		return VLAPIC_NONE;
	vec_clear(&v->isr, (u8)top);
	if (!vec_test(v->tmr, (u8)top) || (v->svr & APIC_SVR_NO_EOI_BC))
		return VLAPIC_NONE;
	ipi->vector = (u8)top;
	return VLAPIC_EOI;
}

/* Send what v->icr says. */
enum vlapic_act vlapic_send(struct vlapic *v, struct vlapic_ipi *ipi);

/* The timer's registers. vlapic_timer_count settles nothing; the writers restart or stop the timer. */
u32 vlapic_timer_count(const struct vlapic *v, u64 now);
void vlapic_timer_start(struct vlapic *v, u32 count, u64 now);
void vlapic_timer_divide(struct vlapic *v, u32 tdcr, u64 now);
void vlapic_timer_lvt(struct vlapic *v, u32 value, u64 now);

static inline u32 vlapic_timer_mode(const struct vlapic *v)
{
	return (u32)FIELD(APIC_LVT_TIMER_MODE, v->lvt[LVT_TIMER]);
}

#endif
