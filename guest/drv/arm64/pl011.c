/* SPDX-License-Identifier: Apache-2.0 */
/* guest/drv/arm64/pl011.c: driver of the machine's PL011 (Arm DDI 0183, chapter 3). Never blocks its callers. */
#include "guest/drv/arm64/pl011.h"
#include "guest/rt/hypercall.h"
#include "self/insn.h"

/* Registers, offsets from the base. */
#define PL011_DR	0x000
#define PL011_FR	0x018
#define PL011_LCR_H	0x02c
#define PL011_CR	0x030
#define PL011_IMSC	0x038
#define PL011_MIS	0x040
#define PL011_ICR	0x044
#define PL011_PERIPHID0 0xfe0
#define PL011_PERIPHID1 0xfe4

#define FR_BUSY	   BIT(3)
#define FR_RXFE	   BIT(4)
#define FR_TXFF	   BIT(5)
#define LCR_H_FEN  BIT(4)
#define LCR_H_WLEN BITS(6, 5) /* 3: eight bits */
#define CR_UARTEN  BIT(0)
#define CR_TXE	   BIT(8)
#define CR_RXE	   BIT(9)
#define CR_ON	   ((u32)(CR_UARTEN | CR_TXE | CR_RXE))
#define INT_RX	   0x10u
#define INT_TX	   0x20u
#define INT_RT	   0x40u /* something has been in the receive FIFO for a while */
#define INT_ALL	   0x7ffu
#define PART_MASK  0xfffu
#define PART_PL011 0x011u

#define PL011_WATCH_NS	 10000000ULL /* with an interrupt: catches a lost one        */
#define PL011_POLL_NS	 2000000ULL  /* without                                      */
#define PL011_RX_BURST	 64	     /* bytes at a time, whatever FR says: two FIFOs */
#define PL011_TX_BURST	 256
#define PL011_WAIT_TRIES 100000

static u32 pl011_in(const struct drv_pl011 *p, unsigned reg)
{
	return cpu_read32(p->base + reg);
}

static void pl011_out(const struct drv_pl011 *p, unsigned reg, u32 v)
{
	cpu_write32(p->base + reg, v);
}

static u32 pl011_tx_used(const struct drv_pl011 *p)
{
	return p->tx_head - p->tx_tail;
}

static void pl011_watch(struct drv_pl011 *p)
{
	if (!timer_armed(&p->timer))
		timer_set(&p->timer, time_ns() + (p->has_irq ? PL011_WATCH_NS : PL011_POLL_NS));
}

/*
 * Fill the transmit FIFO. Its interrupt comes when the FIFO has drained past a mark, so it must have been filled, which
 * it has if something is left to send.
 */
static void pl011_tx(struct drv_pl011 *p)
{
	u32 imsc = INT_RX | INT_RT;

	for (unsigned i = 0; i < PL011_TX_BURST && pl011_tx_used(p) != 0; i++) {
		if ((pl011_in(p, PL011_FR) & FR_TXFF) != 0)
			break;
		pl011_out(p, PL011_DR, p->tx[p->tx_tail++ % PL011_TX_RING]);
	}
	if (pl011_tx_used(p) != 0) {
		imsc |= INT_TX;
		pl011_watch(p);
	}
	if (imsc != p->imsc) {
		p->imsc = imsc;
		pl011_out(p, PL011_IMSC, imsc);
	}
}

static void pl011_room(struct drv_pl011 *p)
{
	if (p->starved && pl011_tx_used(p) <= PL011_TX_RING / 2) {
		p->starved = false;
		if (p->tty->room != NULL)
			p->tty->room(p->tty);
	}
}

/* Hand over what the user takes. */
static void pl011_deliver(struct drv_pl011 *p)
{
	while (p->rx_head != p->rx_tail) {
		u32 at = p->rx_tail % PL011_RX_RING;
		size_t n = MIN(p->rx_head - p->rx_tail, PL011_RX_RING - at);
		size_t took = p->tty->input != NULL ? p->tty->input(p->tty, &p->rx[at], n) : n;

		p->rx_tail += (u32)MIN(took, n);
		if (took < n)
			return;
	}
}

