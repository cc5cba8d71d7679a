/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hv/smp.c: several physical CPUs: starting them, and what they ask of each other.
 *
 * Two ways. A call (cpu_call) is for what must be done when it returns: one at a time in the whole machine, under the
 * control lock, and whoever waits for that lock answers it, so nobody waits in a circle. A wake (vcpu_notify) is a
 * note: the vCPU on a list of its CPU's, an interrupt if the list was empty, and no waiting.
 *
 * A CPU that runs a guest or idles leaves by the interrupt and serves both in exit_irq or sched_next. One that is in
 * the hypervisor has interrupts masked: the interrupt waits, and makes it leave again right behind its next entry.
 */
#include "arch/iface/mem.h"
#include "hv/lib/string.h"
#include "hv/vm.h"

#define SMP_START_MS   1000 /* for a CPU to come up */
#define SMP_PROBES     200  /* comparisons of two counters */
#define SMP_SPIN_LIMIT 100000000UL

struct cpu *cpus[BOOT_MAX_CPUS];

/*
 * Not a fair one: who waits in turn for a CPU that its own host has put aside, as an emulator's may be, keeps all
 * others waiting. It is held for microseconds, but for calls that name megabytes of memory.
 */
static bool control_held;

/* The one call under way. */
static void (*smp_fn)(void *arg);
static void *smp_arg;

static u32 smp_parked, smp_go;
static unsigned smp_next = 1; /* number of the next CPU that comes up */

void smp_serve_now(struct cpu *c)
{
	struct vcpu *v, *next;

	if (unlikely(log_panicked))
		arch_halt();
	v = __atomic_exchange_n(&c->wakes, NULL, __ATOMIC_ACQUIRE);
	for (; v; v = next) {
		next = v->wake_next;
		v->dead = false; /* before it counts as not told: see exit_all_dead */
		__atomic_store_n(&v->wake_queued, false, __ATOMIC_SEQ_CST);
		if (v->cpu == c)
			sched_wake(v);
		else
			vcpu_notify(v); /* it has moved */
	}
	if (__atomic_load_n(&c->call, __ATOMIC_ACQUIRE)) {
		smp_fn(smp_arg);
		__atomic_store_n(&c->call, false, __ATOMIC_RELEASE);
	}
}

void vcpu_notify(struct vcpu *v)
{
	struct cpu *to;

	if (v->cpu == this_cpu()) {
		sched_wake(v);
		return;
	}
	if (__atomic_exchange_n(&v->wake_queued, true, __ATOMIC_SEQ_CST))
		return; /* its CPU has been told, and has not looked yet */
	to = v->cpu;
	v->wake_next = __atomic_load_n(&to->wakes, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&to->wakes, &v->wake_next, v, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	if (!v->wake_next)
		arch_cpu_kick(to->hw);
}

void control_lock(void)
{
	struct cpu *c = this_cpu();

	while (__atomic_exchange_n(&control_held, true, __ATOMIC_ACQUIRE))
		do {
			smp_serve(c);
			arch_cpu_relax();
		} while (__atomic_load_n(&control_held, __ATOMIC_RELAXED));
}

void control_unlock(void)
{
	__atomic_store_n(&control_held, false, __ATOMIC_RELEASE);
}

static void smp_ask(struct cpu *to)
{
	__atomic_store_n(&to->call, true, __ATOMIC_RELEASE);
	arch_cpu_kick(to->hw);
}

static void smp_wait(struct cpu *to)
{
	while (__atomic_load_n(&to->call, __ATOMIC_ACQUIRE))
		arch_cpu_relax();
}

void cpu_call(struct cpu *to, void (*fn)(void *arg), void *arg)
{
	if (to == this_cpu()) {
		fn(arg);
		return;
	}
	smp_fn = fn;
	smp_arg = arg;
	smp_ask(to);
	smp_wait(to);
}

void cpu_call_others(void (*fn)(void *arg), void *arg)
{
	struct cpu *c = this_cpu(), *o;

	smp_fn = fn;
	smp_arg = arg;
	for_each_other_cpu (o, c, n)
		smp_ask(o);
	for_each_other_cpu (o, c, n)
		smp_wait(o);
}

static void smp_nothing(void *arg)
{
}

/* Twice: one that has answered the first may be given a wake by one that has not yet. */
void smp_quiesce(void)
{
	cpu_call_others(smp_nothing, NULL);
	cpu_call_others(smp_nothing, NULL);
	smp_serve(this_cpu());
}

static void smp_stand(void *arg)
{
	u32 round = *(const u32 *)arg;

	__atomic_fetch_add(&smp_parked, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&smp_go, __ATOMIC_ACQUIRE) == round)
		arch_cpu_relax();
	__atomic_fetch_sub(&smp_parked, 1, __ATOMIC_ACQ_REL);
}

