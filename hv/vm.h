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
 * Who may touch what. A vCPU belongs to one physical CPU (vcpu.cpu), and only that CPU changes its state, its lists and
 * its struct arch_vcpu: exits, replies and the switch between guest and service VM take no lock. Others ask that CPU
 * (cpu_call), or note something and interrupt it (vcpu_notify).
 *
 * Locks, in the order in which they are taken:
 *  1. control_lock (smp.c): all hypercalls but the quick ones of call_table. Frame table, pools, stage-2 tables,
 *     vm_table, doorbells' and interrupts' tables change under it alone. cpu_call is made under it alone, so one is
 * under way at most. Who waits for the lock answers calls meanwhile.
 *  2. an architecture's own, never while waiting for 1.
 *  3. log_lock (log.c).
 *
 * What is read without a lock (vm_table, a VM's vCPUs and doorbells) is freed only after smp_quiesce: every other CPU
 * has come to an end with what it did. Nobody keeps such a pointer while it waits.
 */

#define VM_MAX	     64
#define VM_MAX_VCPUS 8
#define VM_DOORBELLS 24
#define VM_DONATIONS 8
#define VM_SERVICE   1 /* number of the service VM; 0 is the hypervisor itself */

struct vm;

/* Internal, beside enum vcpu_run_state: its VM is being destroyed. */
#define VCPU_GONE 0xffu

/* What VCPU_SCHED says. Times are counter ticks. */
struct sched_params {
	u32 priority; /* 0: lowest */
	u32 shares;
	u64 budget, period; /* budget 0: no limit */
};

struct vcpu {
	struct arch_vcpu arch;
	struct vm *vm;
	struct cpu *cpu;	/* that it belongs to; changes on that CPU, under the control lock */
	struct list link;	/* ready or exits list */
	struct list timer_link; /* cpu->timers         */
	u64 deadline;		/* as sorted there, ~0 not on it */
	struct run_page *run;	/* guests: shared with the service VM */
	u64 run_pa;
	u64 eoi;    /* as VCPU_EOI gave it, 0: no such word; under the control lock */
	u64 eoi_pa; /* of the word */
	u64 cookie;
	u32 id;		  /* vm << 8 | index */
	u8 state;	  /* enum vcpu_run_state */
	bool dead;	  /* halted, and no interrupt can wake it: others of its VM look */
	bool wake_queued; /* on a CPU's list of wakes */
	struct vcpu *wake_next;
	struct sched_params sched;
	s64 left;	/* of its turn; below 0: owed */
	u64 used;	/* in this period, with a budget */
	u64 period_end; /* counter */
	u64 time;	/* all of it */
	u32 exit_kind;	/* of the exit that the service VM serves */
	u64 exits[EXIT_COUNT];
	struct vcpu_regs regs; /* the service VM's own general registers */
};
static_assert(sizeof(struct vcpu) <= PAGE_SIZE, "a vCPU is a page");
static_assert(EXIT_COUNT <= HV_STATS_MAX, "stats");

struct doorbell {
	struct list link; /* cpu->doorbells while rung, of the CPU where it was */
	struct vcpu *by;  /* who has rung it last      */
	u64 addr;
	u64 match;
	u64 cookie;
	u16 flags; /* DOORBELL_* */
	bool used, rung;
	bool eager; /* who rang it had nothing to do until it was served: doorbell_ring; any CPU says so */
	u8 rings;   /* since it is: about how many */
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
/** @by, of this CPU, rings it: who runs next. That is @by, while the event waits, or the service VM at once where who
 * rang it had halted when it was delivered last. */
struct vcpu *doorbell_ring(struct doorbell *d, struct vcpu *by);

/* hv/service.c */
/** Make the service VM from boot module @image, owner of all memory that is left. Panics in words. */
void service_create(const struct boot_info *bi);
/** Fill @i for HV_INFO. */
void service_info(struct hv_info *i);
/** Let the waiting CPU @c's service vCPU start at @entry with @arg. */
void service_start(struct cpu *c, u64 entry, u64 arg);

/* hv/smp.c */
/** The boot CPU's part of having several: start the others, compare counters. Says what it finds. */
void smp_start(void);
void control_lock(void);
void control_unlock(void);
/** Have @to (this CPU too) call fn(arg), and wait for it. Control lock held; fn must not wait. */
void cpu_call(struct cpu *to, void (*fn)(void *arg), void *arg);
/** The same on all CPUs but this one, at the same time. */
void cpu_call_others(void (*fn)(void *arg), void *arg);
/** All other CPUs have left what they did: no guest runs on old translations, no pointer is kept. Control lock held. */
void smp_quiesce(void);
/** All other CPUs stand still in the hypervisor, until smp_unpark. Control lock held. */
void smp_park(void);
void smp_unpark(void);
/** @v may have a reason to run: tell its CPU. From any CPU. */
void vcpu_notify(struct vcpu *v);

/* hv/sched.c */
void sched_init(struct cpu *c, unsigned id);
/** Whose time passes from now on; NULL: nobody's. */
void sched_charge(struct cpu *c, struct vcpu *v);
/* Any CPU: the time @v has been charged with, in counter ticks, up to now if it is being charged. */
u64 sched_time(const struct vcpu *v);
/** @v, which is on no list, joins or leaves this CPU. */
void sched_leave(struct vcpu *v);
void sched_join(struct vcpu *v);
/** A turn's length for @v, counter ticks. */
s64 sched_quantum(const struct vcpu *v);
/* All of these: on the vCPU's CPU. */
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
/** End the wait of @c's service vCPU, which is returned, with this event. */
static inline struct vcpu *event_give(struct cpu *c, enum event_kind kind, u64 cookie, u64 data)
{
	struct vcpu *service = c->service;

	c->service_waits = false;
	arch_vcpu_result(&service->arch, OK, kind, cookie, data);
	return service;
}
/** Give the waiting service vCPU its next event, if there is one. */
bool event_deliver(struct cpu *c);

/* hv/trace.c */
extern struct trace_ring *trace_ring;
extern u64 trace_mask; /* bit n: VM n */
void trace_exit(const struct vcpu *v, const struct exit *x);
MUST_CHECK status_t trace_set(u64 pa, u64 pages, u64 mask);

/* hv/report.c: what the machine has and lacks goes to the log. */
void report(const struct boot_info *bi);

/* hv/audit.c */
void audit_run(struct hv_audit *a);

/* hv/virq.c */
MUST_CHECK status_t virq_attach(u32 gsi, u32 flags, u64 cookie);
MUST_CHECK status_t virq_ack(u32 gsi);
/** Take one that has arrived for this CPU @c. */
bool virq_take(struct cpu *c, u64 *cookie, u32 *gsi);

/* hv/log.c */
#define LOG_BYTES 0x2000UL /* of the ring that a warm reset keeps: mem_log */
extern bool log_panicked;
/** From now on the log is in memory where the next start, after a warm reset, finds it. What the last one left there
 * and did not close, by a panic or in silence, is told first. After log_map. */
void log_keep(void);
/** The hypervisor is about to end as it was told to: there is nothing to tell about it at the next start. */
void log_close(void);
/** The text from @offset on that is still kept, at most @size bytes; returns how many. */
size_t log_copy(u64 offset, char *buf, size_t size);
/** Offsets of the oldest character that is kept, and behind the newest. */
u64 log_begin(void);
u64 log_end(void);

/* hv/screen.c */
/** There are page tables: a panic may try the screen that @bi tells of from now on. */
void screen_find(const struct boot_info *bi);
/** The machine's devices are known: show the log on it, from its beginning, or say why not. */
void screen_start(void);
/** Draw the panic whose words are in the log from @from on. Takes no lock. */
void screen_panic(u64 from);

void smp_serve_now(struct cpu *c);

static inline void smp_serve(struct cpu *c)
{
	if (unlikely(__atomic_load_n(&c->call, __ATOMIC_ACQUIRE) || __atomic_load_n(&c->wakes, __ATOMIC_ACQUIRE)))
		smp_serve_now(c);
}

#endif
