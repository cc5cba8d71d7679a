/* SPDX-License-Identifier: Apache-2.0 */
/* guest/drv/serial.c: what drivers of serial chips have in common: buffers, the tty, interrupt and timer. */
#include "guest/drv/serial.h"

#define SERIAL_WATCH_NS	  10000000ULL /* with an interrupt: catches a lost one           */
#define SERIAL_POLL_NS	  2000000ULL  /* without                                         */
#define SERIAL_RX_BURST	  64	      /* bytes read at a time, whatever the chip says    */
#define SERIAL_WAIT_TRIES 100000

static void serial_watch(struct serial *s)
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

static void serial_room(struct serial *s)
{
	if (s->starved && serial_tx_used(s) <= SERIAL_TX_RING / 2) {
		s->starved = false;
		if (s->tty->room != NULL)
			s->tty->room(s->tty);
	}
}

/* Hand over what the user takes. */
static void serial_deliver(struct serial *s)
{
	while (s->rx_head != s->rx_tail) {
		u32 at = s->rx_tail % SERIAL_RX_RING;
		size_t n = MIN(s->rx_head - s->rx_tail, SERIAL_RX_RING - at);
		size_t took = s->tty->input != NULL ? s->tty->input(s->tty, &s->rx[at], n) : n;

		s->rx_tail += (u32)MIN(took, n);
		if (took < n)
			return;
	}
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
	serial_deliver(s);
}

static void serial_service(struct serial *s)
{
	s->ops->service(s);
	serial_room(s);
}

static void serial_irq(struct irq_handler *h)
{
	serial_service(container_of(h, struct serial, irq));
	irq_done(h);
}

static void serial_timer(struct timer *t)
{
	struct serial *s = container_of(t, struct serial, timer);

	serial_service(s);
	if (!s->has_irq)
		serial_watch(s);
}

static size_t serial_output(struct tty *t, const u8 *buf, size_t len)
{
	struct serial *s = t->host;
	size_t n = MIN(len, (size_t)(SERIAL_TX_RING - serial_tx_used(s)));

	for (size_t i = 0; i < n; i++)
		s->tx[s->tx_head++ % SERIAL_TX_RING] = buf[i];
	serial_tx(s);
	if (n < len)
		s->starved = true;
	return n;
}

static void serial_ready(struct tty *t)
{
	serial_deliver(t->host);
}

void serial_start(struct serial *s, const struct serial_ops *ops, struct tty *tty, u32 irq, u32 flags)
{
	s->ops = ops;
	s->tty = tty;
	timer_init(&s->timer, serial_timer);
	s->irq = (struct irq_handler){ serial_irq, irq, flags };
	s->has_irq = irq_attach(&s->irq) == OK;
	ops->interrupts(s, false);
	if (!s->has_irq)
		serial_watch(s);
	tty->host = s;
	tty->output = serial_output;
	tty->ready = serial_ready;
}

void serial_flush(struct serial *s)
{
	for (unsigned i = 0; i < SERIAL_WAIT_TRIES && serial_tx_used(s) != 0; i++) {
		u32 used = serial_tx_used(s);

		serial_tx(s);
		if (serial_tx_used(s) != used)
			i = 0; /* the line lives */
	}
	for (unsigned i = 0; i < SERIAL_WAIT_TRIES && !s->ops->idle(s); i++)
		;
}
