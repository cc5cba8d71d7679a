/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/vmm/dev/piix.c: configuration space of Intel's 82371SB (PIIX3, 290550-002) as an ISA bridge and of the 82371AB
 * (PIIX4, 290562-001) for power management. The devices behind them have fixed ports; what firmware writes to move
 * them, and interrupt routes, is not kept.
 */
#include "guest/vmm/dev/piix.h"

#include "guest/vmm/dev/acpi_pm.h"
#include "guest/vmm/pci_regs.h"

#define INTEL	       0x8086
#define PIIX3_ISA      0x7000
#define PIIX4_PM       0x7113
#define PIIX4_REVISION 3
#define CLASS_ISA      0x060100
#define CLASS_OTHER    0x068000
#define SUBVENDOR      0x1af4
#define SUBDEVICE      0x1100

/* Function 3 (290562-001, 7.1 and 7.2) */
#define PM_PMBA	       0x40 /* PMBA: base of the power management ports */
#define PM_PMBA_IO     0x01
#define PM_DEVACTB     0x58
#define PM_APMC_EN     0x02 /* in its highest byte: SMIs are set up, nobody need do it */
#define PM_REGMISC     0x80
#define PM_REGMISC_PME 0x01 /* the ports are enabled */
#define PM_FUNCTION    3

status_t piix_init(struct piix *p, struct vm *vm, struct pci_root *pci)
{
	status_t st;

	pci_dev_init(&p->isa, vm, INTEL, PIIX3_ISA, CLASS_ISA, 0, SUBVENDOR, SUBDEVICE);
	pci_dev_init(&p->pm, vm, INTEL, PIIX4_PM, CLASS_OTHER, PIIX4_REVISION, SUBVENDOR, SUBDEVICE);
	p->pm.cfg[PM_PMBA] = (ACPI_PM_PORT & 0xff) | PM_PMBA_IO;
	p->pm.cfg[PM_PMBA + 1] = ACPI_PM_PORT >> 8;
	p->pm.cfg[PM_DEVACTB + 3] = PM_APMC_EN;
	p->pm.cfg[PM_REGMISC] = PM_REGMISC_PME;
	st = pci_add(pci, &p->isa, PIIX_DEVICE << 3);
	return st != OK ? st : pci_add(pci, &p->pm, PIIX_DEVICE << 3 | PM_FUNCTION);
}
