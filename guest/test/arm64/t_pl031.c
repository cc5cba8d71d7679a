/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/t_pl031.c: the real-time clock (Arm DDI 0224): time, match interrupt, identification. */
#include "guest/test/arm64/arm64.h"

#define DR   (RTC + 0x00)
#define MR   (RTC + 0x04)
#define LR   (RTC + 0x08)
#define CR   (RTC + 0x0c)
#define IMSC (RTC + 0x10)
#define RIS  (RTC + 0x14)
#define MIS  (RTC + 0x18)
#define ICR  (RTC + 0x1c)

#define Y2020 1577836800u

/* Waits asleep, where seconds cost nothing when instructions are the clock, until @irq or @ms milliseconds later. */
static bool nap(u32 irq, u32 ms)
{
	vtimer_in(us_to_ticks((u64)ms * 1000));
	while (irq_count[irq] == 0 && irq_count[INTID_VTIMER] == 0) {
		wfi();
		irq_on();
		irq_off();
	}
	irq_count[INTID_VTIMER] = 0;
	return irq_count[irq] != 0;
}

static void identity(void)
{
	static const u8 id[8] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
	bool ok = true;

	for (unsigned i = 0; i < 8; i++)
		ok &= (*mmio32(RTC + 0xfe0 + 4 * i) & (i == 2 ? 0x0f : 0xff)) == id[i];
	t_check("identification", ok);
	t_eq("the clock runs", *mmio32(CR) & 1, 1);
}

/* Whether the clock has gone on from @from by what the counter has since @start, however long somebody else had the
 * CPU.
 */
static bool went_on(u32 from, u64 start)
{
	u32 gone = *mmio32(DR) - from;

	return gone <= (counter() - start) / us_to_ticks(1000000) + 1;
}

static void time(void)
{
	u64 start = counter();
	u32 now = *mmio32(DR);

	t_info("seconds", now);
	t_check("the time is later than 2020", now > Y2020);
	while (*mmio32(DR) == now && counter() - start < us_to_ticks(3000000))
		nap(0, 10);
	t_check("it goes on", *mmio32(DR) != now);
	/* QEMU's own runs by the host's clock, whatever the counter does */
	t_dev("  as fast as the counter", went_on(now, start), true);
	*mmio32(DR) = 5;
	t_check("the data register is read-only", *mmio32(DR) >= now && *mmio32(DR) - now < 3600);
	start = counter();
	*mmio32(LR) = 1000;
	t_dev("setting the time", went_on(1000, start), true);
	t_eq("LR reads what was set", *mmio32(LR), 1000);
	*mmio32(LR) = now;
}

static void match(void)
{
	u32 at;

	irq_clear();
	irq_quiet[INTID_RTC] = 1;
	gic_edge(INTID_RTC, false);
	*mmio32(ICR) = 1;
	*mmio32(IMSC) = 1;
	gic_enable(INTID_RTC);
	t_eq("no match, no interrupt", *mmio32(RIS) | *mmio32(MIS), 0);
	at = *mmio32(DR) + 2;
	*mmio32(MR) = at;
	t_eq("MR reads back", *mmio32(MR), at);
	t_check("match: the interrupt comes", nap(INTID_RTC, 5000));
	t_eq("  RIS", *mmio32(RIS), 1);
	t_eq("  MIS", *mmio32(MIS), 1);
	*mmio32(IMSC) = 0;
	t_eq("  masked: MIS", *mmio32(MIS), 0);
	t_eq("  masked: RIS", *mmio32(RIS), 1);
	irq_clear();
	gic_enable(INTID_RTC);
	irq_wait(INTID_RTC, 1, 5);
	t_eq("  masked: quiet", irq_count[INTID_RTC], 0);
	*mmio32(IMSC) = 1;
	t_check("  unmasked: comes again", irq_wait(INTID_RTC, 1, 500));
	*mmio32(ICR) = 1;
	t_eq("  cleared", *mmio32(RIS) | *mmio32(MIS), 0);
	irq_clear();
	gic_enable(INTID_RTC);
	irq_wait(INTID_RTC, 1, 5);
	t_eq("  quiet", irq_count[INTID_RTC], 0);
	*mmio32(IMSC) = 0;
	gic_disable(INTID_RTC);
}

void t_main(void)
{
	u64 v;

	identity();
	time();
	match();
	for (unsigned size = 1; size <= 8; size *= 2)
		for (u64 off = 0; off < 0x1000; off += 8)
			t_load(RTC + off, size, &v);
	t_check("reads of all registers by all sizes survived", true);
}
