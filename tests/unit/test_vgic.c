/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_vgic.c: a guest's interrupt controller: registers, list registers, and a storm of everything.
 * LINK: arch/arm64/vgic.c arch/arm64/vgic_flush.c arch/arm64/vgic_init.c arch/arm64/vgic_pull.c arch/arm64/vgic_reg.c hv/lib/pool.c tests/unit/fake_vgic.c tests/unit/fake_panic.c */
/* CFLAGS: -Ihv/abi/arm64 -Iarch/arm64 */
#include "arch/arm64/vgic.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "fake_vgic.h"

static struct vgic g;
static struct vgic_cpu cpu[VGIC_MAX_VCPUS];
static struct vgic_cpu *c = &cpu[0];
static struct pool pool;
static u8 page[PAGE_SIZE] ALIGNED(4096);

static u64 rd(u64 gpa)
{
	return vgic_read(c, gpa, 4);
}

static void wr(u64 gpa, u64 v)
{
	vgic_write(c, gpa, 4, v);
}

static void machine(bool v3, unsigned ncpus, unsigned nlr)
{
	fake_reset(nlr);
	vgic_attach(&fake_hw);
	pool_init(&pool);
	pool_add(&pool, page);
	memset(&g, 0, sizeof(g));
	g.v3 = v3;
	assert_int_equal(vgic_init(&g, &pool), OK);
	g.gicd = GICD;
	if (v3)
		g.gicr = GICR;
	for (unsigned i = 0; i < ncpus; i++)
		vgic_cpu_init(&cpu[i], &g, i);
	vgic_load(c);
}

/* Everything enabled, priority 0xa0. */
static void all_on(bool v3, unsigned ncpus, unsigned nlr)
{
	machine(v3, ncpus, nlr);
	wr(GICD, 3);
	for (unsigned i = 0; i < VGIC_LINES / 32; i++)
		wr(GICD + 0x100 + 4 * i, ~0u);
	for (unsigned i = 0; i < VGIC_LINES; i += 4)
		wr(GICD + 0x400 + i, 0xa0a0a0a0);
	for (unsigned i = 0; i < ncpus && v3; i++) {
		wr(SGIF + i * VGIC_GICR_SIZE + 0x100, ~0u);
		for (unsigned j = 0; j < 32; j += 4)
			wr(SGIF + i * VGIC_GICR_SIZE + 0x400 + j, 0xa0a0a0a0);
	}
}

/* As the hypervisor does before it enters the guest. */
static void enter(void)
{
	for (unsigned i = 0; maintenance(); i++) {
		assert_in_range(i, 0, 4); /* no storm */
		vgic_sync(c);
		if (c->todo)
			vgic_flush(c);
	}
	if (c->todo)
		vgic_flush(c);
	assert_false(maintenance());
}

static u32 ack(void)
{
	enter();
	return guest_ack();
}

static void eoi(u32 intid)
{
	guest_eoi(intid);
	enter();
}

static void edge(u32 intid)
{
	u64 reg = (intid < 32 && g.v3 ? SGIF : GICD) + 0xc00 + intid / 16 * 4;

	wr(reg, rd(reg) | 2u << intid % 16 * 2);
}

static void switch_to(struct vgic_cpu *next)
{
	vgic_save(c);
	c = next;
	vgic_load(c);
}

static int teardown(void **state)
{
	c = &cpu[0];
	return 0;
}

/* --- registers ---------------------------------------------------------------------------------------------------- */

static void no_page_no_controller(void **state)
{
	pool_init(&pool);
	assert_int_equal(vgic_init(&g, &pool), ERR_NOMEM);
	machine(true, 1, 4);
	assert_int_equal(pool_free(&pool), 0);
	vgic_fini(&g, &pool);
	assert_int_equal(pool_free(&pool), 1);
	vgic_fini(&g, &pool);
}

static void nowhere_is_nobodys(void **state)
{
	machine(true, 1, 4);
	g.gicd = g.gicr = VGIC_NOWHERE;
	assert_false(vgic_mine(&g, 0));
	assert_false(vgic_mine(&g, 0x08000000));
	assert_false(vgic_mine(&g, 0xffffffffffffull));
}

static void identification_of_v3(void **state)
{
	machine(true, 3, 4);
	assert_int_equal(rd(GICD + 4), 7 | 9 << 19 | 1 << 25);
	assert_int_equal(rd(GICD + 8) & 0xfff, 0x43b);
	assert_int_equal(rd(GICD + 0xc), 0);
	assert_int_equal(rd(GICD + 0xffe8) >> 4 & 15, 3);
	assert_int_equal(rd(GICD), 0x50);
	wr(GICD, ~0u);
	assert_int_equal(rd(GICD), 0x53);
	wr(GICD, 0);
	assert_int_equal(rd(GICD), 0x50);
	assert_int_equal(rd(GICR), 0);
	assert_int_equal(rd(GICR + 0xffe8) >> 4 & 15, 3);
	assert_int_equal(rd(GICR + 4) & 0xfff, 0x43b);
	for (u64 i = 0; i < 3; i++) {
		u64 t = i << 32 | i << 8 | (i == 2 ? 16 : 0), r = GICR + i * VGIC_GICR_SIZE;

		assert_int_equal(vgic_read(c, r + 8, 8), t);
		assert_int_equal(rd(r + 8), (u32)t);
		assert_int_equal(rd(r + 12), t >> 32);
	}
	assert_true(vgic_mine(&g, GICR + 3 * VGIC_GICR_SIZE - 1));
	assert_false(vgic_mine(&g, GICR + 3 * VGIC_GICR_SIZE));
	assert_int_equal(rd(GICR + 3 * VGIC_GICR_SIZE), 0);
}

