/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/t_hostile-cliloop.c: spins with interrupts off. Expected: "EXPECT cli-loop", then nothing for ever;
 * the other VMs keep their share of the CPU and the owner can stop this one. */
#include "guest/test/x86/x86.h"

void t_main(void)
{
	t_puts("EXPECT cli-loop\n");
	__asm__ volatile("1: cli; jmp 1b");
}
