/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/virtio_blk.c: a virtio block device (virtio 1.2, 5.2) over a struct disk. */
#include "guest/vmm/virtio.h"
#include "guest/vmm/virtio_regs.h"

#define BLK_QUEUE_SIZE 128
#define BLK_SEG_MAX    (BLK_QUEUE_SIZE - 2) /* header and status take one each */
#define BLK_ID_LEN     20u
#define BLK_SEG_SIZE   0x10000u			    /* size_max: bytes of a segment                            */
#define BLK_DATA_MAX   (BLK_SEG_MAX * BLK_SEG_SIZE) /* bytes of a request; more is an error                    */
#define BLK_KICK_MAX   0x400000u		    /* bytes after which a kick lets others have their turn    */
/* At most so much is discarded or zeroed by one request: 16 MiB, so that none takes long. */
#define BLK_ZERO_MAX 0x8000u

#define BLK_F_SIZE_MAX	   BIT(1)
#define BLK_F_SEG_MAX	   BIT(2)
#define BLK_F_RO	   BIT(5)
#define BLK_F_BLK_SIZE	   BIT(6)
#define BLK_F_FLUSH	   BIT(9)
#define BLK_F_DISCARD	   BIT(13)
#define BLK_F_WRITE_ZEROES BIT(14)

enum blk_type { BLK_IN = 0, BLK_OUT = 1, BLK_FLUSH = 4, BLK_GET_ID = 8, BLK_DISCARD = 11, BLK_WRITE_ZEROES = 13 };
enum blk_status { BLK_S_OK, BLK_S_IOERR, BLK_S_UNSUPP };

#define BLK_ZEROES_UNMAP 0x1u

struct blk_header {
	u32 type, reserved;
	u64 sector;
};

struct blk_range {
	u64 sector;
	u32 nsectors, flags;
};

/* struct virtio_blk_config (5.2.4) */
struct blk_config {
	u64 capacity;
	u32 size_max, seg_max;
	u16 cylinders;
	u8 heads, sectors;
	u32 blk_size;
	u8 physical_block_exp, alignment_offset;
	u16 min_io_size;
	u32 opt_io_size;
	u8 writeback, unused;
	u16 num_queues;
	u32 max_discard_sectors, max_discard_seg, discard_sector_alignment;
	u32 max_write_zeroes_sectors, max_write_zeroes_seg;
	u8 write_zeroes_may_unmap, pad[3];
};

static_assert(sizeof(struct blk_header) == 16 && sizeof(struct blk_range) == 16, "5.2.6");
static_assert(offsetof(struct blk_config, write_zeroes_may_unmap) == 56, "5.2.4");

/* One slot per head, so a request needs no allocation: FREE -> (kick) BUSY -> (done) FREE. */
struct blk_req {
	struct disk_req r;
	struct blk *blk;
	u16 head;
	bool busy;
	u32 length; /* bytes written for the driver on success, status included */
	u8 *status; /* where its status byte goes */
	struct disk_seg seg[VQ_SEG_MAX];
};

struct blk {
	struct virtio dev;
	struct disk *disk;
	struct blk_config config;
	bool in_kick; /* interrupt once, at the kick's end */
	struct vq_chain chain;
	struct blk_req req[BLK_QUEUE_SIZE];
};

static struct blk *blk_dev(struct virtio *v)
{
	return container_of(v, struct blk, dev);
}

/* The end of a request: status byte, used ring, interrupt. */
static void blk_finish(struct blk_req *q, enum blk_status status)
{
	struct blk *b = q->blk;

	q->busy = false;
	if (!virtio_live(&b->dev))
		return; /* broken, or being reset, which ends only after this: the driver's memory is left alone */
	*q->status = (u8)status;
	vq_push(&b->dev.vq[0], q->head, status == BLK_S_OK ? q->length : 1);
	if (!b->in_kick)
		vq_notify(&b->dev.vq[0]);
}