static void identification_of_v2(void **state)
{
	machine(false, 2, 4);
	assert_int_equal(rd(GICD + 4), 7 | 1 << 5);
	assert_int_equal(rd(GICD + 0xfe8) >> 4 & 15, 2);
	assert_int_equal(rd(GICD + 0xffe8), 0);
	wr(GICD, ~0u);
	assert_int_equal(rd(GICD), 3);
	assert_int_equal(rd(GICR), 0);
	assert_false(vgic_mine(&g, GICR));
}

static void redistributor_sleeps_and_wakes(void **state)
{
	machine(true, 1, 4);
	assert_int_equal(rd(GICR + 0x14), 6);
	wr(GICR + 0x14, 0);
	assert_int_equal(rd(GICR + 0x14), 0);
	wr(GICR + 0x14, ~0u);
	assert_int_equal(rd(GICR + 0x14), 6);
}

static void set_and_clear_registers_are_pairs(void **state)
{
	static const u32 set[] = { 0x100, 0x200, 0x300 };

	machine(true, 1, 4);
	for (unsigned i = 0; i < ARRAY_SIZE(set); i++)
		for (unsigned k = 0; k < VGIC_LINES / 32; k++) {
			u64 reg = (k ? GICD + 4 * k : SGIF) + set[i];

			wr(reg, 0x80f00001);
			wr(reg, 0x00000100);
			assert_int_equal(rd(reg), 0x80f00101);
			assert_int_equal(rd(reg + 0x80), 0x80f00101);
			wr(reg + 0x80, 0x00f00000);
			assert_int_equal(rd(reg), 0x80000101);
			wr(reg + 0x80, ~0u);
			assert_int_equal(rd(reg), 0);
		}
}

static void groups_priorities_and_triggers_are_kept(void **state)
{
	machine(true, 1, 4);
	assert_int_equal(rd(GICD + 0x84), ~0u);
	wr(GICD + 0x84, 0x12345678);
	assert_int_equal(rd(GICD + 0x84), 0x12345678);
	wr(GICD + 0x424, 0xffeedd17);
	assert_int_equal(rd(GICD + 0x424), 0xf8e8d810);
	vgic_write(c, GICD + 0x425, 1, 0x48);
	assert_int_equal(rd(GICD + 0x424), 0xf8e84810);
	assert_int_equal(vgic_read(c, GICD + 0x426, 1), 0xe8);
	assert_int_equal(rd(GICD + 0xc08), 0);
	wr(GICD + 0xc08, 0x80000028);
	assert_int_equal(rd(GICD + 0xc08), 0x80000028);
	assert_int_equal(rd(GICD + 0xc0c), 0);
	wr(GICD + 0xc0c, ~0u);
	assert_int_equal(rd(GICD + 0xc0c), 0xaaaaaaaa);
	assert_int_equal(rd(GICD + 0xc08), 0x80000028);
	assert_int_equal(rd(SGIF + 0xc00), 0xaaaaaaaa);
	wr(SGIF + 0xc00, 0);
	assert_int_equal(rd(SGIF + 0xc00), 0xaaaaaaaa);
	assert_int_equal(rd(SGIF + 0xc04), 0);
	wr(SGIF + 0x41c, 0x20304050);
	assert_int_equal(rd(SGIF + 0x41c), 0x20304050);
}

static void distributor_of_v3_has_no_private_interrupts(void **state)
{
	machine(true, 1, 4);
	for (u32 off = 0x80; off < 0x400; off += 0x80) {
		wr(GICD + off, ~0u);
		assert_int_equal(rd(GICD + off), 0);
	}
	wr(GICD + 0x400, ~0u);
	assert_int_equal(rd(GICD + 0x400), 0);
	assert_int_equal(rd(GICD + 0xc00) | rd(GICD + 0xc04) | rd(GICD + 0x800), 0);
	assert_int_equal(c->own.enabled | c->own.pending, 0);
	wr(GICD + 0xf00, 0x02000001);
	assert_int_equal(c->own.pending, 0);
}

static void routes_are_kept_and_lead(void **state)
{
	all_on(true, 2, 4);
	edge(40);
	assert_int_equal(vgic_read(c, GICD + 0x6000 + 8 * 40, 8), 0);
	vgic_write(c, GICD + 0x6000 + 8 * 40, 8, 0xff80000001);
	assert_int_equal(vgic_read(c, GICD + 0x6000 + 8 * 40, 8), 1);
	assert_int_equal(rd(GICD + 0x6004 + 8 * 40), 0);
	assert_false(vgic_pulse(c, 40));
	assert_true(cpu[1].todo);
	assert_true(vgic_awake(&cpu[1]));
	assert_int_equal(ack(), NONE);
	switch_to(&cpu[1]);
	assert_int_equal(ack(), 40);
	eoi(40);
	/* No such vCPU: nobody's, until it is routed again. */
	wr(GICD + 0x6000 + 8 * 40, 0x010001);
	assert_int_equal(rd(GICD + 0x6000 + 8 * 40), 0x010001);
	vgic_pulse(c, 40);
	assert_int_equal(ack(), NONE);
	wr(GICD + 0x6000 + 8 * 40, 1);
	assert_int_equal(ack(), 40);
	eoi(40);
	/* While it is listed. */
	vgic_pulse(c, 40);
	enter();
	assert_int_equal(lrs_with(40), 1);
	wr(GICD + 0x6000 + 8 * 40, 0);
	assert_int_equal(lrs_with(40), 0);
	switch_to(&cpu[0]);
	assert_int_equal(ack(), 40);
	/* Active: it stays where it can be ended, and its next edge goes to the new one. */
	wr(GICD + 0x6000 + 8 * 40, 1);
	vgic_pulse(c, 40);
	assert_false(vgic_awake(&cpu[1]));
	eoi(40);
	assert_true(vgic_awake(&cpu[1])); /* at once, not when the other is next looked at */
	assert_int_equal(ack(), NONE);
	switch_to(&cpu[1]);
	assert_int_equal(ack(), 40);
	eoi(40);
	assert_int_equal(ack(), NONE);
}

