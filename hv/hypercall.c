/* SPDX-License-Identifier: Apache-2.0 */
/* hv/hypercall.c: decode a hypercall, check the right to it, answer. Events and the way back to a guest are here too.
 */
#include "arch/iface/mem.h"
#include "hv/lib/string.h"
#include "hv/vm.h"

/* Arguments as the caller gave them; results beyond the status. */
struct call {
	u64 arg[6];
	u64 out[3];
};

typedef status_t (*call_fn)(struct vm *caller, struct call *c);

#define X(NAME, fn, right) static status_t call_##fn(struct vm *, struct call *);
HYPERCALL_LIST(X)
#undef X

static const struct {
	call_fn fn;
	u32 right;
} call_table[HV_COUNT] = {
#define X(NAME, name, needs) [HV_##NAME] = { .fn = call_##name, .right = needs },
	HYPERCALL_LIST(X)
#undef X
};

static void event_none(struct cpu *c)
{
	c->service_waits = false;
	arch_vcpu_result(&c->service->arch, OK, EVENT_NONE, 0, 0);
}

bool event_deliver(struct cpu *c)
{
	struct arch_vcpu *s = &c->service->arch;
	u64 cookie;
	u32 gsi;

	if (c->pending & PENDING_IRQ) {
		if (virq_take(&cookie, &gsi)) {
			c->service_waits = false;
			arch_vcpu_result(s, OK, EVENT_IRQ, cookie, gsi);
			return true;
		}
		c->pending &= ~(u32)PENDING_IRQ;
	}
	if (c->pending & PENDING_TIMER) {
		c->pending &= ~(u32)PENDING_TIMER;
		c->service_waits = false;
		arch_vcpu_result(s, OK, EVENT_TIMER, 0, 0);
		return true;
	}
	if (!list_empty(&c->exits)) {
		struct vcpu *v = list_entry(c->exits.next, struct vcpu, link);

		list_del(&v->link);
		c->service_waits = false;
		arch_vcpu_result(s, OK, EVENT_EXIT, v->cookie, 0);
		return true;
	}
	c->pending &= ~(u32)PENDING_EXIT;
	if (!list_empty(&c->doorbells)) {
		struct doorbell *d = list_entry(c->doorbells.next, struct doorbell, link);

		list_del(&d->link);
		d->rung = false;
		if (list_empty(&c->doorbells))
			c->bell_end = ~0UL;
		c->service_waits = false;
		arch_vcpu_result(s, OK, EVENT_DOORBELL, d->cookie, 0);
		return true;
	}
	c->pending = 0;
	return false;
}

/* The exit of @g has been served: it goes on, or sleeps. One that waits on a list has not been seen yet. */
static status_t call_resume(struct vcpu *g)
{
	struct run_page *run = g->run;
	bool halt;

	if (g->state != VCPU_STOPPED || !list_empty(&g->link))
		return ERR_STATE;
	halt = run->reply & REPLY_HALT;
	arch_vcpu_complete(&g->arch, g->exit_kind, run);
	if (halt && !arch_vcpu_awake(&g->arch)) {
		g->state = VCPU_HALTED;
		if (this_cpu()->current == g)
			this_cpu()->current = NULL;
		sched_deadline(this_cpu(), g);
		return OK;
	}
	sched_ready(g);
	return OK;
}

/*
 * The way back of every exit, and the service VM's only place to wait: the fast one. Sends a bad reply back as an
 * error and doesn't wait then.
 */
static struct vcpu *call_wait(struct vcpu *v)
{
	struct cpu *c = this_cpu();
	u64 id = arch_vcpu_arg(&v->arch, 1), flags = arch_vcpu_arg(&v->arch, 2);

	if (unlikely(flags & ~(u64)WAIT_POLL)) {
		arch_vcpu_result(&v->arch, ERR_INVAL, 0, 0, 0);
		return v;
	}
	if (id) {
		struct vcpu *g = c->current;
		status_t s;

		if (unlikely(!g || g->id != id))
			g = vcpu_get(id);
		s = g ? call_resume(g) : ERR_NOENT;
		if (unlikely(s != OK)) {
			arch_vcpu_result(&v->arch, s, 0, 0, 0);
			return v;
		}
	}
	c->service_waits = true;
	if (c->pending && event_deliver(c))
		return v;
	if (unlikely(flags & WAIT_POLL)) {
		event_none(c);
		return v;
	}
	if (likely(c->current && c->current->state == VCPU_READY && (list_empty(&c->ready) || c->slice_end != ~0UL)))
		return c->current;
	return sched_next(c);
}

