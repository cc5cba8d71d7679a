/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/emu_walk.c: the walk of a guest's own page tables (Intel SDM 3A, chapter 4). */
#include "guest/vmm/x86/emu_impl.h"

#define PTE_P	 BIT(0)
#define PTE_W	 BIT(1)
#define PTE_U	 BIT(2)
#define PTE_A	 BIT(5)
#define PTE_D	 BIT(6)
#define PTE_PS	 BIT(7)
#define PTE_NX	 BIT(63)
#define PTE_ADDR BITS(51, 12)

/* Must be 0. The CPU's physical address width is not known here: 52 bits are taken for it. */
/* Bits 8-5 and 2-1 are reserved, too, but the CPU has checked them at MOV CR3; TCG sets bit 5. */
#define PDPTE_PAE_RSVD BITS(63, 52)
#define PAE_RSVD       BITS(62, 52)
#define PDE4M_RSVD     BIT(21)

/* Guest CPUs may change an entry under us; after so many races its A and D bits are left alone. */
#define WALK_TRIES 8

enum walk { WALK_OK, WALK_ABSENT, WALK_RESERVED, WALK_DENIED, WALK_RACE };

struct walk_req {
	u64 linear;
	bool write, fetch;
	bool mark; /* set A and D */
	/* Set by walk_64: the entries it used, as it left them. */
	unsigned depth;
	const u64 *entry[5];
	u64 value[5];
};

enum emu_result emu_raise(struct emu *e, unsigned vector, bool has_error, u32 error)
{
	e->fault.vector = (u8)vector;
	e->fault.has_error = has_error && (e->regs->cr0 & CR0_PE);
	e->fault.error = e->fault.has_error ? error : 0;
	e->fault.cr2 = e->regs->cr2;
	return EMU_FAULT;
}

/* @all: the rights every entry grants; @nx: an entry forbids execution. */
static bool walk_denied(const struct vcpu_regs *r, const struct walk_req *q, u64 all, bool nx)
{
	if (q->fetch && nx)
		return true;
	if (r->cpl == 3)
		return !(all & PTE_U) || (q->write && !(all & PTE_W));
	if (q->write && !(all & PTE_W) && (r->cr0 & CR0_WP))
		return true;
	if (!(all & PTE_U))
		return false;
	return q->fetch ? (r->cr4 & CR4_SMEP) : (r->cr4 & CR4_SMAP) && !(r->rflags & FLAG_AC);
}

/* Four and five levels, and the two lower ones of PAE: @shift is the bit where the first index starts. */
static enum walk walk_64(struct emu *e, struct walk_req *q, u64 table, unsigned shift, u64 rsvd, u64 *gpa)
{
	const struct vcpu_regs *r = e->regs;
	u64 all = ~0ULL, any = 0, entry, bits;
	u64 *p;

	q->depth = 0;
	for (;; shift -= 9) {
		p = e->ops->ram(e->ctx, table + (q->linear >> shift & 511) * 8, 8);
		if (!p)
			return WALK_RESERVED; /* nothing there answers with all ones */
		entry = __atomic_load_n(p, __ATOMIC_RELAXED);
		if (!(entry & PTE_P))
			return WALK_ABSENT;
		if (unlikely(entry & rsvd))
			return WALK_RESERVED;
		all &= entry;
		any |= entry;
		if (shift == 12)
			break;
		if (entry & PTE_PS) {
			if (shift > 30 || (entry & (BIT(shift) - 1) & BITS(51, 13)))
				return WALK_RESERVED;
			break;
		}
		if (unlikely(!(entry & PTE_A)) && q->mark && !__sync_bool_compare_and_swap(p, entry, entry | PTE_A))
			return WALK_RACE;
		q->entry[q->depth] = p;
		q->value[q->depth++] = entry | PTE_A;
		table = entry & PTE_ADDR;
	}
	if (unlikely(walk_denied(r, q, all, any & PTE_NX)))
		return WALK_DENIED;
	bits = q->write ? PTE_A | PTE_D : PTE_A;
	if (unlikely((entry & bits) != bits) && q->mark && !__sync_bool_compare_and_swap(p, entry, entry | bits))
		return WALK_RACE;
	q->entry[q->depth] = p;
	q->value[q->depth++] = entry | bits;
	*gpa = (entry & PTE_ADDR & ~(BIT(shift) - 1)) | (q->linear & (BIT(shift) - 1));
	return WALK_OK;
}

static enum walk walk_pae(struct emu *e, struct walk_req *q, u64 rsvd, u64 *gpa)
{
	const u64 *p = e->ops->ram(e->ctx, (e->regs->cr3 & BITS(31, 5)) + (q->linear >> 30 & 3) * 8, 8);
	u64 entry;

	if (!p)
		return WALK_RESERVED;
	entry = __atomic_load_n(p, __ATOMIC_RELAXED);
	if (!(entry & PTE_P))
		return WALK_ABSENT;
	if (entry & PDPTE_PAE_RSVD)
		return WALK_RESERVED;
	return walk_64(e, q, entry & PTE_ADDR, 21, rsvd | PAE_RSVD, gpa);
}