static void who_has_got_something_is_kicked(void **state)
{
	all_on(true, 3, 4);
	edge(40);
	wr(GICD + 0x6000 + 8 * 40, 1);
	enter();
	fake_kicked = 0;
	vgic_sgi(c, 5ull << 24 | 2, true);
	assert_int_equal(fake_kicked, 2);
	fake_kicked = 0;
	enter();
	vgic_sgi(c, 5ull << 24 | 1, true);
	assert_int_equal(fake_kicked, 0); /* it runs */
	assert_int_equal(ack(), 5);
	eoi(5);
	assert_false(vgic_pulse(c, 40));
	assert_int_equal(fake_kicked, 2);
	switch_to(&cpu[1]);
	assert_int_equal(ack(), 5);
	eoi(5);
	assert_int_equal(ack(), 40);
	/* Active in list registers that are not in the CPU: pending once another one ends it by hand. */
	switch_to(&cpu[0]);
	vgic_pulse(c, 40);
	assert_false(vgic_awake(&cpu[1]));
	fake_kicked = 0;
	wr(GICD + 0x384, 1 << 8);
	assert_int_equal(fake_kicked & 2, 2);
	assert_true(vgic_awake(&cpu[1]));
	/* Moved from there while it is pending. */
	fake_kicked = 0;
	wr(GICD + 0x6000 + 8 * 40, 2);
	assert_int_equal(fake_kicked & 4, 4);
	assert_false(vgic_awake(&cpu[1]));
	assert_true(vgic_awake(&cpu[2]));
	/* One vCPU's reset leaves the distributor alone, and what it had can go elsewhere. */
	vgic_reset_cpu(&cpu[2]);
	vgic_reset_cpu(&cpu[0]);
	assert_int_equal(rd(GICD) & 3, 3);
	wr(GICD + 0x6000 + 8 * 40, 1);
	switch_to(&cpu[1]);
	assert_int_equal(ack(), 40);
}

static void the_only_one_is_woken_by_the_sender(void **state)
{
	all_on(true, 1, 4);
	edge(40);
	assert_true(vgic_pulse(c, 40));
	wr(GICD + 0x204, 1 << 9);
	assert_int_equal(fake_kicked, 0);
}

static void odd_accesses_read_zero_and_change_nothing(void **state)
{
	static const unsigned size[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 16, ~0u };

	for (unsigned v3 = 0; v3 < 2; v3++) {
		machine(v3, 2, 4);
		for (u64 off = 0; off < 0x10000 + (v3 ? 0xa0000 + 0x40000 : 0); off++)
			for (unsigned i = 0; i < ARRAY_SIZE(size); i++) {
				if (size[i] != 4 && off % 5)
					continue;
				vgic_write(c, GICD + off, size[i], off * 0x9e3779b97f4a7c15u);
				vgic_read(c, GICD + off, size[i]);
			}
		enter();
		vgic_reset(c);
		vgic_reset(&cpu[1]);
		vgic_load(c);
		wr(GICD + 0x104, 0xff);
		assert_int_equal(vgic_read(c, GICD + 0x104, 8) | vgic_read(c, GICD + 0x104, 1) |
					 vgic_read(c, GICD + 0x104, 2) | vgic_read(c, GICD + 0x105, 4) |
					 vgic_read(c, GICD + 0x104, 3),
				 0);
		vgic_write(c, GICD + 0x184, 1, 0xff);
		vgic_write(c, GICD + 0x184, 8, 0xff);
		assert_int_equal(rd(GICD + 0x104), 0xff);
	}
}

/* --- delivery ----------------------------------------------------------------------------------------------------- */

static void edge_is_delivered_once(void **state)
{
	all_on(true, 1, 4);
	edge(80);
	assert_true(vgic_pulse(c, 80));
	vgic_pulse(c, 80);
	assert_true(vgic_awake(c));
	assert_int_equal(ack(), 80);
	assert_int_equal(rd(GICD + 0x208), 0);
	assert_int_equal(rd(GICD + 0x308), 1 << 16);
	assert_false(vgic_awake(c));
	vgic_pulse(c, 80); /* while it is active */
	assert_int_equal(rd(GICD + 0x208), 1 << 16);
	assert_int_equal(ack(), NONE);
	eoi(80);
	assert_int_equal(ack(), 80);
	eoi(80);
	assert_int_equal(ack(), NONE);
	assert_int_equal(rd(GICD + 0x308), 0);
	/* Its list register is stale now, and used again. */
	vgic_pulse(c, 80);
	assert_int_equal(ack(), 80);
}

static void active_interrupt_survives_a_switch_and_comes_again(void **state)
{
	all_on(true, 2, 4);
	edge(80);
	vgic_pulse(c, 80);
	assert_int_equal(ack(), 80);
	switch_to(&cpu[1]);
	assert_int_equal(ack(), NONE);
	switch_to(&cpu[0]);
	assert_int_equal(rd(GICD + 0x308), 1 << 16);
	guest_eoi(80);
	vgic_pulse(c, 80);
	assert_int_equal(rd(GICD + 0x308), 0);
	assert_int_equal(ack(), 80);
	eoi(80);
	assert_int_equal(ack(), NONE);
}

static void level_comes_again_while_the_wire_is_high(void **state)
{
	all_on(true, 1, 4);
	assert_true(vgic_line(c, 33, true));
	assert_false(vgic_line(c, 33, true));
	assert_int_equal(rd(GICD + 0x204), 2);
	assert_int_equal(ack(), 33);
	guest_eoi(33);
	assert_true(maintenance());
	assert_true(vgic_awake(c));
	assert_int_equal(ack(), 33);
	assert_false(vgic_line(c, 33, false));
	guest_eoi(33);
	assert_false(maintenance());
	assert_int_equal(ack(), NONE);
	/* Down before it was taken. */
	vgic_line(c, 33, true);
	enter();
	assert_int_equal(lrs_with(33), 1);
	vgic_line(c, 33, false);
	assert_int_equal(lrs_with(33), 0);
	assert_false(vgic_awake(c));
	/* Up again while it is active. */
	vgic_line(c, 33, true);
	assert_int_equal(ack(), 33);
	vgic_line(c, 33, false);
	vgic_line(c, 33, true);
	eoi(33);
	assert_int_equal(ack(), 33);
}

