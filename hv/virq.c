/* SPDX-License-Identifier: Apache-2.0 */
/* hv/virq.c: interrupts of physical devices on their way to the service VM. */
#include "hv/vm.h"

#define VIRQ_MAX 160

static struct virq {
	u64 cookie;
	bool attached, arrived;
	struct cpu *cpu; /* where it was attached, and so comes */
} virqs[VIRQ_MAX];
/* Tables change under the control lock, on the CPU that attaches; what has arrived is that CPU's. */

void irq_arrived(u32 gsi)
{
	if (gsi >= VIRQ_MAX || !virqs[gsi].attached || virqs[gsi].arrived)
		return;
	if (virqs[gsi].cpu != this_cpu())
		return; /* one more, on its way when it was attached elsewhere */
	virqs[gsi].arrived = true;
	virqs[gsi].cpu->irqs++;
	sched_post(virqs[gsi].cpu, PENDING_IRQ);
}

bool virq_take(struct cpu *c, u64 *cookie, u32 *gsi)
{
	for (u32 i = 0; c->irqs && i < VIRQ_MAX; i++)
		if (virqs[i].arrived && virqs[i].cpu == c) {
			virqs[i].arrived = false;
			c->irqs--;
			*cookie = virqs[i].cookie;
			*gsi = i;
			return true;
		}
	return false;
}

/* On the CPU where it was attached: nothing of it is left there. */
static void virq_forget(void *arg)
{
	struct virq *q = arg;

	q->attached = false;
	if (q->arrived)
		q->cpu->irqs--;
	q->arrived = false;
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
		cpu_call(virqs[gsi].cpu, virq_forget, &virqs[gsi]);
		return OK;
	}
	s = arch_irq_attach(gsi, flags, &gsi);
	if (s != OK)
		return s;
	if (gsi >= VIRQ_MAX) {
		arch_irq_detach(gsi);
		return ERR_RANGE;
	}
	if (virqs[gsi].attached) /* a second time */
		cpu_call(virqs[gsi].cpu, virq_forget, &virqs[gsi]);
	virqs[gsi].cpu = this_cpu();
	virqs[gsi].cookie = cookie;
	virqs[gsi].attached = true;
	return OK;
}

status_t virq_ack(u32 gsi)
{
	if (gsi >= VIRQ_MAX || !virqs[gsi].attached)
		return ERR_NOENT;
	arch_irq_unmask(gsi);
	return OK;
}
