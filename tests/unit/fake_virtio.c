/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_virtio.c: a small virtio driver in a fake guest. */
#include "fake_virtio.h"

#include "guest/vmm/pci_regs.h"

static unsigned drv_gsi(unsigned dev, unsigned pin)
{
	return 16 + (dev + pin - 1) % 4;
}

void drv_init(struct drv *d, bool ports)
{
	fake_reset();
	memset(d, 0, sizeof(*d));
	fake_vm_init(&d->vm, DRV_RAM);
	ASSERT(pci_root_init(&d->root, &d->vm, DRV_ECAM, ports) == OK);
	d->root.mmio_next = 0xc0000000;
	d->root.mmio_end = 0xc1000000;
	d->root.io_next = 0xc000;
	d->root.io_end = 0xd000;
	d->root.intx_gsi = drv_gsi;
}

void drv_free(struct drv *d)
{
	if (d->dev)
		mem_free(d->dev); /* each device embeds its struct virtio first */
	fake_vm_free(&d->vm);
}

static u64 drv_cfg_addr(unsigned off)
{
	return DRV_ECAM + ((u64)DRV_DEVFN << 12) + off;
}

u32 drv_cfg(struct drv *d, unsigned off, unsigned size)
{
	return (u32)bus_read(&d->vm.mmio, drv_cfg_addr(off), size);
}

void drv_cfg_set(struct drv *d, unsigned off, unsigned size, u32 v)
{
	bus_write(&d->vm.mmio, drv_cfg_addr(off), size, v);
}

static u64 drv_bar(struct drv *d, unsigned n)
{
	u32 v = drv_cfg(d, PCI_BAR0 + 4 * n, 4);

	return v & 1 ? v & ~3u : v & ~15u;
}

void drv_probe(struct drv *d)
{
	unsigned cap;

	ASSERT(pci_root_assign(&d->root) == OK);
	d->dev = container_of(d->root.dev[DRV_DEVFN], struct virtio, pci);
	for (cap = drv_cfg(d, PCI_CAP_POINTER, 1); cap != 0; cap = drv_cfg(d, cap + 1, 1)) {
		u64 at;

		if (drv_cfg(d, cap, 1) == PCI_CAP_MSIX) {
			d->msix_cap = (u8)cap;
			d->msix = drv_bar(d, drv_cfg(d, cap + 4, 4) & 7);
		}
		if (drv_cfg(d, cap, 1) != PCI_CAP_VENDOR || drv_cfg(d, cap + 3, 1) == 5)
			continue;
		at = drv_bar(d, drv_cfg(d, cap + 4, 1)) + drv_cfg(d, cap + 8, 4);
		switch (drv_cfg(d, cap + 3, 1)) {
		case 1: d->common = at; break;
		case 2:
			d->notify = at;
			d->stride = drv_cfg(d, cap + 16, 4);
			d->notify_port = drv_cfg(d, PCI_BAR0 + 4 * drv_cfg(d, cap + 4, 1), 4) & 1;
			break;
		case 3: d->isr = at; break;
		case 4: d->device = at; break;
		default: break;
		}
	}
}

u32 drv_rd(struct drv *d, unsigned off, unsigned size)
{
	return (u32)bus_read(&d->vm.mmio, d->common + off, size);
}

void drv_wr(struct drv *d, unsigned off, unsigned size, u32 v)
{
	bus_write(&d->vm.mmio, d->common + off, size, v);
}

u8 drv_status(struct drv *d)
{
	return (u8)drv_rd(d, 0x14, 1);
}

bool drv_negotiate(struct drv *d, u64 features)
{
	features |= VIRTIO_F_VERSION_1;
	drv_wr(d, 0x14, 1, 0);
	drv_wr(d, 0x14, 1, 1);
	drv_wr(d, 0x14, 1, 3);
	drv_wr(d, 0x08, 4, 0);
	drv_wr(d, 0x0c, 4, (u32)features);
	drv_wr(d, 0x08, 4, 1);
	drv_wr(d, 0x0c, 4, (u32)(features >> 32));
	drv_wr(d, 0x14, 1, 11);
	return (drv_status(d) & VIRTIO_FEATURES_OK) != 0;
}

void drv_queue(struct drv *d, unsigned q, unsigned size, unsigned vector)
{
	u32 base = DRV_QBASE(q);

	memset(drv_mem(d, base), 0, 0x4000);
	d->size[q] = size;
	d->avail_idx[q] = 0;
	d->seen[q] = 0;
	drv_wr(d, 0x16, 2, q);
	drv_wr(d, 0x18, 2, size);
	drv_wr(d, 0x1a, 2, vector);
	drv_wr(d, 0x20, 4, base + DRV_DESC);
	drv_wr(d, 0x24, 4, 0);
	drv_wr(d, 0x28, 4, base + DRV_AVAIL);
	drv_wr(d, 0x2c, 4, 0);
	drv_wr(d, 0x30, 4, base + DRV_USED);
	drv_wr(d, 0x34, 4, 0);
	drv_wr(d, 0x1c, 2, 1);
}

void drv_ok(struct drv *d)
{
	drv_wr(d, 0x14, 1, 15);
	fake_run_work();
}

void drv_msix_on(struct drv *d, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		bus_write(&d->vm.mmio, d->msix + 16 * i, 4, DRV_MSI);
		bus_write(&d->vm.mmio, d->msix + 16 * i + 4, 4, 0);
		bus_write(&d->vm.mmio, d->msix + 16 * i + 8, 4, 0x40 + i);
		bus_write(&d->vm.mmio, d->msix + 16 * i + 12, 4, 0);
	}
	drv_cfg_set(d, d->msix_cap + 2, 2, 0x8000);
	drv_wr(d, 0x10, 2, 0);
}

void drv_desc(struct drv *d, unsigned q, unsigned i, u64 addr, u32 len, u16 flags, u16 next)
{
	struct vring_desc v = { addr, len, flags, next };

	memcpy(drv_mem(d, DRV_QBASE(q) + DRV_DESC + i * 16), &v, sizeof(v));
}

void drv_avail(struct drv *d, unsigned q, u16 head)
{
	u64 ring = DRV_QBASE(q) + DRV_AVAIL;

	drv_put16(d, ring + 4 + 2 * (d->avail_idx[q] % d->size[q]), head);
	drv_put16(d, ring + 2, ++d->avail_idx[q]);
}

void drv_kick(struct drv *d, unsigned q)
{
	drv_wr(d, 0x16, 2, q);
	bus_write(d->notify_port ? &d->vm.pio : &d->vm.mmio, d->notify + d->stride * drv_rd(d, 0x1e, 2), 2, q);
}

unsigned drv_used(struct drv *d, unsigned q, struct vring_used_elem *e)
{
	u64 ring = DRV_QBASE(q) + DRV_USED;
	u16 n = (u16)(drv_get16(d, ring + 2) - d->seen[q]);

	if (n > 0 && e != NULL)
		memcpy(e, drv_mem(d, ring + 4 + 8 * ((d->seen[q] + n - 1u) % d->size[q])), sizeof(*e));
	d->seen[q] += n;
	return n;
}

u8 *drv_mem(struct drv *d, u64 gpa)
{
	ASSERT(gpa < DRV_RAM);
	return d->vm.ram[0].mem + gpa;
}

u16 drv_get16(struct drv *d, u64 gpa)
{
	u16 v;

	memcpy(&v, drv_mem(d, gpa), 2);
	return v;
}

void drv_put16(struct drv *d, u64 gpa, u16 v)
{
	memcpy(drv_mem(d, gpa), &v, 2);
}
