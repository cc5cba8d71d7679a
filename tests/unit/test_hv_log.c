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
static char calls[64], text[2][8192];
static unsigned ncalls, ntext[2];
static const struct boot_info *known;

static void note(char c)
{
	calls[ncalls++ % (sizeof(calls) - 1)] = c;
}

static void first_init(struct boot_info *bi)
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

static void second_init(struct boot_info *bi)
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

/* The consoles' text since the last call of on(). */
static const char *said(void)
{
	return text[0];
}

static void restart(void **state)
{
	hv_log_restart();
	(void)on(state);
	log_keep();
}

static void power_on(void **state)
{
	hv_boot();
	(void)on(state);
	log_keep();
}

static void a_fresh_memory_has_no_last_words(void **state)
{
	power_on(state);
	assert_string_equal(said(), "");
}

static void what_ended_in_silence_is_told(void **state)
{
	power_on(state);
	for (unsigned i = 0; i < 8; i++)
		log_printf("line %u\n", i);
	log_printf("half a");
	restart(state);
	assert_string_equal(said(),
			    "trivet: the last start ended in silence. Its last words:\r\n"
			    "| line 2\r\n| line 3\r\n| line 4\r\n| line 5\r\n| line 6\r\n| line 7\r\n| half a\r\n");
	assert_non_null(strstr(hv_log(), "| half a\n")); /* the service VM can read it, too */
}

static void what_was_closed_is_not_told(void **state)
{
	power_on(state);
	log_printf("line\n");
	log_close();
	restart(state);
	assert_string_equal(said(), "");
}

static void a_panic_is_told_with_what_was_before_it(void **state)
{
	enum host_end how;

	power_on(state);
	log_printf("one\ntwo\n");
	host_end_armed = true;
	how = (enum host_end)setjmp(host_end);
	if (how == HOST_RUNS)
		hv_panic("page %x", 0x5e);
	assert_int_equal(how, HOST_HALT);
	restart(state);
	assert_string_equal(said(), "trivet: the last start ended in a panic. Its last words:\r\n"
				    "| one\r\n| two\r\n| \r\n| trivet: PANIC: page 5e\r\n");
	hv_off();
}

/* Longer than the ring is, and than what is told. */
static void a_long_log_is_told_in_part(void **state)
{
	const char *p;

	power_on(state);
	for (unsigned i = 0; i < 3000; i++)
		log_printf("%04u", i);
	restart(state);
	p = strchr(said(), '|');
	assert_non_null(p);
	assert_int_equal(strlen(p), 2 + 3072 + 2);
	assert_int_equal(p[2] - '0', 0); /* of 12,000 characters the oldest that are kept: from 3,840 on */
	assert_memory_equal(p + 2, "09600961", 8);
}

/* Whatever memory holds: nothing but text is said, and nothing is read that is not the ring. */
static void memory_may_be_anything(void **state)
{
	u64 *word;

	for (unsigned n = 0; n < 2000; n++) {
		power_on(state);
		log_printf("line\n");
		word = mem_log();
		for (unsigned i = 8; i < LOG_BYTES / 8; i++)
			word[i] = (u64)hv_random() << 32 | hv_random();
		word[1] = n & 1 ? (u64)hv_random() << 32 | hv_random() : hv_random() % 20000;
		word[2] = n & 2 ? (u64)hv_random() << 32 | hv_random() : hv_random() % 20000;
		word[3] = 1 + n % 5;
		if (n % 7 == 0)
			word[1] = ~0UL - n % 3;
		restart(state);
		assert_int_equal(*said() != 0, n % 5 == 0 || n % 5 == 2);
		for (const char *p = said(); *p; p++)
			assert_true((*p >= ' ' && *p <= '~') || *p == '\n' || *p == '\r');
	}
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
		T(a_fresh_memory_has_no_last_words),
		T(what_ended_in_silence_is_told),
		T(what_was_closed_is_not_told),
		T(a_panic_is_told_with_what_was_before_it),
		T(a_long_log_is_told_in_part),
		T(memory_may_be_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
