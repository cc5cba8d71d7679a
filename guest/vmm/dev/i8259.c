/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/i8259.c: a PC's two cascaded 8259A interrupt controllers. */
#include "guest/vmm/dev/i8259.h"

#define PIC_MASTER_PORT 0x20
#define PIC_SLAVE_PORT	0xa0
#define PIC_ELCR_PORT	0x4d0
#define PIC_CASCADE	2

#define ICW1	   BIT(4) /* A0 = 0: this is ICW1     */
#define ICW1_IC4   BIT(0)
#define ICW1_SNGL  BIT(1)
#define ICW4_AEOI  BIT(1)
#define ICW4_SFNM  BIT(4)
#define OCW3	   BIT(3) /* A0 = 0, not ICW1: OCW3   */
#define OCW3_RIS   BIT(0)
#define OCW3_RR	   BIT(1)
#define OCW3_P	   BIT(2)
#define OCW3_SMM   BIT(5)
#define OCW3_ESMM  BIT(6)
#define OCW2_LEVEL BITS(2, 0)
#define OCW2_CMD   BITS(7, 5) /* R, SL, EOI            */
#define POLL_INT   0x80

/* OCW2's commands. */
enum {
	OCW2_ROTATE_AEOI_OFF,
	OCW2_EOI,
	OCW2_NOP,
	OCW2_EOI_SPECIFIC,
	OCW2_ROTATE_AEOI_ON,
	OCW2_ROTATE_EOI,
	OCW2_SET_PRIORITY,
	OCW2_ROTATE_SPECIFIC
};

static const u8 pic_elcr_mask[2] = { 0xf8, 0xde };

/** The pin of @mask with the highest priority, -1 when it is empty. @rank: how far below the top it is. */
static int pic_first(const struct pic_chip *c, u8 mask, unsigned *rank)
{
	for (unsigned i = 0; i < 8; i++) {
		unsigned pin = (c->low + 1 + i) & 7;

		if (mask & BIT(pin)) {
			*rank = i;
			return pin;
		}
	}
	*rank = 8;
	return -1;
}

/** The pin that @c would deliver now, or -1. */
static int pic_pending(const struct pic_chip *c, bool master)
{
	unsigned rank, served;
	u8 isr = c->isr, wanted = c->irr & ~c->imr;
	int pin;

	if (likely(wanted == 0) || c->step)
		return -1;
	pin = pic_first(c, wanted, &rank);
	if (c->special_mask)
		isr &= ~c->imr;
	/* Special fully nested: the slave may interrupt its own service. */
	if (master && c->nested && pin == PIC_CASCADE)
		isr &= ~BIT(PIC_CASCADE);
	pic_first(c, isr, &served);
	return rank < served ? pin : -1;
}

static void pic_chip_set(struct pic_chip *c, unsigned pin, bool level)
{
	u8 bit = BIT(pin);

	if (c->elcr & bit)
		c->irr = level ? c->irr | bit : c->irr & ~bit;
	else if (level && !(c->line & bit))
		c->irr |= bit;
	c->line = level ? c->line | bit : c->line & ~bit;
}

static void pic_update(struct pic *p)
{
	bool slave = pic_pending(&p->chip[1], false) >= 0, intr;

	pic_chip_set(&p->chip[0], PIC_CASCADE, slave);
	if (!slave) /* a request that the slave takes back is no more: less noise than a spurious interrupt */
		p->chip[0].irr &= ~BIT(PIC_CASCADE);
	intr = pic_pending(&p->chip[0], true) >= 0;
	if (intr != p->intr) {
		p->intr = intr;
		hv_vcpu_extint(p->vm->vcpu[0].id, intr);
	}
}

void pic_set(struct pic *p, unsigned irq, bool level)
{
	if (irq > 15 || irq == PIC_CASCADE)
		return;
	lock_take(&p->lock);
	pic_chip_set(&p->chip[irq >> 3], irq & 7, level);
	pic_update(p);
	lock_drop(&p->lock);
}

