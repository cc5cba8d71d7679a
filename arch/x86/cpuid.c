/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/cpuid.c: CPUID for guests, from the table that the service VM gave; and what our own CPU has. */
#include "arch/iface/cpu.h"
#include "arch/iface/mem.h"
#include "arch/x86/vendor.h"
#include "hv/lib/string.h"

#define CPUID_ENTRIES 112
#define CPUID_DIRECT  32 /* leaves of each range that are found at once */
#define CPUID_NONE    0xff
#define CPUID_LIVE    (BIT(1) | BIT(7) | BIT(0xb) | BIT(0xd) | BIT(0x1f)) /* leaves with bits that change */

/*
 * A leaf's two highest bits say its range: basic, hypervisor (4000_0000), extended (8000_0000), nothing.
 * first[range][leaf] is the first of the leaf's entries, which stand together.
 */
struct cpuid_table {
	u32 n;
	u32 max[4]; /* last leaf of each range, below CPUID_DIRECT */
	u8 first[4][CPUID_DIRECT];
	struct vm_config e[CPUID_ENTRIES];
};
static_assert(sizeof(struct cpuid_table) <= PAGE_SIZE, "a page");

struct x86_features x86_features;

static inline unsigned cpuid_range(u32 leaf)
{
	return leaf >> 30;
}

static inline u32 cpuid_low(u32 leaf)
{
	return leaf & 0x3fffffff;
}

/* @leaf is at most its range's last. */
static const struct vm_config *cpuid_find(const struct cpuid_table *t, u32 leaf, u32 subleaf)
{
	const struct vm_config *e = &t->e[t->first[cpuid_range(leaf)][cpuid_low(leaf)]], *end = &t->e[t->n];

	for (; e < end && e->leaf == leaf; e++)
		if (!e->match_subleaf || e->subleaf == subleaf)
			return e;
	return NULL;
}

/* The few bits that follow the vCPU's state. */
static void cpuid_live(struct arch_vcpu *v, u32 leaf, u32 subleaf, struct cpuid *r)
{
	if (leaf == 1) {
		r->ebx = (r->ebx & 0xffffff) | v->id << 24;
		if (vendor->reg(v, REG_CR4) & CR4_OSXSAVE)
			r->ecx |= BIT(27);
		if (!(v->apic.base & APIC_BASE_EN))
			r->edx &= ~(u32)BIT(9);
	} else if (leaf == 7 && subleaf == 0) {
		if (vendor->reg(v, REG_CR4) & CR4_PKE)
			r->ecx |= BIT(4);
	} else if (leaf == 0xb || leaf == 0x1f) {
		r->edx = v->id;
	} else if (leaf == 0xd && subleaf <= 1 && x86_features.xsave) {
		r->ebx = cpuid(0xd, subleaf).ebx; /* XCR0 in the CPU is the guest's */
	}
}

static void cpuid_answer(u64 *g, u32 eax, u32 ebx, u32 ecx, u32 edx)
{
	g[X86_RAX] = eax;
	g[X86_RBX] = ebx;
	g[X86_RCX] = ecx;
	g[X86_RDX] = edx;
}

/* The leaves whose answer isn't just an entry: out of line, so that the others' way is short. */
static __attribute__((noinline)) void cpuid_other(struct arch_vcpu *v, const struct vm_config *e)
{
	u64 *g = v->regs->gpr;
	u32 leaf = (u32)g[X86_RAX], subleaf = (u32)g[X86_RCX];
	struct cpuid r = { 0 };

	if (v->service)
		r = cpuid(leaf, subleaf);
	else if (e)
		r = (struct cpuid){ e->eax, e->ebx, e->ecx, e->edx };
	if (!v->service && leaf < CPUID_DIRECT)
		cpuid_live(v, leaf, subleaf, &r);
	cpuid_answer(g, r.eax, r.ebx, r.ecx, r.edx);
}

