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
	struct vcpu *current;  /* runs, or ran last before idling  */
	struct vcpu *service;  /* this CPU's service vCPU          */
	bool service_waits;    /* it is in REPLY_WAIT              */
	u32 pending;	       /* PENDING_*                        */
	struct list ready;     /* guest vCPUs that want the CPU    */
	struct list exits;     /* guest vCPUs whose exit waits     */
	struct list doorbells; /* rung, not yet delivered          */
	struct list timers;    /* guest vCPUs with a deadline, by time */
	u64 service_timer;     /* counter, ~0 none                 */
	u64 slice_end;	       /* counter, ~0: alone               */
	u64 bell_end;	       /* when a rung doorbell must be told, ~0: none rung */
};

static inline struct cpu *this_cpu(void)
{
	return arch_cpu_block();
}

#endif
