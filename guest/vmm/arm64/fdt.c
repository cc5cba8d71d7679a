/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/vmm/arm64/fdt.c: the device tree of an arm64 guest (Devicetree Specification 0.4 and the bindings in Linux'
 * Documentation/devicetree/bindings), with the nodes that QEMU's virt has for the same devices.
 */
#include <libfdt.h>

#include "guest/vmm/arm64/loader.h"

/* Cells of interrupts: type, number, flags. */
#define GIC_SPI	    0
#define GIC_PPI	    1
#define IRQ_EDGE_UP 1
#define IRQ_HIGH    4
#define IRQ_CPUS(n) (((1u << (n)) - 1) << 8) /* GICv2: which CPUs have the PPI */

/* phys.hi of PCI addresses (IEEE 1275, PCI bus binding, 2.2.1.1). */
#define PCI_SPACE_IO  0x01000000u
#define PCI_SPACE_32  0x02000000u
#define PCI_SPACE_64  0x03000000u
#define PCI_PINS      4u
#define PCI_MAP_CELLS 10u /* unit address 3, pin 1, controller 1, its unit address 2, interrupt 3 */
#define PCI_MAP_DEVS  4u  /* the pattern repeats after so many devices */

enum fdt_phandle { FDT_PHANDLE_GIC = 1, FDT_PHANDLE_MSI, FDT_PHANDLE_CLOCK };

/* A tree in the making; the first error stays, and what follows it is not written. */
struct fdt {
	void *buf;
	int err;
};

static void tree_note(struct fdt *t, int err)
{
	if (t->err == 0)
		t->err = err;
}

static void tree_begin(struct fdt *t, const char *name)
{
	if (t->err == 0)
		tree_note(t, fdt_begin_node(t->buf, name));
}

/* A node whose name ends in its address. */
static void tree_begin_at(struct fdt *t, const char *name, u64 addr)
{
	char full[40];

	(void)snprintf(full, sizeof(full), "%s@%llx", name, (unsigned long long)addr);
	tree_begin(t, full);
}

static void tree_end(struct fdt *t)
{
	if (t->err == 0)
		tree_note(t, fdt_end_node(t->buf));
}

static void tree_bytes(struct fdt *t, const char *name, const void *data, size_t len)
{
	if (t->err == 0)
		tree_note(t, fdt_property(t->buf, name, data, (int)len));
}

static void tree_string(struct fdt *t, const char *name, const char *s)
{
	tree_bytes(t, name, s, strlen(s) + 1);
}

static void tree_flag(struct fdt *t, const char *name)
{
	tree_bytes(t, name, "", 0);
}

static void tree_u32s(struct fdt *t, const char *name, const u32 *v, unsigned n)
{
	u8 *to = NULL;
	void *p = NULL;

	if (t->err == 0)
		tree_note(t, fdt_property_placeholder(t->buf, name, (int)(n * sizeof(u32)), &p));
	if (t->err != 0)
		return;
	to = p;
	for (unsigned i = 0; i < n; i++)
		fdt32_st(to + i * sizeof(u32), v[i]);
}

#define tree_cells(t, name, ...) \
	tree_u32s(t, name, (const u32[]){ __VA_ARGS__ }, sizeof((const u32[]){ __VA_ARGS__ }) / sizeof(u32))

/* Two cells for a 64-bit number. */
#define CELLS64(v) (u32)((u64)(v) >> 32), (u32)(v)

static void tree_u32(struct fdt *t, const char *name, u32 v)
{
	tree_cells(t, name, v);
}

static void tree_u64(struct fdt *t, const char *name, u64 v)
{
	tree_cells(t, name, CELLS64(v));
}

static void tree_reg(struct fdt *t, u64 base, u64 size)
{
	tree_cells(t, "reg", CELLS64(base), CELLS64(size));
}

