/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/vgic.c: a guest's interrupts: what is pending, and what of it stands in the CPU's list registers. */
#include "arch/arm64/vgic_priv.h"
#include "arch/arm64/gic.h"

const struct vgic_hw *vgic_hw;
unsigned vgic_nlr;

static void vgic_lr_set(struct vgic_cpu *c, unsigned n, u64 v)
{
	c->lr[n] = v;
	if (vgic_here(c))
		vgic_hw->lr_write(n, v);
}

/* The guest has acknowledged what list register said was pending: the latch is empty. */
static void vgic_taken(struct vgic_cpu *c, struct vgic_bank *b, unsigned intid)
{
	if (vgic_is_sourced(c, intid)) {
		c->sources[intid] &= ~(1u << c->source[intid]);
		if (c->sources[intid] != 0)
			return;
	}
	b->pending &= ~(1u << intid % 32);
}

struct vgic_cpu *vgic_unlist(struct vgic *g, struct vgic_bank *b, unsigned k, unsigned i)
{
	struct vgic_cpu *c = g->cpu[b->lr[i] >> 4];
	unsigned n = b->lr[i] & 15;
	u32 bit = 1u << i, lrbit = 1u << n;
	u64 lr = vgic_lr_get(c, n);
	bool pending = vgic_hw->lr_pending(lr);

	if (!pending && (c->lr_pend & lrbit))
		vgic_taken(c, b, k * 32 + i);
	if (vgic_hw->lr_active(lr)) {
		b->active |= bit;
	} else if (!pending && (b->hw & bit)) {
		/* Ended. Unless the list register has done it, the physical interrupt is ended here. */
		if (!(c->lr_hw & lrbit) && vgic_here(c))
			gic->deactivate(k * 32 + i);
		b->hw &= ~bit;
	}
	b->listed &= ~bit;
	c->lr_used &= ~lrbit;
	return c;
}

static inline u32 vgic_put_bit(u32 mask, u32 bit, bool on)
{
	return on ? mask | bit : mask & ~bit;
}

NOINLINE bool vgic_list(struct vgic_cpu *c, struct vgic_bank *b, unsigned k, unsigned i, unsigned n)
{
	u32 bit = 1u << i, lrbit = 1u << n, asks = vgic_asks(b) & bit;
	bool active = b->active & bit, more = false, hw, eoi;
	bool pending = asks & vgic_on(c->vgic, b) & vgic_mask(c, k);
	u8 source = 0;

	if (vgic_is_sourced(c, k * 32 + i) && (active || pending)) {
		if (!active)
			c->source[i] = (u8)__builtin_ctz(c->sources[i]);
		source = c->source[i];
		more = c->sources[i] & ~(1u << source);
		pending = pending && (c->sources[i] & 1u << source);
	}
	if (!active && !pending)
		return false;
	/* The architecture has no pending and active at once with HW; and only without HW an end is told. */
	hw = (b->hw & bit) && !(active && pending) && c->nlr > 1 && !vgic_hw_broken;
	/* Come back for what is left when the guest has ended it. */
	eoi = !hw && (more || (b->level & b->line & bit) || (b->hw & bit) || (asks && !pending) || c->nlr < 2);
	b->active &= ~bit;
	b->listed |= bit;
	b->lr[i] = (u8)(c->id << 4 | n);
	c->lr_intid[n] = (u16)(k * 32 + i);
	c->lr_used |= lrbit;
	c->lr_pend = vgic_put_bit(c->lr_pend, lrbit, pending);
	c->lr_hw = vgic_put_bit(c->lr_hw, lrbit, hw);
	c->lr_eoi = vgic_put_bit(c->lr_eoi, lrbit, eoi);
	c->lr_same = vgic_put_bit(c->lr_same, lrbit, pending && !active && !eoi);
	vgic_lr_set(c, n,
		    vgic_hw->lr_make(k * 32 + i, b->priority[i], b->group1 & bit, pending, active, eoi, hw, source));
	return true;
}

