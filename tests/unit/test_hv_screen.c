/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LINK: arch/host/mem.c arch/host/cpu.c arch/host/vcpu.c tests/unit/fake_hv.c tests/unit/fake_panic.c
 * LINK: hv/mem.c hv/vm.c hv/hypercall.c hv/call_vm.c hv/call_vcpu.c hv/exit.c hv/sched.c hv/smp.c hv/virq.c hv/trace.c hv/audit.c hv/service.c
 * LINK: drivers/uart/x86/ns16550.c drivers/uart/x86/debugcon.c hv/lib/ptab.c hv/lib/pool.c */
/* tests/unit/test_hv_screen.c: where the hypervisor takes a framebuffer, and where not; the log and a panic on it. */
#include "drivers/fb/fb.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "gen/fb_font.h"
#include "tests/unit/fake_hv.h"

#define HOLE 0xa0000UL /* no RAM, to 1 MiB */
#define ROWS 12

/* A machine with a screen of 320 by 200 at @base, which it has said it has. */
static void boot(u64 base)
{
	hv_boot();
	log_panicked = false;
	hv_boot_info.fb = (struct boot_framebuffer){ .base = base,
						     .pitch = 1280,
						     .width = 320,
						     .height = 200,
						     .bpp = 32,
						     .red_pos = 16,
						     .red_size = 8,
						     .green_pos = 8,
						     .green_size = 8,
						     .blue_size = 8 };
	screen_find(&hv_boot_info);
}

static int off(void **state)
{
	hv_off();
	return 0;
}

/* The character in a cell, 0 if it is none; @paper is the pixel in its corner, which no letter has. */
static char cell(u32 row, u32 col, u32 *paper)
{
	const u32 *p = (const u32 *)(host_machine + hv_boot_info.fb.base) + row * 16 * 320 + col * 8;
	u8 shape[16] = { 0 };

	*paper = p[0];
	for (u32 y = 0; y < 16; y++)
		for (u32 x = 0; x < 8; x++)
			if (p[y * 320 + x] != p[0])
				shape[y] |= (u8)(0x80 >> x);
	for (u32 c = 0; c < ARRAY_SIZE(fb_font); c++)
		if (memcmp(shape, fb_font[c], 16) == 0)
			return (char)(c + ' ');
	return 0;
}

static bool shows(u32 row, const char *text, u32 paper)
{
	u32 found;

	for (u32 col = 0; text[col]; col++)
		if (cell(row, col, &found) != text[col] || found != paper)
			return false;
	return true;
}

/* Is it in the last lines of the log? */
static bool logged(const char *text)
{
	const char *log = hv_log();
	size_t n = strlen(log);

	return strstr(log + (n > 200 ? n - 200 : 0), text);
}

static void refused(u64 base, const char *why)
{
	u64 mapped;

	boot(base);
	mapped = host_mapped_pages;
	screen_start();
	assert_int_equal(host_mapped_pages, mapped);
	assert_true(logged("trivet: no console on the screen ("));
	if (!logged(why))
		fail_msg("not '%s' but %s", why, hv_log());
	hv_off();
}

static void a_screen_that_is_not_where_one_can_be_is_refused(void **state)
{
	refused(0x2000000, "it lies in RAM");	     /* the service VM's */
	refused(HOST_IMAGE, "it lies in RAM");	     /* our image */
	refused(T_ACPI - 0x20000, "it lies in RAM"); /* a part of it */
	refused(T_ACPI + 0x1000, "firmware's tables");
	refused(HOST_DEVICE & ~0x3ffffUL, "interrupt controller");
	refused(1UL << 50, "it cannot be mapped");
	refused(~0UL - 0x80000 + 1, "it cannot be mapped"); /* ends below the top, but nothing is there */
	refused(~0UL - 0x1000 + 1, "makes no sense");	    /* its last page is 0 */
}

static void what_it_says_of_itself_is_checked_first(void **state)
{
	boot(HOLE);
	hv_boot_info.fb.bpp = 8;
	screen_start();
	assert_true(logged("neither 16, 24 nor 32 bits"));
}

static void none_is_not_worth_a_word(void **state)
{
	size_t before;

	boot(0);
	before = strlen(hv_log());
	screen_start();
	assert_int_equal(strlen(hv_log()), before);
}

static void the_log_appears_from_its_beginning(void **state)
{
	boot(HOLE);
	log_printf("\n\n\n\n\n\n\n\n\n\n\n\nan early line\n");
	screen_start();
	assert_true(host_mapped(HOLE) && host_mapped(HOLE + 1280 * 200 - 1));
	assert_false(host_mapped(HOLE + round_up(1280 * 200, PAGE_SIZE)));
	assert_true(shows(ROWS - 3, "an early line ", 0));
	/* longer than its lines */
	assert_true(shows(ROWS - 2, "trivet: screen of 320 by 200, 32 bits,", 0));
	log_printf("a later one\n");
	assert_true(shows(ROWS - 1, "a later one ", 0));
	assert_int_equal(mem_frame(HOLE), NULL); /* nobody's RAM */
	assert_int_equal(hv_audit(), 0);
}

static void die(const char *words)
{
	enum host_end how;

	host_end_armed = true;
	how = (enum host_end)setjmp(host_end);
	if (how == HOST_RUNS)
		hv_panic("%s", words);
	assert_int_equal(how, HOST_HALT);
}

static void a_panic_is_drawn_and_the_log_below_it(void **state)
{
	boot(HOLE);
	screen_start();
	log_printf("a\nb\nc\nd\ne\nf\nthe last words before\n");
	die("all is lost\n  registers");
	assert_true(shows(0, "TRIVET HAS STOPPED", 0xffffff));
	assert_true(shows(2, "trivet: PANIC: all is lost ", 0x600000));
	assert_true(shows(3, "  registers ", 0x600000));
	assert_true(shows(4, "The log before it", 0xffffff));
	assert_true(shows(ROWS - 1, "the last words before", 0x600000));
	assert_int_equal(host_dumps, 1);
}

/* Before the devices are known it has not been tried; and no lock is asked for. */
static void an_early_panic_tries_the_screen(void **state)
{
	boot(HOLE);
	die("too early");
	assert_true(shows(2, "trivet: PANIC: too early", 0x600000));
	boot(0x2000000);
	die("no screen either");
	assert_true(logged("it lies in RAM"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_screen_that_is_not_where_one_can_be_is_refused),
		cmocka_unit_test_teardown(what_it_says_of_itself_is_checked_first, off),
		cmocka_unit_test_teardown(none_is_not_worth_a_word, off),
		cmocka_unit_test_teardown(the_log_appears_from_its_beginning, off),
		cmocka_unit_test_teardown(a_panic_is_drawn_and_the_log_below_it, off),
		cmocka_unit_test_teardown(an_early_panic_tries_the_screen, off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
