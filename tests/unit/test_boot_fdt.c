/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: boot/arm64/fdt.c boot/arm64/fdt_dev.c boot/arm64/fdt_walk.c hv/lib/string.c build/unit/libfdt.a */
/* CFLAGS: -Ihv/abi/arm64 -isystem build/src/device-tree-compiler/libfdt */
/* tests/unit/test_boot_fdt.c: device trees as QEMU's virt and boards have them, with each part wrong, cut off, mutated.
 */
#include "boot/arm64/fdt.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#define TREE_SIZE 32768
#define TREE_PA	  0x48000000ul
#define PHANDLE	  0x8003

static u8 tree[TREE_SIZE] ALIGNED(8);
static struct boot_info bi;
static struct boot_range initrd;
static const char *why;

static int node(const char *path)
{
	int n = fdt_path_offset(tree, path);

	assert_true(n >= 0);
	return n;
}

static int add(const char *parent, const char *name)
{
	int n = fdt_add_subnode(tree, node(parent), name);

	assert_true(n >= 0);
	return n;
}

/* A property of @n cells. */
static void set(const char *path, const char *name, unsigned n, ...)
{
	fdt32_t v[16];
	va_list ap;

	va_start(ap, n);
	for (unsigned i = 0; i < n; i++)
		v[i] = cpu_to_fdt32(va_arg(ap, u32));
	va_end(ap);
	assert_int_equal(fdt_setprop(tree, node(path), name, v, (int)n * 4), 0);
}

static void set_text(const char *path, const char *name, const char *s)
{
	assert_int_equal(fdt_setprop_string(tree, node(path), name, s), 0);
}

static void set_list(const char *path, const char *name, const char *s, int len)
{
	assert_int_equal(fdt_setprop(tree, node(path), name, s, len), 0);
}

static void unset(const char *path, const char *name)
{
	assert_int_equal(fdt_delprop(tree, node(path), name), 0);
}

static void del(const char *path)
{
	assert_int_equal(fdt_del_node(tree, node(path)), 0);
}

static void build_gic(int version)
{
	add("/", "intc@8000000");
	set("/intc@8000000", "phandle", 1, PHANDLE);
	set("/intc@8000000", "#interrupt-cells", 1, 3);
	set("/intc@8000000", "interrupt-controller", 0);
	set("/intc@8000000", "interrupts", 3, 1, 9, 4);
	if (version == 3) {
		set_text("/intc@8000000", "compatible", "arm,gic-v3");
		set("/intc@8000000", "#redistributor-regions", 1, 1);
		set("/intc@8000000", "reg", 8, 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0xf60000);
	} else {
		set_text("/intc@8000000", "compatible", "arm,cortex-a15-gic");
		set("/intc@8000000", "reg", 16, 0, 0x8000000, 0, 0x10000, 0, 0x8010000, 0, 0x10000, 0, 0x8030000, 0,
		    0x10000, 0, 0x8040000, 0, 0x10000);
	}
}

static void build_cpus(void)
{
	add("/", "cpus");
	set("/cpus", "#address-cells", 1, 1);
	set("/cpus", "#size-cells", 1, 0);
	add("/cpus", "cpu@101");
	set("/cpus/cpu@101", "reg", 1, 0x101);
	set_text("/cpus/cpu@101", "device_type", "cpu");
	add("/cpus", "cpu@100");
	set("/cpus/cpu@100", "reg", 1, 0x100);
	set_text("/cpus/cpu@100", "device_type", "cpu");
}

