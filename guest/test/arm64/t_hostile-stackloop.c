/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/t_hostile-stackloop.c: exceptions without a stack, then without a vector table: each causes the
 * next. Expected: "EXPECT stack-loop", then nothing for ever, or the VM ends; nobody else notices. */
#include "guest/test/arm64/arm64.h"

void t_main(void)
{
	t_puts("EXPECT stack-loop\n");
	if (t_bootarg("vbar"))
		msr(vbar_el1, t_hole);
	isb();
	__asm__ volatile("mov sp, %0; udf #0" ::"r"(t_hole + 8));
	t_check("not reached", false);
}
