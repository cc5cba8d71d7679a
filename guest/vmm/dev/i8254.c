/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/i8254.c: the 8254 interval timer and port 61h, all reckoned from time_ns(). */
#include "guest/vmm/dev/i8254.h"

#define PIT_PORT	 0x40
#define PIT_SPEAKER_PORT 0x61
#define PIT_IRQ		 0
#define NS_PER_SEC	 1000000000ull
/* Channel 0 interrupts at most this often, whatever the guest asks: each costs the service VM an event. */
#define PIT_MIN_PERIOD_NS 100000ull
#define PIT_REFRESH_NS	  15085ull

#define CTL_BCD	   BIT(0)
#define CTL_MODE   BITS(3, 1)
#define CTL_RW	   BITS(5, 4)
#define CTL_SC	   BITS(7, 6)
#define RB_NOCOUNT BIT(5)
#define RB_NOSTAT  BIT(4)
#define ST_OUT	   BIT(7)
#define ST_NULL	   BIT(6)

#define P61_GATE2   BIT(0)
#define P61_WRITE   0x0fu
#define P61_REFRESH BIT(4)
#define P61_OUT2    BIT(5)

static u64 pit_ticks(u64 ns)
{
	return ns / NS_PER_SEC * PIT_HZ + ns % NS_PER_SEC * PIT_HZ / NS_PER_SEC;
}

/** The first nanosecond at which pit_ticks() says @ticks. */
static u64 pit_ns(u64 ticks)
{
	return ticks / PIT_HZ * NS_PER_SEC + (ticks % PIT_HZ * NS_PER_SEC + PIT_HZ - 1) / PIT_HZ;
}

static u64 pit_elapsed(const struct pit_channel *c)
{
	return c->counting ? pit_ticks(time_ns() - c->start) : c->frozen;
}

static bool pit_triggered_mode(const struct pit_channel *c)
{
	return c->mode == 1 || c->mode == 5;
}

static bool pit_out(const struct pit_channel *c)
{
	u64 t = pit_elapsed(c);

	if (!c->loaded)
		return c->mode != 0;
	switch (c->mode) {
	case 0: return t >= c->count;
	case 1: return !c->counting || t >= c->count;
	case 2: return !c->counting || t % c->count != c->count - 1;
	case 3: return !c->counting || t % c->count < (c->count + 1) / 2;
	default: return t != c->count; /* a strobe of one tick */
	}
}

/** The counting element as the guest reads it. */
static u16 pit_value(const struct pit_channel *c)
{
	u64 t = pit_elapsed(c);
	u32 v, modulus = c->bcd ? 10000 : 65536;

	switch (c->mode) {
	case 2: v = c->count - t % c->count; break;
	case 3: v = c->count - 2 * t % c->count; break;
	default: v = (c->count + modulus - t % modulus) % modulus; break;
	}
	v %= modulus;
	if (!c->bcd)
		return v;
	return v / 1000 << 12 | v / 100 % 10 << 8 | v / 10 % 10 << 4 | v % 10;
}

/** Arm the timer for channel 0's next rising edge. */
static void pit_arm(struct pit *p)
{
	struct pit_channel *c = &p->ch[0];
	u64 t = pit_elapsed(c), when;

	timer_cancel(&p->timer);
	if (!c->loaded || !c->counting)
		return;
	if (c->mode == 2 || c->mode == 3)
		p->next_tick = (t / c->count + 1) * c->count;
	else if (t < c->count)
		p->next_tick = c->count;
	else
		return;
	when = c->start + pit_ns(p->next_tick);
	timer_set(&p->timer, MAX(when, time_ns() + PIT_MIN_PERIOD_NS * (c->mode == 2 || c->mode == 3)));
}

/** Channel 0's output rises: a low level first, so that it is an edge. */
static void pit_expired(struct timer *t)
{
	struct pit *p = container_of(t, struct pit, timer);

	vm_irq(p->vm, PIT_IRQ, false);
	vm_irq(p->vm, PIT_IRQ, true);
	pit_arm(p);
}

static void pit_start(struct pit_channel *c)
{
	c->count = c->reload;
	c->null = false;
	c->start = time_ns();
	c->frozen = 0;
	c->counting = true;
}

static void pit_load(struct pit *p, unsigned n, u16 raw)
{
	struct pit_channel *c = &p->ch[n];
	u32 v = raw;

	if (c->bcd) /* a digit above 9 counts as its value: the result stays bounded */
		v = (raw >> 12) * 1000 + (raw >> 8 & 15) * 100 + (raw >> 4 & 15) * 10 + (raw & 15);
	c->reload = v ? v : c->bcd ? 10000 : 65536;
	if (!c->loaded || !pit_triggered_mode(c))
		c->count = c->reload;
	c->loaded = true;
	if (!pit_triggered_mode(c)) {
		pit_start(c);
		c->counting = c->gate;
	}
	if (n == 0) {
		vm_irq(p->vm, PIT_IRQ, c->mode != 0);
		pit_arm(p);
	}
}

/** The gate of channel @c changes to @level. */
static void pit_gate(struct pit_channel *c, bool level)
{
	bool rise = level && !c->gate;

	c->frozen = pit_elapsed(c);
	switch (c->mode) {
	case 0:
	case 4: /* counting is suspended */
		if (c->loaded && rise)
			c->start = time_ns() - pit_ns(c->frozen);
		c->counting = c->loaded && level;
		break;
	case 1:
	case 5:
		if (c->loaded && rise)
			pit_start(c);
		break;
	default:
		if (c->loaded && rise)
			pit_start(c);
		else if (!level)
			c->counting = false;
		break;
	}
	c->gate = level;
}

