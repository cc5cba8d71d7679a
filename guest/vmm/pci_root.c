/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/pci_root.c: the root of a guest's PCI bus 0: ways to configuration space, BAR addresses, reset. */
#include "guest/vmm/pci.h"
#include "guest/vmm/pci_regs.h"
#include "hv/lib/util.h"

#define ECAM_BUS_SIZE 0x100000u
#define ECAM_FN_SHIFT 12

/* CONFIG_ADDRESS (PCI 3.0, 3.2.2.3.2) */
#define CF8_BASE   0xcf8u
#define CF8_SIZE   8u
#define CF8_ENABLE 0x80000000u
#define CF8_BUS	   BITS(23, 16)
#define CF8_DEVFN  BITS(15, 8)
#define CF8_REG	   BITS(7, 2)
#define CF8_WRITE  0x80fffffcu
#define CFC_OFF	   4u

/* A host bridge of our own making: Red Hat's vendor ID with QEMU's generic host bridge. */
#define BRIDGE_VENDOR	 0x1b36
#define BRIDGE_DEVICE	 0x0008
#define BRIDGE_CLASS	 0x060000
#define BRIDGE_SUBVENDOR 0x1af4
#define BRIDGE_SUBDEVICE 0x1100

/* Intel's 82441FX. PAM0's low nibble is reserved; here it keeps what is written, which firmware does not mind. */
#define FX_VENDOR    0x8086
#define FX_DEVICE    0x1237
#define FX_REVISION  0x02
#define FX_PAM0	     0x59
#define FX_PAM6	     0x5f
#define FX_PAM_WRITE 0x33 /* read and write enable of two ranges */

static u64 ecam_read(void *dev, u64 off, unsigned size)
{
	struct pci_root *root = dev;
	struct pci_dev *d = root->dev[off >> ECAM_FN_SHIFT & 0xff];

	return d != NULL ? pci_cfg_read(d, off & (PCI_CFG_SIZE - 1), size) : ~0ULL;
}

static void ecam_write(void *dev, u64 off, unsigned size, u64 value)
{
	struct pci_root *root = dev;
	struct pci_dev *d = root->dev[off >> ECAM_FN_SHIFT & 0xff];

	if (d != NULL)
		pci_cfg_write(d, off & (PCI_CFG_SIZE - 1), size, value);
}

static const struct bus_ops ecam_ops = { ecam_read, ecam_write };

/* The function that CONFIG_ADDRESS selects. */
static struct pci_dev *cf8_dev(struct pci_root *root)
{
	u32 a = root->config_address;

	if (!(a & CF8_ENABLE) || FIELD(CF8_BUS, a) != 0)
		return NULL;
	return root->dev[FIELD(CF8_DEVFN, a)];
}

static u64 cf8_read(void *dev, u64 off, unsigned size)
{
	struct pci_root *root = dev;
	struct pci_dev *d;

	if (off < CFC_OFF)
		return off == 0 && size == 4 ? root->config_address : ~0ULL;
	d = cf8_dev(root);
	if (d == NULL)
		return ~0ULL;
	return pci_cfg_read(d, (unsigned)((root->config_address & CF8_REG) + (off - CFC_OFF)), size);
}

static void cf8_write(void *dev, u64 off, unsigned size, u64 value)
{
	struct pci_root *root = dev;
	struct pci_dev *d;

	if (off < CFC_OFF) {
		/* CONFIG_ADDRESS takes whole words only; a platform with CF9 puts its own ops before these. */
		if (off == 0 && size == 4)
			root->config_address = (u32)value & CF8_WRITE;
		return;
	}
	d = cf8_dev(root);
	if (d != NULL)
		pci_cfg_write(d, (unsigned)((root->config_address & CF8_REG) + (off - CFC_OFF)), size, value);
}

static const struct bus_ops cf8_ops = { cf8_read, cf8_write };

status_t pci_root_init(struct pci_root *root, struct vm *vm, u64 ecam_base, bool cf8)
{
	status_t s;

	root->vm = vm;
	lock_init(&root->lock, LOCK_PCI);
	lock_init(&root->intx_lock, LOCK_INTX);
	memset(root->dev, 0, sizeof(root->dev));
	root->config_address = 0;
	root->ecam = (struct bus_region){ .base = ecam_base, .size = ECAM_BUS_SIZE, .ops = &ecam_ops, .dev = root };
	root->cf8 = (struct bus_region){ .ops = &cf8_ops, .dev = root };
	root->ecam.lock = root->cf8.lock = &root->lock;
	s = bus_add(&vm->mmio, &root->ecam);
	if (s != OK || !cf8)
		return s;
	root->cf8.base = CF8_BASE;
	root->cf8.size = CF8_SIZE;
	s = bus_add(&vm->pio, &root->cf8);
	if (s != OK)
		bus_remove(&vm->mmio, &root->ecam);
	return s;
}

