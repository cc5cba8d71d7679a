/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_stress.c: the device models of one guest used by several CPUs at once, under ThreadSanitizer, with
 * the order of locks checked (tests/unit/self/lock.h).
 * LINK: guest/vmm/dev/virtio_blk.c guest/vmm/dev/virtio_console.c guest/vmm/virtio.c guest/vmm/virtio_pci.c
 * LINK: guest/vmm/pci.c guest/vmm/pci_msix.c guest/vmm/pci_root.c guest/vmm/bus.c guest/vmm/mem.c guest/drv/ramdisk.c
 * LINK: guest/vmm/dev/uart16550.c guest/vmm/dev/i8254.c guest/vmm/dev/i8259.c guest/vmm/dev/ioapic.c
 * LINK: guest/vmm/dev/mc146818.c guest/vmm/dev/acpi_pm.c guest/vmm/dev/fw_cfg.c guest/rt/timer.c guest/rt/work.c
 * LINK: guest/rt/mem.c tests/unit/fake_virtio.c tests/unit/fake_rt.c
 */
#include "guest/vmm/virtio.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "fake_virtio.h"
#include "guest/drv/ramdisk.h"
#include "guest/rt/sys.h"
#include "guest/vmm/dev/acpi_pm.h"
#include "guest/vmm/dev/fw_cfg.h"
#include "guest/vmm/dev/i8254.h"
#include "guest/vmm/dev/i8259.h"
#include "guest/vmm/dev/ioapic.h"
#include "guest/vmm/dev/mc146818.h"
#include "guest/vmm/dev/uart16550.h"

#define THREADS 4
#define ROUNDS	20000
#define SEED	20261127u
#define N	64
#define ARENA	(64u << 20)
#define ISA	16

static struct drv d;
static struct pic pic;
static struct ioapic ioapic;
static struct pit pit;
static struct rtc rtc;
static struct acpi_pm pm;
static struct fw_cfg fw;
static struct uart uart;
static struct pci_dev *con;
static u8 module[0x10000];
static pthread_mutex_t driver = PTHREAD_MUTEX_INITIALIZER;
static u16 avail;
static u64 now = 1, messages, calls;

u64 time_ns(void)
{
	return __atomic_fetch_add(&now, 997, __ATOMIC_RELAXED);
}

void log_line(const char *fmt, ...)
{
}

void random_bytes(void *buf, size_t n)
{
	memset(buf, 0x5a, n);
}

struct hv_result hv_call(enum hypercall nr, u64 a, u64 b, u64 c, u64 e, u64 f)
{
	__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
	return (struct hv_result){ OK, 0, 0, 0 };
}

void hv_vm_irq(u32 vm, u64 addr, u32 data)
{
	__atomic_fetch_add(&messages, 1, __ATOMIC_RELAXED);
}

void hv_vcpu_extint(u32 vcpu, bool level)
{
}

void vm_stop(struct vm *vm, enum vm_stop how, const char *why, ...)
{
	lock_take(&vm->lock);
	lock_drop(&vm->lock);
}

void cpu_kick(unsigned n)
{
}

/* As pc_irq. */
static void irq(struct vm *vm, unsigned gsi, bool level)
{
	if (gsi == 8 && level)
		acpi_pm_rtc(&pm);
	if (gsi < ISA)
		pic_set(&pic, gsi, level);
	ioapic_set(&ioapic, gsi == 0 ? 2 : gsi, level);
}

/* The host's end of a tty: takes what comes now and then, gives a few characters. */
static struct {
	struct lock lock;
	unsigned n;
} host[2] = { { LOCK_INIT(LOCK_CONSOLE), 0 }, { LOCK_INIT(LOCK_CONSOLE), 0 } };
static struct tty tty[2];

static size_t host_output(struct tty *t, const u8 *buf, size_t len)
{
	size_t n;

	lock_take(&host[t == &tty[1]].lock);
	n = host[t == &tty[1]].n++ % 4 == 0 ? 0 : len;
	lock_drop(&host[t == &tty[1]].lock);
	return n;
}

static size_t host_read(struct tty *t, u8 *buf, size_t len)
{
	size_t n;

	lock_take(&host[t == &tty[1]].lock);
	n = MIN(len, (size_t)(host[t == &tty[1]].n++ % 3));
	memset(buf, 'x', n);
	lock_drop(&host[t == &tty[1]].lock);
	return n;
}

static u32 next(u64 *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(*seed >> 33);
}

/* A request to the disk, by the one driver that the guest has. */
static void disk_request(u64 *seed)
{
	u64 ring = DRV_QBASE(0);
	u16 used, head;

	pthread_mutex_lock(&driver);
	head = avail % (N / 3);
	used = __atomic_load_n((u16 *)(void *)drv_mem(&d, ring + DRV_USED + 2), __ATOMIC_ACQUIRE);
	if ((u16)(avail - used) < N / 4) {
		struct {
			u32 type, reserved;
			u64 sector;
		} header = { next(seed) & 1, 0, next(seed) % 64 };
		u64 at = DRV_DATA + (u64)head * 0x800;

		head = (u16)(head * 3);
		memcpy(drv_mem(&d, at), &header, sizeof(header));
		drv_desc(&d, 0, head, at, 16, VRING_DESC_NEXT, (u16)(head + 1));
		drv_desc(&d, 0, head + 1u, at + 0x200, 512, VRING_DESC_NEXT | (header.type ? 0 : VRING_DESC_WRITE),
			 (u16)(head + 2));
		drv_desc(&d, 0, head + 2u, at + 0x600, 1, VRING_DESC_WRITE, 0);
		memcpy(drv_mem(&d, ring + DRV_AVAIL + 4 + 2 * (avail % N)), &head, 2);
		__atomic_store_n((u16 *)(void *)drv_mem(&d, ring + DRV_AVAIL + 2), ++avail, __ATOMIC_RELEASE);
		vq_doorbell(&d.dev->vq[0]);
	}
	pthread_mutex_unlock(&driver);
}

