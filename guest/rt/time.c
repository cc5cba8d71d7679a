/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/time.c: nanoseconds from the CPU's counter by multiplying, and the date behind them. */
#include "guest/rt/sys.h"
#include "guest/rt/x86/cpu.h"

#define TIME_NS_SHIFT	 32
#define TIME_TICKS_SHIFT 28 /* a 36-bit frequency shifted by it fits 64 bits */
#define NS_PER_SEC	 1000000000ULL

static u64 time_zero;
static u64 time_ns_mult;    /* ns = ticks * mult >> TIME_NS_SHIFT       */
static u64 time_ticks_mult; /* ticks = ns * mult >> TIME_TICKS_SHIFT    */
static u64 time_epoch;	    /* seconds since 1970 when time_ns() was 0  */

static u64 time_scale(u64 v, u64 mult, unsigned shift)
{
	return (u64)(((unsigned __int128)v * mult) >> shift);
}

void time_init(u64 counter_hz)
{
	ASSERT(counter_hz >= 1000000 && counter_hz < BIT(36));
	time_ns_mult = (NS_PER_SEC << TIME_NS_SHIFT) / counter_hz;
	time_ticks_mult = (counter_hz << TIME_TICKS_SHIFT) / NS_PER_SEC + 1; /* up: never early */
	time_zero = cpu_counter();
}

u64 time_ns(void)
{
	return time_scale(cpu_counter() - time_zero, time_ns_mult, TIME_NS_SHIFT);
}

u64 time_to_counter(u64 ns)
{
	return time_zero + time_scale(ns, time_ticks_mult, TIME_TICKS_SHIFT) + 1;
}

/* Days from 1 March 0000 by counting leap days, so that February is a year's last month. */
u64 time_from_date(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned min, unsigned sec)
{
	u64 y = month > 2 ? year : year - 1;
	u64 m = month > 2 ? month - 3 : month + 9;
	u64 days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;

	return ((days * 24 + hour) * 60 + min) * 60 + sec;
}

/* The MC146818's registers, as PCs have them. */
#define RTC_INDEX      0x70
#define RTC_DATA       0x71
#define RTC_A	       0x0a
#define RTC_B	       0x0b
#define RTC_CENTURY    0x32
#define RTC_A_UIP      BIT(7)
#define RTC_B_24H      BIT(1)
#define RTC_B_BINARY   BIT(2)
#define RTC_HOUR_PM    BIT(7)
#define RTC_READ_TRIES 100000

static u8 time_cmos(u8 reg)
{
	cpu_out8(RTC_INDEX, reg);
	return cpu_in8(RTC_DATA);
}

static unsigned time_bcd(u8 v, bool binary)
{
	return binary ? v : (v >> 4) * 10u + (v & 15);
}

void time_read_rtc(void)
{
	static const u8 reg[] = { 0, 2, 4, 7, 8, 9, RTC_CENTURY };
	u8 v[ARRAY_SIZE(reg)], again[ARRAY_SIZE(reg)], b;
	unsigned year, hour, tries = 0;
	bool binary;

	/* Read twice between updates until both agree: the update flag alone can rise in the middle. */
	do {
		while ((time_cmos(RTC_A) & RTC_A_UIP) != 0 && ++tries < RTC_READ_TRIES)
			;
		for (unsigned i = 0; i < ARRAY_SIZE(reg); i++)
			v[i] = time_cmos(reg[i]);
		for (unsigned i = 0; i < ARRAY_SIZE(reg); i++)
			again[i] = time_cmos(reg[i]);
	} while (memcmp(v, again, sizeof(v)) != 0 && ++tries < RTC_READ_TRIES);
	b = time_cmos(RTC_B);
	binary = (b & RTC_B_BINARY) != 0;
	hour = time_bcd(v[2] & (u8)~RTC_HOUR_PM, binary);
	if ((b & RTC_B_24H) == 0)
		hour = hour % 12 + ((v[2] & RTC_HOUR_PM) != 0 ? 12 : 0);
	year = time_bcd(v[5], binary);
	year += time_bcd(v[6], binary) >= 19 && time_bcd(v[6], binary) < 30 ? time_bcd(v[6], binary) * 100 : 2000;
	time_epoch = time_from_date(year, time_bcd(v[4], binary), time_bcd(v[3], binary), hour, time_bcd(v[1], binary),
				    time_bcd(v[0], binary)) -
		     time_ns() / NS_PER_SEC;
}

u64 time_wall(void)
{
	return time_epoch + time_ns() / NS_PER_SEC;
}