static void build_devices(void)
{
	add("/", "pl011@9000000");
	set_list("/pl011@9000000", "compatible", "arm,pl011\0arm,primecell", 24);
	set("/pl011@9000000", "reg", 4, 0, 0x9000000, 0, 0x1000);
	set("/pl011@9000000", "interrupts", 3, 0, 1, 4);
	add("/", "pl031@9010000");
	set_list("/pl031@9010000", "compatible", "arm,pl031\0arm,primecell", 24);
	set("/pl031@9010000", "reg", 4, 0, 0x9010000, 0, 0x1000);
	add("/", "pcie@10000000");
	set_text("/pcie@10000000", "compatible", "pci-host-ecam-generic");
	set("/pcie@10000000", "reg", 4, 0x40, 0x10000000, 0, 0x10000000);
	set("/pcie@10000000", "bus-range", 2, 0, 255);
	add("/", "timer");
	set_list("/timer", "compatible", "arm,armv8-timer\0arm,armv7-timer", 32);
	set("/timer", "interrupts", 12, 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4);
	add("/", "psci");
	set_list("/psci", "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci", 35);
	set_text("/psci", "method", "smc");
}

/* What QEMU's virt hands over, as far as it concerns us. */
static void build(int version)
{
	assert_int_equal(fdt_create_empty_tree(tree, sizeof(tree)), 0);
	set("/", "#address-cells", 1, 2);
	set("/", "#size-cells", 1, 2);
	set("/", "interrupt-parent", 1, PHANDLE);
	set_text("/", "model", "linux,dummy-virt");
	add("/", "memory@40000000");
	set_text("/memory@40000000", "device_type", "memory");
	set("/memory@40000000", "reg", 4, 0, 0x40000000, 0, 0x40000000);
	build_gic(version);
	build_cpus();
	build_devices();
	add("/", "chosen");
	set_text("/chosen", "stdout-path", "/pl011@9000000");
	set_text("/chosen", "bootargs", "log=1");
}

/* Parse a copy that ends where its memory ends. */
static status_t parse(void)
{
	status_t s;
	u8 *copy;
	u32 size;

	assert_int_equal(fdt_pack(tree), 0);
	size = fdt_totalsize(tree);
	copy = malloc(size);
	memcpy(copy, tree, size);
	why = NULL;
	s = fdt_parse(copy, FDT_MAX, TREE_PA, &bi, &initrd, &why);
	free(copy);
	/* To be changed again. */
	assert_int_equal(fdt_open_into(tree, tree, sizeof(tree)), 0);
	return s;
}

static void expect(status_t s, const char *words)
{
	assert_int_equal(parse(), s);
	assert_non_null(why);
	if (!strstr(why, words))
		fail_msg("\"%s\" does not say \"%s\"", why, words);
}

static void virt_with_gicv3_is_read(void **state)
{
	const struct boot_platform *p = &bi.platform;

	build(3);
	assert_int_equal(parse(), OK);
	assert_string_equal(bi.loader, "linux,dummy-virt");
	assert_string_equal(bi.cmdline, "log=1");
	assert_int_equal(bi.fdt, TREE_PA);
	assert_int_equal(bi.nregions, 2);
	assert_int_equal(bi.region[0].base, TREE_PA);
	assert_int_equal(bi.region[0].kind, BOOT_MEM_RESERVED);
	assert_int_equal(bi.region[1].base, 0x40000000);
	assert_int_equal(bi.region[1].size, 0x40000000);
	assert_int_equal(bi.region[1].kind, BOOT_MEM_RAM);
	assert_int_equal(p->ncpus, 2);
	assert_int_equal(p->cpu_id[0] + p->cpu_id[1], 0x201);
	assert_int_equal(p->psci, BOOT_PSCI_SMC);
	assert_int_equal(p->gic_version, 3);
	assert_int_equal(p->gicd.base, 0x8000000);
	assert_int_equal(p->nredists, 1);
	assert_int_equal(p->gicr[0].base, 0x80a0000);
	assert_int_equal(p->gicr[0].size, 0xf60000);
	assert_int_equal(p->maintenance_irq, 25);
	assert_int_equal(p->timer_irq[0], 29);
	assert_int_equal(p->timer_irq[1], 30);
	assert_int_equal(p->timer_irq[2], 27);
	assert_int_equal(p->timer_irq[3], 26);
	assert_int_equal(p->uart_kind, BOOT_UART_PL011);
	assert_int_equal(p->uart.base, 0x9000000);
	assert_int_equal(p->uart_irq, 33);
	assert_int_equal(p->rtc.base, 0x9010000);
	assert_int_equal(p->necam, 1);
	assert_int_equal(p->ecam[0].range.base, 0x4010000000);
	assert_int_equal(p->ecam[0].bus_end, 255);
	assert_int_equal(initrd.size, 0);
}

