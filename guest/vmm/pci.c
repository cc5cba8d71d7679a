/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/pci.c: one PCI function: configuration space, BARs that follow it, capabilities, its INTx pin. */
#include "guest/vmm/pci.h"

#include "guest/vmm/pci_regs.h"
#include "hv/lib/util.h"

static u64 pci_get(const u8 *p, unsigned size)
{
	u64 v = 0;

	switch (size) {
	case 1: return *p;
	case 2: __builtin_memcpy(&v, p, 2); break;
	case 4: __builtin_memcpy(&v, p, 4); break;
	case 8: __builtin_memcpy(&v, p, 8); break;
	default:
		while (size-- > 0)
			v = v << 8 | p[size];
		break;
	}
	return v;
}

static void pci_put(u8 *p, unsigned size, u64 v)
{
	for (; size > 0; size--, v >>= 8)
		*p++ = (u8)v;
}

static unsigned pci_command(const struct pci_dev *d)
{
	return (unsigned)pci_get(&d->cfg[PCI_COMMAND], 2);
}

void pci_dev_init(struct pci_dev *d, struct vm *vm, u16 vendor, u16 device, u32 class_code, u8 rev, u16 subvendor,
		  u16 subdevice)
{
	memset(d, 0, sizeof(*d));
	d->vm = vm;
	lock_init(&d->lock, LOCK_DEVICE);
	pci_put(&d->cfg[PCI_VENDOR_ID], 2, vendor);
	pci_put(&d->cfg[PCI_DEVICE_ID], 2, device);
	pci_put(&d->cfg[PCI_CLASS], 3, class_code);
	d->cfg[PCI_REVISION_ID] = rev;
	pci_put(&d->cfg[PCI_SUBVENDOR_ID], 2, subvendor);
	pci_put(&d->cfg[PCI_SUBSYSTEM_ID], 2, subdevice);
	pci_put(&d->wmask[PCI_COMMAND], 2, PCI_COMMAND_WRITABLE);
	d->w1c[PCI_STATUS + 1] = PCI_STATUS_ERRORS;
	d->wmask[PCI_INTERRUPT_LINE] = 0xff;
	d->next_cap = PCI_HEADER_END;
	d->last_cap_link = &d->cfg[PCI_CAP_POINTER];
}

void pci_bar_init(struct pci_dev *d, unsigned n, u32 size, bool io, bool is64, const struct bus_ops *ops)
{
	struct pci_bar *bar;
	unsigned off = PCI_BAR0 + 4 * n;

	ASSERT(n < PCI_BARS && !(is64 && (io || n + 1 >= PCI_BARS)));
	ASSERT(size >= (io ? 4u : 4096u) && is_aligned(size, size) && (size & (size - 1)) == 0);
	bar = &d->bar[n];
	bar->size = size;
	bar->io = io;
	bar->is64 = is64;
	bar->ops = ops;
	bar->region = (struct bus_region){ .size = size, .ops = ops, .dev = d, .lock = &d->lock };
	pci_put(&d->cfg[off], 4, io ? PCI_BAR_IO : is64 ? PCI_BAR_64 : 0);
	pci_put(&d->wmask[off], 4, ~(u64)(size - 1));
	if (is64)
		pci_put(&d->wmask[off + 4], 4, ~0ULL);
}

unsigned pci_cap_add(struct pci_dev *d, u8 id, unsigned len)
{
	unsigned off = d->next_cap;

	ASSERT(len >= 2 && off + len <= 256);
	d->next_cap = (unsigned)round_up(off + len, 4);
	d->cfg[off] = id;
	d->cfg[off + 1] = 0;
	*d->last_cap_link = (u8)off;
	d->last_cap_link = &d->cfg[off + 1];
	d->cfg[PCI_STATUS] |= PCI_STATUS_CAPS;
	return off;
}

void pci_express_init(struct pci_dev *d)
{
	unsigned cap = pci_cap_add(d, PCI_CAP_EXPRESS, EXP_LEN);

	d->cfg[cap + EXP_FLAGS] = EXP_TYPE_RC_END | EXP_VERSION;
	pci_put(&d->cfg[cap + EXP_DEVCAP], 4, EXP_DEVCAP_RBER);
	pci_put(&d->wmask[cap + EXP_DEVCTL], 2, EXP_DEVCTL_WRITE);
	d->w1c[cap + EXP_DEVSTA] = EXP_DEVSTA_W1C;
}

/* The address that the guest has given BAR @n, and whether the function decodes it. */
static bool pci_bar_wanted(const struct pci_dev *d, unsigned n, u64 *addr)
{
	const struct pci_bar *bar = &d->bar[n];
	u64 a = pci_get(&d->cfg[PCI_BAR0 + 4 * n], bar->is64 ? 8 : 4) & ~(u64)(bar->size - 1);

	*addr = a;
	if (bar->size == 0 || a == 0 || range_bad(a, bar->size))
		return false;
	if (bar->io)
		return (pci_command(d) & PCI_COMMAND_IO) != 0 && a + bar->size <= PCI_PORT_TOP;
	return (pci_command(d) & PCI_COMMAND_MEMORY) != 0;
}

