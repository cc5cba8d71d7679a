/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/libc/ctype.h: what third-party C sources that we build freestanding (inih, ACPICA) ask of <ctype.h>. */
#ifndef GUEST_RT_LIBC_CTYPE_H
#define GUEST_RT_LIBC_CTYPE_H

/* All as in the C locale. */
static inline int isspace(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline int isdigit(int c)
{
	return c >= '0' && c <= '9';
}

static inline int isxdigit(int c)
{
	return isdigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static inline int isprint(int c)
{
	return c >= ' ' && c <= '~';
}

static inline int tolower(int c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static inline int toupper(int c)
{
	return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
}

#endif
