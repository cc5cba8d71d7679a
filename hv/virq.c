/* SPDX-License-Identifier: Apache-2.0 */
/* hv/virq.c: interrupts of physical devices on their way to the service VM. */
#include "hv/vm.h"

#define VIRQ_MAX 160

static struct virq {
	u64 cookie;
	bool attached, arrived;
} virqs[VIRQ_MAX];
static u32 virq_pending; /* how many have arrived */

void irq_arrived(u32 gsi)
{
	if (gsi >= VIRQ_MAX || !virqs[gsi].attached || virqs[gsi].arrived)
		return;
	virqs[gsi].arrived = true;
	virq_pending++;
	sched_post(this_cpu(), PENDING_IRQ);
}

bool virq_take(u64 *cookie, u32 *gsi)
{
	for (u32 i = 0; virq_pending && i < VIRQ_MAX; i++)
		if (virqs[i].arrived) {
			virqs[i].arrived = false;
			virq_pending--;
			*cookie = virqs[i].cookie;
			*gsi = i;
			return true;
		}
	return false;
}

status_t virq_attach(u32 gsi, u32 flags, u64 cookie)
{
	status_t s;

	if (flags & ~(IRQ_LEVEL | IRQ_LOW | IRQ_ISA | IRQ_DETACH))
		return ERR_INVAL;
	if (flags & IRQ_DETACH) {
		if (gsi >= VIRQ_MAX || !virqs[gsi].attached)
			return ERR_NOENT;
		arch_irq_detach(gsi);
		virqs[gsi].attached = false;
		if (virqs[gsi].arrived)
			virq_pending--;
		virqs[gsi].arrived = false;
		return OK;
	}
	s = arch_irq_attach(gsi, flags, &gsi);
	if (s != OK)
		return s;
	if (gsi >= VIRQ_MAX) {
		arch_irq_detach(gsi);
		return ERR_RANGE;
	}
	virqs[gsi].attached = true;
	virqs[gsi].cookie = cookie;
	return OK;
}

status_t virq_ack(u32 gsi)
{
	if (gsi >= VIRQ_MAX || !virqs[gsi].attached)
		return ERR_NOENT;
	arch_irq_unmask(gsi);
	return OK;
}
