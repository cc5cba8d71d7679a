/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/loader.h: kernels for a PC. */
#ifndef GUEST_VMM_X86_LOADER_H
#define GUEST_VMM_X86_LOADER_H

#include "guest/vmm/loader.h"

/**
 * Recognise the kernel (Linux bzImage, PVH ELF, Multiboot 1 ELF), load it into @vm's RAM and fill @state. Every field
 * of the file is checked against the file's size and the guest's RAM. ERR_FORMAT, ERR_NOMEM, ERR_NOENT with in->error.
 */
MUST_CHECK status_t loader_x86(struct vm *vm, struct loader_input *in, struct vcpu_state *state);

/** The state of a CPU after INIT (Intel SDM 3A, table 10-1), at the reset vector. */
void x86_reset_state(struct vcpu_state *state);

#endif
