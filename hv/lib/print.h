/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/print.h: formatted text, for a buffer or any sink of bytes. */
#ifndef HV_LIB_PRINT_H
#define HV_LIB_PRINT_H

#include <stdarg.h>

#include "hv/abi/types.h"

typedef void (*print_sink)(void *ctx, char c);

/**
 * Format to @sink. Knows d i u x X p c s %, the flags 0 - and space, width and precision (also *),
 * and the lengths hh h l ll z. Returns the number of characters.
 */
int vprint(print_sink sink, void *ctx, const char *fmt, va_list ap);
/** Format into @buf, always NUL-terminated when @size > 0; returns the length that was wanted. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int snprintf(char *buf, size_t size, const char *fmt, ...) PRINTF(3, 4);

#endif