static void level_and_software_pending_add_up(void **state)
{
	all_on(true, 1, 4);
	wr(GICD + 0x204, 2);
	assert_int_equal(ack(), 33);
	eoi(33);
	assert_int_equal(ack(), NONE);
	/* ICPENDR takes the latch away, not the wire. */
	vgic_line(c, 33, true);
	wr(GICD + 0x204, 2);
	wr(GICD + 0x284, 2);
	assert_int_equal(rd(GICD + 0x204), 2);
	vgic_line(c, 33, false);
	assert_int_equal(rd(GICD + 0x204), 0);
	wr(GICD + 0x204, 2);
	enter();
	wr(GICD + 0x284, 2);
	assert_int_equal(ack(), NONE);
	assert_int_equal(lrs_with(33), 0);
}

static void edge_triggered_wire_counts_rising_edges(void **state)
{
	all_on(true, 1, 4);
	edge(35);
	vgic_line(c, 35, true);
	vgic_line(c, 35, false);
	assert_int_equal(ack(), 35);
	eoi(35);
	assert_int_equal(ack(), NONE);
}

static void interrupts_out_of_range_are_ignored(void **state)
{
	static const u32 bad[] = { 0, 15, 256, 1023, 8192, ~0u };

	all_on(true, 1, 4);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(vgic_line(c, bad[i], true));
		assert_false(vgic_pulse(c, bad[i]));
		vgic_hw_arrived(c, bad[i] < 32 ? 5 : bad[i]);
	}
	assert_int_equal(ack(), NONE);
}

static void disable_takes_it_out_and_enable_brings_it_back(void **state)
{
	all_on(true, 1, 4);
	edge(70);
	vgic_pulse(c, 70);
	enter();
	wr(GICD + 0x188, 1 << 6);
	assert_int_equal(lrs_with(70), 0);
	assert_false(vgic_awake(c));
	assert_int_equal(rd(GICD + 0x208), 1 << 6);
	wr(GICD + 0x108, 1 << 6);
	assert_true(vgic_awake(c));
	assert_int_equal(ack(), 70);
	/* Disabled while active: it stays active, and its next edge waits. */
	wr(GICD + 0x188, 1 << 6);
	assert_int_equal(rd(GICD + 0x308), 1 << 6);
	vgic_pulse(c, 70);
	eoi(70);
	assert_int_equal(rd(GICD + 0x308), 0);
	assert_int_equal(ack(), NONE);
	wr(GICD + 0x108, 1 << 6);
	assert_int_equal(ack(), 70);
	eoi(70);
	/* Cleared while it is listed. */
	vgic_pulse(c, 70);
	enter();
	wr(GICD + 0x288, 1 << 6);
	assert_int_equal(ack(), NONE);
}

static void groups_gate_delivery(void **state)
{
	for (unsigned group = 0; group < 2; group++) {
		all_on(true, 1, 4);
		edge(50);
		wr(GICD + 0x84, group ? ~0u : 0);
		vgic_pulse(c, 50);
		enter();
		wr(GICD, 2u >> group);
		assert_int_equal(lrs_with(50), 0);
		assert_false(vgic_awake(c));
		wr(GICD, 1u << group);
		assert_int_equal(ack(), 50);
	}
}

static void active_state_is_written_both_ways(void **state)
{
	all_on(true, 1, 4);
	edge(90);
	wr(GICD + 0x308, 1 << 26);
	assert_int_equal(rd(GICD + 0x308), 1 << 26);
	vgic_pulse(c, 90);
	assert_int_equal(ack(), NONE);
	assert_false(vgic_awake(c));
	guest_eoi(90); /* it is where the guest can end it */
	assert_int_equal(ack(), 90);
	wr(GICD + 0x388, 1 << 26);
	assert_int_equal(rd(GICD + 0x308), 0);
	guest_eoi(90);
	vgic_pulse(c, 90);
	assert_int_equal(ack(), 90);
}

static void list_registers_go_by_priority(void **state)
{
	all_on(true, 1, 4);
	for (u32 i = 0; i < 32; i++) {
		edge(64 + i);
		vgic_write(c, GICD + 0x440 + i, 1, (31 - i) * 8);
		vgic_pulse(c, 64 + i);
	}
	enter();
	assert_true(hw_uie);
	for (u32 i = 0; i < 4; i++)
		assert_int_equal(lrs_with(95 - i), 1);
	for (u32 i = 0; i < 32; i++) {
		assert_int_equal(guest_ack(), 95 - i);
		guest_eoi(95 - i);
		/* Only the maintenance interrupt brings more. */
		if (maintenance())
			enter();
	}
	enter();
	assert_false(hw_uie);
	assert_int_equal(ack(), NONE);
}

static void better_interrupt_displaces_a_pending_one(void **state)
{
	all_on(true, 1, 2);
	for (u32 i = 100; i < 104; i++) {
		edge(i);
		vgic_write(c, GICD + 0x400 + i, 1, (i - 90) * 8);
	}
	vgic_pulse(c, 103);
	vgic_pulse(c, 102);
	enter();
	assert_int_equal(lrs_with(102) + lrs_with(103), 2);
	vgic_pulse(c, 100);
	vgic_pulse(c, 101);
	assert_int_equal(ack(), 100);
	assert_int_equal(ack(), 101);
	/* Both are active: the rest waits. */
	assert_int_equal(ack(), NONE);
	eoi(101);
	assert_int_equal(ack(), 102);
	eoi(102);
	eoi(100);
	assert_int_equal(ack(), 103);
	eoi(103);
	assert_false(hw_uie);
}

