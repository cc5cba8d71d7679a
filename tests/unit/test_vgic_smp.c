/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_vgic_smp.c: vCPUs of a VM on several CPUs: what is posted, what is pulled, and all of it in threads.
 * LINK: arch/arm64/vgic.c arch/arm64/vgic_flush.c arch/arm64/vgic_init.c arch/arm64/vgic_pull.c arch/arm64/vgic_reg.c hv/lib/pool.c tests/unit/fake_vgic.c tests/unit/fake_panic.c */
/* CFLAGS: -Ihv/abi/arm64 -Iarch/arm64 -pthread */
#include "arch/arm64/vgic.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fake_vgic.h"

#define ISENABLER 0x100
#define ICENABLER 0x180
#define ISPENDR	  0x200
#define ICPENDR	  0x280
#define ISACTIVER 0x300
#define ICACTIVER 0x380
#define IPRIO	  0x400
#define ITARGETS  0x800
#define IROUTER	  0x6000

static struct vgic g;
static struct vgic_cpu cpu[FAKE_CPUS];
static struct pool pool;
static u8 page[PAGE_SIZE] ALIGNED(4096);

/* What follows happens on CPU @n, which has vCPU @n. */
static struct vgic_cpu *on(unsigned n)
{
	fake = &fake_cpu[n];
	return &cpu[n];
}

static u32 rd(unsigned n, u64 gpa)
{
	return (u32)vgic_read(on(n), gpa, 4);
}

static void wr(unsigned n, u64 gpa, u32 v)
{
	vgic_write(on(n), gpa, 4, v);
}

static void sgi(unsigned from, unsigned to, u32 intid)
{
	if (g.v3)
		vgic_sgi(on(from), (u64)intid << 24 | 1u << to, true);
	else
		wr(from, GICD + 0xf00, 1u << (16 + to) | intid);
}

/* The guest goes on there. */
static void enter(unsigned n)
{
	struct vgic_cpu *c = on(n);

	while (c->todo || maintenance()) {
		if (maintenance())
			vgic_sync(c);
		if (c->todo)
			vgic_flush(c);
	}
	assert_int_equal(c->loaded, n + 1);
}

static u32 ack(unsigned n)
{
	enter(n);
	return guest_ack();
}

static void eoi(unsigned n, u32 intid)
{
	enter(n);
	guest_eoi(intid);
}

static void redist_on(unsigned n)
{
	wr(0, SGIF + n * VGIC_GICR_SIZE + ISENABLER, ~0u);
	for (unsigned j = 0; j < 32; j += 4)
		wr(0, SGIF + n * VGIC_GICR_SIZE + IPRIO + j, 0xa0a0a0a0);
}

static void machine(bool v3, unsigned n, unsigned nlr)
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
	for (unsigned i = 0; i < n; i++)
		vgic_cpu_init(&cpu[i], &g, i);
	wr(0, GICD, 3);
	for (unsigned i = 1; i < VGIC_LINES / 32; i++)
		wr(0, GICD + ISENABLER + 4 * i, ~0u);
	for (unsigned i = 32; i < VGIC_LINES; i += 4)
		wr(0, GICD + IPRIO + i, 0xa0a0a0a0);
	for (unsigned i = 0; i < n; i++) {
		if (v3)
			redist_on(i);
		for (unsigned j = 0; j < 32 && !v3; j += 4)
			wr(i, GICD + IPRIO + j, 0xa0a0a0a0);
	}
	for (unsigned i = 0; i < n; i++) {
		smp_cpu[i]->vgic = on(i);
		vgic_load(on(i));
		enter(i);
	}
	fake_kicked = 0;
}

static void route(unsigned by, u32 intid, unsigned to)
{
	if (g.v3)
		wr(by, GICD + IROUTER + 8 * intid, to);
	else
		vgic_write(on(by), GICD + ITARGETS + intid, 1, 1u << to);
}

static void an_sgi_goes_to_another_cpu(void **state)
{
	for (unsigned v3 = 0; v3 < 2; v3++) {
		machine(v3, 3, 4);
		sgi(0, 1, 5);
		assert_int_equal(fake_kicked, 2);
		assert_true(cpu[1].todo);
		assert_int_equal(ack(1), 5);
		assert_int_equal(ack(0), NONE);
		/* It is active there, in a list register that CPU 0 cannot see. */
		fake_kicked = 0;
		sgi(0, 1, 5);
		assert_true(cpu[1].posted);
		assert_int_equal(fake_kicked, 2);
		assert_int_equal(ack(1), NONE);
		eoi(1, 5);
		assert_int_equal(ack(1), 5);
		eoi(1, 5);
		/* It has ended, and nobody has noticed. */
		sgi(2, 1, 5);
		assert_int_equal(ack(1), 5);
		assert_int_equal(last_source, v3 ? 0 : 2);
		eoi(1, 5);
		assert_int_equal(ack(1), NONE);
	}
}

