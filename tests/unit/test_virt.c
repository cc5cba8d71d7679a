/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_virt.c: the arm64 guest's machine as a whole: addresses, wires, PCI, what the hypervisor is told.
 * LINK: guest/vmm/arm64/virt.c guest/vmm/arm64/machine.c guest/vmm/bus.c tests/unit/fake_rt.c
 * LINK: guest/vmm/dev/pl011.c guest/vmm/dev/pl031.c guest/vmm/dev/gicv2m.c
 * LINK: guest/vmm/dev/rom.c guest/vmm/dev/flash.c guest/vmm/dev/fw_cfg.c
 * LINK: guest/vmm/pci.c guest/vmm/pci_msix.c guest/vmm/pci_root.c
 * LINK: guest/vmm/mem.c guest/vmm/virtio.c guest/vmm/virtio_pci.c guest/vmm/dev/virtio_rng.c
 * CFLAGS: -Ihv/abi/arm64 -Iguest/vmm/arm64
 */
#include "guest/vmm/machine.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fake_rt.h"
#include "guest/vmm/arm64/loader.h"
#include "guest/vmm/pci_regs.h"
#include "guest/vmm/virtio.h"

static struct vm vm;
static struct machine m;
static struct fake_tty tty;
static struct hv_info info;
static unsigned loads, firmware_loads;

status_t loader_arm64(struct machine *machine, struct loader_input *in, struct vcpu_state *st)
{
	assert_ptr_equal(machine, &m);
	loads++;
	return ERR_NOENT;
}

void arm64_reset_state(struct vcpu_state *st, unsigned index)
{
	st->mpidr = index;
}

status_t loader_firmware(struct machine *machine, struct loader_input *in, struct vcpu_state *st)
{
	assert_ptr_equal(machine, &m);
	firmware_loads++;
	return OK;
}

static status_t make(u64 ram, u64 gpa)
{
	const struct machine_options opt = { .ncpus = 2, .serial = &tty.tty, .info = &info };

	fake_vm_free(&vm);
	fake_reset();
	fake.wall = 1700000000;
	fake_tty_init(&tty);
	fake_vm_init(&vm, 0x200000);
	vm.ram[0].gpa = gpa;
	vm.ram[0].size = ram;
	return machine_init(&m, &vm, &opt);
}

static int setup(void **state)
{
	loads = firmware_loads = 0;
	info.features = ARM_FEATURE_GICV3;
	assert_int_equal(make(0x200000, VIRT_RAM_BASE), OK);
	return 0;
}

static int teardown(void **state)
{
	fake_vm_free(&vm);
	return 0;
}

static u64 rd(u64 gpa, unsigned size)
{
	return bus_read(&vm.mmio, gpa, size);
}

static void wr(u64 gpa, unsigned size, u64 v)
{
	bus_write(&vm.mmio, gpa, size, v);
}

static void devices_are_where_qemus_virt_has_them(void **state)
{
	assert_int_equal(rd(0x9000fe0, 4), 0x11);
	assert_int_equal(rd(0x9010fe0, 4), 0x31);
	assert_int_equal(rd(0x9010000, 4), 1700000000);
	assert_int_equal(rd(0x8020008, 4), 80 << 16 | 64);
	assert_int_equal(rd(0x3f000000, 4), 0x00081b36); /* host bridge */
	assert_int_equal(rd(0x3f00000a, 2), 0x0600);
	assert_int_equal(rd(0x3f008000, 4), 0xffffffff); /* no device 1 */
	wr(0x9000000, 4, '!');
	assert_int_equal(tty.out[0], '!');
	/* The interrupt controller is the hypervisor's. */
	assert_null(bus_find(&vm.mmio, VIRT_GICD_BASE));
	assert_null(bus_find(&vm.mmio, VIRT_GICR_BASE));
	assert_null(bus_find(&vm.mmio, VIRT_GICC_BASE));
}

