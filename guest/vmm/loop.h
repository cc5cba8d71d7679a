/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/loop.h: the event loop, and how vCPUs get into it and out. */
#ifndef GUEST_VMM_LOOP_H
#define GUEST_VMM_LOOP_H

#include "guest/vmm/vm.h"

/** Serve events for ever. */
NORETURN void loop_run(void);

/**
 * One round: due timers and queued work, then one hypercall that completes the exit of @v (NULL: of none) and waits,
 * then the event that it brought. Returns the vCPU whose exit has been served and wants its reply.
 */
struct vcpu *loop_step(struct vcpu *v);

/** Let @v run from its present state on. The hypervisor's errors. */
MUST_CHECK status_t loop_vcpu_run(struct vcpu *v);

/** @vm goes on where vm_pause has stopped it. False: it was not paused. */
bool vm_resume(struct vm *vm);

/** Serve the exit in @v's run page; clears v->owed if there shall be no reply now. Each architecture has its own. */
void exit_dispatch(struct vcpu *v);

#endif
