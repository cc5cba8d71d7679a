/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/pc.c: a guest's PC: puts its devices together, and the few ports that belong to none of them. */
#include "guest/vmm/x86/pc.h"

#include "guest/vmm/x86/acpi.h"

#define PORT_POST    0x80
#define PORT_8042    0x64
#define PORT_92	     0x92
#define PORT_CF9_OFF 1 /* from CF8 */

#define CMD_8042_RESET 0xfe
#define PORT_92_RESET  BIT(0)
#define PORT_92_A20    BIT(1)
#define CF9_SYS_RST    BIT(1) /* hard, not soft */
#define CF9_RST_CPU    BIT(2)
#define CF9_FULL       BIT(3)

#define PC_ISA_IRQS  16
#define PC_RTC_IRQ   8
#define PC_TIMER_GSI 2 /* ISA interrupt 0 at the I/O APIC */

void pc_irq(struct vm *vm, unsigned gsi, bool level)
{
	struct pc *pc = vm->platform;

	if (gsi == PC_RTC_IRQ && level)
		acpi_pm_rtc(&pc->pm);
	if (gsi < PC_ISA_IRQS)
		pic_set(&pc->pic, gsi, level);
	ioapic_set(&pc->ioapic, gsi == 0 ? PC_TIMER_GSI : gsi, level);
}

int pc_intack(struct pc *pc)
{
	return pic_intack(&pc->pic);
}

void pc_eoi(struct pc *pc, u32 vector)
{
	ioapic_eoi(&pc->ioapic, vector);
}

unsigned pc_intx_gsi(unsigned dev, unsigned pin)
{
	return PC_GSI_PCI + (dev + pin - 1) % 8;
}

u64 pc_apic_access(struct vcpu *v, u64 off, bool write, u64 value)
{
	struct hv_result r = hv_call(HV_VCPU_APIC, v->id, off, write, value, 0);

	if (r.status != OK)
		return 0;
	if (r.b == EXIT_EOI) /* of a level-triggered interrupt */
		pc_eoi(v->vm->platform, (u32)r.c);
	return r.a;
}

static u64 pc_apic_read(void *dev, u64 off, unsigned size)
{
	/* Registers are 32 bits wide, 16 bytes apart; narrower reads take their part. */
	return pc_apic_access(pc_current(), off & ~3ull, false, 0) >> 8 * (off & 3);
}

static void pc_apic_write(void *dev, u64 off, unsigned size, u64 v)
{
	if (size >= 4 && is_aligned(off, 4))
		pc_apic_access(pc_current(), off, true, (u32)v);
}

static u64 pc_post_read(void *dev, u64 off, unsigned size)
{
	return 0;
}

static void pc_post_write(void *dev, u64 off, unsigned size, u64 v)
{
}

static u64 pc_8042_read(void *dev, u64 off, unsigned size)
{
	return 0xff; /* nothing there, as the FADT says */
}

static void pc_8042_write(void *dev, u64 off, unsigned size, u64 v)
{
	struct pc *pc = dev;

	if ((v & 0xff) == CMD_8042_RESET)
		vm_stop(pc->vm, STOP_RESET, "reset through the keyboard controller");
}

static u64 pc_port92_read(void *dev, u64 off, unsigned size)
{
	struct pc *pc = dev;

	return pc->port92;
}

static void pc_port92_write(void *dev, u64 off, unsigned size, u64 v)
{
	struct pc *pc = dev;
	bool rise = (v & PORT_92_RESET) && !(pc->port92 & PORT_92_RESET);

	pc->port92 = (v & 0xff) | PORT_92_A20; /* A20 is always on */
	if (rise)
		vm_stop(pc->vm, STOP_RESET, "reset through port 92h");
}

static u64 pc_cf8_read(void *dev, u64 off, unsigned size)
{
	struct pc *pc = dev;

	if (size == 1 && off == PORT_CF9_OFF)
		return pc->cf9;
	return pc->cf8_ops->read(&pc->pci, off, size);
}