static void one_list_register_is_enough(void **state)
{
	all_on(true, 1, 1);
	for (u32 i = 100; i < 110; i++) {
		edge(i);
		vgic_pulse(c, i);
	}
	phys_active = true;
	vgic_hw_arrived(c, 27);
	assert_int_equal(ack(), 27);
	eoi(27);
	assert_false(phys_active);
	for (u32 i = 100; i < 110; i++) {
		assert_int_equal(ack(), i);
		eoi(i);
	}
	assert_int_equal(ack(), NONE);
}

/* --- SGIs --------------------------------------------------------------------------------------------------------- */

static void sgi_of_v3_finds_its_targets(void **state)
{
	all_on(true, 3, 4);
	vgic_sgi(c, 5ull << 24 | 1, true);
	assert_int_equal(ack(), 5);
	vgic_sgi(c, 5ull << 24 | 1, true);
	eoi(5);
	assert_int_equal(ack(), 5);
	eoi(5);
	assert_int_equal(ack(), NONE);
	vgic_sgi(c, 9ull << 24 | 6, true);
	assert_int_equal(rd(SGIF + 0x200), 0);
	assert_int_equal(cpu[1].own.pending, 0x200);
	assert_int_equal(cpu[2].own.pending, 0x200);
	vgic_sgi(&cpu[1], 10ull << 24 | BIT(40), true);
	assert_int_equal(cpu[1].own.pending, 0x200);
	assert_int_equal(cpu[2].own.pending, 0x600);
	assert_int_equal(ack(), 10);
	switch_to(&cpu[2]);
	assert_int_equal(ack(), 9);
	assert_int_equal(ack(), 10);
}

static void rogue_sgis_reach_nobody(void **state)
{
	static const u64 bad[] = { 0xfff8, BIT(16) | 1, BIT(32) | 1, BIT(48) | 1, BIT(44) | 1, BITS(39, 16) | 1 };

	all_on(true, 3, 4);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		vgic_sgi(c, bad[i], true);
	/* Group 0 asked for, group 1 configured. */
	vgic_sgi(c, 1, false);
	assert_int_equal(cpu[0].own.pending | cpu[1].own.pending | cpu[2].own.pending, 0);
	wr(SGIF + 0x80, ~1u);
	vgic_sgi(c, 1, false);
	assert_int_equal(ack(), 0);
	vgic_sgi(c, ~0ull, true);
	all_on(false, 1, 4);
	vgic_sgi(c, 1, true);
	assert_int_equal(ack(), NONE);
}

static void sgi_of_v2_keeps_its_sources_apart(void **state)
{
	all_on(false, 3, 4);
	vgic_write(&cpu[1], GICD + 0xf00, 4, 1 << 16 | 3);
	vgic_write(&cpu[2], GICD + 0xf00, 4, 1 << 24 | 3);
	wr(GICD + 0xf00, 2 << 24 | 3);
	assert_int_equal(cpu[1].sources[3], 4);
	assert_int_equal(vgic_read(c, GICD + 0xf23, 1), 7);
	for (u32 i = 0; i < 3; i++) {
		assert_int_equal(ack(), 3);
		assert_int_equal(last_source, i);
		assert_int_equal(lrs_with(3), 1);
		if (i == 1)
			vgic_write(&cpu[1], GICD + 0xf00, 4, 1 << 16 | 3); /* again, while its first is active */
		eoi(3);
		if (i == 1) {
			assert_int_equal(ack(), 3);
			assert_int_equal(last_source, 1);
			eoi(3);
		}
	}
	assert_int_equal(ack(), NONE);
	assert_int_equal(rd(GICD + 0xf20), 0);
}

static void pending_sources_of_v2_are_set_and_cleared(void **state)
{
	all_on(false, 3, 4);
	wr(GICD + 0xf24, 0xff000500);
	assert_int_equal(rd(GICD + 0xf24), 0x07000500);
	assert_int_equal(rd(GICD + 0xf14), 0x07000500);
	assert_int_equal(rd(GICD + 0x200), 0xa0);
	enter();
	vgic_write(c, GICD + 0xf15, 1, 1);
	vgic_write(c, GICD + 0xf17, 1, 0xff);
	assert_int_equal(rd(GICD + 0xf24), 0x00000400);
	assert_int_equal(ack(), 5);
	assert_int_equal(last_source, 2);
	eoi(5);
	assert_int_equal(ack(), NONE);
	/* Not by ISPENDR. And a filter that does not exist. */
	wr(GICD + 0x200, 0xffff);
	wr(GICD + 0xf00, 3 << 24 | 0xff << 16 | 1);
	assert_int_equal(rd(GICD + 0x200), 0);
}

static void targets_of_v2(void **state)
{
	all_on(false, 2, 4);
	edge(60);
	assert_int_equal(rd(GICD + 0x800), 0x01010101);
	assert_int_equal(vgic_read(&cpu[1], GICD + 0x81c, 4), 0x02020202);
	assert_int_equal(vgic_read(c, GICD + 0x83c, 1), 1);
	vgic_write(c, GICD + 0x83c, 1, 0xfe);
	assert_int_equal(rd(GICD + 0x83c), 0x01010102);
	assert_false(vgic_pulse(c, 60));
	assert_true(vgic_pulse(&cpu[1], 60));
	wr(GICD + 0x83c, 0x01010103);
	assert_int_equal(ack(), 60);
	wr(GICD + 0x81c, 0);
	assert_int_equal(rd(GICD + 0x81c), 0x01010101);
}

/* --- the hardware interrupt --------------------------------------------------------------------------------------- */

static void arrive(void)
{
	assert_false(phys_active);
	phys_active = true;
	vgic_hw_arrived(c, 27);
}

static void hardware_interrupt_is_ended_by_the_guest(void **state)
{
	all_on(true, 1, 4);
	for (unsigned i = 0; i < 3; i++) {
		arrive();
		assert_int_equal(rd(SGIF + 0x200), 1 << 27);
		assert_int_equal(ack(), 27);
		assert_int_equal(rd(SGIF + 0x200), 0);
		assert_true(phys_active);
		eoi(27);
		assert_false(phys_active);
	}
	assert_int_equal(phys_deactivated, 0);
}

