/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/vgic_reg.c: the registers of a guest's distributor (GICv2, GICv3), redistributors, and SGIs (GICv3). */
#include "arch/arm64/vgic_priv.h"

/* Offsets in the distributor; those from IGROUPR to ICFGR also in a redistributor's second frame. */
#define GICD_CTLR	0x000u
#define GICD_TYPER	0x004u
#define GICD_IIDR	0x008u
#define GICD_IGROUPR	0x080u
#define GICD_ISENABLER	0x100u
#define GICD_ICENABLER	0x180u
#define GICD_ISPENDR	0x200u
#define GICD_ICPENDR	0x280u
#define GICD_ISACTIVER	0x300u
#define GICD_ICACTIVER	0x380u
#define GICD_IPRIORITYR 0x400u
#define GICD_ITARGETSR	0x800u /* GICv2 */
#define GICD_ICFGR	0xc00u
#define GICD_SGIR	0xf00u /* GICv2 */
#define GICD_CPENDSGIR	0xf10u
#define GICD_SPENDSGIR	0xf20u
#define GICD_PIDR2_V2	0xfe8u
#define GICD_IROUTER	0x6000u /* GICv3 */
#define GICD_PIDR2	0xffe8u

#define GICR_CTLR      0x0000u
#define GICR_IIDR      0x0004u
#define GICR_TYPER     0x0008u
#define GICR_TYPER_HI  0x000cu
#define GICR_WAKER     0x0014u
#define GICR_PIDR2     0xffe8u
#define GICR_SGI_FRAME 0x10000u

#define GICD_CTLR_ENABLES 0x3u	/* EnableGrp0, EnableGrp1                        */
#define GICD_CTLR_FIXED	  0x50u /* GICv3: ARE, and DS: one security state        */
#define GICD_TYPER_LINES  (VGIC_LINES / 32 - 1)
#define GICD_TYPER_CPUS	  BITS(7, 5)
#define GICD_TYPER_IDBITS (9u << 19)  /* GICv3: 10 bits of INTID                 */
#define GICD_TYPER_NO1N	  (1u << 25)  /* GICv3: no 1 of N distribution of an SPI */
#define GIC_IIDR	  0x5400043bu /* product 'T', Arm's architecture         */
#define GIC_PIDR2_V3	  0x3bu
#define GIC_PIDR2_V2	  0x2bu
#define GICR_TYPER_LAST	  BIT(4)
#define GICR_WAKER_SLEEP  2u /* ProcessorSleep; ChildrenAsleep follows in bit 2 */
#define GICD_ROUTE_MASK	  0xffffffu
#define GICD_SGIR_FILTER  BITS(25, 24)
#define GICD_SGIR_TARGETS BITS(23, 16)
#define SGIR_TARGETS	  BITS(15, 0)
#define SGIR_INTID	  BITS(27, 24)
#define SGIR_IRM	  BIT(40)
#define SGIR_AFFINITY	  (BITS(55, 48) | BITS(39, 32) | BITS(23, 16) | BITS(47, 44)) /* Aff3 to Aff1, RS */

#define VGIC_SGI_MASK	0xffffu
#define VGIC_PRIO_MASK	0xf8u	     /* 32 priorities, as list registers have them at least */
#define VGIC_BLOCK(off) ((off) >> 7) /* registers of a bit for each interrupt have 128 bytes */
static_assert(VGIC_BLOCK(GICD_IGROUPR) == 1 && VGIC_BLOCK(GICD_ICACTIVER) == 7, "blocks");
static_assert(FIELD(SGIR_INTID, 0x0500000000000003u | 7u << 24) == 7, "SGI1R");