static enum walk walk_32(struct emu *e, const struct walk_req *q, u64 *gpa)
{
	const struct vcpu_regs *r = e->regs;
	u32 all = ~0u, entry, bits, *p;
	u64 table = r->cr3 & BITS(31, 12);
	unsigned shift = 22;

	for (;; shift -= 10) {
		p = e->ops->ram(e->ctx, table + (q->linear >> shift & 1023) * 4, 4);
		if (!p)
			return WALK_RESERVED;
		entry = __atomic_load_n(p, __ATOMIC_RELAXED);
		if (!(entry & PTE_P))
			return WALK_ABSENT;
		all &= entry;
		if (shift == 12)
			break;
		if ((entry & PTE_PS) && (r->cr4 & CR4_PSE)) {
			if (entry & PDE4M_RSVD)
				return WALK_RESERVED;
			break;
		}
		if (!(entry & PTE_A) && q->mark && !__sync_bool_compare_and_swap(p, entry, entry | (u32)PTE_A))
			return WALK_RACE;
		table = entry & BITS(31, 12);
	}
	if (walk_denied(r, q, all, false))
		return WALK_DENIED;
	bits = q->write ? PTE_A | PTE_D : PTE_A;
	if ((entry & bits) != bits && q->mark && !__sync_bool_compare_and_swap(p, entry, entry | bits))
		return WALK_RACE;
	if (shift == 22) /* PSE-36: bits 13-20 are the address's bits 32-39 */
		*gpa = (entry & BITS(31, 22)) | FIELD_PUT(BITS(39, 32), FIELD(BITS(20, 13), (u64)entry)) |
		       (q->linear & BITS(21, 0));
	else
		*gpa = (entry & BITS(31, 12)) | (q->linear & BITS(11, 0));
	return WALK_OK;
}

static COLD bool walk_fault(struct emu *e, const struct walk_req *q, enum walk why)
{
	const struct vcpu_regs *r = e->regs;
	bool nx = (r->cr4 & CR4_PAE) && (r->efer & EFER_NXE);
	u64 code = 0;

	if (why != WALK_ABSENT)
		code |= PF_P;
	if (why == WALK_RESERVED)
		code |= PF_RSVD;
	if (q->write)
		code |= PF_W;
	if (r->cpl == 3)
		code |= PF_U;
	if (q->fetch && (nx || (r->cr4 & CR4_SMEP)))
		code |= PF_I;
	emu_raise(e, VEC_PF, true, (u32)code);
	e->fault.cr2 = q->linear;
	return false;
}

/* Keep a walk for emu_walked. */
static void walk_keep(struct emu *e, const struct walk_req *q, u64 gpa)
{
	enum emu_why why = q->fetch ? EMU_FETCH : q->write ? EMU_WRITE : EMU_READ;
	struct emu_walked *w = emu_slot(e, q->linear, why);
	const struct vcpu_regs *r = e->regs;

	w->key = (q->linear & PAGE_MASK) | why;
	w->cr0 = r->cr0;
	w->cr3 = r->cr3;
	w->cr4 = r->cr4;
	w->efer = r->efer;
	w->user = emu_user(r);
	for (unsigned k = 0; k < ARRAY_SIZE(w->entry); k++) {
		unsigned from = MIN(k, q->depth - 1);

		w->entry[k] = q->entry[from];
		w->value[k] = q->value[from];
	}
	w->gpa = gpa & PAGE_MASK;
	w->ram = e->ops->ram(e->ctx, w->gpa, PAGE_SIZE);
}

bool emu_walk(struct emu *e, u64 linear, bool write, bool fetch, u64 *gpa)
{
	const struct vcpu_regs *r = e->regs;
	struct walk_req q;
	u64 rsvd = r->efer & EFER_NXE ? 0 : PTE_NX;
	enum walk w;

	if (!(r->cr0 & CR0_PG)) {
		*gpa = (u32)linear;
		return true;
	}
	q.linear = linear;
	q.write = write;
	q.fetch = fetch;
	for (unsigned n = 0; n <= WALK_TRIES; n++) {
		q.mark = n < WALK_TRIES;
		if (r->efer & EFER_LMA)
			w = walk_64(e, &q, r->cr3 & PTE_ADDR, r->cr4 & CR4_LA57 ? 48 : 39, rsvd, gpa);
		else if (r->cr4 & CR4_PAE)
			w = walk_pae(e, &q, rsvd, gpa);
		else
			w = walk_32(e, &q, gpa);
		if (likely(w == WALK_OK)) {
			if (e->cache && (r->efer & EFER_LMA) && !(r->cr4 & CR4_LA57) && q.mark)
				walk_keep(e, &q, *gpa);
			return true;
		}
		if (w != WALK_RACE)
			break;
	}
	return walk_fault(e, &q, w);
}

status_t emu_translate(struct emu *e, u64 linear, bool write, bool fetch, u64 *gpa)
{
	if (!(e->regs->efer & EFER_LMA)) {
		linear = (u32)linear;
	} else if (!emu_canonical(e->regs, linear)) {
		emu_raise(e, VEC_GP, true, 0);
		return ERR_UNMAPPED;
	}
	return emu_walk(e, linear, write, fetch, gpa) ? OK : ERR_UNMAPPED;
}
