/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_cpuid.c: the CPUID table of a guest, from the answers of made-up hosts.
 * LINK: guest/vmm/x86/cpuid.c
 */
#include "guest/vmm/x86/cpuid.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "hv/lib/util.h"

struct row {
	u32 leaf, subleaf, r[4];
};

/* An Intel CPU of the Haswell kind. */
static const struct row haswell[] = {
	{ 0, 0, { 0xd, 0x756e6547, 0x6c65746e, 0x49656e69 } },
	{ 1, 0, { 0x306c3, 0x02100800, 0x7ffafbff, 0xbfebfbff } },
	{ 2, 0, { 0x76036301, 0xf0b5ff, 0, 0xc10000 } },
	{ 4, 0, { 0x1c004121, 0x1c0003f, 0x3f, 0 } },
	{ 4, 1, { 0x1c004122, 0x1c0003f, 0x3f, 0 } },
	{ 4, 2, { 0x1c004143, 0x1c0003f, 0x1ff, 0 } },
	{ 4, 3, { 0x1c03c163, 0x3c0003f, 0x1fff, 6 } },
	{ 5, 0, { 0x40, 0x40, 3, 0x42120 } },
	{ 6, 0, { 0x77, 2, 9, 0 } },
	{ 7, 0, { 0, 0x2fbb, 0, 0 } },
	{ 0xa, 0, { 0x7300403, 0, 0, 0x603 } },
	{ 0xd, 0, { 7, 832, 832, 0 } },
	{ 0xd, 1, { 0xf, 832, 0x100, 0 } },
	{ 0xd, 2, { 256, 576, 0, 0 } },
	{ 0x80000000, 0, { 0x80000008, 0, 0, 0 } },
	{ 0x80000001, 0, { 0, 0, 0x21, 0x2c100800 } },
	{ 0x80000008, 0, { 0x3027, 0, 0, 0 } },
};

/* QEMU's TCG "max" in 64 bits: AMD's vendor string and nearly everything. */
static const struct row tcg[] = {
	{ 0, 0, { 0xd, 0x68747541, 0x444d4163, 0x69746e65 } },
	{ 1, 0, { 0x663, 0x10800, 0xffffffff, 0xffffffff } },
	{ 7, 0, { 1, 0xffffffff, 0xffffffff, 0xffffffff } },
	{ 7, 1, { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff } },
	{ 0xd, 0, { 0x21f, 1088, 2696, 0 } },
	{ 0xd, 1, { 4, 0, 0, 0 } },
	{ 0xd, 2, { 256, 576, 0, 0 } },
	{ 0xd, 3, { 64, 960, 0, 0 } },
	{ 0xd, 9, { 8, 2688, 0, 0 } },
	{ 0x80000000, 0, { 0x8000001f, 0x68747541, 0x444d4163, 0x69746e65 } },
	{ 0x80000001, 0, { 0x663, 0, 0xffffffff, 0xffffffff } },
	{ 0x80000008, 0, { 0x3028, 0xffffffff, 0xffffffff, 0xffffffff } },
	{ 0x8000000a, 0, { 1, 16, 0, 0xffffffff } },
	{ 0x8000001f, 0, { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff } },
};

static const struct row *host_rows;
static unsigned host_n;

static void fake_host(u32 leaf, u32 subleaf, u32 out[4])
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = 0;
	for (unsigned i = 0; i < host_n; i++) {
		if (host_rows[i].leaf == leaf && host_rows[i].subleaf == subleaf) {
			for (unsigned j = 0; j < 4; j++)
				out[j] = host_rows[i].r[j];
		}
	}
}

static struct vm_config table[128];
static unsigned ntable;

static void build(const struct row *rows, unsigned n, unsigned ncpus, u32 features)
{
	struct hv_info info = { .features = features, .counter_hz = 2400000000 };

	host_rows = rows;
	host_n = n;
	ntable = cpuid_build(&info, ncpus, fake_host, table, ARRAY_SIZE(table));
	assert_in_range(ntable, 10, 64);
}

