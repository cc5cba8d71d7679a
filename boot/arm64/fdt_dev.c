/* SPDX-License-Identifier: Apache-2.0 */
/* boot/arm64/fdt_dev.c: GIC, timer, PSCI, UART, clock and PCIe, as their bindings in Linux's documentation say. */
#include "boot/arm64/fdt_dev.h"

#include "hv/lib/string.h"
#include "hv/lib/util.h"

#include <libfdt.h>

#define UART_MAX_SHIFT 4u
#define GICV3_FRAME    0x10000u /* of the distributor, and a half of a redistributor */
#define GICV2_GICD     0x1000u
#define GICV2_GICC     0x1000u
#define ECAM_BUS       BIT(20) /* configuration space of one bus */

int fdt_dev_stdout(const void *fdt)
{
	int chosen = fdt_path_offset(fdt, "/chosen"), len = 0;
	const char *s = chosen < 0 ? NULL : fdt_getprop(fdt, chosen, "stdout-path", &len);
	int n = 0;

	if (!s && chosen >= 0)
		s = fdt_getprop(fdt, chosen, "linux,stdout-path", &len);
	if (!s)
		return -1;
	while (n < len && s[n] != '\0' && s[n] != ':')
		n++;
	return n == 0 ? -1 : fdt_path_offset_namelen(fdt, s, n);
}

static u32 fdt_uart_kind(const struct walk *w)
{
	static const char *const pl011[] = { "arm,pl011", NULL };
	static const char *const u8250[] = { "ns16550a", "ns16550", "snps,dw-apb-uart", NULL };

	if (walk_compatible(w, pl011))
		return BOOT_UART_PL011;
	return walk_compatible(w, u8250) ? BOOT_UART_8250 : BOOT_UART_NONE;
}

void fdt_dev_uart(const struct fdt_parse *f, const struct walk *w, struct boot_platform *p)
{
	u64 shift = 0, width = 1;
	struct boot_range r;
	u32 kind;

	if (p->uart_kind != BOOT_UART_NONE && w->node != f->stdout_node)
		return;
	kind = fdt_uart_kind(w);
	if (kind == BOOT_UART_NONE || !walk_enabled(w) || !walk_reg(w, 0, &r))
		return;
	(void)walk_number(w, "reg-shift", &shift);
	(void)walk_number(w, "reg-io-width", &width);
	if (kind == BOOT_UART_8250 && (shift > UART_MAX_SHIFT || (width != 1 && width != 4)))
		return;
	if (!is_aligned(r.base, 4) || r.size < (kind == BOOT_UART_PL011 ? 0x48u : 8u << shift))
		return;
	p->uart_kind = kind;
	p->uart = r;
	p->uart_irq = walk_irq(w, 0);
	p->uart_reg_shift = kind == BOOT_UART_8250 ? (u32)shift : 0;
	p->uart_reg_width = kind == BOOT_UART_8250 ? (u32)width : 0;
}

/* bindings/interrupt-controller/arm,gic: distributor, CPU interface, virtual interface control, virtual CPU interface.
 */
static status_t fdt_gicv2(struct fdt_parse *f, const struct walk *w)
{
	struct boot_platform *p = &f->bi->platform;

	if (!walk_reg(w, 0, &p->gicd) || !walk_reg(w, 1, &p->gicc) || p->gicd.size < GICV2_GICD ||
	    p->gicc.size < GICV2_GICC) {
		*f->why = "the GICv2's registers in the device tree make no sense";
		return ERR_FORMAT;
	}
	if (!walk_reg(w, 2, &p->gich) || !walk_reg(w, 3, &p->gicv)) {
		*f->why = "the GICv2 has no virtual interface in the device tree: is virtualization on?";
		return ERR_NOENT;
	}
	p->gic_version = 2;
	return OK;
}

/* bindings/interrupt-controller/arm,gic-v3: distributor, regions of redistributors; GICC, GICH and GICV may follow. */
static status_t fdt_gicv3(struct fdt_parse *f, const struct walk *w)
{
	struct boot_platform *p = &f->bi->platform;
	u64 regions = 1, stride = 0;
	bool good;

	if (walk_prop(w, "#redistributor-regions", NULL) && !walk_number(w, "#redistributor-regions", &regions))
		regions = 0;
	if (walk_prop(w, "redistributor-stride", NULL) && !walk_number(w, "redistributor-stride", &stride))
		stride = 1;
	good = regions >= 1 && regions <= BOOT_MAX_REDISTS && is_aligned(stride, GICV3_FRAME) && stride <= BIT(32) &&
	       walk_reg(w, 0, &p->gicd) && p->gicd.size >= GICV3_FRAME && is_aligned(p->gicd.base, GICV3_FRAME);
	for (u32 i = 0; good && i < regions; i++)
		good = walk_reg(w, 1 + i, &p->gicr[i]) && p->gicr[i].size >= 2 * GICV3_FRAME &&
		       is_aligned(p->gicr[i].base, GICV3_FRAME);
	if (!good) {
		*f->why = "the GICv3's registers in the device tree make no sense";
		return ERR_FORMAT;
	}
	if (!walk_reg(w, 1 + (u32)regions, &p->gicc) || !walk_reg(w, 2 + (u32)regions, &p->gich) ||
	    !walk_reg(w, 3 + (u32)regions, &p->gicv))
		p->gicc = p->gich = p->gicv = (struct boot_range){ 0 };
	p->nredists = (u32)regions;
	p->gicr_stride = stride;
	p->gic_version = 3;
	return OK;
}

