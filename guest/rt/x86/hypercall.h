/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/x86/hypercall.h: start-up of the hypercall stub. */
#ifndef GUEST_RT_X86_HYPERCALL_H
#define GUEST_RT_X86_HYPERCALL_H

/** Choose between VMCALL and VMMCALL. Before the first hypercall. */
void hypercall_init(void);

#endif
