/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/fifo.h: the FIFO of a serial port's characters. */
#ifndef GUEST_VMM_DEV_FIFO_H
#define GUEST_VMM_DEV_FIFO_H

#include "hv/abi/types.h"

#define FIFO_MAX 32u

struct fifo {
	u8 byte[FIFO_MAX];
	unsigned head, n;
};

/** Append @c unless @max (up to FIFO_MAX) are in already. */
static inline bool fifo_put(struct fifo *f, unsigned max, u8 c)
{
	if (f->n >= max)
		return false;
	f->byte[(f->head + f->n) % FIFO_MAX] = c;
	f->n++;
	return true;
}

/** Take the oldest. Of an empty one: what was there last, and nothing changes. */
static inline u8 fifo_get(struct fifo *f)
{
	u8 c = f->byte[f->head];

	if (f->n) {
		f->head = (f->head + 1) % FIFO_MAX;
		f->n--;
	}
	return c;
}

#endif
