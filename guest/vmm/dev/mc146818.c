/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/mc146818.c: the real-time clock and CMOS RAM. The time is reckoned when it is asked for. */
#include "guest/vmm/dev/mc146818.h"

#define RTC_PORT   0x70
#define RTC_IRQ	   8
#define NS_PER_SEC 1000000000ull
#define DAY	   86400

enum {
	R_SEC,
	R_SEC_ALARM,
	R_MIN,
	R_MIN_ALARM,
	R_HOUR,
	R_HOUR_ALARM,
	R_WDAY,
	R_MDAY,
	R_MONTH,
	R_YEAR,
	R_A,
	R_B,
	R_C,
	R_D,
	R_CENTURY = 0x32
};

#define A_UIP	  BIT(7)
#define A_RS	  BITS(3, 0)
#define A_DEFAULT 0x26
#define B_SET	  BIT(7)
#define B_PIE	  BIT(6)
#define B_AIE	  BIT(5)
#define B_UIE	  BIT(4)
#define B_DM	  BIT(2) /* binary, else BCD */
#define B_24H	  BIT(1)
#define B_IRQS	  (B_PIE | B_AIE | B_UIE)
#define C_IRQF	  BIT(7)
#define C_PF	  BIT(6)
#define C_AF	  BIT(5)
#define C_UF	  BIT(4)
#define D_VRT	  BIT(7)
#define HOUR_PM	  BIT(7)
#define ALARM_ANY 0xc0
#define UIP_NS	  244000 /* UIP rises so long before the second */

static bool rtc_is_time(unsigned i)
{
	return i == R_SEC || i == R_MIN || i == R_HOUR || (i >= R_WDAY && i <= R_YEAR) || i == R_CENTURY;
}

/** The guest's clock in seconds since 1970, and the nanoseconds of the present second. */
static u64 rtc_now(const struct rtc *r, u64 *ns)
{
	u64 t = time_ns() - r->wall_ns;

	if (ns)
		*ns = t % NS_PER_SEC;
	return r->wall + t / NS_PER_SEC + r->offset;
}

static u8 rtc_encode(const struct rtc *r, unsigned v)
{
	return r->cmos[R_B] & B_DM ? v : v / 10 % 10 << 4 | v % 10;
}

static unsigned rtc_decode(const struct rtc *r, u8 v)
{
	return r->cmos[R_B] & B_DM ? v : (v >> 4) * 10 + (v & 15);
}

static u8 rtc_encode_hour(const struct rtc *r, unsigned h)
{
	if (r->cmos[R_B] & B_24H)
		return rtc_encode(r, h);
	return rtc_encode(r, h % 12 ? h % 12 : 12) | (h >= 12 ? HOUR_PM : 0);
}

static unsigned rtc_decode_hour(const struct rtc *r, u8 v)
{
	if (r->cmos[R_B] & B_24H)
		return rtc_decode(r, v);
	return rtc_decode(r, v & ~HOUR_PM) % 12 + (v & HOUR_PM ? 12 : 0);
}

/** Days since 1970-01-01 of a date of the Gregorian calendar; the year starts in March to put the leap day last. */
static s64 rtc_days(unsigned y, unsigned m, unsigned d)
{
	unsigned yy = m <= 2 ? y - 1 : y, mm = m <= 2 ? m + 9 : m - 3;

	return (s64)yy * 365 + yy / 4 - yy / 100 + yy / 400 + (153 * mm + 2) / 5 + d - 1 - 719468;
}

/** The reverse of rtc_days, for years 1 to 9999. */
static void rtc_date(s64 days, unsigned *y, unsigned *m, unsigned *d)
{
	unsigned year = 1970 + days / 366;

	while (rtc_days(year + 1, 1, 1) <= days)
		year++;
	*y = year;
	*m = 1;
	while (*m < 12 && rtc_days(year, *m + 1, 1) <= days)
		(*m)++;
	*d = days - rtc_days(year, *m, 1) + 1;
}

/** Bring the time registers up to date, unless SET holds them. */
static void rtc_fill(struct rtc *r)
{
	u64 t = rtc_now(r, NULL);
	unsigned y, m, d, s;

	/* Within a second they stay as they are, unless the guest has written them. */
	if ((r->cmos[R_B] & B_SET) || (t == r->filled && r->cmos[R_B] == r->filled_b))
		return;
	r->filled = t;
	r->filled_b = r->cmos[R_B];
	s = t % DAY;
	rtc_date(t / DAY, &y, &m, &d);
	r->cmos[R_SEC] = rtc_encode(r, s % 60);
	r->cmos[R_MIN] = rtc_encode(r, s / 60 % 60);
	r->cmos[R_HOUR] = rtc_encode_hour(r, s / 3600);
	r->cmos[R_WDAY] = rtc_encode(r, (t / DAY + 4) % 7 + 1); /* 1970 began on a Thursday; Sunday is 1 */
	r->cmos[R_MDAY] = rtc_encode(r, d);
	r->cmos[R_MONTH] = rtc_encode(r, m);
	r->cmos[R_YEAR] = rtc_encode(r, y % 100);
	r->cmos[R_CENTURY] = y / 1000 % 10 << 4 | y / 100 % 10; /* always BCD */
}