/* @c may sleep, and has got something. A VM's only vCPU is woken by who has sent it. */
static inline void vgic_tell(struct vgic_cpu *c)
{
	struct vgic *g = c->vgic;

	if (g->nvcpus < 2)
		return;
	g->kick |= (u8)(1u << c->id);
}

static inline void vgic_look(struct vgic_cpu *c, unsigned k)
{
	c->look |= (u8)(1u << k);
	c->todo = true;
	vgic_tell(c);
}

/* vgic_list for the most frequent: a wanted edge, nothing active, no hardware, no sender, end of no interest. */
static void vgic_list_plain(struct vgic_cpu *c, struct vgic_bank *b, unsigned k, unsigned i, unsigned n)
{
	u32 bit = 1u << i, lrbit = 1u << n;

	b->listed |= bit;
	b->lr[i] = (u8)(c->id << 4 | n);
	c->lr_intid[n] = (u16)(k * 32 + i);
	c->lr_used |= lrbit;
	c->lr_pend |= lrbit;
	c->lr_same |= lrbit;
	c->lr_hw &= ~lrbit;
	c->lr_eoi &= ~lrbit;
	c->lr[n] = vgic_hw->lr_make(k * 32 + i, b->priority[i], b->group1 & bit, true, false, false, false, 0);
	vgic_hw->lr_write(n, c->lr[n]);
}

/* Interrupt @i of bank @k is new to @c: straight into a list register if nothing else waits for one. */
static inline void vgic_offer(struct vgic_cpu *c, struct vgic_bank *b, unsigned k, unsigned i)
{
	u32 bit = 1u << i, free = ((1u << c->nlr) - 1) & ~c->lr_used;

	if (!(vgic_wants(c, k) & bit))
		return;
	if (!vgic_here(c) || c->look != 0 || free == 0)
		vgic_look(c, k);
	else if (((b->active | b->level | b->hw) & bit) || c->nlr < 2 || vgic_is_sourced(c, k * 32 + i))
		vgic_list(c, b, k, i, (unsigned)__builtin_ctz(free));
	else
		vgic_list_plain(c, b, k, i, (unsigned)__builtin_ctz(free));
}

/*
 * The guest has ended what list register @n of @c held, which was pending alone, and nothing about it has changed (or
 * it would not be in lr_same): make it pending once more.
 */
static inline bool vgic_again(struct vgic_cpu *c, unsigned n)
{
	if (!(c->lr_same & 1u << n) || !vgic_here(c) || !(vgic_hw->empty() & 1u << n))
		return false;
	vgic_hw->lr_write(n, c->lr[n]);
	return true;
}

void vgic_kick(struct vgic_cpu *c, unsigned k, u32 mask)
{
	struct vgic *g = c->vgic;

	if (k == 0) {
		if (vgic_wants(c, 0) & mask)
			vgic_look(c, 0);
		return;
	}
	for (unsigned t = 0; t < g->nvcpus; t++)
		if (g->cpu[t] && (vgic_wants(g->cpu[t], k) & mask))
			vgic_look(g->cpu[t], k);
}

/* An interrupt that was listed is changed: into its list register again. */
static void vgic_relist(struct vgic_cpu *t, struct vgic_bank *b, unsigned k, unsigned i)
{
	unsigned n = b->lr[i] & 15;

	if (!vgic_list(t, b, k, i, n))
		vgic_lr_set(t, n, 0);
	else
		vgic_tell(t);
}

void vgic_hw_forget(struct vgic_cpu *c, u32 mask)
{
	u32 low = 0;
	unsigned i;

	for_each_bit (i, mask & c->own.hw & ~(c->own.active | c->own.listed))
		if (!vgic_hw_line(c, i))
			low |= 1u << i;
	vgic_hw_drop(c, 0, low);
}

u32 vgic_take(struct vgic_cpu *c, unsigned k, u32 mask)
{
	struct vgic_bank *b = vgic_bank(c, k);
	u32 taken;
	unsigned i;

	if (unlikely(c->hidden))
		vgic_count(c);
	taken = b->listed & mask;
	for_each_bit (i, taken)
		vgic_unlist(c->vgic, b, k, i);
	if (unlikely(b->hw & mask)) /* private ones alone have hardware */
		vgic_hw_forget(c, mask);
	return taken;
}

