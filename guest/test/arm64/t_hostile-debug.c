/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/t_hostile-debug.c: MDSCR_EL1 with all that switches debugging on, set while the service VM works,
 * over a reset and at the guest's end. Expected: nobody but the guest is ever stepped, PASS. */
#include "guest/test/arm64/arm64.h"

#define MDSCR_SS  BIT(0)
#define MDSCR_KDE BIT(13)
#define MDSCR_MDE BIT(15)

#define MARK_AT ((volatile u64 *)0x43000000) /* memory that a reset leaves alone */
#define MARK	0x6465627567676564ull

#define ERET	     0xd69f03e0u
#define EC_STEP_SAME 0x33
#define SPSR_STEP    (BIT(21) | 0x1c5) /* SS; EL1h, all masked but debug exceptions */

extern const u8 step_here[];
__asm__(".text; .balign 4; step_here: nop; nop; b .");

static void step(void)
{
	u64 x0 = 0;

	msr(mdscr_el1, MDSCR_SS | MDSCR_KDE);
	msr(spsr_el1, SPSR_STEP);
	msr(elr_el1, (u64)step_here);
	isb();
	t_eq("a single step", (u64)t_insn(ERET, &x0), EC_STEP_SAME);
	t_eq("  after one instruction", trap_last.elr, (u64)step_here + 4);
	msr(mdscr_el1, 0);
}

void t_main(void)
{
	static const u64 value[] = { MDSCR_SS, MDSCR_MDE | MDSCR_KDE, MDSCR_SS | MDSCR_KDE | MDSCR_MDE };

	msr(oslar_el1, 0);
	step();
	for (unsigned i = 0; i < ARRAY_SIZE(value); i++) {
		msr(mdscr_el1, value[i]);
		isb();
		for (unsigned n = 0; n < 100; n++) {
			(void)*(volatile u32 *)(UART + 0x18); /* by the service VM */
			(void)mrs(id_aa64pfr0_el1);	      /* by the hypervisor */
		}
		t_eq("MDSCR_EL1 keeps what enables debugging", mrs(mdscr_el1), value[i]);
	}
	/* The machine is reset with it set, once, and ends so. */
	if (t_strict() && *MARK_AT != MARK) {
		*MARK_AT = MARK;
		t_check("a reset comes", psci(PSCI_SYSTEM_RESET, 0, 0, 0) == 0);
	}
}
