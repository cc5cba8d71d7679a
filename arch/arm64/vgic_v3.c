/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/vgic_v3.c: the GICv3's virtual CPU interface: list registers by ICH_* (Arm IHI 0069, chapter 12.4). */
#include "arch/arm64/gic_regs.h"
#include "arch/arm64/sysreg.h"
#include "arch/arm64/vgic.h"

static u8 vgic_v3_nlr, vgic_v3_naprs; /* list registers; APRs of each group */

/* The first four are the ones in use, and on many machines all: a short way to them. */
static u64 vgic_v3_lr_read(unsigned n)
{
	if (n == 0)
		return read_sysreg(ICH_LR0_EL2);
	if (n == 1)
		return read_sysreg(ICH_LR1_EL2);
	if (n == 2)
		return read_sysreg(ICH_LR2_EL2);
	switch (n) {
	case 3: return read_sysreg(ICH_LR3_EL2);
	case 4: return read_sysreg(ICH_LR4_EL2);
	case 5: return read_sysreg(ICH_LR5_EL2);
	case 6: return read_sysreg(ICH_LR6_EL2);
	case 7: return read_sysreg(ICH_LR7_EL2);
	case 8: return read_sysreg(ICH_LR8_EL2);
	case 9: return read_sysreg(ICH_LR9_EL2);
	case 10: return read_sysreg(ICH_LR10_EL2);
	case 11: return read_sysreg(ICH_LR11_EL2);
	case 12: return read_sysreg(ICH_LR12_EL2);
	case 13: return read_sysreg(ICH_LR13_EL2);
	case 14: return read_sysreg(ICH_LR14_EL2);
	case 15: return read_sysreg(ICH_LR15_EL2);
	}
	return 0;
}

static void vgic_v3_lr_write_high(unsigned n, u64 v)
{
	switch (n) {
	case 3: write_sysreg(v, ICH_LR3_EL2); break;
	case 4: write_sysreg(v, ICH_LR4_EL2); break;
	case 5: write_sysreg(v, ICH_LR5_EL2); break;
	case 6: write_sysreg(v, ICH_LR6_EL2); break;
	case 7: write_sysreg(v, ICH_LR7_EL2); break;
	case 8: write_sysreg(v, ICH_LR8_EL2); break;
	case 9: write_sysreg(v, ICH_LR9_EL2); break;
	case 10: write_sysreg(v, ICH_LR10_EL2); break;
	case 11: write_sysreg(v, ICH_LR11_EL2); break;
	case 12: write_sysreg(v, ICH_LR12_EL2); break;
	case 13: write_sysreg(v, ICH_LR13_EL2); break;
	case 14: write_sysreg(v, ICH_LR14_EL2); break;
	case 15: write_sysreg(v, ICH_LR15_EL2); break;
	}
}

static void vgic_v3_lr_write(unsigned n, u64 v)
{
	if (n == 0)
		write_sysreg(v, ICH_LR0_EL2);
	else if (n == 1)
		write_sysreg(v, ICH_LR1_EL2);
	else if (n == 2)
		write_sysreg(v, ICH_LR2_EL2);
	else
		vgic_v3_lr_write_high(n, v);
}

/* Ended with the EOI bit set: ELRSR takes that for occupied until it is written. */
static u32 vgic_v3_empty(void)
{
	return (u32)(read_sysreg(ICH_ELRSR_EL2) | read_sysreg(ICH_EISR_EL2));
}

/* AP0R0-3 in the first half of @apr, AP1R0-3 in the second; what the machine lacks is not touched. */
static void vgic_v3_save_aprs(u64 *apr)
{
	apr[0] = read_sysreg(ICH_AP0R0_EL2);
	apr[4] = read_sysreg(ICH_AP1R0_EL2);
	if (vgic_v3_naprs > 1) {
		apr[1] = read_sysreg(ICH_AP0R1_EL2);
		apr[5] = read_sysreg(ICH_AP1R1_EL2);
	}
	if (vgic_v3_naprs > 2) {
		apr[2] = read_sysreg(ICH_AP0R2_EL2);
		apr[3] = read_sysreg(ICH_AP0R3_EL2);
		apr[6] = read_sysreg(ICH_AP1R2_EL2);
		apr[7] = read_sysreg(ICH_AP1R3_EL2);
	}
}

static void vgic_v3_load_aprs(const u64 *apr)
{
	write_sysreg(apr[0], ICH_AP0R0_EL2);
	write_sysreg(apr[4], ICH_AP1R0_EL2);
	if (vgic_v3_naprs > 1) {
		write_sysreg(apr[1], ICH_AP0R1_EL2);
		write_sysreg(apr[5], ICH_AP1R1_EL2);
	}
	if (vgic_v3_naprs > 2) {
		write_sysreg(apr[2], ICH_AP0R2_EL2);
		write_sysreg(apr[3], ICH_AP0R3_EL2);
		write_sysreg(apr[6], ICH_AP1R2_EL2);
		write_sysreg(apr[7], ICH_AP1R3_EL2);
	}
}

