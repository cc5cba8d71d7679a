/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/vmm/x86/firmware.c: a PC that starts with its own firmware. What it finds: its ROM at the end of the first 4
 * GiB, the host bridge of a 440FX, and in fw_cfg the files that QEMU's documentation and SeaBIOS'
 * (docs/Runtime_config.md) name.
 */
#include "guest/vmm/x86/firmware.h"

#include "guest/vmm/machine.h"
#include "guest/vmm/pci_regs.h"
#include "guest/vmm/x86/loader.h"
#include "guest/vmm/x86/pc.h"

#define OVMF_PM_PORT  0xb000 /* whatever the PIIX says, for its power-off (OvmfPkg: PIIX4_PMBA_VALUE) */
#define CLASS_STORAGE 0x01   /* base class: PCI Code and ID Assignment 1.11, 1.2 */

status_t machine_rom(const void *data, u64 size, u64 *gpa, const char **why)
{
	const u8 *vector;
	unsigned blank = 0;

	*why = "must have a multiple of 4 KiB, 64 KiB to 8 MiB";
	if (size < FIRMWARE_MIN || size > FIRMWARE_MAX || !is_aligned(size, PAGE_SIZE))
		return ERR_RANGE;
	vector = (const u8 *)data + size - FIRMWARE_VECTOR;
	for (unsigned i = 0; i < FIRMWARE_VECTOR; i++)
		blank += vector[i] == 0 || vector[i] == 0xff;
	*why = "has no code at the reset vector, 16 bytes from its end";
	if (blank == FIRMWARE_VECTOR)
		return ERR_FORMAT;
	*gpa = PC_HIGH_RAM - size;
	return OK;
}

status_t machine_variables(u64 size, u64 rom, u64 *gpa, const char **why)
{
	*why = "must have a multiple of 4 KiB, and with the firmware at most 8 MiB";
	if (size == 0 || size > FIRMWARE_MAX - (PC_HIGH_RAM - rom) || !is_aligned(size, FLASH_BLOCK_8))
		return ERR_RANGE;
	*gpa = rom - size;
	return OK;
}

status_t firmware_init(struct pc *pc)
{
	status_t st = rom_init(&pc->firmware.rom, pc->vm, 0);

	if (st == OK && pc->vm->nroms == 2)
		st = flash_init(&pc->firmware.flash, pc->vm, 1, FLASH_8);
	pc->firmware.pm = pc->pm.port;
	pc->firmware.pm.base = OVMF_PM_PORT;
	if (st == OK)
		st = bus_add(&pc->vm->pio, &pc->firmware.pm);
	return st != OK ? st : piix_init(&pc->firmware.piix, pc->vm, &pc->pci);
}

/* The disks in the order of the configuration: without this SeaBIOS would sort them by name. */
static void firmware_order(struct firmware *f, const struct pci_root *pci)
{
	size_t used = 0;

	for (unsigned devfn = 0; devfn < ARRAY_SIZE(pci->dev); devfn += 8) {
		const struct pci_dev *d = pci->dev[devfn];

		if (d != NULL && d->cfg[PCI_CLASS + 2] == CLASS_STORAGE && used + 64 < sizeof(f->order))
			used += (size_t)snprintf(f->order + used, sizeof(f->order) - used,
						 "/pci@i0cf8/scsi@%x/disk@0,0\n", devfn >> 3);
	}
}

/* RAM, and what else it must leave alone; the rest it knows itself. */
static unsigned firmware_ranges(const struct pc *pc, struct firmware_e820 *e)
{
	unsigned n = 0;

	e[n++] = (struct firmware_e820){ 0, pc->low_ram, PC_E820_RAM };
	e[n++] = (struct firmware_e820){ PC_ECAM_BASE, PC_ECAM_SIZE, PC_E820_RESERVED };
	if (pc->high_ram != 0)
		e[n++] = (struct firmware_e820){ PC_HIGH_RAM, pc->high_ram, PC_E820_RAM };
	return n;
}

status_t firmware_finish(struct pc *pc, const struct acpi_params *p)
{
	struct firmware *f = &pc->firmware;
	unsigned n = firmware_ranges(pc, f->e820);
	status_t st = acpi_files(&f->acpi, p);

	firmware_order(f, &pc->pci);
	f->sercon = PC_COM1;
	if (st == OK)
		st = fw_cfg_add(&pc->fw_cfg, ACPI_FILE_TABLES, f->acpi.tables, f->acpi.size);
	if (st == OK)
		st = fw_cfg_add(&pc->fw_cfg, ACPI_FILE_RSDP, f->acpi.rsdp, sizeof(f->acpi.rsdp));
	if (st == OK)
		st = fw_cfg_add(&pc->fw_cfg, ACPI_FILE_LOADER, f->acpi.script.cmd,
				f->acpi.script.n * sizeof(f->acpi.script.cmd[0]));
	if (st == OK)
		st = fw_cfg_add(&pc->fw_cfg, "etc/e820", f->e820, n * sizeof(f->e820[0]));
	if (st == OK && f->order[0] != '\0')
		st = fw_cfg_add(&pc->fw_cfg, "bootorder", f->order, strlen(f->order) + 1);
	if (st == OK && pc->has_com1)
		st = fw_cfg_add(&pc->fw_cfg, "etc/sercon-port", &f->sercon, sizeof(f->sercon));
	return st;
}

void firmware_start(struct pc *pc, struct vcpu_state *state)
{
	const struct vm_rom *rom = &pc->vm->rom[0];
	u64 size = MIN(rom->size, (u64)FIRMWARE_SHADOW);

	memcpy(pc->vm->ram[0].mem + PC_HOLE_END - size, rom->mem + rom->size - size, size);
	x86_reset_state(state);
}

void firmware_reset(struct pc *pc)
{
	if (pc->vm->nroms == 2)
		flash_reset(&pc->firmware.flash);
}
