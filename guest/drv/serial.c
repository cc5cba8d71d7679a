/* SPDX-License-Identifier: Apache-2.0 */
/* guest/drv/serial.c: what drivers of serial chips have in common: buffers, the tty, interrupt and timer. */
#include "guest/drv/serial.h"

#define SERIAL_WATCH_NS	  10000000ULL /* with an interrupt: catches a lost one           */
#define SERIAL_POLL_NS	  2000000ULL  /* without                                         */
#define SERIAL_RX_BURST	  64	      /* bytes read at a time, whatever the chip says    */
#define SERIAL_WAIT_TRIES 100000

void serial_watch(struct serial *s)
{
	if (!timer_armed(&s->timer))
		timer_set(&s->timer, time_ns() + (s->has_irq ? SERIAL_WATCH_NS : SERIAL_POLL_NS));
}

void serial_tx(struct serial *s)
{
	bool more;

	if (serial_tx_used(s) != 0)
		s->ops->send(s);
	more = serial_tx_used(s) != 0;
	if (more != s->tx_irq) {
		s->tx_irq = more;
		s->ops->interrupts(s, more);
	}
	if (more)
		serial_watch(s);
}

void serial_rx(struct serial *s)
{
	unsigned i;
	u8 c;

	for (i = 0; i < SERIAL_RX_BURST && s->ops->receive(s, &c); i++) {
		if (s->rx_head - s->rx_tail < SERIAL_RX_RING) /* else lost, as behind any full FIFO */
			s->rx[s->rx_head++ % SERIAL_RX_RING] = c;
	}
	if (i == SERIAL_RX_BURST) /* what stays there now may raise no interrupt of its own */
		serial_watch(s);
}

/* Tell the user what there is to tell. Without locks. */
static void serial_tell(struct serial *s)
{
	bool room, input;

	lock_take(&s->lock);
	room = s->starved && serial_tx_used(s) <= SERIAL_TX_RING / 2;
	if (room)
		s->starved = false;
	input = s->rx_head != s->rx_tail;
	lock_drop(&s->lock);
	if (room && s->tty->room != NULL)
		s->tty->room(s->tty);
	if (input && s->tty->input != NULL)
		s->tty->input(s->tty);
}

static void serial_work(struct work *w)
{
	serial_tell(container_of(w, struct serial, tell));
}

static void serial_irq(struct irq_handler *h)
{
	struct serial *s = container_of(h, struct serial, irq);

	lock_take(&s->lock);
	s->ops->service(s);
	lock_drop(&s->lock);
	serial_tell(s);
	irq_done(h);
}

/* With the lock, as a timer's. */
static void serial_timer(struct timer *t)
{
	struct serial *s = container_of(t, struct serial, timer);

	s->ops->service(s);
	work_queue(&s->tell);
	if (!s->has_irq)
		serial_watch(s);
}

static size_t serial_output(struct tty *t, const u8 *buf, size_t len)
{
	struct serial *s = t->host;
	size_t n;

	lock_take(&s->lock);
	n = MIN(len, (size_t)(SERIAL_TX_RING - serial_tx_used(s)));
	for (size_t i = 0; i < n; i++)
		s->tx[s->tx_head++ % SERIAL_TX_RING] = buf[i];
	serial_tx(s);
	if (n < len)
		s->starved = true;
	lock_drop(&s->lock);
	return n;
}

static size_t serial_read(struct tty *t, u8 *buf, size_t len)
{
	struct serial *s = t->host;
	size_t n = 0;

	lock_take(&s->lock);
	while (n < len && s->rx_head != s->rx_tail)
		buf[n++] = s->rx[s->rx_tail++ % SERIAL_RX_RING];
	lock_drop(&s->lock);
	return n;
}

void serial_start(struct serial *s, const struct serial_ops *ops, struct tty *tty, u32 irq, u32 flags)
{
	s->ops = ops;
	s->tty = tty;
	lock_init(&s->lock, LOCK_WIRE);
	timer_init(&s->timer, serial_timer, &s->lock);
	work_init(&s->tell, serial_work);
	tty->host = s;
	tty->output = serial_output;
	tty->read = serial_read;
	s->irq = (struct irq_handler){ serial_irq, irq, flags };
	s->has_irq = irq_attach(&s->irq) == OK;
	lock_take(&s->lock);
	ops->interrupts(s, false);
	if (!s->has_irq)
		serial_watch(s);
	lock_drop(&s->lock);
}

void serial_flush(struct serial *s)
{
	lock_take(&s->lock);
	for (unsigned i = 0; i < SERIAL_WAIT_TRIES && serial_tx_used(s) != 0; i++) {
		u32 used = serial_tx_used(s);

		serial_tx(s);
		if (serial_tx_used(s) != used)
			i = 0; /* the line lives */
	}
	for (unsigned i = 0; i < SERIAL_WAIT_TRIES && !s->ops->idle(s); i++)
		;
	lock_drop(&s->lock);
}
