/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_vlapic.c: the virtual local APIC's registers, priorities and messages against the SDM's rules.
 * LINK: arch/x86/vlapic.c arch/x86/vlapic_reg.c */
#include "arch/x86/vlapic.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "fake_vlapic.h"

static void power_on_state_is_the_manuals(void **state)
{
	vlapic_init(&v, 3, true);
	assert_int_equal(v.base, 0xfee00900);
	assert_int_equal(rd(APIC_ID), 3u << 24);
	assert_int_equal(rd(APIC_VERSION), 0x01050014);
	assert_int_equal(rd(APIC_SVR), 0xff);
	assert_int_equal(rd(APIC_DFR), 0xffffffff);
	for (u32 off = APIC_LVT; off <= APIC_LVT + 0x50; off += 16)
		assert_int_equal(rd(off), 0x10000);
	assert_int_equal(rd(APIC_TPR) | rd(APIC_LDR) | rd(APIC_TMICT) | rd(APIC_TMCCR) | rd(APIC_ESR), 0);
	assert_int_equal(vlapic_deadline(&v), ~0ull);
	vlapic_init(&v, 1, false);
	assert_int_equal(v.base, 0xfee00800);
}

static void disabled_apic_takes_only_nmi_init_sipi_extint(void **state)
{
	vlapic_init(&v, 0, true);
	assert_false(vlapic_accept(&v, APIC_FIXED, 0x50, false));
	assert_true(vlapic_accept(&v, APIC_NMI, 0, false));
	assert_true(vlapic_accept(&v, APIC_INIT, 0, false));
	assert_true(vlapic_accept(&v, APIC_SIPI, 0x9a, false));
	assert_int_equal(v.sipi_vector, 0x9a);
	assert_true(vlapic_accept(&v, APIC_EXTINT, 0, false));
	assert_int_equal(v.events, 15);
	assert_true(vlapic_nmi_take(&v));
	assert_false(vlapic_nmi_take(&v));
	assert_true(vlapic_take(&v, VLAPIC_EV_SIPI));
	assert_false(vlapic_accept(&v, APIC_SMI, 0, false));
	assert_false(vlapic_accept(&v, 3, 0x50, false));
	assert_false(vlapic_accept(&v, 99, 0x50, false));
	assert_int_equal(vlapic_pending(&v), -1);
}

static void a_sipi_is_for_a_cpu_that_waits_for_one(void **state)
{
	on(1);
	assert_false(vlapic_accept(&v, APIC_SIPI, 0x9a, false)); /* it runs */
	assert_int_equal(v.events, 0);
	assert_true(vlapic_accept(&v, APIC_INIT, 0, false));
	assert_true(vlapic_accept(&v, APIC_SIPI, 0x9a, false)); /* right behind INIT */
	assert_false(vlapic_accept(&v, APIC_SIPI, 0x9b, false));
	assert_int_equal(v.sipi_vector, 0x9a); /* the first one counts */
	assert_true(vlapic_accept(&v, APIC_INIT, 0, false));
	assert_int_equal(v.events, VLAPIC_EV_INIT); /* and not once more INIT has come */
	vlapic_init(&v, 1, false);
	v.wait = true;
	assert_false(vlapic_accept(&v, APIC_NMI, 0, false));
	assert_false(vlapic_accept(&v, APIC_INIT, 0, false));
	assert_false(vlapic_accept(&v, APIC_EXTINT, 0, false));
	assert_false(vlapic_accept(&v, APIC_FIXED, 0x50, false));
	assert_int_equal(v.events, 0);
	assert_true(vlapic_accept(&v, APIC_SIPI, 0x9c, false));
	assert_int_equal(v.events, VLAPIC_EV_SIPI);
	assert_false(vlapic_accept(&v, APIC_INIT, 0, false)); /* it was not started yet: nor will it be */
	assert_int_equal(v.events, 0);
}

static void soft_disable_masks_lvts_and_holds_pending(void **state)
{
	on(0);
	wr(APIC_LVT, 0x40);
	assert_true(vlapic_accept(&v, APIC_FIXED, 0x50, false));
	wr(APIC_SVR, 0xff);
	assert_int_equal(rd(APIC_LVT), 0x10040);
	wr(APIC_LVT, 0x41);
	assert_int_equal(rd(APIC_LVT), 0x10041);
	assert_int_equal(vlapic_pending(&v), -1);
	wr(APIC_SVR, 0x1ff);
	assert_int_equal(vlapic_pending(&v), 0x50);
}

