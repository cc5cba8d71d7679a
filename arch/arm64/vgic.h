/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch/arm64/vgic.h: a guest's interrupt controller: distributor and redistributors emulated here (Arm IHI 0069 for
 * GICv3, IHI 0048 for GICv2), the CPU interface by the hardware's list registers.
 */
#ifndef ARCH_ARM64_VGIC_H
#define ARCH_ARM64_VGIC_H

#include "hv/abi/status.h"
#include "hv/lib/pool.h"
#include "hv/lib/util.h"
#include "self/regs.h"

#define VGIC_LINES	256u /* INTIDs of a guest: 16 SGIs, 16 PPIs, SPIs */
#define VGIC_SPI	32u
#define VGIC_MAX_LR	16u
#define VGIC_MAX_VCPUS	8u
#define VGIC_GICD_SIZE	0x10000u
#define VGIC_GICR_SIZE	0x20000u
#define VGIC_NOWHERE	BIT(63) /* no guest-physical address comes near it; ~0 would wrap in vgic_mine */
#define VGIC_PPI_PTIMER 30u
#define VGIC_PPI_VTIMER 27u

struct vgic_cpu;

/*
 * 32 interrupts, one bit each, as the registers have them. Private ones (bank 0) are in each vCPU, SPIs in the VM.
 * While an interrupt is listed, its list register says whether it is active, and whether @pending has been taken.
 */
struct vgic_bank {
	u32 enabled;
	u32 pending; /* latched: an edge, or software. GICv2 SGI: somebody in vgic_cpu.sources */
	u32 line;    /* level of the wire                                                       */
	u32 level;   /* level-triggered; else edge                                              */
	u32 active;  /* while it is in no list register                                         */
	u32 listed;  /* in a list register: @lr                                                 */
	u32 group1;  /* GICD_IGROUPR                                                            */
	u32 hw;	     /* the physical interrupt of the same INTID is active for it (vtimer)      */
	u8 priority[32];
	u8 lr[32]; /* vCPU << 4 | list register */
};

/* A page of the VM's pool: SPIs. Bank k is here at k - 1. */
struct vgic_spis {
	struct vgic_bank bank[VGIC_LINES / 32 - 1];
	u32 route[VGIC_LINES - VGIC_SPI];	       /* GICv3: GICD_IROUTER; GICv2: GICD_ITARGETSR       */
	u32 mine[VGIC_LINES / 32 - 1][VGIC_MAX_VCPUS]; /* that leads to the vCPU (GICv2: the lowest of those) */
};
static_assert(sizeof(struct vgic_spis) <= PAGE_SIZE, "SPIs are a page");

/* Per VM. In struct arch_vm. */
struct vgic {
	bool v3;
	u8 nvcpus;
	u8 kick;		  /* bit n: vCPU n has been sent something: vcpu_kicks tells it      */
	u32 ctlr;		  /* GICD_CTLR's enables                                             */
	u32 on[2];		  /* ~0 where @ctlr enables the group                                */
	u64 gicd, gicr, gicc;	  /* guest-physical; VGIC_NOWHERE: not there                         */
	u64 msi_addr;		  /* VGIC_NOWHERE: none                                              */
	u32 msi_first, msi_count; /* INTIDs                                                          */
	struct vgic_cpu *cpu[VGIC_MAX_VCPUS];
	struct vgic_cpu *here; /* the one whose interface is in the CPU, NULL: none               */
	struct vgic_spis *spis;
};

/* Per vCPU. In struct arch_vcpu. */
struct vgic_cpu {
	struct vgic *vgic;
	u32 id;
	bool todo;	/* something pending may want a list register: vgic_flush looks  */
	u8 nlr;		/* list registers that this machine has                           */
	bool loaded;	/* the list registers are in the CPU, else in @lr                */
	bool underflow; /* more wants list registers than there are                    */
	u8 look;	/* bit k: bank k may have something that wants a list register */
	/* Bit n is list register n, as it was last written. */
	u32 lr_used; /* holds something, unless the guest has ended it since */
	u32 lr_pend; /* pending                                              */
	u32 lr_hw;   /* its end deactivates the physical interrupt            */
	u32 lr_eoi;  /* its end makes a maintenance interrupt                 */
	u32 lr_same; /* pending alone, by @lr[n]: writing that again makes the same interrupt pending again */
	u16 lr_intid[VGIC_MAX_LR];
	struct vgic_bank own;
	u8 sources[16]; /* GICv2 SGIs: which vCPUs have sent it               */
	u8 source[16];	/* and whose is in the list register, or active       */
	u32 waker;	/* GICR_WAKER, ProcessorSleep and ChildrenAsleep                  */
	/* The virtual CPU interface's registers while another guest has the CPU. @lr: as written, while it is loaded.
	 */
	u64 lr[VGIC_MAX_LR], vmcr, hcr;
	u64 apr[8];  /* AP0R0-3, AP1R0-3; GICv2: GICH_APR in the first */
	bool hidden; /* something active is in no list register: its end is counted, see vgic_hw.ended */
};