struct vcpu *hypercall_dispatch(struct vcpu *v, const struct exit *x)
{
	struct call c;
	u64 nr = arch_vcpu_arg(&v->arch, 0);
	status_t s;

	arch_vcpu_skip(&v->arch, x);
	if (likely(nr == HV_REPLY_WAIT && (v->vm->rights & RIGHT_SERVICE)))
		return call_wait(v);
	if (nr >= HV_COUNT) {
		arch_vcpu_result(&v->arch, ERR_NOENT, 0, 0, 0);
		return v;
	}
	if (call_table[nr].right && !(v->vm->rights & call_table[nr].right)) {
		arch_vcpu_result(&v->arch, ERR_RIGHTS, 0, 0, 0);
		return v;
	}
	for (unsigned i = 1; i < 6; i++)
		c.arg[i] = arch_vcpu_arg(&v->arch, i);
	c.out[0] = c.out[1] = c.out[2] = 0;
	s = call_table[nr].fn(v->vm, &c);
	arch_vcpu_result(&v->arch, s, c.out[0], c.out[1], c.out[2]);
	return v;
}

static status_t call_reply_wait(struct vm *caller, struct call *c)
{
	return ERR_STATE; /* call_wait serves it */
}

/* --- VMs ------------------------------------------------------------------------------------------------ */

static status_t call_vm_create(struct vm *caller, struct call *c)
{
	u64 pa = c->arg[1], size = c->arg[2];
	struct vm *vm;
	struct pool pool;
	status_t s;
	unsigned id;

	for (id = VM_SERVICE + 1; id < VM_MAX && vm_table[id]; id++)
		;
	if (id == VM_MAX)
		return ERR_FULL;
	if (size < 4 * PAGE_SIZE)
		return ERR_NOMEM;
	pool_init(&pool);
	s = mem_donate(caller, pa, size, (u16)id, &pool);
	if (s != OK)
		return s;
	vm = pool_get(&pool);
	vm->donated = pool;
	vm->pool = &vm->donated;
	vm->cookie = c->arg[3];
	vm->donation[0].pa = pa;
	vm->donation[0].size = size;
	vm->ndonations = 1;
	s = vm_init(vm, (u16)id, 0);
	if (s != OK) {
		mem_return(caller, pa, size);
		return s;
	}
	c->out[0] = id;
	return OK;
}

static struct vm *call_guest(u64 id)
{
	struct vm *vm = vm_get(id);

	return vm && vm->id != VM_SERVICE ? vm : NULL;
}

static status_t call_vm_donate(struct vm *caller, struct call *c)
{
	struct vm *vm = call_guest(c->arg[1]);
	status_t s;

	if (!vm)
		return ERR_NOENT;
	if (vm->ndonations == VM_DONATIONS)
		return ERR_FULL;
	s = mem_donate(caller, c->arg[2], c->arg[3], vm->id, vm->pool);
	if (s != OK)
		return s;
	vm->donation[vm->ndonations].pa = c->arg[2];
	vm->donation[vm->ndonations++].size = c->arg[3];
	return OK;
}