static void pic_ack(struct pic_chip *c, unsigned pin)
{
	if (!(c->elcr & BIT(pin)))
		c->irr &= ~BIT(pin);
	if (!c->aeoi)
		c->isr |= BIT(pin);
	else if (c->rotate_aeoi)
		c->low = pin;
}

static int pic_acknowledge(struct pic *p)
{
	struct pic_chip *m = &p->chip[0], *s = &p->chip[1];
	int pin = pic_pending(m, true), vector;

	if (pin < 0)
		return m->base + 7;
	pic_ack(m, pin);
	vector = m->base + pin;
	if (pin == PIC_CASCADE) {
		int sub = pic_pending(s, false);

		if (sub >= 0)
			pic_ack(s, sub);
		else
			sub = 7;
		vector = s->base + sub;
		/* INTA drops the slave's output: what else it has makes a new edge. */
		pic_chip_set(m, PIC_CASCADE, false);
	}
	pic_update(p);
	return vector;
}

int pic_intack(struct pic *p)
{
	int vector;

	lock_take(&p->lock);
	vector = pic_acknowledge(p);
	lock_drop(&p->lock);
	return vector;
}

static void pic_icw1(struct pic_chip *c, u8 v)
{
	c->irr = c->line & c->elcr; /* edges must come again */
	c->imr = 0;
	c->isr = 0;
	c->low = 7;
	c->aeoi = c->rotate_aeoi = c->nested = false;
	c->special_mask = c->poll = c->read_isr = false;
	c->need_icw4 = v & ICW1_IC4;
	c->single = v & ICW1_SNGL;
	c->step = 2;
}

static void pic_ocw2(struct pic_chip *c, u8 v)
{
	unsigned cmd = FIELD(OCW2_CMD, v), rank;
	int pin = FIELD(OCW2_LEVEL, v);

	switch (cmd) {
	case OCW2_ROTATE_AEOI_OFF:
	case OCW2_ROTATE_AEOI_ON: c->rotate_aeoi = cmd == OCW2_ROTATE_AEOI_ON; break;
	case OCW2_EOI:
	case OCW2_ROTATE_EOI:
		/* A masked level stays in service in special mask mode. */
		pin = pic_first(c, c->special_mask ? c->isr & ~c->imr : c->isr, &rank);
		if (pin < 0)
			break;
		c->isr &= ~BIT(pin);
		if (cmd == OCW2_ROTATE_EOI)
			c->low = pin;
		break;
	case OCW2_ROTATE_SPECIFIC: c->low = pin; /* fall through */
	case OCW2_EOI_SPECIFIC: c->isr &= ~BIT(pin); break;
	case OCW2_SET_PRIORITY: c->low = pin; break;
	default: break;
	}
}

static void pic_ocw3(struct pic_chip *c, u8 v)
{
	if (v & OCW3_P)
		c->poll = true;
	else if (v & OCW3_RR)
		c->read_isr = v & OCW3_RIS;
	if (v & OCW3_ESMM)
		c->special_mask = v & OCW3_SMM;
}

/** A write with A0 = 1: the next ICW, or OCW1. */
static void pic_data(struct pic_chip *c, u8 v)
{
	switch (c->step) {
	case 0: c->imr = v; break;
	case 2:
		c->base = v & 0xf8;
		c->step = !c->single ? 3 : c->need_icw4 ? 4 : 0;
		break;
	case 3: c->step = c->need_icw4 ? 4 : 0; break; /* the wiring is what it is */
	default:
		c->aeoi = v & ICW4_AEOI;
		c->nested = v & ICW4_SFNM;
		c->step = 0;
		break;
	}
}

static void pic_write1(struct pic *p, unsigned n, unsigned a0, u8 v)
{
	struct pic_chip *c = &p->chip[n];

	if (a0)
		pic_data(c, v);
	else if (v & ICW1)
		pic_icw1(c, v);
	else if (v & OCW3)
		pic_ocw3(c, v);
	else
		pic_ocw2(c, v);
	pic_update(p);
}