static void priorities_follow_classes(void **state)
{
	on(0);
	vlapic_accept(&v, APIC_FIXED, 0x51, false);
	vlapic_accept(&v, APIC_FIXED, 0x58, false);
	assert_int_equal(take(), 0x58);
	assert_int_equal(vlapic_pending(&v), -1); /* 0x51: same class */
	assert_int_equal(rd(APIC_PPR), 0x50);
	vlapic_accept(&v, APIC_FIXED, 0x60, false);
	assert_int_equal(take(), 0x60);
	assert_int_equal(wr(APIC_EOI, 0), VLAPIC_NONE);
	assert_int_equal(vlapic_pending(&v), -1);
	wr(APIC_EOI, 0);
	assert_int_equal(take(), 0x51);
	wr(APIC_EOI, 0);
	wr(APIC_EOI, 0); /* nothing in service: harmless */
	vlapic_accept(&v, APIC_FIXED, 0x35, false);
	vlapic_set_tpr(&v, 0x30);
	assert_int_equal(vlapic_pending(&v), -1);
	assert_int_equal(rd(APIC_PPR), 0x30);
	wr(APIC_TPR, 0x2f);
	assert_int_equal(vlapic_tpr(&v), 0x2f);
	assert_int_equal(rd(APIC_PPR), 0x2f);
	assert_int_equal(rd(APIC_APR), 0x30);
	assert_int_equal(take(), 0x35);
}

static void level_eoi_is_reported_unless_suppressed(void **state)
{
	on(0);
	vlapic_accept(&v, APIC_FIXED, 0x71, true);
	assert_int_equal(rd(APIC_TMR + 0x30), 1u << 17);
	take();
	assert_int_equal(wr(APIC_EOI, 0), VLAPIC_EOI);
	assert_int_equal(ipi.vector, 0x71);
	wr(APIC_SVR, 0x11ff);
	vlapic_accept(&v, APIC_LOWEST, 0x71, true);
	take();
	assert_int_equal(wr(APIC_EOI, 0), VLAPIC_NONE);
	wr(APIC_SVR, 0x1ff);
	vlapic_accept(&v, APIC_FIXED, 0x71, false); /* edge clears TMR */
	take();
	assert_int_equal(wr(APIC_EOI, 0), VLAPIC_NONE);
}

static void esr_latches_on_write_and_illegal_things_set_it(void **state)
{
	on(0);
	wr(APIC_LVT + 0x50, 0x33);
	assert_false(vlapic_accept(&v, APIC_FIXED, 15, false));
	assert_int_equal(rd(APIC_ESR), 0);
	assert_int_equal(take(), 0x33);
	wr(APIC_EOI, 0);
	wr(APIC_ESR, 0);
	assert_int_equal(rd(APIC_ESR), 0x40);
	assert_int_equal(wr(APIC_ICR, 0x4000 | 5), VLAPIC_NONE);
	rd(0x3f0);
	wr(0x010, 1);
	wr(APIC_ESR, 0);
	assert_int_equal(rd(APIC_ESR), 0xa0);
	wr(APIC_ESR, 0);
	assert_int_equal(rd(APIC_ESR), 0);
	assert_int_equal(take(), 0x33);
	wr(APIC_EOI, 0);
	wr(APIC_LVT + 0x50, 3); /* the error interrupt itself illegal */
	rd(0x2f0);		/* LVT CMCI is absent */
	wr(APIC_ESR, 0);
	assert_int_equal(rd(APIC_ESR), 0xc0);
	assert_int_equal(vlapic_pending(&v), -1);
}

