/* SPDX-License-Identifier: Apache-2.0 */
/* hv/exit.c: who handles which exit. Each handler returns the vCPU to run next. */
#include "hv/lib/string.h"
#include "hv/vm.h"

typedef struct vcpu *(*exit_fn)(struct vcpu *, const struct exit *);

#define X(NAME, fn) static struct vcpu *exit_##fn(struct vcpu *, const struct exit *);
X(NONE, none)
X(IRQ, irq)
X(NMI, nmi)
X(HYPERCALL, hypercall)
X(IO, io)
X(IO_STRING, io_string)
X(MMIO, mmio)
X(SYSREG, sysreg)
X(CPUID, arch)
X(PAUSE, pause)
X(HALT, halt)
X(EXTINT, extint)
X(EOI, eoi)
X(SHUTDOWN, shutdown)
X(ENTRY_FAILED, entry_failed)
X(SIPI, sipi)
X(LENGTH, length)
#undef X

static const exit_fn exit_table[EXIT_COUNT] = {
#define X(NAME, fn) [EXIT_##NAME] = exit_##fn,
	EXIT_LIST(X)
#undef X
};

static inline struct vcpu *exit_handle(struct vcpu *v, const struct exit *x)
{
	ASSERT(x->kind < EXIT_COUNT);
	v->exits[x->kind]++;
	if (unlikely(trace_mask))
		trace_exit(v, x);
	return exit_table[x->kind](v, x);
}

struct vcpu *exit_dispatch(struct vcpu *v, const struct exit *x)
{
	return exit_handle(v, x);
}

void exit_loop(struct cpu *c)
{
	struct exit x = { .kind = EXIT_NONE };
	struct vcpu *v = sched_next(c);

	for (;;) {
		arch_vcpu_run(&v->arch, &x);
		if (v->deadline != arch_vcpu_deadline(&v->arch) && v != c->service)
			sched_deadline(c, v);
		v = exit_handle(v, &x);
	}
}

/* Fill the record that the service VM reads, and let it be told. */
static inline struct vcpu *exit_post_with(struct vcpu *v, const struct exit *x, u32 flags)
{
	struct cpu *c = this_cpu();
	struct run_page *run = v->run;
	u64 next_pc = x->next_pc, data = x->data;
	u32 kind = x->kind;

	run->kind = kind;
	run->flags = flags;
	run->reply = 0;
	run->next_pc = next_pc;
	run->data = data;
	v->exit_kind = kind;
	v->state = VCPU_STOPPED;
	if (likely(c->service_waits && !c->pending))
		return event_give(c, EVENT_EXIT, v->cookie, 0);
	list_add_tail(&c->exits, &v->link);
	sched_post(c, PENDING_EXIT);
	return sched_next(c);
}

struct vcpu *exit_post(struct vcpu *v, const struct exit *x)
{
	return exit_post_with(v, x, 0);
}

/* A fault of the service VM itself is a fault of ours. */
static void exit_not_service(const struct vcpu *v, const struct exit *x)
{
	static const char *const name[EXIT_COUNT] = {
#define X(NAME, fn) [EXIT_##NAME] = #NAME,
		EXIT_LIST(X)
#undef X
	};

	if (!v->run)
		panic("the service VM made exit %s at %lx (address %lx, code %lx %s)", name[x->kind],
		      arch_vcpu_pc(&v->arch), x->kind == EXIT_MMIO ? x->mmio.gpa : 0,
		      x->kind == EXIT_SHUTDOWN || x->kind == EXIT_ENTRY_FAILED ? x->fault.code : 0,
		      x->kind == EXIT_SHUTDOWN || x->kind == EXIT_ENTRY_FAILED ? x->fault.what : "");
}

static struct vcpu *exit_again(struct vcpu *v)
{
	struct cpu *c = this_cpu();

	return v == c->service || !(c->pending | c->resched) ? v : sched_next(c);
}

static struct vcpu *exit_none(struct vcpu *v, const struct exit *x)
{
	return exit_again(v);
}

static struct vcpu *exit_arch(struct vcpu *v, const struct exit *x)
{
	panic("the architecture left exit kind %u to hv/", x->kind);
}

static struct vcpu *exit_irq(struct vcpu *v, const struct exit *x)
{
	struct cpu *c = this_cpu();

	arch_irq_poll();
	smp_serve(c);
	if (arch_counter() >= c->armed)
		sched_timers(c);
	return v == c->service ? v : sched_next(c);
}

static struct vcpu *exit_nmi(struct vcpu *v, const struct exit *x)
{
	log_printf("trivet: NMI\n");
	return v;
}

static struct vcpu *exit_hypercall(struct vcpu *v, const struct exit *x)
{
	if (likely(v->vm->rights))
		return hypercall_dispatch(v, x);
	return exit_post(v, x);
}

static inline void exit_fill_io(struct run_page *run, const struct exit *x)
{
	run->u.io.port = x->io.port;
	run->u.io.size = x->io.size;
	run->u.io.write = x->io.write;
}

static struct vcpu *exit_io(struct vcpu *v, const struct exit *x)
{
	struct doorbell *d;

	if (x->io.write && v->vm->ndoorbells) {
		d = doorbell_find(v->vm, x->io.port, true, x->io.size, x->data);
		if (d) {
			arch_vcpu_skip(&v->arch, x);
			return doorbell_ring(d, v);
		}
	}
	exit_not_service(v, x);
	exit_fill_io(v->run, x);
	return exit_post(v, x);
}

