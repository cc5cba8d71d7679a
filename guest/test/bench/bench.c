/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/bench/bench.c: samples, their median and the worst of them. */
#include "guest/test/bench/bench.h"

#define PATIENCE_MS 100
#define LARGE	    0x200000u
#define TIMER_US    100 /* from arming to firing: more than arming takes anywhere */

unsigned bench_batch = 1;
u64 bench_overhead, bench_overhead_one;

static unsigned bench_tick = 1;
static u64 sample[BENCH_N];
static unsigned done, wanted; /* those to warm up included */

void bench_init(unsigned tick)
{
	bench_tick = bench_batch = tick;
}

void bench_begin(unsigned samples)
{
	done = 0;
	wanted = MIN(samples, (unsigned)BENCH_N) + BENCH_WARM;
}

bool bench_more(void)
{
	return done < wanted;
}

void bench_put(u64 ticks, unsigned times)
{
	if (done >= BENCH_WARM && done < wanted)
		sample[done - BENCH_WARM] = (ticks * bench_tick + times / 2) / times;
	done++;
}

/* By insertion: most of them are equal. */
static void sort(unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		u64 v = sample[i];
		unsigned k = i;

		for (; k > 0 && sample[k - 1] > v; k--)
			sample[k] = sample[k - 1];
		sample[k] = v;
	}
}

static void print_cost(u64 cost, u64 overhead)
{
	t_puts(" ");
	t_dec(cost > overhead ? cost - overhead : 0);
}

void bench_report_if(bool ok, const char *name, const char *why)
{
	if (ok)
		bench_report(name, bench_overhead_one);
	else
		bench_skip(name, why);
}

u64 bench_report(const char *name, u64 overhead)
{
	unsigned n = wanted - BENCH_WARM;

	sort(n);
	t_puts("COST ");
	t_puts(name);
	print_cost(sample[n / 2], overhead);
	print_cost(sample[n - 1], overhead);
	t_puts("\n");
	return sample[n / 2];
}

void bench_skip(const char *name, const char *why)
{
	t_puts("COST-SKIP ");
	t_puts(name);
	t_puts(" ");
	t_puts(why);
	t_puts("\n");
}

void bench_first_touch(u64 from, u64 to)
{
	u64 page = (from + LARGE - 1) & ~(LARGE - 1ull), n = to > page ? (to - page) / LARGE : 0;

	if (n <= BENCH_WARM) {
		bench_skip("first-touch", "too little RAM");
		return;
	}
	bench_begin((unsigned)MIN(n - BENCH_WARM, (u64)BENCH_FEW));
	while (bench_more()) {
		u64 start = t_clock();

		for (u64 end = page + LARGE; page != end; page += 4096)
			*mmio32(page) = 1;
		bench_put(t_clock() - start, LARGE / 4096);
	}
	bench_report("first-touch", 0);
}

u64 bench_patience(void)
{
	static u64 ticks;

	if (ticks == 0)
		ticks = PATIENCE_MS * t_clock_ms();
	return ticks;
}

void bench_timer(const char *name, bool halt)
{
	bench_begin(BENCH_N);
	while (bench_more()) {
		u32 n = irq_count[bench_alarm_irq];
		u64 at = bench_alarm(TIMER_US), now;

		if (halt) {
			while (irq_count[bench_alarm_irq] == n)
				t_halt();
		} else {
			irq_on();
			for (u64 i = 0; i < bench_patience() && irq_count[bench_alarm_irq] == n; i++)
				;
		}
		now = t_clock();
		irq_off();
		bench_put(now > at ? now - at : 0, 1);
	}
	bench_report(name, 0);
}
