/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CFLAGS: -iquote arch/x86
 * LINK: arch/x86/eoi.c arch/x86/vlapic.c arch/x86/vlapic_reg.c */
/* CFLAGS: -Iarch/x86 */
/* tests/unit/test_eoi.c: ends of interrupts by a word of the guest's: when the bit is set, and what clearing it does.
 */
#include "arch/x86/vendor.h"
#include "arch/x86/vlapic_priv.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

struct x86_features x86_features;

void vmx_apic_take(struct arch_vcpu *v)
{
}

static struct arch_vcpu v;
static u32 word;

static int on(void **state)
{
	struct vlapic_ipi ipi;

	v = (struct arch_vcpu){ 0 };
	x86_features.apic_hw = false;
	vlapic_init(&v.apic, 0, true);
	vlapic_write(&v.apic, APIC_SVR, 0x1ff, 0, &ipi);
	word = 0xabcd0;
	arch_vcpu_eoi(&v, &word);
	return 0;
}

/* What run_before does. */
static void entry(void)
{
	if (v.eoi_set)
		x86_eoi_look(&v);
	if (v.eoi)
		x86_eoi_offer(&v);
	assert_int_equal(word & ~1u, 0xabcd0); /* the rest is the guest's */
}

static void arrives(u8 vector, bool level)
{
	assert_true(vlapic_accept(&v.apic, APIC_FIXED, vector, level));
	entry();
}

/* The guest takes what is pending, without an exit; the next one shows that. */
static void taken(int vector)
{
	assert_int_equal(vlapic_pending(&v.apic), vector);
	vlapic_deliver(&v.apic, (u8)vector);
	entry();
}

/* The guest's EOI: by its word if it finds the bit. True: it exits. */
static bool end(void)
{
	struct vlapic_ipi ipi;

	if (word & 1) {
		word &= ~1u;
		return false;
	}
	vlapic_write(&v.apic, APIC_EOI, 0, 0, &ipi);
	entry();
	return true;
}

static void one_alone_ends_without_an_exit(void **state)
{
	entry();
	assert_int_equal(word & 1, 0);
	arrives(0x51, false);
	assert_int_equal(word & 1, 1);
	taken(0x51);
	assert_int_equal(word & 1, 1);
	assert_false(end());
	assert_int_equal(vec_top(&v.apic.isr), 0x51); /* nobody has looked */
	x86_apic_take(&v);
	assert_int_equal(vec_top(&v.apic.isr), -1);
	assert_false(v.eoi_set);
	arrives(0x51, false);
	assert_int_equal(word & 1, 1);
}

static void the_next_one_finds_that_the_last_has_ended(void **state)
{
	arrives(0x71, false);
	taken(0x71);
	assert_false(end());
	arrives(0x31, false);
	assert_int_equal(word & 1, 1);
	taken(0x31);
	assert_false(end());
}

static void a_second_one_takes_the_bit_back(void **state)
{
	arrives(0x51, false);
	arrives(0x52, false);
	assert_int_equal(word & 1, 0);
	taken(0x52);
	assert_true(end());
	assert_int_equal(word & 1, 1); /* one is left */
	taken(0x51);
	arrives(0x41, false);
	assert_int_equal(word & 1, 0);
	assert_true(end());
	taken(0x41);
	assert_false(end());
}

static void what_is_in_service_without_the_bit_stays_so(void **state)
{
	arrives(0x51, false);
	taken(0x51);
	arrives(0x81, false);
	taken(0x81);
	assert_int_equal(word & 1, 0);
	assert_true(end());
	assert_int_equal(vec_top(&v.apic.isr), 0x51);
	assert_int_equal(word & 1, 0); /* the guest may have looked, and be about to write */
	assert_true(end());
	assert_int_equal(vec_top(&v.apic.isr), -1);
}

static void level_triggered_ones_end_by_a_write(void **state)
{
	struct vlapic_ipi ipi;

	arrives(0x51, true);
	assert_int_equal(word & 1, 0);
	taken(0x51);
	assert_int_equal(word & 1, 0);
	assert_int_equal(vlapic_write(&v.apic, APIC_EOI, 0, 0, &ipi), VLAPIC_EOI);
	arrives(0x51, false);
	assert_int_equal(word & 1, 1);
	assert_true(vlapic_accept(&v.apic, APIC_FIXED, 0x51, true)); /* before it is taken */
	entry();
	assert_int_equal(word & 1, 0);
}

