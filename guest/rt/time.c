/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/time.c: nanoseconds from the CPU's counter by multiplying, and the date behind them. */
#include "guest/rt/arch.h"

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

u64 time_ticks(u64 ns)
{
	return time_scale(ns, time_ticks_mult, TIME_TICKS_SHIFT);
}

u64 time_to_counter(u64 ns)
{
	return time_zero + time_ticks(ns) + 1;
}

/* Days from 1 March 0000 by counting leap days, so that February is a year's last month. */
u64 time_from_date(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned min, unsigned sec)
{
	u64 y = month > 2 ? year : year - 1;
	u64 m = month > 2 ? month - 3 : month + 9;
	u64 days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;

	return ((days * 24 + hour) * 60 + min) * 60 + sec;
}

void time_set(u64 epoch)
{
	time_epoch = epoch - time_ns() / NS_PER_SEC;
}

u64 time_wall(void)
{
	return time_epoch + time_ns() / NS_PER_SEC;
}
