/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/firmware.h: a PC that starts with its own firmware: where that lies, and what it finds in fw_cfg. */
#ifndef GUEST_VMM_X86_FIRMWARE_H
#define GUEST_VMM_X86_FIRMWARE_H

#include "guest/vmm/dev/flash.h"
#include "guest/vmm/dev/piix.h"
#include "guest/vmm/dev/rom.h"
#include "guest/vmm/x86/acpi.h"

struct pc;

#define FIRMWARE_MIN	0x10000u  /* bytes: the reset vector's segment                        */
#define FIRMWARE_MAX	0x800000u /* below 4 GiB there is nothing else in as much             */
#define FIRMWARE_SHADOW 0x20000u  /* bytes at its end that are below 1 MiB, too, in RAM       */
#define FIRMWARE_ORDER	512	  /* bytes of "bootorder"                                     */
#define FIRMWARE_RANGES 4
#define FIRMWARE_VECTOR 16 /* bytes from the reset vector to the end                   */

/* A line of "etc/e820". */
struct firmware_e820 {
	u64 base, size;
	u32 type; /* enum pc_e820_type */
} PACKED;

/* Files for fw_cfg. */
struct firmware {
	struct rom rom;
	struct flash flash; /* if there are variables */
	struct piix piix;
	struct bus_region pm; /* the power management ports once more, where OVMF takes them to be */
	struct acpi_files acpi;
	struct firmware_e820 e820[FIRMWARE_RANGES];
	char order[FIRMWARE_ORDER]; /* the disks' paths, one a line */
	u16 sercon;		    /* the port of the serial line that is the console */
};

/** Put the firmware's memory, vm->rom[0], and its variables', if vm->rom[1] is there, on the bus, and the PIIX. What
 * bus_add says. */
MUST_CHECK status_t firmware_init(struct pc *pc);
/** After the last device: all that it reads in fw_cfg, with these tables. What acpi_files and fw_cfg_add say. */
MUST_CHECK status_t firmware_finish(struct pc *pc, const struct acpi_params *p);
/** The variables' flash chip back to power-on, its contents kept. */
void firmware_reset(struct pc *pc);
/** At each start: its end goes below 1 MiB, as the chipset's shadow RAM would show it, and @state is a reset CPU's. */
void firmware_start(struct pc *pc, struct vcpu_state *state);

#endif