/* The service VM must have stopped its vCPUs. */
static status_t call_vm_destroy(struct vm *caller, struct call *c)
{
	struct vm *vm = call_guest(c->arg[1]);
	struct ptab_leaf leaf;
	u64 pa[VM_DONATIONS], size[VM_DONATIONS];
	unsigned n;

	if (!vm)
		return ERR_NOENT;
	for (unsigned i = 0; i < VM_MAX_VCPUS; i++)
		if (vm->vcpu[i] && (vm->vcpu[i]->state != VCPU_STOPPED || !list_empty(&vm->vcpu[i]->link)))
			return ERR_BUSY;
	for (u64 va = 0; ptab_next(arch_vm_s2(&vm->arch), va, &leaf) == OK; va = leaf.va + leaf.size)
		if (!(leaf.flags & PT_DEVICE))
			mem_revoke(leaf.pa, leaf.size, vm->id);
	for (unsigned i = 0; i < vm->ndoorbells; i++)
		if (vm->bell[i].rung)
			list_del(&vm->bell[i].link);
	for (unsigned i = 0; i < VM_MAX_VCPUS; i++) {
		struct vcpu *v = vm->vcpu[i];

		if (!v)
			continue;
		list_del(&v->timer_link);
		if (this_cpu()->current == v)
			this_cpu()->current = NULL;
		arch_vcpu_fini(&v->arch, vm->pool);
		mem_unshare(v->run_pa);
	}
	arch_vm_flush(&vm->arch);
	vm_table[vm->id] = NULL;
	n = vm->ndonations;
	for (unsigned i = 0; i < n; i++) {
		pa[i] = vm->donation[i].pa;
		size[i] = vm->donation[i].size;
	}
	for (unsigned i = 0; i < n; i++)
		mem_return(caller, pa[i], size[i]);
	return OK;
}

static status_t call_vm_map(struct vm *caller, struct call *c)
{
	struct vm *vm = call_guest(c->arg[1]);
	u64 gpa = c->arg[2], pa = c->arg[3], size = c->arg[4], flags = c->arg[5];
	status_t s;

	if (!vm)
		return ERR_NOENT;
	if ((flags & ~(u64)(MAP_R | MAP_W | MAP_X)) || !(flags & MAP_R))
		return ERR_INVAL;
	if (size > SIZE_1G) /* a longer one would keep interrupts waiting */
		return ERR_RANGE;
	s = mem_grant(caller, pa, size, vm->id);
	if (s != OK)
		return s;
	s = ptab_map(arch_vm_s2(&vm->arch), gpa, pa, size, (unsigned)flags, vm->pool);
	if (s != OK)
		mem_revoke(pa, size, vm->id);
	return s;
}

/* Take the grants of what @vm maps in [@gpa, @end) back, or give them again. */
static void call_unmap_grants(struct vm *owner, struct vm *vm, u64 gpa, u64 end, bool again)
{
	struct ptab_leaf leaf;
	status_t s = OK;

	for (u64 at = gpa; ptab_next(arch_vm_s2(&vm->arch), at, &leaf) == OK && leaf.va < end;
	     at = leaf.va + leaf.size) {
		u64 from = MAX(leaf.va, gpa), to = MIN(leaf.va + leaf.size, end), pa = leaf.pa + (from - leaf.va);

		if (again)
			s = mem_grant(owner, pa, to - from, vm->id);
		else
			mem_revoke(pa, to - from, vm->id);
		ASSERT(s == OK);
	}
}

static status_t call_vm_unmap(struct vm *caller, struct call *c)
{
	struct vm *vm = call_guest(c->arg[1]);
	u64 gpa = c->arg[2], size = c->arg[3];
	struct ptab *s2;
	struct ptab_leaf leaf;
	status_t s;

	if (!vm)
		return ERR_NOENT;
	s2 = arch_vm_s2(&vm->arch);
	if (!is_aligned(gpa | size, PAGE_SIZE) || size == 0)
		return ERR_ALIGN;
	if (size > SIZE_1G || !range_in(gpa, size, 0, BIT(s2->fmt->addr_bits)))
		return ERR_RANGE;
	if (ptab_next(s2, gpa, &leaf) != OK || leaf.va >= gpa + size)
		return ERR_UNMAPPED;
	/* Once unmapped, the pages are not to be found any more; so their grants go first, and come back on an error.
	 */
	call_unmap_grants(caller, vm, gpa, gpa + size, false);
	s = ptab_unmap(s2, gpa, size, vm->pool);
	if (s != OK)
		call_unmap_grants(caller, vm, gpa, gpa + size, true);
	else
		arch_vm_flush(&vm->arch);
	return s;
}

static status_t call_vm_set_cpuid(struct vm *caller, struct call *c)
{
	struct vm *vm = call_guest(c->arg[1]);

	if (!vm)
		return ERR_NOENT;
	if (c->arg[2] > MAILBOX_SIZE / sizeof(struct vcpu_cpuid))
		return ERR_RANGE;
	return arch_vm_set_cpuid(&vm->arch, service_mailbox, (u32)c->arg[2], vm->pool);
}