static void hardware_interrupt_goes_along(void **state)
{
	all_on(true, 2, 4);
	arrive();
	switch_to(&cpu[1]); /* pending */
	assert_false(phys_active);
	assert_true(vgic_awake(&cpu[0]));
	assert_int_equal(ack(), NONE);
	switch_to(&cpu[0]);
	assert_true(phys_active);
	assert_int_equal(ack(), 27);
	switch_to(&cpu[1]); /* active */
	assert_false(phys_active);
	arrive(); /* the other's own */
	assert_int_equal(ack(), 27);
	eoi(27);
	assert_false(phys_active);
	switch_to(&cpu[0]);
	assert_true(phys_active);
	eoi(27);
	assert_false(phys_active);
	switch_to(&cpu[1]); /* ended */
	switch_to(&cpu[0]);
	assert_false(phys_active);
	arrive();
	vgic_reset(c);
	assert_false(phys_active);
}

static void hardware_interrupt_stands_what_registers_do(void **state)
{
	all_on(true, 1, 4);
	arrive();
	enter();
	wr(SGIF + 0x180, 1 << 27);
	assert_int_equal(lrs_with(27), 0);
	assert_true(phys_active);
	wr(SGIF + 0x100, 1 << 27);
	assert_int_equal(ack(), 27);
	/* Pending by software while it is active: without the hardware's help. */
	wr(SGIF + 0x200, 1 << 27);
	eoi(27);
	assert_int_equal(ack(), 27);
	eoi(27);
	assert_false(phys_active);
	assert_int_equal(ack(), NONE);
	/* Cleared: it comes again if its wire is high. */
	arrive();
	enter();
	wr(SGIF + 0x280, 1 << 27);
	assert_false(phys_active);
	assert_int_equal(ack(), NONE);
	arrive();
	assert_int_equal(ack(), 27);
	wr(SGIF + 0x380, 1 << 27);
	assert_false(phys_active);
	assert_int_equal(ack(), NONE);
	/* Active by software. */
	arrive();
	enter();
	wr(SGIF + 0x300, 1 << 27);
	assert_int_equal(ack(), NONE);
	eoi(27);
	assert_false(phys_active);
}

/* Untaken, its line goes low: wherever it waits, it is gone, and the physical one can come again. */
static void hardware_interrupt_goes_with_its_line(void **state)
{
	all_on(true, 2, 2);
	wr(SGIF + 0x180, 1 << 27);
	arrive();
	assert_int_equal(rd(SGIF + 0x200), 1 << 27);
	phys_line = false;
	assert_int_equal(rd(SGIF + 0x200), 0); /* read */
	assert_false(phys_active);
	phys_line = true;
	arrive();
	phys_line = false;
	wr(SGIF + 0x100, 1 << 27); /* enabled */
	assert_false(phys_active);
	assert_int_equal(ack(), NONE);
	phys_line = true;
	arrive();
	enter();
	assert_int_equal(lrs_with(27), 1);
	phys_line = false;
	vgic_write(c, SGIF + 0x400 + 27, 1, 0x80); /* listed, and changed */
	assert_int_equal(lrs_with(27), 0);
	assert_false(phys_active);
	/* Squeezed out. */
	vgic_write(c, SGIF + 0x400 + 27, 1, 0xc0);
	phys_line = true;
	arrive();
	for (u32 i = 100; i < 102; i++) {
		edge(i);
		vgic_write(c, GICD + 0x400 + i, 1, (i - 80) * 8);
		vgic_pulse(c, i);
	}
	enter();
	assert_int_equal(lrs_with(27), 0);
	phys_line = false;
	for (u32 i = 100; i < 102; i++) {
		assert_int_equal(ack(), i);
		eoi(i);
	}
	assert_int_equal(ack(), NONE);
	assert_false(phys_active);
}

static void hardware_interrupt_loses_its_line_at_other_times(void **state)
{
	all_on(true, 2, 2);
	/* While another guest runs. */
	arrive();
	switch_to(&cpu[1]);
	phys_line = false;
	switch_to(&cpu[0]);
	assert_false(phys_active);
	assert_int_equal(ack(), NONE);
	/* Active: that is the guest's to end. */
	phys_line = true;
	arrive();
	assert_int_equal(ack(), 27);
	phys_line = false;
	assert_int_equal(rd(SGIF + 0x300), 1 << 27);
	wr(SGIF + 0x180, 1 << 27);
	assert_true(phys_active);
	eoi(27);
	assert_false(phys_active);
}

static void hardware_interrupt_is_ended_by_us_where_list_registers_do_not(void **state)
{
	all_on(false, 1, 4);
	vgic_hw_broken = true;
	for (unsigned i = 1; i < 4; i++) {
		arrive();
		assert_int_equal(ack(), 27);
		assert_true(phys_active);
		guest_eoi(27);
		assert_true(maintenance());
		enter();
		assert_false(phys_active);
		assert_int_equal(phys_deactivated, i);
		assert_int_equal(ack(), NONE);
	}
}

/* --- more active interrupts than list registers ------------------------------------------------------------------- */

static u32 active_spis(void)
{
	return (u32)__builtin_popcountll(rd(GICD + 0x308) | rd(GICD + 0x30c) << 32);
}

static void nest(unsigned n)
{
	for (u32 i = 0; i < n; i++) {
		edge(64 + i);
		vgic_write(c, GICD + 0x440 + i, 1, 0xf8 - 8 * i);
		vgic_pulse(c, 64 + i);
		assert_int_equal(ack(), 64 + i);
		assert_int_equal(active_spis(), i + 1);
	}
}

