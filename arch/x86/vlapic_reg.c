/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/vlapic_reg.c: the virtual local APIC's registers, by xAPIC page, x2APIC MSR and virtual-APIC page. */
#include "arch/x86/vlapic_priv.h"
#include "hv/lib/string.h"

/* Bits of an LVT entry that software writes: SDM figure "Local Vector Table (LVT)". */
static const u32 vlapic_lvt_rw[LVT_COUNT] = {
	[LVT_TIMER] = 0x700ff, [LVT_THERMAL] = 0x107ff, [LVT_PERF] = 0x107ff,
	[LVT_LINT0] = 0x1a7ff, [LVT_LINT1] = 0x1a7ff,	[LVT_ERROR] = 0x100ff,
};
/* Read-only bits, which x2APIC writes may carry back without #GP: delivery status, remote IRR. */
#define VLAPIC_LVT_RO	(BIT(12) | BIT(14))
#define VLAPIC_SVR_RW	0x13ffu
#define VLAPIC_ICR_RW	0xccfffu
#define VLAPIC_ICR_BUSY BIT(12)
#define VLAPIC_TDCR_RW	0xbu

/* Processor-wide arbitration priority of the P6 family; later CPUs keep the register without using it. */
static u32 vlapic_apr(const struct vlapic *v)
{
	int irrv = vec_top(&v->irr);
	int isrv = vec_top(&v->isr);
	int irr_class = irrv < 0 ? 0 : irrv >> 4;
	int isr_class = isrv < 0 ? 0 : isrv >> 4;

	if (v->tpr >> 4 >= irr_class && v->tpr >> 4 > isr_class)
		return v->tpr;
	return (u32)MAX(MAX(v->tpr >> 4, irr_class), isr_class) << 4;
}

/* The registers that read alike in both modes. False: no such register. */
static bool vlapic_get(struct vlapic *v, u32 off, u32 *value, u64 now)
{
	u32 n = (off >> 4) & 7;

	switch (off) {
	case APIC_VERSION: *value = APIC_VERSION_VALUE; return true;
	case APIC_TPR: *value = v->tpr; return true;
	case APIC_PPR: *value = vlapic_ppr(v); return true;
	case APIC_LDR: *value = v->ldr; return true;
	case APIC_SVR: *value = v->svr; return true;
	case APIC_ESR: *value = v->esr; return true;
	case APIC_TMICT: *value = v->tmict; return true;
	case APIC_TMCCR:
		vlapic_tick(v, now);
		*value = vlapic_timer_count(v, now);
		return true;
	case APIC_TDCR: *value = v->tdcr; return true;
	case APIC_ISR ... APIC_ISR + 0x70: *value = v->isr.w[n]; return true;
	case APIC_TMR ... APIC_TMR + 0x70: *value = v->tmr[n]; return true;
	case APIC_IRR ... APIC_IRR + 0x70: *value = v->irr.w[n]; return true;
	case APIC_LVT ... APIC_LVT + 0x50: *value = v->lvt[(off - APIC_LVT) >> 4]; return true;
	default: return false;
	}
}

u32 vlapic_read(struct vlapic *v, u32 off, u64 now)
{
	u32 value = 0;

	off &= 0xff0;
	if (!vlapic_is_xapic(v))
		return ~0u;
	switch (off) {
	case APIC_ID: return v->id << 24;
	case APIC_APR: return vlapic_apr(v);
	case APIC_EOI:
	case APIC_RRD: return 0;
	case APIC_DFR: return v->dfr;
	case APIC_ICR: return (u32)v->icr;
	case APIC_ICR2: return (u32)(v->icr >> 32);
	default:
		if (!vlapic_get(v, off, &value, now))
			vlapic_error(v, APIC_ESR_REGISTER);
		return value;
	}
}

static void vlapic_set_svr(struct vlapic *v, u32 value, u64 now)
{
	vlapic_tick(v, now); /* before the LVT is masked */
	v->svr = value & VLAPIC_SVR_RW;
	if (!(value & APIC_SVR_ENABLE))
		for (unsigned i = 0; i < LVT_COUNT; i++)
			v->lvt[i] |= APIC_LVT_MASKED;
}

static enum vlapic_act vlapic_set_lvt(struct vlapic *v, unsigned i, u32 value, u64 now)
{
	value &= vlapic_lvt_rw[i];
	if (!(v->svr & APIC_SVR_ENABLE))
		value |= APIC_LVT_MASKED;
	if (i == LVT_TIMER) {
		vlapic_timer_lvt(v, value, now);
		return VLAPIC_TIMER;
	}
	v->lvt[i] = value;
	return VLAPIC_NONE;
}

