/* SPDX-License-Identifier: Apache-2.0 */
/* guest/drv/arm64/pl011.h: the machine's PL011 (Arm DDI 0183), as the host's end of a tty. */
#ifndef GUEST_DRV_PL011_H
#define GUEST_DRV_PL011_H

#include "guest/drv/serial.h"

struct drv_pl011 {
	struct serial serial;
	u64 base; /* physical, mapped by identity */
};

/**
 * Drive the PL011 at @base, interrupt @irq (an INTID, level), for @tty as serial_start does. Line speed stays as the
 * hypervisor or firmware has set it. ERR_NOENT: no PL011 is there.
 */
MUST_CHECK status_t drv_pl011_init(struct drv_pl011 *p, struct tty *tty, u64 base, u32 irq);

#endif
