/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/clock.c: how fast the TSC and the APIC timer run, against the ACPI PM timer or the 8254. */
#include "arch/iface/cpu.h"
#include "arch/iface/io.h"
#include "arch/x86/irq.h"
#include "arch/x86/vendor.h"
#include "hv/lib/panic.h"

#define PM_HZ	     3579545u
#define PIT_HZ	     1193182u
#define PM_MASK	     0xffffffu
#define PIT_MASK     0xffffu
#define PIT_CHANNEL2 0x42
#define PIT_CONTROL  0x43
#define CLOCK_MS     20
#define CLOCK_TRIES  16
#define CLOCK_SPINS  2000000u /* then the reference does not run */

static u64 clock_hz;

u64 arch_counter_hz(void)
{
	return clock_hz;
}

/* TSC and APIC timer at one moment, and the PM timer's or 8254's count there. */
struct clock_sample {
	u64 tsc;
	u32 apic, count;
};

static u32 clock_pm(u16 port)
{
	return port_read32(port) & PM_MASK;
}

/* The 8254's channel 2 by the latch command; it counts down. */
static u32 clock_pit(u16 port)
{
	u32 low;

	outb(PIT_CONTROL, 0x80);
	low = inb(PIT_CHANNEL2);
	return PIT_MASK - (low | (u32)inb(PIT_CHANNEL2) << 8);
}

/*
 * A machine that is itself emulated may be held up between two instructions: of some tries, take the one in which
 * reading the reference took the shortest time.
 */
static struct clock_sample clock_sample(u32 (*read)(u16 port), u16 port)
{
	struct clock_sample best = { 0 };
	u64 shortest = ~0ul;

	for (u32 i = 0; i < CLOCK_TRIES; i++) {
		u64 before = arch_counter();
		struct clock_sample s = { .apic = lapic_timer_left(), .count = read(port) };
		u64 after = arch_counter();

		if (after - before >= shortest)
			continue;
		shortest = after - before;
		best = s;
		best.tsc = before + shortest / 2;
	}
	return best;
}

/* Measure against a reference of @hz whose count wraps at @mask; false: it does not count. */
static bool clock_measure(u32 (*read)(u16 port), u16 port, u32 hz, u32 mask)
{
	struct clock_sample a = clock_sample(read, port), b;
	u32 want = hz / 1000 * CLOCK_MS, spins = 0, passed;
	u64 ticks;

	while (((read(port) - a.count) & mask) < want)
		if (++spins == CLOCK_SPINS)
			return false;
	b = clock_sample(read, port);
	passed = (b.count - a.count) & mask;
	ticks = b.tsc - a.tsc;
	if (passed < want || !ticks || a.apic <= b.apic)
		return false;
	/* Round to 1 kHz: a reference of CLOCK_MS is no better. */
	clock_hz = (ticks * hz / passed + 500) / 1000 * 1000;
	lapic_timer_rate(((u64)(a.apic - b.apic) << 32) / ticks);
	return true;
}

void clock_init(const struct boot_info *bi)
{
	u16 port = (u16)bi->platform.pm_timer_port;

	lapic_timer_start(0xffffffff);
	if (port && clock_measure(clock_pm, port, PM_HZ, PM_MASK))
		return;
	/* Channel 2, mode 0, from 65536; its gate by port 61h. */
	outb(0x61, (inb(0x61) & ~2) | 1);
	outb(PIT_CONTROL, 0xb0);
	outb(PIT_CHANNEL2, 0xff);
	outb(PIT_CHANNEL2, 0xff);
	if (!clock_measure(clock_pit, 0, PIT_HZ, PIT_MASK))
		panic("no clock to measure the TSC with: neither ACPI PM timer nor 8254 counts");
}