status_t fdt_dev_gic(struct fdt_parse *f, const struct walk *w)
{
	static const char *const v2[] = { "arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a7-gic", NULL };
	static const char *const v3[] = { "arm,gic-v3", NULL };
	struct boot_platform *p = &f->bi->platform;
	status_t s;

	if (p->gic_version != 0 || !walk_prop(w, "interrupt-controller", NULL) || !walk_enabled(w))
		return OK;
	if (walk_compatible(w, v3))
		s = fdt_gicv3(f, w);
	else if (walk_compatible(w, v2))
		s = fdt_gicv2(f, w);
	else
		return OK;
	p->maintenance_irq = walk_irq(w, 0);
	return s;
}

/* bindings/timer/arm,arch_timer: by name, or in the fixed order. */
static void fdt_timer(struct boot_platform *p, const struct walk *w)
{
	static const char *const compatible[] = { "arm,armv8-timer", "arm,armv7-timer", NULL };
	static const char *const names[FDT_TIMERS] = { "sec-phys", "phys", "virt", "hyp-phys" };
	bool named = walk_prop(w, "interrupt-names", NULL);

	if (p->timer_irq[FDT_TIMER_VIRT] != 0 || !walk_compatible(w, compatible) || !walk_enabled(w))
		return;
	for (int i = 0; i < FDT_TIMERS; i++) {
		int at = named ? walk_string_index(w, "interrupt-names", names[i]) : i;

		p->timer_irq[i] = at >= 0 ? walk_irq(w, (unsigned)at) : 0;
	}
}

/* bindings/arm/psci: from 0.2 on; 0.1 has no numbers of its own for its functions. */
static void fdt_psci(struct boot_platform *p, const struct walk *w)
{
	static const char *const compatible[] = { "arm,psci-1.0", "arm,psci-0.2", NULL };
	const char *method;

	if (p->psci != BOOT_PSCI_NONE || !walk_compatible(w, compatible))
		return;
	method = walk_string(w, "method");
	if (method && strcmp(method, "smc") == 0)
		p->psci = BOOT_PSCI_SMC;
	else if (method && strcmp(method, "hvc") == 0)
		p->psci = BOOT_PSCI_HVC;
}

/* bindings/pci/host-generic-pci. What bus-range leaves out, or reg is too short for, is not there. */
static void fdt_pcie(struct boot_platform *p, const struct walk *w)
{
	static const char *const compatible[] = { "pci-host-ecam-generic", NULL };
	u32 len, first = 0, last = 255;
	struct boot_range r;
	const u8 *b;

	if (p->necam == BOOT_MAX_ECAM || !walk_compatible(w, compatible) || !walk_enabled(w) || !walk_reg(w, 0, &r) ||
	    r.size < ECAM_BUS)
		return;
	b = walk_prop(w, "bus-range", &len);
	if (b && len == 8) {
		first = b[3];
		last = b[7];
		if ((b[0] | b[1] | b[2] | b[4] | b[5] | b[6]) != 0 || first > last)
			return;
	}
	if (r.size / ECAM_BUS <= last - first)
		last = first + (u32)(r.size / ECAM_BUS) - 1;
	p->ecam[p->necam++] = (struct boot_ecam){ .range = r, .bus_start = (u8)first, .bus_end = (u8)last };
}

void fdt_dev_other(struct fdt_parse *f, const struct walk *w)
{
	static const char *const pl031[] = { "arm,pl031", NULL };
	struct boot_platform *p = &f->bi->platform;
	struct boot_range r;

	fdt_dev_uart(f, w, p);
	fdt_timer(p, w);
	fdt_psci(p, w);
	fdt_pcie(p, w);
	if (p->rtc.size == 0 && walk_compatible(w, pl031) && walk_enabled(w) && walk_reg(w, 0, &r))
		p->rtc = r;
}
