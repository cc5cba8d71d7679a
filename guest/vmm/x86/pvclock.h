/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/pvclock.h: KVM's paravirtual clock, filled in by the service VM (Linux,
 * Documentation/virt/kvm/x86/msr). */
#ifndef GUEST_VMM_X86_PVCLOCK_H
#define GUEST_VMM_X86_PVCLOCK_H

#include "guest/vmm/vm.h"

#define MSR_KVM_WALL_CLOCK	0x11u
#define MSR_KVM_SYSTEM_TIME	0x12u
#define MSR_KVM_WALL_CLOCK_NEW	0x4b564d00u
#define MSR_KVM_SYSTEM_TIME_NEW 0x4b564d01u

/* What the guest reads; an odd version means that it is being written. */
struct pvclock_vcpu_time {
	u32 version, pad0;
	u64 tsc_timestamp, system_time;
	u32 tsc_to_system_mul;
	s8 tsc_shift;
	u8 flags; /* bit 0: stable over CPUs */
	u8 pad[2];
};

struct pvclock_wall {
	u32 version, sec, nsec;
};

static_assert(sizeof(struct pvclock_vcpu_time) == 32, "the guest's layout");

/*
 * System time is the guest's TSC as nanoseconds: it starts when the guest's TSC was 0, so that one line
 * describes the clock of every vCPU for good and nothing is ever updated behind the guest's back.
 */
struct pvclock {
	u32 mul; /* ns = (tsc << shift, or >> -shift) * mul >> 32; 0: no clock */
	s8 shift;
	bool stable;
	u64 counter_offset; /* guest's TSC - ours */
	u64 wall_msr;
	u64 time_msr[VM_MAX_VCPUS];
};

/** @info: the counter's frequency and whether it is invariant. @counter_offset as in struct vcpu_state. */
void pvclock_init(struct pvclock *p, const struct hv_info *info, u64 counter_offset);
/** Forget where the guest wanted the clocks: a machine reset. */
void pvclock_reset(struct pvclock *p);
/** A forwarded access of @v to MSR @index. False: not one of these, or a bad value: #GP. */
bool pvclock_access(struct pvclock *p, struct vcpu *v, u32 index, bool write, u64 *value);

#endif