static void a_write_in_spite_of_the_bit_ends_it_once(void **state)
{
	struct vlapic_ipi ipi;

	arrives(0x51, false);
	taken(0x51);
	assert_int_equal(vlapic_write(&v.apic, APIC_EOI, 0, 0, &ipi), VLAPIC_NONE);
	assert_int_equal(vec_top(&v.apic.isr), -1);
	entry();
	assert_int_equal(word & 1, 0);
	arrives(0x51, false);
	taken(0x51);
	assert_false(end());
	vlapic_write(&v.apic, APIC_EOI, 0, 0, &ipi); /* and both */
	entry();
	assert_false(v.eoi_set);
	assert_int_equal(vec_top(&v.apic.isr), -1);
}

static void bits_of_the_guests_own_mean_nothing(void **state)
{
	arrives(0x51, false);
	word &= ~1u; /* before it has been taken: an end of nothing */
	entry();
	assert_int_equal(vlapic_pending(&v.apic), 0x51);
	taken(0x51);
	arrives(0x41, false);
	assert_int_equal(word & 1, 0);
	word |= 1;
	entry();
	word &= ~1u;
	entry();
	assert_int_equal(vec_top(&v.apic.isr), 0x51);
	assert_true(end());
}

static void off_takes_the_bit_back(void **state)
{
	arrives(0x51, false);
	taken(0x51);
	arch_vcpu_eoi(&v, NULL);
	assert_int_equal(word & 1, 0);
	assert_int_equal(vec_top(&v.apic.isr), 0x51);
	assert_true(end());
	arrives(0x51, false);
	assert_int_equal(word & 1, 0);
	taken(0x51);
	assert_true(end());
}

static void off_sees_an_end_before_it(void **state)
{
	u32 other = 0;

	arrives(0x51, false);
	taken(0x51);
	assert_false(end());
	arch_vcpu_eoi(&v, &other);
	assert_int_equal(vec_top(&v.apic.isr), -1);
	arrives(0x51, false);
	assert_int_equal(word & 1, 0);
	assert_int_equal(other, 1);
}

static void a_cpu_that_ends_them_needs_no_word(void **state)
{
	x86_features.apic_hw = true;
	arch_vcpu_eoi(&v, &word);
	assert_null(v.eoi);
}

/* Against a guest that takes and ends as it likes: what it has ended is what is not in service when one looks. */
static void any_order_ends_each_once(void **state)
{
	static const u8 vector[] = { 0x31, 0x41, 0x42, 0x51, 0x61 };
	u8 nest[8];
	unsigned depth = 0, saved = 0;
	u64 seed = 1;

	for (unsigned i = 0; i < 200000; i++) {
		unsigned r;

		seed = seed * 6364136223846793005UL + 1442695040888963407UL;
		r = (unsigned)(seed >> 33);
		if (r % 3 == 0) {
			arrives(vector[r / 4 % ARRAY_SIZE(vector)], r % 16 == 1);
		} else if (r % 3 == 1 && depth) {
			saved += !end();
			depth--;
		} else {
			entry();
			if (vlapic_pending(&v.apic) >= 0 && depth < ARRAY_SIZE(nest)) {
				nest[depth] = (u8)vlapic_pending(&v.apic);
				taken(nest[depth++]);
			}
		}
		if (r % 5)
			continue;
		x86_apic_take(&v);
		assert_int_equal(vec_top(&v.apic.isr), depth ? nest[depth - 1] : -1);
	}
	assert_true(saved > 1000);
}

#define T(f) cmocka_unit_test_setup(f, on)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(one_alone_ends_without_an_exit),
		T(the_next_one_finds_that_the_last_has_ended),
		T(a_second_one_takes_the_bit_back),
		T(what_is_in_service_without_the_bit_stays_so),
		T(level_triggered_ones_end_by_a_write),
		T(a_write_in_spite_of_the_bit_ends_it_once),
		T(bits_of_the_guests_own_mean_nothing),
		T(off_takes_the_bit_back),
		T(off_sees_an_end_before_it),
		T(a_cpu_that_ends_them_needs_no_word),
		T(any_order_ends_each_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