static void blk_done(struct disk_req *r, status_t s)
{
	struct blk_req *q = container_of(r, struct blk_req, r);
	struct blk *b = q->blk;

	blk_finish(q, s == OK ? BLK_S_OK : s == ERR_UNSUPPORTED ? BLK_S_UNSUPP : BLK_S_IOERR);
	virtio_release(&b->dev);
}

static void blk_submit(struct blk_req *q, enum disk_op op, u64 sector, u64 nsectors)
{
	q->r.op = op;
	q->r.sector = sector;
	q->r.nsectors = nsectors;
	q->r.seg = q->seg;
	q->r.lock = &q->blk->dev.pci.lock;
	virtio_hold(&q->blk->dev);
	disk_submit(q->blk->disk, &q->r);
}

/* Bytes [@skip, @skip+@len) of @n segments at @s, as the disk's segments. */
static void blk_segments(struct blk_req *q, const struct vq_seg *s, unsigned n, u64 skip, u64 len)
{
	q->r.nseg = 0;
	for (; n > 0 && len > 0; n--, s++) {
		u64 part;

		if (skip >= s->len) {
			skip -= s->len;
			continue;
		}
		part = MIN(len, s->len - skip);
		q->seg[q->r.nseg].base = (u8 *)s->base + skip;
		q->seg[q->r.nseg].len = (u32)part;
		q->r.nseg++;
		len -= part;
		skip = 0;
	}
}

/* IN and OUT: the data lies between the header and the status byte. */
static void blk_transfer(struct blk_req *q, const struct vq_chain *c, const struct blk_header *h)
{
	bool in = h->type == BLK_IN;
	u64 len = in ? c->write_len - 1 : c->read_len - sizeof(*h);

	if (len == 0 || len % SECTOR_SIZE != 0 || len > BLK_DATA_MAX) {
		blk_finish(q, BLK_S_IOERR);
		return;
	}
	if (in) {
		blk_segments(q, c->seg + c->nread, c->nwrite, 0, len);
		q->length = (u32)len + 1;
		blk_submit(q, DISK_READ, h->sector, len / SECTOR_SIZE);
	} else {
		blk_segments(q, c->seg, c->nread, sizeof(*h), len);
		blk_submit(q, DISK_WRITE, h->sector, len / SECTOR_SIZE);
	}
}

/* DISCARD and WRITE_ZEROES: one range, as max_discard_seg and max_write_zeroes_seg say. */
static void blk_zero(struct blk_req *q, const struct vq_chain *c, const struct blk_header *h)
{
	bool discard = h->type == BLK_DISCARD;
	struct blk_range range;

	if (c->read_len != sizeof(*h) + sizeof(range)) {
		blk_finish(q, BLK_S_UNSUPP);
		return;
	}
	vq_copy_out(c, sizeof(*h), &range, sizeof(range));
	if (range.flags & (discard ? ~0u : ~BLK_ZEROES_UNMAP)) {
		blk_finish(q, BLK_S_UNSUPP);
		return;
	}
	if (range.nsectors > BLK_ZERO_MAX) {
		blk_finish(q, BLK_S_IOERR);
		return;
	}
	q->r.nseg = 0;
	q->r.unmap = (range.flags & BLK_ZEROES_UNMAP) != 0;
	blk_submit(q, discard ? DISK_DISCARD : DISK_ZEROES, range.sector, range.nsectors);
}

static void blk_get_id(struct blk_req *q, const struct vq_chain *c)
{
	u8 id[BLK_ID_LEN] = { 0 };
	size_t len = MIN(c->write_len - 1, BLK_ID_LEN);

	memcpy(id, q->blk->disk->serial, strnlen(q->blk->disk->serial, BLK_ID_LEN));
	vq_copy_in(c, 0, id, len);
	q->length = (u32)len + 1;
	blk_finish(q, BLK_S_OK);
}

