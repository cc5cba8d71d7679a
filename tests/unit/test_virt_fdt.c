/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_virt_fdt.c: the arm64 guest's device tree, read back, and set beside that of QEMU 7.2's virt.
 * CFLAGS: -Ihv/abi/arm64 -Iguest/rt/arm64 -Iguest/vmm/arm64 -isystem build/src/device-tree-compiler/libfdt
 * LINK: guest/vmm/arm64/fdt.c guest/vmm/arm64/virt.c guest/vmm/bus.c guest/vmm/pci.c guest/vmm/pci_msix.c
 * LINK: guest/vmm/pci_root.c guest/vmm/dev/pl011.c guest/vmm/dev/pl031.c guest/vmm/dev/gicv2m.c tests/unit/fake_rt.c
 * LINK: guest/vmm/dev/rom.c guest/vmm/dev/flash.c guest/vmm/dev/fw_cfg.c
 * LINK: build/unit/libfdt.a
 */
#include "guest/vmm/arm64/loader.h"
#include "self/insn.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "fake_rt.h"

#define MIB	 (1024 * 1024ULL)
#define RAM_SIZE (64 * MIB)
#define AT	 (VIRT_RAM_BASE + 8 * MIB)
#define MAX_SIZE 0x10000u

static struct machine machine;
static struct vm vm;
static struct fake_tty tty;
static struct loader_input in;
static struct hv_info info;
static const void *blob;
static u64 size;

void hv_vm_line(u32 id, u32 line, bool level)
{
	fail_msg("writing a tree raises no interrupt");
}

void cpu_clean(const void *p, u64 n)
{
	fail_msg("nor does it write into flash");
}

static void make(unsigned ncpus, bool v3, bool serial)
{
	struct machine_options opt = { .ncpus = ncpus, .serial = serial ? &tty.tty : NULL, .info = &info };

	info.features = v3 ? ARM_FEATURE_GICV3 : 0;
	fake_reset();
	fake_tty_init(&tty);
	fake_vm_free(&vm);
	fake_vm_init(&vm, RAM_SIZE);
	vm.ram[0].gpa = VIRT_RAM_BASE;
	memset(vm.ram[0].mem, 0xee, RAM_SIZE);
	assert_int_equal(virt_init(&machine.virt, &vm, &opt), OK);
	blob = vm.ram[0].mem + (AT - VIRT_RAM_BASE);
}

static void tree(u64 initrd, u64 initrd_size)
{
	assert_int_equal(virt_fdt(&machine, &in, initrd, initrd_size, AT, MAX_SIZE, &size), OK);
	assert_in_range(size, 1000, MAX_SIZE);
	assert_int_equal(fdt_check_full(blob, MAX_SIZE), 0);
	assert_int_equal(fdt_totalsize(blob), size);
}

static int setup(void **state)
{
	memset(&in, 0, sizeof(in));
	in.cmdline = "console=ttyAMA0 root=/dev/vda";
	make(2, true, true);
	tree(0x44000000, 12345);
	return 0;
}

static int teardown(void **state)
{
	fake_vm_free(&vm);
	return 0;
}

static const void *prop(const char *path, const char *name, int *len)
{
	int node = fdt_path_offset(blob, path);

	assert_true(node >= 0);
	return fdt_getprop(blob, node, name, len);
}

/* @path's property @name holds exactly these cells. */
static void cells_are(const char *path, const char *name, const u32 *want, unsigned n)
{
	int len;
	const u8 *p = prop(path, name, &len);

	assert_non_null(p);
	assert_int_equal(len, n * 4);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(fdt32_ld((const fdt32_t *)(const void *)(p + i * 4)), want[i]);
}
#define CELLS(path, name, ...) \
	cells_are(path, name, (const u32[]){ __VA_ARGS__ }, sizeof((const u32[]){ __VA_ARGS__ }) / 4)

/* @path's property @name is this string, or has it in its list. */
static void string_is(const char *path, const char *name, const char *want)
{
	int len;
	const char *p = prop(path, name, &len);

	assert_non_null(p);
	assert_true(fdt_stringlist_contains(p, len, want));
}

static void flag_is(const char *path, const char *name, bool want)
{
	int len;

	assert_int_equal(prop(path, name, &len) != NULL, want);
	if (want)
		assert_int_equal(len, 0);
}

static u32 phandle(const char *path)
{
	int node = fdt_path_offset(blob, path);
	u32 p = node >= 0 ? fdt_get_phandle(blob, node) : 0;

	assert_int_not_equal(p, 0);
	return p;
}

static void chosen_has_what_the_loader_was_told(void **state)
{
	int len;

	string_is("/chosen", "bootargs", in.cmdline);
	string_is("/chosen", "stdout-path", "/pl011@9000000");
	string_is("/aliases", "serial0", "/pl011@9000000");
	CELLS("/chosen", "linux,initrd-start", 0, 0x44000000);
	CELLS("/chosen", "linux,initrd-end", 0, 0x44000000 + 12345);
	assert_non_null(prop("/chosen", "rng-seed", &len));
	assert_int_equal(len, 32);
	CELLS("/chosen", "kaslr-seed", 0xa5a5a5a5, 0xa5a5a5a5);
}

