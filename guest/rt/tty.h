/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/tty.h: a two-way stream of characters between a device model and a console or driver. */
#ifndef GUEST_RT_TTY_H
#define GUEST_RT_TTY_H

#include "hv/abi/types.h"

/*
 * One end is the host's (the console multiplexer, a serial driver), the other the guest's (16550, virtio-console).
 * Neither blocks. The guest's end moves all characters, with its own lock held; the host's end only says that there
 * are some, or room for some, and holds no lock then: so locks are taken in one direction, the device's before the
 * host's.
 */
struct tty {
	/* Set by the guest's end. */
	void (*input)(struct tty *); /* there is input: fetch it by tty_read, now or when it can be taken */
	void (*room)(struct tty *);  /* the host takes output again, after it took less than was offered */
	void *guest;
	/* Set by the host's end. */
	size_t (*output)(struct tty *, const u8 *buf, size_t len); /* takes some, returns how many  */
	size_t (*read)(struct tty *, u8 *buf, size_t len);	   /* gives some, returns how many; 0: none */
	void *host;
};

static inline size_t tty_write(struct tty *t, const u8 *buf, size_t len)
{
	return t->output ? t->output(t, buf, len) : len; /* nobody listens: it is gone, as on a loose cable */
}

static inline size_t tty_read(struct tty *t, u8 *buf, size_t len)
{
	return t->read && len != 0 ? t->read(t, buf, len) : 0;
}

#endif
