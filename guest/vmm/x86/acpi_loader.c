/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/acpi_loader.c: the commands by which firmware puts ACPI tables together. */
#include "guest/vmm/x86/acpi_loader.h"

#include "hv/lib/string.h"

enum { CMD_ALLOCATE = 1, CMD_POINTER = 2, CMD_CHECKSUM = 3 };

static void loader_name(char to[ACPI_FILE_NAME], const char *name)
{
	memcpy(to, name, strnlen(name, ACPI_FILE_NAME - 1));
}

/* The next command, zeroed; when there are too many, the last once more. */
static struct acpi_command *loader_next(struct acpi_script *s, u32 command)
{
	struct acpi_command *c;

	if (s->n == ACPI_COMMANDS)
		s->full = true;
	else
		s->n++;
	c = &s->cmd[s->n - 1];
	memset(c, 0, sizeof(*c));
	c->command = command;
	return c;
}

void acpi_script_allocate(struct acpi_script *s, const char *file, u32 align, enum acpi_zone zone)
{
	struct acpi_command *c = loader_next(s, CMD_ALLOCATE);

	loader_name(c->allocate.file, file);
	c->allocate.align = align;
	c->allocate.zone = (u8)zone;
}

void acpi_script_pointer(struct acpi_script *s, const char *file, u32 offset, u8 size)
{
	struct acpi_command *c = loader_next(s, CMD_POINTER);

	loader_name(c->pointer.to, file);
	loader_name(c->pointer.from, ACPI_FILE_TABLES);
	c->pointer.offset = offset;
	c->pointer.size = size;
}

void acpi_script_checksum(struct acpi_script *s, const char *file, u32 offset, u32 start, u32 length)
{
	struct acpi_command *c = loader_next(s, CMD_CHECKSUM);

	loader_name(c->checksum.file, file);
	c->checksum.offset = offset;
	c->checksum.start = start;
	c->checksum.length = length;
}
