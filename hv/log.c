/* SPDX-License-Identifier: Apache-2.0 */
/* hv/log.c: the hypervisor's own text: a ring that the service VM can read, and the early console. And panic. */
#include "arch/iface/mem.h"
#include "drivers/fb/fb.h"
#include "drivers/uart/uart.h"
#include "hv/lib/print.h"
#include "hv/vm.h"

#define LOG_MAGIC 0x676f4c7465766972UL
#define LOG_LINES 6	/* that are told of a start which ended in silence, or before its panic */
#define LOG_WORDS 3072u /* characters that are told at most */

enum log_end { LOG_RUNS = 1, LOG_CLOSED, LOG_PANIC };

/* Also read after a reset, when it may be anything: then the numbers lead nowhere but into the text. */
struct log_ring {
	u64 magic;
	u64 written;
	u64 panic; /* LOG_PANIC: written, before it */
	u64 end;   /* enum log_end */
	char text[LOG_BYTES - 32];
};
static_assert(sizeof(struct log_ring) == LOG_BYTES, "what mem_log gives");
#define LOG_SIZE sizeof(((struct log_ring *)0)->text)

static struct log_ring log_early;
static struct log_ring *log_ring = &log_early;
bool log_panicked;
static u32 log_lock; /* a leaf: nothing is waited for while it is held */

static bool log_ready;
static const void *log_owner; /* the block of the CPU that has panicked: no other has anything left to say */

void log_init(struct boot_info *bi)
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
	log_ring->text[log_ring->written++ % LOG_SIZE] = c;
	if (c == '\n') {
		if (log_ring != &log_early)
			arch_mem_clean(log_ring, sizeof(*log_ring));
		log_uart('\r');
	}
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
	return log_ring->written > LOG_SIZE ? log_ring->written - LOG_SIZE : 0;
}

u64 log_end(void)
{
	return log_ring->written;
}

size_t log_copy(u64 offset, char *buf, size_t size)
{
	size_t n = 0;

	for (u64 at = MAX(offset, log_begin()); at < log_ring->written && n < size; at++)
		buf[n++] = log_ring->text[at % LOG_SIZE];
	return n;
}

static char log_at(const struct log_ring *r, u64 at)
{
	char c = r->text[at % LOG_SIZE];

	return c == '\n' || (c >= ' ' && c <= '~') ? c : '.';
}

/* What the last start left in @r. */
static COLD void log_last_words(const struct log_ring *r)
{
	u64 end = r->written, at = r->end == LOG_PANIC ? MIN(r->panic, end) : end, oldest;
	unsigned lines = 0;
	bool begin = true;

	oldest = MAX(end, LOG_SIZE) - LOG_SIZE;
	at = MAX(at, oldest);
	while (at > oldest && (log_at(r, at - 1) != '\n' || lines++ < LOG_LINES))
		at--;
	log_printf("trivet: the last start ended %s. Its last words:\n",
		   r->end == LOG_PANIC ? "in a panic" : "in silence");
	for (end = MIN(end, at + LOG_WORDS); at < end; at++) {
		char c = log_at(r, at);

		log_printf(begin ? "| %c" : "%c", c);
		begin = c == '\n';
	}
	if (!begin)
		log_printf("\n");
}

void log_keep(void)
{
	struct log_ring *r = mem_log();

	if (r->magic == LOG_MAGIC && (r->end == LOG_RUNS || r->end == LOG_PANIC))
		log_last_words(r);
	log_early.magic = LOG_MAGIC;
	log_early.end = LOG_RUNS;
	*r = log_early;
	log_ring = r;
}

void log_close(void)
{
	log_ring->end = LOG_CLOSED;
	arch_mem_clean(log_ring, sizeof(*log_ring));
}

void panic(const char *fmt, ...)
{
	struct cpu *o;
	u64 from = log_ring->written;
	va_list ap;

	if (__atomic_exchange_n(&log_panicked, true, __ATOMIC_SEQ_CST))
		arch_halt();
	log_owner = arch_cpu_block();
	log_ring->panic = from;
	log_ring->end = LOG_PANIC;
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
