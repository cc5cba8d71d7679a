/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/gicv2m.h: a GICv2m frame: writes to it are message-signalled interrupts (Arm DEN0029, appendix). */
#ifndef GUEST_VMM_DEV_GICV2M_H
#define GUEST_VMM_DEV_GICV2M_H

#include "guest/vmm/vm.h"

#define GICV2M_SETSPI 0x040u /* offset of the register that devices write */

struct gicv2m {
	struct vm *vm;
	u32 first, count; /* INTIDs it may raise */
	struct bus_region mmio;
};

/** Put it at @base, 4 KiB, for INTIDs from @first (32 or more) on, @count of them, all below 1020. What bus_add says.
 */
MUST_CHECK status_t gicv2m_init(struct gicv2m *g, struct vm *vm, u64 base, u32 first, u32 count);

#endif
