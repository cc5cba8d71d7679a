/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_pc.c: a guest's PC as a whole: ports, interrupts, memory map and ACPI tables.
 * LINK: guest/vmm/x86/pc.c guest/vmm/x86/acpi.c guest/vmm/x86/pvclock.c guest/vmm/x86/pveoi.c guest/vmm/bus.c tests/unit/fake_rt.c
 * LINK: guest/vmm/dev/i8259.c guest/vmm/dev/i8254.c guest/vmm/dev/ioapic.c guest/vmm/dev/mc146818.c
 * LINK: guest/vmm/dev/uart16550.c guest/vmm/dev/acpi_pm.c guest/vmm/dev/fw_cfg.c guest/vmm/dev/pvpanic.c
 * LINK: guest/vmm/pci.c guest/vmm/pci_msix.c guest/vmm/pci_root.c
 * LINK: guest/vmm/x86/firmware.c guest/vmm/x86/acpi_loader.c guest/vmm/dev/rom.c guest/vmm/dev/piix.c guest/vmm/dev/flash.c
 */
#include "guest/vmm/x86/pc.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake_rt.h"
#include "guest/vmm/machine.h"
#include "guest/vmm/x86/loader.h"

static struct vm vm;
static struct pc pc;
static struct fake_tty tty;
static const struct hv_info info = { .features = HV_FEATURE_INVARIANT_TSC, .counter_hz = 2400000000 };

void x86_reset_state(struct vcpu_state *st)
{
	memset(st, 0, sizeof(*st));
	st->regs.rip = 0xfff0;
}

static int setup(void **state)
{
	struct pc_options opt = { .ncpus = 2, .com1 = &tty.tty, .info = &info };

	fake_reset();
	fake.wall = 1700000000;
	fake_tty_init(&tty);
	fake_vm_init(&vm, 0x200000);
	assert_int_equal(pc_init(&pc, &vm, &opt), OK);
	return 0;
}

static int teardown(void **state)
{
	fake_vm_free(&vm);
	return 0;
}

static u8 sum(const u8 *p, u32 n)
{
	u8 s = 0;

	while (n--)
		s += *p++;
	return s;
}

static u32 get32(u64 gpa)
{
	u32 v;

	assert_int_equal(vm_read(&vm, gpa, &v, 4), OK);
	return v;
}

static u64 get64(u64 gpa)
{
	return get32(gpa) | (u64)get32(gpa + 4) << 32;
}

/* With ACPI_DUMP set, the tables go to files there, to look at them with iasl -d. */
static void dump(const char *sig, const u8 *p, u32 n)
{
	const char *dir = getenv("ACPI_DUMP");
	char name[256];
	FILE *f;

	if (!dir)
		return;
	snprintf(name, sizeof(name), "%s/%.4s.dat", dir, sig);
	f = fopen(name, "wb");
	assert_non_null(f);
	fwrite(p, 1, n, f);
	fclose(f);
}

static const u8 *table(u64 at, const char *sig)
{
	u8 *p = vm_mem(&vm, at, 36);

	assert_non_null(p);
	assert_in_range(at, PC_ACPI_START, PC_HOLE_END);
	assert_memory_equal(p, sig, 4);
	assert_non_null(vm_mem(&vm, at, get32(at + 4)));
	assert_int_equal(sum(p, get32(at + 4)), 0);
	dump(sig, p, get32(at + 4));
	return p;
}

