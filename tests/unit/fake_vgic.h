/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_vgic.h: list registers, a CPU interface and a physical GIC as the manuals describe them. */
#ifndef FAKE_VGIC_H
#define FAKE_VGIC_H

#include "arch/arm64/gic.h"
#include "arch/arm64/percpu.h"
#include "arch/arm64/vgic.h"

#define GICD 0x08000000ull
#define GICR 0x080a0000ull
#define SGIF (GICR + 0x10000)
#define NONE 1023u

#define FAKE_CPUS 4u

/* A physical CPU. */
struct fake_cpu {
	u8 block[0x1000] ALIGNED(4096);
	u64 lr[VGIC_MAX_LR];
	bool on, uie, lrenpie;
	bool line;   /* high, if nobody sets it otherwise */
	bool active; /* of the virtual timer's PPI        */
	bool kicked; /* atomic: the interrupt that asks   */
	u32 depth, eoicount;
	u32 source; /* of what guest_ack returned */
	unsigned deactivated;
};
extern struct fake_cpu fake_cpu[FAKE_CPUS];
extern struct arm_cpu *smp_cpu[BOOT_MAX_CPUS];
extern _Thread_local struct fake_cpu *fake; /* the running one */
extern bool fake_at_once;		    /* a CPU that is asked serves at once; else its thread looks at kicked */
extern u32 fake_kicked;			    /* atomic, bit n: vgic_kicked of vCPU n */

extern const struct vgic_hw fake_hw;
extern unsigned hw_nlr;
#define hw_lr		 (fake->lr)
#define hw_on		 (fake->on)
#define hw_uie		 (fake->uie)
#define hw_lrenpie	 (fake->lrenpie)
#define phys_line	 (fake->line)
#define phys_active	 (fake->active)
#define phys_deactivated (fake->deactivated)
#define last_source	 (fake->source)

/** All CPUs as after power-on; the first one runs. */
void fake_reset(unsigned nlr);
/** The guest acknowledges the best pending interrupt; NONE. And ends it. */
u32 guest_ack(void);
void guest_eoi(u32 intid);
/** Is the maintenance interrupt high? */
bool maintenance(void);
unsigned lrs_with(u32 intid);

#endif