static void virt_with_gicv2_is_read(void **state)
{
	build(2);
	assert_int_equal(parse(), OK);
	assert_int_equal(bi.platform.gic_version, 2);
	assert_int_equal(bi.platform.gicc.base, 0x8010000);
	assert_int_equal(bi.platform.gich.base, 0x8030000);
	assert_int_equal(bi.platform.gicv.base, 0x8040000);
	assert_int_equal(bi.platform.maintenance_irq, 25);
}

static void a_gicv3_may_have_regions_a_stride_and_gicv2_frames(void **state)
{
	fdt32_t v[24];

	build(3);
	set("/intc@8000000", "#redistributor-regions", 1, 2);
	set("/intc@8000000", "redistributor-stride", 2, 0, 0x40000);
	for (u32 i = 0; i < 6; i++) {
		v[4 * i] = v[4 * i + 2] = 0;
		v[4 * i + 1] = cpu_to_fdt32(0x8000000 + i * 0x100000);
		v[4 * i + 3] = cpu_to_fdt32(0x40000);
	}
	assert_int_equal(fdt_setprop(tree, node("/intc@8000000"), "reg", v, sizeof(v)), 0);
	assert_int_equal(parse(), OK);
	assert_int_equal(bi.platform.nredists, 2);
	assert_int_equal(bi.platform.gicr[1].base, 0x8200000);
	assert_int_equal(bi.platform.gicr_stride, 0x40000);
	assert_int_equal(bi.platform.gicc.base, 0x8300000);
	assert_int_equal(bi.platform.gicv.base, 0x8500000);
}

static void addresses_behind_buses_are_translated(void **state)
{
	build(3);
	del("/pl011@9000000");
	add("/", "soc");
	set_text("/soc", "compatible", "simple-bus");
	set("/soc", "#address-cells", 1, 1);
	set("/soc", "#size-cells", 1, 1);
	set("/soc", "ranges", 4, 0x10000000, 0x1, 0x20000000, 0x100000);
	add("/soc", "apb");
	set("/soc/apb", "#address-cells", 1, 1);
	set("/soc/apb", "#size-cells", 1, 1);
	set("/soc/apb", "ranges", 0);
	add("/soc/apb", "serial@10001000");
	set_text("/soc/apb/serial@10001000", "compatible", "snps,dw-apb-uart");
	set("/soc/apb/serial@10001000", "reg", 2, 0x10001000, 0x100);
	set("/soc/apb/serial@10001000", "reg-shift", 1, 2);
	set("/soc/apb/serial@10001000", "reg-io-width", 1, 4);
	add("/", "aliases");
	set_text("/aliases", "serial0", "/soc/apb/serial@10001000");
	set_text("/chosen", "stdout-path", "serial0:115200n8");
	assert_int_equal(parse(), OK);
	assert_int_equal(bi.platform.uart_kind, BOOT_UART_8250);
	assert_int_equal(bi.platform.uart.base, 0x120001000);
	assert_int_equal(bi.platform.uart_reg_shift, 2);
	assert_int_equal(bi.platform.uart_reg_width, 4);
	/* Outside of the range, or behind a bus without ranges, it is not in the CPU's address space. */
	set("/soc/apb/serial@10001000", "reg", 2, 0x100ff000, 0x2000);
	assert_int_equal(parse(), OK);
	assert_int_equal(bi.platform.uart_kind, BOOT_UART_NONE);
	set("/soc/apb/serial@10001000", "reg", 2, 0x10001000, 0x100);
	unset("/soc/apb", "ranges");
	assert_int_equal(parse(), OK);
	assert_int_equal(bi.platform.uart_kind, BOOT_UART_NONE);
}