static void firmware_and_its_variables_have_places(void **state)
{
	static u32 code[1024] = { 0x14000400 };
	static u8 variables[FLASH_BLOCK_2X16];
	struct loader_input in = { 0 };
	struct vcpu_state st;
	const char *why;
	u64 gpa;

	assert_int_equal(machine_rom(code, sizeof(code), &gpa, &why), OK);
	assert_int_equal(gpa, 0);
	assert_int_equal(machine_variables(sizeof(variables), gpa, &gpa, &why), OK);
	assert_int_equal(gpa, 0x4000000);
	assert_null(bus_find(&vm.mmio, VIRT_FW_CFG_BASE)); /* a kernel alone has none of it */
	assert_null(bus_find(&vm.mmio, VIRT_FLASH_BASE));
	vm.nroms = 2;
	vm.rom[0] = (struct vm_rom){ .gpa = 0, .size = sizeof(code), .mem = (u8 *)code, .mapped = true };
	vm.rom[1] = (struct vm_rom){ .gpa = gpa, .size = sizeof(variables), .mem = variables, .mapped = true };
	bus_init(&vm.mmio);
	bus_init(&vm.pio);
	lock_init(&vm.ram_lock, LOCK_RAM);
	assert_int_equal(machine_init(&m, &vm, &(struct machine_options){ .ncpus = 2, .info = &info }), OK);
	assert_int_equal(rd(0, 4), 0x14000400);
	wr(0, 4, 0);
	assert_int_equal(rd(0, 4), 0x14000400);
	wr(0x4000000, 4, 0x00700070);
	assert_int_equal(rd(0x4000000, 4), 0x00800080);
	wr(0x9020008, 2, 0);
	assert_int_equal(rd(0x9020000, 4), 0x554d4551);
	assert_int_equal(machine_reset(&m), OK);
	assert_true(vm.rom[1].mapped);
	assert_int_equal(rd(0x9020000, 1), 'Q');
	assert_int_equal(machine_load(&m, &in, &st), OK);
	assert_int_equal(firmware_loads, 1);
	assert_int_equal(loads, 0);
}

static void firmware_of_a_wrong_shape_is_refused(void **state)
{
	static u32 code[1024] = { 0x14000400 };
	const char *why = NULL;
	u64 gpa = 1;

	assert_int_equal(machine_rom(code, 0, &gpa, &why), ERR_RANGE);
	assert_int_equal(machine_rom(code, sizeof(code) - 4, &gpa, &why), ERR_RANGE);
	assert_int_equal(machine_rom(code, VIRT_FLASH_SIZE + PAGE_SIZE, &gpa, &why), ERR_RANGE);
	assert_non_null(strstr(why, "64 MiB"));
	code[0] = 0;
	assert_int_equal(machine_rom(code, sizeof(code), &gpa, &why), ERR_FORMAT);
	code[0] = ~0u;
	assert_int_equal(machine_rom(code, sizeof(code), &gpa, &why), ERR_FORMAT);
	assert_non_null(strstr(why, "reset vector"));
	assert_int_equal(machine_variables(0, 0, &gpa, &why), ERR_RANGE);
	assert_int_equal(machine_variables(FLASH_BLOCK_2X16 / 2, 0, &gpa, &why), ERR_RANGE);
	assert_int_equal(machine_variables(VIRT_FLASH_SIZE + FLASH_BLOCK_2X16, 0, &gpa, &why), ERR_RANGE);
	assert_int_equal(gpa, 1);
}

static void wires_lead_to_the_hypervisors_gic(void **state)
{
	wr(0x9010010, 4, 1);
	wr(0x9010000 + 4, 4, 1700000000);
	assert_int_equal(fake.nline, 1);
	assert_true(fake.line[34]);
	wr(0x901001c, 4, 1);
	assert_false(fake.line[34]);
	wr(0x9000030, 4, 0x301);
	wr(0x9000038, 4, 0x10);
	fake_tty_input(&tty, "a");
	assert_true(fake.line[33]);
}

static void intx_pins_take_turns(void **state)
{
	assert_int_equal(virt_intx_spi(0, 1), 3);
	assert_int_equal(virt_intx_spi(1, 1), 4);
	assert_int_equal(virt_intx_spi(3, 1), 6);
	assert_int_equal(virt_intx_spi(4, 1), 3);
	assert_int_equal(virt_intx_spi(2, 4), 4);
	assert_int_equal(virt_intx_spi(31, 4), 5);
}

static u64 port_read(void *dev, u64 off, unsigned size)
{
	return 0xa0 + off;
}

static void port_write(void *dev, u64 off, unsigned size, u64 v)
{
	*(u64 *)dev = off << 32 | size << 16 | v;
}

static void the_io_window_leads_to_ports(void **state)
{
	static const struct bus_ops ops = { port_read, port_write };
	static struct bus_region r;
	static u64 seen;

	r = (struct bus_region){ 0x1000, 0x20, &ops, &seen };
	assert_int_equal(bus_add(&vm.pio, &r), OK);
	assert_int_equal(rd(VIRT_IO_BASE + 0x1004, 1), 0xa4);
	wr(VIRT_IO_BASE + 0x1008, 2, 0x77);
	assert_int_equal(seen, 8ull << 32 | 2 << 16 | 0x77);
	assert_int_equal(rd(VIRT_IO_BASE, 4), 0xffffffff);
	assert_int_equal(rd(VIRT_IO_BASE + 0xfffc, 4), 0xffffffff);
}

