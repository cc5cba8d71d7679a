/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/self/machine.h: a PC and where its ACPI tables are. */
#ifndef SELF_MACHINE_H
#define SELF_MACHINE_H

#include "guest/vmm/x86/pc.h"

struct machine {
	struct pc pc;
	u64 rsdp; /* guest-physical */
};

#endif
