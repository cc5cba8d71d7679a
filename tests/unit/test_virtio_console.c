/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_virtio_console.c: the virtio console at a tty, and the entropy device.
 * LINK: guest/vmm/dev/virtio_console.c guest/vmm/dev/virtio_rng.c guest/vmm/virtio.c guest/vmm/virtio_pci.c
 * LINK: guest/vmm/pci.c guest/vmm/pci_msix.c guest/vmm/pci_root.c guest/vmm/bus.c guest/vmm/mem.c
 * LINK: tests/unit/fake_virtio.c tests/unit/fake_rt.c
 */
#include "guest/vmm/virtio.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_virtio.h"

#define N  64
#define RX 0
#define TX 1

static struct drv d;
static struct fake_tty tty;

static void up(void)
{
	assert_true(drv_negotiate(&d, VIRTIO_F_EVENT_IDX));
	drv_msix_on(&d, 3);
	drv_queue(&d, RX, N, 1);
	drv_queue(&d, TX, N, 2);
	drv_ok(&d);
}

static int setup(void **state)
{
	drv_init(&d, true);
	fake_tty_init(&tty);
	assert_int_equal(virtio_console_new(&d.vm, &d.root, DRV_DEVFN, &tty.tty), OK);
	drv_probe(&d);
	return 0;
}

static int teardown(void **state)
{
	drv_free(&d);
	return 0;
}

static void buffer(unsigned i, u32 len)
{
	drv_desc(&d, RX, i, DRV_DATA + 0x1000 + 0x100 * i, len, VRING_DESC_WRITE, 0);
	drv_avail(&d, RX, (u16)i);
}

static void text(unsigned i, const char *s)
{
	memcpy(drv_mem(&d, DRV_DATA + 0x100 * i), s, strlen(s));
	drv_desc(&d, TX, i, DRV_DATA + 0x100 * i, (u32)strlen(s), 0, 0);
	drv_avail(&d, TX, (u16)i);
}

static void output_reaches_the_tty(void **state)
{
	struct vring_used_elem e;

	up();
	text(0, "hello, ");
	text(1, "world\n");
	drv_kick(&d, TX);
	assert_int_equal(tty.nout, 13);
	assert_memory_equal(tty.out, "hello, world\n", 13);
	assert_int_equal(drv_used(&d, TX, &e), 2);
	assert_int_equal(e.id, 1);
	assert_int_equal(e.len, 0);
	assert_int_equal(fake.nmsi, 1);
}

static void output_waits_for_room(void **state)
{
	up();
	tty.space = 3;
	drv_desc(&d, TX, 5, DRV_DATA + 0x800, 2, VRING_DESC_NEXT, 6);
	drv_desc(&d, TX, 6, DRV_DATA + 0x802, 4, 0, 0);
	memcpy(drv_mem(&d, DRV_DATA + 0x800), "abcdef", 6);
	drv_avail(&d, TX, 5);
	text(1, "gh");
	drv_kick(&d, TX);
	assert_int_equal(drv_used(&d, TX, NULL), 0);
	drv_kick(&d, TX); /* again: nothing is written twice */
	fake_tty_room(&tty, 1);
	assert_int_equal(tty.nout, 4);
	fake_tty_room(&tty, 100);
	assert_int_equal(drv_used(&d, TX, NULL), 2);
	assert_memory_equal(tty.out, "abcdefgh", 8);
	fake_tty_room(&tty, 100);
	assert_int_equal(tty.nout, 8);
}

static void a_reset_drops_output_that_waits(void **state)
{
	up();
	tty.space = 1;
	text(0, "abc");
	drv_kick(&d, TX);
	drv_wr(&d, 0x14, 1, 0);
	fake_tty_room(&tty, 100);
	assert_int_equal(tty.nout, 1);
	up();
	text(0, "xyz");
	drv_kick(&d, TX);
	assert_memory_equal(tty.out, "axyz", 4);
}

static void input_fills_the_buffers(void **state)
{
	struct vring_used_elem e;

	up();
	buffer(0, 4);
	buffer(1, 16);
	drv_kick(&d, RX);
	assert_int_equal(fake_tty_input(&tty, "abcdefg"), 7);
	assert_int_equal(drv_used(&d, RX, &e), 2);
	assert_int_equal(e.id, 1);
	assert_int_equal(e.len, 3);
	assert_memory_equal(drv_mem(&d, DRV_DATA + 0x1000), "abcd", 4);
	assert_memory_equal(drv_mem(&d, DRV_DATA + 0x1100), "efg", 3);
	assert_int_equal(fake.nmsi, 1);
	assert_int_equal(fake.msi[0].data, 0x41);
}