static const struct vm_config *find(u32 leaf, u32 subleaf)
{
	static const struct vm_config none;

	for (unsigned i = 0; i < ntable; i++) {
		if (table[i].leaf == leaf && (!table[i].match_subleaf || table[i].subleaf == subleaf))
			return &table[i];
	}
	return &none;
}

static void what_is_not_virtualized_is_hidden(void **state)
{
	build(tcg, ARRAY_SIZE(tcg), 1, HV_FEATURE_INVARIANT_TSC);
	/* MONITOR, VMX, SMX, EIST, PDCM, OSXSAVE */
	assert_int_equal(find(1, 0)->ecx & (BIT(3) | BIT(5) | BIT(6) | BIT(7) | BIT(15) | BIT(27)), 0);
	/* MCE, MCA, DS, HTT of one CPU */
	assert_int_equal(find(1, 0)->edx & (BIT(7) | BIT(14) | BIT(21) | BIT(28)), 0);
	assert_true(find(1, 0)->edx & BIT(16)); /* PAT */
	assert_int_equal(find(0xa, 0)->eax, 0);
	assert_int_equal(find(5, 0)->eax, 0);
	/* TSX, MPX, PT, SGX, INVPCID */
	assert_int_equal(find(7, 0)->ebx & (BIT(2) | BIT(4) | BIT(10) | BIT(11) | BIT(14) | BIT(25)), 0);
	/* PKU, WAITPKG, CET_SS, LA57, PKS */
	assert_int_equal(find(7, 0)->ecx & (BIT(3) | BIT(5) | BIT(7) | BIT(16) | BIT(31)), 0);
	/* UINTR, LBR, CET_IBT, AMX, the speculation MSRs */
	assert_int_equal(find(7, 0)->edx & (BIT(5) | BIT(19) | BIT(20) | BITS(25, 24) | BITS(31, 26)), 0);
	assert_int_equal(find(7, 0)->eax, 1);
	assert_int_equal(find(7, 1)->eax & BIT(22), 0);		/* HRESET */
	assert_int_equal(find(0x80000001, 0)->ecx & BIT(2), 0); /* SVM */
	assert_int_equal(find(0x80000000, 0)->eax, 0x80000008);
	assert_int_equal(find(0x8000000a, 0)->edx, 0);
	assert_int_equal(find(0x8000001f, 0)->eax, 0);
}

static void what_is_always_there_is_shown(void **state)
{
	build(haswell, ARRAY_SIZE(haswell), 1, 0);
	assert_int_equal(find(1, 0)->ecx & (BIT(21) | BIT(24) | BIT(31)), BIT(21) | BIT(24) | BIT(31));
	assert_int_equal(find(6, 0)->eax, 4);
	assert_int_equal(find(0, 0)->ebx, 0x756e6547);
	assert_int_equal(find(0x15, 0)->ecx, 2400000000u);
	assert_int_equal(find(0x16, 0)->eax, 2400);
	assert_int_equal(find(0x80000008, 0)->eax, 0x3027);
	assert_int_equal(find(0x80000007, 0)->edx, 0);
}

static void xsave_areas_fit_what_is_left(void **state)
{
	build(haswell, ARRAY_SIZE(haswell), 1, 0);
	assert_int_equal(find(0xd, 0)->eax, 7);
	assert_int_equal(find(0xd, 0)->ecx, 832);
	assert_int_equal(find(0xd, 1)->eax, 5); /* neither XSAVEC nor XSAVES */
	assert_true(find(7, 0)->ebx & BIT(5));
	build(tcg, ARRAY_SIZE(tcg), 1, 0);
	assert_int_equal(find(0xd, 0)->eax, 7); /* MPX and PKRU are gone */
	assert_int_equal(find(0xd, 0)->ecx, 832);
	assert_int_equal(find(0xd, 3)->eax, 0);
	assert_int_equal(find(7, 0)->ebx & BIT(16), 0); /* no AVX-512 without its state */
	assert_true(find(7, 0)->ebx & BIT(5));
}