/* What the list register says has been taken must not take the new one along. */
static void one_sent_between_acknowledge_and_end_is_not_lost(void **state)
{
	for (unsigned v3 = 0; v3 < 2; v3++) {
		machine(v3, 2, 4);
		sgi(0, 1, 5);
		enter(1);
		assert_int_equal(guest_ack(), 5);
		sgi(0, 1, 5);
		on(1);
		guest_eoi(5);
		assert_int_equal(ack(1), 5);
		eoi(1, 5);
		assert_int_equal(ack(1), NONE);
	}
}

static void senders_are_told_apart(void **state)
{
	machine(false, 4, 4);
	sgi(0, 1, 5);
	enter(1);
	sgi(2, 1, 5);
	sgi(3, 1, 5);
	sgi(2, 1, 5);
	for (unsigned i = 0; i < 3; i++) {
		static const u32 source[] = { 0, 2, 3 };

		assert_int_equal(ack(1), 5);
		assert_int_equal(last_source, source[i]);
		eoi(1, 5);
	}
	assert_int_equal(ack(1), NONE);
}

static void messages_and_wires_reach_another_cpu(void **state)
{
	for (unsigned v3 = 0; v3 < 2; v3++) {
		machine(v3, 2, 4);
		route(0, 40, 1);
		route(0, 41, 1);
		wr(0, GICD + 0xc08, 2u << 16); /* 40: an edge */
		/* The service VM's CPU has no vCPU of this VM. */
		fake = &fake_cpu[3];
		(void)vgic_pulse(&cpu[0], 40);
		assert_int_equal(fake_kicked & 2, 2);
		assert_int_equal(ack(1), 40);
		fake = &fake_cpu[3];
		(void)vgic_pulse(&cpu[0], 40);
		eoi(1, 40);
		assert_int_equal(ack(1), 40);
		eoi(1, 40);
		/* A wire that is low again before the guest has taken it. */
		fake = &fake_cpu[3];
		(void)vgic_line(&cpu[0], 41, true);
		enter(1);
		assert_int_equal(lrs_with(41), 1);
		fake = &fake_cpu[3];
		fake_kicked = 0;
		(void)vgic_line(&cpu[0], 41, false);
		assert_int_equal(fake_kicked & 2, 2);
		assert_int_equal(ack(1), NONE);
	}
}

static void the_only_one_is_told_by_the_result(void **state)
{
	machine(true, 1, 4);
	wr(0, GICD + 0xc08, 2u << 16);
	fake = &fake_cpu[3];
	assert_true(vgic_pulse(&cpu[0], 40));
	assert_int_equal(ack(0), 40);
	fake = &fake_cpu[3];
	assert_true(vgic_pulse(&cpu[0], 40)); /* posted */
	assert_true(cpu[0].posted);
	eoi(0, 40);
	assert_int_equal(ack(0), 40);
}

static void what_another_cpu_has_active_is_read(void **state)
{
	for (unsigned v3 = 0; v3 < 2; v3++) {
		machine(v3, 2, 4);
		route(0, 40, 1);
		wr(0, GICD + 0xc08, 2u << 16);
		vgic_pulse(on(0), 40);
		assert_int_equal(ack(1), 40);
		vgic_pulse(on(0), 40);
		assert_int_equal(rd(0, GICD + ISACTIVER + 4), 1u << 8);
		assert_int_equal(cpu[1].loaded, 0); /* pulled */
		assert_int_equal(g.pulling, 0);
		assert_int_equal(rd(0, GICD + ISPENDR + 4), 1u << 8);
		enter(1);
		assert_int_equal(ack(1), NONE);
		eoi(1, 40);
		assert_int_equal(ack(1), 40);
		/* Nothing of it is there: nothing is pulled. */
		assert_int_equal(rd(0, GICD + ISACTIVER + 8), 0);
		assert_int_equal(cpu[1].loaded, 2);
		eoi(1, 40);
	}
}