/* Start the request in @c. False: the driver has broken the device's rules. */
static bool blk_start(struct blk *b, const struct vq_chain *c)
{
	struct blk_req *q = &b->req[c->head];
	const struct vq_seg *last;
	struct blk_header h;

	if (q->busy) {
		virtio_broken(&b->dev, "a request that is still in flight came again");
		return false;
	}
	if (c->write_len == 0 || vq_copy_out(c, 0, &h, sizeof(h)) != sizeof(h)) {
		virtio_broken(&b->dev, "a request without header or status");
		return false;
	}
	last = &c->seg[c->nread + c->nwrite - 1];
	q->busy = true;
	q->head = c->head;
	q->length = 1;
	q->status = (u8 *)last->base + last->len - 1;
	switch (h.type) {
	case BLK_IN:
	case BLK_OUT: blk_transfer(q, c, &h); break;
	case BLK_FLUSH:
		q->r.nseg = 0;
		blk_submit(q, DISK_FLUSH, 0, 0);
		break;
	case BLK_GET_ID: blk_get_id(q, c); break;
	case BLK_DISCARD:
	case BLK_WRITE_ZEROES: blk_zero(q, c, &h); break;
	default: blk_finish(q, BLK_S_UNSUPP); break;
	}
	return true;
}

static void blk_kick(struct virtio *v, unsigned index)
{
	struct blk *b = blk_dev(v);
	struct vq *q = &v->vq[index];
	u64 bytes = 0;
	unsigned n;

	b->in_kick = true;
	for (n = 0; n < VQ_BUDGET && bytes < BLK_KICK_MAX; n++) {
		if (vq_pop(q, &b->chain) != OK || !blk_start(b, &b->chain))
			break;
		bytes += b->chain.read_len + b->chain.write_len;
	}
	b->in_kick = false;
	vq_notify(q);
	if (n == VQ_BUDGET || bytes >= BLK_KICK_MAX)
		vq_again(q);
}

static u32 blk_cfg_read(struct virtio *v, unsigned off, unsigned size)
{
	u32 value = 0;

	if (range_in(off, size, 0, sizeof(struct blk_config)))
		memcpy(&value, (const u8 *)&blk_dev(v)->config + off, size);
	return value;
}

static const struct virtio_ops blk_ops = { .kick = blk_kick, .cfg_read = blk_cfg_read };

status_t virtio_blk_new(struct vm *vm, struct pci_root *root, unsigned devfn, struct disk *disk)
{
	u64 features = BLK_F_SIZE_MAX | BLK_F_SEG_MAX | BLK_F_BLK_SIZE | BLK_F_FLUSH;
	struct blk *b = mem_alloc(sizeof(*b));
	unsigned i;
	status_t s;

	if (b == NULL)
		return ERR_NOMEM;
	features |= disk->readonly ? BLK_F_RO : BLK_F_DISCARD | BLK_F_WRITE_ZEROES;
	s = virtio_init(&b->dev, vm, root, devfn, "virtio-blk", 2, features, 1, BLK_QUEUE_SIZE, &blk_ops);
	if (s != OK) {
		mem_free(b);
		return s;
	}
	b->disk = disk;
	b->config = (struct blk_config){
		.capacity = disk->nsectors,
		.size_max = BLK_SEG_SIZE,
		.seg_max = BLK_SEG_MAX,
		.blk_size = SECTOR_SIZE,
		.num_queues = 1,
		.max_discard_sectors = BLK_ZERO_MAX,
		.max_discard_seg = 1,
		.discard_sector_alignment = 8,
		.max_write_zeroes_sectors = BLK_ZERO_MAX,
		.max_write_zeroes_seg = 1,
		.write_zeroes_may_unmap = 1,
	};
	for (i = 0; i < BLK_QUEUE_SIZE; i++) {
		b->req[i].blk = b;
		b->req[i].r.done = blk_done;
	}
	return OK;
}
