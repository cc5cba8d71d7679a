/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_virtio.c: rings and PCI transport, against honest and hostile drivers.
 * LINK: guest/vmm/virtio.c guest/vmm/virtio_pci.c guest/vmm/pci.c guest/vmm/pci_msix.c guest/vmm/pci_root.c
 * LINK: guest/vmm/bus.c guest/vmm/mem.c tests/unit/fake_virtio.c tests/unit/fake_rt.c
 */
#include "guest/vmm/virtio.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_virtio.h"
#include "guest/vmm/pci_regs.h"

#define N	 8 /* queue size used here */
#define NEXT	 VRING_DESC_NEXT
#define WRITE	 VRING_DESC_WRITE
#define INDIRECT VRING_DESC_INDIRECT

static struct drv d;
static struct virtio dev;
static struct vq_chain chain; /* the last that was taken */
static unsigned npop, nkick, nreset, nready;
static status_t last;
static bool take; /* kick takes and gives back */

static void t_kick(struct virtio *v, unsigned q)
{
	nkick++;
	while (take && npop < 100000 && (last = vq_pop(&v->vq[q], &chain)) == OK) {
		npop++;
		vq_push(&v->vq[q], chain.head, (u32)chain.write_len);
	}
	vq_notify(&v->vq[q]);
}

static void t_reset(struct virtio *v)
{
	nreset++;
}

static void t_ready(struct virtio *v)
{
	nready++;
}

static u8 devcfg[64];
static u32 t_cfg_read(struct virtio *v, unsigned off, unsigned size)
{
	u32 r = 0;

	if (off + size <= sizeof(devcfg))
		memcpy(&r, devcfg + off, size);
	return r;
}

static void t_cfg_write(struct virtio *v, unsigned off, unsigned size, u32 value)
{
	if (off + size <= sizeof(devcfg))
		memcpy(devcfg + off, &value, size);
}

static const struct virtio_ops ops = { t_kick, t_reset, t_ready, t_cfg_read, t_cfg_write };

static void start(bool ports)
{
	npop = nkick = nreset = nready = 0;
	take = true;
	last = OK;
	memset(devcfg, 0, sizeof(devcfg));
	drv_init(&d, ports);
	assert_int_equal(virtio_init(&dev, &d.vm, &d.root, DRV_DEVFN, "thing", 9, 0x5, 2, 64, &ops), OK);
	drv_probe(&d);
}

static int setup(void **state)
{
	start(true);
	return 0;
}

static int teardown(void **state)
{
	d.dev = NULL; /* static here */
	drv_free(&d);
	return 0;
}

static void up(u64 features)
{
	assert_true(drv_negotiate(&d, features));
	drv_msix_on(&d, 3);
	drv_queue(&d, 0, N, 1);
	drv_queue(&d, 1, N, 2);
	drv_ok(&d);
	nkick = 0;
}

static void broken(void)
{
	assert_int_equal(last, ERR_FORMAT);
	assert_int_equal(drv_status(&d) & VIRTIO_NEEDS_RESET, VIRTIO_NEEDS_RESET);
	assert_int_equal(fake.msi[fake.nmsi - 1].data, 0x40); /* the configuration vector */
	/* Nothing happens until a reset, then all is well again. */
	npop = 0;
	drv_kick(&d, 0);
	assert_int_equal(npop, 0);
	up(VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX);
	assert_int_equal(drv_status(&d), 15);
	drv_desc(&d, 0, 0, DRV_DATA, 16, 0, 0);
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	assert_int_equal(npop, 1);
}

