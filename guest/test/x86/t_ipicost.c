/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/test/x86/t_ipicost.c: TSC ticks of interrupts between two CPUs of a guest and of switches between them, as
 * exitcost.c counts. With one physical CPU somebody always runs, and a round or a switch is exact. With two, QEMU's
 * --count has one clock for both and runs them in turns, which PAUSE ends: so the time from the sender's write to the
 * receiver's first instruction is what both have done for it.
 */
#include "guest/test/lib/cost.h"
#include "guest/test/x86/x86.h"

#define V_PING	 0x61
#define V_PONG	 0x62
#define V_ARRIVE 0x63 /* to arrive(), not to trap.c's handler */
#define ROUNDS	 500

enum { HALTS, SPINS, TURNS };

static volatile u32 other_does; /* looked at when it is pinged */
static volatile u32 other_ready;
static volatile u64 arrived; /* TSC at V_ARRIVE */
static volatile u64 left;    /* TSC when one of them gave its turn away */

/* Its first instructions are the receiver's first. */
__attribute__((naked)) static void arrive(void)
{
	__asm__ volatile("push %%rax; push %%rdx; push %%rcx\n"
			 "rdtsc; shl $32, %%rdx; or %%rdx, %%rax; mov %%rax, %0\n"
			 "xor %%eax, %%eax; xor %%edx, %%edx; mov $0x80b, %%ecx; wrmsr\n" /* EOI */
			 "pop %%rcx; pop %%rdx; pop %%rax; iretq"
			 : "=m"(arrived));
}

static void gate(u8 vector, void (*fn)(void))
{
	struct __attribute__((packed)) {
		u16 limit;
		u64 base;
	} idtr;
	u64 to = (u64)fn;
	u16 *g;

	__asm__ volatile("sidt %0" : "=m"(idtr));
	g = (u16 *)(idtr.base + 16u * vector);
	g[0] = (u16)to;
	g[3] = (u16)(to >> 16);
	g[4] = (u16)(to >> 32);
	g[5] = (u16)(to >> 48);
}

/* The least time from one's PAUSE, which gives its turn to the other, to the other's going on. Both run it at once. */
static u64 least_switch(unsigned rounds)
{
	u64 best = ~0ULL;

	for (unsigned i = 0; i < rounds; i++) {
		u64 t = rdtsc() - left;

		best = t < best ? t : best;
		left = rdtsc();
		__asm__ volatile("pause" ::: "memory");
	}
	return best;
}

/* Halts until it is pinged, answers, and halts again; or spins with interrupts on; or takes turns. */
static void other(void)
{
	u32 seen;

	(void)lapic_enable(true);
	seen = irq_count[V_PING];
	other_ready = 1;
	for (;;) {
		cli();
		if (other_does == TURNS) {
			other_ready = 2;
			(void)least_switch(ROUNDS);
			other_does = SPINS;
		}
		if (other_does == SPINS) {
			other_ready = 3;
			sti();
			for (;;)
				__asm__ volatile("pause");
		}
		if (irq_count[V_PING] == seen) {
			__asm__ volatile("sti; hlt" ::: "memory");
			continue;
		}
		seen = irq_count[V_PING];
		wrmsr(0x830, V_PONG);
	}
}

static void wait_for(volatile u32 *p, u32 v)
{
	while (*p != v)
		__asm__ volatile("pause");
}

/* One ping and its answer, both sides halting in between. */
static void round_trip(void)
{
	u32 n = irq_count[V_PONG];

	wrmsr(0x830, 1ULL << 32 | V_PING);
	while (irq_count[V_PONG] == n)
		__asm__ volatile("sti; hlt; cli" ::: "memory");
}

static u64 least_send(void)
{
	u64 best = ~0ULL;

	for (unsigned i = 0; i < ROUNDS; i++) {
		u64 t = rdtsc();

		wrmsr(0x830, 1ULL << 32 | V_PING);
		t = rdtsc() - t;
		best = t < best ? t : best;
		delay_us(20);
	}
	return best;
}

static u64 least_end_to_end(void)
{
	u64 best = ~0ULL;

	for (unsigned i = 0; i < ROUNDS; i++) {
		u64 t = rdtsc();

		arrived = 0;
		wrmsr(0x830, 1ULL << 32 | V_ARRIVE);
		while (arrived == 0)
			__asm__ volatile("pause");
		best = arrived - t < best ? arrived - t : best;
	}
	return best;
}

void t_main(void)
{
	u32 r[4];
	u64 t, empty;

	cpuid(1, 0, r);
	if ((r[1] >> 16 & 0xff) < 2 || !lapic_enable(true)) {
		t_skip("a second CPU and x2APIC", "there is none");
		return;
	}
	memcpy((void *)(uintptr_t)(SMP_PAGE << 12), smp_trampoline, (size_t)(smp_trampoline_end - smp_trampoline));
	smp_entry = other;
	irq_eoi[V_PING] = irq_eoi[V_PONG] = EOI_LAPIC;
	lapic_icr(1, 0x4500);
	lapic_icr(1, 0x4600 | SMP_PAGE);
	wait_for(&other_ready, 1);
	t = rdtsc();
	empty = rdtsc() - t;
	for (unsigned i = 0; i < 2; i++)
		round_trip();
	t = rdtsc();
	for (unsigned i = 0; i < ROUNDS; i++)
		round_trip();
	cost_print("ipi-round-trip-halted", (rdtsc() - t) / ROUNDS);
	t = rdtsc();
	wrmsr(0x830, 1ULL << 32 | V_PING);
	cost_print("ipi-send-to-halted", rdtsc() - t - empty);
	gate(V_ARRIVE, arrive);
	other_does = TURNS;
	wrmsr(0x830, 1ULL << 32 | V_PING);
	sti();
	wait_for(&other_ready, 2);
	cost_print("switch", least_switch(ROUNDS / 2) - empty);
	wait_for(&other_ready, 3);
	cost_print("ipi-send-to-running", least_send() - empty);
	cost_print("ipi-end-to-end", least_end_to_end() - empty);
	t_check("measured", true);
}
