/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/arm64/loader.h: load an arm64 kernel, and write the device tree that it reads. */
#ifndef GUEST_VMM_ARM64_LOADER_H
#define GUEST_VMM_ARM64_LOADER_H

#include "guest/vmm/machine.h"

/**
 * Put @in's kernel and initrd and a device tree into @m's RAM, and set @st to how the first CPU starts: EL1h with
 * interrupts masked, the MMU off, x0 = the device tree. Errors are told in in->error.
 */
MUST_CHECK status_t loader_arm64(struct machine *m, struct loader_input *in, struct vcpu_state *st);

/** The same for a guest with firmware, which finds the device tree at the start of RAM; it starts at the reset vector.
 */
MUST_CHECK status_t loader_firmware(struct machine *m, struct loader_input *in, struct vcpu_state *st);

/**
 * The state in which CPU @index of a guest comes on: as loader_arm64 says, at address 0, timers off. counter_offset is
 * the caller's.
 */
void arm64_reset_state(struct vcpu_state *st, unsigned index);

/**
 * Write @m's device tree to @gpa, in at most @max bytes; *@size is how many it took. @initrd: guest-physical, its size
 * 0: none. ERR_RANGE (not RAM), ERR_FULL.
 */
MUST_CHECK status_t virt_fdt(const struct machine *m, const struct loader_input *in, u64 initrd, u64 initrd_size,
			     u64 gpa, u64 max, u64 *size);

#endif