static void ipis_to_self_stay_inside(void **state)
{
	on(2);
	assert_int_equal(wr(APIC_ICR, 0x44000 | 0x80), VLAPIC_NONE); /* self */
	assert_int_equal(take(), 0x80);
	wr(APIC_EOI, 0);
	wr(APIC_ICR2, 2u << 24);
	assert_int_equal(wr(APIC_ICR, 0x4000 | 0x81), VLAPIC_NONE); /* physical, own ID */
	assert_int_equal(take(), 0x81);
	wr(APIC_EOI, 0);
	assert_int_equal(wr(APIC_ICR, 0x84000 | 0x82), VLAPIC_IPI); /* all including self */
	assert_int_equal(ipi.shorthand, APIC_SHORT_ALL);
	assert_int_equal(take(), 0x82);
	wr(APIC_EOI, 0);
	assert_int_equal(wr(APIC_ICR, 0xc4000 | 0x83), VLAPIC_IPI); /* all but self */
	assert_int_equal(vlapic_pending(&v), -1);
	wr(APIC_ICR2, 0xffu << 24);
	assert_int_equal(wr(APIC_ICR, 0x4000 | 0x84), VLAPIC_IPI);
	assert_int_equal(ipi.dest, ~0u);
	assert_int_equal(take(), 0x84);
	wr(APIC_ICR2, 5u << 24);
	assert_int_equal(wr(APIC_ICR, 0x4400), VLAPIC_IPI);
	assert_int_equal(ipi.mode, APIC_NMI);
	assert_int_equal(ipi.dest, 5);
	assert_false(vlapic_nmi_take(&v));
	assert_int_equal(wr(APIC_ICR, 0x8500), VLAPIC_NONE); /* INIT deassert */
	assert_int_equal(wr(APIC_ICR, 0x4500), VLAPIC_IPI);  /* INIT */
	assert_int_equal(wr(APIC_ICR, 0x46ab), VLAPIC_IPI);  /* SIPI */
	assert_int_equal(ipi.vector, 0xab);
	assert_int_equal(wr(APIC_ICR, 0x44500), VLAPIC_NONE); /* INIT with self: invalid */
	assert_int_equal(v.events, 0);
	assert_int_equal(wr(APIC_ICR, 0x4740), VLAPIC_NONE); /* ExtINT: reserved */
	assert_int_equal(rd(APIC_ICR), 0x4740);
}

static void lowest_priority_stops_at_self(void **state)
{
	on(0);
	wr(APIC_LDR, 1u << 24);
	wr(APIC_ICR2, 0xffu << 24);
	assert_int_equal(wr(APIC_ICR, 0x4900 | 0x90), VLAPIC_NONE);
	assert_int_equal(take(), 0x90);
	wr(APIC_ICR2, 2u << 24);
	assert_int_equal(wr(APIC_ICR, 0x4900 | 0x91), VLAPIC_IPI);
	assert_true(ipi.logical);
	assert_int_equal(ipi.mode, APIC_LOWEST);
}

static void destinations_match_by_mode(void **state)
{
	on(5);
	assert_true(vlapic_match(&v, 5, false));
	assert_false(vlapic_match(&v, 4, false));
	assert_true(vlapic_match(&v, 0xff, false));
	wr(APIC_LDR, 0x42ffffff);
	assert_int_equal(rd(APIC_LDR), 0x42000000);
	assert_true(vlapic_match(&v, 0x02, true));
	assert_false(vlapic_match(&v, 0x81, true));
	assert_false(vlapic_match(&v, 0x142, true));
	wr(APIC_DFR, 0);
	assert_true(vlapic_match(&v, 0x43, true));
	assert_false(vlapic_match(&v, 0x32, true));
	assert_false(vlapic_match(&v, 0x41, true));
	assert_true(vlapic_match(&v, 0xff, true));
	wr(APIC_DFR, 0x50000000);
	assert_false(vlapic_match(&v, 0x42, true));
	on_x2(0x123);
	assert_int_equal(rmsr(0x802), 0x123);
	assert_int_equal(rmsr(0x80d), 0x120008);
	assert_true(vlapic_match(&v, 0x123, false));
	assert_false(vlapic_match(&v, 0x23, false));
	assert_false(vlapic_match(&v, 0xff, false));
	assert_true(vlapic_match(&v, ~0u, false));
	assert_true(vlapic_match(&v, 0x12000a, true));
	assert_false(vlapic_match(&v, 0x130008, true));
	assert_false(vlapic_match(&v, 0x120007, true));
	msr(MSR_IA32_APIC_BASE, 0xfee00000);
	assert_false(vlapic_match(&v, ~0u, false));
}

