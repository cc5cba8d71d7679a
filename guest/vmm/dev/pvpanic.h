/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/pvpanic.h: the port by which a guest's kernel says that it has panicked (QEMU, docs/specs/pvpanic). */
#ifndef GUEST_VMM_DEV_PVPANIC_H
#define GUEST_VMM_DEV_PVPANIC_H

#include "guest/vmm/vm.h"

#define PVPANIC_PORT 0x505 /* dsdt.asl says it too */

struct pvpanic {
	struct vm *vm;
	struct bus_region port;
};

/** What bus_add says. */
MUST_CHECK status_t pvpanic_init(struct pvpanic *p, struct vm *vm);

#endif
