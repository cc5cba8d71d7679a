/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/pveoi.c: KVM's paravirtual EOI: which word of its RAM a guest has named, told to the hypervisor. */
#include "guest/vmm/x86/pveoi.h"

void pveoi_init(struct pveoi *p, const struct hv_info *info)
{
	memset(p, 0, sizeof(*p));
	lock_init(&p->lock, LOCK_DEVICE);
	p->offered = !(info->features & HV_FEATURE_APIC_HW);
}

void pveoi_reset(struct pveoi *p)
{
	memset(p->msr, 0, sizeof(p->msr));
}

/* Under the lock: else one CPU could switch on what another has just switched off. */
static status_t pveoi_tell(const struct vcpu *v, u64 value)
{
	return hv_call(HV_VCPU_EOI, v->id, value & VCPU_EOI_ON ? value : 0, 0, 0, 0).status;
}

static void pveoi_set(struct pveoi *p, struct vcpu *v, u64 value)
{
	lock_take(&p->lock);
	p->msr[v->index] = value;
	if (pveoi_tell(v, value) != OK) /* no memory, or the page is away just now */
		(void)pveoi_tell(v, 0);
	lock_drop(&p->lock);
}

void pveoi_off(struct pveoi *p, struct vcpu *v)
{
	if (p->offered && p->msr[v->index] != 0)
		pveoi_set(p, v, 0);
}

void pveoi_again(struct pveoi *p, struct vm *vm)
{
	if (!p->offered)
		return;
	lock_take(&p->lock);
	for (unsigned i = 0; i < vm->nvcpus; i++) {
		if (p->msr[i] & VCPU_EOI_ON)
			(void)pveoi_tell(&vm->vcpu[i], p->msr[i]);
	}
	lock_drop(&p->lock);
}

bool pveoi_access(struct pveoi *p, struct vcpu *v, u32 index, bool write, u64 *value)
{
	if (!p->offered || index != MSR_KVM_PV_EOI_EN || v->index >= VM_MAX_VCPUS)
		return false;
	if (!write) {
		*value = p->msr[v->index];
		return true;
	}
	if ((*value & VCPU_EOI_ON) &&
	    (!is_aligned(*value - VCPU_EOI_ON, sizeof(u32)) || !vm_is_ram(v->vm, *value - VCPU_EOI_ON)))
		return false;
	pveoi_set(p, v, *value);
	return true;
}