static void the_console_is_what_chosen_says_or_the_first(void **state)
{
	struct boot_platform p;

	build(3);
	add("/", "serial@a000000");
	set_text("/serial@a000000", "compatible", "ns16550a");
	set("/serial@a000000", "reg", 4, 0, 0xa000000, 0, 0x100);
	assert_int_equal(fdt_console(tree, sizeof(tree), &p), OK);
	assert_int_equal(p.uart.base, 0x9000000);
	set_text("/chosen", "stdout-path", "/serial@a000000:9600");
	assert_int_equal(fdt_console(tree, sizeof(tree), &p), OK);
	assert_int_equal(p.uart.base, 0xa000000);
	assert_int_equal(p.uart_reg_width, 1);
	set_text("/chosen", "stdout-path", "/nowhere");
	set_text("/serial@a000000", "status", "disabled");
	assert_int_equal(fdt_console(tree, sizeof(tree), &p), OK);
	assert_int_equal(p.uart.base, 0x9000000);
	set_text("/pl011@9000000", "status", "reserved");
	assert_int_equal(fdt_console(tree, sizeof(tree), &p), ERR_NOENT);
	/* An alias of itself has no end. */
	add("/", "aliases");
	set_text("/aliases", "a", "a");
	set_text("/chosen", "stdout-path", "a");
	assert_int_equal(fdt_console(tree, sizeof(tree), &p), ERR_NOENT);
	tree[0]++;
	assert_int_equal(fdt_console(tree, sizeof(tree), &p), ERR_FORMAT);
}

static void memory_in_pieces_and_reservations_are_read(void **state)
{
	build(3);
	set("/memory@40000000", "reg", 8, 0, 0x40000000, 0, 0x40000000, 0x8, 0x80000000, 0x1, 0);
	add("/", "memory@1000000000");
	set_text("/memory@1000000000", "device_type", "memory");
	set("/memory@1000000000", "reg", 4, 0x10, 0, 0x10, 0);
	set("/memory@1000000000", "hotpluggable", 0);
	add("/", "reserved-memory");
	set("/reserved-memory", "#address-cells", 1, 2);
	set("/reserved-memory", "#size-cells", 1, 2);
	set("/reserved-memory", "ranges", 0);
	add("/reserved-memory", "secmon@7f000000");
	set("/reserved-memory/secmon@7f000000", "reg", 4, 0, 0x7f000000, 0, 0x10000);
	set("/reserved-memory/secmon@7f000000", "no-map", 0);
	add("/reserved-memory", "linux,cma");
	set("/reserved-memory/linux,cma", "size", 2, 0, 0x1000000);
	set("/chosen", "linux,initrd-start", 1, 0x50000000);
	set("/chosen", "linux,initrd-end", 2, 0, 0x50001234);
	assert_int_equal(fdt_add_mem_rsv(tree, 0x41000000, 0x3000), 0);
	assert_int_equal(fdt_add_mem_rsv(tree, 0x50000000, 0x2000), 0); /* U-Boot reserves it: not for us */
	assert_int_equal(parse(), OK);
	assert_int_equal(initrd.base, 0x50000000);
	assert_int_equal(initrd.size, 0x1234);
	assert_int_equal(bi.nregions, 5);
	assert_int_equal(bi.region[1].base, 0x41000000);
	assert_int_equal(bi.region[1].kind, BOOT_MEM_RESERVED);
	assert_int_equal(bi.region[2].base, 0x7f000000);
	assert_int_equal(bi.region[2].kind, BOOT_MEM_RESERVED);
	assert_int_equal(bi.region[4].base, 0x880000000);
	assert_int_equal(bi.region[4].size, 0x100000000);
	assert_int_equal(bi.region[4].kind, BOOT_MEM_RAM);
}

static void cpus_that_are_disabled_or_too_many_do_not_count(void **state)
{
	char name[32];

	build(3);
	set_text("/cpus/cpu@100", "status", "disabled");
	assert_int_equal(parse(), OK);
	assert_int_equal(bi.platform.ncpus, 1);
	for (u32 i = 0; i < 2 * BOOT_MAX_CPUS; i++) {
		snprintf(name, sizeof(name), "cpu@%x", 0x200 + i);
		add("/cpus", name);
		snprintf(name, sizeof(name), "/cpus/cpu@%x", 0x200 + i);
		set(name, "reg", 1, 0x200 + i);
		set_text(name, "device_type", "cpu");
	}
	assert_int_equal(parse(), OK);
	assert_int_equal(bi.platform.ncpus, BOOT_MAX_CPUS);
}

