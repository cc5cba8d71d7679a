/* SPDX-License-Identifier: Apache-2.0 */
/* guest/drv/x86/acpi_os.h: between acpi.c, which uses ACPICA, and acpi_os.c, which carries it. */
#ifndef GUEST_DRV_ACPI_OS_H
#define GUEST_DRV_ACPI_OS_H

#include "hv/abi/boot_info.h"

/* What may be spent on firmware's tables. Work is counted in bytes that are allocated or mapped, each with a surcharge.
 */
#define ACPI_OS_WORK   (1u << 30)
#define ACPI_OS_MEMORY (32u << 20)    /* at once          */
#define ACPI_OS_STACK  0x6000u	      /* bytes            */
#define ACPI_OS_WAIT   10000000000ULL /* nanoseconds      */
#define ACPI_OS_LINES  8	      /* in the log       */
#define ACPI_OS_TABLE  (16u << 20)    /* mapped at a time */

/** The machine is @boot's; the budget begins, and the stack here. */
void acpi_os_begin(const struct boot_info *boot);
/** May [@pa, @pa+@size) be touched? Firmware's memory and devices may, RAM and interrupt controllers may not. */
bool acpi_os_may_touch(u64 pa, u64 size);
/** Take the cost of an access to the machine from the budget. False: it is spent. */
bool acpi_os_access(void);
/** Give acpi_os_wait its whole budget again. */
void acpi_os_begin_wait(void);
/** Wait @ns nanoseconds, as far as the budget goes. */
void acpi_os_wait(u64 ns);

#endif
