/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/hypercall.c: the hypercalls that device models use, by name. */
#include "guest/rt/hypercall.h"
#include "guest/rt/sys.h"

void *hv_mailbox(void)
{
	return cpu_this()->mailbox;
}

void cpu_kick(unsigned n)
{
	(void)hv_call(HV_CPU_KICK, n, 0, 0, 0, 0);
}

status_t hv_vm_map(u32 vm, u64 gpa, const void *mem, u64 size, unsigned flags)
{
	return hv_call(HV_VM_MAP, vm, gpa, (uintptr_t)mem, size, flags).status;
}

status_t hv_vm_unmap(u32 vm, u64 gpa, u64 size)
{
	return hv_call(HV_VM_UNMAP, vm, gpa, size, 0, 0).status;
}

void hv_vm_irq(u32 vm, u64 addr, u32 data)
{
	/* A guest's nonsense address is refused; on hardware that write would be lost too. */
	(void)hv_call(HV_VM_IRQ, vm, addr, data, 0, 0);
}

void hv_vm_line(u32 vm, u32 line, bool level)
{
	(void)hv_call(HV_VM_LINE, vm, line, level, 0, 0);
}

void hv_vcpu_extint(u32 vcpu, bool level)
{
	(void)hv_call(HV_VCPU_EXTINT, vcpu, level, 0, 0, 0);
}

status_t hv_vm_doorbell(u32 vm, u64 addr, unsigned flags, u64 match, void *cookie)
{
	return hv_call(HV_VM_DOORBELL, vm, addr, flags, match, (uintptr_t)cookie).status;
}

status_t irq_attach(struct irq_handler *h)
{
	return hv_call(HV_IRQ_ATTACH, h->gsi, h->flags, (uintptr_t)h, 0, 0).status;
}

void irq_done(struct irq_handler *h)
{
	(void)hv_call(HV_IRQ_ACK, h->gsi, 0, 0, 0, 0);
}