static void linux_finds_what_it_needs(void **state)
{
	assert_int_equal(drv_cfg(&d, 0, 4), 0x10491af4);
	assert_true(d.common && d.isr && d.device && d.notify);
	assert_true(d.notify_port);
	assert_int_equal(d.stride, 4);
	assert_int_equal(drv_rd(&d, 0x12, 2), 2);
	assert_int_equal(drv_rd(&d, 0x18, 2), 64);
	drv_wr(&d, 0x16, 2, 2); /* no such queue: size 0 */
	assert_int_equal(drv_rd(&d, 0x18, 2), 0);
	drv_wr(&d, 0x00, 4, 1);
	assert_int_equal(drv_rd(&d, 0x04, 4) & 1, 1);
	drv_wr(&d, 0x00, 4, 0);
	assert_int_equal(drv_rd(&d, 0x04, 4), 0x30000005);
	drv_wr(&d, 0x00, 4, 2);
	assert_int_equal(drv_rd(&d, 0x04, 4), 0);
	bus_write(&d.vm.mmio, d.device + 8, 4, 0x11223344);
	assert_int_equal(bus_read(&d.vm.mmio, d.device + 9, 1), 0x33);
	assert_int_equal(bus_read(&d.vm.mmio, d.device + 4, 8), 0x1122334400000000);
	assert_int_equal(bus_read(&d.vm.mmio, d.device + 0xffe, 2), 0);
}

static void features_are_checked(void **state)
{
	assert_true(drv_negotiate(&d, 0x5));
	assert_int_equal(dev.driver_features, VIRTIO_F_VERSION_1 | 5);
	drv_wr(&d, 0x0c, 4, 0); /* too late */
	assert_int_equal(dev.driver_features, VIRTIO_F_VERSION_1 | 5);
	assert_false(drv_negotiate(&d, 0x7));
	assert_false(drv_negotiate(&d, BIT(50)));
	drv_wr(&d, 0x14, 1, 0);
	drv_wr(&d, 0x08, 4, 0);
	drv_wr(&d, 0x0c, 4, 5);
	drv_wr(&d, 0x14, 1, 11); /* without VERSION_1 */
	assert_int_equal(drv_status(&d), 3);
	drv_wr(&d, 0x14, 1, 15); /* DRIVER_OK without FEATURES_OK */
	assert_int_equal(drv_status(&d), 3);
	assert_int_equal(nready, 0);
}

static void a_chain_arrives_and_goes_back(void **state)
{
	struct vring_used_elem e;
	u8 buf[64];

	up(0);
	assert_int_equal(nready, 1);
	memcpy(drv_mem(&d, DRV_DATA), "hello, world", 12);
	drv_desc(&d, 0, 3, DRV_DATA, 5, NEXT, 1);
	drv_desc(&d, 0, 1, DRV_DATA + 5, 7, NEXT, 6);
	drv_desc(&d, 0, 6, DRV_DATA + 0x100, 0, NEXT, 2); /* empty */
	drv_desc(&d, 0, 2, DRV_DATA + 0x100, 3, NEXT | WRITE, 7);
	drv_desc(&d, 0, 7, DRV_DATA + 0x200, 9, WRITE, 0);
	drv_avail(&d, 0, 3);
	drv_kick(&d, 0);
	assert_int_equal(npop, 1);
	assert_int_equal(chain.head, 3);
	assert_int_equal(chain.nread, 2);
	assert_int_equal(chain.nwrite, 2);
	assert_int_equal(vq_copy_out(&chain, 3, buf, sizeof(buf)), 9);
	assert_memory_equal(buf, "lo, world", 9);
	assert_int_equal(vq_copy_out(&chain, 12, buf, 1), 0);
	assert_int_equal(vq_copy_in(&chain, 2, "abcdefghijklmnop", 16), 10);
	assert_int_equal(*drv_mem(&d, DRV_DATA + 0x102), 'a');
	assert_int_equal(*drv_mem(&d, DRV_DATA + 0x200), 'b');
	assert_int_equal(*drv_mem(&d, DRV_DATA + 0x209), 0);
	assert_int_equal(drv_used(&d, 0, &e), 1);
	assert_int_equal(e.id, 3);
	assert_int_equal(e.len, 12);
	assert_int_equal(fake.nmsi, 1);
	assert_int_equal(fake.msi[0].data, 0x41);
}