void vgic_give(struct vgic_cpu *c, unsigned k, u32 mask, u32 taken)
{
	struct vgic_bank *b = vgic_bank(c, k);
	unsigned i;

	for_each_bit (i, taken) {
		struct vgic_cpu *t = c->vgic->cpu[b->lr[i] >> 4];

		vgic_relist(t, b, k, i);
	}
	vgic_kick(c, k, mask);
}

void vgic_hw_drop(struct vgic_cpu *c, unsigned k, u32 mask)
{
	struct vgic_bank *b = vgic_bank(c, k);
	unsigned i;

	mask &= b->hw;
	b->hw &= ~mask;
	if (vgic_here(c))
		for_each_bit (i, mask)
			gic->deactivate(k * 32 + i);
}

void vgic_hw_settle(struct vgic_cpu *c)
{
	u32 hw = c->own.hw;

	if (hw)
		vgic_give(c, 0, hw, vgic_take(c, 0, hw));
}

/*
 * Interrupt @i of bank @k stands in a list register of @t, which another CPU has: that CPU does the rest. A latch must
 * not be set here: once it finds that the guest has taken what the list register said, it would clear this one, too.
 */
static void vgic_post(struct vgic_cpu *t, unsigned k, unsigned i, bool latch)
{
	if (latch)
		t->sent[k] |= 1u << i;
	else
		t->touched[k] |= 1u << i;
	t->posted = true;
	t->todo = true;
	vgic_tell(t);
}

/* Latch interrupt @i of bank @k, or only say that its wire has changed. Not for GICv2's SGIs. */
static NOINLINE void vgic_poke(struct vgic_cpu *c, unsigned k, unsigned i, bool latch)
{
	struct vgic_bank *b = vgic_bank(c, k);
	struct vgic *g = c->vgic;
	u32 bit = 1u << i;

	if (b->listed & bit) {
		struct vgic_cpu *t = g->cpu[b->lr[i] >> 4];

		if (unlikely(vgic_away(t))) {
			vgic_post(t, k, i, latch);
			return;
		}
		if (latch && !(b->hw & bit) && vgic_again(t, b->lr[i] & 15)) {
			b->pending |= bit;
			vgic_tell(t);
			return;
		}
		vgic_unlist(g, b, k, i);
		b->pending |= latch ? bit : 0;
		vgic_relist(t, b, k, i);
		vgic_kick(c, k, bit);
		return;
	}
	b->pending |= latch ? bit : 0;
	if (k == 0 || (g->spis->mine[k - 1][c->id] & bit))
		vgic_offer(c, b, k, i);
	else
		vgic_kick(c, k, bit);
}

static NOINLINE void vgic_sgi_sourced(struct vgic_cpu *c, unsigned i, u32 source)
{
	struct vgic_bank *b = &c->own;
	u32 bit = 1u << i, taken;

	if (unlikely((b->listed & bit) && vgic_away(c))) {
		c->sent_from[i] |= (u8)(1u << source);
		vgic_post(c, 0, i, true);
		return;
	}
	if ((b->listed & bit) && c->source[i] == source && vgic_again(c, b->lr[i] & 15))
		return;
	/* Before @sources is changed: what the list register says is about what was in it. */
	taken = vgic_take(c, 0, bit);
	c->sources[i] |= (u8)(1u << source);
	b->pending |= bit;
	if (taken)
		vgic_give(c, 0, bit, taken);
	else
		vgic_offer(c, b, 0, i);
}

void vgic_sgi_set(struct vgic_cpu *c, unsigned i, u32 source)
{
	struct vgic_bank *b = &c->own;

	if (!c->vgic->v3) {
		vgic_sgi_sourced(c, i, source);
		return;
	}
	if (!(b->listed & 1u << i)) {
		b->pending |= 1u << i;
		vgic_offer(c, b, 0, i);
	} else if (vgic_again(c, b->lr[i] & 15)) {
		b->pending |= 1u << i;
	} else {
		vgic_poke(c, 0, i, true);
	}
}

