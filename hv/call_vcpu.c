/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hv/call_vcpu.c: the hypercalls that make, run, stop and place vCPUs. What they do to a vCPU is done on its CPU, by
 * cpu_call; functions of that kind end with _there.
 */
#include "arch/iface/mem.h"
#include "hv/call.h"
#include "hv/lib/string.h"

/* The mailbox may change under us, by a device of the service VM's: what is checked and used is a copy. */
static struct vcpu_state call_state;

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

/* What a call does to a vCPU is done on the vCPU's CPU. */
struct call_vcpu {
	struct vcpu *v;
	void *mailbox; /* of the caller */
	u64 flags;
	status_t status;
};

static void call_stop_there(void *arg)
{
	struct call_vcpu *a = arg;
	struct vcpu *v = a->v;
	struct cpu *cpu = v->cpu;

	if (v->state == VCPU_STOPPED) {
		a->status = ERR_STATE;
		return;
	}
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
}

static void call_get_there(void *arg)
{
	const struct call_vcpu *a = arg;

	arch_vcpu_get(&a->v->arch, a->mailbox);
}

static void call_set_there(void *arg)
{
	struct call_vcpu *a = arg;
	struct vcpu *v = a->v;

	if (v->state != VCPU_STOPPED) {
		a->status = ERR_STATE;
		return;
	}
	a->status = arch_vcpu_set(&v->arch, &call_state);
	if (a->status == OK && (a->flags & VCPU_SET_POWER_ON)) {
		arch_vcpu_reset_irq(&v->arch, a->flags & VCPU_SET_WAIT);
		sched_deadline(v->cpu, v);
	}
}

static status_t call_vcpu(struct call *c, void (*fn)(void *arg))
{
	struct call_vcpu a = { .v = vcpu_get(c->arg[1]), .mailbox = this_cpu()->mailbox, .flags = c->arg[2] };

	if (!a.v)
		return ERR_NOENT;
	cpu_call(a.v->cpu, fn, &a);
	return a.status;
}

status_t call_vcpu_stop(struct vm *caller, struct call *c)
{
	return call_vcpu(c, call_stop_there);
}

status_t call_vcpu_get(struct vm *caller, struct call *c)
{
	return call_vcpu(c, call_get_there);
}

struct call_eoi {
	struct vcpu *v;
	void *word;
};

static void call_eoi_there(void *arg)
{
	const struct call_eoi *e = arg;

	arch_vcpu_eoi(&e->v->arch, e->word);
}

static void call_eoi_off(struct vcpu *v)
{
	struct call_eoi e = { .v = v };

	if (!ARCH_EOI_WORDS || !v->eoi)
		return;
	cpu_call(v->cpu, call_eoi_there, &e);
	mem_unshare_word(v->eoi_pa);
	v->eoi = 0;
}

void call_eoi_gone(struct vm *vm, u64 gpa, u64 size)
{
	for (unsigned i = 0; ARCH_EOI_WORDS && i < VM_MAX_VCPUS; i++)
		if (vm->vcpu[i] && vm->vcpu[i]->eoi - gpa < size)
			call_eoi_off(vm->vcpu[i]);
}

status_t call_vcpu_eoi(struct vm *caller, struct call *c)
{
	struct call_eoi e = { .v = vcpu_get(c->arg[1]) };
	u64 gpa = c->arg[2] - VCPU_EOI_ON, pa;
	struct ptab_leaf leaf;
	status_t s;

	if (!e.v)
		return ERR_NOENT;
	if (!ARCH_EOI_WORDS)
		return ERR_UNSUPPORTED;
	if (c->arg[2] == 0) {
		call_eoi_off(e.v);
		return OK;
	}
	if (c->arg[2] == e.v->eoi)
		return OK;
	if (!is_aligned(gpa, sizeof(u32)))
		return ERR_ALIGN;
	s = ptab_lookup(arch_vm_s2(&e.v->vm->arch), gpa, &leaf);
	if (s != OK)
		return s;
	if (!(leaf.flags & PT_W))
		return ERR_OWNER;
	pa = leaf.pa + (gpa - leaf.va);
	s = mem_share_word(e.v->vm, pa);
	if (s != OK)
		return s;
	call_eoi_off(e.v);
	e.word = arch_ptr(pa);
	cpu_call(e.v->cpu, call_eoi_there, &e);
	e.v->eoi = c->arg[2];
	e.v->eoi_pa = pa;
	return OK;
}

