/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LINK: arch/host/mem.c arch/host/cpu.c arch/host/vcpu.c tests/unit/fake_hv.c tests/unit/fake_panic.c
 * LINK: hv/mem.c hv/vm.c hv/hypercall.c hv/call_vm.c hv/call_vcpu.c hv/exit.c hv/sched.c hv/smp.c hv/virq.c hv/trace.c hv/audit.c hv/service.c
 * LINK: hv/lib/ptab.c hv/lib/pool.c */
/* tests/unit/test_hv_log.c: the hypervisor's words reach every console, from before the first of them is known. */
#include "hv/lib/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "drivers/uart/uart.h"
#include "tests/unit/fake_hv.h"

/* What has been asked of the consoles, a letter each, and of the text. */
static char calls[64], text[2][64];
static unsigned ncalls, ntext[2];
static const struct boot_info *known;

static void note(char c)
{
	calls[ncalls++ % (sizeof(calls) - 1)] = c;
}

static void first_init(const struct boot_info *bi)
{
	note('i');
	known = bi;
}

static void first_putc(char c)
{
	text[0][ntext[0]++ % (sizeof(text[0]) - 1)] = c;
}

static void first_map(void)
{
	note('m');
}

static void second_init(const struct boot_info *bi)
{
	note('I');
	assert_ptr_equal(bi, known);
}

static void second_putc(char c)
{
	text[1][ntext[1]++ % (sizeof(text[1]) - 1)] = c;
}

static const struct uart_driver first = { "memory", first_init, first_putc, first_map };
static const struct uart_driver second = { "ports", second_init, second_putc, NULL };
const struct uart_driver *const uart_drivers[] = { &first, &second, NULL };

static int on(void **state)
{
	memset(calls, 0, sizeof(calls));
	memset(text, 0, sizeof(text));
	ncalls = ntext[0] = ntext[1] = 0;
	known = (const void *)calls; /* neither of those below */
	return 0;
}

/* The first of these tests: there is no way back from here. */
static void words_before_anything_is_known_start_the_consoles_once(void **state)
{
	log_printf("a");
	assert_string_equal(calls, "iI");
	assert_null(known);
	log_printf("b");
	assert_string_equal(calls, "iI");
	assert_string_equal(text[0], "ab");
	assert_string_equal(text[1], "ab");
}

static void consoles_are_started_with_what_is_known(void **state)
{
	log_init(&hv_boot_info);
	assert_string_equal(calls, "iI");
	assert_ptr_equal(known, &hv_boot_info);
	log_printf("c");
	assert_string_equal(calls, "iI");
	log_init(NULL); /* each loader says what it knows */
	assert_string_equal(calls, "iIiI");
	assert_null(known);
}

static void only_consoles_in_memory_are_mapped(void **state)
{
	log_map();
	assert_string_equal(calls, "m");
}

static void lines_end_for_terminals_too(void **state)
{
	log_printf("one\n%s\n", "two");
	assert_string_equal(text[0], "one\r\ntwo\r\n");
	assert_string_equal(text[1], text[0]);
	assert_non_null(strstr(hv_log(), "one\ntwo\n")); /* the ring's readers are programs */
}

static void last_words_reach_every_console(void **state)
{
	enum host_end how;

	hv_boot();
	(void)on(state);
	host_end_armed = true;
	how = (enum host_end)setjmp(host_end);
	if (how == HOST_RUNS)
		hv_panic("page %x", 0x5e);
	assert_int_equal(how, HOST_HALT);
	assert_string_equal(text[0], "\r\ntrivet: PANIC: page 5e\r\n");
	assert_string_equal(text[1], text[0]);
	assert_int_equal(host_dumps, 1);
	hv_off();
}

#define T(f) cmocka_unit_test_setup(f, on)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(words_before_anything_is_known_start_the_consoles_once),
		T(consoles_are_started_with_what_is_known),
		T(only_consoles_in_memory_are_mapped),
		T(lines_end_for_terminals_too),
		T(last_words_reach_every_console),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
