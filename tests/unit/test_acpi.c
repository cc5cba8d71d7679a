/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: boot/acpi.c */
/* tests/unit/test_acpi.c: ACPI tables, whole, cut off and mutated. */
#include "boot/acpi.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_phys.h"
#include "hv/lib/util.h"

static struct boot_platform out;

static void sum(u32 at, u32 len, u32 field)
{
	u8 s = 0;

	phys[at + field] = 0;
	for (u32 i = 0; i < len; i++)
		s += phys[at + i];
	phys[at + field] = (u8)-s;
}

static void table(u32 at, const char *sig, u32 len)
{
	memcpy(phys + at, sig, 4);
	phys_put(at + 4, len, 4);
	sum(at, len, 9);
}

static void build(void)
{
	static const u8 s5[] = { 0x08, '_', 'S', '5', '_', 0x12, 6, 4, 0x0a, 5, 0, 0, 0 };

	phys_free();
	memset(phys, 0, sizeof(phys));
	memcpy(phys + 16, "RSD PTR ", 8);
	phys[16 + 15] = 2;
	phys_put(16 + 20, 36, 4);
	phys_put(16 + 24, PHYS_BASE + 64, 8);
	sum(16, 20, 8);
	sum(16, 36, 32);
	phys_put(64 + 36, PHYS_BASE + 256, 8);
	phys_put(64 + 44, PHYS_BASE + 512, 8);
	table(64, "XSDT", 52);
	phys_put(256 + 36, 0xfee00000, 4);
	memcpy(phys + 256 + 44, "\0\10\0\3\1\0\0\0", 8);	      /* CPU 3       */
	memcpy(phys + 256 + 52, "\0\10\0\4\0\0\0\0", 8);	      /* 4, disabled */
	memcpy(phys + 256 + 60, "\1\14\7\0\0\0\300\376\0\0\0\0", 12); /* I/O APIC    */
	memcpy(phys + 256 + 72, "\2\12\0\11\11\0\0\0\17\0", 10);      /* IRQ 9       */
	table(256, "APIC", 82);
	phys[512 + 8] = 3;
	phys_put(512 + 40, PHYS_BASE + 1024, 4);
	phys_put(512 + 64, 0x604, 4);
	phys_put(512 + 76, 0x608, 4);
	phys_put(512 + 109, 2, 2);
	phys_put(512 + 112, 1 << 10, 4);
	phys[512 + 116] = 1;
	phys_put(512 + 120, 0xcf9, 8);
	phys[512 + 128] = 6;
	table(512, "FACP", 244);
	memcpy(phys + 1024 + 36, s5, sizeof(s5));
	table(1024, "DSDT", 36 + sizeof(s5));
}

static void the_tables_are_read(void **state)
{
	build();
	assert_int_equal(acpi_find_rsdp(phys_map, PHYS_BASE, 1024), PHYS_BASE + 16);
	assert_int_equal(acpi_parse_at(PHYS_BASE + 16, phys_map, phys_warn, &out), OK);
	assert_int_equal(warnings, 0);
	assert_int_equal(out.lapic_base, 0xfee00000);
	assert_int_equal(out.ncpus, 1);
	assert_int_equal(out.cpu_id[0], 3);
	assert_int_equal(out.nirqchips, 1);
	assert_int_equal(out.irqchip[0].base, 0xfec00000);
	assert_int_equal(out.override[0].gsi, 9);
	assert_true(out.override[0].level && out.override[0].active_low);
	assert_int_equal(out.pm1a_cnt_port, 0x604);
	assert_int_equal(out.pm_timer_port, 0x608);
	assert_int_equal(out.reset_port, 0xcf9);
	assert_int_equal(out.reset_value, 6);
	assert_int_equal(out.has_8042, 1);
	assert_true(out.s5_valid);
	assert_int_equal(out.s5_slp_typa, 5);
}