/* As GICD_ISPENDR reads. */
static NOINLINE u32 vgic_pending(struct vgic_cpu *c, unsigned k)
{
	struct vgic_bank *b = vgic_bank(c, k);
	unsigned i;
	u32 v;

	vgic_gather(c, k, ~0u);
	if (k == 0)
		vgic_hw_settle(c);
	v = vgic_asks(b);

	for_each_bit (i, b->listed) {
		struct vgic_cpu *t = c->vgic->cpu[b->lr[i] >> 4];
		u32 bit = 1u << i, wire = b->line & b->level & bit;
		unsigned n = b->lr[i] & 15;

		if (!(t->lr_pend & 1u << n))
			v = (v & ~bit) | wire | (b->pending & bit); /* active, and as hardware too, maybe */
		else if (!vgic_hw->lr_pending(vgic_lr_get(t, n)) &&
			 !(vgic_is_sourced(c, k * 32 + i) && (c->sources[i] & ~(1u << c->source[i]))))
			v = (v & ~bit) | wire; /* taken */
	}
	return v;
}

/* As GICD_ISACTIVER reads. */
static NOINLINE u32 vgic_active(struct vgic_cpu *c, unsigned k)
{
	struct vgic_bank *b = vgic_bank(c, k);
	unsigned i;
	u32 v;

	vgic_gather(c, k, ~0u);
	if (c->hidden)
		vgic_count(c);
	v = b->active;

	for_each_bit (i, b->listed) {
		struct vgic_cpu *t = c->vgic->cpu[b->lr[i] >> 4];

		if (vgic_hw->lr_active(vgic_lr_get(t, b->lr[i] & 15)))
			v |= 1u << i;
	}
	return v;
}

static u32 vgic_bits_read(struct vgic_cpu *c, unsigned block, unsigned k)
{
	switch (block) {
	case VGIC_BLOCK(GICD_IGROUPR): return vgic_bank(c, k)->group1;
	case VGIC_BLOCK(GICD_ISENABLER):
	case VGIC_BLOCK(GICD_ICENABLER): return vgic_bank(c, k)->enabled;
	case VGIC_BLOCK(GICD_ISPENDR):
	case VGIC_BLOCK(GICD_ICPENDR): return vgic_pending(c, k);
	default: return vgic_active(c, k);
	}
}

/* Which of @v make a difference. */
static u32 vgic_bits_changed(struct vgic_cpu *c, unsigned block, unsigned k, u32 v)
{
	const struct vgic_bank *b = vgic_bank(c, k);

	switch (block) {
	case VGIC_BLOCK(GICD_IGROUPR): return v ^ b->group1;
	case VGIC_BLOCK(GICD_ISENABLER): return v & ~b->enabled;
	case VGIC_BLOCK(GICD_ICENABLER): return v & b->enabled;
	case VGIC_BLOCK(GICD_ISPENDR):
	case VGIC_BLOCK(GICD_ICPENDR): return k == 0 && !c->vgic->v3 ? v & ~VGIC_SGI_MASK : v;
	default: return v;
	}
}

/* Nobody has acknowledged SPIs @mask: who would have got them is to end them. */
static void vgic_adopt(struct vgic_cpu *c, unsigned k, u32 mask)
{
	const struct vgic *g = c->vgic;
	unsigned i;

	for (unsigned t = 0; k != 0 && t < g->nvcpus; t++)
		for_each_bit (i, mask & g->spis->mine[k - 1][t])
			vgic_bank(c, k)->lr[i] = (u8)(t << 4);
}

static void vgic_bits_write(struct vgic_cpu *c, unsigned block, unsigned k, u32 v)
{
	struct vgic_bank *b = vgic_bank(c, k);
	u32 mask, taken;

	vgic_gather(c, k, block == VGIC_BLOCK(GICD_IGROUPR) ? ~0u : v);
	mask = vgic_bits_changed(c, block, k, v);
	if (mask == 0)
		return;
	taken = vgic_take(c, k, mask);
	switch (block) {
	case VGIC_BLOCK(GICD_IGROUPR): b->group1 ^= mask; break;
	case VGIC_BLOCK(GICD_ISENABLER): b->enabled |= mask; break;
	case VGIC_BLOCK(GICD_ICENABLER): b->enabled &= ~mask; break;
	case VGIC_BLOCK(GICD_ISPENDR): b->pending |= mask; break;
	case VGIC_BLOCK(GICD_ICPENDR):
		b->pending &= ~mask;
		vgic_hw_drop(c, k, mask & ~b->active);
		break;
	case VGIC_BLOCK(GICD_ISACTIVER):
		vgic_adopt(c, k, mask & ~(b->active | taken));
		b->active |= mask;
		break;
	default:
		vgic_hw_drop(c, k, mask & b->active);
		b->active &= ~mask;
		break;
	}
	vgic_give(c, k, mask, taken);
}