static void timer_interrupts_may_have_names(void **state)
{
	build(3);
	set("/timer", "interrupts", 9, 1, 14, 4, 1, 11, 4, 1, 10, 4);
	set_list("/timer", "interrupt-names", "phys\0virt\0hyp-phys", 19);
	assert_int_equal(parse(), OK);
	assert_int_equal(bi.platform.timer_irq[0], 0);
	assert_int_equal(bi.platform.timer_irq[1], 30);
	assert_int_equal(bi.platform.timer_irq[2], 27);
	assert_int_equal(bi.platform.timer_irq[3], 26);
}

static void each_missing_part_has_its_words(void **state)
{
	build(3);
	del("/memory@40000000");
	expect(ERR_NOENT, "no memory");
	build(3);
	set_text("/memory@40000000", "status", "disabled");
	expect(ERR_NOENT, "no memory");
	build(3);
	del("/intc@8000000");
	expect(ERR_NOENT, "no interrupt controller");
	build(3);
	unset("/intc@8000000", "interrupts");
	expect(ERR_NOENT, "maintenance interrupt");
	build(3);
	set("/intc@8000000", "interrupts", 3, 1, 16, 4); /* no such PPI */
	expect(ERR_NOENT, "maintenance interrupt");
	build(3);
	del("/timer");
	expect(ERR_NOENT, "no timer");
	build(3);
	set("/timer", "interrupts", 6, 1, 13, 4, 1, 14, 4);
	expect(ERR_NOENT, "no timer");
	build(3);
	unset("/", "interrupt-parent");
	expect(ERR_NOENT, "maintenance interrupt");
	build(2);
	set("/intc@8000000", "reg", 8, 0, 0x8000000, 0, 0x10000, 0, 0x8010000, 0, 0x10000);
	expect(ERR_NOENT, "virtual interface");
	build(3);
	del("/chosen"); /* nothing is asked of it */
	assert_int_equal(parse(), OK);
}

static void absurd_registers_and_memory_have_their_words(void **state)
{
	build(3);
	set("/intc@8000000", "#redistributor-regions", 1, 0xffffffff);
	expect(ERR_FORMAT, "GICv3");
	build(3);
	set("/intc@8000000", "redistributor-stride", 1, 4);
	expect(ERR_FORMAT, "GICv3");
	build(2);
	set("/intc@8000000", "reg", 2, 0, 0x8000000);
	expect(ERR_FORMAT, "GICv2");
	build(3);
	set("/", "#size-cells", 1, 3);
	expect(ERR_FORMAT, "GICv3"); /* and nothing else can be read */
	build(3);
	set("/memory@40000000", "reg", 4, 0xffffffff, 0, 1, 0);
	expect(ERR_RANGE, "52 bits");
	build(3);
	set("/memory@40000000", "reg", 8, 0, 0x40000000, 0, 0x40000000, 0, 0x7ffff000, 0, 0x2000);
	expect(ERR_RANGE, "overlap");
	build(3);
	set("/memory@40000000", "reg", 4, 0, 0, 0, 0x80000000);
	expect(ERR_RANGE, "registers lie in memory");
	build(3);
	set("/chosen", "linux,initrd-start", 1, 0x50000000);
	expect(ERR_FORMAT, "initrd");
	set("/chosen", "linux,initrd-end", 1, 0x50000000);
	expect(ERR_FORMAT, "initrd");
	set("/chosen", "linux,initrd-end", 2, 0xffffffff, 0);
	expect(ERR_FORMAT, "initrd");
	build(3);
	for (u32 i = 0; i < BOOT_MAX_REGIONS; i++)
		assert_int_equal(fdt_add_mem_rsv(tree, 0x41000000 + i * 0x2000, 0x1000), 0);
	expect(ERR_FULL, "more than 96");
}