/* The tables with a console at @port, whose interrupt is of type @how. */
static void spcr(u8 type, u8 space, u64 port, u8 how, u8 baud)
{
	build();
	phys_put(64 + 44, PHYS_BASE + 1536, 8); /* in the FADT's place */
	table(64, "XSDT", 52);
	phys[1536 + 8] = 2;
	phys[1536 + 36] = type;
	phys[1536 + 40] = space;
	phys_put(1536 + 44, port, 8);
	phys[1536 + 52] = how;
	phys[1536 + 53] = 3;
	phys_put(1536 + 54, 19, 4);
	phys[1536 + 58] = baud;
	table(1536, "SPCR", 80);
	warnings = 0;
	assert_int_equal(acpi_parse_at(PHYS_BASE + 16, phys_map, phys_warn, &out), OK);
}

static void the_console_is_that_of_the_spcr(void **state)
{
	spcr(0, 1, 0x2f8, 1, 7);
	assert_int_equal(warnings, 0);
	assert_int_equal(out.serial.port, 0x2f8);
	assert_int_equal(out.serial.divisor, 1);
	assert_int_equal(out.serial.irq_kind, BOOT_IRQ_ISA);
	assert_int_equal(out.serial.irq, 3);
	spcr(0x12, 1, 0xe000, 3, 3);
	assert_int_equal(out.serial.divisor, 12);
	assert_int_equal(out.serial.irq_kind, BOOT_IRQ_GSI);
	assert_int_equal(out.serial.irq, 19);
	spcr(1, 1, 0x3f8, 0, 0); /* polled, at firmware's speed */
	assert_int_equal(out.serial.divisor, 0);
	assert_int_equal(out.serial.irq_kind, BOOT_IRQ_NONE);
	spcr(1, 1, 0x3f8, 8, 200);
	assert_int_equal(out.serial.divisor, 0);
}

static void a_console_that_we_cannot_drive_is_told(void **state)
{
	static const struct {
		u8 type, space;
		u64 port;
	} bad[] = { { 3, 0, 0x9000000 }, { 0, 0, 0xfe000000 },	{ 0x12, 0, 0xfe000000 }, { 0, 1, 0 },
		    { 0, 1, 0xfff9 },	 { 0, 1, 0x100000000 }, { 2, 1, 0x3f8 } };

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		spcr(bad[i].type, bad[i].space, bad[i].port, 1, 7);
		assert_int_equal(warnings, 1);
		assert_int_equal(out.serial.port, 0);
	}
	spcr(0, 1, 0x2f8, 1, 7);
	table(1536, "SPCR", 79);
	warnings = 0;
	assert_int_equal(acpi_parse_at(PHYS_BASE + 16, phys_map, phys_warn, &out), OK);
	assert_int_equal(warnings, 1);
	assert_int_equal(out.serial.port, 0);
}

static void memory_cut_off_anywhere_does_no_harm(void **state)
{
	for (size_t n = 0; n < 1200; n++) {
		build();
		phys_len = n;
		assert_int_equal(acpi_parse_at(PHYS_BASE + 16, phys_map, phys_warn, &out), n < 116 ? ERR_FORMAT : OK);
	}
	phys_free();
}

static void mutations_do_no_harm(void **state)
{
	u32 x = 1;

	for (int i = 0; i < 20000; i++) {
		build();
		for (int k = 0; k < 4; k++) {
			x = x * 1664525 + 1013904223;
			phys[64 + (x >> 8) % 1100] = (u8)(x >> 24);
		}
		sum(64, 52, 9); /* lengths lie, checksums hold */
		sum(256, 82, 9);
		sum(512, 244, 9);
		(void)!acpi_parse_at(PHYS_BASE + 16, phys_map, phys_warn, &out);
		assert_true(out.ncpus <= BOOT_MAX_CPUS && out.nirqchips <= BOOT_MAX_IRQCHIPS);
	}
	phys_free();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tables_are_read),
		cmocka_unit_test(the_console_is_that_of_the_spcr),
		cmocka_unit_test(a_console_that_we_cannot_drive_is_told),
		cmocka_unit_test(memory_cut_off_anywhere_does_no_harm),
		cmocka_unit_test(mutations_do_no_harm),
	};

	return cmocka_run_group_tests_name("acpi", tests, NULL, NULL);
}
