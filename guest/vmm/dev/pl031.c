/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/pl031.c: a PL031. It has run since long before the guest: RTCCR is set, the time is right. */
#include "guest/vmm/dev/pl031.h"

enum { REG_DR = 0x00, REG_MR = 0x04, REG_LR = 0x08, REG_CR = 0x0c, REG_IMSC = 0x10, REG_RIS = 0x14, REG_MIS = 0x18 };
enum { REG_ICR = 0x1c, REG_ID = 0xfe0 };

#define PL031_NS 1000000000ull /* a second */

/* RTCPeriphID0-3, RTCPCellID0-3 */
static const u8 pl031_id[8] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

/* Whole seconds since it was set. */
static u64 pl031_elapsed(const struct pl031 *r)
{
	return (time_ns() - r->base_ns) / PL031_NS;
}

static u32 pl031_now(const struct pl031 *r)
{
	return r->base + (u32)pl031_elapsed(r);
}

static void pl031_update(struct pl031 *r)
{
	bool level = r->raw && r->mask;

	if (level != r->irq_level) {
		r->irq_level = level;
		vm_irq(r->vm, r->irq, level);
	}
}

/* The time or the alarm has changed: when do they meet? */
static void pl031_arm(struct pl031 *r)
{
	u32 left = r->match - pl031_now(r);

	if (left == 0) {
		timer_cancel(&r->timer);
		r->raw = true;
	} else {
		timer_set(&r->timer, r->base_ns + (pl031_elapsed(r) + left) * PL031_NS);
	}
	pl031_update(r);
}

static void pl031_expired(struct timer *t)
{
	struct pl031 *r = container_of(t, struct pl031, timer);

	r->raw = true;
	pl031_update(r);
}

static u32 pl031_read4(const struct pl031 *r, u64 off)
{
	switch (off) {
	case REG_DR: return pl031_now(r);
	case REG_MR: return r->match;
	case REG_LR: return r->load;
	case REG_CR: return 1;
	case REG_IMSC: return r->mask;
	case REG_RIS: return r->raw;
	case REG_MIS: return r->raw && r->mask;
	default: return off >= REG_ID ? pl031_id[(off - REG_ID) / 4] : 0;
	}
}

static u64 pl031_read(void *dev, u64 off, unsigned size)
{
	if (likely(size != 8))
		return (u64)pl031_read4(dev, off & ~3ull) >> 8 * (off & 3);
	return pl031_read(dev, off, 4) | pl031_read(dev, off + 4, 4) << 32;
}

static void pl031_write(void *dev, u64 off, unsigned size, u64 value)
{
	struct pl031 *r = dev;

	switch (off) {
	case REG_MR:
		r->match = (u32)value;
		pl031_arm(r);
		break;
	case REG_LR:
		r->load = r->base = (u32)value;
		r->base_ns = time_ns();
		pl031_arm(r);
		break;
	case REG_IMSC:
		r->mask = value & 1;
		pl031_update(r);
		break;
	case REG_ICR:
		if (value & 1)
			r->raw = false;
		pl031_update(r);
		break;
	default: break; /* the others are read-only, and it cannot be stopped */
	}
	if (size == 8)
		pl031_write(dev, off + 4, 4, value >> 32);
}

static const struct bus_ops pl031_ops = { pl031_read, pl031_write };

void pl031_reset(struct pl031 *r)
{
	lock_take(&r->lock);
	timer_cancel(&r->timer);
	r->load = r->match = 0;
	r->raw = r->mask = false;
	pl031_update(r);
	lock_drop(&r->lock);
}

status_t pl031_init(struct pl031 *r, struct vm *vm, u64 base, unsigned irq)
{
	memset(r, 0, sizeof(*r));
	r->vm = vm;
	r->irq = irq;
	r->base = (u32)time_wall();
	r->base_ns = time_ns();
	lock_init(&r->lock, LOCK_DEVICE);
	timer_init(&r->timer, pl031_expired, &r->lock);
	r->mmio = (struct bus_region){ base, PAGE_SIZE, &pl031_ops, r, &r->lock };
	return bus_add(&vm->mmio, &r->mmio);
}
