/* SPDX-License-Identifier: Apache-2.0 */
/* hv/abi/hypercall.h: the calls of a VM to the hypervisor. docs/abi.md sets them beside KVM's ioctls. */
#ifndef HV_ABI_HYPERCALL_H
#define HV_ABI_HYPERCALL_H

#include "hv/abi/status.h"

#define ABI_VERSION 1

/*
 * Calling convention.
 *   x86:   VMCALL or VMMCALL (HV_INFO says which; either works). RAX = number; RDI, RSI, RDX, R10, R8 = arguments.
 *          Out: RAX = status_t, RDI, RSI, RDX = results. Other registers are kept.
 *   arm64: SVC #0x5456, since the service VM runs at EL0. X0 = number; X1-X5 = arguments. Out: X0 = status,
 *          X1-X3 = results.
 * Addresses are the caller's guest-physical ones (the service VM's are host-physical, by identity);
 * sizes are bytes. A call checks everything, then acts: an error has changed nothing.
 *
 * X(NAME, function, right): order is ABI.
 */
#define HYPERCALL_LIST(X)                                                                                             \
	X(INFO, info, 0)			 /* () fill mailbox with struct hv_info             */                \
	X(REPLY_WAIT, reply_wait, RIGHT_SERVICE) /* (vcpu or 0, flags) -> kind, cookie, data */                       \
	X(VM_CREATE, vm_create, RIGHT_VM)	 /* (donation, size, cookie) -> vm               */                   \
	X(VM_DESTROY, vm_destroy, RIGHT_VM)	 /* (vm): its memory goes back to its owner      */                   \
	X(VM_MAP, vm_map, RIGHT_VM)		 /* (vm, gpa, pa, size, MAP_*)                      */                \
	X(VM_UNMAP, vm_unmap, RIGHT_VM)		 /* (vm, gpa, size): what is mapped there; ERR_UNMAPPED: nothing */   \
	X(VM_DONATE, vm_donate, RIGHT_VM)	 /* (vm, pa, size): more memory for its tables     */                 \
	X(VCPU_CREATE, vcpu_create, RIGHT_VM)	 /* (vm, run page, cookie, APIC ID) -> vcpu    */                     \
	X(VCPU_RUN, vcpu_run, RIGHT_VM)		 /* (vcpu): complete its exit, let it run           */                \
	X(VCPU_STOP, vcpu_stop, RIGHT_VM)	 /* (vcpu): it exits with EXIT_STOPPED             */                 \
	X(VCPU_GET, vcpu_get, RIGHT_VM)		 /* (vcpu): fill mailbox with struct vcpu_state     */                \
	X(VCPU_SET, vcpu_set, RIGHT_VM)		 /* (vcpu, VCPU_SET_*): load struct vcpu_state from the mailbox */    \
	X(VM_CONFIGURE, vm_configure, RIGHT_VM)	 /* (vm, n): mailbox holds n vm_config      */                        \
	X(VM_SET_MSR, vm_set_msr, RIGHT_VM)	 /* (vm, n): mailbox holds n msr_policy          */                   \
	X(VM_IRQ, vm_irq, RIGHT_VM)		 /* (vm, MSI address, MSI data)                     */                \
	X(VCPU_EXTINT, vcpu_extint, RIGHT_VM)	 /* (vcpu, level): the 8259's INTR line        */                     \
	X(VCPU_APIC, vcpu_apic, RIGHT_VM)	 /* (vcpu, offset, write, value) -> value          */                 \
	X(VM_DOORBELL, vm_doorbell, RIGHT_VM)	 /* (vm, address, DOORBELL_*, match, cookie)   */                     \
	X(TIMER_SET, timer_set, RIGHT_SERVICE)	 /* (counter value or 0): EVENT_TIMER then    */                      \
	X(IRQ_ATTACH, irq_attach, RIGHT_DEVICE)	 /* (gsi, IRQ_*, cookie): EVENT_IRQ          */                       \
	X(IRQ_ACK, irq_ack, RIGHT_DEVICE)	 /* (gsi): it may come again                       */                 \
	X(STATS, stats, RIGHT_VM)		 /* (vm, vcpu index): mailbox, struct hv_stats      */                \
	X(TRACE, trace, RIGHT_VM)		 /* (ring page or 0, pages, mask of VMs)            */                \
	X(AUDIT, audit, RIGHT_VM)		 /* () mailbox, struct hv_audit                     */                \
	X(LOG, log, RIGHT_CONSOLE)		 /* (offset): copy the boot log into the mailbox -> bytes */          \
	X(MACHINE, machine, RIGHT_MACHINE)	 /* (MACHINE_*): reset or power off               */                  \
	X(VM_LINE, vm_line, RIGHT_VM) /* (vm, number, level): a wire to the interrupt controller in the hypervisor */ \
	X(CPU_START, cpu_start, RIGHT_SERVICE) /* (cpu, entry, arg): the service vCPU of physical CPU @cpu, once */   \
	X(CPU_KICK, cpu_kick, RIGHT_SERVICE)   /* (cpu): EVENT_KICK there */                                          \
	X(VCPU_SCHED, vcpu_sched, RIGHT_VM)    /* (vcpu, cpu | priority << 16, shares, budget, period) */             \
	X(VCPU_EOI, vcpu_eoi, RIGHT_VM)	       /* (vcpu, gpa | VCPU_EOI_ON or 0): the word for its EOIs */

enum hypercall {
#define X(NAME, fn, right) HV_##NAME,
	HYPERCALL_LIST(X)
#undef X
		HV_COUNT
};

