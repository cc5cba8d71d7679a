/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/virtio_pci.c: virtio over PCI (virtio 1.2, 4.1): capabilities, common configuration, ISR, doorbells. */
#include "guest/vmm/pci_regs.h"
#include "guest/vmm/virtio.h"
#include "guest/vmm/virtio_regs.h"

#define VIRTIO_VENDOR	 0x1af4u
#define VIRTIO_DEVICE	 0x1040u /* plus the device type */
#define VIRTIO_SUBDEVICE 0x40u
#define VIRTIO_REVISION	 1

/* BARs, and the places in the first */
#define BAR_MMIO      0
#define BAR_MSIX      1
#define BAR_PORTS     2
#define MMIO_SIZE     0x4000u
#define MMIO_COMMON   0x0000u
#define MMIO_ISR      0x1000u
#define MMIO_DEVICE   0x2000u
#define MMIO_NOTIFY   0x3000u
#define MMIO_PART     0x1000u
#define COMMON_LEN    0x3cu
#define DEVICE_LEN    0x100u
#define NOTIFY_STRIDE 4u
#define NOTIFY_LEN    (VQ_MAX * NOTIFY_STRIDE)

/* cfg_type of a capability (4.1.4) */
#define CAP_COMMON  1
#define CAP_NOTIFY  2
#define CAP_ISR	    3
#define CAP_DEVICE  4
#define CAP_PCI_CFG 5
/* and its fields */
#define CAP_LEN	    2
#define CAP_TYPE    3
#define CAP_BAR	    4
#define CAP_OFFSET  8
#define CAP_LENGTH  12
#define CAP_SIZE    16
#define CAP_EXTRA   16 /* notify_off_multiplier, pci_cfg_data */
#define CAP_EXTRA_N 4

/* struct virtio_pci_common_cfg (4.1.4.3) */
enum common {
	C_DEVICE_FEATURE_SELECT = 0x00,
	C_DEVICE_FEATURE = 0x04,
	C_DRIVER_FEATURE_SELECT = 0x08,
	C_DRIVER_FEATURE = 0x0c,
	C_CONFIG_MSIX_VECTOR = 0x10,
	C_NUM_QUEUES = 0x12,
	C_DEVICE_STATUS = 0x14,
	C_CONFIG_GENERATION = 0x15,
	C_QUEUE_SELECT = 0x16,
	C_QUEUE_SIZE = 0x18,
	C_QUEUE_MSIX_VECTOR = 0x1a,
	C_QUEUE_ENABLE = 0x1c,
	C_QUEUE_NOTIFY_OFF = 0x1e,
	C_QUEUE_DESC = 0x20,
	C_QUEUE_DRIVER = 0x28,
	C_QUEUE_DEVICE = 0x30,
};

static struct virtio *vpci_dev(struct pci_dev *d)
{
	return container_of(d, struct virtio, pci);
}

void virtio_interrupt(struct virtio *v, u16 vector, u8 isr)
{
	if (pci_msix_on(&v->pci)) {
		if (vector != VIRTIO_NO_VECTOR)
			pci_msix_raise(&v->pci, vector);
		return;
	}
	v->isr |= isr;
	pci_intx(&v->pci, true);
}

void virtio_config_changed(struct virtio *v)
{
	v->generation++;
	if (v->status & VIRTIO_DRIVER_OK)
		virtio_interrupt(v, v->config_vector, VIRTIO_ISR_CONFIG);
}

/* --- doorbells ------------------------------------------------------------------------------------ */

/* Machines with ports take notifications there: an OUT is cheaper to tell from others than a page fault. */
static unsigned vpci_notify_bar(const struct virtio *v)
{
	return v->pci.bar[BAR_PORTS].size != 0 ? BAR_PORTS : BAR_MMIO;
}

