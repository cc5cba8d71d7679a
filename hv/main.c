/* SPDX-License-Identifier: Apache-2.0 */
/* hv/main.c: where every loader ends; brings the machine up, makes the service VM, and runs vCPUs for ever. */
#include "hv/vm.h"

NORETURN void hv_main(struct boot_info *bi);

void hv_main(struct boot_info *bi)
{
	struct cpu *c = this_cpu();

	log_init(bi);
	arch_early_init();
	log_printf("trivet: hypervisor, ABI %u, started by %s\n", ABI_VERSION,
		   bi->loader[0] ? bi->loader : "an unnamed loader");
	mem_init(bi);
	log_map();
	arch_cpu_init(bi);
	sched_init(c, 0);
	log_printf("trivet: %s, %lu MHz, %lu MiB of memory, %lu KiB kept\n", arch_machine_name(),
		   arch_counter_hz() / 1000000, mem_ram_bytes() >> 20, mem_own_bytes() >> 10);
	smp_start();
	report(bi);
	service_create(bi);
	exit_loop(c);
}
