/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/libc/stdlib.h: libfdt includes <stdlib.h>; nothing of what we build of it uses any. */
#ifndef HV_LIB_LIBC_STDLIB_H
#define HV_LIB_LIBC_STDLIB_H

#include <stddef.h>

#endif
