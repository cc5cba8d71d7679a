/* SPDX-License-Identifier: Apache-2.0 */
/* guest/drv/x86/acpi_io.c: ACPICA's way to the machine: I/O ports, physical memory, PCI configuration space. */
#include "guest/drv/x86/acpi_os.h"

#include <acpi/acpi.h>

#include "hv/lib/util.h"
#include "self/insn.h"

/* PCI local bus specification 3.0, 3.2.2.3.2. */
#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc
#define PCI_ENABLE  BIT(31)

static bool io_width_ok(u32 width)
{
	return width == 8 || width == 16 || width == 32;
}

acpi_status acpi_os_read_port(acpi_io_address port, u32 *value, u32 width)
{
	if (!io_width_ok(width) || !range_in(port, width / 8, 0, 0x10000))
		return AE_BAD_PARAMETER;
	if (!acpi_os_access())
		return AE_LIMIT;
	*value = width == 8 ? cpu_in8((u16)port) : width == 16 ? cpu_in16((u16)port) : cpu_in32((u16)port);
	return AE_OK;
}

acpi_status acpi_os_write_port(acpi_io_address port, u32 value, u32 width)
{
	if (!io_width_ok(width) || !range_in(port, width / 8, 0, 0x10000))
		return AE_BAD_PARAMETER;
	if (!acpi_os_access())
		return AE_LIMIT;
	if (width == 8)
		cpu_out8((u16)port, (u8)value);
	else if (width == 16)
		cpu_out16((u16)port, (u16)value);
	else
		cpu_out32((u16)port, value);
	return AE_OK;
}

static acpi_status io_memory(u64 pa, u32 width)
{
	if (!io_width_ok(width) && width != 64)
		return AE_BAD_PARAMETER;
	if (!acpi_os_may_touch(pa, width / 8))
		return AE_BAD_ADDRESS;
	return acpi_os_access() ? AE_OK : AE_LIMIT;
}

acpi_status acpi_os_read_memory(acpi_physical_address pa, u64 *value, u32 width)
{
	volatile const void *p = (volatile const void *)(uintptr_t)pa;
	acpi_status s = io_memory(pa, width);

	if (ACPI_FAILURE(s))
		return s;
	switch (width) {
	case 8: *value = *(volatile const u8 *)p; break;
	case 16: *value = *(volatile const u16 *)p; break;
	case 32: *value = *(volatile const u32 *)p; break;
	default: *value = *(volatile const u64 *)p; break;
	}
	return AE_OK;
}

acpi_status acpi_os_write_memory(acpi_physical_address pa, u64 value, u32 width)
{
	volatile void *p = (volatile void *)(uintptr_t)pa;
	acpi_status s = io_memory(pa, width);

	if (ACPI_FAILURE(s))
		return s;
	switch (width) {
	case 8: *(volatile u8 *)p = (u8)value; break;
	case 16: *(volatile u16 *)p = (u16)value; break;
	case 32: *(volatile u32 *)p = (u32)value; break;
	default: *(volatile u64 *)p = value; break;
	}
	return AE_OK;
}

/* Select a register of the first 256 bytes; *@port: where its data is. */
static acpi_status io_pci(const struct acpi_pci_id *id, u32 reg, u32 width, u16 *port)
{
	if (!io_width_ok(width) || reg > 256 - width / 8 || reg % (width / 8) != 0)
		return AE_BAD_PARAMETER;
	if (id->segment != 0 || id->bus > 255 || id->device > 31 || id->function > 7)
		return AE_BAD_PARAMETER;
	if (!acpi_os_access())
		return AE_LIMIT;
	cpu_out32(PCI_ADDRESS, (u32)(PCI_ENABLE | id->bus << 16 | id->device << 11 | id->function << 8 | (reg & 0xfc)));
	*port = (u16)(PCI_DATA + (reg & 3));
	return AE_OK;
}

acpi_status acpi_os_read_pci_configuration(struct acpi_pci_id *id, u32 reg, u64 *value, u32 width)
{
	acpi_status s;
	u32 v = 0;
	u16 port;

	s = io_pci(id, reg, width, &port);
	if (ACPI_SUCCESS(s))
		s = acpi_os_read_port(port, &v, width);
	*value = v;
	return s;
}

acpi_status acpi_os_write_pci_configuration(struct acpi_pci_id *id, u32 reg, u64 value, u32 width)
{
	acpi_status s;
	u16 port;

	s = io_pci(id, reg, width, &port);
	return ACPI_SUCCESS(s) ? acpi_os_write_port(port, (u32)value, width) : s;
}