static status_t call_vm_set_msr(struct vm *caller, struct call *c)
{
	struct vm *vm = call_guest(c->arg[1]);

	if (!vm)
		return ERR_NOENT;
	if (c->arg[2] > MAILBOX_SIZE / sizeof(struct msr_policy))
		return ERR_RANGE;
	return arch_vm_set_msr(&vm->arch, service_mailbox, (u32)c->arg[2], vm->pool);
}

static status_t call_vm_irq(struct vm *caller, struct call *c)
{
	struct vm *vm = call_guest(c->arg[1]);

	if (!vm)
		return ERR_NOENT;
	for (unsigned i = 0; i < VM_MAX_VCPUS; i++)
		if (vm->vcpu[i] && arch_vcpu_msi(&vm->vcpu[i]->arch, c->arg[2], (u32)c->arg[3]))
			sched_wake(vm->vcpu[i]);
	return OK;
}

static status_t call_vm_doorbell(struct vm *caller, struct call *c)
{
	struct vm *vm = call_guest(c->arg[1]);
	u64 addr = c->arg[2], flags = c->arg[3];
	struct doorbell *d = NULL;

	if (!vm)
		return ERR_NOENT;
	if ((flags & ~(u64)(DOORBELL_PORT | DOORBELL_MATCH | DOORBELL_REMOVE | 0x700)) || flags >> 8 == 3 ||
	    flags >> 8 > 4)
		return ERR_INVAL;
	/* A doorbell in memory would need the length of the instruction that rings it. */
	if (!(flags & DOORBELL_PORT))
		return ERR_UNSUPPORTED;
	if (addr > 0xffff)
		return ERR_RANGE;
	for (unsigned i = 0; i < vm->ndoorbells; i++) {
		struct doorbell *e = &vm->bell[i];

		if (e->used && e->addr == addr && (e->flags & ~DOORBELL_REMOVE) == (flags & ~(u64)DOORBELL_REMOVE) &&
		    (!(flags & DOORBELL_MATCH) || e->match == c->arg[4])) {
			if (!(flags & DOORBELL_REMOVE))
				return ERR_EXISTS;
			if (e->rung)
				list_del(&e->link);
			e->used = e->rung = false;
			return OK;
		}
		if (!e->used && !d)
			d = e;
	}
	if (flags & DOORBELL_REMOVE)
		return ERR_NOENT;
	if (!d) {
		if (vm->ndoorbells == VM_DOORBELLS)
			return ERR_FULL;
		d = &vm->bell[vm->ndoorbells++];
	}
	*d = (struct doorbell){
		.addr = addr, .match = c->arg[4], .cookie = c->arg[5], .flags = (u16)flags, .used = true
	};
	list_init(&d->link);
	return OK;
}

/* --- vCPUs ---------------------------------------------------------------------------------------------- */

static status_t call_vcpu_create(struct vm *caller, struct call *c)
{
	struct vm *vm = call_guest(c->arg[1]);
	u64 pa = c->arg[2], index = c->arg[4];
	struct vcpu *v;
	status_t s;

	if (!vm)
		return ERR_NOENT;
	if (index >= VM_MAX_VCPUS)
		return ERR_RANGE;
	if (vm->vcpu[index])
		return ERR_EXISTS;
	if (pool_free(vm->pool) < 4)
		return ERR_NOMEM;
	s = mem_share(caller, pa);
	if (s != OK)
		return s;
	v = vcpu_new(vm, (unsigned)index, arch_ptr(pa));
	if (!v) {
		mem_unshare(pa);
		return ERR_NOMEM;
	}
	v->run_pa = pa;
	v->cookie = c->arg[3];
	c->out[0] = v->id;
	return OK;
}

static status_t call_vcpu_run(struct vm *caller, struct call *c)
{
	struct vcpu *v = vcpu_get(c->arg[1]);

	return v ? call_resume(v) : ERR_NOENT;
}