static void acpi_tables_are_linked_and_sum_to_zero(void **state)
{
	u64 rsdp, xsdt, fadt, madt;
	const u8 *p;

	assert_int_equal(pc_finish(&pc, &rsdp), OK);
	assert_true(is_aligned(rsdp, 16));
	p = vm_mem(&vm, rsdp, 36);
	assert_memory_equal(p, "RSD PTR ", 8);
	assert_int_equal(sum(p, 20), 0);
	assert_int_equal(sum(p, 36), 0);
	xsdt = get64(rsdp + 24);
	table(xsdt, "XSDT");
	assert_int_equal(get32(xsdt + 4), 36 + 4 * 8);
	fadt = get64(xsdt + 36);
	p = table(fadt, "FACP");
	assert_int_equal(get32(fadt + 40), get64(fadt + 140)); /* DSDT and X_DSDT */
	table(get64(fadt + 140), "DSDT");
	assert_memory_equal(vm_mem(&vm, get32(fadt + 36), 4), "FACS", 4);
	dump("FACS", vm_mem(&vm, get32(fadt + 36), 64), 64);
	assert_true(is_aligned(get32(fadt + 36), 64));
	assert_int_equal(p[46], 9); /* SCI_INT */
	madt = get64(xsdt + 44);
	table(madt, "APIC");
	/* Two CPUs, an I/O APIC, two overrides, an NMI. */
	assert_int_equal(get32(madt + 4), 44 + 2 * 8 + 12 + 2 * 10 + 6);
	table(get64(xsdt + 52), "MCFG");
	assert_int_equal(get64(get64(xsdt + 52) + 44), PC_ECAM_BASE);
	table(get64(xsdt + 60), "SSDT");
}

static void reset_ports_reset_the_machine(void **state)
{
	static const struct {
		u16 port;
		u8 value;
	} way[] = { { 0xcf9, 0x06 }, { 0x64, 0xfe }, { 0x92, 0x01 }, { ACPI_PM_RESET_PORT, ACPI_PM_RESET_VALUE } };

	for (unsigned i = 0; i < ARRAY_SIZE(way); i++) {
		bus_write(&vm.pio, way[i].port, 1, way[i].value);
		assert_int_equal(fake.nstop, i + 1);
		assert_int_equal(fake.stop, STOP_RESET);
	}
	bus_write(&vm.pio, 0x64, 1, 0xd1);
	bus_write(&vm.pio, 0xcf9, 1, 0x02);
	assert_int_equal(fake.nstop, 4);
	assert_int_equal(bus_read(&vm.pio, 0x64, 1), 0xff);
}

static void cf9_does_not_hide_pci_configuration(void **state)
{
	bus_write(&vm.pio, 0xcf8, 4, 0x80000000);
	assert_int_equal(bus_read(&vm.pio, 0xcf8, 4), 0x80000000);
	assert_int_equal(bus_read(&vm.pio, 0xcfc, 4), 0x00081b36);
	assert_int_equal(bus_read(&vm.mmio, PC_ECAM_BASE, 4), 0x00081b36);
	assert_int_equal(fake.nstop, 0);
}

static void an_isa_interrupt_reaches_both_controllers(void **state)
{
	/* I/O APIC pin 4: vector 34h, edge, to CPU 1. */
	bus_write(&vm.mmio, IOAPIC_BASE, 4, 0x10 + 2 * 4 + 1);
	bus_write(&vm.mmio, IOAPIC_BASE + 0x10, 4, 1u << 24);
	bus_write(&vm.mmio, IOAPIC_BASE, 4, 0x10 + 2 * 4);
	bus_write(&vm.mmio, IOAPIC_BASE + 0x10, 4, 0x34);
	bus_write(&vm.pio, 0x20, 1, 0x11);
	bus_write(&vm.pio, 0x21, 1, 0x20);
	bus_write(&vm.pio, 0x21, 1, 0x04);
	bus_write(&vm.pio, 0x21, 1, 0x01);
	vm_irq(&vm, 4, true);
	assert_int_equal(fake.nmsi, 1);
	assert_int_equal(fake.msi[0].addr, 0xfee01000);
	assert_int_equal(fake.msi[0].data, 0x34);
	assert_true(fake.extint);
	assert_int_equal(pc_intack(&pc), 0x24);
	vm_irq(&vm, 16, true);
	vm_irq(&vm, 999, true); /* nothing there */
	assert_int_equal(fake.nmsi, 1);
}

