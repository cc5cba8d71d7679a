/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/ioapic.c: an I/O APIC: redirection entries turned into messages to the hypervisor's local APICs. */
#include "guest/vmm/dev/ioapic.h"

#define IOREGSEL      0x00
#define IOWIN	      0x10
#define IOEOI	      0x40
#define IOAPIC_WINDOW 0x1000

#define IOAPICID   0x00
#define IOAPICVER  0x01
#define IOAPICARB  0x02
#define IOREDTBL   0x10
#define IOAPIC_VER 0x20u

#define RTE_VECTOR     BITS(7, 0)
#define RTE_DELMOD     BITS(10, 8)
#define RTE_DESTMOD    BIT(11)
#define RTE_DELIVS     BIT(12)
#define RTE_REMOTE_IRR BIT(14)
#define RTE_LEVEL      BIT(15)
#define RTE_MASK       BIT(16)
#define RTE_DEST       BITS(63, 56)
#define RTE_WRITABLE   (RTE_DEST | (BITS(16, 0) & ~(RTE_DELIVS | RTE_REMOTE_IRR)))

/* Message address and data (Intel SDM 3A, 11.11). */
#define MSI_BASE	0xfee00000u
#define MSI_ADDR_DEST	BITS(19, 12)
#define MSI_ADDR_RH	BIT(3)
#define MSI_ADDR_DM	BIT(2)
#define MSI_DATA_ASSERT BIT(14)
#define MSI_DATA_LEVEL	BIT(15)

#define IOAPIC_REPEATS	16
#define IOAPIC_PAUSE_NS 50000

enum { DELMOD_FIXED = 0, DELMOD_LOWEST = 1, DELMOD_EXTINT = 7 };

static void ioapic_deliver(struct ioapic *a, unsigned pin)
{
	u64 e = a->redir[pin];
	unsigned mode = FIELD(RTE_DELMOD, e);
	u32 addr = MSI_BASE | FIELD_PUT(MSI_ADDR_DEST, FIELD(RTE_DEST, e));
	u32 data = FIELD(RTE_VECTOR, e) | mode << 8;

	if (mode == DELMOD_EXTINT)
		return; /* the 8259 has its own way */
	if (e & RTE_DESTMOD)
		addr |= MSI_ADDR_DM;
	if (mode == DELMOD_LOWEST)
		addr |= MSI_ADDR_RH;
	if (e & RTE_LEVEL) {
		data |= MSI_DATA_LEVEL | MSI_DATA_ASSERT;
		if (mode == DELMOD_FIXED || mode == DELMOD_LOWEST)
			a->redir[pin] |= RTE_REMOTE_IRR;
	}
	vm_msi(a->vm, addr, data);
}

/** Deliver a level-triggered pin that is asserted, unmasked and not being served. */
static void ioapic_level(struct ioapic *a, unsigned pin)
{
	u64 e = a->redir[pin];

	if ((a->line & BIT(pin)) && (e & RTE_LEVEL) && !(e & (RTE_MASK | RTE_REMOTE_IRR)))
		ioapic_deliver(a, pin);
}

void ioapic_set(struct ioapic *a, unsigned gsi, bool level)
{
	bool rise;

	if (gsi >= IOAPIC_PINS)
		return;
	lock_take(&a->lock);
	rise = level && !(a->line & BIT(gsi));
	a->line = level ? a->line | BIT(gsi) : a->line & ~BIT(gsi);
	if (a->redir[gsi] & RTE_LEVEL)
		ioapic_level(a, gsi);
	else if (rise && !(a->redir[gsi] & RTE_MASK)) /* an edge while masked is lost */
		ioapic_deliver(a, gsi);
	lock_drop(&a->lock);
}

static void ioapic_paused(struct timer *t)
{
	struct ioapic *a = container_of(t, struct ioapic, pause);
	u32 pins = a->waiting;

	a->waiting = 0;
	for (unsigned i = 0; i < IOAPIC_PINS; i++)
		if (pins & BIT(i))
			ioapic_level(a, i);
}

