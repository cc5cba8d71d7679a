/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/t_pci.c: enumeration, BAR sizing and moving, hostile configuration writes, MSI-X and the pin of a
 * virtio-rng. */
#include "guest/test/lib/t.h"

static u8 queue[3][4096] ALIGNED(4096);
static volatile u8 random_bytes[64];

static void scan(void)
{
	u64 ecam = pci_ecam();
	unsigned n = 0, differ = 0;

	for (u16 bdf = 0; bdf < 256; bdf++) {
		u32 id = pci_r32(bdf, 0);

		if (ecam != 0)
			differ += *mmio32(ecam + ((u64)bdf << 12)) != id;
		if ((id & 0xffff) == 0xffff)
			continue;
		n++;
		t_info("device", (u64)bdf << 32 | id);
	}
	t_check("bus 0 has a device", n > 0);
	t_eq("an absent function reads ones", pci_r32(31 << 3 | 6, 0), 0xffffffff);
	pci_w32(31 << 3 | 6, 0x10, 0);
	t_eq("another bus reads ones or a device", pci_r16(0xff00, 0), 0xffff);
	if (ecam != 0)
		t_eq("ECAM agrees with the other way (if there is one)", differ, 0);
	else
		t_skip("ECAM", "none");
}

/* One BAR: the size mask must be a power of two, and the old value must come back. */
static bool size_bar(u16 bdf, unsigned n)
{
	u32 old = pci_r32(bdf, 0x10 + 4 * n);
	u32 mask, size;

	pci_w32(bdf, 0x10 + 4 * n, ~0u);
	mask = pci_r32(bdf, 0x10 + 4 * n);
	pci_w32(bdf, 0x10 + 4 * n, old);
	if (pci_r32(bdf, 0x10 + 4 * n) != old)
		return false;
	if (mask == 0)
		return old == 0;
	mask &= old & 1 ? ~3u : ~15u;
	if (old & 1)
		mask |= mask & 0x8000 ? 0xffff0000 : 0;
	size = -mask;
	return (size & (size - 1)) == 0;
}

static void bars(void)
{
	bool ok = true;

	for (u16 bdf = 1; bdf < 256; bdf++) {
		u16 command = pci_r16(bdf, 4);

		if (pci_r16(bdf, 0) == 0xffff || (pci_r8(bdf, 0x0e) & 0x7f) != 0)
			continue;
		pci_w16(bdf, 4, command & ~3);
		for (unsigned n = 0; n < 6; n++) {
			u32 lo = pci_r32(bdf, 0x10 + 4 * n);

			ok &= size_bar(bdf, n);
			if (!(lo & 1) && (lo & 6) == 4)
				n++;
		}
		pci_w16(bdf, 4, command);
	}
	t_check("every BAR sizes as a power of two and keeps its value", ok);
}

/* Ones and noise into a function's standard header: read-only fields stay. */
static void hostile(u16 bdf)
{
	u32 save[16], id = pci_r32(bdf, 0), class = pci_r32(bdf, 8);

	for (unsigned i = 0; i < 16; i++)
		save[i] = pci_r32(bdf, i * 4);
	pci_w16(bdf, 4, 0);
	for (unsigned round = 0; round < 64; round++)
		for (unsigned i = 0; i < 256; i++) {
			u8 off = (u8)t_rand();

			/* The command register last: decoding wild BARs could cover RAM. */
			if (off < 8 && off >= 4)
				continue;
			pci_w8(bdf, off, round == 0 ? 0xff : (u8)t_rand());
		}
	t_eq("hostile writes: the ID stays", pci_r32(bdf, 0), id);
	t_eq("hostile writes: the class stays", pci_r32(bdf, 8), class);
	for (unsigned i = 2; i < 16; i++)
		pci_w32(bdf, i * 4, save[i]);
	pci_w32(bdf, 4, save[1] & 0xffff);
	for (unsigned i = 4; i < 10; i++)
		t_eq("hostile writes: BAR restored", pci_r32(bdf, i * 4), save[i]);
}

struct peek {
	u64 addr;
	u16 v;
};

static void peek(void *arg)
{
	struct peek *p = arg;

	p->v = *(volatile u16 *)(uintptr_t)p->addr;
}

/* What nobody answers reads ones or faults, as machines do. */
static u16 peek16(u64 addr)
{
	struct peek p = { addr, 0 };

	return trap_try(peek, &p) < 0 ? p.v : 0xffff;
}

static void move_bar(struct vpci *d)
{
	unsigned n;
	u64 base, off;
	u16 queues = *(volatile u16 *)(uintptr_t)(d->common + 0x12);

	for (n = 0; n < 6; n++) {
		base = pci_bar(d->bdf, n);
		if (base != 0 && d->common >= base && d->common - base < 0x10000)
			break;
	}
	if (n == 6) {
		t_check("BAR of the common structure found", false);
		return;
	}
	off = d->common - base;
	pci_w16(d->bdf, 4, 0);
	t_dev("decoding off: gone", peek16(d->common + 0x12), 0xffff);
	pci_w32(d->bdf, 0x10 + 4 * n, t_pci_window + 0x800000);
	pci_w16(d->bdf, 4, 6);
	t_eq("moved BAR answers", *(volatile u16 *)(uintptr_t)(t_pci_window + 0x800000 + off + 0x12), queues);
	pci_w16(d->bdf, 4, 0);
	pci_w32(d->bdf, 0x10 + 4 * n, (u32)base);
	pci_w16(d->bdf, 4, 6);
	t_eq("and back", *(volatile u16 *)(uintptr_t)(d->common + 0x12), queues);
}

