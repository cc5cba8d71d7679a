/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/stop.c: a VM stops, pauses, goes on: who is in the guest, who may go back, and when the last one is out. */
#include "guest/rt/cpu.h"
#include "guest/vmm/loop.h"
#include "guest/vmm/vm.h"

#define STOP_CHASE_NS 50000u

static u32 stop_at(const struct vcpu *v)
{
	return __atomic_load_n(&v->at, __ATOMIC_SEQ_CST);
}

static void stop_set(struct vcpu *v, enum vcpu_at at)
{
	__atomic_store_n(&v->at, (u32)at, __ATOMIC_SEQ_CST);
}

/* The VM's lock is held by all that follow and are not public, but for work's handlers. */
static bool stop_ended(const struct vm *vm)
{
	return vm->state == VM_CRASHED || vm->state == VM_OFF;
}

/* Perhaps it was the last one. The owner lives on the first CPU. */
static void stop_out(struct vcpu *v)
{
	stop_set(v, VCPU_OUT);
	if (stop_ended(v->vm))
		work_queue_on(0, &v->vm->stop_work);
}

static void stop_check(struct work *w)
{
	struct vm *vm = container_of(w, struct vm, stop_work);
	bool told = false;

	lock_take(&vm->lock);
	if (stop_ended(vm) && !vm->stop_told) {
		told = true;
		for (unsigned i = 0; i < vm->nvcpus; i++)
			told &= stop_at(&vm->vcpu[i]) == VCPU_OUT; /* whoever comes out queues this again */
		vm->stop_told = told;
	}
	lock_drop(&vm->lock);
	if (told)
		vm->stopped(vm);
}

/*
 * Have every vCPU come out. Of one that is in the guest the event comes. The hypervisor says ERR_STATE when its exit is
 * on the way here already, or the reply on the way there: we cannot know which, so ask again a little later.
 */
static void stop_all(struct vm *vm)
{
	bool again = false;

	for (unsigned i = 0; i < vm->nvcpus; i++) {
		struct vcpu *v = &vm->vcpu[i];
		u32 served = VCPU_SERVED;
		status_t s;

		if (__atomic_compare_exchange_n(&v->at, &served, VCPU_CANCELLED, false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST) ||
		    stop_at(v) != VCPU_IN)
			continue;
		s = hv_call(HV_VCPU_STOP, v->id, 0, 0, 0, 0).status;
		if (s == ERR_STATE)
			again = true;
		else if (s != OK)
			stop_out(v);
	}
	if (again)
		timer_set(&vm->chase, time_ns() + STOP_CHASE_NS);
}

static void stop_chase(struct timer *t)
{
	struct vm *vm = container_of(t, struct vm, chase);

	if (vm->state != VM_RUNNING)
		stop_all(vm);
}

static void stop_state(struct vm *vm, enum vm_state state)
{
	__atomic_store_n(&vm->state, (u32)state, __ATOMIC_SEQ_CST);
}

void vm_stop(struct vm *vm, enum vm_stop how, const char *why, ...)
{
	char text[VM_WHY_MAX];
	va_list ap;

	va_start(ap, why);
	(void)vsnprintf(text, sizeof(text), why, ap);
	va_end(ap);
	lock_take(&vm->lock);
	if (vm->state == VM_RUNNING || vm->state == VM_PAUSED) { /* the first reason counts */
		memcpy(vm->stop_why, text, sizeof(text));
		vm->stop_how = how;
		vm->stop_told = false;
		stop_state(vm, how == STOP_CRASH ? VM_CRASHED : VM_OFF);
		for (unsigned i = 0; i < vm->nvcpus; i++) {
			if (stop_at(&vm->vcpu[i]) == VCPU_HELD)
				stop_set(&vm->vcpu[i], VCPU_OUT);
		}
		stop_all(vm);
		work_queue_on(0, &vm->stop_work);
	}
	lock_drop(&vm->lock);
}

bool vm_pause(struct vm *vm)
{
	bool runs;

	lock_take(&vm->lock);
	runs = vm->state == VM_RUNNING;
	if (runs) {
		stop_state(vm, VM_PAUSED);
		stop_all(vm);
	}
	lock_drop(&vm->lock);
	return runs;
}

