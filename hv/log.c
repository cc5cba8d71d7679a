/* SPDX-License-Identifier: Apache-2.0 */
/* hv/log.c: the hypervisor's own text: a ring that the service VM can read, and the early console. And panic. */
#include "drivers/uart/uart.h"
#include "hv/lib/print.h"
#include "hv/vm.h"

#define LOG_SIZE 8192

static char log_ring[LOG_SIZE];
static u64 log_written;
static bool log_panicked;

static bool log_ready;

void log_init(const struct boot_info *bi)
{
	for (unsigned i = 0; uart_drivers[i]; i++)
		uart_drivers[i]->init(bi);
	log_ready = true;
}

void log_map(void)
{
	for (unsigned i = 0; uart_drivers[i]; i++)
		if (uart_drivers[i]->map)
			uart_drivers[i]->map();
}

static void log_uart(char c)
{
	if (!log_ready)
		log_init(NULL);
	for (unsigned i = 0; uart_drivers[i]; i++)
		uart_drivers[i]->putc(c);
}

static void log_sink(void *ctx, char c)
{
	log_ring[log_written++ % LOG_SIZE] = c;
	if (c == '\n')
		log_uart('\r');
	log_uart(c);
}

void log_printf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprint(log_sink, NULL, fmt, ap);
	va_end(ap);
}

size_t log_copy(u64 offset, char *buf, size_t size)
{
	u64 first = log_written > LOG_SIZE ? log_written - LOG_SIZE : 0;
	size_t n = 0;

	for (u64 at = MAX(offset, first); at < log_written && n < size; at++)
		buf[n++] = log_ring[at % LOG_SIZE];
	return n;
}

void panic(const char *fmt, ...)
{
	va_list ap;

	if (log_panicked)
		arch_halt();
	log_panicked = true;
	log_printf("\ntrivet: PANIC: ");
	va_start(ap, fmt);
	vprint(log_sink, NULL, fmt, ap);
	va_end(ap);
	log_printf("\n");
	arch_dump();
	arch_halt();
}
