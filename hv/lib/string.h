/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/string.h: the few string functions that freestanding code needs (gcc asks for the mem*). */
#ifndef HV_LIB_STRING_H
#define HV_LIB_STRING_H

#include "hv/abi/types.h"

void *memset(void *d, int c, size_t n);
void *memcpy(void *restrict d, const void *restrict s, size_t n);
void *memmove(void *d, const void *s, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strstr(const char *hay, const char *needle);
/** Copy at most @size-1 bytes of @s and always end with NUL; false if it was cut. */
bool str_copy(char *d, const char *s, size_t size);

#endif