static void vgic_drain_one(struct vgic_cpu *c, unsigned k, unsigned i, bool latch)
{
	u32 from, source;

	if (!latch || !vgic_is_sourced(c, k * 32 + i)) {
		vgic_poke(c, k, i, latch);
		return;
	}
	from = c->sent_from[i];
	c->sent_from[i] = 0;
	for_each_bit (source, from)
		vgic_sgi_sourced(c, i, source);
}

COLD void vgic_drain(struct vgic_cpu *c)
{
	unsigned i;

	c->posted = false;
	for (unsigned k = 0; k < VGIC_BANKS; k++) {
		u32 sent = c->sent[k], all = sent | c->touched[k];

		c->sent[k] = c->touched[k] = 0;
		for_each_bit (i, all)
			vgic_drain_one(c, k, i, sent >> i & 1);
	}
}

/* Not before the lock is given back: hv/ may do what it likes. */
COLD void vgic_unlock_kick(struct vgic *g)
{
	u32 kick = g->kick;
	unsigned n;

	g->kick = 0;
	spin_unlock(&g->lock);
	for_each_bit (n, kick)
		vgic_kicked(g->cpu[n]);
}

void vgic_sgi_clear(struct vgic_cpu *c, unsigned i, u32 sources)
{
	u32 taken = vgic_take(c, 0, 1u << i);

	c->sources[i] &= (u8)~sources;
	if (c->sources[i] == 0)
		c->own.pending &= ~(1u << i);
	vgic_give(c, 0, 1u << i, taken);
}

/* Should @c, if it sleeps, look at interrupt @i of bank @k? */
static bool vgic_concerns(struct vgic_cpu *c, unsigned k, unsigned i)
{
	const struct vgic_bank *b = vgic_bank(c, k);

	return vgic_asks(b) & vgic_on(c->vgic, b) & vgic_mask(c, k) & 1u << i;
}

static bool vgic_line_locked(struct vgic_cpu *c, unsigned k, unsigned i, bool level)
{
	struct vgic_bank *b = vgic_bank(c, k);
	u32 bit = 1u << i;

	if (!(b->line & bit) == !level)
		return false;
	b->line ^= bit;
	vgic_poke(c, k, i, level && !(b->level & bit));
	return c->posted || (level && vgic_concerns(c, k, i));
}

bool vgic_line(struct vgic_cpu *c, u32 intid, bool level)
{
	bool concerns;

	if (intid < VGIC_SGIS || intid >= VGIC_LINES)
		return false;
	vgic_enter(c);
	concerns = vgic_line_locked(c, intid / 32, intid % 32, level);
	vgic_unlock(c->vgic);
	return concerns;
}

bool vgic_pulse(struct vgic_cpu *c, u32 intid)
{
	bool concerns;

	if (intid < VGIC_SGIS || intid >= VGIC_LINES)
		return false;
	vgic_enter(c);
	vgic_poke(c, intid / 32, intid % 32, true);
	concerns = c->posted || vgic_concerns(c, intid / 32, intid % 32);
	vgic_unlock(c->vgic);
	return concerns;
}

static void vgic_hw_arrived_locked(struct vgic_cpu *c, u32 intid)
{
	struct vgic_bank *b = &c->own;
	u32 bit = 1u << intid % 32;

	if (!vgic_here(c))
		c->arrived = true;
	if (b->listed & bit) {
		if ((c->lr_hw & 1u << (b->lr[intid] & 15)) && vgic_again(c, b->lr[intid] & 15)) {
			b->pending &= ~bit;
			return;
		}
		vgic_unlist(c->vgic, b, 0, intid);
		b->hw |= bit;
		vgic_relist(c, b, 0, intid);
		vgic_kick(c, 0, bit);
		return;
	}
	b->hw |= bit;
	vgic_offer(c, b, 0, intid);
}

void vgic_hw_arrived(struct vgic_cpu *c, u32 intid)
{
	if (intid < VGIC_SGIS || intid >= VGIC_SPI)
		return;
	vgic_enter(c);
	vgic_hw_arrived_locked(c, intid);
	vgic_unlock(c->vgic);
}