static void indices_wrap(void **state)
{
	struct vring_used_elem e;
	u64 features[2] = { 0, VIRTIO_F_EVENT_IDX };

	for (unsigned f = 0; f < 2; f++) {
		up(features[f]);
		for (unsigned i = 0; i < 70000; i++) {
			drv_desc(&d, 0, i % N, DRV_DATA, 8, 0, 0);
			drv_avail(&d, 0, i % N);
			drv_kick(&d, 0);
			assert_int_equal(drv_used(&d, 0, &e), 1);
			assert_int_equal(e.id, i % N);
		}
		npop = 0;
	}
}

static void indirect_tables_work(void **state)
{
	struct vring_desc t[3] = { { DRV_DATA, 4, NEXT, 2 }, { 0 }, { DRV_DATA + 8, 4, WRITE, 0 } };

	up(VIRTIO_F_INDIRECT_DESC);
	memcpy(drv_mem(&d, DRV_DATA + 0x1003), t, sizeof(t)); /* tables need no alignment */
	drv_desc(&d, 0, 5, DRV_DATA + 0x1003, sizeof(t), INDIRECT, 0);
	drv_avail(&d, 0, 5);
	drv_kick(&d, 0);
	assert_int_equal(npop, 1);
	assert_int_equal(chain.read_len, 4);
	assert_int_equal(chain.write_len, 4);
}

static void buffers_over_two_pieces_of_ram_are_cut(void **state)
{
	static u8 more[0x1000];

	up(0);
	d.vm.ram[d.vm.nram++] = (struct vm_ram){ DRV_RAM, sizeof(more), more };
	drv_desc(&d, 0, 0, DRV_RAM - 8, 16, WRITE, 0);
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	d.vm.nram--;
	assert_int_equal(npop, 1);
	assert_int_equal(chain.nwrite, 2);
	assert_ptr_equal(chain.seg[1].base, more);
}

static void flags_suppress_interrupts(void **state)
{
	up(0);
	drv_put16(&d, DRV_QBASE(0) + DRV_AVAIL, 1);
	drv_avail(&d, 0, 0);
	drv_desc(&d, 0, 0, DRV_DATA, 8, 0, 0);
	drv_kick(&d, 0);
	assert_int_equal(npop, 1);
	assert_int_equal(fake.nmsi, 0);
	drv_put16(&d, DRV_QBASE(0) + DRV_AVAIL, 0);
	drv_kick(&d, 0); /* nothing new: no interrupt */
	assert_int_equal(fake.nmsi, 0);
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	assert_int_equal(fake.nmsi, 1);
}

static void event_indices_are_obeyed_both_ways(void **state)
{
	u64 used_event = DRV_QBASE(0) + DRV_AVAIL + 4 + 2 * N, avail_event = DRV_QBASE(0) + DRV_USED + 4 + 8 * N;

	up(VIRTIO_F_EVENT_IDX);
	drv_desc(&d, 0, 0, DRV_DATA, 8, 0, 0);
	drv_put16(&d, used_event, 0);
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	assert_int_equal(fake.nmsi, 1);
	assert_int_equal(drv_get16(&d, avail_event), 1);
	drv_put16(&d, used_event, 2); /* tell me at the third */
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	assert_int_equal(fake.nmsi, 1);
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	assert_int_equal(fake.nmsi, 2);
	assert_int_equal(drv_get16(&d, avail_event), 3);
}

static void notifications_can_be_asked_for_and_not(void **state)
{
	struct vq *q = &dev.vq[0];

	take = false;
	up(0);
	assert_false(vq_enable_notify(q, false));
	assert_int_equal(drv_get16(&d, DRV_QBASE(0) + DRV_USED), 1);
	assert_false(vq_enable_notify(q, true));
	assert_int_equal(drv_get16(&d, DRV_QBASE(0) + DRV_USED), 0);
	drv_avail(&d, 0, 0);
	assert_true(vq_enable_notify(q, true));
}