static struct bus *pci_bar_bus(struct pci_dev *d, unsigned n)
{
	return d->bar[n].io ? &d->vm->pio : &d->vm->mmio;
}

bool pci_bars_unmap(struct pci_dev *d)
{
	bool any = false;
	unsigned n;
	u64 addr;

	for (n = 0; n < PCI_BARS; n++) {
		struct pci_bar *bar = &d->bar[n];

		if (!bar->mapped || (pci_bar_wanted(d, n, &addr) && addr == bar->region.base))
			continue;
		bus_remove(pci_bar_bus(d, n), &bar->region);
		bar->mapped = false;
		if (d->bar_moved)
			d->bar_moved(d, n, false);
		any = true;
	}
	return any;
}

void pci_bars_map(struct pci_dev *d)
{
	unsigned n;
	u64 addr;

	for (n = 0; n < PCI_BARS; n++) {
		struct pci_bar *bar = &d->bar[n];

		if (bar->mapped || !pci_bar_wanted(d, n, &addr))
			continue;
		if (bus_add_at(pci_bar_bus(d, n), &bar->region, addr) != OK)
			continue; /* the guest's own conflict: the range keeps its owner */
		bar->mapped = true;
		if (d->bar_moved)
			d->bar_moved(d, n, true);
	}
}

/* The header has changed: the buses follow. True: one has left its place. */
static bool pci_bars_update(struct pci_dev *d)
{
	bool left;

	if (d->root == NULL)
		return false;
	left = pci_bars_unmap(d);
	pci_bars_map(d);
	return left;
}

/* A BAR of @d was perhaps in the way of another function's. The root's lock is held, @d's is not. */
static void pci_bars_others(const struct pci_dev *d)
{
	for (unsigned i = 0; i < ARRAY_SIZE(d->root->dev); i++) {
		struct pci_dev *o = d->root->dev[i];

		if (o == NULL || o == d)
			continue;
		lock_take(&o->lock);
		pci_bars_map(o);
		lock_drop(&o->lock);
	}
}

void pci_intx_update(struct pci_dev *d)
{
	bool out = d->intx && !(pci_command(d) & PCI_COMMAND_INTX_DISABLE) && !pci_msix_on(d);
	struct pci_root *root = d->root;
	unsigned i, gsi, pin = d->cfg[PCI_INTERRUPT_PIN];
	bool level = false;

	if (out == d->intx_out || root == NULL || root->intx_gsi == NULL || pin == 0)
		return;
	lock_take(&root->intx_lock);
	d->intx_out = out;
	gsi = root->intx_gsi(d->devfn >> 3, pin);
	/* Pins share a line: it is low only when all that share it are. */
	for (i = 0; i < ARRAY_SIZE(root->dev) && !level; i++) {
		const struct pci_dev *o = root->dev[i];

		level = o != NULL && o->intx_out && root->intx_gsi(o->devfn >> 3, o->cfg[PCI_INTERRUPT_PIN]) == gsi;
	}
	vm_irq(d->vm, gsi, level);
	lock_drop(&root->intx_lock);
}

void pci_intx(struct pci_dev *d, bool level)
{
	d->intx = level;
	if (level)
		d->cfg[PCI_STATUS] |= PCI_STATUS_INTX;
	else
		d->cfg[PCI_STATUS] &= (u8)~PCI_STATUS_INTX;
	pci_intx_update(d);
}

u64 pci_cfg_read(struct pci_dev *d, unsigned off, unsigned size)
{
	u64 v;

	if (size == 0 || size > 8 || off > PCI_CFG_SIZE - size)
		return ~0ULL;
	lock_take(&d->lock);
	if (d->cfg_read)
		d->cfg_read(d, off, size);
	v = pci_get(&d->cfg[off], size);
	lock_drop(&d->lock);
	return v;
}

/* With the lock. True: a BAR has left its place. */
static bool pci_cfg_set(struct pci_dev *d, unsigned off, unsigned size, u64 value)
{
	bool left = false;
	unsigned i;

	for (i = 0; i < size; i++) {
		unsigned at = off + i;
		u8 b = (u8)(value >> (8 * i));

		d->cfg[at] = (u8)((d->cfg[at] & ~d->wmask[at]) | (b & d->wmask[at]));
		if (at < sizeof(d->w1c))
			d->cfg[at] &= (u8) ~(b & d->w1c[at]);
	}
	if (off < PCI_BAR0 + 4 * PCI_BARS && off + size > PCI_COMMAND) {
		left = pci_bars_update(d);
		pci_intx_update(d);
	}
	if (d->msix.cap != 0 && off <= d->msix.cap + MSIX_CONTROL + 1u && off + size > d->msix.cap + MSIX_CONTROL) {
		pci_intx_update(d);
		pci_msix_flush(d);
	}
	if (d->cfg_written && off + size > PCI_HEADER_END)
		d->cfg_written(d, off, size);
	return left;
}

void pci_cfg_write(struct pci_dev *d, unsigned off, unsigned size, u64 value)
{
	bool left;

	if (size == 0 || size > 8 || off > PCI_CFG_SIZE - size)
		return;
	lock_take(&d->lock);
	left = pci_cfg_set(d, off, size, value);
	lock_drop(&d->lock);
	if (left)
		pci_bars_others(d);
}
