/* SPDX-License-Identifier: Apache-2.0 */
/* hv/call_vm.c: the hypercalls that make, feed and rule VMs. Each checks everything, then acts. */
#include "arch/iface/mem.h"
#include "hv/call.h"
#include "hv/lib/string.h"

/* --- VMs ------------------------------------------------------------------------------------------------ */

status_t call_vm_create(struct vm *caller, struct call *c)
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

struct vm *call_guest(u64 id)
{
	struct vm *vm = vm_get(id);

	return vm && vm->id != VM_SERVICE ? vm : NULL;
}

status_t call_vm_donate(struct vm *caller, struct call *c)
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

/* A vCPU of a VM that is to go, on its CPU: can it? If @go, nothing there knows it any more then. */
struct call_gone {
	struct vcpu *v;
	bool go, busy;
};

static void call_gone_there(void *arg)
{
	struct call_gone *g = arg;
	struct vcpu *v = g->v;

	g->busy = v->state != VCPU_STOPPED || !list_empty(&v->link);
	if (g->busy || !g->go)
		return;
	v->state = VCPU_GONE;
	sched_leave(v);
}

static void call_back_there(void *arg)
{
	struct vcpu *v = arg;

	v->state = VCPU_STOPPED;
	sched_join(v);
}

static bool call_may_go(struct vm *vm)
{
	for (unsigned i = 0; i < VM_MAX_VCPUS; i++) {
		struct call_gone g = { .v = vm->vcpu[i] };

		if (g.v)
			cpu_call(g.v->cpu, call_gone_there, &g);
		if (g.busy)
			return false;
	}
	return true;
}

/* All vCPUs of @vm leave their CPUs, or none: one may be replied to on its CPU just now. */
static bool call_all_gone(struct vm *vm)
{
	if (!call_may_go(vm))
		return false;
	for (unsigned i = 0; i < VM_MAX_VCPUS; i++) {
		struct call_gone g = { .v = vm->vcpu[i], .go = true };

		if (!g.v)
			continue;
		cpu_call(g.v->cpu, call_gone_there, &g);
		if (!g.busy)
			continue;
		while (i-- != 0)
			if (vm->vcpu[i])
				cpu_call(vm->vcpu[i]->cpu, call_back_there, vm->vcpu[i]);
		return false;
	}
	return true;
}

/* Doorbells of @arg that were rung on this CPU. */
static void call_unring_there(void *arg)
{
	const struct vm *vm = arg;
	struct list *at, *next;

	list_for_each_safe (at, next, &this_cpu()->doorbells) {
		struct doorbell *d = list_entry(at, struct doorbell, link);

		if (d >= vm->bell && d < vm->bell + VM_DOORBELLS)
			list_del(at);
	}
}

/* The service VM must have stopped its vCPUs. */
status_t call_vm_destroy(struct vm *caller, struct call *c)
{
	struct vm *vm = call_guest(c->arg[1]);
	struct ptab_leaf leaf;
	u64 pa[VM_DONATIONS], size[VM_DONATIONS];
	unsigned n;

	if (!vm)
		return ERR_NOENT;
	if (!call_all_gone(vm))
		return ERR_BUSY;
	__atomic_store_n(&vm_table[vm->id], NULL, __ATOMIC_RELEASE);
	smp_quiesce();
	call_unring_there(vm);
	cpu_call_others(call_unring_there, vm);
	call_eoi_gone(vm, 0, ~0UL);
	for (u64 va = 0; ptab_next(arch_vm_s2(&vm->arch), va, &leaf) == OK; va = leaf.va + leaf.size)
		if (!(leaf.flags & PT_DEVICE))
			mem_revoke(leaf.pa, leaf.size, vm->id);
	for (unsigned i = 0; i < VM_MAX_VCPUS; i++) {
		struct vcpu *v = vm->vcpu[i];

		if (!v)
			continue;
		arch_vcpu_fini(&v->arch, vm->pool);
		mem_unshare(v->run_pa);
	}
	mem_flush(vm);
	arch_vm_fini(&vm->arch, vm->pool);
	n = vm->ndonations;
	for (unsigned i = 0; i < n; i++) {
		pa[i] = vm->donation[i].pa;
		size[i] = vm->donation[i].size;
	}
	for (unsigned i = 0; i < n; i++)
		mem_return(caller, pa[i], size[i]);
	return OK;
}

status_t call_vm_map(struct vm *caller, struct call *c)
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

status_t call_vm_unmap(struct vm *caller, struct call *c)
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
	for (u64 at = gpa; ptab_next(s2, at, &leaf) == OK && leaf.va < gpa + size; at = leaf.va + leaf.size)
		if (leaf.flags & PT_DEVICE) /* the architecture's: no grant is behind it */
			return ERR_INVAL;
	/* Once unmapped, the pages are not to be found any more; so their grants go first, and come back on an error.
	 */
	call_unmap_grants(caller, vm, gpa, gpa + size, false);
	/* Not even the architecture looks at the table elsewhere, and no guest finds a large leaf missing that is cut.
	 */
	smp_park();
	s = ptab_unmap(s2, gpa, size, vm->pool);
	smp_unpark();
	if (s != OK) {
		call_unmap_grants(caller, vm, gpa, gpa + size, true);
		return s;
	}
	call_eoi_gone(vm, gpa, size);
	mem_flush(vm);
	return OK;
}

