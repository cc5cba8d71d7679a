/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/random.c: unpredictable bytes: the CPU's generator where it has one, mixed with its counter. */
#include "guest/rt/arch.h"

#define RANDOM_JITTER 64 /* counter samples folded into a word without a hardware source      */

static struct lock random_lock = LOCK_INIT(LOCK_LOG);
static u64 random_state; /* under the lock */
static bool random_warned;

/* A bijective mix of all 64 bits (constants of the splitmix64 generator). */
static u64 random_mix(u64 x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static u64 random_word(void)
{
	u64 hw = 0;
	bool ok = cpu_random(&hw);

	if (!ok && !__atomic_exchange_n(&random_warned, true, __ATOMIC_RELAXED))
		log_line("warning: no hardware random numbers: guests get only the counter's jitter");
	for (unsigned i = 0; !ok && i < RANDOM_JITTER; i++)
		hw = random_mix(hw + cpu_counter());
	lock_take(&random_lock);
	random_state = random_mix(random_state + 0x9e3779b97f4a7c15ULL + cpu_counter());
	hw ^= random_state;
	lock_drop(&random_lock);
	return hw;
}

void random_bytes(void *buf, size_t n)
{
	u8 *p = buf;

	while (n != 0) {
		u64 w = random_word();
		size_t k = MIN(n, sizeof(w));

		memcpy(p, &w, k);
		p += k;
		n -= k;
	}
}