static void a_broken_blob_has_its_words(void **state)
{
	build(3);
	assert_int_equal(fdt_valid(NULL, FDT_MAX, &why), ERR_ALIGN);
	assert_int_equal(fdt_valid(tree + 4, FDT_MAX, &why), ERR_ALIGN);
	assert_int_equal(fdt_valid(tree, 16, &why), ERR_FORMAT);
	assert_int_equal(fdt_valid(tree, sizeof(tree), &why), OK);
	fdt_set_totalsize(tree, sizeof(tree) + 1);
	assert_int_equal(fdt_valid(tree, sizeof(tree), &why), ERR_RANGE);
	assert_non_null(strstr(why, "larger"));
	fdt_set_totalsize(tree, 512);
	assert_int_equal(fdt_valid(tree, sizeof(tree), &why), ERR_FORMAT);
	assert_non_null(strstr(why, "corrupt"));
	fdt_set_totalsize(tree, sizeof(tree));
	fdt_set_off_mem_rsvmap(tree, fdt_off_mem_rsvmap(tree) + 1);
	assert_int_equal(fdt_valid(tree, sizeof(tree), &why), ERR_FORMAT);
	assert_non_null(strstr(why, "corrupt"));
	fdt_set_off_mem_rsvmap(tree, fdt_off_mem_rsvmap(tree) - 1);
	fdt_set_version(tree, 16);
	assert_int_equal(fdt_valid(tree, sizeof(tree), &why), ERR_FORMAT);
	assert_non_null(strstr(why, "version"));
	fdt_set_magic(tree, 7);
	assert_int_equal(fdt_valid(tree, sizeof(tree), &why), ERR_FORMAT);
	assert_non_null(strstr(why, "no device tree"));
}

static void strings_are_cut_to_their_place(void **state)
{
	char big[600];

	memset(big, 'x', sizeof(big));
	build(3);
	set_list("/chosen", "bootargs", big, sizeof(big)); /* nor has it an end */
	set_list("/", "model", big, sizeof(big));
	set_list("/chosen", "stdout-path", big, sizeof(big));
	assert_int_equal(parse(), OK);
	assert_int_equal(strlen(bi.cmdline), BOOT_STRING - 1);
	assert_int_equal(strlen(bi.loader), sizeof(bi.loader) - 1);
}

static void modules_of_other_loaders_are_read(void **state)
{
	build(3);
	set("/chosen", "#address-cells", 1, 2);
	set("/chosen", "#size-cells", 1, 2);
	add("/chosen", "module@0x50000000");
	set_list("/chosen/module@0x50000000", "compatible", "multiboot,module\0multiboot,kernel", 34);
	set("/chosen/module@0x50000000", "reg", 4, 0, 0x50000000, 0, 0x1234);
	set_text("/chosen/module@0x50000000", "bootargs", "vmlinuz quiet");
	assert_int_equal(parse(), OK);
	assert_int_equal(bi.nmodules, 1);
	assert_int_equal(bi.module[0].base, 0x50000000);
	assert_int_equal(bi.module[0].size, 0x1234);
	assert_string_equal(bi.module[0].string, "vmlinuz quiet");
	set("/chosen/module@0x50000000", "reg", 4, 0, 0x50000008, 0, 0x1234);
	expect(ERR_ALIGN, "4 KiB");
	/* Without numbers of cells: the root's. */
	unset("/chosen", "#address-cells");
	unset("/chosen", "#size-cells");
	set("/chosen/module@0x50000000", "reg", 4, 0, 0x50000000, 0, 0x1234);
	assert_int_equal(parse(), OK);
	assert_int_equal(bi.module[0].size, 0x1234);
	set("/chosen/module@0x50000000", "reg", 4, 0, 0x50000000, 0, 0);
	expect(ERR_FORMAT, "module");
}

