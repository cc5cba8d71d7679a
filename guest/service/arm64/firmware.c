/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/arm64/firmware.c: power-off and reset are PSCI's, and the hypervisor's to call. */
#include "guest/service/firmware.h"

bool firmware_prepare(const struct boot_info *boot, unsigned what)
{
	return false;
}

void firmware_end(const struct boot_info *boot, unsigned what)
{
}