status_t pci_add(struct pci_root *root, struct pci_dev *d, unsigned devfn)
{
	if (devfn > 0xff)
		return ERR_RANGE;
	if (root->dev[devfn] != NULL)
		return ERR_EXISTS;
	root->dev[devfn] = d;
	d->devfn = (u8)devfn;
	d->root = root;
	/* A guest looks at functions 1 to 7 only if function 0 says that there are some. */
	if ((devfn & 7) != 0 && root->dev[devfn & ~7u] != NULL)
		root->dev[devfn & ~7u]->cfg[PCI_HEADER_TYPE] |= 0x80;
	memcpy(d->reset_cfg, d->cfg, sizeof(d->cfg));
	return OK;
}

status_t pci_host_bridge_init(struct pci_root *root, struct pci_dev *d)
{
	pci_dev_init(d, root->vm, BRIDGE_VENDOR, BRIDGE_DEVICE, BRIDGE_CLASS, 0, BRIDGE_SUBVENDOR, BRIDGE_SUBDEVICE);
	return pci_add(root, d, 0);
}

status_t pci_440fx_init(struct pci_root *root, struct pci_dev *d)
{
	pci_dev_init(d, root->vm, FX_VENDOR, FX_DEVICE, BRIDGE_CLASS, FX_REVISION, BRIDGE_SUBVENDOR, BRIDGE_SUBDEVICE);
	for (unsigned off = FX_PAM0; off <= FX_PAM6; off++)
		d->wmask[off] = FX_PAM_WRITE;
	return pci_add(root, d, 0);
}

/* Take @size bytes, aligned to their size, from the window [*next, end). */
static bool root_take(u64 *next, u64 end, u32 size, u64 *addr)
{
	u64 a = round_up(*next, size);

	if (a < *next || a > end || end - a < size)
		return false;
	*addr = a;
	*next = a + size;
	return true;
}

static status_t root_assign_bar(struct pci_root *root, struct pci_dev *d, unsigned n)
{
	struct pci_bar *bar = &d->bar[n];
	u8 *reg = &d->cfg[PCI_BAR0 + 4 * n];
	u64 addr, size = bar->size;
	unsigned i;

	if (bar->io ? !root_take(&root->io_next, root->io_end, bar->size, &addr)
		    : !(bar->is64 && root_take(&root->mmio64_next, root->mmio64_end, bar->size, &addr)) &&
			      !root_take(&root->mmio_next, root->mmio_end, bar->size, &addr))
		return ERR_FULL;
	reg[0] = (u8)((reg[0] & (size - 1)) | (addr & 0xff));
	for (i = 1; i < (bar->is64 ? 8 : 4); i++)
		reg[i] = (u8)(addr >> (8 * i));
	d->cfg[PCI_COMMAND] |= bar->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
	return OK;
}

static status_t root_assign_dev(struct pci_root *root, struct pci_dev *d)
{
	unsigned n;

	for (n = 0; n < PCI_BARS; n++) {
		status_t s;

		if (d->bar[n].size == 0 || d->bar[n].mapped)
			continue;
		s = root_assign_bar(root, d, n);
		if (s != OK)
			return s;
	}
	if (d->cfg[PCI_INTERRUPT_PIN] != 0 && root->intx_gsi)
		d->cfg[PCI_INTERRUPT_LINE] = (u8)root->intx_gsi(d->devfn >> 3, d->cfg[PCI_INTERRUPT_PIN]);
	memcpy(d->reset_cfg, d->cfg, sizeof(d->cfg));
	lock_take(&d->lock);
	pci_bars_map(d);
	lock_drop(&d->lock);
	return OK;
}

status_t pci_root_assign(struct pci_root *root)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(root->dev); i++) {
		status_t s = root->dev[i] != NULL ? root_assign_dev(root, root->dev[i]) : OK;

		if (s != OK)
			return s;
	}
	return OK;
}

void pci_root_reset(struct pci_root *root)
{
	unsigned i;

	lock_take(&root->lock);
	root->config_address = 0;
	for (i = 0; i < ARRAY_SIZE(root->dev); i++) {
		struct pci_dev *d = root->dev[i];

		if (d == NULL)
			continue;
		lock_take(&d->lock);
		pci_intx(d, false);
		memcpy(d->cfg, d->reset_cfg, sizeof(d->cfg));
		pci_msix_reset(d);
		pci_bars_unmap(d);
		lock_drop(&d->lock);
	}
	/* Only when all have left their old places is every new place free. */
	for (i = 0; i < ARRAY_SIZE(root->dev); i++) {
		struct pci_dev *d = root->dev[i];

		if (d == NULL)
			continue;
		lock_take(&d->lock);
		pci_bars_map(d);
		lock_drop(&d->lock);
	}
	lock_drop(&root->lock);
}
