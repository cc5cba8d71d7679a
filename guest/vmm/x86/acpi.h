/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/acpi.h: the ACPI tables of a guest's PC (ACPI 6.4, chapter 5). */
#ifndef GUEST_VMM_X86_ACPI_H
#define GUEST_VMM_X86_ACPI_H

#include "guest/vmm/vm.h"
#include "guest/vmm/x86/acpi_loader.h"

struct acpi_params {
	u64 base, size; /* where in guest RAM; base aligned to 64 */
	unsigned ncpus; /* APIC IDs 0 to ncpus - 1 */
	u64 ecam;	/* of bus 0 */
	u64 mmio64, mmio64_size;
	bool com1;
};

/** Write RSDP, XSDT, FADT, FACS, MADT, MCFG, DSDT and an SSDT. ERR_RANGE: not RAM; ERR_NOMEM: @size is too small. */
MUST_CHECK status_t acpi_build(struct vm *vm, const struct acpi_params *p, u64 *rsdp);

/* The same tables as files for firmware, which puts them where it likes. */
struct acpi_files {
	u64 size; /* of the tables */
	u8 tables[0x4000];
	u8 rsdp[36];
	struct acpi_script script;
};

/** Fill @f; base and size of @p are not used. ERR_NOMEM and ERR_FULL: it is too small. */
MUST_CHECK status_t acpi_files(struct acpi_files *f, const struct acpi_params *p);

#endif