/* The mailbox may change under us, by a device of the service VM's: what is checked and used is a copy. */
static union {
	struct vm_config config[MAILBOX_SIZE / sizeof(struct vm_config)];
	struct msr_policy policy[MAILBOX_SIZE / sizeof(struct msr_policy)];
} call_copy;

status_t call_vm_configure(struct vm *caller, struct call *c)
{
	struct vm *vm = call_guest(c->arg[1]);
	status_t s;

	if (!vm)
		return ERR_NOENT;
	if (c->arg[2] > ARRAY_SIZE(call_copy.config))
		return ERR_RANGE;
	memcpy(call_copy.config, this_cpu()->mailbox, c->arg[2] * sizeof(struct vm_config));
	smp_park(); /* its vCPUs on other CPUs see the old or the new, never half of it */
	s = arch_vm_configure(&vm->arch, call_copy.config, (u32)c->arg[2], vm->pool);
	smp_unpark();
	return s;
}

status_t call_vm_set_msr(struct vm *caller, struct call *c)
{
	struct vm *vm = call_guest(c->arg[1]);
	status_t s;

	if (!vm)
		return ERR_NOENT;
	if (c->arg[2] > ARRAY_SIZE(call_copy.policy))
		return ERR_RANGE;
	memcpy(call_copy.policy, this_cpu()->mailbox, c->arg[2] * sizeof(struct msr_policy));
	smp_park();
	s = arch_vm_set_msr(&vm->arch, call_copy.policy, (u32)c->arg[2], vm->pool);
	smp_unpark();
	return s;
}

status_t call_vm_irq(struct vm *caller, struct call *c)
{
	struct vm *vm = call_guest(c->arg[1]);

	if (!vm)
		return ERR_NOENT;
	for (unsigned i = 0; i < VM_MAX_VCPUS; i++)
		if (vm->vcpu[i] && arch_vcpu_msi(&vm->vcpu[i]->arch, c->arg[2], (u32)c->arg[3]))
			vcpu_notify(vm->vcpu[i]);
	return OK;
}

status_t call_vm_line(struct vm *caller, struct call *c)
{
	struct vm *vm = call_guest(c->arg[1]);

	if (!vm)
		return ERR_NOENT;
	if (!(arch_features() & HV_FEATURE_LINES))
		return ERR_UNSUPPORTED;
	if (c->arg[2] >> 32)
		return ERR_RANGE;
	for (unsigned i = 0; i < VM_MAX_VCPUS; i++)
		if (vm->vcpu[i] && arch_vcpu_line(&vm->vcpu[i]->arch, (u32)c->arg[2], c->arg[3]))
			vcpu_notify(vm->vcpu[i]);
	return OK;
}

/* @arg, which nobody can find any more, is on no list. */
static void call_take_down_there(void *arg)
{
	struct doorbell *d = arg;
	struct list *at, *next;

	list_for_each_safe (at, next, &this_cpu()->doorbells)
		if (at == &d->link)
			list_del(at);
}

static void call_take_down(struct doorbell *d)
{
	__atomic_store_n(&d->used, false, __ATOMIC_RELEASE);
	smp_quiesce(); /* who has found it has rung it */
	call_take_down_there(d);
	cpu_call_others(call_take_down_there, d);
	d->rung = false;
}

status_t call_vm_doorbell(struct vm *caller, struct call *c)
{
	struct vm *vm = call_guest(c->arg[1]);
	u64 addr = c->arg[2], flags = c->arg[3];
	struct doorbell *d = NULL;

	if (!vm)
		return ERR_NOENT;
	if ((flags & ~(u64)(DOORBELL_PORT | DOORBELL_MATCH | DOORBELL_REMOVE | 0x700)) || flags >> 8 == 3 ||
	    flags >> 8 > 4)
		return ERR_INVAL;
	/* A doorbell in memory needs the length of the instruction that rings it. */
	if (!(flags & DOORBELL_PORT) && !(arch_features() & HV_FEATURE_DOORBELL_MEM))
		return ERR_UNSUPPORTED;
	if ((flags & DOORBELL_PORT) && addr > 0xffff)
		return ERR_RANGE;
	for (unsigned i = 0; i < vm->ndoorbells; i++) {
		struct doorbell *e = &vm->bell[i];

		if (e->used && e->addr == addr && (e->flags & ~DOORBELL_REMOVE) == (flags & ~(u64)DOORBELL_REMOVE) &&
		    (!(flags & DOORBELL_MATCH) || e->match == c->arg[4])) {
			if (!(flags & DOORBELL_REMOVE))
				return ERR_EXISTS;
			call_take_down(e);
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
		d = &vm->bell[vm->ndoorbells];
	}
	*d = (struct doorbell){ .addr = addr, .match = c->arg[4], .cookie = c->arg[5], .flags = (u16)flags };
	list_init(&d->link);
	__atomic_store_n(&d->used, true, __ATOMIC_RELEASE); /* guests may look meanwhile */
	if (d == &vm->bell[vm->ndoorbells])
		__atomic_store_n(&vm->ndoorbells, vm->ndoorbells + 1, __ATOMIC_RELEASE);
	return OK;
}