/** Take the clock from the time registers. Nonsense in them makes a nonsensical time, nothing worse. */
static void rtc_take(struct rtc *r)
{
	unsigned century = (r->cmos[R_CENTURY] >> 4) * 10 + (r->cmos[R_CENTURY] & 15);
	unsigned y = century * 100 + rtc_decode(r, r->cmos[R_YEAR]), m = rtc_decode(r, r->cmos[R_MONTH]);
	s64 t;

	y = MIN(MAX(y, 1970), 9999);
	m = MIN(MAX(m, 1), 12);
	t = (rtc_days(y, m, 1) + rtc_decode(r, r->cmos[R_MDAY]) - 1) * DAY;
	t += rtc_decode_hour(r, r->cmos[R_HOUR]) * 3600 + rtc_decode(r, r->cmos[R_MIN]) * 60;
	t += rtc_decode(r, r->cmos[R_SEC]);
	r->offset = 0;
	r->offset = MAX(t, 0) - (s64)rtc_now(r, NULL);
	r->last_second = rtc_now(r, NULL);
}

static bool rtc_alarm_match(const struct rtc *r, u64 t)
{
	const u8 *c = r->cmos;
	unsigned s = t % DAY;

	return (c[R_SEC_ALARM] >= ALARM_ANY || rtc_decode(r, c[R_SEC_ALARM]) == s % 60) &&
	       (c[R_MIN_ALARM] >= ALARM_ANY || rtc_decode(r, c[R_MIN_ALARM]) == s / 60 % 60) &&
	       /* "any hour" has both top bits, 12 PM only the first */
	       (c[R_HOUR_ALARM] >= ALARM_ANY || rtc_decode_hour(r, c[R_HOUR_ALARM]) == s / 3600);
}

/** The periodic interrupt's period in cycles of 32768 Hz, 0: off. */
static u64 rtc_period(const struct rtc *r)
{
	unsigned rs = FIELD(A_RS, r->cmos[R_A]);

	if (rs == 0)
		return 0;
	return 1u << (rs <= 2 ? rs + 6 : rs - 1);
}

static u64 rtc_cycles(u64 ns)
{
	return ns / NS_PER_SEC * 32768 + ns % NS_PER_SEC * 32768 / NS_PER_SEC;
}

static u64 rtc_cycles_ns(u64 c)
{
	return c / 32768 * NS_PER_SEC + (c % 32768 * NS_PER_SEC + 32767) / 32768;
}

/** Set the flags of all that has happened since the last call, and the interrupt line with them. */
static void rtc_flags(struct rtc *r)
{
	u64 now = rtc_now(r, NULL), period = rtc_period(r), n;
	bool irq;

	if (!(r->cmos[R_B] & B_SET) && now > r->last_second) {
		r->cmos[R_C] |= C_UF;
		/* After a day every time of day has been. */
		n = MIN(now - r->last_second, DAY);
		for (u64 t = now - n + 1; t <= now && !(r->cmos[R_C] & C_AF); t++) {
			if (rtc_alarm_match(r, t))
				r->cmos[R_C] |= C_AF;
		}
	}
	r->last_second = now;
	if (period) {
		n = rtc_cycles(time_ns()) / period;
		if (n > r->last_period)
			r->cmos[R_C] |= C_PF;
		r->last_period = n;
	}
	irq = r->cmos[R_C] & r->cmos[R_B] & B_IRQS;
	if (irq)
		r->cmos[R_C] |= C_IRQF;
	if (irq != r->irq) {
		r->irq = irq;
		vm_irq(r->vm, RTC_IRQ, irq);
	}
}

/** Arm the timer for the next interrupt that is enabled. */
static void rtc_arm(struct rtc *r)
{
	u64 now = time_ns(), when = ~0ull, ns, period = rtc_period(r);
	u8 b = r->cmos[R_B];

	timer_cancel(&r->timer);
	if (r->irq)
		return; /* nothing new can be told before C is read */
	if ((b & (B_UIE | B_AIE)) && !(b & B_SET)) {
		rtc_now(r, &ns);
		when = now + NS_PER_SEC - ns;
	}
	if ((b & B_PIE) && period)
		when = MIN(when, rtc_cycles_ns((rtc_cycles(now) / period + 1) * period));
	if (when != ~0ull)
		timer_set(&r->timer, when);
}

static void rtc_expired(struct timer *t)
{
	struct rtc *r = container_of(t, struct rtc, timer);

	rtc_flags(r);
	rtc_arm(r);
}