/* Make the hypervisor ring @q where its notify address lies now, if it has one. */
static void vpci_doorbell(struct vq *q)
{
	struct virtio *v = q->dev;
	const struct pci_bar *bar = &v->pci.bar[vpci_notify_bar(v)];
	unsigned flags = (bar->io ? DOORBELL_PORT : 0) | DOORBELL_SIZE(0);
	u64 addr = bar->region.base + (bar->io ? 0 : MMIO_NOTIFY) + q->index * NOTIFY_STRIDE;
	bool want = bar->mapped && q->enabled;

	if (q->doorbell && (!want || addr != q->doorbell_addr)) {
		/* A stale doorbell is harmless: vq_doorbell looks whether the queue lives. */
		(void)!hv_vm_doorbell(v->pci.vm->id, q->doorbell_addr, flags | DOORBELL_REMOVE, 0, q);
		q->doorbell = false;
	}
	if (want && !q->doorbell) {
		q->doorbell_addr = addr;
		q->doorbell = hv_vm_doorbell(v->pci.vm->id, addr, flags, 0, q) == OK;
	}
}

static void vpci_bar_moved(struct pci_dev *d, unsigned n, bool mapped)
{
	struct virtio *v = vpci_dev(d);
	unsigned i;

	if (n != vpci_notify_bar(v))
		return;
	for (i = 0; i < v->nvq; i++)
		vpci_doorbell(&v->vq[i]);
}

/* --- life of the device --------------------------------------------------------------------------- */

static void vpci_queue_reset(struct vq *q)
{
	q->enabled = false;
	vpci_doorbell(q);
	q->size = q->size_max;
	q->vector = VIRTIO_NO_VECTOR;
	q->desc = q->avail = q->used = 0;
	q->desc_mem = q->avail_mem = q->used_mem = NULL;
	q->last_avail = q->used_idx = q->signalled = 0;
	q->signalled_valid = false;
	q->quiet = false;
}

/* Last step of a reset: the driver reads status 0. */
static void vpci_reset_done(struct virtio *v)
{
	v->resetting = false;
	v->status = 0;
}

static void vpci_reset(struct virtio *v)
{
	unsigned i;

	v->resetting = true;
	if (v->ops->reset)
		v->ops->reset(v);
	for (i = 0; i < v->nvq; i++)
		vpci_queue_reset(&v->vq[i]);
	v->driver_features = 0;
	v->feature_select = v->driver_feature_select = 0;
	v->queue_select = 0;
	v->config_vector = VIRTIO_NO_VECTOR;
	v->broken = false;
	v->again = 0;
	v->isr = 0;
	pci_intx(&v->pci, false);
	if (v->inflight == 0)
		vpci_reset_done(v);
}

void virtio_reset(struct virtio *v)
{
	lock_take(&v->pci.lock);
	vpci_reset(v);
	lock_drop(&v->pci.lock);
}

void virtio_hold(struct virtio *v)
{
	v->inflight++;
}

void virtio_release(struct virtio *v)
{
	ASSERT(v->inflight > 0);
	if (--v->inflight == 0 && v->resetting)
		vpci_reset_done(v);
}

static void vpci_work(struct work *w)
{
	struct virtio *v = container_of(w, struct virtio, work);
	unsigned i;
	u32 again;

	lock_take(&v->pci.lock);
	again = v->again;
	v->again = 0;
	for (i = 0; i < v->nvq; i++) {
		if (again >> i & 1)
			vq_kick(&v->vq[i]);
	}
	lock_drop(&v->pci.lock);
}

