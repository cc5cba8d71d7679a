/* SPDX-License-Identifier: Apache-2.0 */
/* hv/abi/types.h: the integer types and attributes that every part of Trivet uses. */
#ifndef HV_ABI_TYPES_H
#define HV_ABI_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#ifndef static_assert
#define static_assert _Static_assert
#endif

#define MUST_CHECK    __attribute__((warn_unused_result))
#define NORETURN      __attribute__((noreturn))
#define PACKED	      __attribute__((packed))
#define ALIGNED(n)    __attribute__((aligned(n)))
#define SECTION(s)    __attribute__((section(s)))
#define USED	      __attribute__((used))
#define COLD	      __attribute__((cold))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NOINLINE      __attribute__((noinline))
#define PRINTF(f, a)  __attribute__((format(printf, f, a)))

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL
#define PAGE_MASK  (~(PAGE_SIZE - 1))
#define SIZE_2M	   0x200000UL
#define SIZE_1G	   0x40000000UL

#endif
