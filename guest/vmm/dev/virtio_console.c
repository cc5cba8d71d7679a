/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/virtio_console.c: a virtio console with one port (virtio 1.2, 5.3) at a struct tty. */
#include "guest/vmm/virtio.h"
#include "guest/vmm/virtio_regs.h"

#define CON_QUEUE_SIZE 64
#define CON_RX	       0 /* receiveq(port 0): to the driver   */
#define CON_TX	       1 /* transmitq(port 0): from the driver */

struct con {
	struct virtio dev;
	struct tty *tty;
	bool rx_held; /* rx is a chain that waits for input                             */
	bool tx_held; /* tx is a chain of which the host has taken tx_off bytes so far */
	u64 tx_off;
	struct vq_chain tx, rx;
};

static struct con *con_dev(struct virtio *v)
{
	return container_of(v, struct con, dev);
}

/* Write what is left of the held chain; false: the host takes no more now. */
static bool con_tx_chain(struct con *c)
{
	u64 off = c->tx_off;
	unsigned i;

	for (i = 0; i < c->tx.nread; i++) {
		const struct vq_seg *s = &c->tx.seg[i];
		size_t n;

		if (off >= s->len) {
			off -= s->len;
			continue;
		}
		n = tty_write(c->tty, (const u8 *)s->base + off, s->len - off);
		c->tx_off += n;
		if (n < s->len - off)
			return false;
		off = 0;
	}
	return true;
}

static void con_tx(struct con *c)
{
	struct vq *q = &c->dev.vq[CON_TX];
	unsigned n;

	for (n = 0; n < VQ_BUDGET; n++) {
		if (!c->tx_held) {
			if (vq_pop(q, &c->tx) != OK)
				break;
			c->tx_held = true;
			c->tx_off = 0;
		}
		if (!con_tx_chain(c))
			break;
		c->tx_held = false;
		vq_push(q, c->tx.head, 0);
	}
	vq_notify(q);
	if (n == VQ_BUDGET)
		vq_again(q);
}

/* Fetch input into the held chain; how many bytes. */
static u32 con_rx_chain(struct con *c)
{
	u32 done = 0;

	for (unsigned i = c->rx.nread; i < c->rx.nread + c->rx.nwrite; i++) {
		const struct vq_seg *s = &c->rx.seg[i];
		size_t n = tty_read(c->tty, s->base, s->len);

		done += (u32)n;
		if (n < s->len)
			break;
	}
	return done;
}

/* Fill the driver's buffers, one chain after the other. What is left waits at the host's end for buffers. */
static void con_rx(struct con *c)
{
	struct vq *q = &c->dev.vq[CON_RX];
	unsigned n;

	for (n = 0; n < VQ_BUDGET; n++) {
		u32 done;

		if (!c->rx_held && vq_pop(q, &c->rx) != OK)
			break;
		c->rx_held = true;
		done = con_rx_chain(c);
		if (done == 0 && c->rx.write_len != 0)
			break; /* it stays for what comes later */
		c->rx_held = false;
		vq_push(q, c->rx.head, done);
	}
	vq_notify(q);
	if (n == VQ_BUDGET)
		vq_again(q);
}

static void con_kick(struct virtio *v, unsigned index)
{
	if (index == CON_TX)
		con_tx(con_dev(v));
	else
		con_rx(con_dev(v));
}

/* The host takes output again. */
static void con_room(struct tty *t)
{
	struct con *c = t->guest;

	lock_take(&c->dev.pci.lock);
	if (c->tx_held && virtio_live(&c->dev))
		con_tx(c);
	lock_drop(&c->dev.pci.lock);
}

/* The host has input. */
static void con_input(struct tty *t)
{
	struct con *c = t->guest;

	lock_take(&c->dev.pci.lock);
	if (virtio_live(&c->dev))
		con_rx(c);
	lock_drop(&c->dev.pci.lock);
}

static void con_reset(struct virtio *v)
{
	con_dev(v)->tx_held = false;
	con_dev(v)->rx_held = false;
}

/* struct virtio_console_config: size and ports are not offered, so all of it reads 0. */
static u32 con_cfg_read(struct virtio *v, unsigned off, unsigned size)
{
	return 0;
}

static const struct virtio_ops con_ops = { .kick = con_kick, .reset = con_reset, .cfg_read = con_cfg_read };

status_t virtio_console_new(struct vm *vm, struct pci_root *root, unsigned devfn, struct tty *tty)
{
	struct con *c = mem_alloc(sizeof(*c));
	status_t s;

	if (c == NULL)
		return ERR_NOMEM;
	s = virtio_init(&c->dev, vm, root, devfn, "virtio-console", 3, 0, 2, CON_QUEUE_SIZE, &con_ops);
	if (s != OK) {
		mem_free(c);
		return s;
	}
	c->tty = tty;
	tty->guest = c;
	tty->input = con_input;
	tty->room = con_room;
	return OK;
}
