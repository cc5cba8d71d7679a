/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/tty.h: a two-way stream of characters between a device model and a console or driver. */
#ifndef GUEST_RT_TTY_H
#define GUEST_RT_TTY_H

#include "hv/abi/types.h"

/*
 * One end is the host's (the console multiplexer, a serial driver), the other the guest's (16550, virtio-console).
 * Neither blocks. Whoever takes less than offered is asked again: the host calls room() when it can take more,
 * the guest calls tty_ready() when it can.
 */
struct tty {
	/* Set by the guest's end. */
	size_t (*input)(struct tty *, const u8 *buf, size_t len); /* takes some, returns how many */
	void (*room)(struct tty *);				  /* the host takes output again  */
	void *guest;
	/* Set by the host's end. */
	size_t (*output)(struct tty *, const u8 *buf, size_t len); /* takes some, returns how many */
	void (*ready)(struct tty *);				   /* the guest takes input again  */
	void *host;
};

static inline size_t tty_write(struct tty *t, const u8 *buf, size_t len)
{
	return t->output ? t->output(t, buf, len) : len; /* nobody listens: it is gone, as on a loose cable */
}

static inline void tty_ready(struct tty *t)
{
	if (t->ready)
		t->ready(t);
}

#endif