static u8 rtc_read1(struct rtc *r, unsigned i)
{
	u64 ns;
	u8 v;

	if (rtc_is_time(i))
		rtc_fill(r);
	v = r->cmos[i];
	if (i == R_A) {
		rtc_now(r, &ns);
		if (!(r->cmos[R_B] & B_SET) && ns >= NS_PER_SEC - UIP_NS)
			v |= A_UIP;
	} else if (i == R_C) {
		rtc_flags(r);
		v = r->cmos[R_C];
		r->cmos[R_C] = 0;
		rtc_flags(r);
		rtc_arm(r);
	}
	return v;
}

static void rtc_write_b(struct rtc *r, u8 v)
{
	bool was_set = r->cmos[R_B] & B_SET;

	rtc_flags(r); /* under the old rules */
	rtc_fill(r);  /* so that SET holds the present time */
	if (v & B_SET)
		v &= ~B_UIE;
	r->cmos[R_B] = v;
	if (was_set && !(v & B_SET))
		rtc_take(r);
}

static void rtc_write1(struct rtc *r, unsigned i, u8 v)
{
	if (rtc_is_time(i)) {
		rtc_fill(r);
		r->cmos[i] = v;
		r->filled = ~0ull;
		if (!(r->cmos[R_B] & B_SET))
			rtc_take(r);
		return;
	}
	switch (i) {
	case R_A:
		r->cmos[R_A] = v & ~A_UIP;
		if (rtc_period(r))
			r->last_period = rtc_cycles(time_ns()) / rtc_period(r);
		break;
	case R_B: rtc_write_b(r, v); break;
	case R_C:
	case R_D: return; /* read-only */
	default: r->cmos[i] = v; break;
	}
	rtc_flags(r);
	rtc_arm(r);
}

static u64 rtc_read(void *dev, u64 off, unsigned size)
{
	struct rtc *r = dev;

	return off ? rtc_read1(r, r->index) : 0xff;
}

static void rtc_write(void *dev, u64 off, unsigned size, u64 v)
{
	struct rtc *r = dev;

	if (size == 2 && off == 0) {
		r->index = v & (RTC_CMOS_SIZE - 1);
		rtc_write1(r, r->index, v >> 8);
	} else if (off) {
		rtc_write1(r, r->index, v);
	} else {
		r->index = v & (RTC_CMOS_SIZE - 1); /* bit 7, NMI off, has nothing to act on */
	}
}

static const struct bus_ops rtc_ops = { rtc_read, rtc_write };

/** What firmware leaves in CMOS: memory in KiB and 64 KiB, as QEMU and SeaBIOS agree on it. */
static void rtc_memory(struct rtc *r, u64 low_ram, u64 high_ram, unsigned ncpus)
{
	u64 ext = low_ram > 0x100000 ? MIN((low_ram - 0x100000) >> 10, 0xfc00) : 0;
	u64 above16 = low_ram > 0x1000000 ? MIN((low_ram - 0x1000000) >> 16, 0xffff) : 0;
	u64 high = high_ram >> 16;
	u8 *c = r->cmos;

	c[0x14] = 0x02; /* equipment: a coprocessor */
	c[0x15] = 640 & 0xff;
	c[0x16] = 640 >> 8;
	c[0x17] = c[0x30] = ext;
	c[0x18] = c[0x31] = ext >> 8;
	c[0x34] = above16;
	c[0x35] = above16 >> 8;
	c[0x5b] = high;
	c[0x5c] = high >> 8;
	c[0x5d] = high >> 16;
	c[0x5f] = ncpus - 1;
}

void rtc_reset(struct rtc *r)
{
	lock_take(&r->lock);
	rtc_fill(r);
	if (r->cmos[R_B] & B_SET)
		rtc_take(r);
	r->cmos[R_B] = B_24H;
	r->cmos[R_C] = 0;
	r->index = 0;
	r->last_second = rtc_now(r, NULL);
	rtc_flags(r);
	rtc_arm(r);
	lock_drop(&r->lock);
}

status_t rtc_init(struct rtc *r, struct vm *vm, u64 low_ram, u64 high_ram, unsigned ncpus)
{
	memset(r, 0, sizeof(*r));
	r->vm = vm;
	r->wall = time_wall();
	r->wall_ns = time_ns();
	lock_init(&r->lock, LOCK_DEVICE);
	timer_init(&r->timer, rtc_expired, &r->lock);
	r->cmos[R_A] = A_DEFAULT;
	r->cmos[R_B] = B_24H;
	r->cmos[R_D] = D_VRT;
	rtc_memory(r, low_ram, high_ram, ncpus);
	rtc_reset(r);
	r->port = (struct bus_region){ RTC_PORT, 2, &rtc_ops, r, &r->lock };
	return bus_add(&vm->pio, &r->port);
}