/* Rights of a VM. */
#define RIGHT_SERVICE 0x01u /* wait for events                      */
#define RIGHT_VM      0x02u /* create and rule VMs                  */
#define RIGHT_DEVICE  0x04u /* own devices and their interrupts     */
#define RIGHT_CONSOLE 0x08u /* read the log                         */
#define RIGHT_MACHINE 0x10u /* reset and power off the machine      */
#define RIGHT_ALL     0x1fu

/* REPLY_WAIT flags. */
#define WAIT_POLL 0x1u /* answer EVENT_NONE instead of waiting */

/* VM_MAP flags: PT_R, PT_W, PT_X of hv/lib/ptab.h, in these same bits, and: */
#define MAP_R 0x01u
#define MAP_W 0x02u
#define MAP_X 0x04u

/* VCPU_SET flags. */
#define VCPU_SET_POWER_ON 0x1u /* the local interrupt controller, too, is as after power-on */
#define VCPU_SET_WAIT	  0x2u /* with it: another vCPU will start this one (SIPI; PSCI CPU_ON) */

/* VCPU_EOI: a word of the guest's RAM, as KVM's MSR_KVM_PV_EOI_EN names it. */
#define VCPU_EOI_ON 0x1u

/*
 * VCPU_SCHED: the vCPU moves to physical CPU @cpu and runs there with these. A higher priority always goes first; among
 * equals, each gets the CPU in proportion to its shares. @budget counter ticks in each @period, no more; 0: no limit.
 */
#define SCHED_PRIORITIES 8
#define SCHED_SHARES	 100u /* if nothing else is said */
#define SCHED_SHARES_MAX 10000u
#define SCHED_PERIOD_MAX (1UL << 40)

/* VM_DOORBELL flags. */
#define DOORBELL_PORT	 0x001u /* @address is an I/O port; else a guest-physical address */
#define DOORBELL_MATCH	 0x002u /* only when the value written equals @match              */
#define DOORBELL_REMOVE	 0x004u
#define DOORBELL_SIZE(n) ((n) << 8) /* access size 1, 2 or 4 bytes; 0: any */

/* IRQ_ATTACH flags: trigger and polarity of a GSI; IRQ_ISA: @gsi is an ISA IRQ, firmware's overrides apply. */
#define IRQ_LEVEL  0x1u
#define IRQ_LOW	   0x2u
#define IRQ_ISA	   0x4u
#define IRQ_DETACH 0x8u

#define MACHINE_RESET	 0
#define MACHINE_POWEROFF 1
#define MACHINE_CLOSE	 2 /* the caller itself is about to do either: the log ends, and the call returns */

/* Where the hypervisor puts the mailbox page, in words: the service VM's first argument is its address. */
#define MAILBOX_SIZE PAGE_SIZE

struct hv_region {
	u64 base, size;
	u32 kind;  /* enum hv_region_kind */
	u32 index; /* module number */
};

enum hv_region_kind {
	HV_REGION_RAM = 1, /* the caller's, free to use                       */
	HV_REGION_IMAGE,   /* the caller's own program                        */
	HV_REGION_MODULE,  /* the caller's: boot module @index                */
	HV_REGION_FIRMWARE /* readable: ACPI tables and the like              */
};

#define HV_INFO_REGIONS		 64
#define HV_FEATURE_INVARIANT_TSC 0x01u
#define HV_FEATURE_1G_PAGES	 0x02u
#define HV_FEATURE_VMMCALL	 0x04u /* hypercall with VMMCALL, else VMCALL      */
#define HV_FEATURE_NEXT_RIP	 0x08u /* exits know the instruction's length       */
#define HV_FEATURE_APIC_HW	 0x10u /* the CPU virtualizes the local APIC        */
#define HV_FEATURE_DOORBELL_MEM	 0x20u /* doorbells may be guest-physical addresses */
#define HV_FEATURE_LINES	 0x40u /* wired interrupts are the hypervisor's: VM_LINE */

struct hv_info {
	u32 abi_version;
	u32 features;	/* HV_FEATURE_* */
	u64 counter_hz; /* frequency of the counter (TSC, CNTVCT) */
	u64 boot_info;	/* address of a read-only copy of struct boot_info */
	u32 ncpus;	/* physical CPUs that are up */
	u32 nregions;
	u64 hv_bytes;	  /* memory that the hypervisor keeps for itself */
	u64 image_bytes;  /* of it, its image */
	char machine[32]; /* what virtualizes: a name from arch/ */
	struct hv_region region[HV_INFO_REGIONS];
};

/* What a trapped MSR that the hypervisor does not know does. First match wins; no match: #GP. */
enum msr_action { MSR_GP, MSR_VALUE, MSR_IGNORE_WRITE, MSR_FORWARD };
struct msr_policy {
	u32 first, last; /* inclusive */
	u32 action;	 /* GP; read as @value and #GP on write; read as @value, ignore writes; EXIT_SYSREG */
	u32 pad;
	u64 value;
};

enum vcpu_run_state {
	VCPU_STOPPED, /* waits for the service VM: new, or its exit is being served */
	VCPU_READY,   /* runs, or is on a ready list                                */
	VCPU_HALTED,  /* until an interrupt                                         */
};

/* STATS: a vCPU's exits by reason, and what it does. */
#define HV_STATS_MAX 48
struct hv_stats {
	u64 exits[HV_STATS_MAX]; /* by enum exit_kind */
	u32 state;		 /* enum vcpu_run_state              */
	u32 cpu;		 /* physical CPU that it is on       */
	u64 time;		 /* counter ticks it has used, what the service VM did for it included */
};

struct hv_audit {
	u64 leaves; /* stage-2 leaves walked */
	u64 pages;  /* 4 KiB pages they map  */
	u64 violations;
	u32 vm; /* of the first violation */
	u32 pad;
	u64 gpa, pa;
	char what[80]; /* the first violation in words */
};

#endif
