/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/arm64/virt.c: the arm64 guest's machine: puts its devices together, and the window to I/O space. */
#include "guest/vmm/arm64/virt.h"

#include "guest/vmm/machine.h"

#define VIRT_RAM_MIN 0x100000u

/* The GIC is the hypervisor's: a wire leads there. */
static void virt_irq(struct vm *vm, unsigned gsi, bool level)
{
	hv_vm_line(vm->id, VIRT_SPI_INTID + gsi, level);
}

unsigned virt_intx_spi(unsigned dev, unsigned pin)
{
	return VIRT_SPI_INTX + (dev + pin - 1) % 4;
}

static u64 virt_io_read(void *dev, u64 off, unsigned size)
{
	return bus_read(&((struct virt *)dev)->vm->pio, off, size);
}

static void virt_io_write(void *dev, u64 off, unsigned size, u64 v)
{
	bus_write(&((struct virt *)dev)->vm->pio, off, size, v);
}

static const struct bus_ops virt_io_ops = { virt_io_read, virt_io_write };

static status_t virt_init_pci(struct virt *m)
{
	status_t st = pci_root_init(&m->pci, m->vm, VIRT_ECAM_BASE, false);

	if (st != OK)
		return st;
	m->pci.intx_gsi = virt_intx_spi;
	m->pci.mmio_next = VIRT_MMIO_START;
	m->pci.mmio_end = VIRT_MMIO_END;
	m->pci.io_next = VIRT_IO_BAR_START;
	m->pci.io_end = VIRT_IO_SIZE;
	m->pci.mmio64_next = VIRT_MMIO64_BASE;
	m->pci.mmio64_end = VIRT_MMIO64_BASE + VIRT_MMIO64_SIZE;
	m->io = (struct bus_region){ VIRT_IO_BASE, VIRT_IO_SIZE, &virt_io_ops, m, NULL };
	st = bus_add(&m->vm->mmio, &m->io);
	return st == OK ? pci_host_bridge_init(&m->pci, &m->host_bridge) : st;
}

static status_t virt_init_devices(struct virt *m, const struct machine_options *opt)
{
	status_t st = gicv2m_init(&m->msi, m->vm, VIRT_V2M_BASE, VIRT_MSI_FIRST, VIRT_MSI_COUNT);

	if (st == OK)
		st = pl031_init(&m->rtc, m->vm, VIRT_PL031_BASE, VIRT_SPI_PL031);
	if (st == OK && opt->serial) {
		m->has_serial = true;
		st = pl011_init(&m->serial, m->vm, VIRT_PL011_BASE, VIRT_SPI_PL011, opt->serial);
	}
	return st;
}

static status_t virt_init_firmware(struct virt *m)
{
	status_t st = fw_cfg_init_mmio(&m->fw_cfg, m->vm, VIRT_FW_CFG_BASE, m->vm->ram[0].size, m->ncpus);

	if (st == OK)
		st = rom_init(&m->rom, m->vm, 0);
	if (st == OK && m->vm->nroms == 2)
		st = flash_init(&m->flash, m->vm, 1, FLASH_2X16);
	return st;
}

status_t virt_init(struct virt *m, struct vm *vm, const struct machine_options *opt)
{
	status_t st;

	if (opt->ncpus == 0 || opt->ncpus > VM_MAX_VCPUS || opt->info == NULL)
		return ERR_INVAL;
	if (vm->nram != 1 || vm->ram[0].gpa != VIRT_RAM_BASE || vm->ram[0].size < VIRT_RAM_MIN ||
	    vm->ram[0].size > VIRT_RAM_MAX)
		return ERR_RANGE;
	memset(m, 0, sizeof(*m));
	m->vm = vm;
	m->ncpus = opt->ncpus;
	m->gic_version = opt->info->features & ARM_FEATURE_GICV3 ? 3 : 2;
	vm->platform = m;
	vm->irq = virt_irq;
	st = virt_init_devices(m, opt);
	if (st == OK && vm->nroms != 0)
		st = virt_init_firmware(m);
	return st == OK ? virt_init_pci(m) : st;
}

void virt_reset(struct virt *m)
{
	pl031_reset(&m->rtc);
	if (m->has_serial)
		pl011_reset(&m->serial);
	pci_root_reset(&m->pci);
	if (m->vm->nroms != 0)
		fw_cfg_reset(&m->fw_cfg);
	if (m->vm->nroms == 2)
		flash_reset(&m->flash);
}