static void isa_interrupt_zero_is_pin_two(void **state)
{
	bus_write(&vm.mmio, IOAPIC_BASE, 4, 0x10 + 2 * 2);
	bus_write(&vm.mmio, IOAPIC_BASE + 0x10, 4, 0x30);
	vm_irq(&vm, 0, true);
	assert_int_equal(fake.nmsi, 1);
	assert_int_equal(fake.msi[0].data, 0x30);
}

static void memory_map_is_sorted_and_keeps_the_hole(void **state)
{
	struct pc_e820 map[10];
	unsigned n = pc_memory_map(&pc, map, ARRAY_SIZE(map));

	assert_int_equal(n, 6); /* no RAM above 4 GiB here */
	for (unsigned i = 1; i < n; i++)
		assert_true(map[i].base >= map[i - 1].base + map[i - 1].size);
	assert_int_equal(map[1].base, 0xa0000);
	assert_int_equal(map[1].type, PC_E820_RESERVED);
	assert_int_equal(pc_memory_map(&pc, map, 1), 6);
}

static void local_apic_accesses_go_to_the_current_vcpu(void **state)
{
	vm.vcpu[1].id = 71;
	pc_set_current(&vm.vcpu[1]);
	fake.result.a = 0x50014;
	assert_int_equal(bus_read(&vm.mmio, 0xfee00030, 4), 0x50014);
	bus_write(&vm.mmio, 0xfee000b0, 4, 0);
	assert_int_equal(fake.ncall, 2);
	assert_int_equal(fake.call[0].nr, HV_VCPU_APIC);
	assert_int_equal(fake.call[0].a, 71);
	assert_int_equal(fake.call[0].b, 0x30);
	assert_int_equal(fake.call[1].c, 1);
	bus_write(&vm.mmio, 0xfee000b2, 2, 0); /* not an access that an APIC takes */
	assert_int_equal(fake.ncall, 2);
}

static void reset_gives_power_on_state(void **state)
{
	u64 rsdp;

	assert_int_equal(pc_finish(&pc, &rsdp), OK);
	bus_write(&vm.mmio, IOAPIC_BASE, 4, 0x10);
	bus_write(&vm.mmio, IOAPIC_BASE + 0x10, 4, 0x30);
	bus_write(&vm.pio, 0x3fb, 1, 0x83);
	pc_reset(&pc);
	assert_int_equal(bus_read(&vm.pio, 0x3fb, 1), 0);
	bus_write(&vm.mmio, IOAPIC_BASE, 4, 0x10);
	assert_int_equal(bus_read(&vm.mmio, IOAPIC_BASE + 0x10, 4), 0x10000);
}

static void guest_that_panics_says_so(void **state)
{
	assert_int_equal(bus_read(&vm.pio, 0x505, 1), 1);
	bus_write(&vm.pio, 0x505, 1, 0xfe); /* events that are not offered */
	assert_int_equal(fake.nstop, 0);
	bus_write(&vm.pio, 0x505, 1, 1);
	assert_int_equal(fake.nstop, 1);
	assert_int_equal(fake.stop, STOP_CRASH);
	assert_string_equal(fake.why, "kernel panic (reported by the guest)");
}

/* --- a PC with firmware --- */

#define ROM_SIZE 0x30000u

static u8 rom[ROM_SIZE];

static int setup_firmware(void **state)
{
	struct pc_options opt = { .ncpus = 2, .com1 = &tty.tty, .info = &info };

	fake_reset();
	fake_tty_init(&tty);
	fake_vm_init(&vm, 0x200000);
	for (unsigned i = 0; i < ROM_SIZE; i++)
		rom[i] = (u8)(i >> 8 ^ i);
	vm.nroms = 1;
	vm.rom[0] = (struct vm_rom){ .mem = rom, .size = ROM_SIZE };
	assert_int_equal(machine_rom(rom, ROM_SIZE, &vm.rom[0].gpa, &(const char *){ NULL }), OK);
	assert_int_equal(pc_init(&pc, &vm, &opt), OK);
	return 0;
}