static struct vcpu *exit_io_string(struct vcpu *v, const struct exit *x)
{
	exit_not_service(v, x);
	arch_vcpu_export(&v->arch);
	exit_fill_io(v->run, x);
	v->run->u.io.rep = x->io.rep;
	v->run->u.io.addr_size = x->io.addr_size;
	v->run->u.io.seg = x->io.seg;
	return exit_post_with(v, x, RUN_STATE);
}

/* Hardware has decoded the write: is it to a doorbell? Then who runs next, else NULL. */
static struct vcpu *exit_rings(struct vcpu *v, const struct exit *x)
{
	struct doorbell *d = doorbell_find(v->vm, x->mmio.gpa, false, x->mmio.size, x->data);

	if (!d)
		return NULL;
	arch_vcpu_skip(&v->arch, x);
	return doorbell_ring(d, v);
}

/* The CPU gave the instruction's bytes. */
static NOINLINE void exit_fill_insn(struct run_page *run, const struct exit *x)
{
	run->insn_len = (u8)MIN(x->mmio.insn_len, sizeof(run->insn));
	memcpy(run->insn, x->mmio.insn, run->insn_len);
}

static struct vcpu *exit_mmio(struct vcpu *v, const struct exit *x)
{
	u32 flags = RUN_STATE;
	struct run_page *run;

	if (x->mmio.access == MAP_W && x->mmio.size && v->vm->ndoorbells) {
		struct vcpu *next = exit_rings(v, x);

		if (next)
			return next;
	}
	exit_not_service(v, x);
	arch_vcpu_export(&v->arch);
	run = v->run;
	run->u.mmio.gpa = x->mmio.gpa;
	run->u.mmio.gva = x->mmio.gva;
	run->u.mmio.access = x->mmio.access;
	run->u.mmio.size = x->mmio.size;
	if (!x->mmio.size)
		run->u.mmio.insn_gpa = x->mmio.insn_gpa;
	if (x->mmio.operand)
		flags |= RUN_OPERAND;
	if (x->mmio.insn_len) {
		flags |= RUN_INSN;
		exit_fill_insn(run, x);
	}
	return exit_post_with(v, x, flags);
}

static struct vcpu *exit_sysreg(struct vcpu *v, const struct exit *x)
{
	exit_not_service(v, x);
	v->run->u.sysreg.index = x->sysreg.index;
	v->run->u.sysreg.write = x->sysreg.write;
	return exit_post(v, x);
}

static struct vcpu *exit_pause(struct vcpu *v, const struct exit *x)
{
	struct cpu *c = this_cpu();

	arch_vcpu_skip(&v->arch, x);
	c->resched = true; /* its turn is over, if others wait */
	return sched_next(c);
}

/*
 * @v has halted: will no vCPU of its VM go on any more? Those that wait for it to start them won't, either. Each says
 * first that it is dead and then looks at the others, so the last one sees it; one that has been sent something which
 * it has not looked at yet (wake_queued) may go on.
 */
static bool exit_all_dead(struct vcpu *v)
{
	if (!v->dead)
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned i = 0; v->vm->nvcpus != 1 && i < VM_MAX_VCPUS; i++) {
		const struct vcpu *o = v->vm->vcpu[i];

		if (o && o != v &&
		    (__atomic_load_n(&o->state, __ATOMIC_RELAXED) != VCPU_HALTED ||
		     __atomic_load_n(&o->wake_queued, __ATOMIC_SEQ_CST) ||
		     !__atomic_load_n(&o->dead, __ATOMIC_RELAXED)))
			return false;
	}
	return true;
}

static struct vcpu *exit_halt(struct vcpu *v, const struct exit *x)
{
	struct cpu *c = this_cpu();
	struct exit off = { .kind = EXIT_SHUTDOWN };

	exit_not_service(v, x);
	arch_vcpu_skip(&v->arch, x);
	sched_deadline(c, v);
	if (arch_vcpu_awake(&v->arch))
		return exit_again(v);
	v->state = VCPU_HALTED;
	v->dead = !arch_vcpu_can_wake(&v->arch);
	if (exit_all_dead(v)) {
		off.fault.what = "halted with interrupts off";
		return exit_shutdown(v, &off);
	}
	if (c->current == v)
		c->current = NULL;
	return sched_next(c);
}

static struct vcpu *exit_extint(struct vcpu *v, const struct exit *x)
{
	exit_not_service(v, x);
	return exit_post(v, x);
}

static struct vcpu *exit_eoi(struct vcpu *v, const struct exit *x)
{
	exit_not_service(v, x);
	v->run->u.eoi.vector = x->vector;
	return exit_post(v, x);
}

static struct vcpu *exit_shutdown(struct vcpu *v, const struct exit *x)
{
	struct run_page *run = v->run;
	exit_not_service(v, x);
	arch_vcpu_export(&v->arch);
	run->u.fault.code = x->fault.code;
	run->u.fault.info = x->fault.info;
	(void)str_copy(run->u.fault.what, x->fault.what, sizeof(run->u.fault.what));
	return exit_post_with(v, x, RUN_STATE);
}

static struct vcpu *exit_entry_failed(struct vcpu *v, const struct exit *x)
{
	return exit_shutdown(v, x);
}

static struct vcpu *exit_sipi(struct vcpu *v, const struct exit *x)
{
	exit_not_service(v, x);
	return exit_post(v, x);
}

/* A CPU that doesn't tell where its instructions end: the service VM, which sees the guest's memory, does. */
static struct vcpu *exit_length(struct vcpu *v, const struct exit *x)
{
	exit_not_service(v, x);
	arch_vcpu_export(&v->arch);
	return exit_post_with(v, x, RUN_STATE);
}
