/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/t_hostile-sgi.c: 20000 software-generated interrupts with random targets and numbers, taken and not
 * taken, and random interrupt numbers acknowledged and ended. Expected: the guest goes on, PASS. */
#include "guest/test/arm64/arm64.h"

static void send(u64 r)
{
	if (gic_version == 2)
		*mmio32(gicd + GICD_SGIR) = (u32)r;
	else if (r & 1)
		msr(S3_0_C12_C11_5, r);
	else if (r & 2)
		msr(S3_0_C12_C11_6, r); /* ICC_ASGI1R_EL1 */
	else
		msr(S3_0_C12_C11_7, r); /* ICC_SGI0R_EL1 */
}

void t_main(void)
{
	unsigned acks = 0;

	irq_clear();
	for (unsigned i = 0; i < 20000; i++) {
		u64 r = t_rand();

		send(r & BIT(63) ? r : (r & 0xf000000) | 1ull << (gic_version == 2 ? 16 : 0));
		if ((r >> 50 & 7) == 0)
			irq_on();
		if ((r >> 53 & 15) == 0) {
			irq_off();
			acks += (gic_ack() & 0x3ff) < INTID_SPECIAL;
			if (r >> 57 & 1)
				gic_eoi((u32)r & 0xfff);
		}
		irq_off();
	}
	t_info("taken", irq_total);
	t_info("acknowledged by hand", acks);
	for (unsigned i = 0; i < 16; i++) {
		gic_bit(GICD_ICACTIVER, i);
		gic_enable(i);
	}
	t_check("20000 SGIs survived", irq_total > 0);
}
