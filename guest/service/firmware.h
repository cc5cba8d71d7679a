/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/firmware.h: what the machine's firmware has to say when the machine ends:
 * guest/service/ARCH/firmware.c. */
#ifndef GUEST_SERVICE_FIRMWARE_H
#define GUEST_SERVICE_FIRMWARE_H

#include "hv/abi/boot_info.h"

/** Get ready for @what (MACHINE_*); false, and a line in the log: the hypervisor's own way is all there is. */
bool firmware_prepare(const struct boot_info *boot, unsigned what);
/** After that, and with the log closed: do it. Returns if it cannot. */
void firmware_end(const struct boot_info *boot, unsigned what);

#endif
