/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/libc/string.h: third-party C sources that we build freestanding get hv/lib's string functions. */
#ifndef HV_LIB_LIBC_STRING_H
#define HV_LIB_LIBC_STRING_H

#include "hv/lib/string.h"

/** The first byte @c of the @n at @s, or NULL. */
static inline void *memchr(const void *s, int c, size_t n)
{
	for (const u8 *p = s; n != 0; p++, n--) {
		if (*p == (u8)c)
			return (void *)(uintptr_t)p;
	}
	return NULL;
}

/** The last @c of the string @s, or NULL. */
static inline char *strrchr(const char *s, int c)
{
	for (size_t n = strlen(s) + 1; n != 0; n--) {
		if (s[n - 1] == (char)c)
			return (char *)(uintptr_t)(s + n - 1);
	}
	return NULL;
}

static inline char *strcpy(char *d, const char *s)
{
	return memcpy(d, s, strlen(s) + 1);
}

static inline char *strcat(char *d, const char *s)
{
	(void)strcpy(d + strlen(d), s);
	return d;
}

/** At most @n bytes of @s, and zeroes up to that; no NUL where @s is that long. */
static inline char *strncpy(char *d, const char *s, size_t n)
{
	size_t len = strnlen(s, n);

	memcpy(d, s, len);
	memset(d + len, 0, n - len);
	return d;
}

#endif
