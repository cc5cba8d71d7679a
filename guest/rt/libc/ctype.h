/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/libc/ctype.h: what third-party C sources that we build freestanding (inih) ask of <ctype.h>. */
#ifndef GUEST_RT_LIBC_CTYPE_H
#define GUEST_RT_LIBC_CTYPE_H

/** As in the C locale. */
static inline int isspace(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

#endif
