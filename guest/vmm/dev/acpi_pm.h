/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/acpi_pm.h: ACPI's fixed hardware: PM1 event and control, PM timer, reset (ACPI 6.4, 4.8.3). */
#ifndef GUEST_VMM_DEV_ACPI_PM_H
#define GUEST_VMM_DEV_ACPI_PM_H

#include "guest/vmm/vm.h"

#define ACPI_PM_PORT	    0x600 /* PM1a_EVT_BLK, 4 bytes  */
#define ACPI_PM1_CNT_PORT   0x604 /* PM1a_CNT_BLK, 2 bytes  */
#define ACPI_PM_TMR_PORT    0x608 /* PM_TMR_BLK, 4 bytes    */
#define ACPI_PM_RESET_PORT  0x60c /* RESET_REG              */
#define ACPI_PM_RESET_VALUE 0x01
#define ACPI_PM_PORTS	    16
#define ACPI_PM_TIMER_HZ    3579545u
#define ACPI_PM_SCI	    9 /* GSI, level, active high */
#define ACPI_PM_S5_TYPE	    5 /* SLP_TYP in dsdt.asl's _S5 */
#define ACPI_PM_SOFF_TYPE   0 /* the PIIX4's own for soft off, which firmware knows (290562-001, 7.2) */

struct acpi_pm {
	struct vm *vm;
	struct lock lock;
	u16 status, enable, control;
	u64 half; /* half turns of the timer that TMR_STS knows of */
	bool sci;
	struct timer timer; /* the next half turn, while TMR_EN is set */
	struct bus_region port;
};

MUST_CHECK status_t acpi_pm_init(struct acpi_pm *pm, struct vm *vm);
void acpi_pm_reset(struct acpi_pm *pm);
/** The power button is pressed: the guest, if it listens, shuts down. */
void acpi_pm_power_button(struct acpi_pm *pm);
/** The RTC has raised its interrupt: RTC_STS (ACPI 6.4, 4.8.3.1.1; the FADT's FIX_RTC is 0, so it is there). */
void acpi_pm_rtc(struct acpi_pm *pm);

#endif
