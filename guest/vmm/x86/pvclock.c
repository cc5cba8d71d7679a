/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/pvclock.c: KVM's paravirtual clock, filled in by the service VM. */
#include "guest/vmm/x86/pvclock.h"

#define NS_PER_SEC	   1000000000ull
#define TIME_ENABLE	   BIT(0)
#define PVCLOCK_TSC_STABLE BIT(0)

static u64 pvclock_counter(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

/** Find shift and a multiplier of 32 significant bits for a counter of @hz. */
static void pvclock_scale(struct pvclock *p, u64 hz)
{
	u64 q, rem;

	p->mul = 0;
	p->shift = 0;
	/* Slower than 1 kHz or faster than 1 THz is no TSC, and the sums below rely on it. */
	if (hz < 1000 || hz > 1000 * NS_PER_SEC)
		return;
	for (; hz <= NS_PER_SEC; hz <<= 1)
		p->shift++;
	/* q = 10^9 * 2^32 / hz < 2^32; double it until its top bit is set, carrying the remainder along. */
	q = (NS_PER_SEC << 32) / hz;
	rem = (NS_PER_SEC << 32) % hz;
	for (; !(q & BIT(31)); p->shift--) {
		rem <<= 1;
		q = q << 1 | (rem >= hz);
		if (rem >= hz)
			rem -= hz;
	}
	p->mul = q;
}

/** As the guest does it: @tsc as nanoseconds. */
static u64 pvclock_ns(const struct pvclock *p, u64 tsc)
{
	u64 t = p->shift >= 0 ? tsc << p->shift : tsc >> -p->shift;

	return (t >> 32) * p->mul + ((t & 0xffffffff) * p->mul >> 32);
}

void pvclock_init(struct pvclock *p, const struct hv_info *info, u64 counter_offset)
{
	memset(p, 0, sizeof(*p));
	p->stable = info->features & HV_FEATURE_INVARIANT_TSC;
	p->counter_offset = counter_offset;
	pvclock_scale(p, info->counter_hz);
}

void pvclock_reset(struct pvclock *p)
{
	p->wall_msr = 0;
	memset(p->time_msr, 0, sizeof(p->time_msr));
}

/** The version's two steps around the body: odd, body, even. @at: guest address, @buf: starts with the version. */
static bool pvclock_put(struct vcpu *v, u64 at, void *buf, u32 size)
{
	u8 old[sizeof(struct pvclock_vcpu_time)];
	u32 version;

	if (vm_read(v->vm, at, old, size) != OK) /* all of it must be RAM */
		return false;
	memcpy(&version, old, sizeof(version));
	version = (version | 1) + 2; /* odd, and not what it was */
	if (vm_write(v->vm, at, &version, sizeof(version)) != OK)
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (vm_write(v->vm, at + 4, (u8 *)buf + 4, size - 4) != OK)
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	version++;
	return vm_write(v->vm, at, &version, sizeof(version)) == OK;
}

static bool pvclock_set_time(struct pvclock *p, struct vcpu *v, u64 value)
{
	struct pvclock_vcpu_time t = { .tsc_to_system_mul = p->mul,
				       .tsc_shift = p->shift,
				       .flags = p->stable ? PVCLOCK_TSC_STABLE : 0 };

	if ((value & TIME_ENABLE) && !pvclock_put(v, value & ~TIME_ENABLE, &t, sizeof(t)))
		return false;
	p->time_msr[v->index] = value;
	return true;
}

static bool pvclock_set_wall(struct pvclock *p, struct vcpu *v, u64 value)
{
	u64 up = pvclock_ns(p, pvclock_counter() + p->counter_offset), now = time_wall();
	struct pvclock_wall w;

	/* The wall clock when system time was 0; before 1970 it cannot be. */
	up = MIN(up, now * NS_PER_SEC);
	w.sec = (now * NS_PER_SEC - up) / NS_PER_SEC;
	w.nsec = (now * NS_PER_SEC - up) % NS_PER_SEC;
	if (value && !pvclock_put(v, value, &w, sizeof(w)))
		return false;
	p->wall_msr = value;
	return true;
}

bool pvclock_access(struct pvclock *p, struct vcpu *v, u32 index, bool write, u64 *value)
{
	bool is_wall = index == MSR_KVM_WALL_CLOCK || index == MSR_KVM_WALL_CLOCK_NEW;
	bool is_time = index == MSR_KVM_SYSTEM_TIME || index == MSR_KVM_SYSTEM_TIME_NEW;

	if (!p->mul || (!is_wall && !is_time) || v->index >= VM_MAX_VCPUS)
		return false;
	if (write)
		return is_wall ? pvclock_set_wall(p, v, *value) : pvclock_set_time(p, v, *value);
	*value = is_wall ? p->wall_msr : p->time_msr[v->index];
	return true;
}
