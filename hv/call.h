/* SPDX-License-Identifier: Apache-2.0 */
/* hv/call.h: the functions behind the hypercalls: hv/hypercall.c dispatches to them; those of VMs are in hv/call_vm.c.
 */
#ifndef HV_CALL_H
#define HV_CALL_H

#include "hv/vm.h"

/* Arguments as the caller gave them; results beyond the status. */
struct call {
	u64 arg[6];
	u64 out[3];
};

typedef status_t (*call_fn)(struct vm *caller, struct call *c);

#define X(NAME, fn, right) status_t call_##fn(struct vm *, struct call *);
HYPERCALL_LIST(X)
#undef X

/** VM @id, if it is not the service VM, or NULL. */
struct vm *call_guest(u64 id);
/** The exit of @g, a vCPU of any CPU, has been served: it goes on, or sleeps. ERR_STATE. Control lock held. */
MUST_CHECK status_t call_resume(struct vcpu *g);

/** [@gpa, @gpa+@size) is @vm's no more: the words for EOIs in it are given up. Control lock held. */
void call_eoi_gone(struct vm *vm, u64 gpa, u64 size);

#endif
