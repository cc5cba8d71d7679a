/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/vgic_flush.c: which of a guest's interrupts stand in its list registers, and what the guest has ended. */
#include "arch/arm64/gic.h"
#include "arch/arm64/vgic_priv.h"
#include "hv/lib/panic.h"

#define VGIC_NOTHING ~0u /* no candidate */

/* Take back those of list registers @which that the guest has ended. */
static void vgic_reap(struct vgic_cpu *c, u32 which)
{
	bool here = vgic_here(c);
	u32 used = c->lr_used & which, ended = here ? used & vgic_hw->empty() : 0;
	unsigned n;

	for_each_bit (n, here ? 0 : used)
		if (!vgic_hw->lr_pending(c->lr[n]) && !vgic_hw->lr_active(c->lr[n]))
			ended |= 1u << n;
	for_each_bit (n, ended) {
		unsigned k = c->lr_intid[n] / 32;
		u32 bit = 1u << c->lr_intid[n] % 32;

		vgic_give(c, k, bit, vgic_take(c, k, bit));
	}
}

/*
 * List registers are for the highest priorities; among equals for what is active, because it ends first. So what the
 * guest ends while it is in none is the highest active one in none.
 */
static inline u32 vgic_rank(u8 priority, bool active)
{
	return (u32)priority << 1 | !active;
}

/* The best candidate for a list register of @c: rank << 16 | INTID, the lowest such, or VGIC_NOTHING. */
static u32 vgic_pick(struct vgic_cpu *c)
{
	u32 best = VGIC_NOTHING;
	unsigned k, i;

	for (u32 look = c->look; look != 0; look &= look - 1) {
		u32 wants;

		k = (unsigned)__builtin_ctz(look);
		wants = vgic_wants(c, k);
		if (wants == 0) {
			c->look &= (u8) ~(1u << k);
			continue;
		}
		const struct vgic_bank *b = vgic_bank(c, k);

		for_each_bit (i, wants) {
			u32 key = vgic_rank(b->priority[i], b->active >> i & 1) << 16 | k << 5 | i;

			best = MIN(best, key);
		}
	}
	return best;
}

/* Free the list register that holds the lowest rank, if that is below @rank. What is active there will be hidden. */
static bool vgic_evict(struct vgic_cpu *c, u32 rank, unsigned *out)
{
	u32 worst = rank;
	unsigned n;

	*out = VGIC_MAX_LR;
	for_each_bit (n, c->lr_used) {
		u32 intid = c->lr_intid[n], r;

		r = vgic_rank(vgic_bank(c, intid / 32)->priority[intid % 32], vgic_hw->lr_active(vgic_lr_get(c, n)));
		if (r > worst) {
			worst = r;
			*out = n;
		}
	}
	if (*out == VGIC_MAX_LR)
		return false;
	n = c->lr_intid[*out];
	vgic_unlist(c->vgic, vgic_bank(c, n / 32), n / 32, n % 32);
	vgic_kick(c, n / 32, 1u << n % 32);
	return true;
}

u32 vgic_acknowledged(const struct vgic_cpu *c, const struct vgic_bank *b, unsigned k)
{
	u32 mine = 0, active = b->active & ~b->listed;
	unsigned i;

	if (k == 0)
		return active;
	for_each_bit (i, active)
		mine |= (u32)(b->lr[i] >> 4 == c->id) << i;
	return mine;
}

/* The highest active interrupt of @c that is in no list register: rank << 16 | INTID, or VGIC_NOTHING. */
static u32 vgic_hidden(struct vgic_cpu *c)
{
	u32 best = VGIC_NOTHING;
	unsigned i;

	for (unsigned k = 0; k < VGIC_BANKS; k++) {
		const struct vgic_bank *b = vgic_bank(c, k);

		for_each_bit (i, vgic_acknowledged(c, b, k)) {
			u32 key = vgic_rank(b->priority[i], true) << 16 | k << 5 | i;

			best = MIN(best, key);
		}
	}
	return best;
}

/*
 * IHI 0069, ICH_HCR_EL2.EOIcount (IHI 0048, GICH_HCR.EOICount): how many, not which; a guest with EOImode 0 ends the
 * highest. With EOImode 1 and GICV_DIR or ICC_DIR_EL1 in another order than by priority it gets them deactivated by
 * priority all the same, if more are active than there are list registers: to know better would take a trap of DIR.
 */
void vgic_count(struct vgic_cpu *c)
{
	u32 n, key = 0;

	if (!vgic_here(c))
		return;
	for (n = vgic_hw->ended(c); n != 0; n--) {
		unsigned k, i;

		key = vgic_hidden(c);
		if (key == VGIC_NOTHING)
			break;
		k = (key & 0xffff) / 32;
		i = key % 32;
		vgic_hw_drop(c, k, 1u << i);
		vgic_bank(c, k)->active &= ~(1u << i);
		vgic_kick(c, k, 1u << i);
	}
}

