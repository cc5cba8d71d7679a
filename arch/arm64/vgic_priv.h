/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/vgic_priv.h: what the virtual interrupt controller's state (vgic.c) and registers (vgic_reg.c) share. */
#ifndef ARCH_ARM64_VGIC_PRIV_H
#define ARCH_ARM64_VGIC_PRIV_H

#include "arch/arm64/percpu.h"
#include "arch/arm64/vgic.h"

#define VGIC_SGIS  16u
#define VGIC_BANKS (VGIC_LINES / 32)
static_assert(VGIC_BANKS <= 8, "vgic_cpu.look has a bit for each");

/* Bits of a mask, lowest first; @i is the bit's number. */
#define for_each_bit(i, mask) for (u32 m_ = (mask); m_ != 0 && ((i) = __builtin_ctz(m_), true); m_ &= m_ - 1)

/* Is @c's interface in this CPU? In another one? */
static inline bool vgic_here(const struct vgic_cpu *c)
{
	return c->loaded == arm_cpu()->me;
}

static inline bool vgic_away(const struct vgic_cpu *c)
{
	return c->loaded != 0 && !vgic_here(c);
}

/** Take back into banks and list registers what was posted for @c, which is not away. */
void vgic_drain(struct vgic_cpu *c);
/** The lock is given back, and vgic.kick is not empty. */
void vgic_unlock_kick(struct vgic *g);

static inline void vgic_unlock(struct vgic *g)
{
	if (unlikely(g->kick))
		vgic_unlock_kick(g);
	else
		spin_unlock(&g->lock);
}

/* The lock, with nothing posted for @c that could be known here. */
static inline void vgic_enter(struct vgic_cpu *c)
{
	spin_lock(&c->vgic->lock);
	if (unlikely(c->posted) && !vgic_away(c))
		vgic_drain(c);
}

#define VGIC_ALL VGIC_BANKS /* as a bank's number: every interface of the VM */
/**
 * Before an access to interrupts @mask of bank @k, as @c sees it, that must know or change what list registers hold:
 * none of them stands in a list register of another CPU then, until the lock is given back. It is given back meanwhile,
 * too: nothing that was looked at before counts.
 */
void vgic_pull(struct vgic_cpu *c, unsigned k, u32 mask);

static inline void vgic_gather(struct vgic_cpu *c, unsigned k, u32 mask)
{
	if (unlikely(c->vgic->nvcpus > 1))
		vgic_pull(c, k, mask);
}

/* vgic_flush.c: those of vgic.h with the lock held. */
void vgic_load_locked(struct vgic_cpu *c);
void vgic_save_locked(struct vgic_cpu *c);

/* Bank @k (below VGIC_BANKS) as @c sees it. */
static inline struct vgic_bank *vgic_bank(struct vgic_cpu *c, unsigned k)
{
	return k == 0 ? &c->own : &c->vgic->spis->bank[k - 1];
}

/* What asks for attention: latch, wire, or hardware interrupt not yet taken. */
static inline u32 vgic_asks(const struct vgic_bank *b)
{
	return b->pending | (b->line & b->level) | (b->hw & ~b->active);
}

/* What may be signalled: enabled, and so is its group. */
static inline u32 vgic_on(const struct vgic *g, const struct vgic_bank *b)
{
	return b->enabled & ((b->group1 & g->on[1]) | (~b->group1 & g->on[0]));
}

/* Those of bank @k that lead to @c. */
static inline u32 vgic_mask(const struct vgic_cpu *c, unsigned k)
{
	return k == 0 ? ~0u : c->vgic->spis->mine[k - 1][c->id];
}

/**
 * Active ones of bank @k in no list register that are @c's to end: it has acknowledged them, wherever they lead to by
 * now. There are some.
 */
u32 vgic_acknowledged(const struct vgic_cpu *c, const struct vgic_bank *b, unsigned k);

/* Those of bank @k that want a list register of @c. An active one wants it too: the guest is to end it there. */
static inline u32 vgic_wants(struct vgic_cpu *c, unsigned k)
{
	const struct vgic_bank *b = vgic_bank(c, k);
	u32 wants = vgic_asks(b) & vgic_on(c->vgic, b) & ~b->listed & vgic_mask(c, k);

	if (unlikely(b->active & ~b->listed))
		wants = (wants & ~b->active) | vgic_acknowledged(c, b, k);
	return wants;
}

/* Contents of list register @n. */
static inline u64 vgic_lr_get(const struct vgic_cpu *c, unsigned n)
{
	return vgic_here(c) ? vgic_hw->lr_read(n) : c->lr[n];
}

/* GICv2 tells SGIs apart by who sent them. */
static inline bool vgic_is_sourced(const struct vgic_cpu *c, unsigned intid)
{
	return intid < VGIC_SGIS && !c->vgic->v3;
}

/** Interrupt @i of @b leaves its list register, which is written (or zeroed) by the caller next. Returns its vCPU. */
struct vgic_cpu *vgic_unlist(struct vgic *g, struct vgic_bank *b, unsigned k, unsigned i);
/** Interrupt @i of bank @k into list register @n, which is free, if it is pending for @c or active. False: it is not.
 */
bool vgic_list(struct vgic_cpu *c, struct vgic_bank *b, unsigned k, unsigned i, unsigned n);
/** Whoever may want one of @mask now is to look at bank @k. */
void vgic_kick(struct vgic_cpu *c, unsigned k, u32 mask);
/** Forget those of hardware interrupts @mask, in no list register, that the guest has not taken and whose line is low.
 */
void vgic_hw_forget(struct vgic_cpu *c, u32 mask);
/**
 * To change anything of the interrupts @mask of bank @k: vgic_take brings what list registers know of them back into
 * the bank; after the change vgic_give(what vgic_take returned) writes those list registers again, or frees them, and
 * has the vCPUs look that may want the interrupts now. Nothing else may come in between.
 */
u32 vgic_take(struct vgic_cpu *c, unsigned k, u32 mask);
void vgic_give(struct vgic_cpu *c, unsigned k, u32 mask, u32 taken);
/** Interrupts @mask of bank @k: their hardware interrupt is deactivated here, and comes again if its line is high.
 * Between vgic_take and vgic_give. */
void vgic_hw_drop(struct vgic_cpu *c, unsigned k, u32 mask);
/** Hardware interrupts that were not taken before their line went low: forget them, and let them come again. */
void vgic_hw_settle(struct vgic_cpu *c);
/** @c is loaded: deactivate what the guest has ended while it was in no list register. */
void vgic_count(struct vgic_cpu *c);
/** vCPU number @source has sent SGI @i (below 16) to @c. */
void vgic_sgi_set(struct vgic_cpu *c, unsigned i, u32 source);
/** GICv2: take back what @sources have sent of it. */
void vgic_sgi_clear(struct vgic_cpu *c, unsigned i, u32 sources);
/** GICD_CTLR's group enables (bits 0 and 1) change. */
void vgic_set_ctlr(struct vgic_cpu *c, u32 ctlr);
/** SPI @intid leads to vCPU @target, or nowhere when that is not below nvcpus. @route: what its register reads. */
void vgic_route(struct vgic_cpu *c, u32 intid, u32 route, u32 target);

#endif
