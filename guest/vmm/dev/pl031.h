/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/pl031.h: Arm's real-time clock PL031 (DDI 0224): seconds, and one alarm. */
#ifndef GUEST_VMM_DEV_PL031_H
#define GUEST_VMM_DEV_PL031_H

#include "guest/vmm/vm.h"

struct pl031 {
	struct vm *vm;
	struct lock lock;
	unsigned irq;
	bool irq_level;
	bool raw, mask;	 /* RTCRIS, RTCIMSC                                   */
	u32 load, match; /* RTCLR, RTCMR                                      */
	u32 base;	 /* what it showed at @base_ns                        */
	u64 base_ns;
	struct timer timer;
	struct bus_region mmio;
};

/** Put it at @base, 4 KiB, with interrupt @irq; it shows the host's time. What bus_add says. */
MUST_CHECK status_t pl031_init(struct pl031 *r, struct vm *vm, u64 base, unsigned irq);
/** As the reset pin: no alarm. The clock goes on. */
void pl031_reset(struct pl031 *r);

#endif