static void without_initrd_serial_and_command_line_nothing_speaks_of_them(void **state)
{
	int len;

	in.cmdline = NULL;
	make(1, true, false);
	tree(0, 0);
	assert_null(prop("/chosen", "bootargs", &len));
	assert_null(prop("/chosen", "stdout-path", &len));
	assert_null(prop("/chosen", "linux,initrd-start", &len));
	assert_null(prop("/chosen", "linux,initrd-end", &len));
	assert_int_equal(fdt_path_offset(blob, "/pl011@9000000"), -FDT_ERR_NOTFOUND);
	assert_int_equal(fdt_path_offset(blob, "/aliases"), -FDT_ERR_NOTFOUND);
}

static void memory_and_cpus_are_the_guests(void **state)
{
	string_is("/memory@40000000", "device_type", "memory");
	CELLS("/memory@40000000", "reg", 0, 0x40000000, 0, RAM_SIZE);
	CELLS("/cpus/cpu@0", "reg", 0);
	CELLS("/cpus/cpu@1", "reg", 1);
	string_is("/cpus/cpu@1", "enable-method", "psci");
	string_is("/cpus/cpu@1", "device_type", "cpu");
	assert_int_equal(fdt_path_offset(blob, "/cpus/cpu@2"), -FDT_ERR_NOTFOUND);
	string_is("/psci", "compatible", "arm,psci-1.0");
	string_is("/psci", "compatible", "arm,psci-0.2");
	string_is("/psci", "method", "hvc");
}

