/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/uart16550.c: a 16550A serial port. Characters move at once; nothing is lost for want of room. */
#include "guest/vmm/dev/uart16550.h"

enum { REG_DATA, REG_IER, REG_IIR_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCR, REG_COUNT };

#define IER_RDA	 BIT(0)
#define IER_THRE BIT(1)
#define IER_LS	 BIT(2)
#define IER_MS	 BIT(3)

#define IIR_NONE    0x01
#define IIR_MS	    0x00
#define IIR_THRE    0x02
#define IIR_RDA	    0x04
#define IIR_LS	    0x06
#define IIR_TIMEOUT 0x0c
#define IIR_FIFOS   0xc0

#define FCR_ENABLE  BIT(0)
#define FCR_CLEARRX BIT(1)
#define FCR_CLEARTX BIT(2)
#define FCR_TRIGGER BITS(7, 6)

#define LCR_DLAB BIT(7)

#define MCR_DTR	 BIT(0)
#define MCR_RTS	 BIT(1)
#define MCR_OUT1 BIT(2)
#define MCR_OUT2 BIT(3)
#define MCR_LOOP BIT(4)

#define LSR_DR	 BIT(0)
#define LSR_OE	 BIT(1)
#define LSR_ERRS BITS(4, 1)
#define LSR_THRE BIT(5)
#define LSR_TEMT BIT(6)

#define MSR_DELTAS BITS(3, 0)
#define MSR_CTS	   BIT(4)
#define MSR_DSR	   BIT(5)
#define MSR_RI	   BIT(6)
#define MSR_DCD	   BIT(7)
#define MSR_TERI   BIT(2)

#define UART_BIT_NS	 8681	  /* at 115200 baud, divisor 1 */
#define UART_TIMEOUT_MAX 10000000 /* 10 ms: a slow line need not delay a key */
#define UART_DRAIN_NS	 100000	  /* the FIFO takes so long to become empty, unless it has been filled: some ten bits */

static const u8 uart_trigger[4] = { 1, 4, 8, 14 };

static unsigned uart_depth(const struct uart *u)
{
	return u->fcr & FCR_ENABLE ? UART_FIFO : 1;
}

static bool uart_rx_trigger(const struct uart *u)
{
	return u->rx.n >= (u->fcr & FCR_ENABLE ? uart_trigger[FIELD(FCR_TRIGGER, u->fcr)] : 1);
}

/** The interrupt identification without the FIFO bits, by priority. */
static u8 uart_iir(const struct uart *u)
{
	if ((u->ier & IER_LS) && (u->lsr & LSR_ERRS))
		return IIR_LS;
	if ((u->ier & IER_RDA) && uart_rx_trigger(u))
		return IIR_RDA;
	if ((u->ier & IER_RDA) && u->rx.n && u->rx_timeout)
		return IIR_TIMEOUT;
	if ((u->ier & IER_THRE) && u->thr_event)
		return IIR_THRE;
	if ((u->ier & IER_MS) && (u->msr & MSR_DELTAS))
		return IIR_MS;
	return IIR_NONE;
}

static void uart_update(struct uart *u)
{
	/* On a PC, OUT2 connects the interrupt pin. */
	bool level = uart_iir(u) != IIR_NONE && (u->mcr & MCR_OUT2);

	if (level != u->irq_level) {
		u->irq_level = level;
		vm_irq(u->vm, u->irq, level);
	}
}

/** Start the time-out of characters below the trigger level: four characters of ten bits. */
static void uart_rx_arm(struct uart *u)
{
	u64 ns = 40ull * UART_BIT_NS * MAX(u->divisor, 1);

	timer_cancel(&u->timer);
	u->rx_timeout = false;
	if (u->rx.n && !uart_rx_trigger(u))
		timer_set(&u->timer, time_ns() + MIN(ns, UART_TIMEOUT_MAX));
}

static void uart_expired(struct timer *t)
{
	struct uart *u = container_of(t, struct uart, timer);

	u->rx_timeout = true;
	uart_update(u);
}

static bool uart_receive(struct uart *u, u8 c)
{
	if (!fifo_put(&u->rx, uart_depth(u), c))
		return false;
	u->lsr |= LSR_DR;
	return true;
}

