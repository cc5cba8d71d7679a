/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_vgic.h: list registers, a CPU interface and a physical GIC as the manuals describe them. */
#ifndef FAKE_VGIC_H
#define FAKE_VGIC_H

#include "arch/arm64/gic.h"
#include "arch/arm64/vgic.h"

#define GICD 0x08000000ull
#define GICR 0x080a0000ull
#define SGIF (GICR + 0x10000)
#define NONE 1023u

extern const struct vgic_hw fake_hw;
extern u64 hw_lr[VGIC_MAX_LR];
extern unsigned hw_nlr;
extern bool hw_on, hw_uie, hw_lrenpie;
extern bool phys_line;	 /* high, if nobody sets it otherwise */
extern bool phys_active; /* of the virtual timer's PPI */
extern unsigned phys_deactivated;
extern u32 last_source; /* of what guest_ack returned */

void fake_reset(unsigned nlr);
/** The guest acknowledges the best pending interrupt; NONE. And ends it. */
u32 guest_ack(void);
void guest_eoi(u32 intid);
/** Is the maintenance interrupt high? */
bool maintenance(void);
unsigned lrs_with(u32 intid);

#endif
