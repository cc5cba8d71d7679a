/* SPDX-License-Identifier: Apache-2.0 */
/* guest/drv/arm64/pl011.c: driver of the machine's PL011 (Arm DDI 0183, chapter 3): its registers. */
#include "guest/drv/arm64/pl011.h"
#include "guest/rt/hypercall.h"
#include "self/insn.h"

/* Registers, offsets from the base. */
#define PL011_DR	0x000
#define PL011_FR	0x018
#define PL011_LCR_H	0x02c
#define PL011_CR	0x030
#define PL011_IMSC	0x038
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

#define PL011_TX_BURST	 256
#define PL011_WAIT_TRIES 100000

static struct drv_pl011 *pl011_of(struct serial *s)
{
	return container_of(s, struct drv_pl011, serial);
}

static u32 pl011_in(const struct drv_pl011 *p, unsigned reg)
{
	return cpu_read32(p->base + reg);
}

static void pl011_out(const struct drv_pl011 *p, unsigned reg, u32 v)
{
	cpu_write32(p->base + reg, v);
}

/* Interrupts are cleared first: what comes in after that raises them anew. */
static void pl011_service(struct serial *s)
{
	pl011_out(pl011_of(s), PL011_ICR, INT_ALL);
	serial_rx(s);
	serial_tx(s);
}

static bool pl011_receive(struct serial *s, u8 *c)
{
	struct drv_pl011 *p = pl011_of(s);

	if ((pl011_in(p, PL011_FR) & FR_RXFE) != 0)
		return false;
	*c = (u8)pl011_in(p, PL011_DR); /* the bits above are errors of the line */
	return true;
}

/*
 * Fill the transmit FIFO. Its interrupt comes when the FIFO has drained past a mark, so it must have been filled, which
 * it has if something is left to send.
 */
static void pl011_send(struct serial *s)
{
	struct drv_pl011 *p = pl011_of(s);

	for (unsigned i = 0; i < PL011_TX_BURST && serial_tx_used(s) != 0; i++) {
		if ((pl011_in(p, PL011_FR) & FR_TXFF) != 0)
			break;
		pl011_out(p, PL011_DR, serial_next(s));
	}
}

static void pl011_interrupts(struct serial *s, bool tx)
{
	pl011_out(pl011_of(s), PL011_IMSC, INT_RX | INT_RT | (tx ? INT_TX : 0));
}

static bool pl011_idle(struct serial *s)
{
	return (pl011_in(pl011_of(s), PL011_FR) & FR_BUSY) == 0;
}

static const struct serial_ops pl011_ops = { pl011_service, pl011_receive, pl011_send, pl011_interrupts, pl011_idle };

/* Firmware has set it up, or nobody has and there is no line speed to keep. LCR_H changes only while it is off. */
static void pl011_enable(struct drv_pl011 *p)
{
	u32 lcr = pl011_in(p, PL011_LCR_H), cr = pl011_in(p, PL011_CR);

	if ((lcr & LCR_H_FEN) == 0) {
		for (unsigned i = 0; i < PL011_WAIT_TRIES && !pl011_idle(&p->serial); i++)
			;
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
	part = (pl011_in(p, PL011_PERIPHID0) & 0xff) | (pl011_in(p, PL011_PERIPHID1) & 0xff) << 8;
	if ((part & PART_MASK) != PART_PL011)
		return ERR_NOENT;
	pl011_enable(p);
	pl011_out(p, PL011_ICR, INT_ALL);
	serial_start(&p->serial, &pl011_ops, tty, irq, IRQ_LEVEL);
	return OK;
}
