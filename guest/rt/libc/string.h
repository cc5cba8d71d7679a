/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/libc/string.h: third-party C sources that we build freestanding get hv/lib's string functions. */
#ifndef GUEST_RT_LIBC_STRING_H
#define GUEST_RT_LIBC_STRING_H

#include "hv/lib/string.h"

#endif
