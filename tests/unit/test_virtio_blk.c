/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_virtio_blk.c: the virtio block device over the RAM disk and over a disk that takes its time.
 * LINK: guest/vmm/dev/virtio_blk.c guest/vmm/virtio.c guest/vmm/virtio_pci.c guest/vmm/pci.c
 * LINK: guest/vmm/pci_msix.c guest/vmm/pci_root.c guest/vmm/bus.c guest/vmm/mem.c guest/drv/ramdisk.c
 * LINK: tests/unit/fake_virtio.c tests/unit/fake_rt.c
 */
#include "guest/vmm/virtio.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_virtio.h"
#include "guest/drv/ramdisk.h"

#define N	128
#define NEXT	VRING_DESC_NEXT
#define WRITE	VRING_DESC_WRITE
#define HDR	DRV_DATA
#define STATUS	(DRV_DATA + 0x100)
#define BUF	(DRV_DATA + 0x1000)
#define SECTORS 64

static struct drv d;
static u8 module[SECTORS * 512];
static struct disk *ram;

/* A disk that holds requests until the test ends them. */
static struct disk_req *held[N + 1];
static unsigned nheld;

static void slow_submit(struct disk *disk, struct disk_req *r)
{
	held[nheld++] = r;
}

static const struct disk_ops slow_ops = { slow_submit };
static struct disk slow = { .ops = &slow_ops, .nsectors = SECTORS, .serial = "12345678901234567890" };

static void up(void)
{
	assert_true(drv_negotiate(&d, 0));
	drv_msix_on(&d, 2);
	drv_queue(&d, 0, N, 1);
	drv_ok(&d);
}

static void start(struct disk *disk)
{
	drv_init(&d, true);
	nheld = 0;
	assert_int_equal(virtio_blk_new(&d.vm, &d.root, DRV_DEVFN, disk), OK);
	drv_probe(&d);
	up();
}

static int setup(void **state)
{
	for (unsigned i = 0; i < sizeof(module); i++)
		module[i] = (u8)(i / 512 + i);
	fake_reset();
	ram = ramdisk_new(module, sizeof(module), false, "serial-1");
	start(ram);
	return 0;
}

static int teardown(void **state)
{
	drv_free(&d);
	ramdisk_free(ram);
	return 0;
}

static void switch_to(struct disk *disk)
{
	drv_free(&d);
	start(disk);
}

static void header(u32 type, u64 sector)
{
	u32 h[2] = { type, 0 };

	memcpy(drv_mem(&d, HDR), h, 8);
	memcpy(drv_mem(&d, HDR + 8), &sector, 8);
	*drv_mem(&d, STATUS) = 0xff;
}

/* One request as Linux lays it out; returns the status byte. */
static u8 request(u32 type, u64 sector, u32 len, bool in, struct vring_used_elem *e)
{
	header(type, sector);
	drv_desc(&d, 0, 0, HDR, 16, NEXT, len ? 1 : 2);
	drv_desc(&d, 0, 1, BUF, len, NEXT | (in ? WRITE : 0), 2);
	drv_desc(&d, 0, 2, STATUS, 1, WRITE, 0);
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	assert_int_equal(drv_used(&d, 0, e), 1);
	return *drv_mem(&d, STATUS);
}

static void the_configuration_tells_size_and_limits(void **state)
{
	assert_int_equal(bus_read(&d.vm.mmio, d.device, 8), SECTORS);
	assert_int_equal(bus_read(&d.vm.mmio, d.device + 12, 4), 126);
	assert_int_equal(bus_read(&d.vm.mmio, d.device + 20, 4), 512);
	assert_int_equal(bus_read(&d.vm.mmio, d.device + 56, 1), 1);
	assert_int_equal(d.dev->features & BIT(5), 0);
	bus_write(&d.vm.mmio, d.device, 8, 1 << 20); /* read only */
	assert_int_equal(bus_read(&d.vm.mmio, d.device, 8), SECTORS);
}