/* Whatever came out can be used without harm. */
static void check_sane(status_t s)
{
	assert_true(bi.nregions <= BOOT_MAX_REGIONS && bi.nmodules <= BOOT_MAX_MODULES);
	assert_true(bi.platform.ncpus <= BOOT_MAX_CPUS && bi.platform.nredists <= BOOT_MAX_REDISTS);
	assert_int_equal(bi.cmdline[BOOT_STRING - 1] | bi.loader[63], 0);
	if (s != OK) {
		assert_non_null(why);
		return;
	}
	for (u32 i = 0; i < bi.nregions; i++)
		assert_true(bi.region[i].base + bi.region[i].size > bi.region[i].base);
	assert_true(bi.platform.gic_version == 2 || bi.platform.gic_version == 3);
}

static void trees_cut_off_anywhere_do_no_harm(void **state)
{
	u32 size;

	build(3);
	assert_int_equal(fdt_pack(tree), 0);
	size = fdt_totalsize(tree);
	for (u32 n = 0; n < size; n++) {
		u8 *copy = malloc(n ? n : 1);

		memcpy(copy, tree, n);
		why = NULL;
		assert_int_not_equal(fdt_parse(copy, n, TREE_PA, &bi, &initrd, &why), OK);
		assert_non_null(why);
		if (n >= sizeof(struct fdt_header)) { /* the total says that this is all */
			fdt_set_totalsize(copy, n);
			assert_int_not_equal(fdt_parse(copy, n, TREE_PA, &bi, &initrd, &why), OK);
		}
		free(copy);
	}
}

static void mutations_do_no_harm(void **state)
{
	u32 x = 1, size, good = 0;
	u8 *copy;

	for (u32 i = 0; i < 20000; i++) {
		if (i % 10000 == 0) {
			build(i ? 2 : 3);
			set("/chosen", "linux,initrd-start", 1, 0x50000000);
			set("/chosen", "linux,initrd-end", 1, 0x50005000);
			add("/chosen", "module@50000000");
			set_text("/chosen/module@50000000", "compatible", "multiboot,module");
			set("/chosen/module@50000000", "reg", 4, 0, 0x50000000, 0, 0x1234);
			assert_int_equal(fdt_pack(tree), 0);
		}
		size = fdt_totalsize(tree);
		copy = malloc(size);
		memcpy(copy, tree, size);
		for (u32 k = 0; k <= i % 4; k++) {
			x = x * 1664525 + 1013904223;
			/* Mostly one bit; the header, where most is decided, more often than its size would have it. */
			copy[(x >> 8) % (i % 16 == 0 ? 48 : size)] ^= i & 1 ? (u8)(1 << (x >> 29)) : (u8)(x >> 24);
		}
		why = NULL;
		status_t s = fdt_parse(copy, size, TREE_PA, &bi, &initrd, &why);
		check_sane(s);
		good += s == OK;
		free(copy);
	}
	assert_true(good > 500 && good < 19000); /* both kinds were seen */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(virt_with_gicv3_is_read),
		cmocka_unit_test(virt_with_gicv2_is_read),
		cmocka_unit_test(a_gicv3_may_have_regions_a_stride_and_gicv2_frames),
		cmocka_unit_test(addresses_behind_buses_are_translated),
		cmocka_unit_test(the_console_is_what_chosen_says_or_the_first),
		cmocka_unit_test(memory_in_pieces_and_reservations_are_read),
		cmocka_unit_test(cpus_that_are_disabled_or_too_many_do_not_count),
		cmocka_unit_test(timer_interrupts_may_have_names),
		cmocka_unit_test(each_missing_part_has_its_words),
		cmocka_unit_test(absurd_registers_and_memory_have_their_words),
		cmocka_unit_test(a_broken_blob_has_its_words),
		cmocka_unit_test(strings_are_cut_to_their_place),
		cmocka_unit_test(modules_of_other_loaders_are_read),
		cmocka_unit_test(trees_cut_off_anywhere_do_no_harm),
		cmocka_unit_test(mutations_do_no_harm),
	};

	return cmocka_run_group_tests_name("boot_fdt", tests, NULL, NULL);
}
