/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/vlapic.c: the virtual local APIC's working part: accept, prioritise, deliver, end, send, time. */
#include "arch/x86/vlapic_priv.h"
#include "hv/lib/string.h"

/* A guest may ask for a period of one tick; events closer than this are merged, on the guest's own grid. */
#define VLAPIC_MIN_PERIOD 20000u

void vlapic_reset(struct vlapic *v)
{
	u64 base = v->base;
	u32 id = v->id;
	u8 phys_bits = v->phys_bits;

	memset(v, 0, sizeof(*v));
	v->base = base;
	v->id = id;
	v->phys_bits = phys_bits;
	v->svr = 0xff;
	v->dfr = 0xffffffffu;
	v->deadline = VLAPIC_NEVER;
	v->timer_shift = 1;
	for (unsigned i = 0; i < LVT_COUNT; i++)
		v->lvt[i] = APIC_LVT_MASKED;
	if (vlapic_is_x2apic(v))
		v->ldr = (id >> 4) << 16 | 1u << (id & 15);
}

void vlapic_init(struct vlapic *v, u32 apic_id, bool bsp)
{
	v->base = APIC_BASE_RESET | APIC_BASE_EN | (bsp ? APIC_BASE_BSP : 0);
	v->id = apic_id;
	v->phys_bits = 52;
	vlapic_reset(v);
}

void vlapic_virtual_wire(struct vlapic *v)
{
	v->svr = APIC_SVR_ENABLE | 0xff;
	v->lvt[LVT_LINT0] = FIELD_PUT(APIC_LVT_MODE, APIC_EXTINT);
	v->lvt[LVT_LINT1] = FIELD_PUT(APIC_LVT_MODE, APIC_NMI);
}

/* --- delivery -------------------------------------------------------------------------------------- */

void vlapic_error(struct vlapic *v, u32 bits)
{
	u32 lvt = v->lvt[LVT_ERROR];

	if ((v->esr_pending & bits) == bits)
		return;
	v->esr_pending |= bits;
	if ((lvt & APIC_LVT_MASKED) || !vlapic_soft_enabled(v))
		return;
	if ((u8)lvt < 16)
		v->esr_pending |= APIC_ESR_RECV_VECTOR; /* and no second error interrupt: it would be the same */
	else
		vlapic_set_irr(v, (u8)lvt, false);
}

static bool vlapic_event(struct vlapic *v, u32 ev)
{
	if (v->wait)
		return false;
	v->events |= ev;
	return true;
}

bool vlapic_accept(struct vlapic *v, u32 delivery_mode, u8 vector, bool level)
{
	switch (delivery_mode) {
	case APIC_FIXED:
	case APIC_LOWEST: return vlapic_fixed(v, vector, level);
	case APIC_NMI: return vlapic_event(v, VLAPIC_EV_NMI);
	case APIC_INIT:
		v->events &= ~(u32)VLAPIC_EV_SIPI; /* the CPU has not yet come to it */
		return vlapic_event(v, VLAPIC_EV_INIT);
	case APIC_SIPI:
		if ((v->events & VLAPIC_EV_SIPI) || !(v->wait || (v->events & VLAPIC_EV_INIT)))
			return false;
		v->events |= VLAPIC_EV_SIPI;
		v->sipi_vector = vector;
		return true;
	case APIC_EXTINT: return vlapic_event(v, VLAPIC_EV_EXTINT);
	default: return false;
	}
}

bool vlapic_raise(struct vlapic *v, enum vlapic_lvt which)
{
	u32 lvt = v->lvt[which];

	if (lvt & APIC_LVT_MASKED)
		return false;
	if (which == LVT_PERF)
		v->lvt[which] |= APIC_LVT_MASKED; /* the handler must re-arm it: SDM "Local Vector Table" */
	if (which == LVT_TIMER || which == LVT_ERROR)
		return vlapic_accept(v, APIC_FIXED, (u8)lvt, false);
	return vlapic_accept(v, (u32)FIELD(APIC_LVT_MODE, lvt), (u8)lvt, false);
}