static void pci_windows_are_known_from_holes(void **state)
{
	assert_false(virt_in_pci(VIRT_MMIO_START - 1));
	assert_true(virt_in_pci(VIRT_MMIO_START));
	assert_true(virt_in_pci(VIRT_IO_BASE));
	assert_true(virt_in_pci(VIRT_ECAM_BASE + VIRT_ECAM_SIZE - 1));
	assert_false(virt_in_pci(VIRT_ECAM_BASE + VIRT_ECAM_SIZE));
	assert_false(virt_in_pci(VIRT_RAM_BASE));
	assert_true(virt_in_pci(VIRT_MMIO64_BASE));
	assert_false(virt_in_pci(VIRT_MMIO64_BASE + VIRT_MMIO64_SIZE));
	assert_false(virt_in_pci(0));
	assert_false(virt_in_pci(~0ull));
}

static struct fake_call *doorbell(u64 flags)
{
	struct fake_call *found = NULL;

	for (unsigned i = 0; i < fake.ncall && i < FAKE_MAX; i++) {
		if (fake.call[i].nr == HV_VM_DOORBELL && fake.call[i].c == flags)
			found = &fake.call[i];
	}
	return found;
}

static void virtio_devices_ring_in_memory_and_the_doorbell_follows_the_bar(void **state)
{
	const u64 cfg = VIRT_ECAM_BASE + (8 << 12);
	u64 bar;

	assert_int_equal(virtio_rng_new(&vm, machine_pci(&m), 8), OK);
	assert_int_equal(machine_finish(&m), OK);
	assert_int_equal(rd(cfg + PCI_BAR0 + 8, 4), 0); /* no I/O BAR */
	assert_int_equal(rd(cfg + PCI_INTERRUPT_LINE, 1), 4);
	bar = rd(cfg + PCI_BAR0, 4);
	assert_true(bar >= VIRT_MMIO_START && bar < VIRT_MMIO_END);
	wr(bar + 0x14, 1, 1);
	wr(bar + 0x14, 1, 3);
	wr(bar + 0x08, 4, 1);
	wr(bar + 0x0c, 4, 1); /* VERSION_1 */
	wr(bar + 0x14, 1, 0xb);
	wr(bar + 0x20, 4, VIRT_RAM_BASE + 0x1000);
	wr(bar + 0x28, 4, VIRT_RAM_BASE + 0x2000);
	wr(bar + 0x30, 4, VIRT_RAM_BASE + 0x3000);
	wr(bar + 0x1c, 2, 1);
	assert_non_null(doorbell(0));
	assert_int_equal(doorbell(0)->a, 7);
	assert_int_equal(doorbell(0)->b, bar + 0x3000);
	wr(cfg + PCI_BAR0, 4, 0x20000000);
	assert_non_null(doorbell(DOORBELL_REMOVE));
	assert_int_equal(doorbell(DOORBELL_REMOVE)->b, bar + 0x3000);
	assert_int_equal(doorbell(0)->b, 0x20003000);
	/* The guest's driver may have gone: so has the doorbell. */
	wr(0x20000000 + 0x14, 1, 0);
	assert_int_equal(doorbell(DOORBELL_REMOVE)->b, 0x20003000);
	mem_free(container_of(m.virt.pci.dev[8], struct virtio, pci));
}

static const struct vm_config *configured(u32 what, u64 n)
{
	const struct vm_config *c = hv_mailbox();

	for (u64 i = 0; i < n; i++) {
		if (c[i].what == what)
			return &c[i];
	}
	return NULL;
}

