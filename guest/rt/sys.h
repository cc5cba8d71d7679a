/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/sys.h: what only the program itself and its drivers use of the runtime; device models have rt.h. */
#ifndef GUEST_RT_SYS_H
#define GUEST_RT_SYS_H

#include "guest/rt/cpu.h"
#include "guest/rt/rt.h"

struct hv_info;

/* A device interrupt. It belongs to whoever embeds it; EVENT_IRQ's cookie is its address. */
struct irq_handler {
	void (*fn)(struct irq_handler *);
	u32 gsi;
	u32 flags; /* IRQ_* of hv/abi/hypercall.h */
};

/** Have h->fn called from the event loop for the interrupt h->gsi. The hypervisor's errors. */
MUST_CHECK status_t irq_attach(struct irq_handler *h);
/** It has been served: let it come again. */
void irq_done(struct irq_handler *h);

/** Set the clock's rate, in counter ticks a second, and its zero to now. */
void time_init(u64 counter_hz);
/** The counter value at which time_ns() has reached @ns. */
u64 time_to_counter(u64 ns);
/** @ns nanoseconds in counter ticks. */
u64 time_ticks(u64 ns);
/** Seconds since 1970 for a date; @month from 1. */
u64 time_from_date(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned min, unsigned sec);
/** What time_wall() says now: seconds since 1970. */
void time_set(u64 epoch);

/** Call what is due on this CPU, a bounded number a round. True: more is due already. */
bool timers_run(void);
/** time_ns() of @c's earliest armed timer, ~0: none. */
static inline u64 timers_next(const struct rt_cpu *c)
{
	return __atomic_load_n(&c->timer_next, __ATOMIC_RELAXED);
}

/** Run what was queued on this CPU when the call began. */
void work_run(void);
static inline bool work_pending(const struct rt_cpu *c)
{
	return __atomic_load_n(&c->nworks, __ATOMIC_RELAXED) != 0;
}
/** Make CPU @n, not this one, look at its work: it leaves its guest. */
void cpu_kick(unsigned n);

/** Give [@base, @base+@size) to the page allocator: whole pages of RAM, not yet in it. */
void mem_add(u64 base, u64 size);
/** Bytes free in the page allocator, those set aside for mem_donation among them. */
u64 mem_free_bytes(void);
/**
 * @size bytes (rounded up to 4 KiB) to hand to the hypervisor; once they are back, page_free takes them. All of them
 * come out of few 2 MiB blocks, so that the hypervisor's tables of this VM keep large pages elsewhere. NULL.
 */
void *mem_donation(size_t size);

/** From now on lines go to @sink (with neither prefix nor newline) instead of the polled serial port. */
void log_set_sink(void (*sink)(const char *line, size_t len));
/**
 * Copy log text from position *@pos on into @buf; returns how many bytes and moves *@pos. Text that has been
 * overwritten is skipped.
 */
size_t log_read(u64 *pos, char *buf, size_t size);

/** Print to the machine's first serial port by polling, with a bound, whatever state anything is in. */
void early_write(const char *s, size_t len);

/**
 * Start the other CPUs' service vCPUs, which call @main there. Says in the log which do not start; rt_ncpus() then
 * counts those before them.
 */
void rt_cpus_start(unsigned n, void (*main)(void));
/** Has this CPU's stack overflowed, where no page could be left out below it? Panics. */
void rt_stack_check(void);
/** Reset or power off the machine (MACHINE_*). */
NORETURN void machine(unsigned what);

/** The program, on the first CPU: memory, time and random numbers are set up by @info, which goes when it returns. */
NORETURN void service_main(const struct hv_info *info);

#endif
