/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/t_memory.c: every page of RAM that the loader reports is there and distinct; the rest is not. */
#include "guest/test/lib/t.h"

extern u8 t_image_end[];

#define SALT 0x5aa5f00dcafe1234ull
#define HOLE 0x90000000ull

static u64 first(const struct t_range *r)
{
	return MAX(round_up(r->base, 4096), round_up((u64)t_image_end, 4096));
}

static u64 last(const struct t_range *r)
{
	return MIN(round_down(r->base + r->size, 4096), 1ull << 32);
}

static volatile u64 *at(u64 a)
{
	return (volatile u64 *)(uintptr_t)a;
}

static bool in_map(u64 a)
{
	for (unsigned i = 0; i < t_map_n; i++)
		if (a >= t_map[i].base && a - t_map[i].base < t_map[i].size)
			return true;
	return false;
}

static void unmapped(void)
{
	u64 was;

	if (in_map(HOLE)) {
		t_skip("unmapped memory", "RAM there");
		return;
	}
	was = *at(HOLE);
	t_dev("unmapped memory reads ones", was, ~0ull);
	*at(HOLE) = 0x123456789abcdef0;
	t_eq("and writes vanish", *at(HOLE), was);
	t_dev("32 bits of it", *mmio32(HOLE + 4), 0xffffffff);
	t_dev("8 bits of it", *(volatile u8 *)(uintptr_t)(HOLE + 7), 0xff);
}

void t_main(void)
{
	u64 pages = 0, bad = 0;

	t_check("the loader gave a memory map", t_map_n > 0);
	for (unsigned i = 0; i < t_map_n; i++) {
		if (t_map[i].type != 1)
			continue;
		for (u64 a = first(&t_map[i]); a < last(&t_map[i]); a += 4096) {
			*at(a) = a ^ SALT;
			*at(a + 4088) = ~a;
			pages++;
		}
	}
	for (unsigned i = 0; i < t_map_n; i++) {
		if (t_map[i].type != 1)
			continue;
		for (u64 a = first(&t_map[i]); a < last(&t_map[i]); a += 4096)
			bad += *at(a) != (a ^ SALT) || *at(a + 4088) != ~a;
	}
	t_info("pages", pages);
	t_check("there is RAM above 1 MiB", pages > 256);
	t_eq("no page lost or aliased", bad, 0);
	unmapped();
}