static void port(u64 *seed)
{
	static const u16 base[] = { 0x20, 0x21, 0xa0,  0xa1,  0x40,  0x43,	  0x61,
				    0x70, 0x71, 0x3f8, 0x4d0, 0x510, ACPI_PM_PORT };
	u16 at = (u16)(base[next(seed) % ARRAY_SIZE(base)] + next(seed) % 8);
	unsigned size = 1u << next(seed) % 3;

	if (at >= 0x514 && at < 0x51c)
		return; /* fw_cfg's DMA goes anywhere in RAM, where the test's own data are */
	if (next(seed) & 1)
		bus_write(&d.vm.pio, at, size, next(seed));
	else
		(void)bus_read(&d.vm.pio, at, size);
}

/* The other virtio function: configuration space, BARs that move, registers. */
static void function(u64 *seed)
{
	u64 ecam = DRV_ECAM + ((u64)con->devfn << 12), base;
	unsigned bar = next(seed) % 2;

	switch (next(seed) % 6) {
	case 0: bus_write(&d.vm.mmio, ecam + 4, 2, next(seed) & 0x407); break;
	case 1: bus_write(&d.vm.mmio, ecam + 0x10 + 4 * bar, 4, 0xc0100000u + (next(seed) % 16 << 14)); break;
	case 2: (void)bus_read(&d.vm.mmio, ecam + (next(seed) & 0xfc), 4); break;
	case 3: vq_doorbell(&container_of(con, struct virtio, pci)->vq[next(seed) % 2]); break;
	default:
		base = __atomic_load_n(&con->bar[bar].region.base, __ATOMIC_RELAXED) + (next(seed) & 0x3fc);
		if (next(seed) & 1)
			bus_write(&d.vm.mmio, base, 4, next(seed));
		else
			(void)bus_read(&d.vm.mmio, base, 4);
		break;
	}
}

static void chip(u64 *seed)
{
	switch (next(seed) % 4) {
	case 0: ioapic_eoi(&ioapic, (u8)next(seed)); break;
	case 1: (void)pic_intack(&pic); break;
	case 2:
		bus_write(&d.vm.mmio, IOAPIC_BASE, 4, 0x10 + next(seed) % 48);
		bus_write(&d.vm.mmio, IOAPIC_BASE + 0x10, 4, next(seed));
		break;
	default: irq(&d.vm, next(seed) % 24, next(seed) & 1); break;
	}
}

static void *thread(void *arg)
{
	u64 seed = SEED + (uintptr_t)arg;

	fake_cpu = (unsigned)(uintptr_t)arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct tty *t = &tty[next(&seed) & 1];

		switch (next(&seed) % 8) {
		case 0: disk_request(&seed); break;
		case 1: function(&seed); break;
		case 2: chip(&seed); break;
		case 3: t->input(t); break;
		case 4: t->room(t); break;
		case 5:
			(void)timers_run();
			work_run();
			break;
		default: port(&seed); break;
		}
		assert_int_equal(lock_nmine, 0);
	}
	return NULL;
}

static void build(void)
{
	static u8 arena[ARENA] __attribute__((aligned(PAGE_SIZE)));
	struct disk *disk;

	mem_add((uintptr_t)arena, sizeof(arena));
	drv_init(&d, true);
	lock_init(&d.vm.lock, LOCK_VM);
	bus_init(&d.vm.pio);
	bus_init(&d.vm.mmio);
	assert_int_equal(pci_root_init(&d.root, &d.vm, DRV_ECAM, true), OK);
	d.vm.irq = irq;
	for (unsigned i = 0; i < 2; i++) {
		tty[i].output = host_output;
		tty[i].read = host_read;
	}
	assert_int_equal(pic_init(&pic, &d.vm), OK);
	assert_int_equal(ioapic_init(&ioapic, &d.vm, IOAPIC_BASE), OK);
	assert_int_equal(pit_init(&pit, &d.vm), OK);
	assert_int_equal(rtc_init(&rtc, &d.vm, DRV_RAM, 0, 4), OK);
	assert_int_equal(acpi_pm_init(&pm, &d.vm), OK);
	assert_int_equal(fw_cfg_init(&fw, &d.vm, DRV_RAM, 4), OK);
	assert_int_equal(uart_init(&uart, &d.vm, 0x3f8, 4, &tty[0]), OK);
	disk = ramdisk_new(module, sizeof(module), false, "stress");
	assert_non_null(disk);
	assert_int_equal(virtio_blk_new(&d.vm, &d.root, DRV_DEVFN, disk), OK);
	assert_int_equal(virtio_console_new(&d.vm, &d.root, DRV_DEVFN + 8, &tty[1]), OK);
	con = d.root.dev[DRV_DEVFN + 8];
	drv_probe(&d);
	assert_true(drv_negotiate(&d, 0));
	drv_msix_on(&d, 2);
	drv_queue(&d, 0, N, 1);
	drv_ok(&d);
}

static void devices_stand_several_cpus(void **state)
{
	pthread_t t[THREADS];

	build();
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, thread, (void *)i), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	print_message("seed %u: %u requests, %llu messages, %llu calls\n", SEED, avail, (unsigned long long)messages,
		      (unsigned long long)calls);
	assert_false(d.dev->broken);
	assert_in_range(avail, 1000, 65535);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(devices_stand_several_cpus) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