bool vlapic_match(const struct vlapic *v, u32 dest, bool logical)
{
	if (!(v->base & APIC_BASE_EN))
		return false;
	if (vlapic_is_x2apic(v)) {
		if (dest == ~0u)
			return true;
		return logical ? dest >> 16 == v->ldr >> 16 && (dest & v->ldr & 0xffff) : dest == v->id;
	}
	if (dest == ~0u || dest == 0xff)
		return true;
	if (!logical)
		return dest == v->id;
	if (dest > 0xff)
		return false;
	switch (v->dfr >> 28) {
	case 0xf: return (dest & v->ldr >> 24) != 0;
	case 0x0: return dest >> 4 == v->ldr >> 28 && (dest & (v->ldr >> 24) & 0xf);
	default: return false;
	}
}

bool vlapic_msi(const struct vlapic *v, u64 addr, u32 data, struct vlapic_ipi *msg)
{
	*msg = (struct vlapic_ipi){
		.dest = (addr >> 12) & 0xff,
		.logical = (addr & BIT(2)) != 0,
		.shorthand = APIC_DEST,
		.mode = (data >> 8) & 7,
		.vector = (u8)data,
		.level = (data & BIT(15)) != 0,
		.deassert = (data & (BIT(15) | BIT(14))) == BIT(15),
	};
	if (addr >> 20 != 0xfee)
		return false;
	if (!msg->logical && msg->dest == 0xff)
		msg->dest = ~0u;
	return vlapic_match(v, msg->dest, msg->logical);
}

int vlapic_pending(struct vlapic *v)
{
	int top = vec_top(&v->irr);

	if (top < 0 || !vlapic_soft_enabled(v) || top >> 4 <= vlapic_ppr(v) >> 4)
		return -1;
	return top;
}

int vlapic_offer(struct vlapic *v)
{
	int top = vec_top(&v->irr);

	if (top < 0 || !vlapic_soft_enabled(v) || top >> 4 <= vec_top(&v->isr) >> 4)
		return -1;
	return top;
}

void vlapic_set_tpr(struct vlapic *v, u8 tpr)
{
	v->tpr = tpr;
}

bool vlapic_extint_ok(const struct vlapic *v)
{
	u32 lvt = v->lvt[LVT_LINT0];

	if (!(v->base & APIC_BASE_EN))
		return true;
	return !(lvt & APIC_LVT_MASKED) && FIELD(APIC_LVT_MODE, lvt) == APIC_EXTINT;
}

bool vlapic_nmi_take(struct vlapic *v)
{
	return vlapic_take(v, VLAPIC_EV_NMI);
}

/* --- sending --------------------------------------------------------------------------------------- */

/* An IPI reaches this APIC itself. True: nobody else needs it (lowest priority has its taker). */
static bool vlapic_send_self(struct vlapic *v, const struct vlapic_ipi *ipi)
{
	return vlapic_accept(v, ipi->mode, ipi->vector, ipi->level) && ipi->mode == APIC_LOWEST;
}

enum vlapic_act vlapic_send(struct vlapic *v, struct vlapic_ipi *ipi)
{
	u32 lo = (u32)v->icr;
	u32 dest = (u32)(v->icr >> 32);

	ipi->vector = (u8)lo;
	ipi->mode = (lo >> 8) & 7;
	ipi->logical = (lo & BIT(11)) != 0;
	ipi->shorthand = (lo >> 18) & 3;
	/* IPIs of this version are edge-triggered; only INIT looks at the two bits, to ignore its deassert. */
	ipi->level = false;
	if (!vlapic_is_x2apic(v)) {
		dest >>= 24;
		if (dest == 0xff && !ipi->logical)
			dest = ~0u;
	}
	ipi->dest = dest;

	if (ipi->mode <= APIC_LOWEST && ipi->vector < 16) {
		vlapic_error(v, APIC_ESR_SEND_VECTOR);
		return VLAPIC_NONE;
	}
	if (ipi->mode == APIC_SMI || ipi->mode == 3 || ipi->mode == APIC_EXTINT)
		return VLAPIC_NONE;
	if (ipi->mode == APIC_INIT && (lo & BIT(15)) && !(lo & BIT(14)))
		return VLAPIC_NONE;

