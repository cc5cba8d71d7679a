/* SPDX-License-Identifier: Apache-2.0 */
/* hv/vm.c: VMs, vCPUs and doorbells: finding and making them. */
#include "hv/vm.h"

#include "arch/iface/mem.h"

#define BELL_SAMPLE 16 /* one in so many rings of an eager doorbell waits, to see whether its guest still does */

struct vm *vm_table[VM_MAX];

struct vm *vm_get(u64 id)
{
	return id < VM_MAX ? __atomic_load_n(&vm_table[id], __ATOMIC_ACQUIRE) : NULL;
}

struct vcpu *vcpu_get(u64 id)
{
	struct vm *vm = vm_get(id >> 8);

	return vm && vm->id != VM_SERVICE && (id & 0xff) < VM_MAX_VCPUS ? vm->vcpu[id & 0xff] : NULL;
}

status_t vm_init(struct vm *vm, u16 id, u32 rights)
{
	status_t s;

	vm->id = id;
	vm->rights = rights;
	vm->nvcpus = 0;
	vm->ndoorbells = 0;
	s = arch_vm_init(&vm->arch, id == VM_SERVICE, vm->pool);
	if (s == OK)
		__atomic_store_n(&vm_table[id], vm, __ATOMIC_RELEASE);
	return s;
}

struct vcpu *vcpu_new(struct vm *vm, unsigned index, struct run_page *run)
{
	struct vcpu *v = pool_get(vm->pool);

	if (!v)
		return NULL;
	v->vm = vm;
	v->run = run;
	v->cpu = this_cpu();
	v->id = vm->id << 8 | index;
	v->deadline = ~0UL;
	v->sched = (struct sched_params){ .shares = SCHED_SHARES };
	v->left = sched_quantum(v);
	list_init(&v->link);
	list_init(&v->timer_link);
	if (arch_vcpu_init(&v->arch, &vm->arch, run ? &run->regs : &v->regs, index, v->exits, vm->pool) != OK) {
		pool_put(vm->pool, v);
		return NULL;
	}
	if (index < VM_MAX_VCPUS) /* the service VM's are found by their CPU */
		__atomic_store_n(&vm->vcpu[index], v, __ATOMIC_RELEASE);
	vm->nvcpus++;
	return v;
}

struct doorbell *doorbell_find(struct vm *vm, u64 addr, bool port, unsigned size, u64 value)
{
	for (unsigned i = 0; i < vm->ndoorbells; i++) {
		struct doorbell *d = &vm->bell[i];

		if (d->addr != addr || !__atomic_load_n(&d->used, __ATOMIC_ACQUIRE) ||
		    !(d->flags & DOORBELL_PORT) != !port)
			continue;
		if ((d->flags >> 8 && d->flags >> 8 != size) || ((d->flags & DOORBELL_MATCH) && d->match != value))
			continue;
		return d;
	}
	return NULL;
}

/* Two CPUs may ring at once: one of them takes it to its list. */
struct vcpu *doorbell_ring(struct doorbell *d, struct vcpu *by)
{
	struct cpu *c = by->cpu;

	if (__atomic_load_n(&d->eager, __ATOMIC_RELAXED) && ++d->rings % BELL_SAMPLE && c->service_waits && !c->pending)
		return event_give(c, EVENT_DOORBELL, d->cookie, 0);
	if (__atomic_exchange_n(&d->rung, true, __ATOMIC_ACQ_REL))
		return by;
	d->by = by;
	list_add_tail(&c->doorbells, &d->link);
	sched_post(c, PENDING_DOORBELL);
	return by;
}
