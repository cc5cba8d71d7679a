/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/x86/rtc.c: the date from a PC's battery clock. */
#include "guest/rt/arch.h"

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

static u8 rtc_read(u8 reg)
{
	cpu_out8(RTC_INDEX, reg);
	return cpu_in8(RTC_DATA);
}

static unsigned rtc_bcd(u8 v, bool binary)
{
	return binary ? v : (v >> 4) * 10u + (v & 15);
}

u64 rt_arch_clock(const struct hv_info *info)
{
	static const u8 reg[] = { 0, 2, 4, 7, 8, 9, RTC_CENTURY };
	u8 v[ARRAY_SIZE(reg)], again[ARRAY_SIZE(reg)], b;
	unsigned year, hour, tries = 0;
	bool binary;

	/* Read twice between updates until both agree: the update flag alone can rise in the middle. */
	do {
		while ((rtc_read(RTC_A) & RTC_A_UIP) != 0 && ++tries < RTC_READ_TRIES)
			;
		for (unsigned i = 0; i < ARRAY_SIZE(reg); i++)
			v[i] = rtc_read(reg[i]);
		for (unsigned i = 0; i < ARRAY_SIZE(reg); i++)
			again[i] = rtc_read(reg[i]);
	} while (memcmp(v, again, sizeof(v)) != 0 && ++tries < RTC_READ_TRIES);
	b = rtc_read(RTC_B);
	binary = (b & RTC_B_BINARY) != 0;
	hour = rtc_bcd(v[2] & (u8)~RTC_HOUR_PM, binary);
	if ((b & RTC_B_24H) == 0)
		hour = hour % 12 + ((v[2] & RTC_HOUR_PM) != 0 ? 12 : 0);
	year = rtc_bcd(v[5], binary);
	year += rtc_bcd(v[6], binary) >= 19 && rtc_bcd(v[6], binary) < 30 ? rtc_bcd(v[6], binary) * 100 : 2000;
	return time_from_date(year, rtc_bcd(v[4], binary), rtc_bcd(v[3], binary), hour, rtc_bcd(v[1], binary),
			      rtc_bcd(v[0], binary));
}
