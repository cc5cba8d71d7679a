/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/vgic_v2.c: the GICv2's virtual CPU interface: list registers in the GICH (Arm IHI 0048B, chapter 5). */
#include "arch/arm64/gic.h"
#include "arch/arm64/gic_regs.h"
#include "arch/arm64/vgic.h"
#include "arch/iface/io.h"

static u8 vgic_v2_nlr;

static u64 vgic_v2_lr_read(unsigned n)
{
	return io_read32(gic_gich + GICH_LR(n));
}

static void vgic_v2_lr_write(unsigned n, u64 v)
{
	io_write32(gic_gich + GICH_LR(n), (u32)v);
}

/* Ended with the EOI bit set: ELRSR takes that for occupied until it is written. */
static u32 vgic_v2_empty(void)
{
	return io_read32(gic_gich + GICH_ELRSR0) | io_read32(gic_gich + GICH_EISR0);
}

static void vgic_v2_save(struct vgic_cpu *c)
{
	u32 empty = io_read32(gic_gich + GICH_ELRSR0);

	for (unsigned i = 0; i < vgic_v2_nlr; i++)
		c->lr[i] = empty & 1u << i ? 0 : vgic_v2_lr_read(i);
	c->vmcr = io_read32(gic_gich + GICH_VMCR);
	c->apr[0] = io_read32(gic_gich + GICH_APR);
}

static void vgic_v2_load(const struct vgic_cpu *c)
{
	if (!c) {
		io_write32(gic_gich + GICH_HCR, 0);
		return;
	}
	io_write32(gic_gich + GICH_VMCR, (u32)c->vmcr);
	io_write32(gic_gich + GICH_APR, (u32)c->apr[0]);
	for (unsigned i = 0; i < vgic_v2_nlr; i++)
		vgic_v2_lr_write(i, c->lr[i]);
	io_write32(gic_gich + GICH_HCR, (u32)c->hcr | GICH_HCR_EN);
}

static void vgic_v2_watch(struct vgic_cpu *c, bool few, bool unlisted)
{
	u32 hcr = GICH_HCR_EN | (few ? GICH_HCR_UIE : 0) | (unlisted ? GICH_HCR_LRENPIE : 0);

	if (c->hcr == hcr)
		return;
	c->hcr = hcr;
	io_write32(gic_gich + GICH_HCR, hcr);
}

static u32 vgic_v2_ended(const struct vgic_cpu *c)
{
	u32 n = (u32)FIELD(GICH_HCR_EOICOUNT, io_read32(gic_gich + GICH_HCR));

	if (n != 0)
		io_write32(gic_gich + GICH_HCR, (u32)c->hcr | GICH_HCR_EN);
	return n;
}

static u64 vgic_v2_lr_make(u32 intid, u8 priority, bool group1, bool pending, bool active, bool eoi, bool hw, u8 source)
{
	u64 lr = FIELD_PUT(GICH_LR_VIRTUALID, intid) | FIELD_PUT(GICH_LR_PRIORITY, priority >> 3);

	if (group1)
		lr |= GICH_LR_GRP1;
	if (pending)
		lr |= GICH_LR_PENDING;
	if (active)
		lr |= GICH_LR_ACTIVE;
	if (hw)
		return lr | GICH_LR_HW | FIELD_PUT(GICH_LR_PHYSICALID, intid);
	if (intid < 16)
		lr |= FIELD_PUT(GICH_LR_CPUID, source);
	return eoi ? lr | GICH_LR_EOI : lr;
}

static bool vgic_v2_lr_pending(u64 lr)
{
	return lr & GICH_LR_PENDING;
}

static bool vgic_v2_lr_active(u64 lr)
{
	return lr & GICH_LR_ACTIVE;
}

static unsigned vgic_v2_init(void)
{
	static const struct vgic_cpu none;

	/* QEMU's GICv2, see vgic_hw_broken. GIC-400 is product 020h. */
	vgic_hw_broken = FIELD(GICC_IIDR_PRODUCT, io_read32(gic_gicc + GICC_IIDR)) == 0;
	vgic_v2_nlr = (u8)MIN(FIELD(GICH_VTR_LISTREGS, io_read32(gic_gich + GICH_VTR)) + 1, VGIC_MAX_LR);
	vgic_v2_load(&none);
	vgic_v2_load(NULL);
	return vgic_v2_nlr;
}

const struct vgic_hw vgic_hw_v2 = {
	.init = vgic_v2_init,
	.lr_read = vgic_v2_lr_read,
	.lr_write = vgic_v2_lr_write,
	.empty = vgic_v2_empty,
	.save = vgic_v2_save,
	.load = vgic_v2_load,
	.watch = vgic_v2_watch,
	.ended = vgic_v2_ended,
	.lr_make = vgic_v2_lr_make,
	.lr_pending = vgic_v2_lr_pending,
	.lr_active = vgic_v2_lr_active,
};
