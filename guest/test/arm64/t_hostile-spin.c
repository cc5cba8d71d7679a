/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/t_hostile-spin.c: spins with interrupts off. Expected: "EXPECT spin", then nothing for ever; the
 * other VMs keep their share of the CPU and the owner can stop this one. */
#include "guest/test/arm64/arm64.h"

void t_main(void)
{
	t_puts("EXPECT spin\n");
	__asm__ volatile("msr daifset, #15; 1: b 1b");
}