static void rom_of_a_wrong_size_or_without_code_is_refused(void **state)
{
	static u8 big[0x801000];
	const char *why;
	u64 gpa;

	memset(big, 0xff, sizeof(big));
	assert_int_equal(machine_rom(big, 0, &gpa, &why), ERR_RANGE);
	assert_int_equal(machine_rom(big, 15, &gpa, &why), ERR_RANGE);
	assert_int_equal(machine_rom(big, 0xf000, &gpa, &why), ERR_RANGE);
	assert_int_equal(machine_rom(big, 0x10800, &gpa, &why), ERR_RANGE);
	assert_int_equal(machine_rom(big, 0x801000, &gpa, &why), ERR_RANGE);
	assert_int_equal(machine_rom(big, 0x10000, &gpa, &why), ERR_FORMAT);
	big[0xfff0] = 0xea;
	assert_int_equal(machine_rom(big, 0x10000, &gpa, &why), OK);
	assert_int_equal(gpa, 0xffff0000);
}

static void variables_lie_below_the_firmware(void **state)
{
	const char *why;
	u64 gpa;

	assert_int_equal(machine_variables(0x84000, 0xffc84000, &gpa, &why), OK);
	assert_int_equal(gpa, 0xffc00000);
	assert_int_equal(machine_variables(0, 0xffc84000, &gpa, &why), ERR_RANGE);
	assert_int_equal(machine_variables(0x84100, 0xffc84000, &gpa, &why), ERR_RANGE);
	assert_int_equal(machine_variables(0x485000, 0xffc84000, &gpa, &why), ERR_RANGE); /* 8 MiB and a block */
	assert_int_equal(machine_variables(~0xfffull, 0xffc84000, &gpa, &why), ERR_RANGE);
	assert_int_equal(machine_variables(0x1000, 0xff800000, &gpa, &why), ERR_RANGE);
}

static void rom_is_read_and_not_written(void **state)
{
	assert_int_equal(bus_read(&vm.mmio, 0xfffffff0, 2), rom[ROM_SIZE - 16] | rom[ROM_SIZE - 15] << 8);
	bus_write(&vm.mmio, 0xfffffff0, 4, 0xdeadbeef);
	bus_write(&vm.mmio, 0xfffffff8, 8, ~0ull);
	assert_int_equal(rom[ROM_SIZE - 16], (u8)((ROM_SIZE - 16) >> 8 ^ (ROM_SIZE - 16)));
	assert_int_equal(bus_read(&vm.mmio, 0x100000000 - ROM_SIZE - 4, 4), 0xffffffff);
	assert_ptr_equal(vm_rom(&vm, 0xffffffff, 1), rom + ROM_SIZE - 1);
	assert_null(vm_rom(&vm, 0xffffffff, 2));
	assert_null(vm_mem(&vm, 0xfffffff0, 1)); /* no device's DMA gets there */
}

static void start_is_at_the_reset_vector_with_the_shadow_below_1_mib(void **state)
{
	struct vcpu_state s;
	u8 *low = vm_mem(&vm, 0, 0x200000);

	memset(low + 0xd0000, 0x11, 0x40000);
	firmware_start(&pc, &s);
	assert_int_equal(s.regs.rip, 0xfff0);
	assert_memory_equal(low + 0xe0000, rom + ROM_SIZE - 0x20000, 0x20000);
	assert_int_equal(low[0xdffff], 0x11);
	assert_int_equal(low[0x100000], 0x11);
}

static void host_bridge_is_a_440fx_with_pam_registers(void **state)
{
	bus_write(&vm.pio, 0xcf8, 4, 0x80000000);
	assert_int_equal(bus_read(&vm.pio, 0xcfc, 4), 0x12378086);
	bus_write(&vm.pio, 0xcf8, 4, 0x80000058);
	assert_int_equal(bus_read(&vm.pio, 0xcfc, 4), 0);
	bus_write(&vm.pio, 0xcfc, 4, 0xffffffff);
	assert_int_equal(bus_read(&vm.pio, 0xcfc, 4), 0x33333300);
	pc_reset(&pc);
	bus_write(&vm.pio, 0xcf8, 4, 0x80000058);
	assert_int_equal(bus_read(&vm.pio, 0xcfc, 4), 0);
}