static void virt_fdt_chosen(struct fdt *t, const struct virt *m, const struct loader_input *in, u64 initrd, u64 size)
{
	u8 seed[32];
	u64 kaslr;
	char path[40];

	tree_begin(t, "chosen");
	if (in->cmdline != NULL && in->cmdline[0] != '\0')
		tree_string(t, "bootargs", in->cmdline);
	if (m->has_serial) {
		(void)snprintf(path, sizeof(path), "/pl011@%llx", VIRT_PL011_BASE);
		tree_string(t, "stdout-path", path);
	}
	if (size != 0) {
		tree_u64(t, "linux,initrd-start", initrd);
		tree_u64(t, "linux,initrd-end", initrd + size);
	}
	random_bytes(seed, sizeof(seed));
	tree_bytes(t, "rng-seed", seed, sizeof(seed));
	random_bytes(&kaslr, sizeof(kaslr));
	tree_u64(t, "kaslr-seed", kaslr);
	tree_end(t);
}

static void virt_fdt_memory(struct fdt *t, const struct vm *vm)
{
	for (unsigned i = 0; i < vm->nram; i++) {
		tree_begin_at(t, "memory", vm->ram[i].gpa);
		tree_string(t, "device_type", "memory");
		tree_reg(t, vm->ram[i].gpa, vm->ram[i].size);
		tree_end(t);
	}
}

static void virt_fdt_cpus(struct fdt *t, unsigned ncpus)
{
	static const char psci[] = "arm,psci-1.0\0arm,psci-0.2";

	tree_begin(t, "psci");
	tree_bytes(t, "compatible", psci, sizeof(psci));
	tree_string(t, "method", "hvc");
	tree_end(t);

	tree_begin(t, "cpus");
	tree_u32(t, "#address-cells", 1);
	tree_u32(t, "#size-cells", 0);
	for (unsigned i = 0; i < ncpus; i++) {
		tree_begin_at(t, "cpu", i);
		tree_string(t, "device_type", "cpu");
		tree_string(t, "compatible", "arm,armv8");
		tree_string(t, "enable-method", "psci");
		tree_u32(t, "reg", i); /* MPIDR affinity 0.0.0.i */
		tree_end(t);
	}
	tree_end(t);
}

static void virt_fdt_timer(struct fdt *t, const struct virt *m)
{
	u32 flags = IRQ_HIGH | (m->gic_version == 2 ? IRQ_CPUS(m->ncpus) : 0);

	tree_begin(t, "timer");
	tree_string(t, "compatible", "arm,armv8-timer");
	tree_flag(t, "always-on");
	tree_cells(t, "interrupts", GIC_PPI, VIRT_PPI_SECURE, flags, GIC_PPI, VIRT_PPI_PHYS, flags, GIC_PPI,
		   VIRT_PPI_VIRTUAL, flags, GIC_PPI, VIRT_PPI_HYP, flags);
	tree_end(t);
}

static void virt_fdt_gic(struct fdt *t, const struct virt *m)
{
	tree_begin_at(t, "intc", VIRT_GICD_BASE);
	tree_u32(t, "phandle", FDT_PHANDLE_GIC);
	tree_u32(t, "#interrupt-cells", 3);
	tree_flag(t, "interrupt-controller");
	tree_u32(t, "#address-cells", 2);
	tree_u32(t, "#size-cells", 2);
	tree_flag(t, "ranges");
	if (m->gic_version == 2) {
		tree_string(t, "compatible", "arm,cortex-a15-gic");
		tree_cells(t, "reg", CELLS64(VIRT_GICD_BASE), CELLS64(VIRT_GICD_SIZE), CELLS64(VIRT_GICC_BASE),
			   CELLS64(VIRT_GICC_SIZE));
	} else {
		tree_string(t, "compatible", "arm,gic-v3");
		tree_u32(t, "#redistributor-regions", 1);
		tree_cells(t, "reg", CELLS64(VIRT_GICD_BASE), CELLS64(VIRT_GICD_SIZE), CELLS64(VIRT_GICR_BASE),
			   CELLS64((u64)VIRT_GICR_SIZE * m->ncpus));
	}
	tree_begin_at(t, "v2m", VIRT_V2M_BASE);
	tree_string(t, "compatible", "arm,gic-v2m-frame");
	tree_u32(t, "phandle", FDT_PHANDLE_MSI);
	tree_flag(t, "msi-controller");
	tree_reg(t, VIRT_V2M_BASE, VIRT_V2M_SIZE);
	tree_u32(t, "arm,msi-base-spi", VIRT_MSI_FIRST);
	tree_u32(t, "arm,msi-num-spis", VIRT_MSI_COUNT);
	tree_end(t);
	tree_end(t);
}