/* The registers that are written alike in both modes, reserved bits dropped. False: no such register. */
static bool vlapic_put(struct vlapic *v, u32 off, u32 value, u64 now, enum vlapic_act *act)
{
	*act = VLAPIC_NONE;
	switch (off) {
	case APIC_TPR: v->tpr = (u8)value; return true;
	case APIC_SVR:
		vlapic_set_svr(v, value, now);
		*act = VLAPIC_TIMER; /* masking the LVT stops it */
		return true;
	case APIC_ESR:
		v->esr = v->esr_pending;
		v->esr_pending = 0;
		return true;
	case APIC_LVT ... APIC_LVT + 0x50: *act = vlapic_set_lvt(v, (off - APIC_LVT) >> 4, value, now); return true;
	case APIC_TMICT:
		vlapic_tick(v, now);
		vlapic_timer_start(v, value, now);
		*act = VLAPIC_TIMER;
		return true;
	case APIC_TDCR:
		vlapic_timer_divide(v, value, now);
		*act = VLAPIC_TIMER;
		return true;
	default: return false;
	}
}

enum vlapic_act vlapic_write(struct vlapic *v, u32 off, u32 value, u64 now, struct vlapic_ipi *ipi)
{
	enum vlapic_act act;
	u32 ignored;

	off &= 0xff0;
	if (!vlapic_is_xapic(v))
		return VLAPIC_NONE;
	switch (off) {
	case APIC_EOI: return vlapic_end(v, ipi);
	case APIC_ICR:
		v->icr = (v->icr & BITS(63, 32)) | (value & VLAPIC_ICR_RW & ~VLAPIC_ICR_BUSY);
		return vlapic_send(v, ipi);
	case APIC_ICR2: v->icr = (v->icr & BITS(31, 0)) | (u64)(value & 0xff000000u) << 32; return VLAPIC_NONE;
	case APIC_LDR: v->ldr = value & 0xff000000u; return VLAPIC_NONE;
	case APIC_DFR: v->dfr = value | 0x0fffffffu; return VLAPIC_NONE;
	case APIC_ID:
	case APIC_APR:
	case APIC_RRD: return VLAPIC_NONE; /* read-only, as on CPUs of this APIC version */
	default: break;
	}
	if (!vlapic_put(v, off, value, now, &act) && !vlapic_get(v, off, &ignored, now))
		vlapic_error(v, APIC_ESR_REGISTER);
	return act;
}

/* --- MSRs ------------------------------------------------------------------------------------------ */

bool vlapic_rdmsr(struct vlapic *v, u32 msr, u64 *value, u64 now)
{
	u32 lo;

	if (msr == MSR_IA32_APIC_BASE) {
		*value = v->base;
		return true;
	}
	if (msr == MSR_IA32_TSC_DEADLINE) {
		vlapic_tick(v, now);
		*value = vlapic_timer_mode(v) == APIC_TIMER_DEADLINE && v->deadline != VLAPIC_NEVER ? v->deadline : 0;
		return true;
	}
	if (msr < MSR_X2APIC_FIRST || msr > MSR_X2APIC_LAST || !vlapic_is_x2apic(v))
		return false;
	if (msr == MSR_X2APIC_FIRST + (APIC_ID >> 4)) {
		*value = v->id;
		return true;
	}
	if (msr == MSR_X2APIC_FIRST + (APIC_ICR >> 4)) {
		*value = v->icr;
		return true;
	}
	if (!vlapic_get(v, (msr - MSR_X2APIC_FIRST) << 4, &lo, now))
		return false;
	*value = lo;
	return true;
}

/* IA32_APIC_BASE: only the transitions of SDM figure "Local x2APIC State Transitions". */
static bool vlapic_set_base(struct vlapic *v, u64 value, enum vlapic_act *act)
{
	u64 old = v->base;
	u64 mode = value & (APIC_BASE_EN | APIC_BASE_EXTD);
	u64 was = old & (APIC_BASE_EN | APIC_BASE_EXTD);
	u64 valid = APIC_BASE_BSP | APIC_BASE_EN | APIC_BASE_EXTD | (BITS(v->phys_bits - 1, 0) & ~BITS(11, 0));

	if ((value & ~valid) || mode == APIC_BASE_EXTD)
		return false;
	if (was == (APIC_BASE_EN | APIC_BASE_EXTD) && mode == APIC_BASE_EN)
		return false;
	if (was == 0 && mode == (APIC_BASE_EN | APIC_BASE_EXTD))
		return false;
	if (value == old)
		return true;
	v->base = value;
	if (was != mode && mode == 0) {
		vlapic_reset(v); /* it comes back as after power-on */
	} else if (was != mode && (mode & APIC_BASE_EXTD)) {
		v->ldr = (v->id >> 4) << 16 | 1u << (v->id & 15);
		v->icr &= BITS(31, 0);
	}
	*act = VLAPIC_MODE;
	return true;
}

static bool vlapic_set_tsc_deadline(struct vlapic *v, u64 value, u64 now, enum vlapic_act *act)
{
	if (vlapic_timer_mode(v) != APIC_TIMER_DEADLINE)
		return true; /* ignored */
	v->deadline = value == 0 ? VLAPIC_NEVER : value;
	if (now >= v->deadline)
		vlapic_tick(v, now);
	*act = VLAPIC_TIMER;
	return true;
}

