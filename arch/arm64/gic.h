/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/gic.h: the machine's interrupt controller, GICv2 (Arm IHI 0048) or GICv3 (IHI 0069), driven from EL2. */
#ifndef ARCH_ARM64_GIC_H
#define ARCH_ARM64_GIC_H

#include "hv/abi/boot_info.h"
#include "hv/abi/status.h"

#define GIC_SPURIOUS 1020u /* and above: nothing */
#define GIC_SGI_KICK 0u	   /* between CPUs of ours  */

struct arm_cpu;

/* EOImode 1: end drops the priority, deactivate lets the interrupt come again. */
struct gic_ops {
	const char *name; /* "GICv3" */
	u32 (*ack)(void); /* INTID, or GIC_SPURIOUS and above. GICv2: with the source CPU in bits 12:10, for end */
	void (*end)(u32 intid);
	void (*deactivate)(u32 intid);
	/* PPIs and SGIs are this CPU's. */
	void (*enable)(u32 intid, bool on);
	void (*set_active)(u32 intid, bool on);
	void (*set_edge)(u32 intid, bool edge);
	void (*route)(u32 intid); /* SPI to this CPU */
	/** Interrupt CPU @to by GIC_SGI_KICK; what was written before is seen there. */
	void (*kick)(const struct arm_cpu *to);
	/** Note in @cpu, whose number and affinity are there, what the controller has of it. NULL, or what is wrong. */
	const char *(*find)(struct arm_cpu *cpu);
	/** Start this CPU's part. NULL, or what is wrong. */
	const char *(*cpu_init)(void);
};
extern const struct gic_ops *gic;

/** Map and start distributor, redistributor and CPU interface of this CPU. Panics in words when there is none. */
void gic_init(const struct boot_info *bi);
/** How many INTIDs the machine has. */
u32 gic_lines(void);
/** Does [@pa, @pa+@size) hold registers of it? */
bool gic_reserved(u64 pa, u64 size);
/** GICv2: physical address of the virtual CPU interface for guests, its size; 0: GICv3. And the mapped GICH and GICC.
 */
extern u64 gic_gicv_pa, gic_gich, gic_gicc;
extern u32 gic_maintenance_irq;

#endif