/* Of interrupt @intid on, a byte each; the caller has checked that @intid + @size is in the bank. */
static u32 vgic_prio_read(struct vgic_cpu *c, unsigned intid, unsigned size)
{
	const u8 *p = vgic_bank(c, intid / 32)->priority + intid % 32;

	return size == 1 ? p[0] : p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

static void vgic_prio_write(struct vgic_cpu *c, unsigned intid, unsigned size, u32 v)
{
	u8 *p = vgic_bank(c, intid / 32)->priority;
	unsigned first = intid % 32;
	u32 mask = 0, taken;

	vgic_gather(c, intid / 32, ((1u << size) - 1) << first);
	for (unsigned i = 0; i < size; i++)
		if (p[first + i] != (v >> 8 * i & VGIC_PRIO_MASK))
			mask |= 1u << (first + i);
	if (mask == 0)
		return;
	taken = vgic_take(c, intid / 32, mask);
	for (unsigned i = 0; i < size; i++)
		p[first + i] = (u8)(v >> 8 * i & VGIC_PRIO_MASK);
	vgic_give(c, intid / 32, mask, taken);
}

/* Word @n: 16 interrupts, two bits each, the upper one says edge. */
static u32 vgic_cfg_read(struct vgic_cpu *c, unsigned n)
{
	u32 v = ~vgic_bank(c, n / 2)->level >> n % 2 * 16 & 0xffff;

	v = (v | v << 8) & 0x00ff00ff;
	v = (v | v << 4) & 0x0f0f0f0f;
	v = (v | v << 2) & 0x33333333;
	v = (v | v << 1) & 0x55555555;
	return v << 1;
}

static void vgic_cfg_write(struct vgic_cpu *c, unsigned n, u32 v)
{
	struct vgic_bank *b = vgic_bank(c, n / 2);
	u32 mask, taken;

	if (n == 0)
		return;
	v = v >> 1 & 0x55555555;
	v = (v | v >> 1) & 0x33333333;
	v = (v | v >> 2) & 0x0f0f0f0f;
	v = (v | v >> 4) & 0x00ff00ff;
	v = (v | v >> 8) & 0xffff;
	vgic_gather(c, n / 2, 0xffffu << n % 2 * 16);
	mask = (~b->level ^ v << n % 2 * 16) & 0xffffu << n % 2 * 16;
	if (mask == 0)
		return;
	taken = vgic_take(c, n / 2, mask);
	b->level ^= mask;
	vgic_give(c, n / 2, mask, taken);
}

/* GICv2's registers of bytes beyond the priorities. An SGI's or PPI's target is who asks. */
static u32 vgic_byte_read(struct vgic_cpu *c, u32 off)
{
	u32 intid = off - GICD_ITARGETSR;

	if (off >= GICD_CPENDSGIR && off < GICD_SPENDSGIR + 16) {
		vgic_give(c, 0, VGIC_SGI_MASK, vgic_take(c, 0, VGIC_SGI_MASK));
		return c->sources[off % 16];
	}
	if (intid < VGIC_SPI)
		return 1u << c->id;
	return intid < VGIC_LINES ? c->vgic->spis->route[intid - VGIC_SPI] : 0;
}

static void vgic_byte_write(struct vgic_cpu *c, u32 off, u32 v)
{
	u32 intid = off - GICD_ITARGETSR;

	v &= (1u << c->vgic->nvcpus) - 1;
	if (off >= GICD_SPENDSGIR && off < GICD_SPENDSGIR + 16) {
		for (; v != 0; v &= v - 1)
			vgic_sgi_set(c, off % 16, (u32)__builtin_ctz(v));
	} else if (off >= GICD_CPENDSGIR && off < GICD_SPENDSGIR) {
		vgic_sgi_clear(c, off % 16, v);
	} else if (intid >= VGIC_SPI && intid < VGIC_LINES) {
		vgic_route(c, intid, v, v ? (u32)__builtin_ctz(v) : VGIC_MAX_VCPUS);
	}
}

static u32 vgic_v2_read(struct vgic_cpu *c, u32 off, unsigned size)
{
	u32 v = 0;

	if (off == GICD_PIDR2_V2 && size == 4)
		return GIC_PIDR2_V2;
	if (size > 4)
		return 0;
	for (unsigned i = 0; i < size; i++)
		v |= vgic_byte_read(c, off + i) << 8 * i;
	return v;
}

static void vgic_v2_write(struct vgic_cpu *c, u32 off, unsigned size, u32 v)
{
	struct vgic *g = c->vgic;
	u32 all = (1u << g->nvcpus) - 1, targets = 0;

	if (off != GICD_SGIR) {
		for (unsigned i = 0; i < size && size <= 4; i++)
			vgic_byte_write(c, off + i, v >> 8 * i & 0xff);
		return;
	}
	if (size != 4)
		return;
	switch (FIELD(GICD_SGIR_FILTER, v)) {
	case 0: targets = (u32)FIELD(GICD_SGIR_TARGETS, v) & all; break;
	case 1: targets = all & ~(1u << c->id); break;
	case 2: targets = 1u << c->id; break;
	}
	for (; targets != 0; targets &= targets - 1) {
		struct vgic_cpu *t = g->cpu[__builtin_ctz(targets)];

		if (t)
			vgic_sgi_set(t, v % 16, c->id);
	}
}

/* Where GICv3 has registers that GICv2 has not: routes and identification. */
static u64 vgic_v3_read(struct vgic_cpu *c, u32 off, unsigned size)
{
	u32 intid = (off - GICD_IROUTER) / 8;

	if (off == GICD_PIDR2)
		return size == 4 ? GIC_PIDR2_V3 : 0;
	if (off < GICD_IROUTER || intid < VGIC_SPI || intid >= VGIC_LINES || size < 4 || off & 4)
		return 0;
	return c->vgic->spis->route[intid - VGIC_SPI];
}

static void vgic_v3_write(struct vgic_cpu *c, u32 off, unsigned size, u64 v)
{
	u32 intid = (off - GICD_IROUTER) / 8, route = (u32)v & GICD_ROUTE_MASK;

	if (off < GICD_IROUTER || intid < VGIC_SPI || intid >= VGIC_LINES || size < 4 || off & 4)
		return;
	vgic_route(c, intid, route, route);
}

static u32 vgic_dist_ctl(struct vgic_cpu *c, u32 off)
{
	const struct vgic *g = c->vgic;

	switch (off) {
	case GICD_CTLR: return g->v3 ? g->ctlr | GICD_CTLR_FIXED : g->ctlr;
	case GICD_TYPER:
		return g->v3 ? GICD_TYPER_LINES | GICD_TYPER_IDBITS | GICD_TYPER_NO1N
			     : GICD_TYPER_LINES | (u32)FIELD_PUT(GICD_TYPER_CPUS, g->nvcpus - 1);
	case GICD_IIDR: return GIC_IIDR;
	default: return 0; /* GICD_TYPER2 and GICD_STATUSR among them */
	}
}

/* Registers that distributor and redistributor have, of banks @first and up to @end, not included. */
static u64 vgic_shared_read(struct vgic_cpu *c, u32 off, unsigned size, unsigned first, unsigned end)
{
	unsigned block = VGIC_BLOCK(off), k = (off & 0x7f) / 4;

	if (block >= VGIC_BLOCK(GICD_IGROUPR) && block <= VGIC_BLOCK(GICD_ICACTIVER))
		return size == 4 && k >= first && k < end ? vgic_bits_read(c, block, k) : 0;
	if (off >= GICD_IPRIORITYR && off < GICD_IPRIORITYR + VGIC_LINES) {
		k = (off - GICD_IPRIORITYR) / 32;
		return (size == 4 || size == 1) && k >= first && k < end
			       ? vgic_prio_read(c, off - GICD_IPRIORITYR, size)
			       : 0;
	}
	if (off >= GICD_ICFGR && off < GICD_ICFGR + VGIC_LINES / 4) {
		k = (off - GICD_ICFGR) / 8;
		return size == 4 && k >= first && k < end ? vgic_cfg_read(c, (off - GICD_ICFGR) / 4) : 0;
	}
	return 0;
}

static void vgic_shared_write(struct vgic_cpu *c, u32 off, unsigned size, u32 v, unsigned first, unsigned end)
{
	unsigned block = VGIC_BLOCK(off), k = (off & 0x7f) / 4;

	if (block >= VGIC_BLOCK(GICD_IGROUPR) && block <= VGIC_BLOCK(GICD_ICACTIVER)) {
		if (size == 4 && k >= first && k < end)
			vgic_bits_write(c, block, k, v);
	} else if (off >= GICD_IPRIORITYR && off < GICD_IPRIORITYR + VGIC_LINES) {
		k = (off - GICD_IPRIORITYR) / 32;
		if ((size == 4 || size == 1) && k >= first && k < end)
			vgic_prio_write(c, off - GICD_IPRIORITYR, size, v);
	} else if (off >= GICD_ICFGR && off < GICD_ICFGR + VGIC_LINES / 4) {
		k = (off - GICD_ICFGR) / 8;
		if (size == 4 && k >= first && k < end)
			vgic_cfg_write(c, (off - GICD_ICFGR) / 4, v);
	}
}

static bool vgic_is_v2_only(u32 off)
{
	return (off >= GICD_ITARGETSR && off < GICD_ICFGR) || (off >= GICD_SGIR && off < 0x1000);
}

static u64 vgic_dist_read(struct vgic_cpu *c, u32 off, unsigned size)
{
	bool v3 = c->vgic->v3;

	if (off < GICD_IGROUPR)
		return size == 4 ? vgic_dist_ctl(c, off) : 0;
	if (vgic_is_v2_only(off))
		return v3 ? 0 : vgic_v2_read(c, off, size);
	if (off >= GICD_IROUTER)
		return v3 ? vgic_v3_read(c, off, size) : 0;
	/* With affinity routing, bank 0 is in the redistributors. */
	return vgic_shared_read(c, off, size, v3, VGIC_BANKS);
}

static void vgic_dist_write(struct vgic_cpu *c, u32 off, unsigned size, u64 v)
{
	bool v3 = c->vgic->v3;

	if (off < GICD_IGROUPR) {
		if (off == GICD_CTLR && size == 4)
			vgic_set_ctlr(c, (u32)v & GICD_CTLR_ENABLES);
	} else if (vgic_is_v2_only(off)) {
		if (!v3)
			vgic_v2_write(c, off, size, (u32)v);
	} else if (off >= GICD_IROUTER) {
		if (v3)
			vgic_v3_write(c, off, size, v);
	} else {
		vgic_shared_write(c, off, size, (u32)v, v3, VGIC_BANKS);
	}
}

/* @c: whose redistributor it is. */
static u64 vgic_redist_read(struct vgic_cpu *c, u32 off, unsigned size)
{
	u64 typer = (u64)c->id << 32 | (u64)c->id << 8 | (c->id + 1 == c->vgic->nvcpus ? GICR_TYPER_LAST : 0);

	if (off >= GICR_SGI_FRAME)
		return vgic_shared_read(c, off - GICR_SGI_FRAME, size, 0, 1);
	if (size == 8)
		return off == GICR_TYPER ? typer : 0;
	if (size != 4)
		return 0;
	switch (off) {
	case GICR_IIDR: return GIC_IIDR;
	case GICR_TYPER: return (u32)typer;
	case GICR_TYPER_HI: return typer >> 32;
	case GICR_WAKER: return c->waker;
	case GICR_PIDR2: return GIC_PIDR2_V3;
	default: return 0; /* GICR_CTLR among them: no LPIs */
	}
}

static void vgic_redist_write(struct vgic_cpu *c, u32 off, unsigned size, u32 v)
{
	if (off >= GICR_SGI_FRAME)
		vgic_shared_write(c, off - GICR_SGI_FRAME, size, v, 0, 1);
	else if (off == GICR_WAKER && size == 4)
		c->waker = (v & GICR_WAKER_SLEEP) * 3;
}

static bool vgic_is_odd(u64 gpa, unsigned size)
{
	return size == 0 || size > 8 || (size & (size - 1)) || !is_aligned(gpa, size);
}

static inline u64 vgic_read_locked(struct vgic_cpu *c, u64 gpa, unsigned size)
{
	const struct vgic *g = c->vgic;
	u64 off = gpa - g->gicd;

	if (off < VGIC_GICD_SIZE)
		return vgic_dist_read(c, (u32)off, size);
	off = gpa - g->gicr;
	if (!g->v3 || off >= (u64)VGIC_GICR_SIZE * g->nvcpus || !g->cpu[off / VGIC_GICR_SIZE])
		return 0;
	return vgic_redist_read(g->cpu[off / VGIC_GICR_SIZE], off % VGIC_GICR_SIZE, size);
}

u64 vgic_read(struct vgic_cpu *c, u64 gpa, unsigned size)
{
	u64 v;

	if (unlikely(vgic_is_odd(gpa, size)))
		return 0;
	vgic_enter(c);
	v = vgic_read_locked(c, gpa, size);
	vgic_unlock(c->vgic);
	return v;
}

static inline void vgic_write_locked(struct vgic_cpu *c, u64 gpa, unsigned size, u64 value)
{
	const struct vgic *g = c->vgic;
	u64 off = gpa - g->gicd;

	if (off < VGIC_GICD_SIZE) {
		vgic_dist_write(c, (u32)off, size, value);
		return;
	}
	off = gpa - g->gicr;
	if (!g->v3 || off >= (u64)VGIC_GICR_SIZE * g->nvcpus || !g->cpu[off / VGIC_GICR_SIZE])
		return;
	vgic_redist_write(g->cpu[off / VGIC_GICR_SIZE], off % VGIC_GICR_SIZE, size, (u32)value);
}

void vgic_write(struct vgic_cpu *c, u64 gpa, unsigned size, u64 value)
{
	if (unlikely(vgic_is_odd(gpa, size)))
		return;
	vgic_enter(c);
	vgic_write_locked(c, gpa, size, value);
	vgic_unlock(c->vgic);
}

void vgic_sgi(struct vgic_cpu *c, u64 value, bool group1)
{
	struct vgic *g = c->vgic;
	u32 intid = (u32)FIELD(SGIR_INTID, value), targets;

	if (!g->v3)
		return;
	if (value & SGIR_IRM)
		targets = ~(1u << c->id);
	else
		targets = value & SGIR_AFFINITY ? 0 : value & SGIR_TARGETS;
	vgic_enter(c);
	for (targets &= (1u << g->nvcpus) - 1; targets != 0; targets &= targets - 1) {
		struct vgic_cpu *t = g->cpu[__builtin_ctz(targets)];

		/* A group 0 request makes no group 1 interrupt. */
		if (t && (group1 || !(t->own.group1 & 1u << intid)))
			vgic_sgi_set(t, intid, c->id);
	}
	vgic_unlock(g);
}