status_t call_vcpu_set(struct vm *caller, struct call *c)
{
	status_t s;

	if ((c->arg[2] & ~(u64)(VCPU_SET_POWER_ON | VCPU_SET_WAIT)) || c->arg[2] == VCPU_SET_WAIT)
		return vcpu_get(c->arg[1]) ? ERR_INVAL : ERR_NOENT;
	memcpy(&call_state, this_cpu()->mailbox, sizeof(call_state));
	s = call_vcpu(c, call_set_there);
	if (s == OK && (c->arg[2] & VCPU_SET_POWER_ON))
		call_eoi_off(vcpu_get(c->arg[1]));
	return s;
}

struct call_move {
	struct vcpu *v;
	struct cpu *to;
	struct sched_params params;
	bool waits; /* its exit waits for the service VM, which is told on the new CPU */
};

static void call_leave_there(void *arg)
{
	struct call_move *m = arg;

	m->waits = m->v->state == VCPU_STOPPED && !list_empty(&m->v->link);
	sched_leave(m->v);
	m->v->sched = m->params;
	m->v->period_end = m->v->used = 0;
	__atomic_store_n(&m->v->cpu, m->to, __ATOMIC_RELEASE);
}

static void call_join_there(void *arg)
{
	struct call_move *m = arg;

	sched_join(m->v);
	if (m->waits) {
		list_add_tail(&m->to->exits, &m->v->link);
		sched_post(m->to, PENDING_EXIT);
	}
}

status_t call_vcpu_sched(struct vm *caller, struct call *c)
{
	u64 cpu = c->arg[2] & 0xffff;
	struct call_move m = {
		.v = vcpu_get(c->arg[1]),
		.to = cpu < BOOT_MAX_CPUS ? cpus[cpu] : NULL,
		.params = { .budget = c->arg[4], .period = c->arg[5] },
	};

	if (!m.v)
		return ERR_NOENT;
	if (!m.to || c->arg[2] >> 16 >= SCHED_PRIORITIES || c->arg[3] == 0 || c->arg[3] > SCHED_SHARES_MAX ||
	    m.params.period > SCHED_PERIOD_MAX)
		return ERR_RANGE;
	if (m.params.budget > m.params.period)
		return ERR_INVAL;
	if (!m.to->started)
		return ERR_STATE; /* nobody there would serve it */
	m.params.priority = (u32)(c->arg[2] >> 16);
	m.params.shares = (u32)c->arg[3];
	cpu_call(m.v->cpu, call_leave_there, &m);
	cpu_call(m.to, call_join_there, &m);
	return OK;
}

status_t call_vcpu_extint(struct vm *caller, struct call *c)
{
	struct vcpu *v = vcpu_get(c->arg[1]);

	if (!v)
		return ERR_NOENT;
	arch_vcpu_extint(&v->arch, c->arg[2]);
	vcpu_notify(v);
	return OK;
}

struct call_apic {
	struct vcpu *v;
	struct call *c;
	status_t status;
};

static void call_apic_there(void *arg)
{
	struct call_apic *a = arg;
	struct call *c = a->c;
	struct exit more;
	u64 value = c->arg[4];

	a->status = ERR_UNMAPPED;
	if (c->arg[2] >> 32 || !arch_vcpu_apic(&a->v->arch, (u32)c->arg[2], c->arg[3], &value, &more))
		return;
	sched_deadline(a->v->cpu, a->v);
	c->out[0] = value;
	c->out[1] = more.kind;
	c->out[2] = more.kind == EXIT_EOI ? more.vector : 0;
	a->status = OK;
}

status_t call_vcpu_apic(struct vm *caller, struct call *c)
{
	struct call_apic a = { .v = vcpu_get(c->arg[1]), .c = c };

	if (a.v && a.v->cpu == this_cpu()) {
		call_apic_there(&a);
		return a.status;
	}
	control_lock();
	a.v = vcpu_get(c->arg[1]);
	a.status = ERR_NOENT;
	if (a.v)
		cpu_call(a.v->cpu, call_apic_there, &a);
	control_unlock();
	return a.status;
}