void smp_park(void)
{
	static u32 round;
	struct cpu *c = this_cpu();
	u32 n = 0;

	round = smp_go;
	smp_fn = smp_stand;
	smp_arg = &round;
	for (unsigned i = 0; i < BOOT_MAX_CPUS; i++)
		if (cpus[i] && cpus[i] != c) {
			smp_ask(cpus[i]);
			n++;
		}
	while (__atomic_load_n(&smp_parked, __ATOMIC_ACQUIRE) != n)
		arch_cpu_relax();
}

void smp_unpark(void)
{
	struct cpu *c = this_cpu(), *o;

	__atomic_fetch_add(&smp_go, 1, __ATOMIC_ACQ_REL);
	for_each_other_cpu (o, c, n)
		smp_wait(o);
}

/* --- starting them ---------------------------------------------------------------------------------------------------
 */

/*
 * Do two counters agree? Each round: ours, theirs, ours again. Theirs must lie between; how far it lies outside is
 * what the two differ by at least.
 */
static struct {
	u32 turn; /* even: ours, odd: the other CPU's */
	u64 theirs;
} smp_probe ALIGNED(64);

static bool smp_turn(u32 turn)
{
	for (u64 spins = 0; __atomic_load_n(&smp_probe.turn, __ATOMIC_ACQUIRE) != turn; spins++) {
		if (spins == SMP_SPIN_LIMIT)
			return false;
		arch_cpu_relax();
	}
	return true;
}

static u64 smp_compare(void)
{
	u64 worst = 0;

	for (u32 i = 0; i < SMP_PROBES; i++) {
		u64 before = arch_counter(), after;

		__atomic_store_n(&smp_probe.turn, 2 * i + 1, __ATOMIC_RELEASE);
		if (!smp_turn(2 * i + 2))
			break;
		after = arch_counter();
		if (smp_probe.theirs < before)
			worst = MAX(worst, before - smp_probe.theirs);
		if (smp_probe.theirs > after)
			worst = MAX(worst, smp_probe.theirs - after);
	}
	return worst;
}

static void smp_be_compared(void)
{
	for (u32 i = 0; i < SMP_PROBES && smp_turn(2 * i + 1); i++) {
		smp_probe.theirs = arch_counter();
		__atomic_store_n(&smp_probe.turn, 2 * i + 2, __ATOMIC_RELEASE);
	}
}

void cpu_main(unsigned n)
{
	struct cpu *c = this_cpu();

	sched_init(c, smp_next);
	c->hw = n;
	__atomic_store_n(&cpus[smp_next], c, __ATOMIC_RELEASE);
	__atomic_store_n(&c->up, true, __ATOMIC_RELEASE);
	smp_be_compared();
	exit_loop(c);
}

/* Start CPU @n. What goes wrong leaves it off, and is said. */
static void smp_start_one(unsigned n, u64 *apart)
{
	struct cpu *c = mem_cpu_block(n);
	u64 end = arch_counter() + arch_counter_hz() / 1000 * SMP_START_MS, differ;
	status_t s;

	smp_probe.turn = 0;
	s = c ? arch_cpu_start(n, c) : ERR_NOMEM;
	while (s == OK && !__atomic_load_n(&c->up, __ATOMIC_ACQUIRE)) {
		if (arch_counter() > end)
			s = ERR_BUSY;
		arch_cpu_relax();
	}
	if (s != OK) {
		log_printf("trivet: CPU %u (%lx) %s: it stays off\n", n, arch_cpu_hw_id(n),
			   s == ERR_BUSY    ? "has not come up"
			   : s == ERR_NOMEM ? "has no memory"
					    : "cannot be started");
		return;
	}
	differ = smp_compare();
	*apart = MAX(*apart, differ);
	smp_next++;
}

void smp_start(void)
{
	unsigned all = arch_cpu_count();
	u64 apart = 0;

	memset(cpus, 0, sizeof(cpus));
	control_held = false;
	smp_next = 1;
	cpus[0] = this_cpu();
	for (unsigned n = 1; n < all; n++)
		smp_start_one(n, &apart);
	if (all == 1)
		return;
	log_printf("trivet: %u of %u CPUs are up, their counters ", smp_next, all);
	if (apart)
		log_printf("differ by %lu ticks or more: guests that move may see time step back\n", apart);
	else
		log_printf("agree\n");
}
