/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/t_smp.c: several CPUs: PSCI CPU_ON and CPU_OFF, SGIs there and back, SPIs that move, timers, storms.
 */
#include "guest/test/arm64/arm64.h"

#define PING	 1 /* the other answers with PONG */
#define PONG	 2
#define MANY	 3 /* several senders */
#define STORM	 4
#define SPI	 80
#define ROUNDS	 200
#define BAD_ADDR (-9)
#define ON_PEND	 (-5)
#define IROUTER	 0x6000

enum order { SLEEP, MASKED, HOLD, END, SEND_MANY, TIMER, STORMING, OFF };

static volatile u32 order[SMP_MAX], doing[SMP_MAX], up[SMP_MAX], held[SMP_MAX];
static unsigned ncpus;

static void sgi(unsigned to, unsigned intid)
{
	dsb();
	if (gic_version == 2)
		*mmio32(gicd + GICD_SGIR) = 1u << (16 + to) | intid;
	else
		msr(S3_0_C12_C11_5, (u64)intid << 24 | 1ull << to);
	isb();
}

static void sgi_others(unsigned intid)
{
	dsb();
	if (gic_version == 2)
		*mmio32(gicd + GICD_SGIR) = 1u << 24 | intid;
	else
		msr(S3_0_C12_C11_5, (u64)intid << 24 | 1ull << 40);
	isb();
}

static void route(unsigned intid, unsigned cpu)
{
	if (gic_version == 2)
		*mmio8(gicd + GICD_ITARGETSR + intid) = (u8)(1u << cpu);
	else
		*(volatile u64 *)(gicd + IROUTER + 8ull * intid) = cpu;
	dsb();
}

static void pend(unsigned intid)
{
	gic_bit(GICD_ISPENDR, intid);
	dsb();
}

/* --- the other CPUs ------------------------------------------------------------------------------------------------
 */

/* Asleep but for interrupts. */
static void nap(unsigned me, u64 us)
{
	u32 before = irq_cpu[me][INTID_VTIMER];

	vtimer_in(us_to_ticks(us));
	while (irq_cpu[me][INTID_VTIMER] == before) {
		wfi();
		irq_on();
		irq_off();
	}
}

static void other_storm(unsigned me, u32 *seed)
{
	for (unsigned i = 0; i < 20; i++) {
		*seed = *seed * 1664525 + 1013904223;
		sgi((*seed >> 16) % ncpus, STORM);
	}
	irq_on();
	irq_off();
}

static void other_obey(unsigned me, u32 what, u32 *seed)
{
	switch (what) {
	case HOLD:
		if (held[me] == 0)
			held[me] = gic_ack();
		break;
	case END:
		gic_eoi(held[me]);
		held[me] = 0;
		order[me] = SLEEP;
		break;
	case SEND_MANY:
		sgi(0, MANY);
		order[me] = SLEEP;
		break;
	case TIMER:
		nap(me, 3000);
		order[me] = SLEEP;
		break;
	case STORMING: other_storm(me, seed); break;
	case OFF: psci(PSCI_CPU_OFF, 0, 0, 0); break;
	default: break;
	}
}

static void smp_main(struct smp_start *s)
{
	unsigned me = (unsigned)s->cpu;
	u32 answered = irq_cpu[me][PING], seed = me;

	gic_cpu_init(me);
	up[me]++;
	for (;;) {
		u32 what = order[me];

		doing[me] = what;
		if (what == SLEEP) {
			wfi();
			irq_on();
			irq_off();
		}
		for (; answered != irq_cpu[me][PING]; answered++)
			sgi(0, PONG);
		other_obey(me, what, &seed);
	}
}

/* --- the first -----------------------------------------------------------------------------------------------------
 */

static bool until(volatile u32 *what, u32 want)
{
	u64 start = counter();

	irq_on();
	while (*what != want && counter() - start < us_to_ticks(3000000))
		;
	irq_off();
	return *what == want;
}

/* @n is to do @what; it sleeps, or looks at its orders. */
static bool tell(unsigned n, u32 what)
{
	order[n] = what;
	sgi(n, MANY);
	return until(&doing[n], what);
}

static s64 start(unsigned n)
{
	order[n] = SLEEP;
	return smp_on(n, smp_main);
}

