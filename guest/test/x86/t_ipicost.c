/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/test/x86/t_ipicost.c: TSC ticks of interrupts between two CPUs of a guest, as exitcost.c counts. With one
 * physical CPU a round is exact: somebody always runs. With more, only what the sender itself does is counted.
 */
#include "guest/test/lib/cost.h"
#include "guest/test/x86/x86.h"

#define V_PING 0x61
#define V_PONG 0x62
#define ROUNDS 500

static volatile bool other_spins;
static volatile u32 other_ready;

/* Halts until it is pinged, answers, and halts again; or spins with interrupts on, and answers nothing. */
static void other(void)
{
	u32 seen;

	(void)lapic_enable(true);
	seen = irq_count[V_PING];
	other_ready = 1;
	for (;;) {
		cli();
		if (other_spins) {
			other_ready = 2;
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
	other_spins = true;
	wrmsr(0x830, 1ULL << 32 | V_PING);
	sti();
	wait_for(&other_ready, 2);
	cost_print("ipi-send-to-running", least_send() - empty);
	t_check("measured", true);
}
