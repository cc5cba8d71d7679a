/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_vlapic.h: one APIC under test and short names for its register accesses. */
#ifndef TESTS_UNIT_FAKE_VLAPIC_H
#define TESTS_UNIT_FAKE_VLAPIC_H

#include "arch/x86/vlapic_priv.h"

static struct vlapic v;
static struct vlapic_ipi ipi;
static enum vlapic_act act;

static inline enum vlapic_act wr(u32 off, u32 value)
{
	return vlapic_write(&v, off, value, 0, &ipi);
}

static inline enum vlapic_act wr_at(u32 off, u32 value, u64 now)
{
	return vlapic_write(&v, off, value, now, &ipi);
}

static inline u32 rd(u32 off)
{
	return vlapic_read(&v, off, 0);
}

static inline bool msr(u32 n, u64 value)
{
	return vlapic_wrmsr(&v, n, value, 0, &ipi, &act);
}

static inline bool msr_bad(u32 n)
{
	u64 x;

	return !vlapic_rdmsr(&v, n, &x, 0);
}

static inline u64 rmsr(u32 n)
{
	u64 x = 0xdead;

	assert_true(vlapic_rdmsr(&v, n, &x, 0));
	return x;
}

static inline void on(u32 id)
{
	vlapic_init(&v, id, id == 0);
	wr(APIC_SVR, 0x1ff);
}

static inline void on_x2(u32 id)
{
	on(id);
	assert_true(msr(MSR_IA32_APIC_BASE, v.base | APIC_BASE_EXTD));
	assert_int_equal(act, VLAPIC_MODE);
}

/* A message to the one APIC: true if it is for it, and taken. */
static inline bool msi(struct vlapic *to, u64 addr, u32 data)
{
	struct vlapic_ipi m;

	return vlapic_msi(to, addr, data, &m) && (m.deassert || vlapic_accept(to, m.mode, m.vector, m.level));
}

static inline int take(void)
{
	int n = vlapic_pending(&v);

	if (n >= 0)
		vlapic_deliver(&v, (u8)n);
	return n;
}

#endif
