/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/clock.c: how fast the TSC and the APIC timer run, against the ACPI PM timer or the 8254. */
#include "arch/iface/cpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/vendor.h"
#include "hv/lib/panic.h"

#define PM_HZ       3579545u
#define PIT_HZ      1193182u
#define CLOCK_MS    10
#define CLOCK_SPINS 50000000u /* then the reference does not run */

static u64 clock_hz;

u64 arch_counter_hz(void)
{
	return clock_hz;
}

/* Wait CLOCK_MS by the ACPI PM timer (ACPI 4.8.3.3); false: it does not count. */
static bool clock_wait_pm(u16 port)
{
	u32 want = PM_HZ / 1000 * CLOCK_MS, last = inl(port) & 0xffffff, sum = 0;

	for (u32 i = 0; i < CLOCK_SPINS; i++) {
		u32 now = inl(port) & 0xffffff;

		sum += (now - last) & 0xffffff;
		last = now;
		if (sum >= want)
			return true;
		if (i == 1000000 && sum == 0)
			return false;
	}
	return false;
}

/* The same by the 8254's channel 2, mode 0, gate by port 61h. */
static bool clock_wait_pit(void)
{
	u32 count = PIT_HZ / 1000 * CLOCK_MS;

	outb(0x61, (inb(0x61) & ~2) | 1);
	outb(0x43, 0xb0);
	outb(0x42, count & 0xff);
	outb(0x42, (u8)(count >> 8));
	for (u32 i = 0; i < CLOCK_SPINS; i++)
		if (inb(0x61) & 0x20)
			return true;
	return false;
}

void clock_init(const struct boot_info *bi)
{
	u64 start, ticks;
	u32 apic;
	bool ok = false;

	lapic_timer_start(0xffffffff);
	if (bi->platform.pm_timer_port) {
		start = arch_counter();
		apic = lapic_timer_left();
		ok = clock_wait_pm((u16)bi->platform.pm_timer_port);
	}
	if (!ok) {
		start = arch_counter();
		apic = lapic_timer_left();
		ok = clock_wait_pit();
	}
	ticks = arch_counter() - start;
	apic -= lapic_timer_left();
	if (!ok || !ticks || !apic)
		panic("no clock to measure the TSC with: neither ACPI PM timer nor 8254 counts");
	clock_hz = ticks * (1000 / CLOCK_MS);
	/* Round to 1 kHz: a reference of 10 ms is no better. */
	clock_hz = (clock_hz + 500) / 1000 * 1000;
	lapic_timer_rate(((u64)apic << 32) / ticks);
}