static void pit_latch_count(struct pit_channel *c)
{
	if (c->latched)
		return; /* the first latch holds until it is read */
	c->latch = pit_value(c);
	c->latched = c->rw == 3 ? 2 : 1;
	if (c->rw == 2)
		c->latch >>= 8;
}

static void pit_latch_status(struct pit_channel *c)
{
	if (c->status_latched)
		return;
	c->status_latched = true;
	c->status = (pit_out(c) ? ST_OUT : 0) | (c->null ? ST_NULL : 0) | FIELD_PUT(CTL_RW, c->rw) |
		    FIELD_PUT(CTL_MODE, c->mode) | (c->bcd ? CTL_BCD : 0);
}

static void pit_control(struct pit *p, u8 v)
{
	unsigned sc = FIELD(CTL_SC, v), mode = FIELD(CTL_MODE, v);
	struct pit_channel *c;

	if (sc == 3) { /* read-back */
		for (unsigned i = 0; i < 3; i++) {
			if (!(v & BIT(i + 1)))
				continue;
			if (!(v & RB_NOCOUNT))
				pit_latch_count(&p->ch[i]);
			if (!(v & RB_NOSTAT))
				pit_latch_status(&p->ch[i]);
		}
		return;
	}
	c = &p->ch[sc];
	if (!FIELD(CTL_RW, v)) {
		pit_latch_count(c);
		return;
	}
	*c = (struct pit_channel){ .mode = mode > 5 ? mode & 3 : mode,
				   .rw = FIELD(CTL_RW, v),
				   .bcd = v & CTL_BCD,
				   .gate = c->gate,
				   .null = true,
				   .count = c->count };
	if (sc == 0) {
		timer_cancel(&p->timer);
		vm_irq(p->vm, PIT_IRQ, pit_out(c));
	}
}

static void pit_write_count(struct pit *p, unsigned n, u8 v)
{
	struct pit_channel *c = &p->ch[n];

	c->null = true;
	switch (c->rw) {
	case 1: pit_load(p, n, v); break;
	case 2: pit_load(p, n, v << 8); break;
	default:
		if (!c->wr_high) {
			c->wr_low = v;
			if (c->mode == 0) { /* the first byte stops the count */
				c->frozen = pit_elapsed(c);
				c->counting = false;
				if (n == 0)
					timer_cancel(&p->timer);
			}
		} else {
			pit_load(p, n, v << 8 | c->wr_low);
		}
		c->wr_high = !c->wr_high;
		break;
	}
}

static u8 pit_read_count(struct pit_channel *c)
{
	u16 v;

	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}
	if (c->latched) {
		v = c->latch;
		c->latched--;
		c->latch >>= 8;
		return v;
	}
	v = pit_value(c);
	if (c->rw == 1)
		return v;
	if (c->rw == 2)
		return v >> 8;
	c->rd_high = !c->rd_high;
	return c->rd_high ? v : v >> 8;
}

static u64 pit_read(void *dev, u64 off, unsigned size)
{
	struct pit *p = dev;

	return off < 3 ? pit_read_count(&p->ch[off]) : 0xff;
}

static void pit_write(void *dev, u64 off, unsigned size, u64 v)
{
	struct pit *p = dev;

	if (off < 3)
		pit_write_count(p, off, v);
	else
		pit_control(p, v);
}

static u64 pit_speaker_read(void *dev, u64 off, unsigned size)
{
	struct pit *p = dev;

	return p->port61 | (time_ns() / PIT_REFRESH_NS & 1 ? P61_REFRESH : 0) | (pit_out(&p->ch[2]) ? P61_OUT2 : 0);
}

static void pit_speaker_write(void *dev, u64 off, unsigned size, u64 v)
{
	struct pit *p = dev;

	p->port61 = v & P61_WRITE;
	pit_gate(&p->ch[2], v & P61_GATE2);
}

static const struct bus_ops pit_ops = { pit_read, pit_write };
static const struct bus_ops pit_speaker_ops = { pit_speaker_read, pit_speaker_write };

void pit_reset(struct pit *p)
{
	lock_take(&p->lock);
	timer_cancel(&p->timer);
	p->port61 = 0;
	for (unsigned i = 0; i < 3; i++) {
		p->ch[i] = (struct pit_channel){ .mode = 3, .rw = 3, .gate = i != 2, .reload = 65536, .count = 65536 };
		p->ch[i].null = true;
	}
	lock_drop(&p->lock);
}

status_t pit_init(struct pit *p, struct vm *vm)
{
	status_t st;

	memset(p, 0, sizeof(*p));
	p->vm = vm;
	lock_init(&p->lock, LOCK_DEVICE);
	timer_init(&p->timer, pit_expired, &p->lock);
	p->port = (struct bus_region){ PIT_PORT, 4, &pit_ops, p, &p->lock };
	p->speaker = (struct bus_region){ PIT_SPEAKER_PORT, 1, &pit_speaker_ops, p, &p->lock };
	pit_reset(p);
	st = bus_add(&vm->pio, &p->port);
	return st != OK ? st : bus_add(&vm->pio, &p->speaker);
}
