/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/wire.h: the machine's serial line, whatever device that is: guest/service/ARCH/wire.c. */
#ifndef GUEST_SERVICE_WIRE_H
#define GUEST_SERVICE_WIRE_H

#include "guest/rt/tty.h"
#include "hv/abi/boot_info.h"

/** Drive it as the host's end of @tty. False: there is none. */
bool wire_init(struct tty *tty, const struct boot_info *boot);
/** Wait, with a bound, until all has left. */
void wire_flush(void);

#endif
