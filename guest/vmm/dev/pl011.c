/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/pl011.c: a PL011 serial port. Characters move at once; nothing is lost for want of room. */
#include "guest/vmm/dev/pl011.h"

enum { REG_DR = 0x000, REG_RSR = 0x004, REG_FR = 0x018, REG_ILPR = 0x020, REG_IBRD = 0x024, REG_FBRD = 0x028 };
enum { REG_LCR_H = 0x02c, REG_CR = 0x030, REG_IFLS = 0x034, REG_IMSC = 0x038, REG_RIS = 0x03c, REG_MIS = 0x040 };
enum { REG_ICR = 0x044, REG_DMACR = 0x048, REG_ID = 0xfe0 };

#define DR_OE BIT(11)

#define RSR_MASK BITS(3, 0)
#define RSR_OE	 BIT(3)

#define FR_CTS	BIT(0)
#define FR_DSR	BIT(1)
#define FR_DCD	BIT(2)
#define FR_BUSY BIT(3)
#define FR_RXFE BIT(4)
#define FR_TXFF BIT(5)
#define FR_RXFF BIT(6)
#define FR_TXFE BIT(7)
#define FR_RI	BIT(8)

#define LCR_FEN BIT(4)

#define CR_UARTEN BIT(0)
#define CR_LBE	  BIT(7)
#define CR_TXE	  BIT(8)
#define CR_RXE	  BIT(9)
#define CR_DTR	  BIT(10)
#define CR_RTS	  BIT(11)
#define CR_OUT1	  BIT(12)
#define CR_OUT2	  BIT(13)
#define CR_MASK	  (BITS(15, 7) | BITS(2, 0))

#define IFLS_TX	   BITS(2, 0)
#define IFLS_RX	   BITS(5, 3)
#define IFLS_RESET 0x12

/* UARTIMSC, UARTRIS, UARTMIS, UARTICR */
#define INT_RI	 BIT(0)
#define INT_CTS	 BIT(1)
#define INT_DCD	 BIT(2)
#define INT_DSR	 BIT(3)
#define INT_RX	 BIT(4)
#define INT_TX	 BIT(5)
#define INT_RT	 BIT(6)
#define INT_OE	 BIT(10)
#define INT_MASK BITS(10, 0)

#define PL011_TIMEOUT_MIN 10000	   /* 10 us: no divisor yet                */
#define PL011_TIMEOUT_MAX 10000000 /* 10 ms: a slow line need not delay a key */

/* FIFO trigger levels by UARTIFLS's fields; the reserved ones are as the highest. */
static const u8 pl011_level[8] = { 4, 8, 16, 24, 28, 28, 28, 28 };

/* UARTPeriphID0-3 (r1p5), UARTPCellID0-3 */
static const u8 pl011_id[8] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

static unsigned pl011_depth(const struct pl011 *u)
{
	return u->lcr_h & LCR_FEN ? PL011_FIFO : 1;
}

static unsigned pl011_rx_level(const struct pl011 *u)
{
	return u->lcr_h & LCR_FEN ? pl011_level[FIELD(IFLS_RX, u->ifls)] : 1;
}

static unsigned pl011_tx_level(const struct pl011 *u)
{
	return u->lcr_h & LCR_FEN ? pl011_level[FIELD(IFLS_TX, u->ifls)] : 0;
}

/* Can the line's characters come in? Until then they wait at the host's end. */
static bool pl011_listens(const struct pl011 *u)
{
	return (u->cr & (CR_UARTEN | CR_RXE | CR_LBE)) == (CR_UARTEN | CR_RXE);
}

static void pl011_update(struct pl011 *u)
{
	bool level = (u->ris & u->imsc) != 0;

	if (level != u->irq_level) {
		u->irq_level = level;
		vm_irq(u->vm, u->irq, level);
	}
}

/* The modem's lines, or UARTCR's looped back, as UARTFR has them. */
static u16 pl011_modem(const struct pl011 *u)
{
	if (!(u->cr & CR_LBE))
		return FR_CTS | FR_DSR | FR_DCD;
	return (u->cr & CR_RTS ? FR_CTS : 0) | (u->cr & CR_DTR ? FR_DSR : 0) | (u->cr & CR_OUT1 ? FR_DCD : 0) |
	       (u->cr & CR_OUT2 ? FR_RI : 0);
}

