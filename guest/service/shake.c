/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/shake.c: takes pieces of a running guest's RAM away and sees to it that it does not notice. */
#include "guest/rt/sys.h"
#include "guest/service/life.h"

#define GUEST_SHAKE_ROUND 4 /* pieces at a time */

static u64 guest_random(struct guest *g)
{
	g->shake_seed = g->shake_seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return g->shake_seed >> 24;
}

/* A piece of 4 KiB to 2 MiB, aligned to its size or only to a page. */
static status_t guest_shake_one(struct guest *g)
{
	const struct vm_ram *r = &g->vm.ram[guest_random(g) % g->vm.nram];
	u64 size = PAGE_SIZE << guest_random(g) % 10, gpa;

	gpa = guest_random(g) % (r->size / PAGE_SIZE) * PAGE_SIZE;
	if ((guest_random(g) & 1) != 0)
		gpa = round_down(gpa, size);
	size = MIN(size, r->size - gpa);
	return vm_ram_unmap(&g->vm, r->gpa + gpa, size);
}

void guest_shake_some(struct work *w)
{
	struct guest *g = container_of(w, struct guest, shake);
	status_t s = OK;

	for (unsigned i = 0; g->shakes != 0 && guest_lives(g) && i < GUEST_SHAKE_ROUND; i++) {
		s = guest_shake_one(g);
		if (s == OK) {
			g->shakes--;
			g->shaken++;
		} else if (s == ERR_FULL) {
			if (!vm_ram_restore(&g->vm)) /* what it does not use stays away for ever */
				break;
		} else if (s != ERR_EXISTS) {
			break;
		}
	}
	if (g->shakes != 0 && guest_lives(g) && (s == OK || s == ERR_FULL || s == ERR_EXISTS)) {
		work_queue(w);
		return;
	}
	g->shakes = 0;
	log_line("guest %s: %llu pieces of its RAM taken away, %llu given back so far; status %d", g->vm.name,
		 (unsigned long long)g->shaken, (unsigned long long)g->vm.refaults, (int)s);
}

bool guest_shake(struct guest *g, u64 n, u64 seed)
{
	if (!guest_lives(g) || g->shakes != 0)
		return false;
	g->shakes = n;
	g->shake_seed = seed;
	g->shaken = 0;
	work_queue(&g->shake);
	return true;
}