static void more_are_active_than_list_registers(void **state)
{
	static const unsigned nlr[] = { 1, 2, 4, 16 };

	for (unsigned run = 0; run < 2 * ARRAY_SIZE(nlr); run++) {
		all_on(true, 2, nlr[run / 2]);
		nest(20);
		if (run & 1) {
			switch_to(&cpu[1]);
			switch_to(&cpu[0]);
			assert_int_equal(active_spis(), 20);
		}
		for (u32 i = 20; i-- > 0;) {
			guest_eoi(64 + i);
			/* Without a look at what the maintenance interrupt says. */
			if (run & 1 && i % 3)
				continue;
			enter();
			assert_int_equal(active_spis(), i);
		}
		assert_false(hw_uie || hw_lrenpie);
		vgic_pulse(c, 64);
		assert_int_equal(ack(), 64);
		eoi(64);
	}
}

static void ends_of_unlisted_ones_are_counted(void **state)
{
	all_on(true, 1, 2);
	nest(8);
	assert_true(hw_lrenpie);
	for (u32 i = 0; i < 8; i++)
		guest_eoi(71 - i);
	assert_true(maintenance());
	enter();
	assert_int_equal(active_spis(), 0);
	assert_false(hw_lrenpie);
	/* More ends than there is to end: what the guest had taken away by ICACTIVER. */
	nest(8);
	for (u32 i = 0; i < 6; i++)
		wr(GICD + 0x388, 1 << i);
	for (u32 i = 0; i < 8; i++)
		eoi(71 - i);
	assert_int_equal(active_spis(), 0);
	assert_int_equal(ack(), NONE);
	/* The timer among them: its physical interrupt ends with it. */
	arrive();
	assert_int_equal(ack(), 27);
	for (u32 i = 0; i < 4; i++) {
		vgic_write(c, GICD + 0x440 + i, 1, 0x80 - 8 * i);
		vgic_pulse(c, 64 + i);
		assert_int_equal(ack(), 64 + i);
	}
	assert_int_equal(lrs_with(27), 0);
	assert_true(phys_active);
	for (u32 i = 4; i-- > 0;)
		guest_eoi(64 + i);
	guest_eoi(27);
	enter();
	assert_false(phys_active);
	assert_int_equal(rd(SGIF + 0x300), 0);
}

static void reset_forgets_all_but_wires(void **state)
{
	all_on(true, 2, 4);
	vgic_line(c, 33, true);
	vgic_pulse(c, 99);
	vgic_sgi(c, 1, true);
	wr(GICD + 0x6000 + 8 * 50, 1);
	vgic_pulse(c, 50);
	switch_to(&cpu[1]);
	enter();
	assert_int_equal(lrs_with(50), 1);
	switch_to(&cpu[0]);
	enter();
	vgic_reset(c);
	assert_int_equal(rd(GICD), 0x50);
	assert_int_equal(rd(GICD + 0x104) | rd(GICD + 0x404) | vgic_read(c, GICD + 0x6000 + 8 * 50, 8), 0);
	assert_int_equal(rd(GICD + 0x204), 2);
	assert_int_equal(rd(GICD + 0x20c) | rd(SGIF + 0x200), 0);
	vgic_load(c);
	assert_int_equal(ack(), NONE);
	switch_to(&cpu[1]);
	assert_int_equal(ack(), NONE);
}

/* --- a storm ------------------------------------------------------------------------------------------------------ */

static u64 seed;

static u32 rnd(u32 n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (u32)(seed >> 33) % n;
}

static struct vgic_bank *bank_of(struct vgic_cpu *v, u32 intid)
{
	return intid < 32 ? &v->own : &g.spis->bank[intid / 32 - 1];
}

/* Each list register in use holds what its bank says it does, and nothing else is said to be listed. */
static void check_lists(unsigned ncpus)
{
	unsigned used = 0, listed = 0;

	for (unsigned t = 0; t < ncpus; t++) {
		for (unsigned n = 0; n < VGIC_MAX_LR; n++) {
			struct vgic_bank *b;
			u32 intid = cpu[t].lr_intid[n];

			if (!(cpu[t].lr_used & 1u << n))
				continue;
			used++;
			assert_in_range(n, 0, hw_nlr - 1);
			b = bank_of(&cpu[t], intid);
			assert_true(b->listed & 1u << intid % 32);
			assert_false(b->active & 1u << intid % 32);
			assert_int_equal(b->lr[intid % 32], t << 4 | n);
		}
		listed += (unsigned)__builtin_popcount(cpu[t].own.listed);
	}
	for (unsigned k = 0; k < ARRAY_SIZE(g.spis->bank); k++)
		listed += (unsigned)__builtin_popcount(g.spis->bank[k].listed);
	assert_int_equal(used, listed);
	for (u32 i = 0; i < VGIC_LINES; i++)
		assert_in_range(lrs_with(i), 0, 1);
	assert_true(phys_active || !(c->own.hw & ~c->own.listed));
}

static u32 owed[8][VGIC_LINES / 32]; /* latched and not acknowledged */

static void owe(u32 intid)
{
	owed[intid < 32 ? c->id : 0][intid / 32] |= 1u << intid % 32;
}

static void storm_guest(void)
{
	static u32 running[8][16];
	static unsigned depth[8];
	u32 intid;

	if (rnd(3) == 0 && depth[c->id] != 0) {
		eoi(running[c->id][--depth[c->id]]);
		return;
	}
	if (depth[c->id] == 16)
		return;
	intid = ack();
	if (intid == NONE)
		return;
	running[c->id][depth[c->id]++] = intid;
	owed[intid < 32 ? c->id : 0][intid / 32] &= ~(1u << intid % 32);
}

