/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/hypercall.h: the hypercalls as C functions. tests/unit has a fake of them. */
#ifndef GUEST_RT_HYPERCALL_H
#define GUEST_RT_HYPERCALL_H

#include "hv/abi/event.h"
#include "hv/abi/hypercall.h"

struct hv_result {
	status_t status;
	u64 a, b, c;
};

/** Any call; arguments and results as hv/abi/hypercall.h lists them. */
struct hv_result hv_call(enum hypercall nr, u64 a, u64 b, u64 c, u64 d, u64 e);
/* What REPLY_WAIT returns, small enough for registers. */
struct hv_event {
	status_t status;
	u32 kind; /* enum event_kind */
	u64 cookie;
};
/** Complete the exit of @vcpu (0: none), and wait for the next event. */
struct hv_event hv_reply_wait(u32 vcpu, u64 flags);
/** The page that calls with larger data use: this CPU's. */
void *hv_mailbox(void);

MUST_CHECK status_t hv_vm_map(u32 vm, u64 gpa, const void *mem, u64 size, unsigned flags);
MUST_CHECK status_t hv_vm_unmap(u32 vm, u64 gpa, u64 size);
/** Deliver the message-signalled interrupt (@addr, @data) to @vm. */
void hv_vm_irq(u32 vm, u64 addr, u32 data);
/** Set wire @line of @vm's interrupt controller, where that is the hypervisor's. */
void hv_vm_line(u32 vm, u32 line, bool level);
/** Set the level of the 8259's INTR line at @vcpu. */
void hv_vcpu_extint(u32 vcpu, bool level);
MUST_CHECK status_t hv_vm_doorbell(u32 vm, u64 addr, unsigned flags, u64 match, void *cookie);

#endif