static void what_another_cpu_has_pending_is_taken_from_it(void **state)
{
	for (unsigned v3 = 0; v3 < 2; v3++) {
		machine(v3, 3, 4);
		wr(0, GICD + 0xc08, 2u << 16);
		route(0, 40, 1);
		vgic_pulse(on(0), 40);
		enter(1);
		assert_int_equal(lrs_with(40), 1);
		route(0, 40, 2);
		assert_int_equal(ack(1), NONE);
		assert_int_equal(ack(2), 40);
		wr(0, GICD + ICACTIVER + 4, 1u << 8);
		assert_int_equal(ack(2), NONE);
		vgic_pulse(on(0), 40);
		enter(2);
		wr(0, GICD + ICENABLER + 4, 1u << 8);
		assert_int_equal(ack(2), NONE);
		wr(1, GICD + ISENABLER + 4, 1u << 8);
		assert_int_equal(ack(2), 40);
		wr(0, GICD, 0);
		vgic_pulse(on(1), 40);
		eoi(2, 40);
		assert_int_equal(ack(2), NONE);
		wr(1, GICD, 3);
		assert_int_equal(ack(2), 40);
	}
}

static void a_redistributor_of_another_cpu_is_reached(void **state)
{
	u64 sgif = SGIF + VGIC_GICR_SIZE;

	machine(true, 2, 4);
	sgi(0, 1, 5);
	enter(1);
	wr(0, sgif + ICENABLER, 1u << 5);
	assert_int_equal(ack(1), NONE);
	assert_int_equal(rd(0, sgif + ISPENDR), 1u << 5);
	wr(0, sgif + ISENABLER, 1u << 5);
	assert_int_equal(ack(1), 5);
	assert_int_equal(rd(0, sgif + ISACTIVER), 1u << 5);
	assert_int_equal(rd(0, sgif + ISPENDR), 0);
	eoi(1, 5);
	assert_int_equal(ack(1), NONE);
}

static void the_timer_moves_with_its_vcpu(void **state)
{
	machine(true, 1, 4);
	on(0);
	phys_active = true;
	vgic_hw_arrived(&cpu[0], VGIC_PPI_VTIMER);
	assert_int_equal(ack(0), VGIC_PPI_VTIMER);
	vgic_save(&cpu[0]);
	assert_false(phys_active);
	on(2);
	vgic_load(&cpu[0]);
	assert_true(phys_active);
	assert_int_equal(cpu[0].loaded, 3);
	guest_eoi(VGIC_PPI_VTIMER);
	assert_false(phys_active);
	phys_line = false;
	vgic_flush(&cpu[0]);
	assert_int_equal(guest_ack(), NONE);
	vgic_save(&cpu[0]);
	on(0);
	assert_false(phys_active);
}

/* The timer is its CPU's though the interface has been pulled; what another CPU does about it then counts. */
static void a_timer_interrupt_while_pulled_does_not_stay_active(void **state)
{
	machine(true, 2, 4);
	sgi(1, 0, 3);
	assert_int_equal(ack(0), 3);
	assert_int_equal(rd(1, SGIF + ISACTIVER), 1u << 3);
	assert_int_equal(cpu[0].loaded, 0);
	on(0);
	phys_active = true;
	vgic_hw_arrived(&cpu[0], VGIC_PPI_VTIMER);
	wr(1, SGIF + ICPENDR, 1u << VGIC_PPI_VTIMER);
	on(0);
	phys_line = false;
	enter(0);
	assert_false(phys_active); /* it can come again */
	eoi(0, 3);
	assert_int_equal(ack(0), NONE);
	phys_active = phys_line = true;
	vgic_hw_arrived(&cpu[0], VGIC_PPI_VTIMER);
	assert_int_equal(ack(0), VGIC_PPI_VTIMER);
	eoi(0, VGIC_PPI_VTIMER);
	assert_false(phys_active);
}

/* --- everything at once, a thread a CPU ----------------------------------------------------------------------------
 */

#define ROUNDS 1000u

static u32 started[FAKE_CPUS][16], seen[FAKE_CPUS][16]; /* SGIs of each vCPU: sent; sent when it was last taken */
static u32 finished;

/* What an interrupt from another CPU would do. */
static void storm_poll(unsigned me)
{
	if (__atomic_exchange_n(&fake_cpu[me].kicked, false, __ATOMIC_SEQ_CST))
		vgic_serve();
}

