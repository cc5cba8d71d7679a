/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/pl011.h: Arm's serial port PL011, r1p5, between a guest and a struct tty (DDI 0183). */
#ifndef GUEST_VMM_DEV_PL011_H
#define GUEST_VMM_DEV_PL011_H

#include "guest/rt/tty.h"
#include "guest/vmm/dev/fifo.h"
#include "guest/vmm/vm.h"

#define PL011_FIFO 32
static_assert(PL011_FIFO <= FIFO_MAX, "it fits");

struct pl011 {
	struct vm *vm;
	struct lock lock;
	struct tty *tty; /* NULL: nothing is plugged in */
	unsigned irq;
	bool irq_level;
	u8 lcr_h, ifls, rsr, ilpr, dmacr, fbrd;
	u16 ibrd, cr, imsc, ris;
	struct fifo rx, tx;
	bool overrun; /* a character was lost since the last that came in */
	bool refused; /* the host end may have more input */
	struct timer timer;
	struct bus_region mmio;
};

/** Put it at @base, 4 KiB, with interrupt @irq; @tty (or NULL) gets its guest's end set. What bus_add says. */
MUST_CHECK status_t pl011_init(struct pl011 *u, struct vm *vm, u64 base, unsigned irq, struct tty *tty);
void pl011_reset(struct pl011 *u);

#endif
