/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/random.c: unpredictable bytes: the CPU's generator where it has one, mixed with its counter. */
#include "guest/rt/sys.h"
#include "guest/rt/x86/cpu.h"

#define RANDOM_TRIES  10 /* Intel SDM 1, 7.3.17: ten failures in a row mean that it is broken */
#define RANDOM_JITTER 64 /* counter samples folded into a word without a hardware source      */
#define CPUID1_RDRAND (1u << 30)

static u64 random_state;
static int random_hw = -1; /* -1: not asked yet */

/* A bijective mix of all 64 bits (constants of the splitmix64 generator). */
static u64 random_mix(u64 x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static void random_probe(void)
{
	u32 r[4];

	cpu_cpuid(1, 0, r);
	random_hw = (r[2] & CPUID1_RDRAND) != 0;
	if (!random_hw)
		log_line("warning: no hardware random numbers: guests get only the counter's jitter");
}

static u64 random_word(void)
{
	u64 hw = 0;
	bool ok = false;

	if (random_hw < 0)
		random_probe();
	for (unsigned i = 0; random_hw > 0 && !ok && i < RANDOM_TRIES; i++)
		ok = cpu_rdrand(&hw);
	for (unsigned i = 0; !ok && i < RANDOM_JITTER; i++)
		hw = random_mix(hw + cpu_counter());
	random_state = random_mix(random_state + 0x9e3779b97f4a7c15ULL + cpu_counter());
	return hw ^ random_state;
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