/** Fetch as much input as there is room for. */
static void uart_fetch(struct uart *u)
{
	u8 buf[UART_FIFO];
	size_t room = u->mcr & MCR_LOOP ? 0 : uart_depth(u) - MIN(u->rx.n, uart_depth(u));
	size_t n = tty_read(u->tty, buf, room);

	u->refused = n == room;
	for (size_t i = 0; i < n; i++)
		uart_receive(u, buf[i]);
	uart_rx_arm(u);
	uart_update(u);
}

static void uart_input(struct tty *tty)
{
	struct uart *u = tty->guest;

	lock_take(&u->lock);
	uart_fetch(u);
	lock_drop(&u->lock);
}

/** Fetch the rest of the input when there is room again. */
static void uart_ready(struct uart *u)
{
	if (u->tty && u->refused && u->rx.n == 0 && !(u->mcr & MCR_LOOP))
		uart_fetch(u);
}

/** THR has become empty: interrupt. */
static void uart_empty(struct uart *u)
{
	u->sent = 0;
	u->thr_event = true;
}

static void uart_drained(struct timer *t)
{
	struct uart *u = container_of(t, struct uart, tx_timer);

	if (u->sent && (u->lsr & LSR_THRE))
		uart_empty(u);
	u->sent = 0; /* of what waits for room the last byte begins anew */
	uart_update(u);
}

static void uart_drain_now(struct uart *u)
{
	timer_cancel(&u->tx_timer);
	uart_empty(u);
}

/**
 * A byte is on its way. The chip interrupts when its FIFO has become empty, not for each byte: a driver that fills it
 * is told once, when it has done so; one that has no more, after the time that a byte takes.
 */
static void uart_sent(struct uart *u)
{
	u->lsr |= LSR_THRE | LSR_TEMT;
	if (!(u->ier & IER_THRE) || ++u->sent >= uart_depth(u))
		uart_drain_now(u);
	else if (u->sent == 1)
		timer_set(&u->tx_timer, time_ns() + UART_DRAIN_NS);
}

/** Move the transmitter's bytes on, as many as the other end takes. */
static void uart_transmit(struct uart *u)
{
	while (u->tx.n) {
		u8 c = u->tx.byte[u->tx.head];

		if (u->mcr & MCR_LOOP) {
			if (!uart_receive(u, c))
				u->lsr |= LSR_OE;
			uart_rx_arm(u);
		} else if (u->tty && tty_write(u->tty, &c, 1) == 0) {
			break; /* room() brings us back */
		}
		fifo_get(&u->tx);
	}
	if (u->tx.n == 0 && !(u->lsr & LSR_THRE))
		uart_sent(u);
	uart_update(u);
}

static void uart_room(struct tty *tty)
{
	struct uart *u = tty->guest;

	lock_take(&u->lock);
	uart_transmit(u);
	lock_drop(&u->lock);
}

static u8 uart_read_data(struct uart *u)
{
	u8 c = fifo_get(&u->rx);

	if (u->rx.n == 0)
		u->lsr &= ~LSR_DR;
	uart_rx_arm(u);
	uart_ready(u);
	uart_update(u);
	return c;
}

static void uart_write_data(struct uart *u, u8 c)
{
	fifo_put(&u->tx, uart_depth(u), c); /* a full transmitter loses it, as the chip does: LSR said so */
	u->lsr &= ~(LSR_THRE | LSR_TEMT);
	u->thr_event = false;
	uart_update(u);
	uart_transmit(u);
}

static void uart_write_ier(struct uart *u, u8 v)
{
	u8 old = u->ier;

	u->ier = v & 15;
	/* Enabling it tells at once of an empty THR. */
	if (!(old & IER_THRE) && (v & IER_THRE) && (u->lsr & LSR_THRE))
		uart_drain_now(u);
	uart_update(u);
}

static void uart_write_fcr(struct uart *u, u8 v)
{
	bool changed = (v ^ u->fcr) & FCR_ENABLE;

	if (changed || (v & FCR_CLEARRX)) {
		u->rx.n = 0;
		u->lsr &= ~LSR_DR;
	}
	if (changed || (v & FCR_CLEARTX)) {
		u->tx.n = 0;
		uart_transmit(u);
	}
	u->fcr = v & FCR_ENABLE ? v & (FCR_ENABLE | FCR_TRIGGER) : 0;
	uart_rx_arm(u);
	uart_ready(u);
	uart_update(u);
}

