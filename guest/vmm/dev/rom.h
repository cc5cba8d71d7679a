/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/rom.h: firmware's read-only memory, where accesses come that the guest's CPU does not make by itself.
 */
#ifndef GUEST_VMM_DEV_ROM_H
#define GUEST_VMM_DEV_ROM_H

#include "guest/vmm/vm.h"

struct rom {
	const struct vm *vm;
	unsigned index; /* of vm->rom */
	struct bus_region region;
};

/** Put vm->rom[@index] on @vm's bus, where it stays as the memory behind it comes and goes with the VM. What bus_add
 * says. */
MUST_CHECK status_t rom_init(struct rom *r, struct vm *vm, unsigned index);

#endif
