/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/virtio_regs.h: numbers of the virtio 1.2 specification that the core and the PCI transport share. */
#ifndef GUEST_VMM_VIRTIO_REGS_H
#define GUEST_VMM_VIRTIO_REGS_H

#include "hv/lib/util.h"

/* Device status (2.1) */
#define VIRTIO_ACKNOWLEDGE 0x01u
#define VIRTIO_DRIVER	   0x02u
#define VIRTIO_DRIVER_OK   0x04u
#define VIRTIO_FEATURES_OK 0x08u
#define VIRTIO_NEEDS_RESET 0x40u
#define VIRTIO_FAILED	   0x80u

/* Reserved feature bits (6) */
#define VIRTIO_F_INDIRECT_DESC BIT(28)
#define VIRTIO_F_EVENT_IDX     BIT(29)
#define VIRTIO_F_VERSION_1     BIT(32)

#define VIRTIO_NO_VECTOR  0xffffu
#define VIRTIO_ISR_QUEUE  0x1u
#define VIRTIO_ISR_CONFIG 0x2u

/* Split virtqueues (2.7) */
#define VRING_DESC_NEXT	    0x1u
#define VRING_DESC_WRITE    0x2u
#define VRING_DESC_INDIRECT 0x4u
#define VRING_NO_INTERRUPT  0x1u /* avail flags */
#define VRING_NO_NOTIFY	    0x1u /* used flags  */

struct vring_desc {
	u64 addr;
	u32 len;
	u16 flags, next;
};

struct vring_used_elem {
	u32 id, len;
};

static_assert(sizeof(struct vring_desc) == 16, "2.7.5");
static_assert(sizeof(struct vring_used_elem) == 8, "2.7.8");

/* Both rings: flags and idx, then the entries, then the other side's event index. */
#define VRING_FLAGS    0
#define VRING_IDX      2
#define VRING_ENTRIES  4
#define VRING_AVAIL(n) (4 + 2u * (n))
#define VRING_USED(n)  (4 + 8u * (n))

#endif