/* Start the receive time-out, 32 bits of silence: 32 * 16 * divisor / 64 clocks of 24 MHz. */
static void pl011_rx_arm(struct pl011 *u)
{
	u64 ns = (64ull * u->ibrd + u->fbrd) * 1000 / 3;

	if (u->rx.n == 0)
		timer_cancel(&u->timer);
	else
		timer_set(&u->timer, time_ns() + MIN(MAX(ns, PL011_TIMEOUT_MIN), PL011_TIMEOUT_MAX));
}

static void pl011_expired(struct timer *t)
{
	struct pl011 *u = container_of(t, struct pl011, timer);

	u->ris |= INT_RT;
	pl011_update(u);
}

static bool pl011_receive(struct pl011 *u, u8 c)
{
	if (!fifo_put(&u->rx, pl011_depth(u), c))
		return false;
	u->overrun = false;
	if (u->rx.n >= pl011_rx_level(u))
		u->ris |= INT_RX;
	return true;
}

/* Fetch as much input as there is room for. */
static void pl011_fetch(struct pl011 *u)
{
	u8 buf[PL011_FIFO];
	size_t room = pl011_listens(u) ? pl011_depth(u) - MIN(u->rx.n, pl011_depth(u)) : 0;
	size_t n = tty_read(u->tty, buf, room);

	u->refused = n == room;
	for (size_t i = 0; i < n; i++)
		pl011_receive(u, buf[i]);
	if (n != 0)
		pl011_rx_arm(u);
	pl011_update(u);
}

static void pl011_input(struct tty *tty)
{
	struct pl011 *u = tty->guest;

	lock_take(&u->lock);
	pl011_fetch(u);
	lock_drop(&u->lock);
}

/* Fetch the rest of the input when there is room again. */
static void pl011_ready(struct pl011 *u)
{
	if (u->tty && u->refused && u->rx.n == 0 && pl011_listens(u))
		pl011_fetch(u);
}

/*
 * Move the transmitter's characters on, as many as the other end takes; whether UARTCR has it switched on is not
 * asked: a kernel's early console counts on firmware for that, which there is none of.
 */
static void pl011_transmit(struct pl011 *u)
{
	unsigned before = u->tx.n;

	while (u->tx.n) {
		u8 c = u->tx.byte[u->tx.head];

		if (u->cr & CR_LBE) {
			if (!pl011_receive(u, c)) {
				u->overrun = true;
				u->rsr |= RSR_OE;
				u->ris |= INT_OE;
			}
			pl011_rx_arm(u);
		} else if (u->tty && tty_write(u->tty, &c, 1) == 0) {
			break; /* room() brings us back */
		}
		fifo_get(&u->tx);
	}
	if (u->tx.n < before && u->tx.n <= pl011_tx_level(u))
		u->ris |= INT_TX;
	pl011_update(u);
}

static void pl011_room(struct tty *tty)
{
	struct pl011 *u = tty->guest;

	lock_take(&u->lock);
	pl011_transmit(u);
	lock_drop(&u->lock);
}

static u32 pl011_read_data(struct pl011 *u)
{
	u32 v = fifo_get(&u->rx) | (u->overrun ? DR_OE : 0);

	if (u->rx.n < pl011_rx_level(u))
		u->ris &= ~INT_RX;
	if (u->rx.n == 0) {
		u->ris &= ~INT_RT;
		timer_cancel(&u->timer);
	}
	pl011_ready(u);
	pl011_update(u);
	return v;
}

static void pl011_write_data(struct pl011 *u, u8 c)
{
	fifo_put(&u->tx, pl011_depth(u), c); /* a full transmitter loses it: UARTFR said so */
	if (u->tx.n > pl011_tx_level(u))
		u->ris &= ~INT_TX;
	pl011_transmit(u);
}

static void pl011_write_lcr_h(struct pl011 *u, u8 v)
{
	bool changed = (v ^ u->lcr_h) & LCR_FEN;

	u->lcr_h = v;
	if (!changed)
		return;
	u->rx.n = 0; /* what waits in the transmitter goes out all the same */
	u->ris &= ~(INT_RX | INT_RT);
	timer_cancel(&u->timer);
	pl011_ready(u);
	pl011_update(u);
}

