/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/gicv2m.c: a GICv2m frame. Messages of PCI functions do not pass here; this is for the CPU's writes. */
#include "guest/vmm/dev/gicv2m.h"

#define REG_TYPER  0x008u
#define REG_SETSPI GICV2M_SETSPI

#define TYPER_BASE BITS(25, 16)
#define TYPER_NUM  BITS(9, 0)
#define SETSPI_ID  BITS(9, 0)

static u64 gicv2m_read(void *dev, u64 off, unsigned size)
{
	const struct gicv2m *g = dev;

	/* MSI_IIDR (0xfcc), and all that is reserved, is zero: an implementer without quirks. */
	if ((off & ~3ull) != REG_TYPER)
		return 0;
	return (FIELD_PUT(TYPER_BASE, g->first) | FIELD_PUT(TYPER_NUM, g->count)) >> 8 * (off & 3);
}

static void gicv2m_write(void *dev, u64 off, unsigned size, u64 value)
{
	const struct gicv2m *g = dev;
	u32 id = FIELD(SETSPI_ID, value);

	if (off == REG_SETSPI && size >= 2 && id - g->first < g->count)
		hv_vm_irq(g->vm->id, g->mmio.base + REG_SETSPI, id);
}

static const struct bus_ops gicv2m_ops = { gicv2m_read, gicv2m_write };

status_t gicv2m_init(struct gicv2m *g, struct vm *vm, u64 base, u32 first, u32 count)
{
	ASSERT(first >= 32 && first < 1020 && count >= 1 && count <= 1020 - first);
	*g = (struct gicv2m){ .vm = vm, .first = first, .count = count };
	g->mmio = (struct bus_region){ base, PAGE_SIZE, &gicv2m_ops, g, NULL };
	return bus_add(&vm->mmio, &g->mmio);
}
