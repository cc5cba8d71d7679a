/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/lib/pci.c: PCI functions, their BARs, and the bare minimum of virtio over PCI. */
#include "guest/test/lib/t.h"

int pci_find(u16 vendor, u16 device)
{
	for (u16 bdf = 0; bdf < 256; bdf++)
		if (pci_r32(bdf, 0) == ((u32)device << 16 | vendor))
			return bdf;
	return -1;
}

u8 pci_cap(u16 bdf, u8 id, u8 after)
{
	u8 p;

	if (!(pci_r16(bdf, 6) & 0x10))
		return 0;
	p = pci_r8(bdf, after ? after + 1 : 0x34) & 0xfc;
	for (unsigned i = 0; i < 48 && p != 0; i++) {
		if (pci_r8(bdf, p) == id)
			return p;
		p = pci_r8(bdf, p + 1) & 0xfc;
	}
	return 0;
}

u64 pci_bar(u16 bdf, unsigned n)
{
	u32 lo = pci_r32(bdf, 0x10 + 4 * n);

	if (lo & 1)
		return 0;
	return (lo & ~15u) | ((lo & 6) == 4 ? (u64)pci_r32(bdf, 0x14 + 4 * n) << 32 : 0);
}

u64 pci_low_bar(u16 bdf, unsigned n)
{
	static u32 used;
	u64 a = pci_bar(bdf, n);

	if (a != 0 && a < 1ull << 32)
		return a;
	pci_w16(bdf, 4, pci_r16(bdf, 4) & ~2);
	pci_w32(bdf, 0x10 + 4 * n, t_pci_window + used);
	if ((pci_r32(bdf, 0x10 + 4 * n) & 6) == 4)
		pci_w32(bdf, 0x14 + 4 * n, 0);
	used += 0x100000;
	return pci_bar(bdf, n);
}

/* Where an I/O BAR is, after placing one that is nowhere. */
static u32 pci_io_bar(u16 bdf, unsigned n)
{
	static u32 next = 0x1000;

	if ((pci_r32(bdf, 0x10 + 4 * n) & ~3u) == 0) {
		pci_w32(bdf, 0x10 + 4 * n, next);
		next += 0x100;
	}
	return pci_r32(bdf, 0x10 + 4 * n) & ~3u;
}

bool vpci_open(struct vpci *d, u16 type)
{
	int bdf = pci_find(0x1af4, 0x1040 + type);

	if (bdf < 0)
		bdf = pci_find(0x1af4, type == 2 ? 0x1001 : 0x1005); /* transitional block, entropy */
	if (bdf < 0)
		return false;
	memset(d, 0, sizeof(*d));
	d->bdf = (u16)bdf;
	for (u8 c = pci_cap(d->bdf, 9, 0); c != 0; c = pci_cap(d->bdf, 9, c)) {
		u8 kind = pci_r8(d->bdf, c + 3), n = pci_r8(d->bdf, c + 4);
		u64 a;

		if (kind < 1 || kind > 4)
			continue;
		if (kind == 2 && d->notify != 0)
			continue;			 /* the first one, as Linux does */
		if (pci_r32(d->bdf, 0x10 + 4 * n) & 1) { /* I/O ports: Trivet's place for notifications */
			d->notify_io = kind == 2;
			d->notify = pci_io_bar(d->bdf, n) + pci_r32(d->bdf, c + 8);
			d->notify_mul = pci_r32(d->bdf, c + 16);
			continue;
		}
		a = pci_low_bar(d->bdf, n) + pci_r32(d->bdf, c + 8);
		if (kind == 1)
			d->common = a;
		if (kind == 2) {
			d->notify = a;
			d->notify_mul = pci_r32(d->bdf, c + 16);
		}
		if (kind == 3)
			d->isr = a;
		if (kind == 4)
			d->device = a;
	}
	pci_w16(d->bdf, 4, pci_r16(d->bdf, 4) | 7);
	return d->common != 0 && d->notify != 0;
}

static volatile u8 *c8(struct vpci *d, u32 off)
{
	return (volatile u8 *)(uintptr_t)(d->common + off);
}

static volatile u16 *c16(struct vpci *d, u32 off)
{
	return (volatile u16 *)(uintptr_t)(d->common + off);
}

u8 vpci_status(struct vpci *d)
{
	return *c8(d, 0x14);
}

void vpci_set_status(struct vpci *d, u8 s)
{
	*c8(d, 0x14) = s;
}

bool vpci_start(struct vpci *d)
{
	vpci_set_status(d, 0);
	for (unsigned i = 0; i < 1000 && vpci_status(d) != 0; i++)
		;
	vpci_set_status(d, 1);
	vpci_set_status(d, 3);
	*mmio32(d->common + 8) = 0;
	*mmio32(d->common + 12) = 0;
	*mmio32(d->common + 8) = 1;
	*mmio32(d->common + 12) = 1; /* VERSION_1 */
	vpci_set_status(d, 11);
	return (vpci_status(d) & 8) != 0;
}

static void vpci_addr(struct vpci *d, u32 off, u64 a)
{
	*mmio32(d->common + off) = (u32)a;
	*mmio32(d->common + off + 4) = (u32)(a >> 32);
}

void vpci_queue(struct vpci *d, u16 q, u16 size, u64 desc, u64 avail, u64 used, u16 msix)
{
	*c16(d, 0x16) = q;
	*c16(d, 0x18) = size;
	*c16(d, 0x1a) = msix;
	vpci_addr(d, 0x20, desc);
	vpci_addr(d, 0x28, avail);
	vpci_addr(d, 0x30, used);
	*c16(d, 0x1c) = 1;
}

void vpci_kick(struct vpci *d, u16 q)
{
	u16 off;

	*c16(d, 0x16) = q;
	off = *c16(d, 0x1e);
	__sync_synchronize();
	if (d->notify_io)
		t_port_write16((u16)(d->notify + off * d->notify_mul), q);
	else
		*(volatile u16 *)(uintptr_t)(d->notify + (u64)off * d->notify_mul) = q;
}
