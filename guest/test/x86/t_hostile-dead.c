/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/t_hostile-dead.c: all CPUs halt with interrupts off. Expected: "EXPECT dead", and the hypervisor says
 * so.
 */
#include "guest/test/x86/x86.h"

static volatile bool dead_up;

static void dead_cpu(void)
{
	dead_up = true;
	__asm__ volatile("1: cli; hlt; jmp 1b");
}

void t_main(void)
{
	memcpy((void *)(uintptr_t)(SMP_PAGE << 12), smp_trampoline, (size_t)(smp_trampoline_end - smp_trampoline));
	smp_entry = dead_cpu;
	lapic_enable(false);
	lapic_icr(1, 0x4500);
	lapic_icr(1, 0x4600 | SMP_PAGE);
	for (unsigned i = 0; i < 1000 && !dead_up; i++)
		delay_us(1000);
	t_check("the other CPU is up", dead_up);
	t_puts("EXPECT dead\n");
	__asm__ volatile("1: cli; hlt; jmp 1b");
}
