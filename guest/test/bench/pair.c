/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/test/bench/pair.c: interrupts from one CPU to another, and switches between them where both are one physical
 * CPU's. With one, somebody always runs, and a time is exact. With two, QEMU's --count has one clock for both and runs
 * them in turns, which PAUSE ends: so the time from the sender's write to the receiver's first instruction is what both
 * have done for it.
 */
#include "guest/test/bench/bench.h"

#define REST_US	 50 /* long enough for the other to halt */
#define ALARM_US 100000

enum does { HALTS, SPINS, TURNS, WATCHES };

volatile u64 bench_arrived;

static volatile u32 other_does, other_is; /* what it is to do, and what it does */
static volatile u32 turn;		  /* whose */
static volatile u64 left;		  /* when one of them gave its turn away, or halted; 0: seen */
static volatile u64 went_on;		  /* when the other saw that */

/* --- the other ---------------------------------------------------------------------------------------------------- */

static void other_turns(void)
{
	for (unsigned n = 0; other_does == TURNS; n++) {
		if (turn != 1) {
			bench_pause(n);
			continue;
		}
		left = t_clock();
		turn = n = 0;
	}
}

/* Computes; seldom enough that it makes no difference, it is a turn's end for an emulator. */
static void other_watches(void)
{
	for (unsigned n = 1; other_does == WATCHES; n++) {
		if (left != 0) {
			went_on = t_clock();
			left = 0;
		} else if (n % 256 == 0) {
			bench_pause(0);
		}
	}
}

/* Halts, or spins with interrupts on, until it is pinged; answers, and again; or takes turns, or watches for its own.
 */
void bench_other(void)
{
	u32 seen = irq_count[bench_ping_irq];

	for (;;) {
		u32 what = other_does;

		other_is = what + 1;
		if (what == TURNS) {
			other_turns();
		} else if (what == WATCHES) {
			other_watches();
		} else if (what == HALTS) {
			while (irq_count[bench_ping_irq] == seen)
				t_halt();
		} else {
			irq_on();
			for (unsigned n = 0; irq_count[bench_ping_irq] == seen; n++)
				bench_pause(n);
			irq_off();
		}
		if (irq_count[bench_ping_irq] != seen) {
			seen = irq_count[bench_ping_irq];
			bench_ipi(0);
		}
	}
}

/* --- the first ---------------------------------------------------------------------------------------------------- */

/* Asleep for a moment, so that the other comes to its end. */
static void rest(void)
{
	u32 n = irq_count[bench_alarm_irq];

	bench_alarm(REST_US);
	while (irq_count[bench_alarm_irq] == n)
		t_halt();
	bench_alarm(0);
}

/* Spin, interrupts on or off, until *@p is no more @was. False: it stayed. */
static bool changes(const volatile u32 *p, u32 was)
{
	u64 start = t_clock();

	for (unsigned n = 0; *p == was && t_clock() - start < bench_patience(); n++)
		bench_pause(n);
	return *p != was;
}

static bool tell(enum does what)
{
	u64 start = t_clock();

	other_does = what;
	bench_ipi(1);
	for (unsigned n = 0; other_is != what + 1 && t_clock() - start < bench_patience(); n++)
		bench_pause(n);
	rest();
	return other_is == what + 1;
}

/* One ping to the other and its answer, while this one spins. When it was sent; *@sent: when that was done. 0: none. */
static u64 ping(u64 *sent)
{
	u32 pongs = irq_count[bench_pong_irq];
	u64 start;
	bool ok;

	bench_arrived = 0;
	start = t_clock();
	bench_ipi(1);
	*sent = t_clock();
	for (unsigned n = 0; bench_arrived == 0 && t_clock() - start < bench_patience(); n++)
		bench_pause(n);
	irq_on();
	ok = changes(&irq_count[bench_pong_irq], pongs);
	irq_off();
	return ok && bench_arrived != 0 ? start : 0;
}

static void to_running(const char *name, bool send)
{
	u64 start = 1, sent;

	bench_begin(BENCH_FEW);
	while (start != 0 && bench_more()) {
		start = ping(&sent);
		bench_put((send ? sent : bench_arrived) - start, 1);
	}
	bench_report_if(start != 0, name, "it did not arrive");
}

/* To one that halts, while this one spins. */
static void to_halted(void)
{
	u64 start = 1, sent;

	bench_begin(BENCH_FEW);
	while (start != 0 && bench_more()) {
		rest();
		start = ping(&sent);
		bench_put(bench_arrived - start, 1);
	}
	bench_report_if(start != 0, "ipi-halted", "it did not arrive");
}

/* To one that halts, and this one halts too until there is an answer. */
static void both_halt(void)
{
	bool ok = true;

	bench_begin(BENCH_FEW);
	while (ok && bench_more()) {
		u32 pongs, alarms;
		u64 start;

		rest();
		pongs = irq_count[bench_pong_irq];
		alarms = irq_count[bench_alarm_irq];
		bench_arrived = 0;
		bench_alarm(ALARM_US);
		start = t_clock();
		bench_ipi(1);
		while (irq_count[bench_pong_irq] == pongs && irq_count[bench_alarm_irq] == alarms)
			t_halt();
		bench_alarm(0);
		ok = bench_arrived != 0;
		bench_put(bench_arrived - start, 1);
	}
	bench_report_if(ok, "ipi-halted-sleep", "no answer");
}

/* From this one's halt to the going on of the other, which was in the middle of something when this one woke. */
static void switches(void)
{
	bool ok = true;

	bench_begin(BENCH_FEW);
	while (ok && bench_more()) {
		u32 n = irq_count[bench_alarm_irq];
		u64 start;

		went_on = 0;
		bench_alarm(REST_US);
		start = t_clock();
		left = start;
		while (irq_count[bench_alarm_irq] == n)
			t_halt();
		bench_alarm(0);
		ok = went_on != 0;
		bench_put(went_on - start, 1);
	}
	bench_report_if(ok, "vm-switch", "the other has no turn");
}

/* From one's spinning, which gives its turn to the other, to the other's going on. */
static void turns(void)
{
	bool ok = true;

	bench_begin(BENCH_FEW);
	while (ok && bench_more()) {
		u64 start = t_clock(), now = start;

		turn = 1;
		for (unsigned n = 0; turn != 0 && now - start < bench_patience(); n++) {
			bench_pause(n);
			now = t_clock();
		}
		ok = turn == 0;
		bench_put(now > left ? now - left : 0, 1);
	}
	bench_report_if(ok, "vm-switch-pause", "the other has no turn");
}

void bench_pair(void)
{
	static const char *const names[] = { "ipi-other-send",	"ipi-other",  "vm-switch",
					     "vm-switch-pause", "ipi-halted", "ipi-halted-sleep" };
	const char *why = bench_other_start();

	if (why == NULL && !tell(SPINS))
		why = "the second CPU does not run";
	for (unsigned i = 0; why != NULL && i < ARRAY_SIZE(names); i++)
		bench_skip(names[i], why);
	if (why != NULL)
		return;
	to_running(names[0], true);
	to_running(names[1], false);
	left = 0;
	if (tell(WATCHES))
		switches();
	else
		bench_skip(names[2], "the second CPU does not listen");
	if (bench_yields && tell(TURNS))
		turns();
	else
		bench_skip(names[3], "spinning gives no turn away");
	if (tell(HALTS)) {
		to_halted();
		both_halt();
		return;
	}
	for (unsigned i = 4; i < ARRAY_SIZE(names); i++)
		bench_skip(names[i], "the second CPU does not halt");
}
