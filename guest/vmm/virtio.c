/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/virtio.c: split virtqueues (virtio 1.2, 2.7), with everything in them read once and checked. */
#include "guest/vmm/virtio.h"

#include "guest/vmm/virtio_regs.h"

#define VQ_DESC_MAX	  VQ_SIZE_MAX /* descriptors a chain may have, empty ones included */
#define VIRTIO_COMPLAINTS 4	      /* a hostile driver must not fill the log */

static u16 vq_load(const void *ring, unsigned off)
{
	return __atomic_load_n((const u16 *)(const void *)((const u8 *)ring + off), __ATOMIC_ACQUIRE);
}

static void vq_store(void *ring, unsigned off, u16 v)
{
	__atomic_store_n((u16 *)(void *)((u8 *)ring + off), v, __ATOMIC_RELEASE);
}

static bool vq_has(const struct vq *q, u64 feature)
{
	return (q->dev->driver_features & feature) != 0;
}

static bool vq_live(const struct vq *q)
{
	return q->enabled && virtio_live(q->dev);
}

void virtio_broken(struct virtio *v, const char *why)
{
	if (v->broken)
		return;
	v->broken = true;
	v->status |= VIRTIO_NEEDS_RESET;
	if (v->complaints < VIRTIO_COMPLAINTS) {
		v->complaints++;
		log_line("%s: %s: %s; it needs a reset", v->pci.vm->name, v->name, why);
	}
	if (v->status & VIRTIO_DRIVER_OK)
		virtio_interrupt(v, v->config_vector, VIRTIO_ISR_CONFIG);
}

static status_t vq_corrupt(struct vq *q, const char *why)
{
	virtio_broken(q->dev, why);
	return ERR_FORMAT;
}

/* A copy of descriptor @i of the table @table, which may change at any time. */
static struct vring_desc vq_desc(const void *table, unsigned i)
{
	struct vring_desc d;

	memcpy(&d, (const u8 *)table + i * sizeof(d), sizeof(d));
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* the copy is what gets checked and used: no second read */
	return d;
}

/* Append a descriptor's memory to @c, in as many segments as the RAM has pieces there. NULL or what is wrong. */
static const char *vq_add(struct vq *q, struct vq_chain *c, const struct vring_desc *d)
{
	const struct vm *vm = q->dev->pci.vm;
	bool write = (d->flags & VRING_DESC_WRITE) != 0;
	u64 gpa = d->addr, left = d->len, part;

	if (!write && c->nwrite > 0)
		return "a readable buffer behind a writable one";
	if (left > 0 && range_bad(gpa, left))
		return "a buffer that wraps";
	for (; left > 0; gpa += part, left -= part) {
		struct vq_seg *s;

		if (c->nread + c->nwrite == VQ_SEG_MAX)
			return "too many buffers in a chain";
		s = &c->seg[c->nread + c->nwrite];
		part = left;
		s->base = vm_mem_part(vm, gpa, &part);
		if (s->base == NULL)
			return "a buffer outside of RAM";
		s->len = (u32)part;
		s->write = write;
		if (write) {
			c->nwrite++;
			c->write_len += part;
		} else {
			c->nread++;
			c->read_len += part;
		}
	}
	return NULL;
}

/* Walk the chain that starts at @c->head. NULL or what is wrong. */
static const char *vq_walk(struct vq *q, struct vq_chain *c)
{
	const void *table = q->desc_mem;
	unsigned i = c->head, entries = q->size, n;
	bool indirect = false;

	for (n = 0; n < VQ_DESC_MAX; n++) {
		struct vring_desc d = vq_desc(table, i);
		const char *wrong;

		if (d.flags & VRING_DESC_INDIRECT) {
			if (indirect || !vq_has(q, VIRTIO_F_INDIRECT_DESC) || (d.flags & VRING_DESC_NEXT))
				return "an indirect descriptor where none may be";
			if (d.len == 0 || d.len % sizeof(d) != 0)
				return "an indirect table of a bad size";
			table = vm_mem(q->dev->pci.vm, d.addr, d.len);
			if (table == NULL)
				return "an indirect table outside of RAM";
			indirect = true;
			entries = d.len / sizeof(d);
			i = 0;
			continue;
		}
		wrong = vq_add(q, c, &d);
		if (wrong != NULL)
			return wrong;
		if (!(d.flags & VRING_DESC_NEXT))
			return NULL;
		i = d.next;
		if (i >= entries)
			return "a descriptor index out of range";
	}
	return "an endless chain";
}