static void virt_fdt_clock(struct fdt *t)
{
	tree_begin(t, "apb-pclk");
	tree_string(t, "compatible", "fixed-clock");
	tree_u32(t, "#clock-cells", 0);
	tree_u32(t, "clock-frequency", VIRT_APB_HZ);
	tree_string(t, "clock-output-names", "clk24mhz");
	tree_u32(t, "phandle", FDT_PHANDLE_CLOCK);
	tree_end(t);
}

static void virt_fdt_primecells(struct fdt *t, const struct virt *m)
{
	static const char pl011[] = "arm,pl011\0arm,primecell";
	static const char pl031[] = "arm,pl031\0arm,primecell";
	static const char pl011_clocks[] = "uartclk\0apb_pclk";

	if (m->has_serial) {
		tree_begin_at(t, "pl011", VIRT_PL011_BASE);
		tree_bytes(t, "compatible", pl011, sizeof(pl011));
		tree_reg(t, VIRT_PL011_BASE, VIRT_PL011_SIZE);
		tree_cells(t, "interrupts", GIC_SPI, VIRT_SPI_PL011, IRQ_HIGH);
		tree_cells(t, "clocks", FDT_PHANDLE_CLOCK, FDT_PHANDLE_CLOCK);
		tree_bytes(t, "clock-names", pl011_clocks, sizeof(pl011_clocks));
		tree_end(t);
	}
	tree_begin_at(t, "pl031", VIRT_PL031_BASE);
	tree_bytes(t, "compatible", pl031, sizeof(pl031));
	tree_reg(t, VIRT_PL031_BASE, VIRT_PL031_SIZE);
	tree_cells(t, "interrupts", GIC_SPI, VIRT_SPI_PL031, IRQ_HIGH);
	tree_u32(t, "clocks", FDT_PHANDLE_CLOCK);
	tree_string(t, "clock-names", "apb_pclk");
	tree_end(t);
}

/* Both chips are there for firmware, which leaves out the one that it lies in. */
static void virt_fdt_firmware(struct fdt *t, const struct vm *vm)
{
	u64 variables = vm->nroms == 2 ? vm->rom[1].size : 0;

	tree_begin_at(t, "fw-cfg", VIRT_FW_CFG_BASE);
	tree_string(t, "compatible", "qemu,fw-cfg-mmio");
	tree_reg(t, VIRT_FW_CFG_BASE, FW_CFG_MMIO_SIZE);
	tree_flag(t, "dma-coherent");
	tree_end(t);
	if (variables == 0)
		return;
	tree_begin_at(t, "flash", VIRT_FLASH_BASE);
	tree_string(t, "compatible", "cfi-flash");
	tree_cells(t, "reg", CELLS64(VIRT_FLASH_BASE), CELLS64(VIRT_FLASH_SIZE),
		   CELLS64(VIRT_FLASH_BASE + VIRT_FLASH_SIZE), CELLS64(variables));
	tree_u32(t, "bank-width", 4);
	tree_end(t);
}

static void virt_fdt_intx(struct fdt *t)
{
	u32 map[PCI_MAP_DEVS * PCI_PINS * PCI_MAP_CELLS] = { 0 };
	u32 *c = map;

	for (u32 dev = 0; dev < PCI_MAP_DEVS; dev++) {
		for (u32 pin = 1; pin <= PCI_PINS; pin++) {
			c[0] = dev << 11;
			c[3] = pin;
			c[4] = FDT_PHANDLE_GIC;
			c[7] = GIC_SPI;
			c[8] = virt_intx_spi(dev, pin);
			c[9] = IRQ_HIGH;
			c += PCI_MAP_CELLS;
		}
	}
	tree_u32(t, "#interrupt-cells", 1);
	tree_cells(t, "interrupt-map-mask", (PCI_MAP_DEVS - 1) << 11, 0, 0, 7);
	tree_u32s(t, "interrupt-map", map, ARRAY_SIZE(map));
}

