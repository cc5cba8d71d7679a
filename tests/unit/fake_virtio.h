/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_virtio.h: a small driver in a fake guest, which finds and drives a virtio device as Linux does. */
#ifndef FAKE_VIRTIO_H
#define FAKE_VIRTIO_H

#include "fake_rt.h"
#include "guest/vmm/virtio.h"
#include "guest/vmm/virtio_regs.h"

#define DRV_RAM	     0x100000u
#define DRV_ECAM     0xe0000000u
#define DRV_DATA     0x80000u /* buffers */
#define DRV_DEVFN    0x10u
#define DRV_DESC     0x0000u
#define DRV_AVAIL    0x1000u
#define DRV_USED     0x2000u
#define DRV_MSI	     0xfee00000u
#define DRV_QBASE(q) (0x10000u + (q)*0x4000u)

struct drv {
	struct vm vm;
	struct pci_root root;
	struct virtio *dev; /* the device under test, for looking inside */
	u64 common, isr, device;
	u64 notify; /* port or address */
	u32 stride;
	bool notify_port;
	u8 msix_cap;
	u64 msix; /* address of the table */
	unsigned size[VQ_MAX];
	u16 avail_idx[VQ_MAX], seen[VQ_MAX];
};

/** A VM with a root; the test then creates its device at DRV_DEVFN. */
void drv_init(struct drv *d, bool ports);
/** Assign BARs, walk the capabilities. */
void drv_probe(struct drv *d);
void drv_free(struct drv *d);

/** Configuration space through ECAM. */
u32 drv_cfg(struct drv *d, unsigned off, unsigned size);
void drv_cfg_set(struct drv *d, unsigned off, unsigned size, u32 v);
u32 drv_rd(struct drv *d, unsigned off, unsigned size);
void drv_wr(struct drv *d, unsigned off, unsigned size, u32 v);
/** Reset, negotiate @features and VERSION_1; true if FEATURES_OK sticks. */
bool drv_negotiate(struct drv *d, u64 features);
void drv_queue(struct drv *d, unsigned q, unsigned size, unsigned vector);
void drv_ok(struct drv *d);
void drv_msix_on(struct drv *d, unsigned n);
u8 drv_status(struct drv *d);

void drv_desc(struct drv *d, unsigned q, unsigned i, u64 addr, u32 len, u16 flags, u16 next);
void drv_avail(struct drv *d, unsigned q, u16 head);
/** Write the notify register. */
void drv_kick(struct drv *d, unsigned q);
/** Used entries that were not seen; the last of them in @e. */
unsigned drv_used(struct drv *d, unsigned q, struct vring_used_elem *e);
u16 drv_get16(struct drv *d, u64 gpa);
void drv_put16(struct drv *d, u64 gpa, u16 v);
u8 *drv_mem(struct drv *d, u64 gpa);

#endif