/** The hardware's list registers, behind one table: arch/arm64/vgic_v3.c (ICH_*) and vgic_v2.c (GICH). */
struct vgic_hw {
	unsigned (*init)(void); /* returns how many list registers; sets up the maintenance interrupt's conditions */
	u64 (*lr_read)(unsigned n);
	void (*lr_write)(unsigned n, u64 v);
	u32 (*empty)(void); /* ELRSR | EISR: bit n, list register n is empty or ended: free                     */
	/* Load or save the whole virtual interface (another guest takes the CPU). load with NULL: switch it off. */
	void (*save)(struct vgic_cpu *c);
	void (*load)(const struct vgic_cpu *c);
	/* Maintenance interrupt when few list registers hold something; when @c has ended what is in none. */
	void (*watch)(struct vgic_cpu *c, bool few, bool unlisted);
	/* How many active interrupts the guest has ended that are in no list register; the count starts again. */
	u32 (*ended)(const struct vgic_cpu *c);
	/* List register contents for @intid: pending, @eoi: maintenance interrupt when the guest ends it, @hw: physical
	 * interrupt of the same number is deactivated with it. And back. */
	u64 (*lr_make)(u32 intid, u8 priority, bool group1, bool pending, bool active, bool eoi, bool hw, u8 source);
	bool (*lr_pending)(u64 lr);
	bool (*lr_active)(u64 lr);
};
extern const struct vgic_hw vgic_hw_v3, vgic_hw_v2;
extern const struct vgic_hw *vgic_hw; /* this machine's */

extern unsigned vgic_nlr; /* how many list registers it has */
/*
 * The machine does not look at a physical interrupt again when a list register's end deactivates it, so one whose line
 * has stayed high is lost until something else makes it look: no list register gets HW, and we deactivate it.
 * QEMU 7.2's GICv2 is so: the guest's GICV_EOIR clears the active bit (hw/intc/gic_internal.h, gic_clear_active), but
 * afterwards gic_cpu_write updates the virtual CPU interface alone.
 */
extern bool vgic_hw_broken;

/** Is the line of @c's hardware interrupt @intid high? Loaded or not. With the timer's registers: context.c. */
bool vgic_hw_line(const struct vgic_cpu *c, u32 intid);

/** Once, after gic_init: this machine's virtual CPU interface is @hw. Panics when it has no list register. */
void vgic_attach(const struct vgic_hw *hw);
/** Take memory for @g's SPIs, no addresses yet; the caller has set @g->v3. Everything as after reset. ERR_NOMEM. */
MUST_CHECK status_t vgic_init(struct vgic *g, struct pool *pool);
void vgic_fini(struct vgic *g, struct pool *pool);
/** Add vCPU @id (below VGIC_MAX_VCPUS), as after power-on. */
void vgic_cpu_init(struct vgic_cpu *c, struct vgic *g, u32 id);
/** @c's part as after power-on; for vCPU 0 the distributor too. Not loaded in the CPU. */
void vgic_reset(struct vgic_cpu *c);
/** That without the distributor. */
void vgic_reset_cpu(struct vgic_cpu *c);

/** Is [@gpa, @gpa+@size) the distributor's or a redistributor's? Fast: it is asked at every memory exit. */
static inline bool vgic_mine(const struct vgic *g, u64 gpa)
{
	return gpa - g->gicd < VGIC_GICD_SIZE || (g->v3 && gpa - g->gicr < (u64)VGIC_GICR_SIZE * g->nvcpus);
}
/** vCPU @c's access to it, @size 1, 2, 4 or 8 bytes; unknown registers and sizes are RAZ/WI. */
u64 vgic_read(struct vgic_cpu *c, u64 gpa, unsigned size);
void vgic_write(struct vgic_cpu *c, u64 gpa, unsigned size, u64 value);
/** ICC_SGI1R_EL1 (@group1), ICC_SGI0R_EL1 or ICC_ASGI1R_EL1 (not @group1) written by @c (GICv3; IHI 0069, 12.2). */
void vgic_sgi(struct vgic_cpu *c, u64 value, bool group1);

/** A wire's level; of an edge-triggered interrupt the rising edge counts. INTIDs below 32 are @c's own. True: vCPU
 * @c may have to be woken. Out of range: false. */
bool vgic_line(struct vgic_cpu *c, u32 intid, bool level);
/** One edge. True as above. */
bool vgic_pulse(struct vgic_cpu *c, u32 intid);
/** The physical interrupt @intid (vtimer) has come and stays active until the guest ends it. */
void vgic_hw_arrived(struct vgic_cpu *c, u32 intid);

/*
 * Any of these and of the accesses above may leave bits in vgic.kick: other vCPUs that have got something and may
 * sleep. Whoever is in the CPU has todo set then.
 */
/** Before the guest runs, when @c->todo: fill free list registers by priority. @c is loaded. */
void vgic_flush(struct vgic_cpu *c);
/** From the maintenance interrupt: take back what the guest has ended and what is to be looked at for that. */
void vgic_sync(struct vgic_cpu *c);
/** Is an interrupt pending that the guest would take if it did not mask interrupts (enabled, group on, priority above
 * PMR and running)? Loaded or not. PMR and the running priority are not looked at: a wake too many does no harm. */
bool vgic_awake(struct vgic_cpu *c);
/** Do what another CPU has asked of this one. */
void vgic_serve(void);
/** Put @c's virtual interface into the CPU, or out of it. A physically active interrupt (VGIC_HW) goes along. */
void vgic_load(struct vgic_cpu *c);
void vgic_save(struct vgic_cpu *c);

#endif