static void vpci_set_status(struct virtio *v, u8 status)
{
	u8 new = status &(u8)~v->status;
	unsigned i;

	if (v->resetting)
		return;
	if (status == 0) {
		vpci_reset(v);
		return;
	}
	/* 3.1.1: a set of features without VERSION_1, or with one that was not offered, does not stick. */
	if ((new &VIRTIO_FEATURES_OK) &&
	    ((v->driver_features & ~v->features) != 0 || !(v->driver_features & VIRTIO_F_VERSION_1)))
		new &= (u8)~VIRTIO_FEATURES_OK;
	if (!((v->status | new) & VIRTIO_FEATURES_OK))
		new &= (u8)~VIRTIO_DRIVER_OK;
	v->status |= new &(u8)~VIRTIO_NEEDS_RESET;
	if (!(new &VIRTIO_DRIVER_OK))
		return;
	if (v->ops->ready)
		v->ops->ready(v);
	for (i = 0; i < v->nvq; i++) /* for drivers that notified too early */
		if (v->vq[i].enabled)
			vq_again(&v->vq[i]);
}

static void vpci_queue_enable(struct vq *q)
{
	struct virtio *v = q->dev;
	const struct vm *vm = v->pci.vm;

	if (q->enabled || v->broken || v->resetting || !(v->status & VIRTIO_FEATURES_OK))
		return;
	if (q->size == 0 || q->size > q->size_max || (q->size & (q->size - 1)) != 0) {
		virtio_broken(v, "a queue of a bad size");
		return;
	}
	if (!is_aligned(q->desc, 16) || !is_aligned(q->avail, 2) || !is_aligned(q->used, 4)) {
		virtio_broken(v, "a queue that is not aligned");
		return;
	}
	q->desc_mem = vm_mem(vm, q->desc, q->size * sizeof(struct vring_desc));
	q->avail_mem = vm_mem(vm, q->avail, VRING_AVAIL(q->size) + 2);
	q->used_mem = vm_mem(vm, q->used, VRING_USED(q->size) + 2);
	if (q->desc_mem == NULL || q->avail_mem == NULL || q->used_mem == NULL) {
		virtio_broken(v, "a queue outside of RAM");
		return;
	}
	q->enabled = true;
	vpci_doorbell(q);
}

/* --- common configuration --------------------------------------------------------------------------- */

/* Queue fields of the selected queue; @off is 4-byte aligned for the addresses. */
static u64 vpci_queue_read(const struct virtio *v, unsigned off)
{
	const struct vq *q;

	if (v->queue_select >= v->nvq)
		return 0; /* size 0: there is no such queue */
	q = &v->vq[v->queue_select];
	switch (off) {
	case C_QUEUE_SIZE: return q->size;
	case C_QUEUE_MSIX_VECTOR: return q->vector;
	case C_QUEUE_ENABLE: return q->enabled;
	case C_QUEUE_NOTIFY_OFF: return q->index;
	case C_QUEUE_DESC: return q->desc;
	case C_QUEUE_DESC + 4: return q->desc >> 32;
	case C_QUEUE_DRIVER: return q->avail;
	case C_QUEUE_DRIVER + 4: return q->avail >> 32;
	case C_QUEUE_DEVICE: return q->used;
	case C_QUEUE_DEVICE + 4: return q->used >> 32;
	default: return 0;
	}
}

static u64 vpci_common_read(const struct virtio *v, unsigned off)
{
	switch (off) {
	case C_DEVICE_FEATURE_SELECT: return v->feature_select;
	case C_DEVICE_FEATURE: return v->feature_select < 2 ? (u32)(v->features >> (32 * v->feature_select)) : 0;
	case C_DRIVER_FEATURE_SELECT: return v->driver_feature_select;
	case C_DRIVER_FEATURE:
		return v->driver_feature_select < 2 ? (u32)(v->driver_features >> (32 * v->driver_feature_select)) : 0;
	case C_CONFIG_MSIX_VECTOR: return v->config_vector;
	case C_NUM_QUEUES: return v->nvq;
	case C_DEVICE_STATUS: return v->status;
	case C_CONFIG_GENERATION: return v->generation;
	case C_QUEUE_SELECT: return v->queue_select;
	default: return vpci_queue_read(v, off);
	}
}

