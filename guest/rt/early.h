/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/early.h: which serial port early_write uses. */
#ifndef GUEST_RT_EARLY_H
#define GUEST_RT_EARLY_H

#include "hv/abi/boot_info.h"

/** From now on early_write prints to @p's serial port; before, and when @p has none, it is silent. */
void early_init(const struct boot_platform *p);

#endif