static u8 pic_read1(struct pic *p, unsigned n, unsigned a0)
{
	struct pic_chip *c = &p->chip[n];

	if (c->poll) {
		int pin = pic_pending(c, n == 0);

		c->poll = false;
		if (pin < 0)
			return 0;
		pic_ack(c, pin);
		if (n == 1) /* as INTA does */
			pic_chip_set(&p->chip[0], PIC_CASCADE, false);
		pic_update(p);
		return POLL_INT | pin;
	}
	if (a0)
		return c->imr;
	return c->read_isr ? c->isr : c->irr;
}

static u64 pic_read(struct pic *p, unsigned n, u64 off, unsigned size)
{
	u64 v = 0;

	for (unsigned i = 0; i < size; i++)
		v |= (u64)pic_read1(p, n, (off + i) & 1) << 8 * i;
	return v;
}

static void pic_write(struct pic *p, unsigned n, u64 off, unsigned size, u64 v)
{
	for (unsigned i = 0; i < size; i++)
		pic_write1(p, n, (off + i) & 1, v >> 8 * i);
}

static u64 pic_master_read(void *dev, u64 off, unsigned size)
{
	return pic_read(dev, 0, off, size);
}

static void pic_master_write(void *dev, u64 off, unsigned size, u64 v)
{
	pic_write(dev, 0, off, size, v);
}

static u64 pic_slave_read(void *dev, u64 off, unsigned size)
{
	return pic_read(dev, 1, off, size);
}

static void pic_slave_write(void *dev, u64 off, unsigned size, u64 v)
{
	pic_write(dev, 1, off, size, v);
}

static u64 pic_elcr_read(void *dev, u64 off, unsigned size)
{
	struct pic *p = dev;

	return off ? p->chip[1].elcr : p->chip[0].elcr | p->chip[1].elcr << 8;
}

static void pic_elcr_write(void *dev, u64 off, unsigned size, u64 v)
{
	struct pic *p = dev;

	for (unsigned i = 0; i < size && off + i < 2; i++) {
		struct pic_chip *c = &p->chip[off + i];

		c->elcr = (v >> 8 * i) & c->elcr_mask;
		c->irr = (c->irr & ~c->elcr) | (c->line & c->elcr);
	}
	pic_update(p);
}

static const struct bus_ops pic_ops[2] = {
	{ pic_master_read, pic_master_write },
	{ pic_slave_read, pic_slave_write },
};
static const struct bus_ops pic_elcr_ops = { pic_elcr_read, pic_elcr_write };

void pic_reset(struct pic *p)
{
	lock_take(&p->lock);
	for (unsigned n = 0; n < 2; n++) {
		u8 line = p->chip[n].line;

		p->chip[n] = (struct pic_chip){ .line = line, .elcr_mask = pic_elcr_mask[n], .low = 7, .imr = 0xff };
	}
	pic_update(p);
	lock_drop(&p->lock);
}

status_t pic_init(struct pic *p, struct vm *vm)
{
	status_t st;

	memset(p, 0, sizeof(*p));
	p->vm = vm;
	lock_init(&p->lock, LOCK_CHIP);
	p->port[0] = (struct bus_region){ PIC_MASTER_PORT, 2, &pic_ops[0], p, &p->lock };
	p->port[1] = (struct bus_region){ PIC_SLAVE_PORT, 2, &pic_ops[1], p, &p->lock };
	p->elcr_port = (struct bus_region){ PIC_ELCR_PORT, 2, &pic_elcr_ops, p, &p->lock };
	pic_reset(p);
	st = bus_add(&vm->pio, &p->port[0]);
	if (st == OK)
		st = bus_add(&vm->pio, &p->port[1]);
	if (st == OK)
		st = bus_add(&vm->pio, &p->elcr_port);
	return st;
}
