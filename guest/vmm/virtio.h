/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/virtio.h: the virtio 1.2 core: a device with split virtqueues over PCI. A device model is one file on it.
 */
#ifndef GUEST_VMM_VIRTIO_H
#define GUEST_VMM_VIRTIO_H

#include "guest/rt/disk.h"
#include "guest/rt/tty.h"
#include "guest/vmm/pci.h"

#define VQ_MAX	    8	/* queues a device           */
#define VQ_SIZE_MAX 256 /* entries a queue           */
#define VQ_SEG_MAX  130 /* segments of one chain     */
#define VQ_BUDGET   64	/* chains a kick may take before others get their turn */

struct virtio;

/* One piece of guest memory of a chain, already checked to be RAM. */
struct vq_seg {
	void *base;
	u32 len;
	bool write; /* the device writes it */
};

/* A chain taken from a queue: first all readable segments, then all writable ones. */
struct vq_chain {
	u16 head;
	unsigned nread, nwrite;	 /* segments  */
	u64 read_len, write_len; /* bytes     */
	struct vq_seg seg[VQ_SEG_MAX];
};

struct vq {
	struct virtio *dev;
	unsigned index;
	u16 size_max;
	/* As the driver set them. */
	u16 size;
	bool enabled;
	u16 vector; /* MSI-X, 0xffff none */
	u64 desc, avail, used;
	/* Ours. */
	u16 last_avail; /* next entry to take  */
	u16 used_idx;	/* next entry to fill  */
	u16 signalled;	/* used_idx at the last interrupt */
	bool signalled_valid;
	bool quiet;    /* vq_enable_notify(false)                          */
	bool doorbell; /* the hypervisor rings it at doorbell_addr          */
	u64 doorbell_addr;
	/* desc, avail and used as the service VM sees them, from queue_enable on. */
	void *desc_mem, *avail_mem, *used_mem;
};

/*
 * A virtio device's lock is its PCI function's. Callbacks are called with it, and all functions below are, but for
 * those that make a device, vq_doorbell and virtio_reset.
 */
/* At most six callbacks; any may be NULL but kick. */
struct virtio_ops {
	void (*kick)(struct virtio *, unsigned q); /* the driver made buffers available in @q */
	void (*reset)(struct virtio *);		   /* forget everything in flight             */
	void (*ready)(struct virtio *);		   /* DRIVER_OK was set                       */
	u32 (*cfg_read)(struct virtio *, unsigned off, unsigned size);
	void (*cfg_write)(struct virtio *, unsigned off, unsigned size, u32 value);
};

struct virtio {
	struct pci_dev pci;
	const struct virtio_ops *ops;
	const char *name;
	u16 type;	     /* virtio device ID: 1 net, 2 block, 3 console, 4 entropy ... */
	u64 features;	     /* offered   */
	u64 driver_features; /* accepted  */
	u8 status;
	u8 generation;
	u8 isr;
	bool broken; /* DEVICE_NEEDS_RESET: no queue is touched until reset */
	u16 config_vector;
	u32 feature_select, driver_feature_select;
	u16 queue_select;
	unsigned nvq;
	struct vq vq[VQ_MAX];
	unsigned inflight; /* requests whose completion still touches guest memory: virtio_hold, virtio_release */
	bool resetting;	   /* reset while some are in flight: the status reads 0 only when they have ended       */
	u8 cfg_cap;	   /* where VIRTIO_PCI_CAP_PCI_CFG is in configuration space */
	u8 complaints;	   /* lines in the log about this driver                                                 */
	u32 again;	   /* queues to kick from work                                                           */
	struct work work;
};

/** Make @v a device of @type with @nq queues of @size_max and put it on @root at @devfn. */
MUST_CHECK status_t virtio_init(struct virtio *v, struct vm *vm, struct pci_root *root, unsigned devfn,
				const char *name, u16 type, u64 features, unsigned nq, u16 size_max,
				const struct virtio_ops *ops);
/**
 * Take the next available chain of @q into @c. ERR_NOENT: none. Anything else: the ring is corrupt, the device has
 * been marked broken (virtio 1.2, 2.1.2) and says so once in the log.
 */
MUST_CHECK status_t vq_pop(struct vq *q, struct vq_chain *c);
/** Give chain @head back with @written bytes written, without an interrupt. */
void vq_push(struct vq *q, u16 head, u32 written);
/** Interrupt the driver if it wants one for what was pushed (EVENT_IDX or flags). */
void vq_notify(struct vq *q);
/** Ask the driver to notify, or not. Returns true if buffers are available already. */
bool vq_enable_notify(struct vq *q, bool on);
/** A kick has used up its VQ_BUDGET: kick @q once more, after others have had their turn. */
void vq_again(struct vq *q);
/**
 * A request that reads or writes guest memory later has started, has ended. A reset ends (the driver reads status 0)
 * when none is left, so that the driver's memory is its own again.
 */
void virtio_hold(struct virtio *v);
void virtio_release(struct virtio *v);
static inline bool virtio_live(const struct virtio *v)
{
	return (v->status & 4 /* DRIVER_OK */) != 0 && !v->broken && !v->resetting;
}
/** For virtio.c: interrupt with MSI-X vector @vector, or through the ISR bits @isr (1 queue, 2 configuration). */
void virtio_interrupt(struct virtio *v, u16 vector, u8 isr);
/** The device cannot go on with this driver's rings. */
void virtio_broken(struct virtio *v, const char *why);
/** Its configuration changed: bump the generation and interrupt. */
void virtio_config_changed(struct virtio *v);
/** What a notification does. */
void vq_kick(struct vq *q);
/** A doorbell event's cookie is the struct vq: the event loop calls this, on any CPU. Takes the device's lock. */
void vq_doorbell(struct vq *q);
/** Copy between a chain's readable (writable) bytes from @off on and a buffer; returns how many. */
u64 vq_copy_out(const struct vq_chain *c, u64 off, void *buf, u64 len);
u64 vq_copy_in(const struct vq_chain *c, u64 off, const void *buf, u64 len);
/** Reset the device as the driver's write of status 0 does: for a machine reset. Takes its lock. */
void virtio_reset(struct virtio *v);

/** Forget one that virtio_X_new has made and no vCPU has ever seen. */
void virtio_free(struct virtio *v);

/* The devices, one file each in guest/vmm/dev/. */
MUST_CHECK status_t virtio_blk_new(struct vm *, struct pci_root *, unsigned devfn, struct disk *);
MUST_CHECK status_t virtio_console_new(struct vm *, struct pci_root *, unsigned devfn, struct tty *);
MUST_CHECK status_t virtio_rng_new(struct vm *, struct pci_root *, unsigned devfn);

#endif
