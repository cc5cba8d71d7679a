/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_pc.c: a guest's PC as a whole: ports, interrupts, memory map and ACPI tables.
 * LINK: guest/vmm/x86/pc.c guest/vmm/x86/acpi.c guest/vmm/x86/pvclock.c guest/vmm/bus.c tests/unit/fake_rt.c
 * LINK: guest/vmm/dev/i8259.c guest/vmm/dev/i8254.c guest/vmm/dev/ioapic.c guest/vmm/dev/mc146818.c
 * LINK: guest/vmm/dev/uart16550.c guest/vmm/dev/acpi_pm.c guest/vmm/dev/fw_cfg.c guest/vmm/dev/pvpanic.c
 * LINK: guest/vmm/pci.c guest/vmm/pci_msix.c guest/vmm/pci_root.c
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

static struct vm vm;
static struct pc pc;
static struct fake_tty tty;
static const struct hv_info info = { .features = HV_FEATURE_INVARIANT_TSC, .counter_hz = 2400000000 };

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
