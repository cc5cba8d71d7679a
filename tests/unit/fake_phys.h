/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_phys.h: physical memory whose every mapping is an exact heap block, so ASan sees one byte too many.
 */
#ifndef TESTS_UNIT_FAKE_PHYS_H
#define TESTS_UNIT_FAKE_PHYS_H

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "hv/abi/types.h"

#define PHYS_BASE 0x10000ULL
#define PHYS_SIZE 4096

static u8 phys[PHYS_SIZE];
static size_t phys_len = PHYS_SIZE; /* readable part */
static void *phys_block[8192];
static unsigned phys_blocks, warnings;

static const void *phys_map(u64 pa, size_t len)
{
	void *p;

	if (pa < PHYS_BASE || pa - PHYS_BASE > phys_len || len > phys_len - (pa - PHYS_BASE) || phys_blocks == 8192)
		return NULL;
	p = malloc(len);
	memcpy(p, phys + (pa - PHYS_BASE), len);
	return phys_block[phys_blocks++] = p;
}

static void phys_free(void)
{
	while (phys_blocks != 0)
		free(phys_block[--phys_blocks]);
	phys_len = PHYS_SIZE;
	warnings = 0;
}

__attribute__((unused)) static void phys_put(u32 at, u64 v, unsigned n)
{
	for (; n-- != 0; v >>= 8)
		phys[at++] = (u8)v;
}

__attribute__((unused)) PRINTF(1, 2) static void phys_warn(const char *fmt, ...)
{
	warnings++;
}

#endif
