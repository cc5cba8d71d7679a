/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/util.h: bits, fields, rounding and other small tools without state. */
#ifndef HV_LIB_UTIL_H
#define HV_LIB_UTIL_H

#include "hv/abi/types.h"

#define BIT(n)	     (1ULL << (n))
#define BITS(hi, lo) (((~0ULL) >> (63 - (hi))) & ~((1ULL << (lo)) - 1))
/* The field of @v under @mask, shifted down; and @v shifted up to it. */
#define FIELD(mask, v)	   (((v) & (mask)) / ((mask) & -(mask)))
#define FIELD_PUT(mask, v) (((u64)(v) * ((mask) & -(mask))) & (mask))

#define ARRAY_SIZE(a)		      (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))
#define MIN(a, b)		      ((a) < (b) ? (a) : (b))
#define MAX(a, b)		      ((a) > (b) ? (a) : (b))
#define likely(x)		      __builtin_expect(!!(x), 1)
#define unlikely(x)		      __builtin_expect(!!(x), 0)

/* @align: a power of two. round_up wraps to 0 past the top. */
static inline u64 round_down(u64 v, u64 align)
{
	return v & ~(align - 1);
}

static inline u64 round_up(u64 v, u64 align)
{
	return (v + align - 1) & ~(align - 1);
}

static inline bool is_aligned(u64 v, u64 align)
{
	return (v & (align - 1)) == 0;
}

/** Is [@base, @base+@size) empty, or does it wrap past 2^64? */
static inline bool range_bad(u64 base, u64 size)
{
	return size == 0 || base + size - 1 < base;
}

/** Does [@base, @base+@size) lie in [@in_base, @in_base+@in_size)? Safe against wrapping. */
static inline bool range_in(u64 base, u64 size, u64 in_base, u64 in_size)
{
	return base >= in_base && size <= in_size && base - in_base <= in_size - size;
}

/** Do two non-wrapping ranges share a byte? */
static inline bool range_overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a_size != 0 && b_size != 0 && (a < b ? b - a < a_size : a - b < b_size);
}

static_assert(BITS(7, 4) == 0xf0, "BITS");
static_assert(BITS(63, 0) == ~0ULL, "BITS, whole word");
static_assert(FIELD(BITS(7, 4), 0x5a) == 5, "FIELD");
static_assert(FIELD_PUT(BITS(7, 4), 5) == 0x50, "FIELD_PUT");

#endif
