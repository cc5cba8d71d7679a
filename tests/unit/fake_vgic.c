/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_vgic.c: list registers, a CPU interface and a physical GIC as the manuals describe them. */
#include "fake_vgic.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>
#include <string.h>

#define LR_PRIO	   BITS(23, 16)
#define LR_SOURCE  BITS(27, 24)
#define LR_PENDING BIT(32)
#define LR_ACTIVE  BIT(33)
#define LR_EOI	   BIT(34)
#define LR_HW	   BIT(35)
#define LR_GROUP1  BIT(36)

#define hw_depth    (fake->depth) /* active priorities */
#define hw_eoicount (fake->eoicount)

struct fake_cpu fake_cpu[FAKE_CPUS];
_Thread_local struct fake_cpu *fake = fake_cpu;
struct arm_cpu *smp_cpu[BOOT_MAX_CPUS];
bool fake_at_once;
u32 fake_kicked;
unsigned hw_nlr;

/* Threads may be more than this machine's CPUs: the one that holds what is waited for wants to run. */
void spin_pause(void)
{
	(void)sched_yield();
}

void *fake_cpu_block(void);

void *fake_cpu_block(void)
{
	return fake->block;
}

void vgic_kicked(struct vgic_cpu *c)
{
	(void)__atomic_fetch_or(&fake_kicked, 1u << c->id, __ATOMIC_SEQ_CST);
}

static void fake_kick(const struct arm_cpu *to)
{
	struct fake_cpu *me = fake;

	assert_ptr_not_equal(to, arm_cpu());
	__atomic_store_n(&fake_cpu[to->number].kicked, true, __ATOMIC_SEQ_CST);
	if (!fake_at_once)
		return;
	fake = &fake_cpu[to->number];
	fake->kicked = false;
	vgic_serve();
	fake = me;
}

static unsigned fake_init(void)
{
	return hw_nlr;
}

static u64 fake_lr_read(unsigned n)
{
	assert_true(hw_on && n < hw_nlr);
	return hw_lr[n];
}

static void fake_lr_write(unsigned n, u64 v)
{
	assert_true(hw_on && n < hw_nlr);
	hw_lr[n] = v;
}

static u32 fake_empty(void)
{
	u32 m = 0;

	assert_true(hw_on);
	for (unsigned n = 0; n < hw_nlr; n++)
		if (!(hw_lr[n] & (LR_PENDING | LR_ACTIVE)))
			m |= 1u << n;
	return m;
}

static void fake_save(struct vgic_cpu *c)
{
	assert_true(hw_on);
	memcpy(c->lr, hw_lr, sizeof(hw_lr));
	c->apr[0] = hw_depth;
}

static void fake_load(const struct vgic_cpu *c)
{
	assert_true(hw_on != (c != NULL));
	hw_on = c != NULL;
	if (!c)
		return;
	memcpy(hw_lr, c->lr, sizeof(hw_lr));
	hw_depth = (u32)c->apr[0];
	hw_eoicount = 0;
	hw_uie = c->hcr & 1;
	hw_lrenpie = c->hcr & 2;
}

static void fake_watch(struct vgic_cpu *c, bool few, bool unlisted)
{
	assert_true(hw_on);
	if (c->hcr == (few | unlisted << 1))
		return;
	c->hcr = few | unlisted << 1;
	hw_uie = few;
	hw_lrenpie = unlisted;
	hw_eoicount = 0; /* of the same register */
}

static u32 fake_ended(const struct vgic_cpu *c)
{
	u32 n = hw_eoicount;

	assert_true(hw_on);
	hw_eoicount = 0;
	return n;
}

static u64 fake_lr_make(u32 intid, u8 priority, bool group1, bool pending, bool active, bool eoi, bool hw, u8 source)
{
	assert_true(intid < VGIC_LINES && (pending || active) && !(hw && eoi) && !(hw && pending && active));
	assert_true(source < 8 && (priority & 7) == 0);
	for (unsigned n = 0; n < hw_nlr && hw; n++)
		assert_true(intid == VGIC_PPI_VTIMER);
	return intid | FIELD_PUT(LR_PRIO, priority) | FIELD_PUT(LR_SOURCE, source) | (group1 ? LR_GROUP1 : 0) |
	       (pending ? LR_PENDING : 0) | (active ? LR_ACTIVE : 0) | (eoi ? LR_EOI : 0) | (hw ? LR_HW : 0);
}