/** Modem status of the line, or of the MCR looped back; changes set the delta bits. */
static void uart_modem(struct uart *u)
{
	u8 now = MSR_CTS | MSR_DSR | MSR_DCD, diff;

	if (u->mcr & MCR_LOOP)
		now = (u->mcr & MCR_RTS ? MSR_CTS : 0) | (u->mcr & MCR_DTR ? MSR_DSR : 0) |
		      (u->mcr & MCR_OUT1 ? MSR_RI : 0) | (u->mcr & MCR_OUT2 ? MSR_DCD : 0);
	diff = (now ^ u->msr) >> 4;
	if (!(u->msr & ~now & MSR_RI))
		diff &= ~MSR_TERI; /* RI tells of its end only */
	u->msr = now | (u->msr & MSR_DELTAS) | diff;
}

static void uart_write_mcr(struct uart *u, u8 v)
{
	u->mcr = v & 0x1f;
	uart_modem(u);
	uart_transmit(u);
	uart_ready(u);
}

static u8 uart_read_iir(struct uart *u)
{
	u8 v = uart_iir(u);

	if (v == IIR_THRE) {
		u->thr_event = false;
		uart_update(u);
	}
	return v | (u->fcr & FCR_ENABLE ? IIR_FIFOS : 0);
}

static u64 uart_read(void *dev, u64 off, unsigned size)
{
	struct uart *u = dev;
	u8 v;

	switch (off) {
	case REG_DATA: return u->lcr & LCR_DLAB ? u->divisor & 0xff : uart_read_data(u);
	case REG_IER: return u->lcr & LCR_DLAB ? u->divisor >> 8 : u->ier;
	case REG_IIR_FCR: return uart_read_iir(u);
	case REG_LCR: return u->lcr;
	case REG_MCR: return u->mcr;
	case REG_LSR:
		v = u->lsr;
		u->lsr &= ~LSR_ERRS;
		uart_update(u);
		return v;
	case REG_MSR:
		v = u->msr;
		u->msr &= ~MSR_DELTAS;
		uart_update(u);
		return v;
	default: return u->scr;
	}
}

static void uart_write1(struct uart *u, u64 off, u8 v)
{
	bool dlab = u->lcr & LCR_DLAB;

	switch (off) {
	case REG_DATA:
		if (dlab)
			u->divisor = (u->divisor & 0xff00) | v;
		else
			uart_write_data(u, v);
		break;
	case REG_IER:
		if (dlab)
			u->divisor = (u->divisor & 0xff) | v << 8;
		else
			uart_write_ier(u, v);
		break;
	case REG_IIR_FCR: uart_write_fcr(u, v); break;
	case REG_LCR: u->lcr = v; break;
	case REG_MCR: uart_write_mcr(u, v); break;
	case REG_SCR: u->scr = v; break;
	default: break; /* LSR and MSR are read-only here */
	}
}

static void uart_write(void *dev, u64 off, unsigned size, u64 v)
{
	for (unsigned i = 0; i < size; i++)
		uart_write1(dev, off + i, v >> 8 * i);
}

static const struct bus_ops uart_ops = { uart_read, uart_write };

void uart_reset(struct uart *u)
{
	lock_take(&u->lock);
	timer_cancel(&u->timer);
	timer_cancel(&u->tx_timer);
	u->sent = 0;
	u->ier = u->fcr = u->lcr = u->mcr = u->scr = 0;
	u->divisor = 12;
	u->lsr = LSR_THRE | LSR_TEMT;
	u->msr = MSR_CTS | MSR_DSR | MSR_DCD;
	u->rx.n = u->tx.n = 0;
	u->thr_event = u->rx_timeout = false;
	uart_ready(u);
	uart_update(u);
	lock_drop(&u->lock);
}

status_t uart_init(struct uart *u, struct vm *vm, u16 base, unsigned irq, struct tty *tty)
{
	memset(u, 0, sizeof(*u));
	u->vm = vm;
	u->tty = tty;
	u->irq = irq;
	lock_init(&u->lock, LOCK_DEVICE);
	timer_init(&u->timer, uart_expired, &u->lock);
	timer_init(&u->tx_timer, uart_drained, &u->lock);
	uart_reset(u);
	if (tty) {
		tty->guest = u;
		tty->input = uart_input;
		tty->room = uart_room;
	}
	u->port = (struct bus_region){ base, REG_COUNT, &uart_ops, u, &u->lock };
	return bus_add(&vm->pio, &u->port);
}