static void power(void)
{
	s64 r;

	t_eq("AFFINITY_INFO: CPU 1 is off", (u64)psci(PSCI_AFFINITY_INFO, 1, 0, 0), 1);
	t_eq("CPU_ON of nobody", (u64)psci(PSCI_CPU_ON, ncpus, (u64)smp_entry, 0), (u64)PSCI_INVALID_PARAMS);
	t_eq("CPU_ON of oneself", (u64)psci(PSCI_CPU_ON, 0, (u64)smp_entry, 0), (u64)PSCI_ALREADY_ON);
	t_dev("CPU_ON at an address that is no memory", (u64)psci(PSCI_CPU_ON, 1, 1ull << 38, 0), (u64)BAD_ADDR);
	t_dev("CPU_ON at a device", (u64)psci(PSCI_CPU_ON, 1, gicd, 0), (u64)BAD_ADDR);
	t_dev("CPU_ON beyond all addresses", (u64)psci(PSCI_CPU_ON, 1, ~0ull << 12, 0), (u64)BAD_ADDR);
	t_dev("CPU_ON at half an instruction", (u64)psci(PSCI_CPU_ON, 1, (u64)smp_entry + 2, 0), (u64)BAD_ADDR);
	t_eq("  it is still off", (u64)psci(PSCI_AFFINITY_INFO, 1, 0, 0), 1);
	for (unsigned n = 1; n < ncpus; n++) {
		t_eq("CPU_ON", (u64)start(n), 0);
		r = psci(PSCI_CPU_ON, n, (u64)smp_entry, 0);
		t_check("  once more: already, or pending", r == PSCI_ALREADY_ON || r == ON_PEND);
		t_check("  it runs", until(&up[n], 1));
		t_eq("  AFFINITY_INFO: on", (u64)psci(PSCI_AFFINITY_INFO, n, 0, 0), 0);
		t_eq("  CPU_ON: already", (u64)psci(PSCI_CPU_ON, n, (u64)smp_entry, 0), (u64)PSCI_ALREADY_ON);
		t_eq("  it starts at EL1", smp[n].found_el, 4);
		t_eq("  with all masked", smp[n].found_daif, 0x3c0);
		t_eq("  without MMU and caches", smp[n].found_sctlr & 0x1005, 0);
	}
}

static void sgis(void)
{
	bool ok = true;
	u32 pongs = irq_cpu[0][PONG];

	for (unsigned i = 0; i < ROUNDS && ok; i++) {
		unsigned n = 1 + i % (ncpus - 1);
		u32 before = irq_cpu[n][PING];

		sgi(n, PING);
		ok = until(&irq_cpu[n][PING], before + 1) && until(&irq_cpu[0][PONG], ++pongs);
	}
	t_check("SGIs there and back, each once", ok);
	for (unsigned n = 1; n < ncpus; n++)
		t_check("asleep", tell(n, SLEEP));
	for (unsigned n = 0; n < ncpus; n++)
		irq_cpu[n][STORM] = 0;
	sgi_others(STORM);
	for (unsigned n = 1; n < ncpus; n++)
		t_check("an SGI to all others: arrives", until(&irq_cpu[n][STORM], 1));
	t_eq("  not at oneself", irq_cpu[0][STORM], 0);
	irq_cpu[0][MANY] = 0;
	for (unsigned n = 1; n < ncpus; n++) {
		order[n] = SEND_MANY;
		sgi(n, MANY);
	}
	delay_us(10000); /* with interrupts off */
	until(&irq_cpu[0][MANY], gic_version == 2 ? ncpus - 1 : 1);
	t_eq("the same SGI from all: by sender with GICv2", irq_cpu[0][MANY], gic_version == 2 ? ncpus - 1 : 1);
}

