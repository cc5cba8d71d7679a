/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/x86/firmware.c: a PC ends by ACPI. */
#include "guest/service/firmware.h"

#include "guest/drv/x86/acpi.h"
#include "hv/abi/hypercall.h"

bool firmware_prepare(const struct boot_info *boot, unsigned what)
{
	static bool tried; /* what comes to grief on the way comes here again */

	if (tried || boot->platform.rsdp[0] == 0)
		return false;
	tried = true;
	return what != MACHINE_POWEROFF || acpi_poweroff_prepare(boot) == OK;
}

void firmware_end(const struct boot_info *boot, unsigned what)
{
	if (what == MACHINE_POWEROFF)
		acpi_poweroff();
	else
		acpi_reset_machine(boot);
}