static void vgic_v3_save(struct vgic_cpu *c)
{
	u32 empty = (u32)read_sysreg(ICH_ELRSR_EL2);

	for (unsigned i = 0; i < vgic_v3_nlr; i++)
		c->lr[i] = empty & 1u << i ? 0 : vgic_v3_lr_read(i);
	c->vmcr = read_sysreg(ICH_VMCR_EL2);
	vgic_v3_save_aprs(c->apr);
}

static void vgic_v3_load(const struct vgic_cpu *c)
{
	if (!c) {
		write_sysreg(0, ICH_HCR_EL2);
		return;
	}
	/* A guest can write its ICC_SRE_EL1 without a trap: the next one shall not see it. */
	write_sysreg(ICC_SRE_SRE | ICC_SRE_DFB | ICC_SRE_DIB, ICC_SRE_EL1);
	/* VMCR before the rest: fields behave by ICC_SRE_EL1 as it is then. */
	isb();
	write_sysreg(c->vmcr, ICH_VMCR_EL2);
	vgic_v3_load_aprs(c->apr);
	for (unsigned i = 0; i < vgic_v3_nlr; i++)
		vgic_v3_lr_write(i, c->lr[i]);
	write_sysreg(c->hcr | GICH_HCR_EN, ICH_HCR_EL2);
}

static void vgic_v3_watch(struct vgic_cpu *c, bool few, bool unlisted)
{
	u64 hcr = GICH_HCR_EN | (few ? GICH_HCR_UIE : 0) | (unlisted ? GICH_HCR_LRENPIE : 0);

	if (c->hcr == hcr)
		return;
	c->hcr = hcr;
	write_sysreg(hcr, ICH_HCR_EL2);
}

static u32 vgic_v3_ended(const struct vgic_cpu *c)
{
	u32 n = (u32)FIELD(GICH_HCR_EOICOUNT, read_sysreg(ICH_HCR_EL2));

	if (n != 0)
		write_sysreg(c->hcr | GICH_HCR_EN, ICH_HCR_EL2);
	return n;
}

static u64 vgic_v3_lr_make(u32 intid, u8 priority, bool group1, bool pending, bool active, bool eoi, bool hw, u8 source)
{
	u64 lr = intid | FIELD_PUT(ICH_LR_PRIORITY, priority);

	if (group1)
		lr |= ICH_LR_GROUP;
	if (pending)
		lr |= ICH_LR_PENDING;
	if (active)
		lr |= ICH_LR_ACTIVE;
	if (hw)
		lr |= ICH_LR_HW | FIELD_PUT(ICH_LR_PINTID, intid);
	else if (eoi)
		lr |= ICH_LR_EOI;
	return lr;
}

static bool vgic_v3_lr_pending(u64 lr)
{
	return lr & ICH_LR_PENDING;
}

static bool vgic_v3_lr_active(u64 lr)
{
	return lr & ICH_LR_ACTIVE;
}

static unsigned vgic_v3_init(void)
{
	static const u64 none[8];
	u64 vtr = read_sysreg(ICH_VTR_EL2);
	u32 bits = (u32)FIELD(ICH_VTR_PREBITS, vtr) + 1;

	/* 32 priorities that can interrupt each other to a register. */
	vgic_v3_naprs = bits > 6 ? 4 : bits > 5 ? 2 : 1;
	vgic_v3_nlr = (u8)MIN(FIELD(ICH_VTR_LISTREGS, vtr) + 1, VGIC_MAX_LR);
	write_sysreg(0, ICH_HCR_EL2);
	write_sysreg(0, ICH_VMCR_EL2);
	vgic_v3_load_aprs(none);
	for (unsigned i = 0; i < vgic_v3_nlr; i++)
		vgic_v3_lr_write(i, 0);
	isb();
	return vgic_v3_nlr;
}

const struct vgic_hw vgic_hw_v3 = {
	.init = vgic_v3_init,
	.lr_read = vgic_v3_lr_read,
	.lr_write = vgic_v3_lr_write,
	.empty = vgic_v3_empty,
	.save = vgic_v3_save,
	.load = vgic_v3_load,
	.watch = vgic_v3_watch,
	.ended = vgic_v3_ended,
	.lr_make = vgic_v3_lr_make,
	.lr_pending = vgic_v3_lr_pending,
	.lr_active = vgic_v3_lr_active,
};