static bool fake_lr_pending(u64 lr)
{
	return lr & LR_PENDING;
}

static bool fake_lr_active(u64 lr)
{
	return lr & LR_ACTIVE;
}

const struct vgic_hw fake_hw = {
	.init = fake_init,
	.lr_read = fake_lr_read,
	.lr_write = fake_lr_write,
	.empty = fake_empty,
	.save = fake_save,
	.load = fake_load,
	.watch = fake_watch,
	.ended = fake_ended,
	.lr_make = fake_lr_make,
	.lr_pending = fake_lr_pending,
	.lr_active = fake_lr_active,
};

static void fake_deactivate(u32 intid)
{
	assert_int_equal(intid, VGIC_PPI_VTIMER);
	assert_true(phys_active);
	phys_active = false;
	phys_deactivated++;
}

static void fake_set_active(u32 intid, bool on)
{
	assert_int_equal(intid, VGIC_PPI_VTIMER);
	assert_true(phys_active != on || !on);
	phys_active = on;
}

bool vgic_hw_line(const struct vgic_cpu *c, u32 intid)
{
	assert_int_equal(intid, VGIC_PPI_VTIMER);
	return phys_line;
}

static const struct gic_ops fake_gic = { .deactivate = fake_deactivate,
					 .set_active = fake_set_active,
					 .kick = fake_kick };
const struct gic_ops *gic = &fake_gic;

void fake_reset(unsigned nlr)
{
	memset(fake_cpu, 0, sizeof(fake_cpu));
	for (unsigned n = 0; n < FAKE_CPUS; n++) {
		fake = &fake_cpu[n];
		phys_line = true;
		smp_cpu[n] = arm_cpu();
		smp_cpu[n]->number = n;
		smp_cpu[n]->me = n + 1;
	}
	fake = fake_cpu;
	fake_at_once = true;
	fake_kicked = 0;
	hw_nlr = nlr;
	vgic_hw_broken = false;
}

static bool same(unsigned n, u32 intid)
{
	return (hw_lr[n] & (LR_PENDING | LR_ACTIVE)) && (hw_lr[n] & 0x3ff) == intid;
}

unsigned lrs_with(u32 intid)
{
	unsigned count = 0;

	for (unsigned n = 0; n < hw_nlr; n++)
		count += same(n, intid);
	return count;
}

u32 guest_ack(void)
{
	unsigned best = VGIC_MAX_LR;

	for (unsigned n = 0; n < hw_nlr; n++)
		if ((hw_lr[n] & (LR_PENDING | LR_ACTIVE)) == LR_PENDING &&
		    (best == VGIC_MAX_LR || FIELD(LR_PRIO, hw_lr[n]) < FIELD(LR_PRIO, hw_lr[best])))
			best = n;
	if (best == VGIC_MAX_LR)
		return NONE;
	hw_lr[best] ^= LR_PENDING | LR_ACTIVE;
	hw_depth++;
	last_source = (u32)FIELD(LR_SOURCE, hw_lr[best]);
	return hw_lr[best] & 0x3ff;
}

void guest_eoi(u32 intid)
{
	bool dropped = hw_depth != 0;

	hw_depth -= dropped;
	for (unsigned n = 0; n < hw_nlr; n++) {
		if (!same(n, intid) || !(hw_lr[n] & LR_ACTIVE))
			continue;
		hw_lr[n] &= ~LR_ACTIVE;
		if (hw_lr[n] & LR_HW) {
			assert_true(phys_active);
			phys_active = false;
		}
		return;
	}
	hw_eoicount += dropped;
}

bool maintenance(void)
{
	unsigned valid = 0;
	bool ended = false;

	for (unsigned n = 0; n < hw_nlr; n++) {
		bool v = hw_lr[n] & (LR_PENDING | LR_ACTIVE);

		valid += v;
		ended = ended || (!v && (hw_lr[n] & LR_EOI));
	}
	return hw_on && (ended || (hw_lrenpie && hw_eoicount != 0) || (hw_uie && valid <= 1));
}
