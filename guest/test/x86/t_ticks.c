/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/t_ticks.c: a periodic timer goes on while the CPU sends interrupts to itself all the time. */
#include "guest/test/x86/x86.h"

#define TICK	0x44
#define SELF	0x55
#define ENOUGH	6000u
#define TOO_FAR 2000u /* so many of them without a tick: it will not come any more */

void t_main(void)
{
	u32 seen = 0, since = 0, sent;

	irq_eoi[TICK] = EOI_LAPIC;
	irq_eoi[SELF] = EOI_LAPIC;
	if (!lapic_enable(true))
		lapic_enable(false);
	lapic_write(0x3e0, 0xb);
	lapic_write(0x320, 0x20000 | TICK);
	lapic_write(0x380, 97000);
	irq_clear();
	sti();
	for (sent = 0; sent < ENOUGH && since < TOO_FAR; sent++) {
		lapic_icr(0, 0x44000 | SELF);
		since++;
		if (irq_count[TICK] != seen) {
			seen = irq_count[TICK];
			since = 0;
		}
	}
	cli();
	t_eq("each interrupt to itself has come", irq_count[SELF], sent);
	t_check("the timer's come all the while", since < TOO_FAR && seen > 0);
}
