/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/stop.c: stop a VM: no vCPU runs any more, and its owner is told once the last one has come out. */
#include "guest/vmm/vm.h"

static void stop_check(struct work *w)
{
	struct vm *vm = container_of(w, struct vm, stop_work);

	for (unsigned i = 0; i < vm->nvcpus; i++) {
		if (vm->vcpu[i].in_guest)
			return; /* its EXIT_STOPPED, or another exit, queues this again */
	}
	if ((vm->state == VM_CRASHED || vm->state == VM_OFF) && !vm->stop_told) {
		vm->stop_told = true;
		vm->stopped(vm);
	}
}

void vm_stop(struct vm *vm, enum vm_stop how, const char *why, ...)
{
	va_list ap;

	if (vm->state != VM_RUNNING && vm->state != VM_PAUSED)
		return; /* the first reason counts */
	va_start(ap, why);
	(void)vsnprintf(vm->stop_why, sizeof(vm->stop_why), why, ap);
	va_end(ap);
	vm->stop_how = how;
	vm->state = how == STOP_CRASH ? VM_CRASHED : VM_OFF;
	for (unsigned i = 0; i < vm->nvcpus; i++) {
		struct vcpu *v = &vm->vcpu[i];
		status_t s;

		v->owed = false;
		v->held = HELD_NOT;
		if (!v->in_guest)
			continue;
		s = hv_call(HV_VCPU_STOP, v->id, 0, 0, 0, 0).status;
		if (s != OK && s != ERR_STATE) /* ERR_STATE: it has exited already, the event is on its way */
			v->in_guest = false;
	}
	vm->stop_told = false;
	if (vm->stop_work.fn == NULL)
		work_init(&vm->stop_work, stop_check);
	work_queue(&vm->stop_work);
}

bool vm_pause(struct vm *vm)
{
	if (vm->state != VM_RUNNING)
		return false;
	vm->state = VM_PAUSED;
	for (unsigned i = 0; i < vm->nvcpus; i++) {
		struct vcpu *v = &vm->vcpu[i];

		v->held = v->owed ? HELD_REPLY : HELD_NOT;
		v->owed = false;
		/* Refused: it has exited already, and the event on its way is kept as the other's is. */
		if (v->in_guest)
			(void)hv_call(HV_VCPU_STOP, v->id, 0, 0, 0, 0);
	}
	return true;
}
