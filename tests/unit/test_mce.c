/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_mce.c: machine-check banks of plain memory, with all that they may say.
 * LINK: tests/unit/fake_panic.c */
#define ARCH_X86_CPU_H /* the CPU is below */
#include "hv/abi/types.h"
#include "hv/lib/util.h"

#define BANKS 40

static u64 mcg_cap, mcg_ctl, bank[BANKS][4]; /* CTL, STATUS, ADDR, MISC */
static bool has_mce, has_cap;

struct cpuid {
	u32 eax, ebx, ecx, edx;
};

static struct cpuid cpuid(u32 leaf, u32 sub)
{
	return (struct cpuid){ .edx = leaf == 1 && has_mce ? BIT(7) | BIT(14) : 0 };
}

static u64 *msr(u32 n)
{
	if (n == 0x179)
		return &mcg_cap;
	if (n == 0x17b)
		return &mcg_ctl;
	return n >= 0x400 && n < 0x480 ? &bank[(n - 0x400) / 4][n % 4] : NULL;
}

static u64 rdmsr(u32 n);
static void wrmsr(u32 n, u64 v);
static bool rdmsr_safe(u32 n, u64 *v);

#include "arch/x86/mce.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static char said[8192];

static u64 rdmsr(u32 n)
{
	assert_non_null(msr(n));
	return *msr(n);
}

static void wrmsr(u32 n, u64 v)
{
	assert_non_null(msr(n));
	*msr(n) = v;
}

static bool rdmsr_safe(u32 n, u64 *v)
{
	if (!has_cap && n == 0x179)
		return false;
	*v = rdmsr(n);
	return true;
}

void log_printf(const char *fmt, ...)
{
	size_t n = strlen(said);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(said + n, sizeof(said) - n, fmt, ap);
	va_end(ap);
}

static int fresh(void **state)
{
	memset(bank, 0, sizeof(bank));
	said[0] = '\0';
	mcg_cap = 10 | BIT(8);
	mcg_ctl = 0;
	has_mce = has_cap = true;
	return 0;
}

static void banks_are_switched_on_and_what_they_held_is_told(void **state)
{
	bank[3][1] = STATUS_VALID | STATUS_UC | STATUS_PCC | STATUS_ADDRV | 0x9f;
	bank[3][2] = 0x1234000;
	bank[3][3] = 0x55;		/* not said to be valid */
	bank[5][1] = STATUS_UC | 0x152; /* not valid at all */
	x86_mce_init();
	assert_string_equal(
		said, "trivet: a machine check of before this start: bank 3: uncorrected, the CPU's state is lost, "
		      "memory controller, status a60000000000009f address 1234000 misc 0\n");
	assert_int_equal(mcg_ctl, ~0UL);
	for (unsigned n = 0; n < 10; n++) {
		assert_int_equal(bank[n][0], ~0UL);
		assert_int_equal(bank[n][1], 0);
	}
	assert_int_equal(bank[10][0], 0);
}

static void a_cpu_without_them_is_left_alone(void **state)
{
	has_mce = false;
	x86_mce_init();
	has_mce = true;
	has_cap = false; /* a hypervisor below, or Bochs */
	x86_mce_init();
	has_cap = true;
	mcg_cap = 2; /* no MCG_CTL */
	x86_mce_init();
	assert_int_equal(mcg_ctl, 0);
	assert_int_equal(bank[1][0], ~0UL);
	assert_int_equal(bank[2][0], 0);
	assert_string_equal(said, "");
}

static void more_banks_than_msrs_are_not_touched(void **state)
{
	mcg_cap = 0xff | BIT(8);
	x86_mce_init();
	assert_int_equal(bank[31][0], ~0UL);
}

static void the_class_is_that_of_the_highest_bit(void **state)
{
	static const struct {
		u64 code;
		const char *text;
	} of[] = { { 0x0001, "simple" },   { 0x000e, "generic cache" },
		   { 0x0019, "TLB" },	   { 0x009f, "memory controller" },
		   { 0x0152, "cache" },	   { 0x1152, "cache" },
		   { 0x0400, "internal" }, { 0x0e0b, "bus or interconnect" } };

	for (unsigned i = 0; i < ARRAY_SIZE(of); i++)
		assert_string_equal(mce_class(STATUS_VALID | 0xabcd0000 | of[i].code), of[i].text);
}

static void only_uncorrected_ones_are_why_a_guest_shut_down(void **state)
{
	char text[MCE_TOLD * 160];

	bank[0][1] = STATUS_VALID | 0x152;
	x86_mce_check("in a guest"); /* a panic would fail the test */
	assert_false(mce_tell(text, sizeof(text), STATUS_UC));
	bank[9][1] = STATUS_VALID | STATUS_UC | 0x152;
	assert_true(mce_tell(text, sizeof(text), STATUS_UC));
	assert_string_equal(text, "bank 9: uncorrected, cache, status a000000000000152 address 0 misc 0");
}

static void all_banks_at_once_fit(void **state)
{
	char text[MCE_TOLD * 160 + 1];

	for (unsigned n = 0; n < 10; n++) {
		memset(bank[n], 0xff, sizeof(bank[n]));
		bank[n][1] &= ~(u64)0xffff;
	}
	text[MCE_TOLD * 160] = 'x';
	for (size_t size = 1; size <= MCE_TOLD * 160; size++) {
		assert_true(mce_tell(text, size, ~0UL));
		assert_true(strlen(text) < size);
	}
	assert_int_equal(text[MCE_TOLD * 160], 'x');
	assert_non_null(strstr(
		text, "\n  bank 3: uncorrected, the CPU's state is lost, others before it were lost, simple, status"));
	assert_null(strstr(text, "bank 4"));
}

#define T(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(banks_are_switched_on_and_what_they_held_is_told),
		T(a_cpu_without_them_is_left_alone),
		T(more_banks_than_msrs_are_not_touched),
		T(the_class_is_that_of_the_highest_bit),
		T(only_uncorrected_ones_are_why_a_guest_shut_down),
		T(all_banks_at_once_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