bool vm_resume(struct vm *vm)
{
	bool paused;

	lock_take(&vm->lock);
	paused = vm->state == VM_PAUSED;
	if (paused) {
		stop_state(vm, VM_RUNNING);
		/* One that is still in the guest has its event that it was stopped yet to come, and is served then. */
		for (unsigned i = 0; i < vm->nvcpus; i++) {
			struct vcpu *v = &vm->vcpu[i];

			if (stop_at(v) != VCPU_HELD)
				continue;
			stop_set(v, VCPU_SERVED);
			work_queue_on(v->cpu, &v->go);
		}
	}
	lock_drop(&vm->lock);
	return paused;
}

/* It was to go on, unless that has changed since. */
static void stop_go(struct work *w)
{
	struct vcpu *v = container_of(w, struct vcpu, go);
	struct vm *vm = v->vm;
	bool runs;

	lock_take(&vm->lock);
	runs = vm->state == VM_RUNNING;
	if (runs)
		stop_set(v, VCPU_SERVED);
	else if (vm->state == VM_PAUSED)
		stop_set(v, VCPU_HELD); /* for the same as before */
	else
		stop_out(v);
	lock_drop(&vm->lock);
	if (runs)
		loop_go(v, v->held == HELD_EXIT);
}

static void stop_hold(struct vcpu *v, enum vcpu_held held)
{
	v->held = held;
	v->cpu = cpu_this()->n;
	stop_set(v, VCPU_HELD);
}

bool vm_exit_late(struct vcpu *v)
{
	struct vm *vm = v->vm;
	bool runs;

	lock_take(&vm->lock);
	runs = vm->state == VM_RUNNING;
	if (runs)
		stop_set(v, VCPU_SERVED);
	else if (vm->state == VM_PAUSED)
		stop_hold(v, HELD_EXIT);
	else
		stop_out(v);
	lock_drop(&vm->lock);
	return runs;
}

bool vm_reply_late(struct vcpu *v)
{
	struct vm *vm = v->vm;
	bool reply;

	lock_take(&vm->lock);
	reply = vm->state == VM_RUNNING && v->owed;
	if (reply)
		stop_set(v, VCPU_IN);
	else if (vm->state == VM_PAUSED && v->owed)
		stop_hold(v, HELD_REPLY);
	else
		stop_out(v);
	lock_drop(&vm->lock);
	return reply;
}

void vm_refused(struct vcpu *v, status_t status)
{
	lock_take(&v->vm->lock);
	stop_out(v);
	lock_drop(&v->vm->lock);
	vm_stop(v->vm, STOP_CRASH, "the hypervisor refused the reply of CPU %u to exit %u: status %d", v->index,
		v->run->kind, (int)status);
}

void vm_running(struct vm *vm)
{
	lock_take(&vm->lock);
	stop_state(vm, VM_RUNNING);
	lock_drop(&vm->lock);
}

status_t vm_start(struct vcpu *v)
{
	status_t s = OK;

	lock_take(&v->vm->lock);
	if (v->vm->state == VM_RUNNING) {
		stop_set(v, VCPU_IN); /* its first exit may come before the call is back */
		s = hv_call(HV_VCPU_RUN, v->id, 0, 0, 0, 0).status;
		if (s != OK)
			stop_out(v);
	}
	lock_drop(&v->vm->lock);
	return s;
}

bool vm_park(struct vcpu *v)
{
	struct vm *vm = v->vm;
	bool all = true;

	lock_take(&vm->lock);
	v->owed = false;
	v->parked = true;
	for (unsigned i = 0; i < vm->nvcpus; i++)
		all &= vm->vcpu[i].parked;
	lock_drop(&vm->lock);
	return all;
}

void vm_init(struct vm *vm)
{
	lock_init(&vm->lock, LOCK_VM);
	lock_init(&vm->ram_lock, LOCK_RAM);
	bus_init(&vm->pio);
	bus_init(&vm->mmio);
	work_init(&vm->stop_work, stop_check);
	timer_init(&vm->chase, stop_chase, &vm->lock);
	for (unsigned i = 0; i < VM_MAX_VCPUS; i++) {
		vm->vcpu[i].vm = vm;
		vm->vcpu[i].index = i;
		work_init(&vm->vcpu[i].go, stop_go);
	}
}