/* All numbers below: from `qemu-system-aarch64 -machine virt,gic-version=3,its=off,dumpdtb=...`, phandles aside. */
static void gicv3_and_timer_are_as_qemus(void **state)
{
	const char *gic = "/intc@8000000";

	CELLS("/", "interrupt-parent", phandle(gic));
	CELLS("/", "#address-cells", 2);
	CELLS("/", "#size-cells", 2);
	string_is(gic, "compatible", "arm,gic-v3");
	CELLS(gic, "#interrupt-cells", 3);
	CELLS(gic, "#redistributor-regions", 1);
	CELLS(gic, "reg", 0, 0x08000000, 0, 0x10000, 0, 0x080a0000, 0, 2 * 0x20000); /* QEMU: room for 123 CPUs */
	flag_is(gic, "interrupt-controller", true);
	flag_is(gic, "ranges", true);
	string_is("/timer", "compatible", "arm,armv8-timer");
	CELLS("/timer", "interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4);
	flag_is("/timer", "always-on", true);
}

static void gicv2_is_as_qemus(void **state)
{
	make(2, false, true);
	tree(0, 0);
	string_is("/intc@8000000", "compatible", "arm,cortex-a15-gic");
	CELLS("/intc@8000000", "reg", 0, 0x08000000, 0, 0x10000, 0, 0x08010000, 0, 0x2000); /* QEMU: 64 KiB */
	CELLS("/timer", "interrupts", 1, 13, 0x304, 1, 14, 0x304, 1, 11, 0x304, 1, 10, 0x304);
	string_is("/intc@8000000/v2m@8020000", "compatible", "arm,gic-v2m-frame");
}

static void the_msi_frame_says_which_interrupts_it_has(void **state)
{
	const char *v2m = "/intc@8000000/v2m@8020000";

	string_is(v2m, "compatible", "arm,gic-v2m-frame");
	flag_is(v2m, "msi-controller", true);
	CELLS(v2m, "reg", 0, 0x08020000, 0, 0x1000);
	CELLS(v2m, "arm,msi-base-spi", 80);
	CELLS(v2m, "arm,msi-num-spis", 64);
	CELLS("/pcie@3f000000", "msi-parent", phandle(v2m));
}

static void serial_port_and_clock_are_as_qemus(void **state)
{
	u32 clk = phandle("/apb-pclk");

	string_is("/apb-pclk", "compatible", "fixed-clock");
	CELLS("/apb-pclk", "clock-frequency", 24000000);
	CELLS("/apb-pclk", "#clock-cells", 0);
	string_is("/pl011@9000000", "compatible", "arm,pl011");
	string_is("/pl011@9000000", "compatible", "arm,primecell");
	CELLS("/pl011@9000000", "reg", 0, 0x09000000, 0, 0x1000);
	CELLS("/pl011@9000000", "interrupts", 0, 1, 4);
	CELLS("/pl011@9000000", "clocks", clk, clk);
	string_is("/pl011@9000000", "clock-names", "uartclk");
	string_is("/pl011@9000000", "clock-names", "apb_pclk");
	string_is("/pl031@9010000", "compatible", "arm,pl031");
	CELLS("/pl031@9010000", "reg", 0, 0x09010000, 0, 0x1000);
	CELLS("/pl031@9010000", "interrupts", 0, 2, 4);
	CELLS("/pl031@9010000", "clocks", clk);
}

static void pci_windows_are_as_qemus_with_low_ecam(void **state)
{
	const char *p = "/pcie@3f000000";

	string_is(p, "compatible", "pci-host-ecam-generic");
	string_is(p, "device_type", "pci");
	CELLS(p, "reg", 0, 0x3f000000, 0, 0x100000);
	CELLS(p, "bus-range", 0, 0);
	CELLS(p, "#address-cells", 3);
	CELLS(p, "#size-cells", 2);
	flag_is(p, "dma-coherent", true);
	CELLS(p, "ranges", 0x01000000, 0, 0, 0, 0x3eff0000, 0, 0x10000, /* ports */
	      0x02000000, 0, 0x10000000, 0, 0x10000000, 0, 0x2eff0000, 0x03000000, 0x80, 0, 0x80, 0, 0, 0x40000000);
}

static void intx_goes_where_the_machine_sends_it(void **state)
{
	const char *p = "/pcie@3f000000";
	u32 want[16 * 10] = { 0 };

	for (u32 i = 0; i < 16; i++) {
		u32 *c = want + i * 10, dev = i / 4, pin = i % 4 + 1;

		c[0] = dev << 11;
		c[3] = pin;
		c[4] = phandle("/intc@8000000");
		c[8] = 3 + (dev + pin - 1) % 4;
		c[9] = 4;
		assert_int_equal(virt_intx_spi(dev, pin), c[8]);
	}
	cells_are(p, "interrupt-map", want, ARRAY_SIZE(want));
	CELLS(p, "interrupt-map-mask", 0x1800, 0, 0, 7);
	CELLS(p, "#interrupt-cells", 1);
}

static void what_does_not_fit_is_an_error_and_writes_nothing(void **state)
{
	const u8 *mem;

	make(2, true, true);
	mem = blob;
	for (u64 max = 0; max < 2048; max += 7) {
		assert_int_equal(virt_fdt(&machine, &in, 0, 0, AT, max, &size), ERR_FULL);
		assert_int_equal(mem[0], 0xee);
	}
	assert_int_equal(virt_fdt(&machine, &in, 0, 0, VIRT_RAM_BASE + RAM_SIZE - 64, MAX_SIZE, &size), ERR_RANGE);
	assert_int_equal(virt_fdt(&machine, &in, 0, 0, 0, MAX_SIZE, &size), ERR_RANGE);
	fake.no_memory = true;
	assert_int_equal(virt_fdt(&machine, &in, 0, 0, AT, MAX_SIZE, &size), ERR_NOMEM);
}

static void eight_cpus_and_a_long_command_line_fit(void **state)
{
	static char line[2048];

	memset(line, 'x', sizeof(line) - 1);
	in.cmdline = line;
	make(VM_MAX_VCPUS, false, true);
	tree(0, 0);
	string_is("/chosen", "bootargs", line);
	CELLS("/cpus/cpu@7", "reg", 7);
	CELLS("/timer", "interrupts", 1, 13, 0xff04, 1, 14, 0xff04, 1, 11, 0xff04, 1, 10, 0xff04);
}

static void firmware_finds_flash_and_fw_cfg_as_in_qemus(void **state)
{
	assert_true(fdt_path_offset(blob, "/fw-cfg@9020000") < 0);
	assert_true(fdt_path_offset(blob, "/flash@0") < 0);
	vm.nroms = 1;
	tree(0, 0);
	string_is("/fw-cfg@9020000", "compatible", "qemu,fw-cfg-mmio");
	CELLS("/fw-cfg@9020000", "reg", 0, 0x9020000, 0, 0x18);
	flag_is("/fw-cfg@9020000", "dma-coherent", true);
	assert_true(fdt_path_offset(blob, "/flash@0") < 0);
	vm.nroms = 2;
	vm.rom[1].size = 0xc0000;
	tree(0, 0);
	string_is("/flash@0", "compatible", "cfi-flash");
	CELLS("/flash@0", "reg", 0, 0, 0, 0x4000000, 0, 0x4000000, 0, 0xc0000);
	CELLS("/flash@0", "bank-width", 4);
	vm.nroms = 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(firmware_finds_flash_and_fw_cfg_as_in_qemus),
		TEST(chosen_has_what_the_loader_was_told),
		TEST(without_initrd_serial_and_command_line_nothing_speaks_of_them),
		TEST(memory_and_cpus_are_the_guests),
		TEST(gicv3_and_timer_are_as_qemus),
		TEST(gicv2_is_as_qemus),
		TEST(the_msi_frame_says_which_interrupts_it_has),
		TEST(serial_port_and_clock_are_as_qemus),
		TEST(pci_windows_are_as_qemus_with_low_ecam),
		TEST(intx_goes_where_the_machine_sends_it),
		TEST(what_does_not_fit_is_an_error_and_writes_nothing),
		TEST(eight_cpus_and_a_long_command_line_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