static void without_avx_state_there_is_no_avx(void **state)
{
	struct row rows[ARRAY_SIZE(tcg)];

	for (unsigned i = 0; i < ARRAY_SIZE(tcg); i++) {
		rows[i] = tcg[i];
		if (rows[i].leaf == 0xd && rows[i].subleaf == 0)
			rows[i].r[0] = 3;
	}
	build(rows, ARRAY_SIZE(rows), 1, 0);
	assert_int_equal(find(1, 0)->ecx & (BIT(12) | BIT(28) | BIT(29)), 0);
	assert_true(find(1, 0)->ecx & BIT(26));
	assert_int_equal(find(7, 0)->ebx & BIT(5), 0);
	assert_int_equal(find(7, 0)->ecx & (BIT(9) | BIT(10)), 0);
	assert_int_equal(find(0xd, 0)->ecx, 576);
}

static void topology_has_the_vcpus(void **state)
{
	build(haswell, ARRAY_SIZE(haswell), 3, 0);
	assert_int_equal(find(1, 0)->ebx, 3 << 16 | 0x0800);
	assert_true(find(1, 0)->edx & BIT(28));
	assert_int_equal(find(0xb, 0)->ebx, 1);
	assert_int_equal(find(0xb, 1)->eax, 2);
	assert_int_equal(find(0xb, 1)->ebx, 3);
	assert_int_equal(find(0xb, 1)->ecx, 0x201);
	assert_int_equal(find(0xb, 2)->ebx, 0);
	assert_int_equal(find(4, 0)->eax >> 26, 3);
	assert_int_equal(find(4, 0)->eax >> 14 & 0xfff, 0); /* each its own first level */
	assert_int_equal(find(4, 3)->eax >> 14 & 0xfff, 3);
	assert_int_equal(find(4, 4)->eax, 0);
	build(tcg, ARRAY_SIZE(tcg), 3, 0);
	assert_int_equal(find(0x80000008, 0)->ecx, 0x2002);
	assert_int_equal(find(0x80000008, 0)->ebx, 5);
	assert_true(find(0x80000001, 0)->ecx & BIT(1));
}

static void kvm_leaves_offer_the_clock(void **state)
{
	build(tcg, ARRAY_SIZE(tcg), 1, HV_FEATURE_INVARIANT_TSC);
	assert_int_equal(find(0x40000000, 0)->ebx, 0x4b4d564b);
	assert_int_equal(find(0x40000000, 0)->eax, 0x40000010);
	assert_int_equal(find(0x40000001, 0)->eax, BIT(0) | BIT(1) | BIT(3) | BIT(6) | BIT(24));
	assert_int_equal(find(0x40000010, 0)->eax, 2400000);
	assert_int_equal(find(0x40000010, 0)->ebx, 2400000);
	assert_int_equal(find(0x80000007, 0)->edx, BIT(8));
	build(tcg, ARRAY_SIZE(tcg), 1, 0);
	assert_int_equal(find(0x40000001, 0)->eax & BIT(24), 0);
	build(tcg, ARRAY_SIZE(tcg), 1, HV_FEATURE_APIC_HW); /* its EOIs do not exit */
	assert_int_equal(find(0x40000001, 0)->eax & BIT(6), 0);
}

static void no_leaf_is_listed_twice(void **state)
{
	build(haswell, ARRAY_SIZE(haswell), 8, 0);
	for (unsigned i = 0; i < ntable; i++)
		assert_ptr_equal(find(table[i].leaf, table[i].subleaf), &table[i]);
}

static void a_small_array_is_refused_and_not_overrun(void **state)
{
	struct hv_info info = { .counter_hz = 2400000000 };
	struct vm_config small[5];

	host_rows = haswell;
	host_n = ARRAY_SIZE(haswell);
	for (unsigned i = 0; i <= ARRAY_SIZE(small); i++)
		assert_int_equal(cpuid_build(&info, 1, fake_host, small, i), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_virtualized_is_hidden),
		cmocka_unit_test(what_is_always_there_is_shown),
		cmocka_unit_test(xsave_areas_fit_what_is_left),
		cmocka_unit_test(without_avx_state_there_is_no_avx),
		cmocka_unit_test(topology_has_the_vcpus),
		cmocka_unit_test(kvm_leaves_offer_the_clock),
		cmocka_unit_test(no_leaf_is_listed_twice),
		cmocka_unit_test(a_small_array_is_refused_and_not_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
