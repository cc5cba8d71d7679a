/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/t_memory.c: every page of RAM that the loader reports is there and distinct; the rest is not. */
#include "guest/test/lib/t.h"

#define SALT 0x5aa5f00dcafe1234ull

static u64 first(const struct t_range *r)
{
	return round_up(r->base, 4096);
}

static u64 last(const struct t_range *r)
{
	return MIN(round_down(r->base + r->size, 4096), t_ram_limit);
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

void t_main(void)
{
	u64 pages = 0, bad = 0;

	t_check("the loader gave a memory map", t_map_n > 0);
	for (unsigned i = 0; i < t_map_n; i++) {
		if (t_map[i].type != 1)
			continue;
		for (u64 a = first(&t_map[i]); a < last(&t_map[i]); a += 4096) {
			if (!t_ram_free(a))
				continue;
			*at(a) = a ^ SALT;
			*at(a + 4088) = ~a;
			pages++;
		}
	}
	for (unsigned i = 0; i < t_map_n; i++) {
		if (t_map[i].type != 1)
			continue;
		for (u64 a = first(&t_map[i]); a < last(&t_map[i]); a += 4096)
			bad += t_ram_free(a) && (*at(a) != (a ^ SALT) || *at(a + 4088) != ~a);
	}
	t_info("pages", pages);
	t_check("there is more than 1 MiB of RAM", pages > 256);
	t_eq("no page lost or aliased", bad, 0);
	if (in_map(t_hole))
		t_skip("unmapped memory", "RAM there");
	else
		t_hole_test();
}