static void msi_is_decoded(void **state)
{
	on(1);
	assert_true(msi(&v, 0xfee01000, 0x4061));
	assert_int_equal(take(), 0x61);
	assert_false(msi(&v, 0xfee02000, 0x61));
	assert_false(msi(&v, 0xfed01000, 0x61));
	assert_false(msi(&v, 0x1fee01000, 0x61));
	assert_true(msi(&v, 0xfeeff000, 0x0400));
	assert_true(vlapic_nmi_take(&v));
	assert_false(msi(&v, 0xfee01000, 0x05));
	assert_true(msi(&v, 0xfee01000, 0x8071)); /* level deassert does nothing */
	assert_int_equal(vlapic_pending(&v), -1);
	wr(APIC_LDR, 4u << 24);
	assert_true(msi(&v, 0xfee04004, 0xc072));
	take();
	assert_int_equal(wr(APIC_EOI, 0), VLAPIC_EOI);
}

static void x2apic_reserved_bits_and_registers_fault(void **state)
{
	static const u32 absent[] = { 0x800, 0x801, 0x804, 0x809, 0x80c, 0x80e, 0x829, 0x82f, 0x831, 0x83a, 0x83d };
	static const u32 ro[] = { 0x802, 0x803, 0x80a, 0x80d, 0x810, 0x81f, 0x827, 0x839 };

	on_x2(0);
	for (unsigned i = 0; i < ARRAY_SIZE(absent); i++) {
		assert_true(msr_bad(absent[i]));
		assert_false(msr(absent[i], 0));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(ro); i++) {
		assert_false(msr_bad(ro[i]));
		assert_false(msr(ro[i], 0));
	}
	assert_true(msr_bad(0x80b));
	assert_true(msr_bad(0x83f));
	assert_false(msr(0x80b, 1));
	assert_true(msr(0x80b, 0));
	assert_false(msr(0x808, 0x100));
	assert_false(msr(0x808, 1ull << 32));
	assert_true(msr(0x808, 0x20));
	assert_false(msr(0x80f, 0x400));
	assert_true(msr(0x80f, 0x11ff));
	assert_false(msr(0x828, 1));
	assert_true(msr(0x828, 0));
	assert_false(msr(0x832, 0x80000));
	assert_true(msr(0x832, 0x51040));
	assert_int_equal(rmsr(0x832), 0x50040);
	assert_false(msr(0x837, 0x400));
	assert_false(msr(0x838, 1ull << 32));
	assert_true(msr(0x838, 0xffffffff));
	assert_false(msr(0x83e, 4));
	assert_true(msr(0x83e, 11));
	assert_false(msr(0x83f, 0x100));
	assert_false(msr(0x830, 1u << 20));
	assert_false(msr(0x830, 1u << 13));
	assert_false(msr(0x840, 0));
	assert_false(msr(0x7ff, 0));
	assert_int_equal(vlapic_read(&v, APIC_VERSION, 0), ~0u);
	assert_int_equal(wr(APIC_TPR, 0x90), VLAPIC_NONE);
	assert_int_equal(v.tpr, 0x20);
}

static void x2apic_ipis(void **state)
{
	on_x2(0x11);
	assert_true(msr(0x83f, 0x77));
	assert_int_equal(act, VLAPIC_NONE);
	assert_int_equal(take(), 0x77);
	msr(0x80b, 0);
	assert_true(msr(0x83f, 7));
	msr(0x828, 0);
	assert_int_equal(rmsr(0x828), 0x40);
	assert_true(msr(0x830, 0x11ull << 32 | 0x4078));
	assert_int_equal(act, VLAPIC_NONE);
	assert_int_equal(take(), 0x78);
	msr(0x80b, 0);
	assert_true(msr(0x830, 0x10002ull << 32 | 0x4879)); /* logical, self alone */
	assert_int_equal(act, VLAPIC_NONE);
	assert_int_equal(take(), 0x79);
	msr(0x80b, 0);
	assert_true(msr(0x830, 0x10003ull << 32 | 0x487a)); /* and the neighbour */
	assert_int_equal(act, VLAPIC_IPI);
	assert_int_equal(ipi.dest, 0x10003);
	assert_int_equal(take(), 0x7a);
	assert_true(msr(0x830, 0xffffffffull << 32 | 0x4400));
	assert_int_equal(act, VLAPIC_IPI);
	assert_true(vlapic_nmi_take(&v));
	assert_int_equal(rmsr(0x830), 0xffffffffull << 32 | 0x4400);
}

