/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/pci_msix.c: MSI-X of a guest's PCI function (PCI 3.0, 6.8.2): table, masks and pending bits. */
#include "guest/vmm/pci.h"
#include "guest/vmm/pci_regs.h"
#include "hv/lib/util.h"

#define MSIX_ENTRY    16u
#define MSIX_BAR_SIZE 4096u
#define MSIX_PBA_OFF  (MSIX_BAR_SIZE / 2)

static_assert(PCI_MSIX_MAX * MSIX_ENTRY <= MSIX_PBA_OFF, "the table fits below the pending bits");
static_assert(PCI_MSIX_MAX <= 64, "pending is one word");

static u8 msix_ctl(const struct pci_dev *d)
{
	return d->msix.cap != 0 ? d->cfg[d->msix.cap + MSIX_CONTROL + 1] : 0;
}

bool pci_msix_on(const struct pci_dev *d)
{
	return (msix_ctl(d) & MSIX_CTL_ENABLE) != 0;
}

static bool msix_masked(const struct pci_dev *d, unsigned v)
{
	return (msix_ctl(d) & MSIX_CTL_MASKALL) != 0 || (d->msix.table[v].ctrl & MSIX_MASKED) != 0;
}

void pci_msix_flush(struct pci_dev *d)
{
	unsigned v;

	if (!pci_msix_on(d))
		return;
	for (v = 0; v < d->msix.nvectors && d->msix.pending != 0; v++) {
		if (!(d->msix.pending & BIT(v)) || msix_masked(d, v))
			continue;
		d->msix.pending &= ~BIT(v);
		vm_msi(d->vm, d->msix.table[v].addr, d->msix.table[v].data);
	}
}

bool pci_msix_raise(struct pci_dev *d, unsigned v)
{
	if (!pci_msix_on(d))
		return false;
	if (v >= d->msix.nvectors)
		return true;
	if (msix_masked(d, v))
		d->msix.pending |= BIT(v);
	else
		vm_msi(d->vm, d->msix.table[v].addr, d->msix.table[v].data);
	return true;
}

void pci_msix_reset(struct pci_dev *d)
{
	unsigned v;

	d->msix.pending = 0;
	for (v = 0; v < PCI_MSIX_MAX; v++) {
		d->msix.table[v].addr = 0;
		d->msix.table[v].data = 0;
		d->msix.table[v].ctrl = MSIX_MASKED;
	}
}

/* The aligned 32-bit word at @off. */
static u32 msix_word(const struct pci_dev *d, u64 off)
{
	u64 v = off / MSIX_ENTRY;

	if (off >= MSIX_PBA_OFF) {
		if (off - MSIX_PBA_OFF >= sizeof(d->msix.pending))
			return 0;
		return (u32)(d->msix.pending >> (8 * (off - MSIX_PBA_OFF)));
	}
	if (v >= d->msix.nvectors)
		return 0;
	switch (off % MSIX_ENTRY) {
	case 0: return (u32)d->msix.table[v].addr;
	case 4: return (u32)(d->msix.table[v].addr >> 32);
	case 8: return d->msix.table[v].data;
	default: return d->msix.table[v].ctrl;
	}
}

static u64 msix_read(void *dev, u64 off, unsigned size)
{
	struct pci_dev *d = dev;
	u64 word = round_down(off, 4), v = msix_word(d, word);

	if (off - word + size > 4)
		v |= (u64)msix_word(d, word + 4) << 32;
	return v >> (8 * (off - word));
}

static void msix_set_word(struct pci_dev *d, u64 off, u32 value)
{
	u64 v = off / MSIX_ENTRY;

	if (v >= d->msix.nvectors)
		return;
	switch (off % MSIX_ENTRY) {
	case 0: d->msix.table[v].addr = (d->msix.table[v].addr & ~0xffffffffULL) | (value & ~3u); break;
	case 4: d->msix.table[v].addr = (u32)d->msix.table[v].addr | (u64)value << 32; break;
	case 8: d->msix.table[v].data = value; break;
	default: d->msix.table[v].ctrl = value & MSIX_MASKED; break;
	}
}

/* Software may use whole aligned words and double words only (6.8.2): anything else is dropped. */
static void msix_write(void *dev, u64 off, unsigned size, u64 value)
{
	struct pci_dev *d = dev;

	if ((size != 4 && size != 8) || !is_aligned(off, size))
		return;
	msix_set_word(d, off, (u32)value);
	if (size == 8)
		msix_set_word(d, off + 4, (u32)(value >> 32));
	pci_msix_flush(d);
}

static const struct bus_ops msix_ops = { msix_read, msix_write };

void pci_msix_init(struct pci_dev *d, unsigned bar, unsigned n)
{
	unsigned cap = pci_cap_add(d, PCI_CAP_MSIX, 12);

	ASSERT(n >= 1 && n <= PCI_MSIX_MAX);
	d->msix.nvectors = n;
	d->msix.bar = bar;
	d->msix.cap = (u8)cap;
	d->cfg[cap + MSIX_CONTROL] = (u8)(n - 1);
	d->wmask[cap + MSIX_CONTROL + 1] = MSIX_CTL_ENABLE | MSIX_CTL_MASKALL;
	d->cfg[cap + MSIX_TABLE] = (u8)bar;
	d->cfg[cap + MSIX_PBA] = (u8)bar;
	d->cfg[cap + MSIX_PBA + 1] = MSIX_PBA_OFF >> 8;
	pci_msix_reset(d);
	pci_bar_init(d, bar, MSIX_BAR_SIZE, false, false, &msix_ops);
}