static void without_msix_the_isr_and_the_pin_are_used(void **state)
{
	unsigned line = d.root.intx_gsi(DRV_DEVFN >> 3, 1);

	drv_negotiate(&d, 0);
	drv_queue(&d, 0, N, 0xffff);
	drv_ok(&d);
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	assert_true(fake.gsi_level[line]);
	assert_int_equal(bus_read(&d.vm.mmio, d.isr, 1), 1);
	assert_false(fake.gsi_level[line]);
	assert_int_equal(bus_read(&d.vm.mmio, d.isr, 1), 0);
	virtio_config_changed(&dev);
	assert_int_equal(drv_rd(&d, 0x15, 1), 1);
	assert_int_equal(bus_read(&d.vm.mmio, d.isr, 1), 2);
	assert_int_equal(fake.nmsi, 0);
}

static void vectors_that_do_not_exist_read_back_as_none(void **state)
{
	up(0);
	drv_wr(&d, 0x10, 2, 3);
	assert_int_equal(drv_rd(&d, 0x10, 2), 0xffff);
	drv_wr(&d, 0x16, 2, 1);
	assert_int_equal(drv_rd(&d, 0x1a, 2), 2);
	drv_wr(&d, 0x1a, 2, 0x100);
	assert_int_equal(drv_rd(&d, 0x1a, 2), 0xffff);
}

/* The last doorbell call that had @flags for queue @q; NULL: none. */
static struct fake_call *doorbell(unsigned q, u64 flags)
{
	for (unsigned i = MIN(fake.ncall, FAKE_MAX); i-- > 0;) {
		struct fake_call *c = &fake.call[i];

		if (c->nr == HV_VM_DOORBELL && c->c == flags && c->e == (uintptr_t)&dev.vq[q])
			return c;
	}
	return NULL;
}

static void the_doorbell_follows_queue_and_bar(void **state)
{
	u64 on = DOORBELL_PORT, off = DOORBELL_PORT | DOORBELL_REMOVE;

	assert_int_equal(fake.ncall, 0);
	up(0);
	assert_int_equal(fake.ncall, 2);
	assert_int_equal(doorbell(0, on)->a, 7);
	assert_int_equal(doorbell(0, on)->b, d.notify);
	assert_int_equal(doorbell(1, on)->b, d.notify + 4);
	drv_cfg_set(&d, PCI_BAR0 + 8, 4, 0xc800);
	assert_int_equal(fake.ncall, 6);
	assert_int_equal(doorbell(0, off)->b, d.notify);
	assert_int_equal(doorbell(0, on)->b, 0xc800);
	drv_cfg_set(&d, PCI_COMMAND, 2, 2);
	assert_int_equal(fake.ncall, 8);
	assert_int_equal(doorbell(1, off)->b, 0xc804);
	drv_cfg_set(&d, PCI_COMMAND, 2, 3);
	assert_int_equal(fake.ncall, 10);
	drv_wr(&d, 0x14, 1, 0);
	assert_int_equal(fake.ncall, 12);
	vq_doorbell(&dev.vq[0]); /* a late one is harmless */
	assert_int_equal(nkick, 0);
}

static void a_doorbell_that_fails_is_an_ordinary_exit(void **state)
{
	fake.result.status = ERR_FULL;
	up(0);
	assert_false(dev.vq[0].doorbell);
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	assert_int_equal(npop, 1);
	drv_wr(&d, 0x14, 1, 0);
	assert_null(doorbell(0, DOORBELL_PORT | DOORBELL_REMOVE)); /* what was not there is not removed */
}

static void without_ports_the_address_is_in_memory(void **state)
{
	teardown(state);
	start(false);
	up(0);
	assert_false(d.notify_port);
	assert_int_equal(doorbell(1, 0)->b, d.notify + 4);
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	assert_int_equal(npop, 1);
}

