/* SPDX-License-Identifier: Apache-2.0 */
/* hv/vm.h: virtual machines and their vCPUs, and what the parts of hv/ offer each other. */
#ifndef HV_VM_H
#define HV_VM_H

#include "arch/iface/vcpu.h"
#include "hv/cpu.h"
#include "hv/lib/list.h"
#include "hv/lib/log.h"
#include "hv/lib/panic.h"
#include "hv/mem.h"

/*
 * Lock order: none yet: one physical CPU runs the hypervisor, with interrupts masked. The SMP issue takes
 * them in the order vm_table, vm, frame table, cpu.
 */

#define VM_MAX	     64
#define VM_MAX_VCPUS 8
#define VM_DOORBELLS 24
#define VM_DONATIONS 8
#define VM_SERVICE   1 /* number of the service VM; 0 is the hypervisor itself */

struct vm;

struct vcpu {
	struct arch_vcpu arch;
	struct vm *vm;
	struct list link;	/* ready or exits list */
	struct list timer_link; /* cpu->timers         */
	u64 deadline;		/* as sorted there, ~0 not on it */
	struct run_page *run;	/* guests: shared with the service VM */
	u64 run_pa;
	u64 cookie;
	u32 id;	       /* vm << 8 | index */
	u8 state;      /* enum vcpu_run_state */
	u32 exit_kind; /* of the exit that the service VM serves */
	u64 exits[EXIT_COUNT];
	struct vcpu_regs regs; /* the service VM's own general registers */
};
static_assert(sizeof(struct vcpu) <= PAGE_SIZE, "a vCPU is a page");
static_assert(EXIT_COUNT <= HV_STATS_MAX, "stats");

struct doorbell {
	struct list link; /* cpu->doorbells while rung */
	u64 addr;
	u64 match;
	u64 cookie;
	u16 flags; /* DOORBELL_* */
	bool used, rung;
};

struct vm {
	u16 id;
	u16 nvcpus;
	u32 rights;
	u64 cookie;
	struct arch_vm arch;
	struct pool *pool;   /* where its tables come from */
	struct pool donated; /* that, for all but the service VM */
	struct vcpu *vcpu[VM_MAX_VCPUS];
	struct {
		u64 pa, size;
	} donation[VM_DONATIONS];
	unsigned ndonations;
	u32 ndoorbells;
	struct doorbell bell[VM_DOORBELLS];
};
static_assert(sizeof(struct vm) <= PAGE_SIZE, "a VM is a page");

extern struct vm *vm_table[VM_MAX];

/* hv/vm.c */
/** The VM of that number, or NULL. */
struct vm *vm_get(u64 id);
/** Make @vm, whose page is zeroed, number @id with @rights. Its pool is filled already. ERR_NOMEM. */
MUST_CHECK status_t vm_init(struct vm *vm, u16 id, u32 rights);
/** The vCPU of a VM other than the service VM, or NULL. */
struct vcpu *vcpu_get(u64 id);
/** A vCPU in @vm out of its pool; guests' registers are in @run, else its own. */
struct vcpu *vcpu_new(struct vm *vm, unsigned index, struct run_page *run);
/** A doorbell of @vm at @addr with these flags, or NULL. */
struct doorbell *doorbell_find(struct vm *vm, u64 addr, bool port, unsigned size, u64 value);
/** Set its event and let the guest go on. */
void doorbell_ring(struct doorbell *d);

/* hv/service.c */
/** Make the service VM from boot module @image, owner of all memory that is left. Panics in words. */
void service_create(const struct boot_info *bi);
/** Fill @i for HV_INFO. */
void service_info(struct hv_info *i);
extern u64 service_mailbox_pa;
extern void *service_mailbox;

/* hv/sched.c */
void sched_init(struct cpu *c);
/** @v wants to run. */
void sched_ready(struct vcpu *v);
/** @v no longer wants to. */
void sched_remove(struct vcpu *v);
/** The vCPU to run next on this CPU; idles until there is one. */
struct vcpu *sched_next(struct cpu *c);
/** After each exit of guest @v: put its deadline where the CPU's timer sees it. */
void sched_deadline(struct cpu *c, struct vcpu *v);
/** Timers whose time has come, then the next one into the hardware. */
void sched_timers(struct cpu *c);
/** Set the hardware timer for what is due next. */
void sched_arm(struct cpu *c);
/** @v has been halted and may have a reason to wake. */
void sched_wake(struct vcpu *v);
/** The service VM is to get an event. */
void sched_post(struct cpu *c, u32 why);

/* hv/exit.c */
/** Handle exit @x of @v; returns the vCPU to run next. */
struct vcpu *exit_dispatch(struct vcpu *v, const struct exit *x);
/** Run vCPUs for ever, the service VM's first. */
NORETURN void exit_loop(struct cpu *c);
/** Post the exit of guest @v to the service VM and return who runs next. */
struct vcpu *exit_post(struct vcpu *v, const struct exit *x);

/* hv/hypercall.c */
struct vcpu *hypercall_dispatch(struct vcpu *v, const struct exit *x);
/** End the wait of @c's service vCPU with this event. */
static inline void event_give(struct cpu *c, enum event_kind kind, u64 cookie, u64 data)
{
	c->service_waits = false;
	arch_vcpu_result(&c->service->arch, OK, kind, cookie, data);
}
/** Give the waiting service vCPU its next event, if there is one. */
bool event_deliver(struct cpu *c);

/* hv/trace.c */
extern struct trace_ring *trace_ring;
extern u64 trace_mask; /* bit n: VM n */
void trace_exit(const struct vcpu *v, const struct exit *x);
MUST_CHECK status_t trace_set(u64 pa, u64 pages, u64 mask);

/* hv/audit.c */
void audit_run(struct hv_audit *a);

/* hv/virq.c */
MUST_CHECK status_t virq_attach(u32 gsi, u32 flags, u64 cookie);
MUST_CHECK status_t virq_ack(u32 gsi);
/** Take one that has arrived. */
bool virq_take(u64 *cookie, u32 *gsi);

/* hv/log.c */
size_t log_copy(u64 offset, char *buf, size_t size);

#endif