	switch (ipi->shorthand) {
	case APIC_SHORT_SELF:
	case APIC_SHORT_ALL:
		/* INIT and SIPI aren't valid with self: SDM "Valid Combinations for the ... ICR". */
		if (ipi->mode != APIC_INIT && ipi->mode != APIC_SIPI && vlapic_send_self(v, ipi))
			return VLAPIC_NONE;
		return ipi->shorthand == APIC_SHORT_ALL ? VLAPIC_IPI : VLAPIC_NONE;
	case APIC_SHORT_OTHERS: return VLAPIC_IPI;
	default: break;
	}
	if (!vlapic_match(v, dest, ipi->logical))
		return VLAPIC_IPI;
	if (vlapic_send_self(v, ipi))
		return VLAPIC_NONE;
	/* Physical IDs and x2APIC's logical IDs are unique; xAPIC's logical IDs may be shared. */
	if (dest == v->id && !ipi->logical)
		return VLAPIC_NONE;
	return ipi->logical && vlapic_is_x2apic(v) && dest == v->ldr ? VLAPIC_NONE : VLAPIC_IPI;
}

/* --- timer ----------------------------------------------------------------------------------------- */

static u64 vlapic_after(u64 now, u64 ticks)
{
	return now + ticks < now ? VLAPIC_NEVER : now + ticks;
}

void vlapic_tick(struct vlapic *v, u64 now)
{
	u64 period;

	if (likely(now < v->deadline) || v->deadline == VLAPIC_NEVER)
		return;
	if (vlapic_timer_mode(v) == APIC_TIMER_PERIODIC && v->tmict != 0) {
		period = (u64)v->tmict << v->timer_shift;
		if (period < VLAPIC_MIN_PERIOD)
			period *= VLAPIC_MIN_PERIOD / period + 1;
		v->deadline = vlapic_after(v->deadline, ((now - v->deadline) / period + 1) * period);
	} else {
		v->deadline = VLAPIC_NEVER;
	}
	vlapic_raise(v, LVT_TIMER);
}

void vlapic_tsc_moved(struct vlapic *v, u64 delta)
{
	if (v->deadline == VLAPIC_NEVER || vlapic_timer_mode(v) >= APIC_TIMER_DEADLINE)
		return;
	v->deadline += delta;
}

u32 vlapic_timer_count(const struct vlapic *v, u64 now)
{
	u64 period = (u64)v->tmict << v->timer_shift;
	u64 left;

	if (v->deadline == VLAPIC_NEVER || v->tmict == 0 || vlapic_timer_mode(v) >= APIC_TIMER_DEADLINE)
		return 0;
	if (now < v->deadline)
		left = (v->deadline - now - 1) % period + 1; /* merged periods each count down from TMICT */
	else if (vlapic_timer_mode(v) == APIC_TIMER_PERIODIC)
		left = period - (now - v->deadline) % period;
	else
		return 0;
	return (u32)((left + (1u << v->timer_shift) - 1) >> v->timer_shift);
}

void vlapic_timer_start(struct vlapic *v, u32 count, u64 now)
{
	if (vlapic_timer_mode(v) >= APIC_TIMER_DEADLINE)
		return; /* writes are ignored in this mode */
	v->tmict = count;
	v->deadline = count == 0 ? VLAPIC_NEVER : vlapic_after(now, (u64)count << v->timer_shift);
}

void vlapic_timer_divide(struct vlapic *v, u32 tdcr, u64 now)
{
	u32 left;

	vlapic_tick(v, now);
	left = vlapic_timer_count(v, now);
	v->tdcr = tdcr & 0xb;
	v->timer_shift = (((tdcr & 3) | (tdcr >> 1 & 4)) + 1) & 7;
	if (left != 0)
		v->deadline = vlapic_after(now, (u64)left << v->timer_shift);
}

void vlapic_timer_lvt(struct vlapic *v, u32 value, u64 now)
{
	bool was, is;

	vlapic_tick(v, now); /* an expiry before this write happened under the old mask and mode */
	was = vlapic_timer_mode(v) >= APIC_TIMER_DEADLINE;
	v->lvt[LVT_TIMER] = value;
	is = vlapic_timer_mode(v) >= APIC_TIMER_DEADLINE;
	if (was != is) {
		v->deadline = VLAPIC_NEVER;
		v->tmict = 0;
	}
}