static void the_window_in_configuration_space_reaches_the_bars(void **state)
{
	unsigned cap = dev.cfg_cap;

	drv_cfg_set(&d, cap + 4, 1, 0);
	drv_cfg_set(&d, cap + 8, 4, 0x14);
	drv_cfg_set(&d, cap + 12, 4, 1);
	drv_cfg_set(&d, cap + 16, 1, 1);
	assert_int_equal(drv_status(&d), 1);
	assert_int_equal(drv_cfg(&d, cap + 16, 1), 1);
	for (u32 off = 0x3ffe; off < 0x4010; off++) { /* over the end: nothing */
		drv_cfg_set(&d, cap + 8, 4, off);
		drv_cfg_set(&d, cap + 12, 4, 4);
		drv_cfg(&d, cap + 16, 4);
		drv_cfg_set(&d, cap + 16, 4, 0xffffffff);
	}
	drv_cfg_set(&d, cap + 8, 4, 0xfffffffc);
	drv_cfg(&d, cap + 16, 4);
	for (unsigned bar = 0; bar < 256; bar++) {
		drv_cfg_set(&d, cap + 4, 1, bar);
		drv_cfg_set(&d, cap + 8, 4, 0);
		drv_cfg(&d, cap + 16, 4);
	}
	drv_cfg_set(&d, cap + 12, 4, 0);
	drv_cfg(&d, cap + 16, 4);
	assert_int_equal(drv_status(&d), 1);
}

static void queues_that_make_no_sense_break_the_device(void **state)
{
	static const struct {
		u32 size, desc, desc_hi, avail, used;
	} bad[] = {
		{ 0, 0x10000, 0, 0x11000, 0x12000 },	  { 3, 0x10000, 0, 0x11000, 0x12000 },
		{ 128, 0x10000, 0, 0x11000, 0x12000 },	  { 0x8000, 0x10000, 0, 0x11000, 0x12000 },
		{ 8, 0x10008, 0, 0x11000, 0x12000 },	  { 8, 0x10000, 0, 0x11001, 0x12000 },
		{ 8, 0x10000, 0, 0x11000, 0x12002 },	  { 8, 0xffff0, 0, 0x11000, 0x12000 },
		{ 8, 0x10000, 0, DRV_RAM - 16, 0x12000 }, { 8, 0x10000, 0, 0x11000, DRV_RAM - 64 },
		{ 8, 0x10000, 1, 0x11000, 0x12000 },	  { 8, 0xfffffff0, 0xffffffff, 0x11000, 0x12000 },
		{ 8, 0x10000, 0, 0xe0000000, 0x12000 },	  { 8, 0x10000, 0, 0x11000, 0xfffffffc },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_true(drv_negotiate(&d, 0));
		assert_int_equal(drv_rd(&d, 0x18, 2), 64); /* a reset brought the size back */
		drv_wr(&d, 0x18, 2, bad[i].size);
		drv_wr(&d, 0x20, 4, bad[i].desc);
		drv_wr(&d, 0x24, 4, bad[i].desc_hi);
		drv_wr(&d, 0x28, 4, bad[i].avail);
		drv_wr(&d, 0x30, 4, bad[i].used);
		drv_wr(&d, 0x1c, 2, 1);
		assert_int_equal(drv_rd(&d, 0x1c, 2), 0);
		assert_true(drv_status(&d) & VIRTIO_NEEDS_RESET);
		drv_kick(&d, 0);
	}
	assert_int_equal(npop, 0);
	assert_int_equal(dev.complaints, 4); /* and the log is not flooded */
}

static void fields_of_an_enabled_queue_cannot_change(void **state)
{
	up(0);
	drv_wr(&d, 0x16, 2, 0);
	drv_wr(&d, 0x18, 2, 64);
	drv_wr(&d, 0x20, 4, 0xdead0000);
	drv_wr(&d, 0x30, 8, 0);
	drv_wr(&d, 0x1c, 2, 0);
	assert_int_equal(drv_rd(&d, 0x18, 2), N);
	assert_int_equal(drv_rd(&d, 0x20, 4), DRV_QBASE(0));
	assert_int_equal(drv_rd(&d, 0x1c, 2), 1);
	assert_true(dev.vq[0].enabled);
}

static void no_queue_before_features_no_chain_before_driver_ok(void **state)
{
	drv_queue(&d, 0, N, 1);
	assert_false(dev.vq[0].enabled);
	drv_negotiate(&d, 0);
	drv_queue(&d, 0, N, 1);
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	assert_int_equal(npop, 0);
	drv_ok(&d);
	assert_int_equal(npop, 1); /* but it is not lost */
}

