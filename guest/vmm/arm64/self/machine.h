/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/arm64/self/machine.h: the arm64 guest's machine. */
#ifndef SELF_MACHINE_H
#define SELF_MACHINE_H

#include "guest/vmm/arm64/virt.h"

struct machine {
	struct virt virt;
};

#endif
