/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/vlapic.h: a vCPU's local APIC as pure logic: xAPIC and x2APIC registers, priorities, timer. */
#ifndef X86_VLAPIC_H
#define X86_VLAPIC_H

#include "hv/lib/util.h"

/*
 * Intel SDM 3A, chapter "Advanced Programmable Interrupt Controller (APIC)". Nothing here touches hardware
 * or locks: the caller serialises calls on one vlapic. `now` is always the guest's TSC, and the timer
 * counts one per TSC tick divided by the divide configuration.
 *
 * Registers are plain fields. Hardware with APIC-register virtualization wants them in a page instead:
 * vlapic_to_page and vlapic_from_page translate.
 */

#define MSR_IA32_APIC_BASE    0x1bu
#define MSR_IA32_TSC_DEADLINE 0x6e0u
#define MSR_X2APIC_FIRST      0x800u
#define MSR_X2APIC_LAST	      0x83fu

/* IA32_APIC_BASE */
#define APIC_BASE_BSP	BIT(8)
#define APIC_BASE_EXTD	BIT(10)
#define APIC_BASE_EN	BIT(11)
#define APIC_BASE_RESET 0xfee00000ull

/* Register offsets in the xAPIC page; the x2APIC MSR is 0x800 + offset / 16. */
#define APIC_ID	     0x020u
#define APIC_VERSION 0x030u
#define APIC_TPR     0x080u
#define APIC_APR     0x090u
#define APIC_PPR     0x0a0u
#define APIC_EOI     0x0b0u
#define APIC_RRD     0x0c0u
#define APIC_LDR     0x0d0u
#define APIC_DFR     0x0e0u
#define APIC_SVR     0x0f0u
#define APIC_ISR     0x100u
#define APIC_TMR     0x180u
#define APIC_IRR     0x200u
#define APIC_ESR     0x280u
#define APIC_ICR     0x300u
#define APIC_ICR2    0x310u
#define APIC_LVT     0x320u /* timer, thermal, performance, LINT0, LINT1, error: 16 bytes apart */
#define APIC_TMICT   0x380u
#define APIC_TMCCR   0x390u
#define APIC_TDCR    0x3e0u
#define APIC_SELF    0x3f0u /* x2APIC only */

/* 6 LVT entries, version 0x14, EOI-broadcast suppression offered. */
#define APIC_VERSION_VALUE 0x01050014u

#define APIC_SVR_ENABLE	   BIT(8)
#define APIC_SVR_NO_EOI_BC BIT(12)

#define APIC_LVT_VECTOR	    BITS(7, 0)
#define APIC_LVT_MODE	    BITS(10, 8)
#define APIC_LVT_MASKED	    BIT(16)
#define APIC_LVT_TIMER_MODE BITS(18, 17)
#define APIC_TIMER_ONESHOT  0u
#define APIC_TIMER_PERIODIC 1u
#define APIC_TIMER_DEADLINE 2u

/* ESR */
#define APIC_ESR_SEND_VECTOR BIT(5)
#define APIC_ESR_RECV_VECTOR BIT(6)
#define APIC_ESR_REGISTER    BIT(7)

/* Delivery modes of the ICR, LVT entries, I/O APIC and MSI. */
enum apic_mode {
	APIC_FIXED = 0,
	APIC_LOWEST = 1,
	APIC_SMI = 2,
	APIC_NMI = 4,
	APIC_INIT = 5,
	APIC_SIPI = 6,
	APIC_EXTINT = 7,
};

enum apic_shorthand { APIC_DEST = 0, APIC_SHORT_SELF = 1, APIC_SHORT_ALL = 2, APIC_SHORT_OTHERS = 3 };

enum vlapic_lvt { LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_COUNT };

/* What the caller of a register write must still do. */
enum vlapic_act {
	VLAPIC_NONE,
	VLAPIC_IPI,   /* *ipi: send to the other vCPUs it selects (self was served already) */
	VLAPIC_EOI,   /* ipi->vector: a level-triggered interrupt ended, tell the I/O APIC */
	VLAPIC_TIMER, /* vlapic_deadline() may have changed */
	VLAPIC_MODE,  /* IA32_APIC_BASE changed: mode, MMIO page, CPUID's APIC bit, and the deadline */
};

struct vlapic_ipi {
	u32 dest;     /* with shorthand APIC_DEST; ~0 is the physical broadcast in both modes */
	bool logical; /* dest is a logical destination */
	u8 shorthand; /* enum apic_shorthand: APIC_DEST, _ALL or _OTHERS; both of the latter mean "all others" here */
	u8 mode;      /* enum apic_mode */
	u8 vector;
	bool level;    /* level-triggered (fixed and lowest priority) */
	bool deassert; /* of a line: nothing is kept per line here, nothing is to be done */
};

/* Pending events that aren't vectors, in vlapic.events. */
#define VLAPIC_EV_NMI	 BIT(0)
#define VLAPIC_EV_INIT	 BIT(1)
#define VLAPIC_EV_SIPI	 BIT(2) /* vector in sipi_vector */
#define VLAPIC_EV_EXTINT BIT(3) /* fetch the vector from the 8259 */

/* 256 vectors; words: bit n set exactly when w[n] is not 0, so that empty is one test. */
struct vlapic_vectors {
	u32 words;
	u32 w[8];
};

