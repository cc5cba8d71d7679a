/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/libc/limits.h: the limits that libfdt asks for; a cross compiler without a libc has no <limits.h>. */
#ifndef HV_LIB_LIBC_LIMITS_H
#define HV_LIB_LIBC_LIMITS_H

#define INT_MAX	 __INT_MAX__
#define INT_MIN	 (-INT_MAX - 1)
#define UINT_MAX (INT_MAX * 2U + 1U)

#endif
