/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/t_smp.c: a second CPU: INIT and SIPI, interrupts of each mode there and back, NMIs, storms. */
#include "guest/test/x86/x86.h"

#define V_PING	0x41 /* to the other, which answers */
#define V_PONG	0x42
#define V_ALL	0x43 /* for counting who took it */
#define V_STORM 0x44

#define ICR_LOWEST  0x100u
#define ICR_NMI	    0x4400u
#define ICR_INIT    0x4500u
#define ICR_SIPI    0x4600u
#define ICR_LOGICAL 0x800u
#define ICR_ALL	    0x80000u
#define ICR_OTHERS  0xc0000u

enum other_does { OTHER_HALTS, OTHER_SPINS, OTHER_SLEEPS };

static bool smp_x2;
static bool smp_cluster;
static volatile u32 other_does, other_at; /* what it is to do, and what it does */
static volatile u32 other_answered, other_woken;
static volatile u64 other_tsc;

static u32 smp_id(void)
{
	return lapic_read(0x20) >> (lapic_x2() ? 0 : 24);
}

static void smp_apic(void)
{
	if (smp_x2 && lapic_x2()) /* INIT leaves it in this mode */
		lapic_write(0xf0, 0x1ff);
	else
		t_check("APIC mode is offered", lapic_enable(smp_x2));
	if (!smp_x2) {
		lapic_write(0xe0, smp_cluster ? 0x0fffffff : 0xffffffff);
		lapic_write(0xd0, 1u << (24 + smp_id()));
	}
}

/* The other CPU: answers each ping, and waits for the next as it is told. */
static void smp_other(void)
{
	smp_apic();
	other_answered = irq_count[V_PING];
	other_at = ~0u;
	for (;;) {
		u32 does = other_does;

		cli();
		if (irq_count[V_PING] != other_answered) {
			other_answered = irq_count[V_PING];
			other_tsc = rdtsc();
			lapic_icr(0, V_PONG);
			continue;
		}
		other_at = does;
		if (does == OTHER_HALTS)
			__asm__ volatile("sti; hlt" ::: "memory");
		else if (does == OTHER_SPINS)
			__asm__ volatile("sti; pause" ::: "memory");
		else
			__asm__ volatile("cli; hlt" ::: "memory");
		if (does == OTHER_SLEEPS)
			other_woken++;
	}
}

/* Wait for *@p to become @v: true. Spins as kernels do. */
static bool smp_wait(volatile u32 *p, u32 v)
{
	u64 end = rdtsc() + 1000 * tsc_per_ms();

	sti();
	while (*p != v && rdtsc() < end)
		__asm__ volatile("pause");
	cli();
	return *p == v;
}

static bool smp_start(void)
{
	u32 n = smp_started;

	other_at = 100;
	lapic_icr(1, ICR_INIT);
	lapic_icr(1, ICR_SIPI | SMP_PAGE);
	lapic_icr(1, ICR_SIPI | SMP_PAGE);
	return smp_wait(&smp_started, n + 1) && smp_wait(&other_at, other_does);
}

static bool ping(u32 dest, u32 lo)
{
	u32 n = irq_count[V_PONG];

	lapic_icr(dest, lo | V_PING);
	return smp_wait(&irq_count[V_PONG], n + 1);
}

/* How many CPUs take V_ALL, sent so? */
static u32 takers(u32 dest, u32 lo)
{
	u32 n = irq_count[V_ALL];

	lapic_icr(dest, lo | V_ALL);
	t_check("and the other one still answers", ping(1, 0)); /* behind it */
	sti();
	delay_us(100);
	cli();
	return irq_count[V_ALL] - n;
}