static void storm_guest(unsigned me, unsigned most)
{
	u32 intid;

	storm_poll(me);
	enter(me);
	for (unsigned i = 0; i < most && (intid = guest_ack()) != NONE; i++) { /* a wire may be high for long */
		if (intid < 16)
			seen[me][intid] = __atomic_load_n(&started[me][intid], __ATOMIC_SEQ_CST);
		storm_poll(me);
		enter(me);
		guest_eoi(intid);
		enter(me);
	}
}

static void storm_do(unsigned me, unsigned n, u32 r)
{
	u32 spi = 32 + r / 16 % 64, to = r / 1024 % n, i = r / 4096 % 16;

	switch (r % 16) {
	case 0: (void)vgic_pulse(&cpu[0], spi); break;
	case 1: (void)vgic_line(&cpu[0], spi, r >> 30 & 1); break;
	case 2: (void)rd(me, GICD + ISACTIVER + 4 * (spi / 32)); break;
	case 3: (void)rd(me, GICD + ISPENDR + 4 * (spi / 32)); break;
	case 4: route(me, spi, to); break;
	case 5: wr(me, GICD + ICENABLER + 4 * (spi / 32), 1u << spi % 32); break;
	case 6:
	case 7: wr(me, GICD + ISENABLER + 4 * (spi / 32), ~0u); break;
	case 8: vgic_write(on(me), GICD + IPRIO + spi, 1, r >> 20 & 0xf0); break;
	case 9:
		if (g.v3)
			(void)rd(me, SGIF + to * VGIC_GICR_SIZE + ISACTIVER);
		break;
	case 10:
		vgic_save(on(me));
		vgic_load(on(me));
		break;
	default:
		(void)__atomic_fetch_add(&started[to][i], 1, __ATOMIC_SEQ_CST);
		sgi(me, to, i);
		break;
	}
}

static unsigned storm_cpus;

/* Wait for the others. */
static void storm_together(unsigned me, u32 all)
{
	(void)__atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&finished, __ATOMIC_SEQ_CST) < all) {
		storm_poll(me);
		spin_pause();
	}
}

static void *storm(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg, n = storm_cpus, seed = me + 1;

	on(me);
	for (u32 i = 0; i < ROUNDS; i++) {
		storm_do(me, n, (u32)rand_r(&seed) << 16 ^ (u32)rand_r(&seed));
		if (i % 3 == 0)
			storm_guest(me, 8);
		storm_poll(me);
	}
	storm_together(me, n);
	for (u32 spi = 32 + me; spi < 96; spi += n)
		(void)vgic_line(&cpu[0], spi, false);
	storm_together(me, 2 * n);
	storm_guest(me, ~0u);
	storm_together(me, 3 * n);
	return NULL;
}

static void storm_with(bool v3, unsigned n, unsigned nlr)
{
	pthread_t thread[FAKE_CPUS];

	machine(v3, n, nlr);
	fake_at_once = false;
	storm_cpus = n;
	finished = 0;
	memset(started, 0, sizeof(started));
	memset(seen, 0, sizeof(seen));
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, storm, (void *)(uintptr_t)i), 0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(g.pulling, 0);
	assert_int_equal(g.lock.held, 0);
	for (unsigned i = 0; i < n; i++)
		assert_memory_equal(seen[i], started[i], sizeof(seen[i]));
}

static void storms_end_and_lose_nothing(void **state)
{
	for (unsigned v3 = 0; v3 < 2; v3++) {
		storm_with(v3, 2, 4);
		storm_with(v3, 4, 4);
		storm_with(v3, 3, 2);
		storm_with(v3, 4, 16);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_sgi_goes_to_another_cpu),
		cmocka_unit_test(one_sent_between_acknowledge_and_end_is_not_lost),
		cmocka_unit_test(senders_are_told_apart),
		cmocka_unit_test(messages_and_wires_reach_another_cpu),
		cmocka_unit_test(the_only_one_is_told_by_the_result),
		cmocka_unit_test(what_another_cpu_has_active_is_read),
		cmocka_unit_test(what_another_cpu_has_pending_is_taken_from_it),
		cmocka_unit_test(a_redistributor_of_another_cpu_is_reached),
		cmocka_unit_test(the_timer_moves_with_its_vcpu),
		cmocka_unit_test(a_timer_interrupt_while_pulled_does_not_stay_active),
		cmocka_unit_test(storms_end_and_lose_nothing),
	};

	return cmocka_run_group_tests_name("vgic_smp", tests, NULL, NULL);
}
