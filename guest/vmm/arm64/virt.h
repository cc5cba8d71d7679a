/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/arm64/virt.h: the arm64 guest's machine: its map of addresses and interrupts is QEMU virt's. */
#ifndef GUEST_VMM_ARM64_VIRT_H
#define GUEST_VMM_ARM64_VIRT_H

#include "guest/vmm/dev/flash.h"
#include "guest/vmm/dev/fw_cfg.h"
#include "guest/vmm/dev/gicv2m.h"
#include "guest/vmm/dev/pl011.h"
#include "guest/vmm/dev/pl031.h"
#include "guest/vmm/dev/rom.h"
#include "guest/vmm/pci.h"

struct machine_options;

/* Guest-physical addresses and sizes. The GIC's are served by the hypervisor, all others by this program. */
#define VIRT_FLASH_BASE	  0x00000000ull /* firmware, and behind it its variables */
#define VIRT_FLASH_SIZE	  0x04000000u	/* the room of each */
#define VIRT_GICD_BASE	  0x08000000ull
#define VIRT_GICD_SIZE	  0x10000u
#define VIRT_GICC_BASE	  0x08010000ull /* GICv2: CPU interface */
#define VIRT_GICC_SIZE	  0x2000u
#define VIRT_V2M_BASE	  0x08020000ull /* GICv2m: message-signalled interrupts, with either GIC */
#define VIRT_V2M_SIZE	  0x1000u
#define VIRT_GICR_BASE	  0x080a0000ull /* GICv3: the first redistributor */
#define VIRT_GICR_SIZE	  0x20000u	/* each */
#define VIRT_PL011_BASE	  0x09000000ull
#define VIRT_PL011_SIZE	  0x1000u
#define VIRT_PL031_BASE	  0x09010000ull
#define VIRT_PL031_SIZE	  0x1000u
#define VIRT_FW_CFG_BASE  0x09020000ull
#define VIRT_MMIO_START	  0x10000000ull /* 32-bit PCI window */
#define VIRT_MMIO_END	  0x3eff0000ull
#define VIRT_IO_BASE	  0x3eff0000ull /* ports 0 to ffff of PCI's I/O space, as memory */
#define VIRT_IO_SIZE	  0x10000u
#define VIRT_ECAM_BASE	  0x3f000000ull /* bus 0 only */
#define VIRT_ECAM_SIZE	  0x100000u
#define VIRT_RAM_BASE	  0x40000000ull
#define VIRT_RAM_MAX	  (VIRT_MMIO64_BASE - VIRT_RAM_BASE)
#define VIRT_MMIO64_BASE  0x8000000000ull /* 64-bit PCI window */
#define VIRT_MMIO64_SIZE  0x40000000ull
#define VIRT_IO_BAR_START 0x1000u /* where I/O BARs are put at first: legacy ports lie below */

/* Interrupts: SPI n is INTID 32 + n, PPI n is 16 + n. vm_irq's GSI is the SPI. */
#define VIRT_SPI_INTID	 32u
#define VIRT_INTIDS	 256u
#define VIRT_SPI_PL011	 1u
#define VIRT_SPI_PL031	 2u
#define VIRT_SPI_INTX	 3u  /* to 6 */
#define VIRT_MSI_FIRST	 80u /* INTIDs that messages may raise */
#define VIRT_MSI_COUNT	 64u
#define VIRT_PPI_SECURE	 13u /* the timers': INTID 29 */
#define VIRT_PPI_PHYS	 14u
#define VIRT_PPI_VIRTUAL 11u
#define VIRT_PPI_HYP	 10u

/* Input clock of PL011 and PL031's bus, as the device tree has it, Hz. */
#define VIRT_APB_HZ 24000000u

struct virt {
	struct vm *vm;
	unsigned ncpus;
	unsigned gic_version; /* 2 or 3: as the hypervisor has it */
	bool has_serial;
	struct pl011 serial;
	struct pl031 rtc;
	struct gicv2m msi;
	struct pci_root pci;
	struct pci_dev host_bridge;
	struct bus_region io; /* the I/O window */
	/* If the VM has a ROM, and the flash chips if that has variables. */
	struct rom rom;
	struct flash flash;
	struct fw_cfg fw_cfg;
};

/** machine_init without the machine: assemble @m around @vm. ERR_INVAL, ERR_RANGE (RAM), or what bus_add says. */
MUST_CHECK status_t virt_init(struct virt *m, struct vm *vm, const struct machine_options *opt);
/** All devices back to power-on. */
void virt_reset(struct virt *m);
/** Which SPI pin 1 to 4 of PCI device @dev is; the device tree's interrupt-map says the same. */
unsigned virt_intx_spi(unsigned dev, unsigned pin);

/** Is @gpa in one of PCI's windows? A host bridge answers there for whatever is missing: all ones. */
static inline bool virt_in_pci(u64 gpa)
{
	return gpa - VIRT_MMIO_START < VIRT_ECAM_BASE + VIRT_ECAM_SIZE - VIRT_MMIO_START ||
	       gpa - VIRT_MMIO64_BASE < VIRT_MMIO64_SIZE;
}

#endif
