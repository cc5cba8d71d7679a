/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/acpi.h: the ACPI tables of a guest's PC (ACPI 6.4, chapter 5). */
#ifndef GUEST_VMM_X86_ACPI_H
#define GUEST_VMM_X86_ACPI_H

#include "guest/vmm/vm.h"

struct acpi_params {
	u64 base, size; /* where in guest RAM; base aligned to 64 */
	unsigned ncpus; /* APIC IDs 0 to ncpus - 1 */
	u64 ecam;	/* of bus 0 */
	u64 mmio64, mmio64_size;
	bool com1;
};

/** Write RSDP, XSDT, FADT, FACS, MADT, MCFG, DSDT and an SSDT. ERR_RANGE: not RAM; ERR_NOMEM: @size is too small. */
MUST_CHECK status_t acpi_build(struct vm *vm, const struct acpi_params *p, u64 *rsdp);

#endif