/* A file of fw_cfg, read as a guest does. */
static u32 file(const char *name, u8 *to, u32 max)
{
	u8 e[64];
	u32 n, size;

	bus_write(&vm.pio, 0x510, 2, FW_CFG_FILE_DIR);
	for (unsigned i = 0; i < 4; i++)
		e[i] = bus_read(&vm.pio, 0x511, 1);
	for (n = e[3]; n != 0; n--) {
		for (unsigned i = 0; i < sizeof(e); i++)
			e[i] = bus_read(&vm.pio, 0x511, 1);
		if (strcmp((const char *)e + 8, name) == 0)
			break;
	}
	assert_int_not_equal(n, 0);
	size = (u32)e[0] << 24 | e[1] << 16 | e[2] << 8 | e[3];
	assert_true(size <= max);
	bus_write(&vm.pio, 0x510, 2, e[4] << 8 | e[5]);
	for (unsigned i = 0; i < size; i++)
		to[i] = bus_read(&vm.pio, 0x511, 1);
	return size;
}

/* What firmware does with the table loader's commands: tables at @tables, the RSDP at @rsdp. */
static void run_script(u64 tables, u64 rsdp)
{
	struct acpi_command cmd[ACPI_COMMANDS];
	u32 n = file("etc/table-loader", (u8 *)cmd, sizeof(cmd)) / sizeof(cmd[0]);

	for (unsigned i = 0; i < n; i++) {
		bool at_rsdp = strcmp(cmd[i].allocate.file, "etc/acpi/rsdp") == 0; /* the first name of all */
		u8 *base = vm_mem(&vm, at_rsdp ? rsdp : tables, 0x4000);
		u64 v = 0;

		switch (cmd[i].command) {
		case 1:
			assert_int_equal(cmd[i].allocate.zone, at_rsdp ? 2 : 1);
			file(cmd[i].allocate.file, base, 0x4000);
			break;
		case 2:
			assert_string_equal(cmd[i].pointer.from, "etc/acpi/tables");
			memcpy(&v, base + cmd[i].pointer.offset, cmd[i].pointer.size);
			v += tables;
			memcpy(base + cmd[i].pointer.offset, &v, cmd[i].pointer.size);
			break;
		default:
			assert_int_equal(cmd[i].command, 3);
			assert_int_equal(base[cmd[i].checksum.offset], 0);
			base[cmd[i].checksum.offset] = (u8)-sum(base + cmd[i].checksum.start, cmd[i].checksum.length);
			break;
		}
	}
}

static void piix_shows_where_power_management_is(void **state)
{
	static const u32 reg[][2] = { { 0x80000800, 0x70008086 },
				      { 0x80000b00, 0x71138086 },
				      { 0x80000b40, 0x601 },
				      { 0x80000b58, 0x02000000 },
				      { 0x80000b80, 1 } };

	for (unsigned i = 0; i < ARRAY_SIZE(reg); i++) {
		bus_write(&vm.pio, 0xcf8, 4, reg[i][0]);
		assert_int_equal(bus_read(&vm.pio, 0xcfc, 4), reg[i][1]);
		if ((reg[i][0] & 0xff) != 0)
			bus_write(&vm.pio, 0xcfc, 4, 0xb001); /* to move it changes nothing */
		assert_int_equal(bus_read(&vm.pio, 0xcfc, 4), reg[i][1]);
	}
	bus_write(&vm.pio, 0xcf8, 4, 0x8000080c);
	assert_int_equal(bus_read(&vm.pio, 0xcfc, 4), 0x800000); /* several functions */
}