static void pc_cf8_write(void *dev, u64 off, unsigned size, u64 v)
{
	struct pc *pc = dev;
	bool rise;

	if (size != 1 || off != PORT_CF9_OFF) {
		pc->cf8_ops->write(&pc->pci, off, size, v);
		return;
	}
	rise = (v & CF9_RST_CPU) && !(pc->cf9 & CF9_RST_CPU);
	pc->cf9 = v & (CF9_SYS_RST | CF9_RST_CPU | CF9_FULL);
	if (rise)
		vm_stop(pc->vm, STOP_RESET, "reset through port CF9h");
}

static const struct bus_ops pc_apic_ops = { pc_apic_read, pc_apic_write };
static const struct bus_ops pc_post_ops = { pc_post_read, pc_post_write };
static const struct bus_ops pc_8042_ops = { pc_8042_read, pc_8042_write };
static const struct bus_ops pc_port92_ops = { pc_port92_read, pc_port92_write };
static const struct bus_ops pc_cf8_ops = { pc_cf8_read, pc_cf8_write };

/** The ports and pages of no device in particular. */
static status_t pc_init_misc(struct pc *pc)
{
	struct vm *vm = pc->vm;
	status_t st;

	pc->post = (struct bus_region){ PORT_POST, 1, &pc_post_ops, pc, NULL };
	pc->port64 = (struct bus_region){ PORT_8042, 1, &pc_8042_ops, pc, NULL };
	pc->port92_region = (struct bus_region){ PORT_92, 1, &pc_port92_ops, pc, &pc->lock };
	pc->lapic = (struct bus_region){ PC_LAPIC_BASE, PAGE_SIZE, &pc_apic_ops, pc, NULL };
	st = bus_add(&vm->pio, &pc->post);
	if (st == OK)
		st = bus_add(&vm->pio, &pc->port64);
	if (st == OK)
		st = bus_add(&vm->pio, &pc->port92_region);
	if (st == OK)
		st = bus_add(&vm->mmio, &pc->lapic);
	return st;
}

static status_t pc_init_pci(struct pc *pc)
{
	status_t st = pci_root_init(&pc->pci, pc->vm, PC_ECAM_BASE, true);
	u64 top = round_up(PC_HIGH_RAM + pc->high_ram, PC_MMIO64_SIZE);

	if (st != OK)
		return st;
	/* CF9 lies among the root's ports: step in between. */
	pc->cf8_ops = pc->pci.cf8.ops;
	ASSERT(pc->pci.cf8.dev == &pc->pci);
	pc->pci.cf8.ops = &pc_cf8_ops;
	pc->pci.cf8.dev = pc;
	pc->pci.intx_gsi = pc_intx_gsi;
	pc->pci.mmio_next = PC_MMIO_START;
	pc->pci.mmio_end = PC_MMIO_END;
	pc->pci.io_next = PC_IO_START;
	pc->pci.io_end = PC_IO_END;
	pc->pci.mmio64_next = top;
	pc->pci.mmio64_end = top + PC_MMIO64_SIZE;
	return pc->vm->nroms != 0 ? pci_440fx_init(&pc->pci, &pc->host_bridge)
				  : pci_host_bridge_init(&pc->pci, &pc->host_bridge);
}

static status_t pc_init_devices(struct pc *pc, const struct pc_options *opt)
{
	struct vm *vm = pc->vm;
	status_t st = pic_init(&pc->pic, vm);

	if (st == OK)
		st = ioapic_init(&pc->ioapic, vm, IOAPIC_BASE);
	if (st == OK)
		st = pit_init(&pc->pit, vm);
	if (st == OK)
		st = rtc_init(&pc->rtc, vm, pc->low_ram, pc->high_ram, pc->ncpus);
	if (st == OK)
		st = acpi_pm_init(&pc->pm, vm);
	if (st == OK)
		st = fw_cfg_init(&pc->fw_cfg, vm, pc->low_ram + pc->high_ram, pc->ncpus);
	if (st == OK)
		st = pvpanic_init(&pc->pvpanic, vm);
	if (st == OK && opt->com1) {
		pc->has_com1 = true;
		st = uart_init(&pc->com1, vm, PC_COM1, PC_COM1_IRQ, opt->com1);
	}
	return st;
}

/* What KVM's guests expect of KVM. */
static void pc_init_kvm(struct pc *pc, const struct pc_options *opt)
{
	pvclock_init(&pc->pvclock, opt->info, opt->counter_offset);
	pveoi_init(&pc->pveoi, opt->info);
}