static void input_waits_for_buffers(void **state)
{
	assert_int_equal(fake_tty_input(&tty, "x"), 0); /* no driver yet */
	up();
	assert_int_equal(fake_tty_input(&tty, "abc"), 0);
	buffer(0, 2);
	drv_kick(&d, RX);
	assert_int_equal(tty.nin, 2);
	buffer(1, 3);
	drv_kick(&d, RX);
	assert_int_equal(tty.nin, 0);
	assert_memory_equal(drv_mem(&d, DRV_DATA + 0x1000), "xa", 2);
	assert_memory_equal(drv_mem(&d, DRV_DATA + 0x1100), "bc", 2);
	buffer(2, 3);
	drv_kick(&d, RX); /* there is nothing */
	assert_int_equal(drv_used(&d, RX, NULL), 2);
	assert_int_equal(fake_tty_input(&tty, "d"), 1);
	assert_int_equal(drv_used(&d, RX, NULL), 1);
}

static void hostile_buffers_end_input_not_us(void **state)
{
	up();
	for (unsigned i = 0; i < N; i++) /* none has room */
		buffer(i, 0);
	assert_int_equal(fake_tty_input(&tty, "abc"), 0);
	fake_run_work();
	assert_int_equal(drv_used(&d, RX, NULL), N);
	drv_desc(&d, RX, 0, DRV_RAM, 16, VRING_DESC_WRITE, 0);
	drv_avail(&d, RX, 0);
	assert_int_equal(fake_tty_input(&tty, "abc"), 0);
	assert_true(d.dev->broken);
	text(0, "lost");
	drv_kick(&d, TX);
	fake_tty_room(&tty, 1);
	assert_int_equal(tty.nout, 0);
	up();
	text(0, "back");
	drv_kick(&d, TX);
	assert_int_equal(tty.nout, 4);
}

static void the_size_reads_as_unknown(void **state)
{
	assert_int_equal(bus_read(&d.vm.mmio, d.device, 8), 0);
}

static int rng_setup(void **state)
{
	drv_init(&d, true);
	assert_int_equal(virtio_rng_new(&d.vm, &d.root, DRV_DEVFN), OK);
	drv_probe(&d);
	assert_true(drv_negotiate(&d, 0));
	drv_msix_on(&d, 2);
	drv_queue(&d, 0, 16, 1);
	drv_ok(&d);
	return 0;
}

static void entropy_is_given_in_bounded_amounts(void **state)
{
	struct vring_used_elem e;

	assert_int_equal(d.device, 0); /* it has no configuration */
	drv_desc(&d, 0, 0, DRV_DATA, 64, VRING_DESC_WRITE, 0);
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	assert_int_equal(drv_used(&d, 0, &e), 1);
	assert_int_equal(e.len, 64);
	assert_int_equal(*drv_mem(&d, DRV_DATA + 63), 0xa5);
	assert_int_equal(*drv_mem(&d, DRV_DATA + 64), 0);
	drv_desc(&d, 0, 1, DRV_DATA, 500, VRING_DESC_WRITE | VRING_DESC_NEXT, 2);
	drv_desc(&d, 0, 2, DRV_DATA + 0x1000, 0x10000, VRING_DESC_WRITE, 0);
	drv_avail(&d, 0, 1);
	drv_desc(&d, 0, 3, DRV_DATA, 5, 0, 0); /* nothing to write to */
	drv_avail(&d, 0, 3);
	drv_kick(&d, 0);
	assert_int_equal(drv_used(&d, 0, &e), 2);
	assert_int_equal(e.len, 0);
	assert_int_equal(*drv_mem(&d, DRV_DATA + 0x1000 + 11), 0xa5);
	assert_int_equal(*drv_mem(&d, DRV_DATA + 0x1000 + 12), 0);
	for (unsigned i = 0; i < 16; i++)
		drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	assert_int_equal(drv_used(&d, 0, &e), 8);
	fake_run_work();
	assert_int_equal(drv_used(&d, 0, &e), 8);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(output_reaches_the_tty),
		T(output_waits_for_room),
		T(a_reset_drops_output_that_waits),
		T(input_fills_the_buffers),
		T(input_waits_for_buffers),
		T(hostile_buffers_end_input_not_us),
		T(the_size_reads_as_unknown),
		cmocka_unit_test_setup_teardown(entropy_is_given_in_bounded_amounts, rng_setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