/* Hostile chains: each a table of descriptors for queue 0, head 0. */
struct evil {
	const char *name;
	struct vring_desc desc[N];
	bool table; /* put desc into an indirect table of N, too */
};

static const struct evil evil[] = {
	{ "loop on itself", { { DRV_DATA, 1, NEXT, 0 } } },
	{ "loop of empties", { { DRV_DATA, 0, NEXT, 1 }, { DRV_DATA, 0, NEXT, 0 } } },
	{ "next out of range", { { DRV_DATA, 1, NEXT, N } } },
	{ "next far out", { { DRV_DATA, 1, NEXT, 0xffff } } },
	{ "behind RAM", { { DRV_RAM, 1, 0, 0 } } },
	{ "over RAM's end", { { DRV_RAM - 1, 2, 0, 0 } } },
	{ "huge", { { 0, 0xffffffff, WRITE, 0 } } },
	{ "wraps", { { ~0ULL - 3, 0x100, 0, 0 } } },
	{ "device memory", { { DRV_ECAM, 4, WRITE, 0 } } },
	{ "readable behind writable", { { DRV_DATA, 4, NEXT | WRITE, 1 }, { DRV_DATA, 4, 0, 0 } } },
	{ "indirect with next", { { DRV_DATA, 16, INDIRECT | NEXT, 1 }, { DRV_DATA, 4, 0, 0 } } },
	{ "indirect, odd size", { { DRV_DATA, 17, INDIRECT, 0 } } },
	{ "indirect, empty", { { DRV_DATA, 0, INDIRECT, 0 } } },
	{ "indirect, not RAM", { { DRV_ECAM, 16, INDIRECT, 0 } } },
	{ "indirect, over the end", { { DRV_RAM - 16, 32, INDIRECT, 0 } } },
	{ "indirect, huge", { { 0, 0xfffffff0, INDIRECT, 0 } } },
	{ "indirect in indirect", { { DRV_DATA, 16, INDIRECT, 0 } }, true },
	{ "loop in indirect", { { DRV_DATA, 1, NEXT, 1 }, { DRV_DATA, 1, NEXT, 0 } }, true },
	{ "next out of the table", { { DRV_DATA, 1, NEXT, N } }, true },
};

static void hostile_chains_break_only_their_device(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(evil); i++) {
		const struct evil *e = &evil[i];

		up(VIRTIO_F_INDIRECT_DESC);
		npop = 0;
		if (e->table) {
			memcpy(drv_mem(&d, DRV_DATA + 0x8000), e->desc, sizeof(e->desc));
			drv_desc(&d, 0, 0, DRV_DATA + 0x8000, sizeof(e->desc), INDIRECT, 0);
		} else {
			memcpy(drv_mem(&d, DRV_QBASE(0)), e->desc, sizeof(e->desc));
		}
		drv_avail(&d, 0, 0);
		drv_kick(&d, 0);
		if (npop != 0)
			fail_msg("accepted: %s", e->name);
		broken();
	}
}

static void too_many_segments_are_refused(void **state)
{
	up(VIRTIO_F_INDIRECT_DESC);
	for (unsigned i = 0; i < 200; i++) {
		struct vring_desc v = { DRV_DATA, 1, NEXT, (u16)(i + 1) };

		memcpy(drv_mem(&d, DRV_DATA + 0x8000 + 16 * i), &v, 16);
	}
	drv_desc(&d, 0, 0, DRV_DATA + 0x8000, 16 * 201, INDIRECT, 0);
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	broken();
}

static void hostile_indices_break_only_their_device(void **state)
{
	up(0);
	drv_put16(&d, DRV_QBASE(0) + DRV_AVAIL + 2, N + 1);
	drv_kick(&d, 0);
	broken();
	up(0);
	drv_put16(&d, DRV_QBASE(0) + DRV_AVAIL + 2, 0xffff); /* backwards */
	drv_kick(&d, 0);
	broken();
	up(0);
	drv_avail(&d, 0, N);
	drv_kick(&d, 0);
	broken();
	up(0);
	drv_desc(&d, 0, 0, DRV_DATA, 16, INDIRECT, 0); /* not negotiated */
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	broken();
}

