/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/t_hostile-wfiloop.c: WFI for ever with interrupts off; one is pending, so that it never waits, or
 * (word "idle" in the command line) none ever will be. Expected: "EXPECT wfi-loop", then nothing; the other VMs keep
 * their share of the CPU and the owner can stop this one. */
#include "guest/test/arm64/arm64.h"

void t_main(void)
{
	t_puts("EXPECT wfi-loop\n");
	if (!t_bootarg("idle"))
		gic_sgi_self(3);
	__asm__ volatile("msr daifset, #15; 1: wfi; wfe; b 1b");
}