static void what_is_written_is_read_back(void **state)
{
	struct vring_used_elem e;

	assert_int_equal(request(0, 5, 4096, true, &e), 0);
	assert_int_equal(e.len, 4097);
	assert_memory_equal(drv_mem(&d, BUF), module + 5 * 512, 4096);
	memset(drv_mem(&d, BUF), 0x77, 1024);
	assert_int_equal(request(1, 6, 1024, false, &e), 0);
	assert_int_equal(e.len, 1);
	assert_int_equal(request(4, 0, 0, false, &e), 0);
	assert_int_equal(request(0, 5, 2048, true, &e), 0);
	assert_memory_equal(drv_mem(&d, BUF), module + 5 * 512, 512);
	assert_int_equal(*drv_mem(&d, BUF + 512), 0x77);
	assert_int_equal(*drv_mem(&d, BUF + 1535), 0x77);
	assert_memory_equal(drv_mem(&d, BUF + 1536), module + 8 * 512, 512);
	assert_int_equal(fake.nmsi, 4);
}

static void framing_is_the_drivers_choice(void **state)
{
	header(0, 1);
	drv_desc(&d, 0, 4, HDR, 7, NEXT, 5);
	drv_desc(&d, 0, 5, HDR + 7, 9, NEXT, 6);
	drv_desc(&d, 0, 6, BUF, 100, NEXT | WRITE, 7);
	drv_desc(&d, 0, 7, BUF + 100, 413, WRITE, 0); /* data and status in one */
	drv_avail(&d, 0, 4);
	drv_kick(&d, 0);
	assert_int_equal(drv_used(&d, 0, NULL), 1);
	assert_memory_equal(drv_mem(&d, BUF), module + 512, 512);
	assert_int_equal(*drv_mem(&d, BUF + 512), 0);

	header(1, 1);
	memset(drv_mem(&d, HDR + 16), 0xcc, 512);
	drv_desc(&d, 0, 4, HDR, 16 + 512, NEXT, 5); /* header and data in one: the status byte lies in it, too */
	drv_desc(&d, 0, 5, BUF + 0x800, 1, WRITE, 0);
	drv_avail(&d, 0, 4);
	drv_kick(&d, 0);
	assert_int_equal(drv_used(&d, 0, NULL), 1);
	assert_int_equal(*drv_mem(&d, BUF + 0x800), 0);
	assert_int_equal(request(0, 1, 512, true, NULL), 0);
	assert_int_equal(*drv_mem(&d, BUF + 511), 0xcc);
}

static void errors_have_their_status(void **state)
{
	assert_int_equal(request(0, SECTORS, 512, true, NULL), 1);
	assert_int_equal(request(0, SECTORS - 1, 1024, true, NULL), 1);
	assert_int_equal(request(1, ~0ULL, 512, false, NULL), 1);
	assert_int_equal(request(0, 0, 511, true, NULL), 1);
	assert_int_equal(request(0, 0, 0, true, NULL), 1);
	assert_int_equal(request(99, 0, 512, true, NULL), 2);
	assert_int_equal(request(0xffffffff, 0, 0, true, NULL), 2);
	fake.no_memory = true;
	assert_int_equal(request(1, 0, 512, false, NULL), 1);
	fake.no_memory = false;
	ram->readonly = true;
	assert_int_equal(request(1, 0, 512, false, NULL), 1);
	assert_int_equal(request(0, 0, 512, true, NULL), 0);
}

static void the_serial_number_is_given(void **state)
{
	struct vring_used_elem e;

	memset(drv_mem(&d, BUF), 0xff, 21);
	assert_int_equal(request(8, 0, 20, true, &e), 0);
	assert_int_equal(e.len, 21);
	assert_memory_equal(drv_mem(&d, BUF), "serial-1\0\0\0\0\0\0\0\0\0\0\0\0", 20);
	assert_int_equal(*drv_mem(&d, BUF + 20), 0xff);
	assert_int_equal(request(8, 0, 3, true, &e), 0);
	assert_int_equal(request(8, 0, 0, true, &e), 0);
	switch_to(&slow);
	assert_int_equal(request(8, 0, 20, true, &e), 0);
	assert_memory_equal(drv_mem(&d, BUF), "12345678901234567890", 20);
}

