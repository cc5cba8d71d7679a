/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/test/bench/bench.h: what single operations cost: BENCH_N samples of each, two before them to warm up. Prints
 * "COST name median worst", both without what the measurement itself costs, or "COST-SKIP name why".
 */
#ifndef GUEST_TEST_BENCH_H
#define GUEST_TEST_BENCH_H

#include "guest/test/lib/t.h"

#define BENCH_N	   200
#define BENCH_FEW  25 /* of what may take milliseconds */
#define BENCH_WARM 2

/* How often an operation is done for a sample: as many instructions as one tick of t_clock is long. */
extern unsigned bench_batch;
/* What BENCH and BENCH_ONE measure of nothing; the second is that of two readings of the clock. */
extern u64 bench_overhead, bench_overhead_one;

/* The cost of @statement, which is at one place, so that what is learnt of it before the samples helps in them. */
#define BENCH(name, statement)                                                     \
	({                                                                         \
		bench_begin(BENCH_N);                                              \
		while (bench_more()) {                                             \
			u64 bench_start = t_clock();                               \
			for (unsigned bench_i = bench_batch; bench_i; bench_i--) { \
				statement;                                         \
			}                                                          \
			bench_put(t_clock() - bench_start, bench_batch);           \
		}                                                                  \
		bench_report(name, bench_overhead);                                \
	})

/* The same where each time needs something @before it, or @after, that does not count. */
#define BENCH_ONE(name, before, statement, after)                                  \
	({                                                                         \
		bench_begin(BENCH_N);                                              \
		while (bench_more()) {                                             \
			u64 bench_sum = 0;                                         \
			for (unsigned bench_i = bench_batch; bench_i; bench_i--) { \
				u64 bench_start;                                   \
				before;                                            \
				bench_dither();                                    \
				bench_start = t_clock();                           \
				statement;                                         \
				bench_sum += t_clock() - bench_start;              \
				after;                                             \
			}                                                          \
			bench_put(bench_sum, bench_batch);                         \
		}                                                                  \
		bench_report(name, bench_overhead_one);                            \
	})

/** A tick of t_clock is @tick instructions (or whatever is counted); also the size of a batch. */
void bench_init(unsigned tick);
void bench_begin(unsigned samples);
/** Is another sample wanted? */
bool bench_more(void);
/** A sample: @ticks for @times operations. */
void bench_put(u64 ticks, unsigned times);
/** Print the samples without @overhead. Returns the median. */
u64 bench_report(const char *name, u64 overhead);
void bench_skip(const char *name, const char *why);
/** One or the other: of samples that need two readings of the clock, if all went well. */
void bench_report_if(bool ok, const char *name, const char *why);
/** From the timer's time to the end of its handler, awake; or, with @halt, to what is behind the sleep. */
void bench_timer(const char *name, bool halt);
/** The cost of a page's first store, over 2 MiB each, in RAM that nobody has touched. */
void bench_first_touch(u64 from, u64 to);
/** Ticks of t_clock after which waiting is given up. */
u64 bench_patience(void);

/* --- a virtio-rng: guest/test/bench/virtio.c ---------------------------------------------------------------------- */
/** Look for it and start its queue, empty. Before the interrupt controller is set up: its MSI may do that. */
void bench_rng_open(void);
/** Its common configuration, 0: none. */
u64 bench_rng_common(void);
/** Its doorbells with nothing in the queue. */
void bench_doorbells(void);
/** From a request to the end of its interrupt's handler, asleep meanwhile. */
void bench_requests(void);

/* --- two CPUs: guest/test/bench/pair.c ---------------------------------------------------------------------------- */
void bench_pair(void);
/** The second CPU comes here, interrupts off. */
NORETURN void bench_other(void);
/** When it took its last ping: the first thing that its handler does. */
extern volatile u64 bench_arrived;

/* --- what each architecture has: t_bench.c ------------------------------------------------------------------------ */
/** Have an interrupt bench_alarm_irq in so many microseconds; 0: not any more. Returns that time. */
u64 bench_alarm(u64 us);
extern const u32 bench_alarm_irq, bench_ping_irq, bench_pong_irq; /* in irq_count */
/** Start the second CPU, which is to call bench_other. Why not, or NULL. */
const char *bench_other_start(void);
/** Begin somewhere else in the clock's tick, so that the readings' rounding averages out. */
void bench_dither(void);
/** Interrupt CPU @cpu: 1 by bench_ping_irq, 0 by bench_pong_irq. */
void bench_ipi(unsigned cpu);
/** What a CPU does that spins, the @n-th time. */
void bench_pause(unsigned n);
/** Does that give the turn to another of the same physical CPU's? */
extern const bool bench_yields;

#endif
