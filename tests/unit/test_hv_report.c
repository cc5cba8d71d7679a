/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LINK: arch/host/mem.c arch/host/cpu.c arch/host/vcpu.c tests/unit/fake_hv.c tests/unit/fake_panic.c
 * LINK: hv/mem.c hv/vm.c hv/hypercall.c hv/call_vm.c hv/call_vcpu.c hv/exit.c hv/sched.c hv/smp.c hv/virq.c hv/trace.c hv/audit.c hv/service.c
 * LINK: hv/report.c drivers/uart/x86/ns16550.c drivers/uart/x86/debugcon.c hv/lib/ptab.c hv/lib/pool.c */
/* tests/unit/test_hv_report.c: the report of what the machine has: names in lines, JSON when it is asked for. */
#include "hv/vm.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "arch/iface/report.h"
#include "tests/unit/fake_hv.h"

static const char *cpu_name = "a CPU";
static unsigned items;

unsigned arch_report(const struct boot_info *bi, struct report_item *item)
{
	static const struct report_item some[] = {
		{ "first", "it is slow", true },
		{ "second", "it says \"no\" \\", false },
	};

	for (unsigned i = 0; i < items; i++)
		item[i] = some[i % 2];
	return items;
}

void arch_report_cpu(char text[REPORT_CPU])
{
	strcpy(text, cpu_name);
}

/* The log of a report with the command line @line. */
static const char *log_of(const char *line)
{
	static char text[8192];
	static struct boot_info bi;
	u64 begin = 0;

	while (log_copy(begin, text, 1)) /* what is there already */
		begin++;
	strcpy(bi.cmdline, line);
	strcpy(bi.loader, "a loader");
	report(&bi);
	text[log_copy(begin, text, sizeof(text) - 1)] = '\0';
	return text;
}

static int on(void **state)
{
	items = 2;
	cpu_name = "a CPU";
	hv_boot();
	return 0;
}

static int off(void **state)
{
	hv_off();
	return 0;
}

static void names_are_in_two_lines(void **state)
{
	assert_string_equal(log_of(""), "trivet: CPU: a CPU\ntrivet: found: first\ntrivet: not found: second\n");
	assert_null(strstr(log_of("reports noreport report="), "trivet-report"));
}

static void lines_end_before_they_are_too_long(void **state)
{
	const char *p;

	items = REPORT_ITEMS;
	for (p = log_of(""); *p; p = strchr(p, '\n') + 1)
		assert_true((size_t)(strchr(p, '\n') - p) <= 120);
	items = 0;
	assert_string_equal(log_of(""), "trivet: CPU: a CPU\n");
}

static void json_escapes_what_the_machine_says(void **state)
{
	const char *text, *json;

	cpu_name = "\"\\\x01\xff";
	text = log_of("quiet report");
	json = strstr(text, "trivet-report: {\"version\": 1, ");
	assert_non_null(strstr(text, "trivet: without second: it says"));
	assert_null(strstr(text, "trivet: without first"));
	assert_non_null(json);
	assert_non_null(strstr(json, "\"cpu\": \"\\\"\\\\??\""));
	assert_non_null(
		strstr(json, "{\"name\": \"second\", \"found\": false, \"without\": \"it says \\\"no\\\" \\\\\"}]}\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_are_in_two_lines, on, off),
		cmocka_unit_test_setup_teardown(lines_end_before_they_are_too_long, on, off),
		cmocka_unit_test_setup_teardown(json_escapes_what_the_machine_says, on, off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
