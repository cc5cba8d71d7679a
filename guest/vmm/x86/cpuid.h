/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/cpuid.h: which CPU a guest sees: the host's, without what is not virtualized. */
#ifndef GUEST_VMM_X86_CPUID_H
#define GUEST_VMM_X86_CPUID_H

#include "hv/abi/hypercall.h"
#include "self/regs.h"

enum { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX };

/** What the host's CPU answers; out is indexed by CPUID_*. A test gives a fake one. */
typedef void (*cpuid_fn)(u32 leaf, u32 subleaf, u32 out[4]);
void cpuid_host(u32 leaf, u32 subleaf, u32 out[4]);

/**
 * Fill @out with the answers for HV_VM_CONFIGURE, for a VM of @ncpus vCPUs; returns how many, 0 when @max is too
 * small (64 always do). What differs between vCPUs or in time is left to the hypervisor: the APIC ID (leaf 1
 * EBX[31:24], leaf 0Bh EDX), OSXSAVE (leaf 1 ECX[27]) and leaf 0Dh EBX. A leaf that is not listed reads as zeros.
 */
unsigned cpuid_build(const struct hv_info *info, unsigned ncpus, cpuid_fn host, struct vm_config *out, unsigned max);

#endif