static void the_hypervisor_is_told_of_the_gic_that_it_has(void **state)
{
	const char *what;
	u64 n;

	for (unsigned v3 = 0; v3 < 2; v3++) {
		info.features = v3 ? ARM_FEATURE_GICV3 : 0;
		assert_int_equal(make(0x200000, VIRT_RAM_BASE), OK);
		assert_int_equal(m.virt.gic_version, v3 ? 3 : 2);
		assert_int_equal(machine_configure(&vm, &info, &what), OK);
		assert_int_equal(fake.ncall, 1);
		assert_int_equal(fake.call[0].nr, HV_VM_CONFIGURE);
		assert_int_equal(fake.call[0].a, 7);
		n = fake.call[0].b;
		assert_int_equal(n, 5);
		assert_int_equal(configured(ARM_CONFIG_GICD, n)->value, 0x8000000);
		assert_int_equal(configured(ARM_CONFIG_MSI, n)->value, 0x8020040);
		assert_int_equal(configured(ARM_CONFIG_MSI_FIRST, n)->value, 80);
		assert_int_equal(configured(ARM_CONFIG_MSI_COUNT, n)->value, 64);
		assert_int_equal(configured(v3 ? ARM_CONFIG_GICR : ARM_CONFIG_GICC, n)->value,
				 v3 ? 0x80a0000 : 0x8010000);
		assert_null(configured(v3 ? ARM_CONFIG_GICC : ARM_CONFIG_GICR, n));
		fake.result.status = ERR_INVAL;
		assert_int_equal(machine_configure(&vm, &info, &what), ERR_INVAL);
		assert_non_null(what);
	}
}

static void ram_begins_at_one_gigabyte_in_one_piece(void **state)
{
	u64 gpa;

	assert_int_equal(machine_ram(0, 0x123000, &gpa), 0x123000);
	assert_int_equal(gpa, 0x40000000);
	assert_int_equal(machine_ram(0, 1ull << 42, &gpa), VIRT_MMIO64_BASE - VIRT_RAM_BASE);
	assert_int_equal(machine_ram(1, 0x1000, &gpa), 0x1000);
	assert_true(gpa >= VIRT_MMIO64_BASE + VIRT_MMIO64_SIZE);
	assert_int_equal(make(0x200000, 0), ERR_RANGE);
	assert_int_equal(make(0x1000, VIRT_RAM_BASE), ERR_RANGE);
}

static void odd_options_are_refused(void **state)
{
	struct machine_options opt = { .ncpus = 0, .info = &info };

	assert_int_equal(machine_init(&m, &vm, &opt), ERR_INVAL);
	opt.ncpus = VM_MAX_VCPUS + 1;
	assert_int_equal(machine_init(&m, &vm, &opt), ERR_INVAL);
	opt = (struct machine_options){ .ncpus = 1 };
	assert_int_equal(machine_init(&m, &vm, &opt), ERR_INVAL);
}

static void without_serial_port_there_is_none(void **state)
{
	const struct machine_options opt = { .ncpus = 1, .info = &info };

	fake_vm_free(&vm);
	fake_vm_init(&vm, 0x200000);
	vm.ram[0].gpa = VIRT_RAM_BASE;
	assert_int_equal(machine_init(&m, &vm, &opt), OK);
	assert_false(m.virt.has_serial);
	assert_null(bus_find(&vm.mmio, VIRT_PL011_BASE));
	assert_int_equal(machine_reset(&m), OK);
}

static void reset_gives_power_on_state(void **state)
{
	struct loader_input in = { .cmdline = "" };
	struct vcpu_state st;

	assert_int_equal(machine_finish(&m), OK);
	wr(0x9000038, 4, 0x10);
	wr(0x9010010, 4, 1);
	wr(0x9010004, 4, 1700000000);
	assert_true(fake.line[34]);
	assert_int_equal(machine_reset(&m), OK);
	assert_int_equal(rd(0x9000038, 4), 0);
	assert_false(fake.line[34]);
	assert_int_equal(machine_load(&m, &in, &st), ERR_NOENT);
	assert_int_equal(loads, 1);
}

static void each_cpu_has_its_own_first_state(void **state)
{
	struct vcpu_state st = { .mpidr = 7 };

	machine_cpu_state(&m, 1, &st);
	assert_int_equal(st.mpidr, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(firmware_and_its_variables_have_places),
		T(firmware_of_a_wrong_shape_is_refused),
		T(devices_are_where_qemus_virt_has_them),
		T(wires_lead_to_the_hypervisors_gic),
		T(intx_pins_take_turns),
		T(the_io_window_leads_to_ports),
		T(pci_windows_are_known_from_holes),
		T(virtio_devices_ring_in_memory_and_the_doorbell_follows_the_bar),
		T(the_hypervisor_is_told_of_the_gic_that_it_has),
		T(ram_begins_at_one_gigabyte_in_one_piece),
		T(odd_options_are_refused),
		T(without_serial_port_there_is_none),
		T(reset_gives_power_on_state),
		T(each_cpu_has_its_own_first_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
