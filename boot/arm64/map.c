/* SPDX-License-Identifier: Apache-2.0 */
/* boot/arm64/map.c: the first page tables (Arm ARM, D8.3): one level-0 and one level-1 table, and eight of level 2. */
#include "boot/arm64/boot.h"

#include "hv/lib/util.h"

#define MAP_TABLES 8

#define DESC_TABLE  3ULL
#define DESC_BLOCK  1ULL
#define DESC_MEMORY (1ULL << 2) /* MAIR index 1: write-back */
#define DESC_RES1   (1ULL << 6) /* AP[1] of EL2 without VHE  */
#define DESC_INNER  (3ULL << 8)
#define DESC_AF	    (1ULL << 10)
#define DESC_XN	    (3ULL << 53)
#define DESC_ADDR   BITS(47, 12)

static u64 map_root[512] ALIGNED(PAGE_SIZE), map_gib[512] ALIGNED(PAGE_SIZE);
static u64 map_block[MAP_TABLES][512] ALIGNED(PAGE_SIZE);
static unsigned map_used;
static bool map_vhe;

static u64 map_pa(const void *p)
{
	return (u64)p - mem_offset;
}

/* The level-2 table of the GiB that @pa lies in. */
static u64 *map_table(u64 pa)
{
	u64 *e = &map_gib[pa / SIZE_1G];

	if (!*e) {
		if (map_used == MAP_TABLES)
			return NULL;
		*e = map_pa(map_block[map_used++]) | DESC_TABLE;
	}
	return (u64 *)((*e & DESC_ADDR) + mem_offset);
}

bool boot_map(u64 base, u64 size, bool device)
{
	u64 end = base + size;

	if (size == 0)
		return true;
	if (end < base || end > 512 * SIZE_1G)
		return false;
	for (u64 at = round_down(base, SIZE_2M); at < end; at += SIZE_2M) {
		u64 *t = map_table(at), *e;

		if (!t)
			return false;
		e = &t[at / SIZE_2M % 512];
		if (!*e)
			*e = at | DESC_BLOCK | DESC_AF | DESC_INNER | (map_vhe ? 0 : DESC_RES1) |
			     (device ? DESC_XN : DESC_MEMORY);
	}
	asm volatile("dsb ishst; isb" : : : "memory");
	return true;
}

u64 boot_map_start(u64 image, u64 end, u64 fdt)
{
	u64 offset = mem_offset, root;

	map_vhe = offset != 0;
	mem_offset = 0; /* as long as the MMU is off */
	root = map_pa(map_root);
	map_root[0] = map_pa(map_gib) | DESC_TABLE;
	(void)boot_map(image, end - image, false);
	(void)boot_map(fdt, SIZE_2M, false);
	mem_offset = offset;
	return root;
}