static void pl011_write_cr(struct pl011 *u, u16 v)
{
	u16 old = pl011_modem(u), diff;

	u->cr = v & CR_MASK;
	diff = old ^ pl011_modem(u);
	u->ris |= (diff & FR_CTS ? INT_CTS : 0) | (diff & FR_DSR ? INT_DSR : 0) | (diff & FR_DCD ? INT_DCD : 0) |
		  (diff & FR_RI ? INT_RI : 0);
	pl011_transmit(u);
	pl011_ready(u);
}

static u32 pl011_flags(const struct pl011 *u)
{
	return pl011_modem(u) | (u->tx.n != 0 ? FR_BUSY : FR_TXFE) | (u->rx.n == 0 ? FR_RXFE : 0) |
	       (u->tx.n >= pl011_depth(u) ? FR_TXFF : 0) | (u->rx.n >= pl011_depth(u) ? FR_RXFF : 0);
}

static u32 pl011_read4(struct pl011 *u, u64 off)
{
	switch (off) {
	case REG_DR: return pl011_read_data(u);
	case REG_RSR: return u->rsr;
	case REG_FR: return pl011_flags(u);
	case REG_ILPR: return u->ilpr;
	case REG_IBRD: return u->ibrd;
	case REG_FBRD: return u->fbrd;
	case REG_LCR_H: return u->lcr_h;
	case REG_CR: return u->cr;
	case REG_IFLS: return u->ifls;
	case REG_IMSC: return u->imsc;
	case REG_RIS: return u->ris;
	case REG_MIS: return u->ris & u->imsc;
	case REG_DMACR: return u->dmacr;
	default: return off >= REG_ID ? pl011_id[(off - REG_ID) / 4] : 0;
	}
}

/* The bus is 32 bits wide: narrower reads take their part of a register, wider ones two. */
static u64 pl011_read(void *dev, u64 off, unsigned size)
{
	if (likely(size != 8))
		return (u64)pl011_read4(dev, off & ~3ull) >> 8 * (off & 3);
	return pl011_read(dev, off, 4) | pl011_read(dev, off + 4, 4) << 32;
}

static void pl011_write4(struct pl011 *u, u64 off, u32 v)
{
	switch (off) {
	case REG_DR: pl011_write_data(u, (u8)v); break;
	case REG_RSR: u->rsr = 0; break;
	case REG_ILPR: u->ilpr = (u8)v; break;
	case REG_IBRD: u->ibrd = (u16)v; break;
	case REG_FBRD: u->fbrd = v & BITS(5, 0); break;
	case REG_LCR_H: pl011_write_lcr_h(u, (u8)v); break;
	case REG_CR: pl011_write_cr(u, (u16)v); break;
	case REG_IFLS: u->ifls = v & (IFLS_TX | IFLS_RX); break;
	case REG_IMSC:
		u->imsc = v & INT_MASK;
		pl011_update(u);
		break;
	case REG_ICR:
		u->ris &= (u16)~v;
		pl011_update(u);
		break;
	case REG_DMACR: u->dmacr = v & BITS(2, 0); break;
	default: break; /* the others are read-only */
	}
}

static void pl011_write(void *dev, u64 off, unsigned size, u64 v)
{
	pl011_write4(dev, off, (u32)v);
	if (unlikely(size == 8))
		pl011_write4(dev, off + 4, (u32)(v >> 32));
}

static const struct bus_ops pl011_ops = { pl011_read, pl011_write };

void pl011_reset(struct pl011 *u)
{
	lock_take(&u->lock);
	timer_cancel(&u->timer);
	u->lcr_h = u->rsr = u->ilpr = u->dmacr = u->fbrd = 0;
	u->ibrd = u->imsc = u->ris = 0;
	u->cr = CR_TXE | CR_RXE;
	u->ifls = IFLS_RESET;
	u->rx.n = u->tx.n = 0;
	u->overrun = false;
	pl011_update(u);
	lock_drop(&u->lock);
}

status_t pl011_init(struct pl011 *u, struct vm *vm, u64 base, unsigned irq, struct tty *tty)
{
	memset(u, 0, sizeof(*u));
	u->vm = vm;
	u->tty = tty;
	u->irq = irq;
	lock_init(&u->lock, LOCK_DEVICE);
	timer_init(&u->timer, pl011_expired, &u->lock);
	pl011_reset(u);
	if (tty) {
		tty->guest = u;
		tty->input = pl011_input;
		tty->room = pl011_room;
	}
	u->mmio = (struct bus_region){ base, PAGE_SIZE, &pl011_ops, u, &u->lock };
	return bus_add(&vm->mmio, &u->mmio);
}
