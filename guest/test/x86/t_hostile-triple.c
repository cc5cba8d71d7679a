/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/t_hostile-triple.c: triple fault. Expected: "EXPECT triple-fault", then the machine resets or the VM
 * is stopped and its owner told; neither FAIL nor DONE appears, and no other VM notices. */
#include "guest/test/x86/x86.h"

void t_main(void)
{
	static const struct {
		u16 limit;
		u64 base;
	} PACKED none = { 0, 0 };

	t_puts("EXPECT triple-fault\n");
	__asm__ volatile("lidt %0; ud2" ::"m"(none));
	t_check("not reached", false);
}