static void fixed_and_lowest(void)
{
	u32 other = smp_x2 ? 2 : smp_cluster ? 0x02 : 2;

	t_check("physical", ping(1, 0));
	t_check("logical", ping(other, ICR_LOGICAL));
	t_check("lowest priority, physical", ping(1, ICR_LOWEST));
	t_check("lowest priority, logical", ping(other, ICR_LOWEST | ICR_LOGICAL));
	t_check("all but self", ping(0, ICR_OTHERS));
	t_eq("logical, both", takers(3, ICR_LOGICAL), 2);
	t_eq("lowest priority, both: one takes it", takers(3, ICR_LOWEST | ICR_LOGICAL), 1);
	t_eq("all with self", takers(0, ICR_ALL), 2);
	t_eq("all but self, from here", takers(0, ICR_OTHERS), 1);
	t_eq("physical broadcast", takers(smp_x2 ? ~0u : 0xff, 0), 2);
	t_eq("an absent CPU", takers(5, 0), 0);
	t_eq("an absent logical CPU", takers(8, ICR_LOGICAL), 0);
}

static void nmi(void)
{
	u32 n = irq_count[2], woken;

	lapic_icr(1, ICR_NMI);
	t_check("NMI", smp_wait(&irq_count[2], n + 1));
	other_does = OTHER_SLEEPS;
	t_check("it goes to sleep, interrupts off", ping(1, 0) && smp_wait(&other_at, OTHER_SLEEPS));
	woken = other_woken;
	lapic_icr(1, V_PING);
	delay_us(1000);
	t_eq("no interrupt wakes it", other_woken, woken);
	other_does = OTHER_HALTS;
	lapic_icr(1, ICR_NMI);
	t_check("an NMI does", smp_wait(&other_woken, woken + 1));
	t_check("and then it takes the interrupt", smp_wait(&other_at, OTHER_HALTS) && ping(1, 0));
}

static void storm(void)
{
	u32 n = irq_count[V_STORM];

	other_does = OTHER_SPINS;
	t_check("it spins", ping(1, 0) && smp_wait(&other_at, OTHER_SPINS));
	for (unsigned i = 0; i < 2000; i++)
		lapic_icr(i & 1 ? 1 : 0, (i & 2 ? ICR_OTHERS : 0) | V_STORM);
	t_check("a spinning CPU answers", ping(1, 0));
	t_check("a storm comes through", irq_count[V_STORM] != n);
	for (unsigned i = 0; i < 20; i++)
		ping(1, 0);
	t_check("pings go on", ping(1, 0));
	other_does = OTHER_HALTS;
	t_check("it halts again", ping(1, 0) && smp_wait(&other_at, OTHER_HALTS));
}

static void start_and_stop(void)
{
	u32 n;
	u64 before = rdtsc();

	t_check("INIT and two SIPIs start it once", smp_start());
	n = smp_started;
	t_check("it answers", ping(1, 0));
	t_check("TSCs agree", before < other_tsc && other_tsc < rdtsc());
	lapic_icr(1, ICR_SIPI | 0xa0);
	t_check("a SIPI is nothing to a CPU that runs", ping(1, 0));
	lapic_icr(5, ICR_INIT);
	lapic_icr(5, ICR_SIPI | SMP_PAGE);
	lapic_icr(0, ICR_SIPI | SMP_PAGE);
	t_check("INIT and SIPI to an absent CPU, SIPI to oneself", ping(1, 0));
	t_eq("nobody else was started", smp_started, n);
	lapic_icr(1, ICR_INIT);
	lapic_icr(1, V_PING);
	lapic_icr(1, ICR_NMI);
	n = irq_count[V_PONG];
	sti();
	delay_us(20000);
	cli();
	t_eq("after INIT it is quiet", irq_count[V_PONG], n);
	t_check("and can be started again", smp_start());
}

void t_main(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	if ((r[1] >> 16 & 0xff) < 2) {
		t_skip("a second CPU", "there is none");
		return;
	}
	memcpy((void *)(uintptr_t)(SMP_PAGE << 12), smp_trampoline, (size_t)(smp_trampoline_end - smp_trampoline));
	smp_entry = smp_other;
	for (unsigned v = V_PING; v <= V_STORM; v++)
		irq_eoi[v] = EOI_LAPIC;
	for (unsigned round = 0; round < 3; round++) {
		smp_cluster = round == 1;
		smp_x2 = round == 2;
		t_puts(round == 0 ? "-- xAPIC, flat\n" : round == 1 ? "-- xAPIC, cluster\n" : "-- x2APIC\n");
		smp_apic();
		start_and_stop();
		fixed_and_lowest();
		nmi();
		storm();
	}
}
