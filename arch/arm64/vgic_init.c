/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/vgic_init.c: a guest's interrupt controller comes, goes and is reset; routes and group enables change. */
#include "hv/lib/panic.h"
#include "hv/lib/string.h"
#include "arch/arm64/vgic_priv.h"

#define VGIC_PPIS    0xffff0000u /* of bank 0 */
#define VGIC_SGI_ALL 0x0000ffffu

bool vgic_hw_broken; /* not beside vgic_hw: that has to be addressed in one instruction */

void vgic_serve(void)
{
}

void vgic_attach(const struct vgic_hw *hw)
{
	unsigned n = hw->init();

	if (n == 0)
		panic("the interrupt controller has no list register");
	vgic_hw = hw;
	vgic_nlr = MIN(n, VGIC_MAX_LR);
}

/* As after reset, but for the wires: they are not ours. Nothing is listed. */
static void vgic_reset_bank(struct vgic_bank *b, bool v3, u32 level)
{
	u32 line = b->line;

	memset(b, 0, sizeof(*b));
	b->line = line;
	b->level = level;
	/* As firmware leaves a GICv3 to an operating system of the only security state. */
	b->group1 = v3 ? ~0u : 0;
}

/* Bring back into the banks what @c's list registers hold of SPIs. */
static void vgic_drop_spis(struct vgic_cpu *c)
{
	for (unsigned n = 0; n < VGIC_MAX_LR; n++) {
		u32 intid = c->lr_intid[n], bit = 1u << intid % 32;

		if (!(c->lr_used & 1u << n) || intid < VGIC_SPI)
			continue;
		vgic_take(c, intid / 32, bit);
		if (c->loaded)
			vgic_hw->lr_write(n, 0);
		else
			c->lr[n] = 0;
		vgic_give(c, intid / 32, bit, 0);
	}
}

static void vgic_reset_spis(struct vgic *g)
{
	for (unsigned t = 0; t < g->nvcpus; t++)
		if (g->cpu[t])
			vgic_drop_spis(g->cpu[t]);
	g->ctlr = 0;
	g->on[0] = g->on[1] = 0;
	memset(g->spis->mine, 0, sizeof(g->spis->mine));
	for (unsigned k = 0; k < ARRAY_SIZE(g->spis->bank); k++) {
		vgic_reset_bank(&g->spis->bank[k], g->v3, ~0u);
		g->spis->mine[k][0] = ~0u;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(g->spis->route); i++)
		g->spis->route[i] = g->v3 ? 0 : 1;
}

status_t vgic_init(struct vgic *g, struct pool *pool)
{
	bool v3 = g->v3;
	struct vgic_spis *spis = pool_get(pool);

	if (!spis)
		return ERR_NOMEM;
	memset(g, 0, sizeof(*g));
	g->v3 = v3;
	g->gicd = g->gicr = g->gicc = g->msi_addr = VGIC_NOWHERE;
	g->spis = spis;
	vgic_reset_spis(g);
	return OK;
}

void vgic_fini(struct vgic *g, struct pool *pool)
{
	if (g->spis)
		pool_put(pool, g->spis);
	g->spis = NULL;
}

void vgic_cpu_init(struct vgic_cpu *c, struct vgic *g, u32 id)
{
	ASSERT(id < VGIC_MAX_VCPUS);
	memset(c, 0, sizeof(*c));
	c->vgic = g;
	c->id = id;
	c->nlr = (u8)vgic_nlr;
	g->cpu[id] = c;
	g->nvcpus = MAX(g->nvcpus, (u8)(id + 1));
	vgic_reset(c);
}

void vgic_reset_cpu(struct vgic_cpu *c)
{
	vgic_save(c);
	vgic_drop_spis(c);
	c->lr_used = c->lr_pend = c->lr_hw = c->lr_eoi = c->lr_same = 0;
	c->underflow = c->hidden = false;
	vgic_reset_bank(&c->own, c->vgic->v3, VGIC_PPIS);
	c->own.enabled = c->vgic->v3 ? 0 : VGIC_SGI_ALL;
	memset(c->sources, 0, sizeof(c->sources));
	memset(c->source, 0, sizeof(c->source));
	memset(c->lr, 0, sizeof(c->lr));
	memset(c->apr, 0, sizeof(c->apr));
	c->vmcr = 0;
	c->hcr = 0;
	c->waker = 6; /* ProcessorSleep, ChildrenAsleep */
	c->look = (u8)~0u;
	c->todo = true;
}

void vgic_reset(struct vgic_cpu *c)
{
	vgic_reset_cpu(c);
	if (c->id == 0)
		vgic_reset_spis(c->vgic);
}

void vgic_set_ctlr(struct vgic_cpu *c, u32 ctlr)
{
	struct vgic *g = c->vgic;
	u32 taken[VGIC_MAX_VCPUS], spi[VGIC_LINES / 32];

	if (ctlr == g->ctlr)
		return;
	for (unsigned t = 0; t < g->nvcpus; t++)
		taken[t] = g->cpu[t] ? vgic_take(g->cpu[t], 0, ~0u) : 0;
	for (unsigned k = 1; k < VGIC_BANKS; k++)
		spi[k] = vgic_take(c, k, ~0u);
	g->ctlr = ctlr;
	g->on[0] = ctlr & 1 ? ~0u : 0;
	g->on[1] = ctlr & 2 ? ~0u : 0;
	for (unsigned t = 0; t < g->nvcpus; t++)
		if (g->cpu[t])
			vgic_give(g->cpu[t], 0, ~0u, taken[t]);
	for (unsigned k = 1; k < VGIC_BANKS; k++)
		vgic_give(c, k, ~0u, spi[k]);
}

void vgic_route(struct vgic_cpu *c, u32 intid, u32 route, u32 target)
{
	struct vgic_spis *s = c->vgic->spis;
	unsigned k = intid / 32;
	u32 bit = 1u << intid % 32, taken;

	if (k == 0 || k >= VGIC_BANKS || s->route[intid - VGIC_SPI] == route)
		return;
	taken = vgic_take(c, k, bit);
	s->route[intid - VGIC_SPI] = route;
	for (unsigned t = 0; t < VGIC_MAX_VCPUS; t++)
		s->mine[k - 1][t] =
			t == target && target < c->vgic->nvcpus ? s->mine[k - 1][t] | bit : s->mine[k - 1][t] & ~bit;
	vgic_give(c, k, bit, taken);
}