static void storm_register(u32 intid)
{
	u64 base = intid < 32 && g.v3 ? SGIF + c->id * (u64)VGIC_GICR_SIZE : GICD;
	u32 bit = 1u << intid % 32, word = intid / 32 * 4;

	switch (rnd(10)) {
	case 0: wr(base + 0x80 + word, rnd(~0u)); break;
	case 1: wr(base + 0x100 + word, bit); break;
	case 2: wr(base + 0x180 + word, bit); break;
	case 3:
		wr(base + 0x200 + word, bit);
		if (g.v3 || intid >= 16)
			owe(intid);
		break;
	case 4: wr(base + 0x300 + word, bit); break;
	case 5: wr(base + 0x380 + word, bit); break;
	case 6: vgic_write(c, base + 0x400 + intid, 1, rnd(256)); break;
	case 7: wr(GICD, rnd(4)); break;
	case 8:
		wr(base + 0x280 + word, bit);
		if (g.v3 || intid >= 16)
			owed[intid < 32 ? c->id : 0][intid / 32] &= ~bit;
		break;
	case 9:
		if (g.v3)
			wr(GICD + 0x6000 + 8 * intid, rnd(5));
		else
			vgic_write(c, GICD + 0x800 + intid, 1, rnd(16));
		break;
	}
}

static void storm_step(unsigned ncpus)
{
	u32 intid = rnd(VGIC_LINES);

	switch (rnd(8)) {
	case 0:
		if (intid < 16)
			break;
		vgic_pulse(c, intid);
		owe(intid);
		break;
	case 1: vgic_line(c, intid, rnd(2)); break;
	case 2:
		if (g.v3)
			vgic_sgi(c, (u64)rnd(16) << 24 | rnd(1u << ncpus) | (u64)rnd(2) << 40, rnd(2));
		else
			wr(GICD + 0xf00, rnd(4) << 24 | rnd(256) << 16 | rnd(16));
		break;
	case 3: storm_register(intid); break;
	case 4:
		if (!phys_active)
			arrive();
		break;
	case 5:
		phys_line = rnd(2);
		if (rnd(10) == 0)
			switch_to(&cpu[rnd(ncpus)]);
		break;
	default: storm_guest(); break;
	}
}

/* Everything on, wires low: each vCPU takes all there is, and afterwards nothing is owed. */
static void storm_end(unsigned ncpus)
{
	for (u32 i = 16; i < VGIC_LINES; i++)
		for (unsigned t = 0; t < ncpus; t++)
			vgic_line(&cpu[t], i, false);
	wr(GICD, 3);
	for (unsigned k = 0; k < VGIC_LINES / 32; k++)
		wr(GICD + 0x100 + 4 * k, ~0u);
	for (u32 i = 32; i < VGIC_LINES; i++)
		g.v3 ? wr(GICD + 0x6000 + 8 * i, 0) : vgic_write(c, GICD + 0x800 + i, 1, 1);
	for (unsigned t = 0; t < 2 * ncpus; t++) {
		switch_to(&cpu[t % ncpus]);
		if (g.v3)
			wr(SGIF + c->id * (u64)VGIC_GICR_SIZE + 0x100, ~0u);
		else
			wr(GICD + 0x100, ~0u);
		for (unsigned round = 0; round < 2000; round++) {
			u32 intid;

			for (u32 i = 0; i < VGIC_LINES; i++)
				guest_eoi(i);
			intid = ack();
			if (intid != NONE)
				owed[intid < 32 ? c->id : 0][intid / 32] &= ~(1u << intid % 32);
		}
		check_lists(ncpus);
		assert_false(vgic_awake(c));
	}
	for (unsigned t = 0; t < ncpus; t++) {
		assert_int_equal(cpu[t].own.pending & ~cpu[t].own.listed, 0);
		for (unsigned k = 0; k < VGIC_LINES / 32; k++)
			assert_int_equal(owed[t][k], 0);
	}
}

static void storm_loses_nothing(void **state)
{
	static const unsigned nlr[] = { 4, 2, 16, 1 };

	for (unsigned run = 0; run < 16; run++) {
		unsigned ncpus = run % 3 + 1;

		seed = 0x5eed + run;
		c = &cpu[0];
		all_on(run & 1, ncpus, nlr[run / 2 % 4]);
		memset(owed, 0, sizeof(owed));
		for (unsigned i = 0; i < 20000; i++) {
			storm_step(ncpus);
			check_lists(ncpus);
		}
		storm_end(ncpus);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, teardown)
	const struct CMUnitTest tests[] = {
		T(no_page_no_controller),
		T(nowhere_is_nobodys),
		T(identification_of_v3),
		T(identification_of_v2),
		T(redistributor_sleeps_and_wakes),
		T(set_and_clear_registers_are_pairs),
		T(groups_priorities_and_triggers_are_kept),
		T(distributor_of_v3_has_no_private_interrupts),
		T(routes_are_kept_and_lead),
		T(who_has_got_something_is_kicked),
		T(the_only_one_is_woken_by_the_sender),
		T(odd_accesses_read_zero_and_change_nothing),
		T(edge_is_delivered_once),
		T(active_interrupt_survives_a_switch_and_comes_again),
		T(level_comes_again_while_the_wire_is_high),
		T(level_and_software_pending_add_up),
		T(edge_triggered_wire_counts_rising_edges),
		T(interrupts_out_of_range_are_ignored),
		T(disable_takes_it_out_and_enable_brings_it_back),
		T(groups_gate_delivery),
		T(active_state_is_written_both_ways),
		T(list_registers_go_by_priority),
		T(better_interrupt_displaces_a_pending_one),
		T(one_list_register_is_enough),
		T(sgi_of_v3_finds_its_targets),
		T(rogue_sgis_reach_nobody),
		T(sgi_of_v2_keeps_its_sources_apart),
		T(pending_sources_of_v2_are_set_and_cleared),
		T(targets_of_v2),
		T(hardware_interrupt_is_ended_by_the_guest),
		T(hardware_interrupt_goes_along),
		T(hardware_interrupt_stands_what_registers_do),
		T(hardware_interrupt_goes_with_its_line),
		T(hardware_interrupt_loses_its_line_at_other_times),
		T(hardware_interrupt_is_ended_by_us_where_list_registers_do_not),
		T(more_are_active_than_list_registers),
		T(ends_of_unlisted_ones_are_counted),
		T(reset_forgets_all_but_wires),
		T(storm_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
