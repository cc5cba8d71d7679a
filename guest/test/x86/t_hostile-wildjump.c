/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/t_hostile-wildjump.c: executes physical addresses where nothing is. Expected: "EXPECT wild-jump", then
 * the VM is stopped with an error, or what is fetched (zeros or ones) faults inside the guest: PASS then. On plain QEMU
 * zeros are fetched for ever or the emulator ends; the test's runner must set a time limit. */
#include "guest/test/x86/x86.h"

static void jump(void *a)
{
	__asm__ volatile("jmp *%0" ::"r"(a));
}

void t_main(void)
{
	int x;

	t_puts("EXPECT wild-jump\n");
	x = trap_try(jump, (void *)0x90000000);
	t_check("the fetch faulted inside the guest", x >= 0);
	t_info("vector", (u32)x);
}