static u8 range(u32 type, u64 sector, u32 n, u32 flags, u32 len)
{
	memcpy(drv_mem(&d, BUF), &sector, 8);
	memcpy(drv_mem(&d, BUF + 8), &n, 4);
	memcpy(drv_mem(&d, BUF + 12), &flags, 4);
	return request(type, 0, len, false, NULL);
}

static void discard_and_zeroes(void **state)
{
	assert_int_equal(range(13, 9, 2, 1, 16), 0);
	assert_int_equal(request(0, 8, 2048, true, NULL), 0);
	assert_memory_equal(drv_mem(&d, BUF), module + 8 * 512, 512);
	for (unsigned i = 512; i < 1536; i++)
		assert_int_equal(*drv_mem(&d, BUF + i), 0);
	assert_memory_equal(drv_mem(&d, BUF + 1536), module + 11 * 512, 512);
	assert_int_equal(range(11, 0, 8, 0, 16), 0);
	assert_int_equal(range(11, 0, 8, 1, 16), 2); /* unmap is reserved there */
	assert_int_equal(range(13, 0, 8, 2, 16), 2);
	assert_int_equal(range(11, 0, 8, 0, 32), 2);
	assert_int_equal(range(11, 0, 8, 0, 15), 2);
	assert_int_equal(range(11, SECTORS - 1, 2, 0, 16), 1);
	assert_int_equal(range(13, ~0ULL, 0xffffffff, 0, 16), 1);
	assert_int_equal(range(13, 0, 0x8001, 0, 16), 1);
}

static void a_chain_without_header_or_status_breaks_the_device(void **state)
{
	drv_desc(&d, 0, 0, HDR, 15, NEXT, 1);
	drv_desc(&d, 0, 1, BUF, 512, WRITE, 0);
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	assert_true(d.dev->broken);
	up();
	drv_desc(&d, 0, 0, HDR, 16, 0, 0);
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	assert_true(d.dev->broken);
	up();
	drv_desc(&d, 0, 0, BUF, 512, WRITE, 0);
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	assert_true(d.dev->broken);
	up();
	assert_int_equal(request(0, 0, 512, true, NULL), 0);
}

/* Put @n reads with three descriptors each into the ring. */
static void reads(unsigned n)
{
	header(0, 0);
	for (unsigned i = 0; i < n; i++) {
		drv_desc(&d, 0, 3 * i, HDR, 16, NEXT, 3 * i + 1);
		drv_desc(&d, 0, 3 * i + 1, BUF + 512 * i, 512, WRITE | NEXT, 3 * i + 2);
		drv_desc(&d, 0, 3 * i + 2, STATUS + i, 1, WRITE, 0);
		*drv_mem(&d, STATUS + i) = 0xff;
		drv_avail(&d, 0, 3 * i);
	}
}

static void completions_come_in_any_order(void **state)
{
	struct vring_used_elem e;

	switch_to(&slow);
	reads(4);
	drv_kick(&d, 0);
	assert_int_equal(nheld, 4);
	assert_int_equal(fake.nmsi, 0);
	held[2]->done(held[2], OK);
	assert_int_equal(drv_used(&d, 0, &e), 1);
	assert_int_equal(e.id, 6);
	assert_int_equal(fake.nmsi, 1);
	held[0]->done(held[0], ERR_IO);
	held[3]->done(held[3], ERR_UNSUPPORTED);
	held[1]->done(held[1], OK);
	assert_int_equal(drv_used(&d, 0, &e), 3);
	assert_int_equal(e.id, 3);
	assert_memory_equal(drv_mem(&d, STATUS), "\1\0\0\2", 4);
}

static void a_head_in_flight_cannot_come_again(void **state)
{
	switch_to(&slow);
	reads(1);
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	assert_int_equal(nheld, 1);
	assert_true(d.dev->broken);
	held[0]->done(held[0], OK);
	assert_int_equal(drv_used(&d, 0, NULL), 0);
	up();
	assert_int_equal(d.dev->inflight, 0);
}