static void firmware_puts_the_tables_together(void **state)
{
	u64 rsdp, xsdt, fadt;

	assert_int_equal(pc_finish(&pc, &rsdp), OK);
	assert_int_equal(rsdp, 0);
	run_script(0xe4000, 0xf4000); /* where table() looks */
	assert_memory_equal(vm_mem(&vm, 0xf4000, 8), "RSD PTR ", 8);
	assert_int_equal(sum(vm_mem(&vm, 0xf4000, 20), 20), 0);
	assert_int_equal(sum(vm_mem(&vm, 0xf4000, 36), 36), 0);
	xsdt = get64(0xf4000 + 24);
	table(xsdt, "XSDT");
	assert_int_equal(get32(xsdt + 4), 36 + 4 * 8);
	fadt = get64(xsdt + 36);
	table(fadt, "FACP");
	assert_int_equal(get32(fadt + 40), get64(fadt + 140));
	table(get64(fadt + 140), "DSDT");
	assert_memory_equal(vm_mem(&vm, get32(fadt + 36), 4), "FACS", 4);
	table(get64(xsdt + 44), "APIC");
	table(get64(xsdt + 52), "MCFG");
	table(get64(xsdt + 60), "SSDT");
}

static void firmware_is_told_of_memory_disks_and_console(void **state)
{
	static struct pci_dev disk;
	struct firmware_e820 e[4];
	u8 text[FIRMWARE_ORDER];
	u64 rsdp;

	pci_dev_init(&disk, &vm, 0x1af4, 0x1042, 0x010000, 1, 0x1af4, 0x40);
	assert_int_equal(pci_add(&pc.pci, &disk, 3 << 3), OK);
	assert_int_equal(pc_finish(&pc, &rsdp), OK);
	assert_int_equal(file("etc/e820", (u8 *)e, sizeof(e)), 2 * 20);
	assert_int_equal(e[0].base, 0);
	assert_int_equal(e[0].size, 0x200000);
	assert_int_equal(e[0].type, 1);
	assert_int_equal(e[1].base, PC_ECAM_BASE);
	assert_int_equal(e[1].type, 2);
	file("bootorder", text, sizeof(text));
	assert_string_equal((char *)text, "/pci@i0cf8/scsi@3/disk@0,0\n");
	assert_int_equal(file("etc/sercon-port", text, sizeof(text)), 2);
	assert_int_equal(text[0] | text[1] << 8, 0x3f8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(guest_that_panics_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(acpi_tables_are_linked_and_sum_to_zero, setup, teardown),
		cmocka_unit_test_setup_teardown(reset_ports_reset_the_machine, setup, teardown),
		cmocka_unit_test_setup_teardown(cf9_does_not_hide_pci_configuration, setup, teardown),
		cmocka_unit_test_setup_teardown(an_isa_interrupt_reaches_both_controllers, setup, teardown),
		cmocka_unit_test_setup_teardown(isa_interrupt_zero_is_pin_two, setup, teardown),
		cmocka_unit_test_setup_teardown(memory_map_is_sorted_and_keeps_the_hole, setup, teardown),
		cmocka_unit_test_setup_teardown(local_apic_accesses_go_to_the_current_vcpu, setup, teardown),
		cmocka_unit_test_setup_teardown(reset_gives_power_on_state, setup, teardown),
		cmocka_unit_test(rom_of_a_wrong_size_or_without_code_is_refused),
		cmocka_unit_test(variables_lie_below_the_firmware),
		cmocka_unit_test_setup_teardown(rom_is_read_and_not_written, setup_firmware, teardown),
		cmocka_unit_test_setup_teardown(start_is_at_the_reset_vector_with_the_shadow_below_1_mib,
						setup_firmware, teardown),
		cmocka_unit_test_setup_teardown(host_bridge_is_a_440fx_with_pam_registers, setup_firmware, teardown),
		cmocka_unit_test_setup_teardown(piix_shows_where_power_management_is, setup_firmware, teardown),
		cmocka_unit_test_setup_teardown(firmware_puts_the_tables_together, setup_firmware, teardown),
		cmocka_unit_test_setup_teardown(firmware_is_told_of_memory_disks_and_console, setup_firmware, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
