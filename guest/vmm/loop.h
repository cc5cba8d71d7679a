/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/loop.h: the event loop, which runs on each CPU. */
#ifndef GUEST_VMM_LOOP_H
#define GUEST_VMM_LOOP_H

#include "guest/vmm/vm.h"

/** Serve this CPU's events for ever. */
NORETURN void loop_run(void);

/**
 * One round: due timers and queued work, then one hypercall that completes the exit of @v (NULL: of none) and waits,
 * then the event that it brought. Returns the vCPU whose exit has been served and wants its reply.
 */
struct vcpu *loop_step(struct vcpu *v);

/** @v goes on after its VM was paused; with @serve, its exit is served first. Not from the event's own round. */
void loop_go(struct vcpu *v, bool serve);

/** Serve the exit in @v's run page; clears v->owed if there shall be no reply now. Each architecture has its own. */
void exit_dispatch(struct vcpu *v);

#endif