struct vlapic {
	struct vlapic_vectors irr, isr;
	u8 tpr;
	u8 sipi_vector;
	u8 phys_bits;	/* MAXPHYADDR for IA32_APIC_BASE; vlapic_init sets 52, the caller may lower it */
	u8 timer_shift; /* log2 of the divider */
	bool wait;	/* after INIT, or from power-on: a SIPI starts the CPU, and nothing else reaches it */
	u32 svr;
	u32 events;   /* VLAPIC_EV_* */
	u64 base;     /* IA32_APIC_BASE */
	u64 deadline; /* guest TSC of the timer's next event; ~0: stopped */
	u32 lvt[LVT_COUNT];
	u32 tmict, tdcr;
	u32 id, ldr, dfr;
	u32 esr;	 /* what reads see */
	u32 esr_pending; /* what the next write latches */
	u64 icr;	 /* x2APIC layout; in xAPIC mode the destination stands in bits 63-56 */
	u32 tmr[8];
};

/** Power-on state of the APIC with @apic_id; @bsp goes to IA32_APIC_BASE. xAPIC mode, software-disabled. */
void vlapic_init(struct vlapic *v, u32 apic_id, bool bsp);

/** State after INIT (SDM "Local APIC State After It Receives an INIT-Deassert IPI" and x2APIC's "States"):
 * registers as at power-on; IA32_APIC_BASE, mode and ID stay. Pending events go, too. */
void vlapic_reset(struct vlapic *v);

/** As firmware leaves the BSP: enabled, LINT0 = ExtINT, LINT1 = NMI ("virtual wire"); for kernels started directly. */
void vlapic_virtual_wire(struct vlapic *v);

/** Is the register page at IA32_APIC_BASE decoded (xAPIC mode)? */
static inline bool vlapic_is_xapic(const struct vlapic *v)
{
	return (v->base & (APIC_BASE_EN | APIC_BASE_EXTD)) == APIC_BASE_EN;
}

static inline bool vlapic_is_x2apic(const struct vlapic *v)
{
	return (v->base & APIC_BASE_EXTD) != 0;
}

/** 32-bit register read at byte @off of the page. Outside xAPIC mode: all ones. */
u32 vlapic_read(struct vlapic *v, u32 off, u64 now);

/** 32-bit register write. @ipi is filled for VLAPIC_IPI and VLAPIC_EOI. Outside xAPIC mode: ignored. */
enum vlapic_act vlapic_write(struct vlapic *v, u32 off, u32 value, u64 now, struct vlapic_ipi *ipi);

/** RDMSR of 0x800-0x83f, IA32_APIC_BASE, IA32_TSC_DEADLINE. False: #GP for the guest. */
bool vlapic_rdmsr(struct vlapic *v, u32 msr, u64 *value, u64 now);

/** WRMSR of the same. False: #GP for the guest, nothing changed. @act and @ipi as vlapic_write's. */
bool vlapic_wrmsr(struct vlapic *v, u32 msr, u64 value, u64 now, struct vlapic_ipi *ipi, enum vlapic_act *act);

/** A message arrived: set IRR (and TMR by @level) or a pending event. False: not accepted (software- or
 * globally disabled, illegal vector: then ESR has it, SMI and reserved modes; SIPI of a CPU that does not wait for it,
 * everything else of one that does). */
bool vlapic_accept(struct vlapic *v, u32 delivery_mode, u8 vector, bool level);

/** Does destination @dest (8 bits, x2APIC 32 bits, ~0 physical broadcast) select this APIC? */
bool vlapic_match(const struct vlapic *v, u32 dest, bool logical);

/** Decode the MSI write @data to @addr (SDM "Message Signalled Interrupts") into @msg. True: it is for this APIC;
 * lowest priority (mode or redirection hint) is for the caller to give to one alone. */
bool vlapic_msi(const struct vlapic *v, u64 addr, u32 data, struct vlapic_ipi *msg);

/** The highest vector that PPR lets through, or -1. */
int vlapic_pending(struct vlapic *v);

/** The highest vector that only TPR may hold back, or -1: for a CPU that compares with CR8 by itself. */
int vlapic_offer(struct vlapic *v);

/** TPR in both directions; CR8 is bits 7-4. */
void vlapic_set_tpr(struct vlapic *v, u8 tpr);
static inline u8 vlapic_tpr(const struct vlapic *v)
{
	return v->tpr;
}

/** Do 8259 interrupts reach the CPU: LVT0 in ExtINT mode and unmasked, or the APIC globally disabled? */
bool vlapic_extint_ok(const struct vlapic *v);

/** Guest TSC at which vlapic_tick is next needed; ~0: never (stopped or masked). */
static inline u64 vlapic_deadline(const struct vlapic *v)
{
	return v->lvt[LVT_TIMER] & APIC_LVT_MASKED ? ~0ull : v->deadline;
}

/** Deliver the timer if it is due. Missed periods of a periodic timer are dropped, its phase is kept. */
void vlapic_tick(struct vlapic *v, u64 now);

/** The guest's TSC jumped by @delta (WRMSR of IA32_TIME_STAMP_COUNTER or IA32_TSC_ADJUST): a running count goes on as
 * if nothing had happened, a TSC deadline stays where it is. vlapic_deadline() may have changed. */
void vlapic_tsc_moved(struct vlapic *v, u64 delta);

/** A local source raised LVT entry @which (LINT pins, performance counter...). True: delivered or pending. */
bool vlapic_raise(struct vlapic *v, enum vlapic_lvt which);

/** Take pending event @ev (VLAPIC_EV_*): was it there? */
static inline bool vlapic_take(struct vlapic *v, u32 ev)
{
	bool was = (v->events & ev) != 0;

	v->events &= ~ev;
	return was;
}

/** vlapic_take for the NMI. */
bool vlapic_nmi_take(struct vlapic *v);

/** Fill the 4 KiB virtual-APIC @page (xAPIC offsets). TMCCR is not kept there: its reads must exit. */
void vlapic_to_page(const struct vlapic *v, void *page);

/** Take back what hardware may have changed in @page: TPR, IRR, ISR, TMR. Vectors below 16 are dropped. */
void vlapic_from_page(struct vlapic *v, const void *page);

#endif