static void vpci_set_half(u64 *field, bool high, u32 value)
{
	if (high)
		*field = (u32)*field | (u64)value << 32;
	else
		*field = (*field & ~0xffffffffULL) | value;
}

static void vpci_set_features(struct virtio *v, u32 value)
{
	if (v->driver_feature_select < 2 && !(v->status & VIRTIO_FEATURES_OK))
		vpci_set_half(&v->driver_features, v->driver_feature_select == 1, value);
}

static u16 vpci_vector(const struct virtio *v, u32 value)
{
	return value < v->pci.msix.nvectors ? (u16)value : VIRTIO_NO_VECTOR;
}

static void vpci_queue_write(struct virtio *v, unsigned off, u32 value)
{
	bool high = (off & 4) != 0;
	struct vq *q;

	if (v->queue_select >= v->nvq)
		return;
	q = &v->vq[v->queue_select];
	if (off == C_QUEUE_MSIX_VECTOR) {
		q->vector = vpci_vector(v, value);
		return;
	}
	if (q->enabled)
		return;
	switch (off) {
	case C_QUEUE_SIZE: q->size = (u16)value; break;
	case C_QUEUE_ENABLE:
		if (value == 1)
			vpci_queue_enable(q);
		break;
	case C_QUEUE_DESC:
	case C_QUEUE_DESC + 4: vpci_set_half(&q->desc, high, value); break;
	case C_QUEUE_DRIVER:
	case C_QUEUE_DRIVER + 4: vpci_set_half(&q->avail, high, value); break;
	case C_QUEUE_DEVICE:
	case C_QUEUE_DEVICE + 4: vpci_set_half(&q->used, high, value); break;
	default: break;
	}
}

/* While a reset is under way the driver may only wait for it to end. */
static void vpci_common_write(struct virtio *v, unsigned off, u32 value)
{
	if (v->resetting)
		return;
	switch (off) {
	case C_DEVICE_FEATURE_SELECT: v->feature_select = value; break;
	case C_DRIVER_FEATURE_SELECT: v->driver_feature_select = value; break;
	case C_DRIVER_FEATURE: vpci_set_features(v, value); break;
	case C_CONFIG_MSIX_VECTOR: v->config_vector = vpci_vector(v, value); break;
	case C_DEVICE_STATUS: vpci_set_status(v, (u8)value); break;
	case C_QUEUE_SELECT: v->queue_select = (u16)value; break;
	default: vpci_queue_write(v, off, value); break;
	}
}

/* --- the BARs ----------------------------------------------------------------------------------------- */

static u64 vpci_isr_read(struct virtio *v)
{
	u8 isr = v->isr;

	v->isr = 0;
	pci_intx(&v->pci, false);
	return isr;
}

static void vpci_notify(struct virtio *v, u64 off)
{
	if (off / NOTIFY_STRIDE < v->nvq)
		vq_kick(&v->vq[off / NOTIFY_STRIDE]);
}

static u64 vpci_mmio_read(void *dev, u64 off, unsigned size)
{
	struct virtio *v = vpci_dev(dev);
	unsigned at = off & (MMIO_PART - 1);

	if (size == 8)
		return vpci_mmio_read(dev, off, 4) | vpci_mmio_read(dev, off + 4, 4) << 32;
	switch (round_down(off, MMIO_PART)) {
	case MMIO_COMMON: return vpci_common_read(v, at);
	case MMIO_ISR: return at == 0 ? vpci_isr_read(v) : 0;
	case MMIO_DEVICE: return v->ops->cfg_read && at + size <= DEVICE_LEN ? v->ops->cfg_read(v, at, size) : 0;
	default: return 0;
	}
}