/*
 * A pin that is still asserted interrupts again. Hardware takes its time for that, in which the interrupted program
 * gets on; here it would never run another instruction, so after a few repeats in a row they come after a pause.
 */
static void ioapic_end(struct ioapic *a, u8 vector)
{
	for (unsigned i = 0; i < IOAPIC_PINS; i++) {
		if (!(a->redir[i] & RTE_REMOTE_IRR) || FIELD(RTE_VECTOR, a->redir[i]) != vector)
			continue;
		a->redir[i] &= ~RTE_REMOTE_IRR;
		if (!(a->line & BIT(i))) {
			a->repeats = 0;
		} else if (++a->repeats < IOAPIC_REPEATS) {
			ioapic_level(a, i);
		} else {
			a->waiting |= BIT(i);
			timer_set(&a->pause, time_ns() + IOAPIC_PAUSE_NS);
		}
	}
}

void ioapic_eoi(struct ioapic *a, u8 vector)
{
	lock_take(&a->lock);
	ioapic_end(a, vector);
	lock_drop(&a->lock);
}

static u32 ioapic_reg_read(const struct ioapic *a)
{
	unsigned n = a->select - IOREDTBL;

	if (a->select == IOAPICID || a->select == IOAPICARB)
		return (u32)a->id << 24;
	if (a->select == IOAPICVER)
		return (IOAPIC_PINS - 1) << 16 | IOAPIC_VER;
	if (a->select < IOREDTBL || n >= 2 * IOAPIC_PINS)
		return 0;
	return a->redir[n / 2] >> 32 * (n & 1);
}

static void ioapic_reg_write(struct ioapic *a, u32 v)
{
	unsigned n = a->select - IOREDTBL, shift = 32 * (n & 1);
	u64 *e;

	if (a->select == IOAPICID)
		a->id = v >> 24 & 15;
	if (a->select < IOREDTBL || n >= 2 * IOAPIC_PINS)
		return;
	e = &a->redir[n / 2];
	*e = (*e & ~(RTE_WRITABLE & 0xffffffffull << shift)) | ((u64)v << shift & RTE_WRITABLE);
	if (!(*e & RTE_LEVEL))
		*e &= ~RTE_REMOTE_IRR;
	ioapic_level(a, n / 2);
}

static u64 ioapic_read(void *dev, u64 off, unsigned size)
{
	struct ioapic *a = dev;

	switch (off) {
	case IOREGSEL: return a->select;
	case IOWIN: return ioapic_reg_read(a);
	default: return 0;
	}
}

static void ioapic_write(void *dev, u64 off, unsigned size, u64 v)
{
	struct ioapic *a = dev;

	switch (off) {
	case IOREGSEL: a->select = v; break;
	case IOWIN: ioapic_reg_write(a, v); break;
	case IOEOI: ioapic_end(a, v); break;
	default: break;
	}
}

static const struct bus_ops ioapic_ops = { ioapic_read, ioapic_write };

void ioapic_reset(struct ioapic *a)
{
	lock_take(&a->lock);
	a->select = 0;
	a->id = 0;
	a->repeats = 0;
	a->waiting = 0;
	timer_cancel(&a->pause);
	for (unsigned i = 0; i < IOAPIC_PINS; i++)
		a->redir[i] = RTE_MASK;
	lock_drop(&a->lock);
}

status_t ioapic_init(struct ioapic *a, struct vm *vm, u64 base)
{
	memset(a, 0, sizeof(*a));
	a->vm = vm;
	lock_init(&a->lock, LOCK_CHIP);
	timer_init(&a->pause, ioapic_paused, &a->lock);
	a->mmio = (struct bus_region){ base, IOAPIC_WINDOW, &ioapic_ops, a, &a->lock };
	ioapic_reset(a);
	return bus_add(&vm->mmio, &a->mmio);
}
