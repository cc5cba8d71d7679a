/* SPDX-License-Identifier: Apache-2.0 */
/* hv/call_vm.c: the hypercalls that make, feed and rule VMs and their vCPUs. Each checks everything, then acts. */
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

static struct vm *call_guest(u64 id)
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

/* The service VM must have stopped its vCPUs. */
status_t call_vm_destroy(struct vm *caller, struct call *c)
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
	arch_vm_fini(&vm->arch, vm->pool);
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
	s = ptab_unmap(s2, gpa, size, vm->pool);
	if (s != OK)
		call_unmap_grants(caller, vm, gpa, gpa + size, true);
	else
		arch_vm_flush(&vm->arch);
	return s;
}

/* The mailbox may change under us, by a device of the service VM's: what is checked and used is a copy. */
static union {
	struct vm_config config[MAILBOX_SIZE / sizeof(struct vm_config)];
	struct msr_policy policy[MAILBOX_SIZE / sizeof(struct msr_policy)];
	struct vcpu_state state;
} call_copy;

status_t call_vm_configure(struct vm *caller, struct call *c)
{
	struct vm *vm = call_guest(c->arg[1]);

	if (!vm)
		return ERR_NOENT;
	if (c->arg[2] > ARRAY_SIZE(call_copy.config))
		return ERR_RANGE;
	memcpy(call_copy.config, service_mailbox, c->arg[2] * sizeof(struct vm_config));
	return arch_vm_configure(&vm->arch, call_copy.config, (u32)c->arg[2], vm->pool);
}

status_t call_vm_set_msr(struct vm *caller, struct call *c)
{
	struct vm *vm = call_guest(c->arg[1]);

	if (!vm)
		return ERR_NOENT;
	if (c->arg[2] > ARRAY_SIZE(call_copy.policy))
		return ERR_RANGE;
	memcpy(call_copy.policy, service_mailbox, c->arg[2] * sizeof(struct msr_policy));
	return arch_vm_set_msr(&vm->arch, call_copy.policy, (u32)c->arg[2], vm->pool);
}

status_t call_vm_irq(struct vm *caller, struct call *c)
{
	struct vm *vm = call_guest(c->arg[1]);

	if (!vm)
		return ERR_NOENT;
	for (unsigned i = 0; i < VM_MAX_VCPUS; i++)
		if (vm->vcpu[i] && arch_vcpu_msi(&vm->vcpu[i]->arch, c->arg[2], (u32)c->arg[3]))
			sched_wake(vm->vcpu[i]);
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
			sched_wake(vm->vcpu[i]);
	return OK;
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

status_t call_vcpu_create(struct vm *caller, struct call *c)
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

status_t call_vcpu_run(struct vm *caller, struct call *c)
{
	struct vcpu *v = vcpu_get(c->arg[1]);

	return v ? call_resume(v) : ERR_NOENT;
}

status_t call_vcpu_stop(struct vm *caller, struct call *c)
{
	struct vcpu *v = vcpu_get(c->arg[1]);
	struct cpu *cpu = this_cpu();

	if (!v)
		return ERR_NOENT;
	if (v->state == VCPU_STOPPED)
		return ERR_STATE;
	v->run->data = v->state == VCPU_HALTED;
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

status_t call_vcpu_get(struct vm *caller, struct call *c)
{
	struct vcpu *v = vcpu_get(c->arg[1]);

	if (!v)
		return ERR_NOENT;
	arch_vcpu_get(&v->arch, service_mailbox);
	return OK;
}

status_t call_vcpu_set(struct vm *caller, struct call *c)
{
	struct vcpu *v = vcpu_get(c->arg[1]);
	status_t status;

	if (!v)
		return ERR_NOENT;
	if (v->state != VCPU_STOPPED)
		return ERR_STATE;
	if ((c->arg[2] & ~(u64)(VCPU_SET_POWER_ON | VCPU_SET_WAIT)) || c->arg[2] == VCPU_SET_WAIT)
		return ERR_INVAL;
	memcpy(&call_copy.state, service_mailbox, sizeof(call_copy.state));
	status = arch_vcpu_set(&v->arch, &call_copy.state);
	if (status == OK && (c->arg[2] & VCPU_SET_POWER_ON)) {
		arch_vcpu_reset_irq(&v->arch, c->arg[2] & VCPU_SET_WAIT);
		sched_deadline(this_cpu(), v);
	}
	return status;
}

status_t call_vcpu_sched(struct vm *caller, struct call *c)
{
	struct vcpu *v = vcpu_get(c->arg[1]);
	u64 cpu = c->arg[2] & 0xffff, priority = c->arg[2] >> 16, shares = c->arg[3];

	if (!v)
		return ERR_NOENT;
	if (cpu != 0 || priority >= SCHED_PRIORITIES || shares == 0 || shares > SCHED_SHARES_MAX ||
	    c->arg[5] > SCHED_PERIOD_MAX)
		return ERR_RANGE;
	if (c->arg[4] > c->arg[5])
		return ERR_INVAL;
	return priority == 0 && shares == SCHED_SHARES && c->arg[4] == 0 ? OK : ERR_UNSUPPORTED;
}

status_t call_vcpu_extint(struct vm *caller, struct call *c)
{
	struct vcpu *v = vcpu_get(c->arg[1]);

	if (!v)
		return ERR_NOENT;
	arch_vcpu_extint(&v->arch, c->arg[2]);
	sched_wake(v);
	return OK;
}

status_t call_vcpu_apic(struct vm *caller, struct call *c)
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
