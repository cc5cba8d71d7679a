/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/start.c: from the first instruction in C to the program, and the two ways to its end. */
#include "guest/rt/hypercall.h"
#include "guest/rt/arch.h"
#include "guest/rt/early.h"

NORETURN void rt_start(u64 base, u64 mailbox);

#define START_CANARY 0x7472697665742121ULL

static u64 start_base;
static void *start_mailbox;
static struct hv_info start_info;
static struct rt_cpu *start_cpu[RT_MAX_CPUS]; /* their blocks */
static unsigned start_ncpus = 1;	      /* that are up  */
static void (*start_main)(void);
static bool start_guarded;

struct rt_cpu *rt_cpu(unsigned n)
{
	return n < rt_ncpus() ? start_cpu[n] : NULL;
}

unsigned rt_ncpus(void)
{
	return __atomic_load_n(&start_ncpus, __ATOMIC_ACQUIRE);
}

/* RAM that the first tables reach, or the rest. */
static void start_memory(bool low)
{
	for (unsigned i = 0; i < start_info.nregions; i++) {
		const struct hv_region *reg = &start_info.region[i];

		if (reg->kind == HV_REGION_RAM && (reg->base + reg->size <= 4 * SIZE_1G) == low)
			mem_add(reg->base, reg->size);
	}
}

/* The blocks lie below 4 GiB, where a CPU's first instructions reach. */
static void start_blocks(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct rt_cpu *c = page_alloc(RT_CPU_BLOCK, RT_CPU_BLOCK);

		if (c == NULL || (uintptr_t)c + RT_CPU_BLOCK > 4 * SIZE_1G)
			panic("no memory for CPU %u's stack", i);
		memset(c, 0, RT_CPU_BLOCK);
		rt_cpu_init(c, i);
		c->canary = START_CANARY;
		*(u64 *)(uintptr_t)((uintptr_t)c + RT_CPU_GUARD + PAGE_SIZE) = START_CANARY;
		start_cpu[i] = c;
	}
}

static void start_setup(void)
{
	u64 top = 0;
	unsigned n;

	time_init(start_info.counter_hz);
	for (unsigned i = 0; i < start_info.nregions; i++)
		top = MAX(top, start_info.region[i].base + start_info.region[i].size);
	/* The first tables may end at 4 GiB: memory behind it is added after rt_arch_map. */
	start_memory(true);
	n = MIN(MAX(start_info.ncpus, 1u), RT_MAX_CPUS);
	start_blocks(n);
	rt_arch_map(start_base, top);
	start_guarded = true;
	for (unsigned i = 0; i < n; i++)
		start_guarded &= rt_arch_guard((u8 *)start_cpu[i] + RT_CPU_GUARD);
	start_memory(false);
	time_set(rt_arch_clock(&start_info));
}

/* The first CPU, on the stack in its block. */
static void start_first(struct rt_cpu *c)
{
	rt_arch_cpu(c);
	c->mailbox = start_mailbox;
	service_main(&start_info);
}

void rt_start(u64 base, u64 mailbox)
{
	const struct boot_info *boot;
	struct hv_result r;

	start_base = base;
	start_mailbox = (void *)(uintptr_t)mailbox;
	rt_arch_init(base, start_mailbox);
	r = hv_call(HV_INFO, 0, 0, 0, 0, 0);
	memcpy(&start_info, start_mailbox, sizeof(start_info));
	boot = (const struct boot_info *)(uintptr_t)start_info.boot_info;
	if (r.status == OK && boot != NULL)
		early_init(&boot->platform);
	if (r.status != OK)
		panic("hv_info: status %d", (int)r.status);
	if (start_info.abi_version != ABI_VERSION || start_info.nregions > HV_INFO_REGIONS)
		panic("the hypervisor speaks version %u, this program %u", start_info.abi_version, ABI_VERSION);
	start_setup();
	rt_arch_switch(start_cpu[0], (u8 *)start_cpu[0] + RT_CPU_BLOCK, start_first);
}

void rt_secondary(struct rt_cpu *c, u64 mailbox)
{
	rt_arch_cpu(c);
	c->mailbox = (void *)(uintptr_t)mailbox;
	start_main();
	panic("CPU %u has nothing to do", c->n);
}

void rt_cpus_start(unsigned n, void (*main)(void))
{
	start_main = main;
	for (unsigned i = 1; i < n && i < RT_MAX_CPUS && start_cpu[i] != NULL; i++) {
		u64 entry = rt_arch_entry(start_cpu[i]);
		status_t s;

		/* Whoever is up may name it: before it is, work that it gets waits in its list. */
		__atomic_store_n(&start_ncpus, i + 1, __ATOMIC_RELEASE);
		s = hv_call(HV_CPU_START, i, entry, (uintptr_t)start_cpu[i], 0, 0).status;
		if (s != OK) {
			__atomic_store_n(&start_ncpus, i, __ATOMIC_RELEASE);
			log_line("error: CPU %u does not start: status %d", i, (int)s);
			return;
		}
	}
}

void rt_stack_check(void)
{
	const struct rt_cpu *c = cpu_this();

	if (!start_guarded && *(const u64 *)(uintptr_t)((uintptr_t)c + RT_CPU_GUARD + PAGE_SIZE) != START_CANARY)
		panic("CPU %u's stack has overflowed", c->n);
}

void machine(unsigned what)
{
	(void)hv_call(HV_MACHINE, what, 0, 0, 0, 0);
	cpu_halt();
}

void panic(const char *fmt, ...)
{
	static u32 again;
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	early_write("\r\ntrivet: PANIC: service VM: ", 29);
	early_write(text, strlen(text));
	early_write("\r\n", 2);
	/* A second panic comes out of the call below, or of another CPU: that waits for its end. */
	if (__atomic_exchange_n(&again, 1u, __ATOMIC_RELAXED) == 0)
		(void)hv_call(HV_MACHINE, MACHINE_POWEROFF, 0, 0, 0, 0);
	cpu_halt();
}