static void pl011_rx(struct drv_pl011 *p)
{
	unsigned i;

	for (i = 0; i < PL011_RX_BURST && (pl011_in(p, PL011_FR) & FR_RXFE) == 0; i++) {
		u8 c = (u8)pl011_in(p, PL011_DR); /* the bits above are errors of the line */

		if (p->rx_head - p->rx_tail < PL011_RX_RING) /* else lost, as behind any full FIFO */
			p->rx[p->rx_head++ % PL011_RX_RING] = c;
	}
	if (i == PL011_RX_BURST) /* what stays there now may raise no interrupt of its own */
		pl011_watch(p);
	pl011_deliver(p);
}

/* Interrupts are cleared first: what comes in after that raises them anew. */
static void pl011_service(struct drv_pl011 *p)
{
	pl011_out(p, PL011_ICR, INT_ALL);
	pl011_rx(p);
	pl011_tx(p);
	pl011_room(p);
}

static void pl011_irq(struct irq_handler *h)
{
	struct drv_pl011 *p = container_of(h, struct drv_pl011, irq);

	pl011_service(p);
	irq_done(h);
}

static void pl011_timer(struct timer *t)
{
	struct drv_pl011 *p = container_of(t, struct drv_pl011, timer);

	pl011_service(p);
	if (!p->has_irq)
		pl011_watch(p);
}

static size_t pl011_output(struct tty *t, const u8 *buf, size_t len)
{
	struct drv_pl011 *p = t->host;
	size_t n = MIN(len, (size_t)(PL011_TX_RING - pl011_tx_used(p)));

	for (size_t i = 0; i < n; i++)
		p->tx[p->tx_head++ % PL011_TX_RING] = buf[i];
	pl011_tx(p);
	if (n < len)
		p->starved = true;
	return n;
}

static void pl011_ready(struct tty *t)
{
	pl011_deliver(t->host);
}

static void pl011_wait(struct drv_pl011 *p, u32 until_clear)
{
	for (unsigned i = 0; i < PL011_WAIT_TRIES && (pl011_in(p, PL011_FR) & until_clear) != 0; i++)
		;
}

/* Firmware has set it up, or nobody has and there is no line speed to keep. LCR_H changes only while it is off. */
static void pl011_enable(struct drv_pl011 *p)
{
	u32 lcr = pl011_in(p, PL011_LCR_H), cr = pl011_in(p, PL011_CR);

	if ((lcr & LCR_H_FEN) == 0) {
		pl011_wait(p, FR_BUSY);
		pl011_out(p, PL011_CR, cr & ~CR_ON);
		pl011_out(p, PL011_LCR_H, lcr | (u32)(LCR_H_FEN | LCR_H_WLEN));
	}
	pl011_out(p, PL011_CR, cr | CR_ON);
}

status_t drv_pl011_init(struct drv_pl011 *p, struct tty *tty, u64 base, u32 irq)
{
	u32 part;

	memset(p, 0, sizeof(*p));
	p->base = base;
	p->tty = tty;
	timer_init(&p->timer, pl011_timer);
	part = (pl011_in(p, PL011_PERIPHID0) & 0xff) | (pl011_in(p, PL011_PERIPHID1) & 0xff) << 8;
	if ((part & PART_MASK) != PART_PL011)
		return ERR_NOENT;
	pl011_enable(p);
	pl011_out(p, PL011_ICR, INT_ALL);
	p->irq.fn = pl011_irq;
	p->irq.gsi = irq;
	p->irq.flags = IRQ_LEVEL;
	p->has_irq = irq_attach(&p->irq) == OK;
	p->imsc = INT_RX | INT_RT;
	pl011_out(p, PL011_IMSC, p->imsc);
	if (!p->has_irq)
		pl011_watch(p);
	tty->host = p;
	tty->output = pl011_output;
	tty->ready = pl011_ready;
	return OK;
}

void drv_pl011_flush(struct drv_pl011 *p)
{
	u32 used;

	do {
		used = pl011_tx_used(p);
		pl011_wait(p, FR_TXFF);
		pl011_tx(p);
	} while (pl011_tx_used(p) != 0 && pl011_tx_used(p) != used);
	pl011_wait(p, FR_BUSY);
}
