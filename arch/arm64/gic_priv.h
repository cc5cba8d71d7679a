/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/gic_priv.h: what gic.c and the two versions of the controller share. */
#ifndef ARCH_ARM64_GIC_PRIV_H
#define ARCH_ARM64_GIC_PRIV_H

#include "arch/arm64/gic.h"
#include "arch/arm64/percpu.h"

#define GIC_PRIORITY 0xa0u /* of every interrupt: none interrupts another */

extern u64 gic_gicd; /* the distributor, where the registers of SPIs are */
/* Where the registers of an interrupt are. GICv2: the distributor both times. */
static inline u64 gic_bank(u32 intid)
{
	return intid < 32 ? arm_cpu()->bank0 : gic_gicd;
}

extern const struct gic_ops gic_v2_ops, gic_v3_ops;
/** Find and start it; no interrupt is enabled, pending or active. Panics in words. */
void gic_v2_init(const struct boot_platform *p);
void gic_v3_init(const struct boot_platform *p);

/** Map @r's first @size bytes (at least so long; @what for the panic) and return where they are seen. */
u64 gic_map(const struct boot_range *r, u64 size, const char *what);
/** Wait until @mask is clear in the register at @addr; panics when that takes too long. */
void gic_wait(u64 addr, u32 mask, const char *what);
/** INTIDs 0 to n-1, as GICD_TYPER at @gicd says. */
u32 gic_count(u64 gicd);
/** INTIDs [@first, @end), multiples of 32, of @bank: disabled, level-triggered (SGIs as they are), not pending, not
 * active, in @group, GIC_PRIORITY. */
void gic_reset_bank(u64 bank, u32 first, u32 end, u32 group);

/* For struct gic_ops, in terms of gic_bank(). */
void gic_bank_enable(u32 intid, bool on);
void gic_bank_active(u32 intid, bool on);
void gic_bank_edge(u32 intid, bool edge);

#endif