/* Is something available? Otherwise ask to be told, and look once more. */
static bool vq_look(struct vq *q, u16 *avail)
{
	*avail = vq_load(q->avail_mem, VRING_IDX);
	if (likely(*avail != q->last_avail))
		return true;
	if (q->quiet)
		return false;
	return vq_enable_notify(q, true) && (*avail = vq_load(q->avail_mem, VRING_IDX)) != q->last_avail;
}

status_t vq_pop(struct vq *q, struct vq_chain *c)
{
	const char *wrong;
	u16 avail, slot;

	if (unlikely(!vq_live(q)) || !vq_look(q, &avail))
		return ERR_NOENT;
	if ((u16)(avail - q->last_avail) > q->size)
		return vq_corrupt(q, "more buffers available than the queue has");
	slot = q->last_avail & (q->size - 1);
	c->head = vq_load(q->avail_mem, VRING_ENTRIES + 2u * slot);
	if (c->head >= q->size)
		return vq_corrupt(q, "an available index out of range");
	c->nread = 0;
	c->nwrite = 0;
	c->read_len = 0;
	c->write_len = 0;
	wrong = vq_walk(q, c);
	if (wrong != NULL)
		return vq_corrupt(q, wrong);
	q->last_avail++;
	return OK;
}

void vq_push(struct vq *q, u16 head, u32 written)
{
	struct vring_used_elem e = { .id = head, .len = written };
	unsigned slot;

	if (!vq_live(q))
		return;
	slot = q->used_idx & (q->size - 1u);
	memcpy((u8 *)q->used_mem + VRING_ENTRIES + slot * sizeof(e), &e, sizeof(e));
	q->used_idx++;
	vq_store(q->used_mem, VRING_IDX, q->used_idx); /* releases the element and the data before it */
}

void vq_notify(struct vq *q)
{
	u16 old = q->signalled, event;
	bool valid = q->signalled_valid;

	if (!vq_live(q) || (valid && old == q->used_idx) || (!valid && q->used_idx == 0))
		return;
	q->signalled = q->used_idx;
	q->signalled_valid = true;
	/* The index is out before the driver's wish is read; the driver does it the other way round (2.7.7, 2.7.10). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (vq_has(q, VIRTIO_F_EVENT_IDX)) {
		event = vq_load(q->avail_mem, VRING_AVAIL(q->size));
		if (valid && (u16)(q->used_idx - event - 1) >= (u16)(q->used_idx - old))
			return;
	} else if (vq_load(q->avail_mem, VRING_FLAGS) & VRING_NO_INTERRUPT) {
		return;
	}
	virtio_interrupt(q->dev, q->vector, VIRTIO_ISR_QUEUE);
}

bool vq_enable_notify(struct vq *q, bool on)
{
	if (!vq_live(q))
		return false;
	if (vq_has(q, VIRTIO_F_EVENT_IDX)) {
		if (on)
			vq_store(q->used_mem, VRING_USED(q->size), q->last_avail);
	} else if (q->quiet == on) {
		vq_store(q->used_mem, VRING_FLAGS, on ? 0 : VRING_NO_NOTIFY);
	}
	q->quiet = !on;
	if (!on)
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* our wish is out before the index is read again */
	return vq_load(q->avail_mem, VRING_IDX) != q->last_avail;
}

void vq_kick(struct vq *q)
{
	if (vq_live(q))
		q->dev->ops->kick(q->dev, q->index);
}

void vq_doorbell(struct vq *q)
{
	struct lock *l = &q->dev->pci.lock;

	lock_take(l);
	vq_kick(q);
	lock_drop(l);
}

void vq_again(struct vq *q)
{
	q->dev->again |= 1u << q->index;
	work_queue(&q->dev->work);
}

/* Copy @len bytes from @off on of the segments [@first, @first+@n). */
static u64 vq_copy(const struct vq_seg *seg, unsigned n, u64 off, u8 *buf, u64 len, bool to_guest)
{
	u64 done = 0;

	for (; n > 0 && done < len; n--, seg++) {
		u64 part;

		if (off >= seg->len) {
			off -= seg->len;
			continue;
		}
		part = MIN(len - done, seg->len - off);
		if (to_guest)
			memcpy((u8 *)seg->base + off, buf + done, part);
		else
			memcpy(buf + done, (u8 *)seg->base + off, part);
		done += part;
		off = 0;
	}
	return done;
}

u64 vq_copy_out(const struct vq_chain *c, u64 off, void *buf, u64 len)
{
	return vq_copy(c->seg, c->nread, off, buf, len, false);
}

u64 vq_copy_in(const struct vq_chain *c, u64 off, const void *buf, u64 len)
{
	return vq_copy(c->seg + c->nread, c->nwrite, off, (u8 *)(uintptr_t)buf, len, true);
}
