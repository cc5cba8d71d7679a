/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/bench/virtio.c: a virtio-rng's doorbells, and requests to it from the doorbell to the interrupt. */
#include "guest/test/bench/bench.h"

#define RNG	    4 /* the device's type   */
#define QUEUE_SIZE  8
#define NO_VECTOR   0xffff
#define DESC_WRITE  2
#define CAP_VENDOR  9
#define CAP_MSIX    0x11
#define KIND_NOTIFY 2
#define ALARM_US    100000

enum signal { NONE, MSI, PIN };

static struct vpci rng;
static bool there;
static enum signal signal;
static u32 rng_irq;
static u8 ring[3][4096] ALIGNED(4096); /* descriptors, available, used */
static volatile u8 bytes[64];

/* Let MSI-X entry 0 be t_msi's interrupt. */
static bool open_msi(void)
{
	u8 cap = pci_cap(rng.bdf, CAP_MSIX, 0);
	u64 table, addr;
	u32 data;

	if (cap == 0 || !t_msi(0, &addr, &data, &rng_irq))
		return false;
	table = pci_low_bar(rng.bdf, pci_r32(rng.bdf, cap + 4) & 7) + (pci_r32(rng.bdf, cap + 4) & ~7u);
	pci_w16(rng.bdf, 4, pci_r16(rng.bdf, 4) | 7);
	pci_w16(rng.bdf, cap + 2, 0x8000);
	*mmio32(table) = (u32)addr;
	*mmio32(table + 4) = (u32)(addr >> 32);
	*mmio32(table + 8) = data;
	*mmio32(table + 12) = 0;
	return true;
}

/* Its pin, where there is one that this runtime knows. */
static bool open_pin(void)
{
	u8 cap = pci_cap(rng.bdf, CAP_MSIX, 0);
	int pin = t_intx(rng.bdf);

	if (pin < 0)
		return false;
	rng_irq = (u32)pin;
	if (cap != 0)
		pci_w16(rng.bdf, cap + 2, 0);
	return true;
}

/* The queue from its start, empty. */
static void start_queue(void)
{
	u64 at = (u64)bytes;
	u32 len = sizeof(bytes);
	u16 flags = DESC_WRITE;

	memset(ring, 0, sizeof(ring));
	vpci_queue(&rng, 0, QUEUE_SIZE, (u64)ring[0], (u64)ring[1], (u64)ring[2], signal == MSI ? 0 : NO_VECTOR);
	vpci_set_status(&rng, 15);
	memcpy(ring[0], &at, 8);
	memcpy(ring[0] + 8, &len, 4);
	memcpy(ring[0] + 12, &flags, 2);
}

void bench_rng_open(void)
{
	if (!vpci_open(&rng, RNG) || !vpci_start(&rng))
		return;
	signal = open_msi() ? MSI : open_pin() ? PIN : NONE;
	start_queue();
	there = true;
}

u64 bench_rng_common(void)
{
	return there ? rng.common : 0;
}

/* Where queue 0 is notified by the capability @cap. */
static u64 notify_place(u8 cap, bool *port)
{
	u8 n = pci_r8(rng.bdf, cap + 4);
	u32 bar = pci_r32(rng.bdf, 0x10 + 4 * n);
	u16 off;

	*(volatile u16 *)(uintptr_t)(rng.common + 0x16) = 0;
	off = *(volatile u16 *)(uintptr_t)(rng.common + 0x1e);
	*port = (bar & 1) != 0;
	return (*port ? bar & ~3u : pci_bar(rng.bdf, n)) + pci_r32(rng.bdf, cap + 8) +
	       (u64)off * pci_r32(rng.bdf, cap + 16);
}

void bench_doorbells(void)
{
	bool any[2] = { false, false };

	for (u8 c = there ? pci_cap(rng.bdf, CAP_VENDOR, 0) : 0; c != 0; c = pci_cap(rng.bdf, CAP_VENDOR, c)) {
		bool port;
		u64 at;

		if (pci_r8(rng.bdf, c + 3) != KIND_NOTIFY)
			continue;
		at = notify_place(c, &port);
		if (port)
			BENCH("doorbell-port", t_port_write16((u16)at, 0));
		else
			BENCH("doorbell-mmio", *(volatile u16 *)(uintptr_t)at = 0);
		any[port] = true;
	}
	if (!any[true])
		bench_skip("doorbell-port", "no virtio-rng that is notified by a port");
	if (!any[false])
		bench_skip("doorbell-mmio", "no virtio-rng that is notified by a store");
}

/* One request. False: no answer. */
static bool request(void)
{
	volatile u16 *avail = (volatile u16 *)(volatile void *)ring[1];
	volatile u16 *used = (volatile u16 *)(volatile void *)ring[2];
	u32 seen = irq_count[rng_irq], alarms = irq_count[bench_alarm_irq];
	u16 to = (u16)(avail[1] + 1);
	u64 start, end;
	bool port = rng.notify_io;

	avail[2 + avail[1] % QUEUE_SIZE] = 0;
	avail[1] = to;
	__sync_synchronize();
	bench_alarm(ALARM_US);
	start = t_clock();
	if (port)
		t_port_write16((u16)rng.notify, 0);
	else
		*(volatile u16 *)(uintptr_t)rng.notify = 0;
	while (irq_count[rng_irq] == seen && irq_count[bench_alarm_irq] == alarms)
		t_halt();
	end = t_clock();
	bench_alarm(0);
	if (irq_count[rng_irq] == seen || used[1] != to)
		return false;
	if (signal == PIN) {
		(void)*(volatile u8 *)(uintptr_t)rng.isr;
		t_intx(rng.bdf);
	}
	bench_put(end - start, 1);
	return true;
}

static bool requests(const char *name)
{
	bool ok = true;

	bench_begin(BENCH_N);
	while (ok && bench_more())
		ok = request();
	bench_report_if(ok, name, "no interrupt in 100 ms");
	return ok;
}

void bench_requests(void)
{
	if (!there || signal != MSI)
		bench_skip("virtio-request", there ? "no MSIs here" : "no virtio-rng");
	else if (requests("virtio-request"))
		return;
	if (signal == MSI && vpci_start(&rng) && open_pin()) {
		signal = PIN;
		start_queue();
	}
	if (there && signal == PIN)
		requests("virtio-request-pin");
}