static void vpci_mmio_write(void *dev, u64 off, unsigned size, u64 value)
{
	struct virtio *v = vpci_dev(dev);
	unsigned at = off & (MMIO_PART - 1);

	if (size == 8) {
		vpci_mmio_write(dev, off, 4, (u32)value);
		vpci_mmio_write(dev, off + 4, 4, value >> 32);
		return;
	}
	switch (round_down(off, MMIO_PART)) {
	case MMIO_COMMON: vpci_common_write(v, at, (u32)value); break;
	case MMIO_DEVICE:
		if (v->ops->cfg_write && at + size <= DEVICE_LEN)
			v->ops->cfg_write(v, at, size, (u32)value);
		break;
	case MMIO_NOTIFY: vpci_notify(v, at); break;
	default: break;
	}
}

/* The notify ports. A doorbell rings without coming here; this is for when there was no room for one. */
static u64 vpci_port_read(void *dev, u64 off, unsigned size)
{
	return 0;
}

static void vpci_port_write(void *dev, u64 off, unsigned size, u64 value)
{
	vpci_notify(vpci_dev(dev), off);
}

static const struct bus_ops vpci_mmio_ops = { vpci_mmio_read, vpci_mmio_write };
static const struct bus_ops vpci_port_ops = { vpci_port_read, vpci_port_write };

/* --- configuration access through configuration space (4.1.4.9) --------------------------------------- */

/* The window that the driver has set up in the capability; NULL if it makes no sense. */
static const struct pci_bar *vpci_window(struct virtio *v, u32 *off, u32 *len)
{
	const u8 *cap = &v->pci.cfg[v->cfg_cap];
	const struct pci_bar *bar;

	memcpy(off, cap + CAP_OFFSET, 4);
	memcpy(len, cap + CAP_LENGTH, 4);
	if (cap[CAP_BAR] >= PCI_BARS || (*len != 1 && *len != 2 && *len != 4) || !is_aligned(*off, *len))
		return NULL;
	bar = &v->pci.bar[cap[CAP_BAR]];
	return range_in(*off, *len, 0, bar->size) ? bar : NULL;
}

static bool vpci_hits_data(const struct virtio *v, unsigned off, unsigned size)
{
	return range_overlap(off, size, v->cfg_cap + CAP_EXTRA, CAP_EXTRA_N);
}

static void vpci_cfg_read(struct pci_dev *d, unsigned off, unsigned size)
{
	struct virtio *v = vpci_dev(d);
	const struct pci_bar *bar;
	u32 at, len, value;

	if (!vpci_hits_data(v, off, size))
		return;
	bar = vpci_window(v, &at, &len);
	if (bar == NULL)
		return;
	value = (u32)bar->ops->read(d, at, len);
	memcpy(&d->cfg[v->cfg_cap + CAP_EXTRA], &value, len);
}

static void vpci_cfg_written(struct pci_dev *d, unsigned off, unsigned size)
{
	struct virtio *v = vpci_dev(d);
	const struct pci_bar *bar;
	u32 at, len, value = 0;

	if (!vpci_hits_data(v, off, size))
		return;
	bar = vpci_window(v, &at, &len);
	if (bar == NULL)
		return;
	memcpy(&value, &d->cfg[v->cfg_cap + CAP_EXTRA], len);
	bar->ops->write(d, at, len, value);
}

/* --- making one --------------------------------------------------------------------------------------- */

static unsigned vpci_cap(struct virtio *v, u8 type, u8 bar, u32 off, u32 len, unsigned extra)
{
	unsigned cap = pci_cap_add(&v->pci, PCI_CAP_VENDOR, CAP_SIZE + extra);
	u8 *c = &v->pci.cfg[cap];

	c[CAP_LEN] = (u8)(CAP_SIZE + extra);
	c[CAP_TYPE] = type;
	c[CAP_BAR] = bar;
	memcpy(c + CAP_OFFSET, &off, 4);
	memcpy(c + CAP_LENGTH, &len, 4);
	return cap;
}

