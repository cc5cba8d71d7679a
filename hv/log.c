/* SPDX-License-Identifier: Apache-2.0 */
/* hv/log.c: the hypervisor's own text: a ring that the service VM can read, and the early console. And panic. */
#include "drivers/fb/fb.h"
#include "drivers/uart/uart.h"
#include "hv/lib/print.h"
#include "hv/vm.h"

#define LOG_SIZE 8192

static char log_ring[LOG_SIZE];
static u64 log_written;
bool log_panicked;
static u32 log_lock; /* a leaf: nothing is waited for while it is held */

static bool log_ready;
static const void *log_owner; /* the block of the CPU that has panicked: no other has anything left to say */

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
	if (unlikely(log_panicked) && log_owner && log_owner != arch_cpu_block())
		arch_halt();
	log_ring[log_written++ % LOG_SIZE] = c;
	if (c == '\n')
		log_uart('\r');
	log_uart(c);
	if (!log_panicked)
		fb_putc(c);
}

void log_printf(const char *fmt, ...)
{
	va_list ap;

	/* A panic does not ask who holds it. */
	while (__atomic_exchange_n(&log_lock, 1, __ATOMIC_ACQUIRE) && !log_panicked)
		arch_cpu_relax();
	va_start(ap, fmt);
	vprint(log_sink, NULL, fmt, ap);
	va_end(ap);
	__atomic_store_n(&log_lock, 0, __ATOMIC_RELEASE);
}

u64 log_begin(void)
{
	return log_written > LOG_SIZE ? log_written - LOG_SIZE : 0;
}

u64 log_end(void)
{
	return log_written;
}

size_t log_copy(u64 offset, char *buf, size_t size)
{
	size_t n = 0;

	for (u64 at = MAX(offset, log_begin()); at < log_written && n < size; at++)
		buf[n++] = log_ring[at % LOG_SIZE];
	return n;
}

void panic(const char *fmt, ...)
{
	struct cpu *o;
	u64 from = log_written;
	va_list ap;

	if (__atomic_exchange_n(&log_panicked, true, __ATOMIC_SEQ_CST))
		arch_halt();
	log_owner = arch_cpu_block();
	/* The others stop, each when it looks: smp_serve_now. */
	for_each_other_cpu (o, this_cpu(), n) {
		__atomic_store_n(&o->call, true, __ATOMIC_RELEASE);
		arch_cpu_kick(o->hw);
	}
	log_printf("\ntrivet: PANIC: ");
	va_start(ap, fmt);
	vprint(log_sink, NULL, fmt, ap);
	va_end(ap);
	log_printf("\n");
	arch_dump();
	screen_panic(from); /* last: the serial line has got it all, should this fail */
	arch_halt();
}
