/* SPDX-License-Identifier: Apache-2.0 */
/* hv/main.c: where every loader ends; brings the machine up, makes the service VM, and runs vCPUs for ever. */
#include "hv/lib/string.h"
#include "hv/lib/symbol.h"
#include "hv/vm.h"

NORETURN void hv_main(struct boot_info *bi);

/* Names for a panic's addresses, if the loader has brought them. */
static void main_symbols(struct boot_info *bi)
{
	u64 size = 0;
	const void *table = mem_take_module(bi, "hypervisor symbols", &size);

	if (table && !symbol_use(table, size))
		log_printf("trivet: the boot module \"hypervisor symbols\" makes no sense\n");
}

static void main_fail(void *fault)
{
	volatile u64 nowhere = 0x10;

	if (fault)
		*(volatile u32 *)nowhere = 0;
	panic("panic-test: as the command line says");
}

/* Two words of the command line, to see a panic (docs/testing.md): of ours, or by an exception, on the last CPU. */
static void main_panic_test(const struct boot_info *bi)
{
	bool fault = strstr(bi->cmdline, "fault-test");
	unsigned last = 0;

	if (!fault && !strstr(bi->cmdline, "panic-test"))
		return;
	for (unsigned n = 0; n < BOOT_MAX_CPUS; n++)
		if (cpus[n])
			last = n;
	control_lock();
	cpu_call(cpus[last], main_fail, fault ? &fault : NULL);
}

void hv_main(struct boot_info *bi)
{
	struct cpu *c = this_cpu();

	log_init(bi);
	arch_early_init();
	log_printf("trivet: hypervisor, ABI %u, started by %s\n", ABI_VERSION,
		   bi->loader[0] ? bi->loader : "an unnamed loader");
	mem_init(bi);
	log_map();
	log_keep();
	main_symbols(bi);
	screen_find(bi);
	if (bi->fault) /* not earlier: now it gets to the screen */
		panic("boot: %s", (const char *)bi->fault);
	arch_cpu_init(bi);
	screen_start();
	sched_init(c, 0);
	log_printf("trivet: %s, %lu MHz, %lu MiB of memory, %lu KiB kept\n", arch_machine_name(),
		   arch_counter_hz() / 1000000, mem_ram_bytes() >> 20, mem_own_bytes() >> 10);
	smp_start();
	report(bi);
	service_create(bi);
	main_panic_test(bi);
	exit_loop(c);
}
