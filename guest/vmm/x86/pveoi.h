/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/pveoi.h: KVM's paravirtual EOI: the guest names a word, the hypervisor does the rest (Linux,
 * Documentation/virt/kvm/x86/msr). */
#ifndef GUEST_VMM_X86_PVEOI_H
#define GUEST_VMM_X86_PVEOI_H

#include "guest/vmm/vm.h"

#define MSR_KVM_PV_EOI_EN 0x4b564d04u

struct pveoi {
	bool offered; /* the CPU does not end interrupts by itself */
	struct lock lock;
	u64 msr[VM_MAX_VCPUS]; /* of each vCPU; the hypervisor may not have the word: then ends exit as ever */
};

void pveoi_init(struct pveoi *p, const struct hv_info *info);
/** A machine reset: the hypervisor forgets the words by itself. */
void pveoi_reset(struct pveoi *p);
/** @v has had an INIT. */
void pveoi_off(struct pveoi *p, struct vcpu *v);
/** RAM that had been taken away from @vm is there again: so may words be. */
void pveoi_again(struct pveoi *p, struct vm *vm);
/** A forwarded access of @v to MSR @index. False: not this one, or a bad value: #GP. */
bool pveoi_access(struct pveoi *p, struct vcpu *v, u32 index, bool write, u64 *value);

#endif
