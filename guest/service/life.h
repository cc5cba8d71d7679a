/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/life.h: what guest.c, make.c and shake.c offer each other. */
#ifndef GUEST_SERVICE_LIFE_H
#define GUEST_SERVICE_LIFE_H

#include "guest/service/guest.h"

/** Say in the log that @what failed; false. */
bool guest_fail(const struct guest *g, const char *what, status_t s);
/** The VM with its memory and CPUs, none of them in a state to run. False: nothing is left of it, soon. */
bool guest_make(struct guest *g);
/**
 * The VM goes, as far as it was made, and all that it had: no vCPU is left. Devices and consoles, with what they
 * hold, stay; their registers are as after a reset, so that none of them reaches for memory.
 */
void guest_unmake(struct guest *g);
/* vm->stopped, the restart timer, and work that shakes. */
void guest_stopped(struct vm *vm);
void guest_restart(struct timer *t);
void guest_shake_some(struct work *w);

#endif