static void a_reset_ends_when_nothing_is_in_flight(void **state)
{
	up(0);
	virtio_hold(&dev);
	virtio_hold(&dev);
	drv_wr(&d, 0x14, 1, 0);
	assert_int_equal(nreset, 2);
	assert_int_not_equal(drv_status(&d), 0);
	drv_wr(&d, 0x14, 1, 1); /* too early: ignored */
	drv_queue(&d, 0, N, 1);
	assert_false(dev.vq[0].enabled);
	virtio_release(&dev);
	assert_int_not_equal(drv_status(&d), 0);
	virtio_release(&dev);
	assert_int_equal(drv_status(&d), 0);
	up(0);
}

static u32 seed;
static u32 rnd(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static void random_mutations_do_no_harm(void **state)
{
	for (seed = 1; seed <= 20; seed++) {
		u32 keep = seed;

		up(rnd() & 1 ? VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX : 0);
		for (unsigned i = 0; i < 1000; i++) {
			unsigned q = rnd() & 1;

			npop = 0;
			switch (rnd() % 8) {
			case 0: *drv_mem(&d, DRV_QBASE(q) + rnd() % (16 * N)) = (u8)rnd(); break;
			case 1: *drv_mem(&d, DRV_QBASE(q) + DRV_AVAIL + rnd() % (6 + 2 * N)) = (u8)rnd(); break;
			case 2: *drv_mem(&d, DRV_QBASE(q) + DRV_USED + rnd() % (6 + 8 * N)) = (u8)rnd(); break;
			case 3: drv_wr(&d, rnd() % 0x40, 1u << rnd() % 4, rnd()); break;
			case 4: bus_write(&d.vm.mmio, d.common + rnd() % 0x4000, 1u << rnd() % 4, rnd()); break;
			case 5: drv_cfg_set(&d, rnd() % 0x100, 1u << rnd() % 3, rnd()); break;
			default:
				drv_desc(&d, q, rnd() % N, rnd() % (DRV_RAM + 64), rnd() % 256, rnd() % 8, rnd() % N);
				drv_avail(&d, q, rnd() % N);
				drv_kick(&d, q);
				vq_doorbell(&dev.vq[q]);
				break;
			}
			fake_run_work();
			assert_true(npop <= 2 * N);
			assert_int_equal(d.vm.mmio.n <= 4, true);
		}
		pci_root_reset(&d.root);
		virtio_reset(&dev);
		fake.nmsi = 0;
		seed = keep;
	}
	up(0);
	drv_desc(&d, 0, 0, DRV_DATA, 8, 0, 0);
	npop = 0;
	drv_avail(&d, 0, 0);
	drv_kick(&d, 0);
	assert_int_equal(npop, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(linux_finds_what_it_needs),
		T(features_are_checked),
		T(a_chain_arrives_and_goes_back),
		T(indices_wrap),
		T(indirect_tables_work),
		T(buffers_over_two_pieces_of_ram_are_cut),
		T(flags_suppress_interrupts),
		T(event_indices_are_obeyed_both_ways),
		T(notifications_can_be_asked_for_and_not),
		T(without_msix_the_isr_and_the_pin_are_used),
		T(vectors_that_do_not_exist_read_back_as_none),
		T(the_doorbell_follows_queue_and_bar),
		T(a_doorbell_that_fails_is_an_ordinary_exit),
		T(without_ports_the_address_is_in_memory),
		T(the_window_in_configuration_space_reaches_the_bars),
		T(queues_that_make_no_sense_break_the_device),
		T(fields_of_an_enabled_queue_cannot_change),
		T(no_queue_before_features_no_chain_before_driver_ok),
		T(hostile_chains_break_only_their_device),
		T(too_many_segments_are_refused),
		T(hostile_indices_break_only_their_device),
		T(a_reset_ends_when_nothing_is_in_flight),
		T(random_mutations_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
