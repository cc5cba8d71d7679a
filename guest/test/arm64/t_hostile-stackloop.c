/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/t_hostile-stackloop.c: an exception whose handler faults at its first instruction, for ever: the
 * stack is nowhere, or (word "vbar" in the command line) the vector table is. Expected: "EXPECT stack-loop", then
 * nothing, or the VM ends; nobody else notices. */
#include "guest/test/arm64/arm64.h"

extern const u8 no_stack_vectors[];
__asm__("	.text\n"
	"	.balign	2048\n"
	"no_stack_vectors:\n"
	"	.rept	16\n"
	"	.balign	128\n"
	"	str	x0, [sp]\n"
	"	b	.\n"
	"	.endr\n");

void t_main(void)
{
	t_puts("EXPECT stack-loop\n");
	msr(vbar_el1, t_bootarg("vbar") ? t_hole : (u64)no_stack_vectors);
	isb();
	__asm__ volatile("mov sp, %0; udf #0" ::"r"(t_hole + 16));
	t_check("not reached", false);
}