static void base_transitions_follow_the_figure(void **state)
{
	on(1);
	assert_false(msr(MSR_IA32_APIC_BASE, 0xfee00400)); /* EXTD without EN */
	assert_false(msr(MSR_IA32_APIC_BASE, 0xfee00801));
	assert_false(msr(MSR_IA32_APIC_BASE, 1ull << 52 | 0xfee00800));
	v.phys_bits = 36;
	assert_false(msr(MSR_IA32_APIC_BASE, 1ull << 36 | 0xfee00800));
	assert_true(msr_bad(0x802));
	assert_false(msr(0x80b, 0));
	wr(APIC_TPR, 0x40);
	assert_true(msr(MSR_IA32_APIC_BASE, 0xfee00c00));
	assert_int_equal(rmsr(0x808), 0x40);
	assert_false(msr(MSR_IA32_APIC_BASE, 0xfee00800)); /* x2APIC to xAPIC */
	assert_true(msr(MSR_IA32_APIC_BASE, 0xfee00000));
	assert_true(vlapic_extint_ok(&v));
	assert_false(msr(MSR_IA32_APIC_BASE, 0xfee00c00)); /* disabled to x2APIC */
	assert_int_equal(rmsr(MSR_IA32_APIC_BASE), 0xfee00000);
	assert_true(msr(MSR_IA32_APIC_BASE, 0xfed00800));
	assert_int_equal(rd(APIC_TPR), 0);
	assert_int_equal(rd(APIC_SVR), 0xff);
	assert_int_equal(rd(APIC_ID), 1u << 24);
	assert_int_equal(v.phys_bits, 36);
}

static void extint_needs_lint0(void **state)
{
	on(0);
	assert_false(vlapic_extint_ok(&v));
	wr(APIC_LVT + 0x30, 0x700);
	assert_true(vlapic_extint_ok(&v));
	wr(APIC_LVT + 0x30, 0x10700);
	assert_false(vlapic_extint_ok(&v));
	wr(APIC_LVT + 0x30, 0x400);
	assert_false(vlapic_extint_ok(&v));
	assert_true(vlapic_raise(&v, LVT_LINT0));
	assert_true(vlapic_nmi_take(&v));
	assert_false(vlapic_raise(&v, LVT_LINT1));
	wr(APIC_LVT + 0x20, 0x400);
	assert_true(vlapic_raise(&v, LVT_PERF));
	assert_int_equal(rd(APIC_LVT + 0x20), 0x10400);
	vlapic_init(&v, 0, true);
	vlapic_virtual_wire(&v);
	assert_true(vlapic_extint_ok(&v));
}

static void page_round_trip(void **state)
{
	static u8 page[PAGE_SIZE];
	struct vlapic copy;

	on(1);
	vlapic_accept(&v, APIC_FIXED, 0xff, true);
	take();
	vlapic_accept(&v, APIC_FIXED, 0x20, false);
	vlapic_set_tpr(&v, 0x10);
	vlapic_to_page(&v, page);
	assert_int_equal(page[APIC_ISR + 0x73], 0x80);
	assert_int_equal(page[APIC_PPR], 0xf0);
	assert_int_equal(page[APIC_ID + 3], 1);
	copy = v;
	vlapic_from_page(&v, page);
	assert_memory_equal(&copy, &v, sizeof(v));
	memset(page, 0xff, sizeof(page));
	vlapic_from_page(&v, page);
	assert_int_equal(v.irr.w[0], 0xffff0000);
	assert_int_equal(v.irr.words, 0xff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(power_on_state_is_the_manuals),
		cmocka_unit_test(disabled_apic_takes_only_nmi_init_sipi_extint),
		cmocka_unit_test(a_sipi_is_for_a_cpu_that_waits_for_one),
		cmocka_unit_test(soft_disable_masks_lvts_and_holds_pending),
		cmocka_unit_test(priorities_follow_classes),
		cmocka_unit_test(level_eoi_is_reported_unless_suppressed),
		cmocka_unit_test(esr_latches_on_write_and_illegal_things_set_it),
		cmocka_unit_test(ipis_to_self_stay_inside),
		cmocka_unit_test(lowest_priority_stops_at_self),
		cmocka_unit_test(destinations_match_by_mode),
		cmocka_unit_test(msi_is_decoded),
		cmocka_unit_test(x2apic_reserved_bits_and_registers_fault),
		cmocka_unit_test(x2apic_ipis),
		cmocka_unit_test(base_transitions_follow_the_figure),
		cmocka_unit_test(extint_needs_lint0),
		cmocka_unit_test(page_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