static void desc(u64 addr, u32 len, u16 flags)
{
	memcpy(queue[0], &addr, 8);
	memcpy(queue[0] + 8, &len, 4);
	memcpy(queue[0] + 12, &flags, 2);
}

static volatile u16 *const avail = (volatile u16 *)(volatile void *)queue[1];

/* One request of the queue @d runs, by vector @vector; the device has it from then on. */
static void start(struct vpci *d, u16 vector)
{
	memset(queue, 0, sizeof(queue));
	t_check("virtio-rng accepts the features", vpci_start(d));
	vpci_queue(d, 0, 8, (u64)queue[0], (u64)queue[1], (u64)queue[2], vector);
	vpci_set_status(d, 15);
	desc((u64)random_bytes, sizeof(random_bytes), 2);
	avail[2] = avail[3] = avail[4] = 0;
}

static void msix(struct vpci *d)
{
	u8 cap = pci_cap(d->bdf, 0x11, 0);
	u64 table, addr;
	u32 data, irq;

	if (!t_msi(0, &addr, &data, &irq)) {
		t_skip("MSI-X", "this machine has no frame for it");
		return;
	}
	if (cap == 0) {
		t_check("MSI-X capability", false);
		return;
	}
	table = pci_low_bar(d->bdf, pci_r32(d->bdf, cap + 4) & 7) + (pci_r32(d->bdf, cap + 4) & ~7u);
	pci_w16(d->bdf, 4, pci_r16(d->bdf, 4) | 7);
	pci_w16(d->bdf, cap + 2, 0x8000);
	*mmio32(table) = (u32)addr;
	*mmio32(table + 4) = (u32)(addr >> 32);
	*mmio32(table + 8) = data;
	*mmio32(table + 12) = 0;
	t_eq("MSI-X table reads back", *mmio32(table + 8), data);
	start(d, 0);
	avail[1] = 1;
	irq_clear();
	vpci_kick(d, 0);
	t_check("MSI-X interrupt arrives", irq_wait(irq, 1, 2000));
	t_eq("used index", queue[2][2], 1);
	t_check("random bytes", (random_bytes[0] | random_bytes[1] | random_bytes[2] | random_bytes[3]) != 0);
	*mmio32(table + 12) = 1; /* masked: pending until unmasked */
	avail[1] = 2;
	irq_clear();
	vpci_kick(d, 0);
	irq_wait(irq, 1, 50);
	t_eq("masked MSI-X entry: quiet", irq_count[irq], 0);
	*mmio32(table + 12) = 0;
	t_check("unmasking delivers the pending one", irq_wait(irq, 1, 500));
	vpci_set_status(d, 0);
	pci_w16(d->bdf, cap + 2, 0);
}

static void intx(struct vpci *d)
{
	int irq = t_intx(d->bdf);

	if (irq < 0)
		return;
	start(d, 0xffff);
	irq_clear();
	avail[1] = 1;
	vpci_kick(d, 0);
	t_check("the pin's interrupt arrives", irq_wait(irq, 1, 2000));
	t_eq("PCI status says so", pci_r16(d->bdf, 6) & 8, 8);
	irq_clear();
	t_intx(d->bdf);
	t_check("level: not acknowledged, it comes again", irq_wait(irq, 1, 500));
	t_eq("ISR status", *(volatile u8 *)(uintptr_t)d->isr, 1);
	t_eq("reading it lowers the pin", pci_r16(d->bdf, 6) & 8, 0);
	irq_clear();
	t_intx(d->bdf);
	irq_wait(irq, 1, 50);
	t_eq("acknowledged: quiet", irq_count[irq], 0);
	pci_w16(d->bdf, 4, pci_r16(d->bdf, 4) | 0x400);
	avail[1] = 2;
	vpci_kick(d, 0);
	irq_wait(irq, 1, 50);
	t_eq("interrupt disable in the command register: quiet", irq_count[irq], 0);
	pci_w16(d->bdf, 4, pci_r16(d->bdf, 4) & ~0x400);
	t_check("and enabling delivers it", irq_wait(irq, 1, 500));
	vpci_set_status(d, 0);
}

void t_main(void)
{
	struct vpci d;

	scan();
	bars();
	if (!vpci_open(&d, 4)) {
		t_skip("MSI-X, BAR moving, hostile writes", "no virtio-rng");
		return;
	}
	move_bar(&d);
	hostile(d.bdf);
	if (!vpci_open(&d, 4))
		return;
	msix(&d);
	intx(&d);
}