/* Bits that a 32-bit x2APIC register takes without #GP; 0 for registers that only take 0 or nothing. */
static u32 vlapic_x2_valid(u32 off)
{
	switch (off) {
	case APIC_TPR: return 0xff;
	case APIC_SVR: return VLAPIC_SVR_RW;
	case APIC_TMICT: return ~0u;
	case APIC_TDCR: return VLAPIC_TDCR_RW;
	case APIC_LVT ... APIC_LVT + 0x50: return vlapic_lvt_rw[(off - APIC_LVT) >> 4] | VLAPIC_LVT_RO;
	default: return 0;
	}
}

static bool vlapic_x2_write(struct vlapic *v, u32 off, u64 value, u64 now, enum vlapic_act *act)
{
	if (value & ~(u64)vlapic_x2_valid(off))
		return false;
	return vlapic_put(v, off, (u32)value, now, act);
}

bool vlapic_wrmsr(struct vlapic *v, u32 msr, u64 value, u64 now, struct vlapic_ipi *ipi, enum vlapic_act *act)
{
	*act = VLAPIC_NONE;
	if (msr == MSR_IA32_TSC_DEADLINE)
		return vlapic_set_tsc_deadline(v, value, now, act);
	if (msr == MSR_IA32_APIC_BASE)
		return vlapic_set_base(v, value, act);
	if (msr < MSR_X2APIC_FIRST || msr > MSR_X2APIC_LAST || !vlapic_is_x2apic(v))
		return false;
	switch ((msr - MSR_X2APIC_FIRST) << 4) {
	case APIC_EOI:
		if (value != 0)
			return false;
		*act = vlapic_end(v, ipi);
		return true;
	case APIC_ICR:
		if (value & BITS(31, 0) & ~(u64)(VLAPIC_ICR_RW | VLAPIC_ICR_BUSY))
			return false;
		v->icr = value & ~VLAPIC_ICR_BUSY;
		*act = vlapic_send(v, ipi);
		return true;
	case APIC_SELF:
		if (value > 0xff)
			return false;
		vlapic_accept(v, APIC_FIXED, (u8)value, false);
		return true;
	default: return vlapic_x2_write(v, (msr - MSR_X2APIC_FIRST) << 4, value, now, act);
	}
}

/* --- the virtual-APIC page --------------------------------------------------------------------------- */

static void vlapic_page_put(void *page, u32 off, u32 value)
{
	memcpy((u8 *)page + off, &value, sizeof(value));
}

static u32 vlapic_page_get(const void *page, u32 off)
{
	u32 value;

	memcpy(&value, (const u8 *)page + off, sizeof(value));
	return value;
}

void vlapic_to_page(const struct vlapic *v, void *page)
{
	memset(page, 0, PAGE_SIZE);
	vlapic_page_put(page, APIC_ID, vlapic_is_x2apic(v) ? v->id : v->id << 24);
	vlapic_page_put(page, APIC_VERSION, APIC_VERSION_VALUE);
	vlapic_page_put(page, APIC_TPR, v->tpr);
	vlapic_page_put(page, APIC_PPR, vlapic_ppr(v));
	vlapic_page_put(page, APIC_LDR, v->ldr);
	vlapic_page_put(page, APIC_DFR, v->dfr);
	vlapic_page_put(page, APIC_SVR, v->svr);
	vlapic_page_put(page, APIC_ESR, v->esr);
	vlapic_page_put(page, APIC_ICR, (u32)v->icr);
	vlapic_page_put(page, APIC_ICR2, (u32)(v->icr >> 32));
	vlapic_page_put(page, APIC_TMICT, v->tmict);
	vlapic_page_put(page, APIC_TDCR, v->tdcr);
	for (u32 i = 0; i < LVT_COUNT; i++)
		vlapic_page_put(page, APIC_LVT + i * 16, v->lvt[i]);
	for (u32 i = 0; i < 8; i++) {
		vlapic_page_put(page, APIC_ISR + i * 16, v->isr.w[i]);
		vlapic_page_put(page, APIC_TMR + i * 16, v->tmr[i]);
		vlapic_page_put(page, APIC_IRR + i * 16, v->irr.w[i]);
	}
}

void vlapic_from_page(struct vlapic *v, const void *page)
{
	v->tpr = (u8)vlapic_page_get(page, APIC_TPR);
	v->irr.words = 0;
	v->isr.words = 0;
	for (u32 i = 0; i < 8; i++) {
		u32 legal = i == 0 ? 0xffff0000u : ~0u;

		v->isr.w[i] = vlapic_page_get(page, APIC_ISR + i * 16) & legal;
		v->irr.w[i] = vlapic_page_get(page, APIC_IRR + i * 16) & legal;
		v->tmr[i] = vlapic_page_get(page, APIC_TMR + i * 16) & legal;
		v->isr.words |= (v->isr.w[i] != 0) << i;
		v->irr.words |= (v->irr.w[i] != 0) << i;
	}
}
