/* SPDX-License-Identifier: Apache-2.0 */
/* guest/drv/serial.h: the machine's serial line as the host's end of a tty, whatever chip drives it. Never blocks. */
#ifndef GUEST_DRV_SERIAL_H
#define GUEST_DRV_SERIAL_H

#include "guest/rt/sys.h"
#include "guest/rt/tty.h"

#define SERIAL_TX_RING 4096u /* a power of two */
#define SERIAL_RX_RING 256u

struct serial;

/* The chip. */
struct serial_ops {
	/** Quieten its interrupt, and call serial_rx() and serial_tx(). */
	void (*service)(struct serial *);
	/** The next byte that came in. False: none. */
	bool (*receive)(struct serial *, u8 *c);
	/** Something waits to be sent: give the chip as much as it takes at once. */
	void (*send)(struct serial *);
	/** Have it interrupt for bytes that came in and, if @tx, when send() should go on. */
	void (*interrupts)(struct serial *, bool tx);
	/** Has the last bit left? */
	bool (*idle)(struct serial *);
};

struct serial {
	const struct serial_ops *ops;
	struct tty *tty;
	struct lock lock; /* around the chip and all below; the chip's functions are called with it */
	struct work tell; /* tells the user of input and room, which needs that no lock is held */
	struct irq_handler irq;
	bool has_irq;
	bool starved;	      /* output() took less than offered: room() is owed          */
	bool tx_irq;	      /* as interrupts() was last told                            */
	struct timer timer;   /* looks after it without an interrupt, or when one got lost */
	u32 tx_head, tx_tail; /* free-running */
	u32 rx_head, rx_tail;
	u8 tx[SERIAL_TX_RING];
	u8 rx[SERIAL_RX_RING]; /* what nobody has fetched yet */
};

/**
 * Run the line of @ops for @tty (its output and read are set here; input and room are the user's), with interrupt
 * @irq,
 * @flags being IRQ_* of hv/abi/hypercall.h, or by polling if that cannot be had. @s starts out as zeroes.
 */
void serial_start(struct serial *s, const struct serial_ops *ops, struct tty *tty, u32 irq, u32 flags);
/** Wait, with a bound, until all has left. */
void serial_flush(struct serial *s);

/** For the chip's functions: take in what has come. */
void serial_rx(struct serial *s);
/** For the chip's functions: send what waits, and see to it that what is left follows. */
void serial_tx(struct serial *s);
/** Look at the chip again in a while, interrupt or not. */
void serial_watch(struct serial *s);
/** For the chip's functions: how many bytes wait to be sent. */
static inline u32 serial_tx_used(const struct serial *s)
{
	return s->tx_head - s->tx_tail;
}
/** For the chip's functions: take the next of them. */
static inline u8 serial_next(struct serial *s)
{
	return s->tx[s->tx_tail++ % SERIAL_TX_RING];
}

#endif
