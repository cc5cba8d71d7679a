/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/irq.c: what a physical interrupt means: our timer, a guest's interface or timer, or a device's SPI. */
#include "arch/arm64/irq.h"
#include "arch/arm64/cpu.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/sysreg.h"
#include "arch/arm64/vgic.h"
#include "arch/iface/cpu.h"
#include "hv/lib/panic.h"

#define IRQ_POLL_MAX	64u
#define IRQ_HYP_TIMER	26u	   /* if the tree is silent                             */
#define IRQ_INTID	BITS(9, 0) /* GICv2 has an SGI's sender above it                */
#define IRQ_HCR_E2H	BIT(34)
#define CNTV_CTL_EL02	S3_5_C14_C3_1
#define CNTV_CTL_IMASK	BIT(1) /* and the timer off */
#define IRQ_WORD(intid) ((intid) / 32)
#define IRQ_BIT(intid)	(1u << (intid) % 32)
#define IRQ_WORDS	((GIC_SPURIOUS + 31) / 32)

static u32 irq_timer;
/* Atomic: attached, acknowledged and arriving may be on different CPUs. */
static u32 irq_level[IRQ_WORDS]; /* attached as level-triggered */
static u32 irq_held[IRQ_WORDS];	 /* and active until arch_irq_unmask */

void irq_init(const struct boot_info *bi)
{
	const u32 *t = bi->platform.timer_irq;

	irq_timer = t[3] ? t[3] : IRQ_HYP_TIMER;
	if (irq_timer < 16 || irq_timer > 31)
		panic("the EL2 timer's interrupt is %u, no PPI", irq_timer);
	if (t[2] && t[2] != VGIC_PPI_VTIMER)
		panic("the virtual timer's interrupt is %u, not the PPI %u that guests know", t[2], VGIC_PPI_VTIMER);
	if (irq_timer == VGIC_PPI_VTIMER || gic_maintenance_irq == VGIC_PPI_VTIMER || gic_maintenance_irq == irq_timer)
		panic("EL2 timer, virtual timer and interrupt controller share an interrupt: %u, %u, %u", irq_timer,
		      VGIC_PPI_VTIMER, gic_maintenance_irq);
	irq_cpu_init();
}

void irq_cpu_init(void)
{
	gic->enable(GIC_SGI_KICK, true);
	gic->enable(irq_timer, true);
	gic->enable(VGIC_PPI_VTIMER, true);
	gic->enable(gic_maintenance_irq, true);
}

static void irq_done(u32 iar)
{
	gic->end(iar);
	gic->deactivate(iar);
}

/* An underflow lasts until list registers are filled: by vgic_sync alone it would come again at once. */
static void irq_maintenance(void)
{
	struct vgic_cpu *c = arm_cpu()->vgic;

	if (!c)
		return;
	vgic_sync(c);
	if (c->todo)
		vgic_flush(c);
	vcpu_kicks(c->vgic);
}

/* The guest's own end of it deactivates it, by the list register. */
static void irq_vtimer(u32 iar)
{
	struct vgic_cpu *c = arm_cpu()->vgic;

	if (c) {
		gic->end(iar);
		vgic_hw_arrived(c, VGIC_PPI_VTIMER);
		return;
	}
	/* With E2H the plain name is EL2's own virtual timer. */
	if (read_sysreg(hcr_el2) & IRQ_HCR_E2H)
		write_sysreg(CNTV_CTL_IMASK, CNTV_CTL_EL02);
	else
		write_sysreg(CNTV_CTL_IMASK, cntv_ctl_el0);
	isb();
	irq_done(iar);
}

static void irq_device(u32 iar, u32 intid)
{
	gic->end(iar);
	if (__atomic_load_n(&irq_level[IRQ_WORD(intid)], __ATOMIC_RELAXED) & IRQ_BIT(intid))
		(void)__atomic_fetch_or(&irq_held[IRQ_WORD(intid)], IRQ_BIT(intid), __ATOMIC_RELAXED);
	else
		gic->deactivate(iar);
	irq_arrived(intid);
}

void gic_poll(void)
{
	for (u32 i = 0; i < IRQ_POLL_MAX; i++) {
		u32 iar = gic->ack(), intid = iar & IRQ_INTID;

		if (intid == VGIC_PPI_VTIMER) {
			irq_vtimer(iar);
		} else if (intid == irq_timer) {
			clock_fired();
			irq_done(iar);
		} else if (intid == gic_maintenance_irq) {
			irq_maintenance();
			irq_done(iar);
		} else if (intid >= GIC_SPURIOUS) {
			return;
		} else if (intid >= 32) {
			irq_device(iar, intid);
		} else { /* GIC_SGI_KICK has done its work by interrupting; what for is in memory */
			irq_done(iar);
			vgic_serve();
		}
	}
}

/* The controller has no polarity: a low line or falling edge needs an inverter in the machine. */
status_t arch_irq_attach(u32 gsi, u32 flags, u32 *out)
{
	if (gsi < VGIC_SPI || gsi >= gic_lines())
		return ERR_NOENT;
	if (flags & (IRQ_ISA | IRQ_LOW))
		return ERR_UNSUPPORTED;
	arch_irq_detach(gsi);
	gic->set_edge(gsi, !(flags & IRQ_LEVEL));
	if (flags & IRQ_LEVEL)
		(void)__atomic_fetch_or(&irq_level[IRQ_WORD(gsi)], IRQ_BIT(gsi), __ATOMIC_RELAXED);
	else
		(void)__atomic_fetch_and(&irq_level[IRQ_WORD(gsi)], ~IRQ_BIT(gsi), __ATOMIC_RELAXED);
	gic->route(gsi);
	gic->enable(gsi, true);
	*out = gsi;
	return OK;
}

void arch_irq_detach(u32 gsi)
{
	if (gsi < VGIC_SPI || gsi >= gic_lines())
		return;
	gic->enable(gsi, false);
	arch_irq_unmask(gsi);
}

/*
 * To deactivate what is not active is not allowed. By the distributor: this need not be the CPU that has it active, and
 * what a CPU's interface says of another's interrupts is not the same in every controller.
 */
void arch_irq_unmask(u32 gsi)
{
	u32 bit = IRQ_BIT(gsi);

	if (gsi < VGIC_SPI || gsi >= gic_lines() ||
	    !(__atomic_fetch_and(&irq_held[IRQ_WORD(gsi)], ~bit, __ATOMIC_RELAXED) & bit))
		return;
	gic->set_active(gsi, false);
}
