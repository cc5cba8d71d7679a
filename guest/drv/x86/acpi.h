/* SPDX-License-Identifier: Apache-2.0 */
/* guest/drv/x86/acpi.h: the machine's firmware at its end: power-off and reset as its ACPI tables want it, by ACPICA.
 */
#ifndef GUEST_DRV_ACPI_H
#define GUEST_DRV_ACPI_H

#include "hv/abi/boot_info.h"
#include "hv/abi/status.h"

/**
 * Get ready to power off: read firmware's tables, run _PTS and look _S5 up. Once, on a stack of which 32 KiB are free.
 * Bounded in work, time and memory, whatever the tables say. Not OK: the log says in one line why.
 */
MUST_CHECK status_t acpi_poweroff_prepare(const struct boot_info *boot);
/** After that: switch off. Returns if the machine is still on a second later. */
void acpi_poweroff(void);
/** Reset by the FADT's register if that is in memory or in PCI configuration space. Returns if it is not, or does not.
 */
void acpi_reset_machine(const struct boot_info *boot);

#endif
