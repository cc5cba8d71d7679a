/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/piix.h: what firmware looks for beside a 440FX: Intel's PIIX, its ISA bridge and its power management.
 */
#ifndef GUEST_VMM_DEV_PIIX_H
#define GUEST_VMM_DEV_PIIX_H

#include "guest/vmm/pci.h"

#define PIIX_DEVICE 1 /* number on bus 0 */

struct piix {
	struct pci_dev isa, pm;
};

/** Put both functions on the bus: the ISA bridge is 0, power management 3. ERR_EXISTS. */
MUST_CHECK status_t piix_init(struct piix *p, struct vm *vm, struct pci_root *pci);

#endif