void x86_cpuid(struct arch_vcpu *v)
{
	u64 *g = v->regs->gpr;
	u32 leaf = (u32)g[X86_RAX];
	const struct cpuid_table *t = v->vm->cpuid;
	const struct vm_config *e;

	if (unlikely(!t)) {
		cpuid_other(v, NULL);
		return;
	}
	if (unlikely(cpuid_low(leaf) > t->max[cpuid_range(leaf)])) {
		leaf = t->max[0]; /* Intel: beyond the last leaf, the last basic one answers */
		g[X86_RAX] = leaf;
	}
	e = cpuid_find(t, leaf, (u32)g[X86_RCX]);
	if (unlikely(!e || (leaf < CPUID_DIRECT && (CPUID_LIVE >> leaf & 1))))
		cpuid_other(v, e);
	else
		cpuid_answer(g, e->eax, e->ebx, e->ecx, e->edx);
}

status_t arch_vm_configure(struct arch_vm *vm, const struct vm_config *e, u32 n, struct pool *pool)
{
	struct cpuid_table *t;

	if (n > CPUID_ENTRIES)
		return ERR_FULL;
	for (u32 i = 0; i < n; i++)
		if ((e[i].leaf & 0x3fffffff) >= CPUID_DIRECT)
			return ERR_RANGE;
	if (!vm->cpuid)
		vm->cpuid = pool_get(pool);
	t = vm->cpuid;
	if (!t)
		return ERR_NOMEM;
	memset(t, 0, sizeof(*t));
	memset(t->first, CPUID_NONE, sizeof(t->first));
	memcpy(t->e, e, n * sizeof(*e));
	t->n = n;
	for (u32 i = 0; i < n; i++) {
		u32 leaf = t->e[i].leaf;
		u8 *first = &t->first[cpuid_range(leaf)][cpuid_low(leaf)];

		if (*first == CPUID_NONE)
			*first = (u8)i;
		if (cpuid_low(leaf) == 0)
			t->max[cpuid_range(leaf)] = MIN(cpuid_low(t->e[i].eax), CPUID_DIRECT - 1u);
	}
	return OK;
}

/* QEMU's emulation says "TCGTCGTCGTCG" in leaf 4000_0000h. */
static bool cpuid_tcg(void)
{
	struct cpuid emulator = cpuid(0x40000000, 0);

	return emulator.ebx == 0x54474354 && emulator.ecx == 0x43544743 && emulator.edx == 0x47435447;
}

void x86_features_init(void)
{
	struct x86_features *f = &x86_features;
	struct cpuid l1 = cpuid(1, 0);
	u32 max = cpuid(0, 0).eax, ext = cpuid(0x80000000, 0).eax;

	f->intel = l1.ecx & BIT(5);
	f->x2apic = l1.ecx & BIT(21);
	f->tsc_deadline = l1.ecx & BIT(24);
	f->xsave = l1.ecx & BIT(26);
	if (max >= 7) {
		struct cpuid l7 = cpuid(7, 0);

		f->smep = l7.ebx & BIT(7);
		f->smap = l7.ebx & BIT(20);
		f->umip = l7.ecx & BIT(2);
	}
	f->pages_1g = cpuid(0x80000001, 0).edx & BIT(26);
	f->rdtscp = cpuid(0x80000001, 0).edx & BIT(27);
	f->phys_bits = ext >= 0x80000008 ? cpuid(0x80000008, 0).eax & 0xff : 36;
	f->tcg = cpuid_tcg();
	/* QEMU's emulation has no way to set the flag, but its TSC has no clock speeds or sleep states to follow. */
	f->invariant_tsc = f->tcg || (ext >= 0x80000007 && (cpuid(0x80000007, 0).edx & BIT(8)));
	if (f->xsave) {
		struct cpuid d = cpuid(0xd, 0);

		f->xcr0 = d.eax & (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512);
		if ((f->xcr0 & XCR0_AVX512) != XCR0_AVX512)
			f->xcr0 &= ~XCR0_AVX512;
	}
}