static void a_reset_waits_for_what_is_in_flight_and_forgets_it(void **state)
{
	switch_to(&slow);
	reads(2);
	drv_kick(&d, 0);
	drv_wr(&d, 0x14, 1, 0);
	assert_int_not_equal(drv_status(&d), 0);
	held[1]->done(held[1], OK);
	assert_int_not_equal(drv_status(&d), 0);
	held[0]->done(held[0], OK);
	assert_int_equal(drv_status(&d), 0);
	assert_int_equal(*drv_mem(&d, STATUS), 0xff);
	assert_int_equal(drv_used(&d, 0, NULL), 0);
	assert_int_equal(fake.nmsi, 0);
	up();
	nheld = 0;
	reads(1);
	drv_kick(&d, 0);
	held[0]->done(held[0], OK);
	assert_int_equal(drv_used(&d, 0, NULL), 1);
}

static void a_kick_takes_a_bounded_amount_at_a_time(void **state)
{
	switch_to(&slow);
	header(4, 0);
	for (unsigned i = 0; i < N; i++) { /* one descriptor holds header, another the status: share them */
		drv_desc(&d, 0, i, HDR, 16, NEXT, 127);
		drv_desc(&d, 0, 127, STATUS, 1, WRITE, 0);
		if (i < 127)
			drv_avail(&d, 0, (u16)i);
	}
	drv_kick(&d, 0);
	assert_int_equal(nheld, VQ_BUDGET);
	assert_int_equal(fake_run_work(), 1);
	assert_int_equal(nheld, 127);
	while (nheld-- > 0)
		held[nheld]->done(held[nheld], OK);
}

static void a_request_larger_than_the_limits_is_an_error(void **state)
{
	struct vring_desc t[129];
	unsigned i;

	drv_negotiate(&d, VIRTIO_F_INDIRECT_DESC);
	drv_queue(&d, 0, N, 1);
	drv_ok(&d);
	header(0, 0);
	t[0] = (struct vring_desc){ HDR, 16, NEXT, 1 };
	for (i = 1; i < 128; i++)
		t[i] = (struct vring_desc){ 0x20000, 0x20000, NEXT | WRITE, (u16)(i + 1) };
	t[i] = (struct vring_desc){ STATUS, 1, WRITE, 0 };
	memcpy(drv_mem(&d, BUF), t, sizeof(t));
	drv_desc(&d, 0, 0, BUF, sizeof(t), VRING_DESC_INDIRECT, 0);
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	assert_int_equal(*drv_mem(&d, STATUS), 1);
	assert_false(d.dev->broken);
}

static void random_requests_do_no_harm(void **state)
{
	u32 x = 99;

	for (unsigned i = 0; i < 20000; i++) {
		u16 head;

		if (d.dev->broken || i % 64 == 0)
			up();
		for (unsigned n = 0; n < 4; n++) {
			x = x * 1664525 + 1013904223;
			drv_desc(&d, 0, x >> 8 & 7, DRV_DATA + (x >> 11 & 0xfff),
				 x >> 23 & 1 ? 16 : 1 + (x >> 12 & 0x7ff), x >> 24 & 3, x >> 27 & 7);
		}
		x = x * 1664525 + 1013904223;
		head = x >> 8 & 7;
		header(x >> 12 & 15, x >> 16 & 127);
		drv_avail(&d, 0, head);
		drv_kick(&d, 0);
		fake_run_work();
	}
	up();
	assert_int_equal(request(0, 0, 512, true, NULL), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_configuration_tells_size_and_limits),
		T(what_is_written_is_read_back),
		T(framing_is_the_drivers_choice),
		T(errors_have_their_status),
		T(the_serial_number_is_given),
		T(discard_and_zeroes),
		T(a_chain_without_header_or_status_breaks_the_device),
		T(completions_come_in_any_order),
		T(a_head_in_flight_cannot_come_again),
		T(a_reset_waits_for_what_is_in_flight_and_forgets_it),
		T(a_kick_takes_a_bounded_amount_at_a_time),
		T(a_request_larger_than_the_limits_is_an_error),
		T(random_requests_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