status_t pc_init(struct pc *pc, struct vm *vm, const struct pc_options *opt)
{
	status_t st;

	if (opt->ncpus == 0 || opt->ncpus > VM_MAX_VCPUS)
		return ERR_INVAL;
	memset(pc, 0, sizeof(*pc));
	pc->vm = vm;
	pc->ncpus = opt->ncpus;
	lock_init(&pc->lock, LOCK_DEVICE);
	pc->port92 = PORT_92_A20;
	for (unsigned i = 0; i < vm->nram; i++) {
		if (vm->ram[i].gpa >= PC_HIGH_RAM)
			pc->high_ram += vm->ram[i].size;
		else
			pc->low_ram += vm->ram[i].size;
	}
	if (pc->low_ram < PC_HOLE_END || pc->low_ram > PC_LOW_RAM_MAX)
		return ERR_RANGE;
	vm->platform = pc;
	vm->irq = pc_irq;
	if (opt->info)
		pc_init_kvm(pc, opt);
	st = pc_init_devices(pc, opt);
	if (st == OK)
		st = pc_init_misc(pc);
	if (st == OK)
		st = pc_init_pci(pc);
	if (st == OK && vm->nroms != 0)
		st = firmware_init(pc);
	return st;
}

static struct acpi_params pc_tables(const struct pc *pc)
{
	return (struct acpi_params){ .base = PC_ACPI_START,
				     .size = PC_HOLE_END - PC_ACPI_START,
				     .ncpus = pc->ncpus,
				     .ecam = PC_ECAM_BASE,
				     .mmio64 = round_up(PC_HIGH_RAM + pc->high_ram, PC_MMIO64_SIZE),
				     .mmio64_size = PC_MMIO64_SIZE,
				     .com1 = pc->has_com1 };
}

status_t pc_write_tables(struct pc *pc, u64 *rsdp)
{
	const struct acpi_params p = pc_tables(pc);

	*rsdp = 0;
	return pc->vm->nroms != 0 ? OK : acpi_build(pc->vm, &p, rsdp); /* firmware has them from pc_finish */
}

status_t pc_finish(struct pc *pc, u64 *rsdp)
{
	const struct acpi_params p = pc_tables(pc);
	status_t st = pci_root_assign(&pc->pci);

	if (st == OK && pc->vm->nroms != 0)
		st = firmware_finish(pc, &p);
	return st != OK ? st : pc_write_tables(pc, rsdp);
}

unsigned pc_memory_map(const struct pc *pc, struct pc_e820 *out, unsigned max)
{
	const struct pc_e820 map[] = {
		{ 0, PC_HOLE_START, PC_E820_RAM },
		{ PC_HOLE_START, PC_HOLE_END - PC_HOLE_START, PC_E820_RESERVED },
		{ PC_HOLE_END, pc->low_ram - PC_HOLE_END, PC_E820_RAM },
		{ PC_ECAM_BASE, PC_ECAM_SIZE, PC_E820_RESERVED },
		{ IOAPIC_BASE, PAGE_SIZE, PC_E820_RESERVED },
		{ PC_LAPIC_BASE, PAGE_SIZE, PC_E820_RESERVED },
		{ PC_HIGH_RAM, pc->high_ram, PC_E820_RAM },
	};
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(map); i++) {
		if (map[i].size == 0)
			continue;
		if (n < max)
			out[n] = map[i];
		n++;
	}
	return n;
}

void pc_reset(struct pc *pc)
{
	pic_reset(&pc->pic);
	ioapic_reset(&pc->ioapic);
	pit_reset(&pc->pit);
	rtc_reset(&pc->rtc);
	acpi_pm_reset(&pc->pm);
	fw_cfg_reset(&pc->fw_cfg);
	if (pc->has_com1)
		uart_reset(&pc->com1);
	pvclock_reset(&pc->pvclock);
	pveoi_reset(&pc->pveoi);
	pci_root_reset(&pc->pci);
	firmware_reset(pc);
	pc->cf9 = 0; /* no vCPU runs */
	pc->port92 = PORT_92_A20;
}

bool pc_msr(struct vcpu *v, u32 index, bool write, u64 *value)
{
	struct pc *pc = v->vm->platform;

	return pvclock_access(&pc->pvclock, v, index, write, value) || pveoi_access(&pc->pveoi, v, index, write, value);
}