static void spi_moves(void)
{
	unsigned last = ncpus - 1;

	gic_edge(SPI, true);
	gic_enable(SPI);
	gic_priority(SPI, 0x80); /* before SGIs */
	for (unsigned n = 0; n < ncpus; n++) {
		route(SPI, n);
		pend(SPI);
		t_check("an SPI goes where it is routed", until(&irq_cpu[n][SPI], 1));
	}
	t_check("one that does not listen", tell(1, MASKED));
	route(SPI, 1);
	pend(SPI);
	nap(0, 5000); /* it gets into its list registers */
	t_check("  pending", gic_is(GICD_ISPENDR, SPI) && irq_cpu[1][SPI] == 1);
	route(SPI, last == 1 ? 0 : last);
	t_check("  moved: arrives elsewhere", until(&irq_cpu[last == 1 ? 0 : last][SPI], 2));
	route(SPI, 1);
	pend(SPI);
	nap(0, 5000);
	gic_disable(SPI);
	order[1] = SLEEP;
	nap(0, 5000);
	t_eq("  disabled: does not arrive", irq_cpu[1][SPI], 1);
	gic_bit(GICD_ISENABLER, SPI);
	t_check("  enabled: it does", until(&irq_cpu[1][SPI], 2));
	t_check("one that holds it active", tell(1, MASKED));
	pend(SPI);
	order[1] = HOLD;
	t_check("  acknowledged there", until(&held[1], SPI));
	t_check("  is active", gic_is(GICD_ISACTIVER, SPI) && !gic_is(GICD_ISPENDR, SPI));
	pend(SPI);
	t_check("  and pending", gic_is(GICD_ISACTIVER, SPI) && gic_is(GICD_ISPENDR, SPI));
	order[1] = END;
	t_check("  comes again after its end", until(&irq_cpu[1][SPI], 3));
	gic_disable(SPI);
	route(SPI, 0);
}

static void timers(bool sleep)
{
	bool ok = true;
	u32 before[SMP_MAX] = { 0 };

	for (unsigned n = 1; n < ncpus; n++) {
		before[n] = irq_cpu[n][INTID_VTIMER];
		order[n] = TIMER;
		sgi(n, MANY);
	}
	if (sleep) /* for a while there is no CPU that is awake */
		nap(0, 20000);
	for (unsigned n = 1; n < ncpus; n++)
		ok &= until(&irq_cpu[n][INTID_VTIMER], before[n] + 1) && until(&order[n], SLEEP);
	t_check(sleep ? "all asleep: each one's timer wakes it" : "each one's timer while another one spins", ok);
}

static void again(void)
{
	unsigned n = ncpus - 1;
	bool off = true, on = true;

	for (unsigned i = 0; i < 10; i++) {
		u64 start_at = counter();
		u32 pings;

		order[n] = OFF;
		sgi(n, MANY);
		while (psci(PSCI_AFFINITY_INFO, n, 0, 0) != 1 && counter() - start_at < us_to_ticks(3000000))
			;
		off &= psci(PSCI_AFFINITY_INFO, n, 0, 0) == 1;
		pings = irq_cpu[n][PING];
		sgi(n, PING);
		off &= irq_cpu[n][PING] == pings;
		on &= start(n) == 0 && until(&up[n], i + 2);
		pings = irq_cpu[n][PING];
		sgi(n, PING);
		on &= until(&irq_cpu[n][PING], pings + 1);
	}
	t_check("CPU_OFF: off", off);
	t_check("CPU_ON again: on", on);
}

static void storm(void)
{
	u64 begin = counter();
	u32 seed = 0, total = 0;
	bool ok = true;

	for (unsigned n = 0; n < ncpus; n++)
		irq_cpu[n][STORM] = 0;
	for (unsigned n = 1; n < ncpus; n++) {
		order[n] = STORMING;
		sgi(n, MANY);
	}
	while (counter() - begin < us_to_ticks(10000))
		other_storm(0, &seed);
	for (unsigned n = 1; n < ncpus; n++)
		ok &= tell(n, SLEEP);
	for (unsigned n = 0; n < ncpus; n++)
		total += irq_cpu[n][STORM];
	t_info("interrupts of the storm", total);
	t_check("a storm of SGIs ends, and all obey", ok && total != 0);
}

void t_main(void)
{
	while (ncpus < SMP_MAX && psci(PSCI_AFFINITY_INFO, ncpus, 0, 0) != PSCI_INVALID_PARAMS)
		ncpus++;
	t_info("CPUs", ncpus);
	t_check("this one is there", ncpus >= 1);
	if (ncpus < 2) {
		t_skip("the others", "there are none");
		return;
	}
	power();
	sgis();
	spi_moves();
	timers(false);
	timers(true);
	again();
	storm();
	sgis();
}