static void virt_fdt_pci(struct fdt *t)
{
	tree_begin_at(t, "pcie", VIRT_ECAM_BASE);
	tree_string(t, "compatible", "pci-host-ecam-generic");
	tree_string(t, "device_type", "pci");
	tree_u32(t, "#address-cells", 3);
	tree_u32(t, "#size-cells", 2);
	tree_u32(t, "linux,pci-domain", 0);
	tree_cells(t, "bus-range", 0, (u32)(VIRT_ECAM_SIZE >> 20) - 1);
	tree_flag(t, "dma-coherent");
	tree_reg(t, VIRT_ECAM_BASE, VIRT_ECAM_SIZE);
	/* Child address (three cells), our address, size. */
	tree_cells(t, "ranges", PCI_SPACE_IO, 0, 0, CELLS64(VIRT_IO_BASE), CELLS64(VIRT_IO_SIZE), PCI_SPACE_32,
		   CELLS64(VIRT_MMIO_START), CELLS64(VIRT_MMIO_START), CELLS64(VIRT_MMIO_END - VIRT_MMIO_START),
		   PCI_SPACE_64, CELLS64(VIRT_MMIO64_BASE), CELLS64(VIRT_MMIO64_BASE), CELLS64(VIRT_MMIO64_SIZE));
	tree_u32(t, "msi-parent", FDT_PHANDLE_MSI);
	virt_fdt_intx(t);
	tree_end(t);
}

static void virt_fdt_root(struct fdt *t, const struct virt *m, const struct loader_input *in, u64 initrd, u64 size)
{
	char path[40];

	tree_begin(t, "");
	tree_string(t, "compatible", "linux,dummy-virt");
	tree_string(t, "model", "linux,dummy-virt");
	tree_u32(t, "#address-cells", 2);
	tree_u32(t, "#size-cells", 2);
	tree_u32(t, "interrupt-parent", FDT_PHANDLE_GIC);
	tree_flag(t, "dma-coherent");
	virt_fdt_chosen(t, m, in, initrd, size);
	if (m->has_serial) {
		tree_begin(t, "aliases");
		(void)snprintf(path, sizeof(path), "/pl011@%llx", VIRT_PL011_BASE);
		tree_string(t, "serial0", path);
		tree_end(t);
	}
	virt_fdt_memory(t, m->vm);
	virt_fdt_cpus(t, m->ncpus);
	virt_fdt_timer(t, m);
	virt_fdt_gic(t, m);
	virt_fdt_clock(t);
	virt_fdt_primecells(t, m);
	virt_fdt_pci(t);
	if (m->vm->nroms != 0)
		virt_fdt_firmware(t, m->vm);
	tree_end(t);
}

status_t virt_fdt(const struct machine *m, const struct loader_input *in, u64 initrd, u64 initrd_size, u64 gpa, u64 max,
		  u64 *size)
{
	size_t room = (size_t)round_up(MIN(max, 0x200000u), PAGE_SIZE);
	struct fdt t = { .buf = mem_alloc(room) };
	status_t s;

	if (t.buf == NULL)
		return ERR_NOMEM;
	tree_note(&t, fdt_create(t.buf, (int)MIN(max, room)));
	tree_note(&t, t.err != 0 ? 0 : fdt_finish_reservemap(t.buf));
	virt_fdt_root(&t, &m->virt, in, initrd, initrd_size);
	tree_note(&t, t.err != 0 ? 0 : fdt_finish(t.buf));
	if (t.err == 0)
		*size = fdt_totalsize(t.buf);
	s = t.err != 0 ? ERR_FULL : vm_write(m->virt.vm, gpa, t.buf, *size);
	mem_free(t.buf);
	return s;
}
