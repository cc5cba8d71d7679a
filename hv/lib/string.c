/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/string.c: memory and string functions in plain C, a word at a time where it matters. */
#include "hv/lib/string.h"

#include "hv/lib/util.h"

/*
 * GCC recognises a copying loop and replaces it with a call of memcpy: here, of itself. The Makefile compiles this file
 * with -fno-tree-loop-distribute-patterns against that; clang's -ffreestanding does not do so.
 */

#define WORD	  sizeof(u64)
#define WORD_MASK (WORD - 1)

/* A word at any address, which may alias anything. */
struct word {
	u64 v;
} PACKED __attribute__((may_alias));

static inline u64 string_load(const u8 *p)
{
	return ((const struct word *)p)->v;
}

static inline void string_store(u8 *p, u64 v)
{
	((struct word *)p)->v = v;
}

void *memset(void *d, int c, size_t n)
{
	u8 *p = d;
	u64 v = (u8)c * 0x0101010101010101ULL;

	for (; n != 0 && ((uintptr_t)p & WORD_MASK) != 0; n--)
		*p++ = (u8)c;
	for (; n >= 4 * WORD; n -= 4 * WORD, p += 4 * WORD) {
		string_store(p, v);
		string_store(p + WORD, v);
		string_store(p + 2 * WORD, v);
		string_store(p + 3 * WORD, v);
	}
	for (; n >= WORD; n -= WORD, p += WORD)
		string_store(p, v);
	for (; n != 0; n--)
		*p++ = (u8)c;
	return d;
}

/* Copy upwards: right for any overlap with @p below @q, since each step reads before it writes. */
static void string_copy_up(u8 *p, const u8 *q, size_t n)
{
	for (; n != 0 && ((uintptr_t)p & WORD_MASK) != 0; n--)
		*p++ = *q++;
	for (; n >= 4 * WORD; n -= 4 * WORD, p += 4 * WORD, q += 4 * WORD) {
		u64 a = string_load(q), b = string_load(q + WORD);
		u64 c = string_load(q + 2 * WORD), d = string_load(q + 3 * WORD);

		string_store(p, a);
		string_store(p + WORD, b);
		string_store(p + 2 * WORD, c);
		string_store(p + 3 * WORD, d);
	}
	for (; n >= WORD; n -= WORD, p += WORD, q += WORD)
		string_store(p, string_load(q));
	for (; n != 0; n--)
		*p++ = *q++;
}

/* Copy downwards, from the end: for an overlap with @p above @q. */
static void string_copy_down(u8 *p, const u8 *q, size_t n)
{
	for (; n != 0 && ((uintptr_t)(p + n) & WORD_MASK) != 0; n--)
		p[n - 1] = q[n - 1];
	for (; n >= WORD; n -= WORD)
		string_store(p + n - WORD, string_load(q + n - WORD));
	for (; n != 0; n--)
		p[n - 1] = q[n - 1];
}

void *memcpy(void *restrict d, const void *restrict s, size_t n)
{
	string_copy_up(d, s, n);
	return d;
}

void *memmove(void *d, const void *s, size_t n)
{
	if ((uintptr_t)d - (uintptr_t)s >= n)
		string_copy_up(d, s, n);
	else
		string_copy_down(d, s, n);
	return d;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *p = a, *q = b;

	while (n >= WORD && string_load(p) == string_load(q)) {
		p += WORD;
		q += WORD;
		n -= WORD;
	}
	for (; n != 0; n--, p++, q++) {
		if (*p != *q)
			return *p < *q ? -1 : 1;
	}
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0')
		n++;
	return n;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] != '\0')
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return (int)(u8)*a - (int)(u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n != 0; n--, a++, b++) {
		if (*a != *b)
			return (int)(u8)*a - (int)(u8)*b;
		if (*a == '\0')
			return 0;
	}
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)(uintptr_t)s;
		if (*s == '\0')
			return NULL;
	}
}

char *strstr(const char *hay, const char *needle)
{
	size_t n = strlen(needle);

	for (;; hay++) {
		if (strncmp(hay, needle, n) == 0)
			return (char *)(uintptr_t)hay;
		if (*hay == '\0')
			return NULL;
	}
}

bool str_copy(char *d, const char *s, size_t size)
{
	size_t n;

	if (size == 0)
		return false;
	n = strnlen(s, size);
	if (n < size) {
		memcpy(d, s, n + 1);
		return true;
	}
	memcpy(d, s, size - 1);
	d[size - 1] = '\0';
	return false;
}