static void vpci_caps(struct virtio *v)
{
	unsigned cap, nbar = vpci_notify_bar(v);

	vpci_cap(v, CAP_COMMON, BAR_MMIO, MMIO_COMMON, COMMON_LEN, 0);
	cap = vpci_cap(v, CAP_NOTIFY, (u8)nbar, nbar == BAR_MMIO ? MMIO_NOTIFY : 0, NOTIFY_LEN, CAP_EXTRA_N);
	v->pci.cfg[cap + CAP_EXTRA] = NOTIFY_STRIDE;
	vpci_cap(v, CAP_ISR, BAR_MMIO, MMIO_ISR, 1, 0);
	if (v->ops->cfg_read)
		vpci_cap(v, CAP_DEVICE, BAR_MMIO, MMIO_DEVICE, DEVICE_LEN, 0);
	cap = vpci_cap(v, CAP_PCI_CFG, 0, 0, 0, CAP_EXTRA_N);
	v->cfg_cap = (u8)cap;
	v->pci.wmask[cap + CAP_BAR] = 0xff;
	memset(&v->pci.wmask[cap + CAP_OFFSET], 0xff, 4 + 4 + CAP_EXTRA_N);
}

static u32 vpci_class(u16 type)
{
	switch (type) {
	case 1: return 0x020000;  /* Ethernet controller              */
	case 2: return 0x018000;  /* mass storage, other              */
	case 3: return 0x078000;  /* simple communications, other     */
	default: return 0x00ff00; /* virtio does not say: unclassified */
	}
}

status_t virtio_init(struct virtio *v, struct vm *vm, struct pci_root *root, unsigned devfn, const char *name, u16 type,
		     u64 features, unsigned nq, u16 size_max, const struct virtio_ops *ops)
{
	unsigned i;

	ASSERT(nq >= 1 && nq <= VQ_MAX && size_max <= VQ_SIZE_MAX && (size_max & (size_max - 1)) == 0);
	memset(v, 0, sizeof(*v));
	v->ops = ops;
	v->name = name;
	v->type = type;
	v->features = features | VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX;
	v->nvq = nq;
	v->config_vector = VIRTIO_NO_VECTOR;
	work_init(&v->work, vpci_work);
	pci_dev_init(&v->pci, vm, VIRTIO_VENDOR, (u16)(VIRTIO_DEVICE + type), vpci_class(type), VIRTIO_REVISION,
		     VIRTIO_VENDOR, (u16)(VIRTIO_SUBDEVICE + type));
	v->pci.cfg[PCI_INTERRUPT_PIN] = 1;
	for (i = 0; i < nq; i++)
		v->vq[i] = (struct vq){
			.dev = v, .index = i, .size_max = size_max, .size = size_max, .vector = VIRTIO_NO_VECTOR
		};
	pci_bar_init(&v->pci, BAR_MMIO, MMIO_SIZE, false, false, &vpci_mmio_ops);
	pci_msix_init(&v->pci, BAR_MSIX, nq + 1);
	if (root->cf8.size != 0) /* a machine with ports */
		pci_bar_init(&v->pci, BAR_PORTS, NOTIFY_LEN, true, false, &vpci_port_ops);
	pci_express_init(&v->pci);
	vpci_caps(v);
	v->pci.bar_moved = vpci_bar_moved;
	v->pci.cfg_read = vpci_cfg_read;
	v->pci.cfg_written = vpci_cfg_written;
	return pci_add(root, &v->pci, devfn);
}

/* Each device's struct begins with its struct virtio, which begins with its struct pci_dev. */
void virtio_free(struct virtio *v)
{
	for (unsigned n = 0; n < PCI_BARS; n++) {
		if (v->pci.bar[n].mapped)
			bus_remove(v->pci.bar[n].io ? &v->pci.vm->pio : &v->pci.vm->mmio, &v->pci.bar[n].region);
	}
	if (v->pci.root != NULL)
		v->pci.root->dev[v->pci.devfn] = NULL;
	mem_free(v);
}