static status_t call_vcpu_stop(struct vm *caller, struct call *c)
{
	struct vcpu *v = vcpu_get(c->arg[1]);
	struct cpu *cpu = this_cpu();

	if (!v)
		return ERR_NOENT;
	if (v->state == VCPU_STOPPED)
		return ERR_STATE;
	sched_remove(v);
	v->state = VCPU_STOPPED;
	v->exit_kind = EXIT_STOPPED;
	v->exits[EXIT_STOPPED]++;
	v->run->kind = EXIT_STOPPED;
	v->run->flags = 0;
	v->run->reply = 0;
	list_add_tail(&cpu->exits, &v->link);
	sched_post(cpu, PENDING_EXIT);
	return OK;
}

static status_t call_vcpu_get(struct vm *caller, struct call *c)
{
	struct vcpu *v = vcpu_get(c->arg[1]);

	if (!v)
		return ERR_NOENT;
	arch_vcpu_get(&v->arch, service_mailbox);
	return OK;
}

static status_t call_vcpu_set(struct vm *caller, struct call *c)
{
	struct vcpu *v = vcpu_get(c->arg[1]);
	static struct vcpu_state s; /* the mailbox may change under us */

	if (!v)
		return ERR_NOENT;
	if (v->state != VCPU_STOPPED)
		return ERR_STATE;
	memcpy(&s, service_mailbox, sizeof(s));
	return arch_vcpu_set(&v->arch, &s);
}

static status_t call_vcpu_extint(struct vm *caller, struct call *c)
{
	struct vcpu *v = vcpu_get(c->arg[1]);

	if (!v)
		return ERR_NOENT;
	arch_vcpu_extint(&v->arch, c->arg[2]);
	sched_wake(v);
	return OK;
}

static status_t call_vcpu_apic(struct vm *caller, struct call *c)
{
	struct vcpu *v = vcpu_get(c->arg[1]);
	struct exit more;
	u64 value = c->arg[4];

	if (!v)
		return ERR_NOENT;
	if (c->arg[2] >> 32 || !arch_vcpu_apic(&v->arch, (u32)c->arg[2], c->arg[3], &value, &more))
		return ERR_UNMAPPED;
	sched_deadline(this_cpu(), v);
	c->out[0] = value;
	c->out[1] = more.kind;
	c->out[2] = more.kind == EXIT_EOI ? more.vector : 0;
	return OK;
}

/* --- the machine ------------------------------------------------------------------------------------------ */

static status_t call_info(struct vm *caller, struct call *c)
{
	service_info(service_mailbox);
	return OK;
}

static status_t call_timer_set(struct vm *caller, struct call *c)
{
	this_cpu()->service_timer = c->arg[1] ? c->arg[1] : ~0UL;
	sched_arm(this_cpu());
	return OK;
}

static status_t call_irq_attach(struct vm *caller, struct call *c)
{
	if (c->arg[2] >> 32)
		return ERR_INVAL;
	return c->arg[1] > 0xffff ? ERR_RANGE : virq_attach((u32)c->arg[1], (u32)c->arg[2], c->arg[3]);
}

static status_t call_irq_ack(struct vm *caller, struct call *c)
{
	return c->arg[1] > 0xffff ? ERR_RANGE : virq_ack((u32)c->arg[1]);
}

static status_t call_stats(struct vm *caller, struct call *c)
{
	struct vm *vm = vm_get(c->arg[1]);
	struct hv_stats *s = service_mailbox;
	struct vcpu *v = vm && c->arg[2] < VM_MAX_VCPUS ? vm->vcpu[c->arg[2]] : NULL;

	if (!v)
		return ERR_NOENT;
	memset(s, 0, sizeof(*s));
	memcpy(s->exits, v->exits, sizeof(v->exits));
	s->state = v->state;
	return OK;
}

static status_t call_trace(struct vm *caller, struct call *c)
{
	return trace_set(c->arg[1], c->arg[2], c->arg[3]);
}

static status_t call_audit(struct vm *caller, struct call *c)
{
	static struct hv_audit a;

	audit_run(&a);
	memcpy(service_mailbox, &a, sizeof(a));
	return OK;
}

static status_t call_log(struct vm *caller, struct call *c)
{
	c->out[0] = log_copy(c->arg[1], service_mailbox, MAILBOX_SIZE);
	return OK;
}

static status_t call_machine(struct vm *caller, struct call *c)
{
	if (c->arg[1] == MACHINE_RESET)
		arch_reset();
	if (c->arg[1] == MACHINE_POWEROFF)
		arch_poweroff();
	return ERR_INVAL;
}
