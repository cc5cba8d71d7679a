/* SPDX-License-Identifier: Apache-2.0 */
/* guest/drv/arm64/pl011.h: the machine's PL011 (Arm DDI 0183), as the host's end of a tty. */
#ifndef GUEST_DRV_PL011_H
#define GUEST_DRV_PL011_H

#include "guest/rt/sys.h"
#include "guest/rt/tty.h"

#define PL011_TX_RING 4096u /* a power of two */
#define PL011_RX_RING 256u

struct drv_pl011 {
	u64 base; /* physical, mapped by identity */
	struct tty *tty;
	struct irq_handler irq;
	bool has_irq;
	struct timer timer;   /* looks after it without an interrupt, or when one got lost */
	bool starved;	      /* output() took less than offered: room() is owed          */
	u32 imsc;	      /* as it stands in the register                             */
	u32 tx_head, tx_tail; /* free-running */
	u32 rx_head, rx_tail;
	u8 tx[PL011_TX_RING];
	u8 rx[PL011_RX_RING]; /* what input() did not take yet */
};

/**
 * Drive the PL011 at @base, interrupt @irq (an INTID, level), for @tty (its output and ready are set here; input and
 * room are the user's). Line speed stays as the hypervisor or firmware has set it. ERR_NOENT: no PL011 is there.
 */
MUST_CHECK status_t drv_pl011_init(struct drv_pl011 *p, struct tty *tty, u64 base, u32 irq);
/** Wait, with a bound, until all has left. */
void drv_pl011_flush(struct drv_pl011 *p);

#endif
