/* SPDX-License-Identifier: Apache-2.0 */
/* hv/cpu.h: what the hypervisor keeps for each physical CPU, at the bottom of its block. */
#ifndef HV_CPU_H
#define HV_CPU_H

#include "arch/iface/cpu.h"
#include "hv/lib/list.h"

struct vcpu;

/* Reasons for which the service vCPU has an event waiting, in the order in which they are delivered. */
#define PENDING_IRQ	 BIT(0)
#define PENDING_TIMER	 BIT(1)
#define PENDING_EXIT	 BIT(2)
#define PENDING_DOORBELL BIT(3)
#define PENDING_KICK	 BIT(4)

struct cpu {
	struct vcpu *current;		     /* runs, or ran last before idling; a guest's */
	struct vcpu *service;		     /* this CPU's service vCPU          */
	bool service_waits;		     /* it is in REPLY_WAIT              */
	bool resched;			     /* the current guest's turn is over, or somebody more urgent waits */
	u32 pending;			     /* PENDING_*                        */
	u32 id;				     /* number of this CPU, among those that are up */
	u32 hw;				     /* and arch/'s                      */
	u32 ready_mask;			     /* bit n: ready[n] is not empty     */
	struct list ready[SCHED_PRIORITIES]; /* guest vCPUs that want the CPU, but the current one */
	struct list spent;		     /* those that have used up their budget, by the end of their period */
	struct list exits;		     /* guest vCPUs whose exit waits     */
	struct list doorbells;		     /* rung, not yet delivered          */
	struct list timers;		     /* guest vCPUs with a deadline, by time */
	u64 service_timer;		     /* counter, ~0 none                 */
	u64 slice_end;			     /* counter, ~0: no end            */
	u64 bell_end;			     /* when a rung doorbell must be told, ~0: none rung */
	u64 armed;			     /* the earliest of all these times: sched_arm */
	struct vcpu *charged;		     /* whose time passes; NULL: nobody's */
	u64 charged_since;		     /* counter                          */
	void *mailbox;			     /* its service vCPU's               */
	u64 mailbox_pa;
	u32 irqs;     /* device interrupts that have arrived for its service vCPU */
	bool started; /* CPU_START was called, or it is the boot CPU */
	/* What other CPUs write; hv/smp.c. */
	struct vcpu *wakes ALIGNED(64); /* that are to be looked at: a stack by vcpu.wake_next */
	bool call;			/* the call in hv/smp.c is for this CPU, too */
	bool up;			/* it has come to cpu_main */
};
static_assert(sizeof(struct cpu) <= ARCH_CPU_OWN, "the architecture's part follows");

static inline struct cpu *this_cpu(void)
{
	return arch_cpu_block();
}

/* @o: each CPU that is there but @me; @n is for the loop. */
#define for_each_other_cpu(o, me, n)                 \
	for (unsigned n = 0; n < BOOT_MAX_CPUS; n++) \
		if (((o) = cpus[n]) && (o) != (me))
extern struct cpu *cpus[BOOT_MAX_CPUS]; /* by number; NULL: not up */

#endif