static void vgic_flush_locked(struct vgic_cpu *c)
{
	u32 all = (1u << c->nlr) - 1, key;
	bool synced = false, left;

	if (unlikely(c->hidden))
		vgic_count(c);
	if (unlikely(c->own.hw & ~(c->own.active | c->own.listed)))
		vgic_hw_forget(c, ~0u);
	for (;;) {
		u32 intid, free = all & ~c->lr_used;
		unsigned n;

		key = vgic_pick(c);
		if (key == VGIC_NOTHING)
			break;
		intid = key & 0xffff;
		if (free != 0) {
			n = (unsigned)__builtin_ctz(free);
		} else if (!synced) {
			vgic_reap(c, ~0u);
			synced = true;
			continue;
		} else if (!vgic_evict(c, key >> 16, &n)) {
			break;
		}
		if (!vgic_list(c, vgic_bank(c, intid / 32), intid / 32, intid % 32, n))
			panic("virtual interrupt %u is wanted and is not", intid);
	}
	c->todo = false;
	left = key != VGIC_NOTHING;
	if (left || c->underflow) {
		c->underflow = left;
		c->hidden = left && vgic_hidden(c) != VGIC_NOTHING;
		vgic_hw->watch(c, left && c->nlr > 1, c->hidden);
	}
}

void vgic_flush(struct vgic_cpu *c)
{
	vgic_enter(c);
	vgic_load_locked(c);
	vgic_flush_locked(c);
	vgic_unlock(c->vgic);
}

static void vgic_sync_locked(struct vgic_cpu *c)
{
	if (unlikely(c->hidden))
		vgic_count(c);
	/* Others may stay: the next one of the same interrupt finds its list register faster. */
	vgic_reap(c, c->underflow ? ~0u : c->lr_eoi);
	if (c->underflow || c->look != 0)
		c->todo = true;
}

void vgic_sync(struct vgic_cpu *c)
{
	vgic_enter(c);
	vgic_sync_locked(c);
	vgic_unlock(c->vgic);
}

static bool vgic_awake_locked(struct vgic_cpu *c)
{
	unsigned k, n;

	if (c->lr_used & c->lr_eoi)
		vgic_sync_locked(c);
	for_each_bit (k, c->look) {
		if (vgic_wants(c, k) & ~vgic_bank(c, k)->active)
			return true;
	}
	for_each_bit (n, c->lr_used) {
		u64 lr = vgic_lr_get(c, n);

		if (vgic_hw->lr_pending(lr) && !vgic_hw->lr_active(lr))
			return true;
	}
	return false;
}

bool vgic_awake(struct vgic_cpu *c)
{
	bool awake;

	vgic_enter(c);
	awake = vgic_awake_locked(c);
	vgic_unlock(c->vgic);
	return awake;
}

/* Not while somebody waits for the VM's interfaces to be saved: see vgic_pull. */
void vgic_load_locked(struct vgic_cpu *c)
{
	unsigned i;

	if (c->loaded)
		return;
	while (unlikely(c->vgic->pulling)) {
		vgic_unlock(c->vgic);
		vgic_serve();
		spin_pause();
		spin_lock(&c->vgic->lock);
	}
	vgic_hw_settle(c);
	if (unlikely(c->arrived))
		gic->set_active(VGIC_PPI_VTIMER, false);
	c->arrived = false;
	for_each_bit (i, c->own.hw)
		gic->set_active(i, true);
	vgic_hw->load(c);
	c->loaded = arm_cpu()->me;
	c->todo = c->look != 0 || c->underflow;
}

void vgic_load(struct vgic_cpu *c)
{
	vgic_enter(c);
	vgic_load_locked(c);
	vgic_unlock(c->vgic);
}

void vgic_save_locked(struct vgic_cpu *c)
{
	unsigned i;

	if (!vgic_here(c))
		return;
	if (c->posted)
		vgic_drain(c);
	vgic_count(c);
	vgic_reap(c, ~0u);
	vgic_hw->save(c);
	vgic_hw->load(NULL);
	c->loaded = 0;
	c->todo = true; /* to load it again, should it not leave this CPU */
	c->lr_same = 0;
	for_each_bit (i, c->own.hw)
		gic->set_active(i, false);
}

void vgic_save(struct vgic_cpu *c)
{
	vgic_enter(c);
	vgic_save_locked(c);
	vgic_unlock(c->vgic);
}
