/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/acpi_loader.h: how firmware puts ACPI tables together: QEMU's table loader (its
 * hw/acpi/bios-linker-loader). */
#ifndef GUEST_VMM_X86_ACPI_LOADER_H
#define GUEST_VMM_X86_ACPI_LOADER_H

#include "hv/abi/status.h"
#include "hv/lib/util.h"

#define ACPI_FILE_LOADER "etc/table-loader"
#define ACPI_FILE_TABLES "etc/acpi/tables"
#define ACPI_FILE_RSDP	 "etc/acpi/rsdp"
#define ACPI_FILE_NAME	 56
#define ACPI_COMMANDS	 24

/* Little-endian, as the firmware reads it. */
struct acpi_command {
	u32 command; /* 1 allocate, 2 add a pointer, 3 add a checksum */
	union {
		struct {
			char file[ACPI_FILE_NAME];
			u32 align;
			u8 zone; /* 1 high, 2 F0000h to FFFFFh */
		} PACKED allocate;
		struct {
			char to[ACPI_FILE_NAME], from[ACPI_FILE_NAME];
			u32 offset;
			u8 size;
		} PACKED pointer; /* the number at @offset of @to, plus where @from has been put */
		struct {
			char file[ACPI_FILE_NAME];
			u32 offset, start, length;
		} PACKED checksum;
		u8 pad[124];
	};
} PACKED;

static_assert(sizeof(struct acpi_command) == 128, "as in the device's specification");

struct acpi_script {
	unsigned n;
	bool full; /* there were more than fit */
	struct acpi_command cmd[ACPI_COMMANDS];
};

enum acpi_zone { ACPI_ZONE_HIGH = 1, ACPI_ZONE_FSEG = 2 };

void acpi_script_allocate(struct acpi_script *s, const char *file, u32 align, enum acpi_zone zone);
/** The @size bytes at @offset of @file point into the tables. */
void acpi_script_pointer(struct acpi_script *s, const char *file, u32 offset, u8 size);
/** The byte at @offset of @file, now 0, makes the @length bytes at @start add up to 0. */
void acpi_script_checksum(struct acpi_script *s, const char *file, u32 offset, u32 start, u32 length);

#endif
