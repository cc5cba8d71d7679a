/* SPDX-License-Identifier: Apache-2.0 */
/* hv/report.c: what the machine has and lacks, in two lines; with the word "report" on the command line, all of it. */
#include "arch/iface/report.h"
#include "hv/lib/print.h"
#include "hv/lib/string.h"
#include "hv/vm.h"

#define REPORT_WIDTH 110

/* Is @word on the command line, by itself? */
static bool report_asked(const char *line, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = strstr(line, word); p; p = strstr(p + 1, word))
		if ((p == line || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
			return true;
	return false;
}

/* The names of those that are @found or not, in lines. */
static void report_names(const struct report_item *item, unsigned n, bool found, const char *head)
{
	size_t column = 0;

	for (unsigned i = 0; i < n; i++) {
		size_t len = strlen(item[i].name) + 2;

		if (item[i].found != found)
			continue;
		if (column == 0 || column + len > REPORT_WIDTH) {
			log_printf("%strivet: %s %s", column ? "\n" : "", head, item[i].name);
			column = strlen(head) + 9;
		} else {
			log_printf(", %s", item[i].name);
		}
		column += len;
	}
	if (column)
		log_printf("\n");
}

/* JSON (RFC 8259, 7). What comes from the machine may be anything. */
static void report_string(const char *s)
{
	log_printf("\"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			log_printf("\\");
		log_printf("%c", *s >= ' ' && *s < 0x7f ? *s : '?');
	}
	log_printf("\"");
}

static void report_json(const struct boot_info *bi, const struct report_item *item, unsigned n, const char *cpu)
{
	unsigned up = 0;

	for (unsigned i = 0; i < BOOT_MAX_CPUS; i++)
		up += cpus[i] != NULL;
	log_printf("trivet-report: {\"version\": 1, \"machine\": ");
	report_string(arch_machine_name());
	log_printf(", \"cpu\": ");
	report_string(cpu);
	log_printf(", \"loader\": ");
	report_string(bi->loader);
	log_printf(", \"mhz\": %lu, \"memory_mib\": %lu, \"kept_kib\": %lu, \"cpus\": %u, \"cpus_up\": %u, "
		   "\"features\": [",
		   arch_counter_hz() / 1000000, mem_ram_bytes() >> 20, mem_own_bytes() >> 10, arch_cpu_count(), up);
	for (unsigned i = 0; i < n; i++) {
		log_printf("%s{\"name\": ", i ? ", " : "");
		report_string(item[i].name);
		log_printf(", \"found\": %s, \"without\": ", item[i].found ? "true" : "false");
		report_string(item[i].without);
		log_printf("}");
	}
	log_printf("]}\n");
}

void report(const struct boot_info *bi)
{
	struct report_item item[REPORT_ITEMS];
	unsigned n = arch_report(bi, item);
	char cpu[REPORT_CPU];

	arch_report_cpu(cpu);
	log_printf("trivet: CPU: %s\n", cpu);
	report_names(item, n, true, "found:");
	report_names(item, n, false, "not found:");
	if (!report_asked(bi->cmdline, "report"))
		return;
	for (unsigned i = 0; i < n; i++)
		if (!item[i].found)
			log_printf("trivet: without %s: %s\n", item[i].name, item[i].without);
	report_json(bi, item, n, cpu);
}
