/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/emu_mem.c: registers and memory operands: segments, translation, RAM and devices. */
#include "guest/vmm/x86/emu_impl.h"

/* Descriptor types (Intel SDM 3A, 3.4.5.1). */
#define TYPE_CODE   8u
#define TYPE_DOWN   4u /* of data: expands down  */
#define TYPE_ACCESS 2u /* data: writable; code: readable */

u64 emu_reg_read(const struct emu *e, const struct insn *i, unsigned n, unsigned size)
{
	if (size == 1 && !i->rex && (n & 4))
		return e->regs->gpr[n & 3] >> 8 & 0xff;
	return e->regs->gpr[n] & emu_mask(size);
}

void emu_reg_write(struct emu *e, const struct insn *i, unsigned n, unsigned size, u64 v)
{
	u64 *gpr = e->regs->gpr;

	switch (size) {
	case 1:
		if (!i->rex && (n & 4))
			gpr[n & 3] = (gpr[n & 3] & ~0xff00ULL) | (v & 0xff) << 8;
		else
			gpr[n] = (gpr[n] & ~0xffULL) | (v & 0xff);
		break;
	case 2: gpr[n] = (gpr[n] & ~0xffffULL) | (v & 0xffff); break;
	case 4: gpr[n] = (u32)v; break;
	default: gpr[n] = v; break;
	}
}

void emu_addr_write(struct emu *e, unsigned n, unsigned asize, u64 v)
{
	u64 *reg = &e->regs->gpr[n];

	*reg = asize == 2 ? (*reg & ~0xffffULL) | (v & 0xffff) : v & emu_mask(asize);
}

/* Limit and rights of a segment outside 64-bit mode (Intel SDM 3A, 5.3 and 5.5). */
static bool mem_segment_ok(const struct vcpu_regs *r, const struct x86_seg *s, u64 off, unsigned size, bool write)
{
	u64 last = off + size - 1;

	if (!(s->ar & X86_AR_P))
		return false;
	if ((r->cr0 & CR0_PE) && !(r->rflags & FLAG_VM)) {
		if (s->ar & TYPE_CODE) {
			if (write || !(s->ar & TYPE_ACCESS))
				return false;
		} else if (write && !(s->ar & TYPE_ACCESS)) {
			return false;
		}
	}
	if ((s->ar & (TYPE_CODE | TYPE_DOWN)) == TYPE_DOWN)
		return off > s->limit && last <= (s->ar & X86_AR_DB ? 0xffffffffu : 0xffffu);
	return last <= s->limit;
}

static inline bool mem_linear(struct emu *e, const struct insn *i, unsigned seg, u64 off, unsigned size, bool write,
			      u64 *linear)
{
	const struct vcpu_regs *r = e->regs;
	const struct x86_seg *s = &r->seg[seg];

	if (likely(i->long64)) {
		u64 a = seg >= X86_FS ? s->base + off : off;

		*linear = a;
		if (likely(emu_canonical(r, a) && emu_canonical(r, a + size - 1)))
			return true;
	} else {
		*linear = (u32)(s->base + off);
		if (mem_segment_ok(r, s, off, size, write))
			return true;
	}
	emu_raise(e, seg == X86_SS ? VEC_SS : VEC_GP, true, 0);
	return false;
}

bool emu_linear(struct emu *e, const struct insn *i, unsigned seg, u64 off, unsigned size, bool write, u64 *linear)
{
	return mem_linear(e, i, seg, off, size, write, linear);
}

void emu_mem_at(struct emu *e, u64 gpa, unsigned size, struct emu_mem *m)
{
	m->gpa[0] = gpa;
	m->first = m->size = (u8)size;
	m->ram[0] = e->ops->ram(e->ctx, gpa, size);
}

/* An operand on two pages; its second part may wrap to linear address 0 outside 64-bit mode. */
static COLD bool mem_split(struct emu *e, const struct insn *i, u64 linear, bool write, struct emu_mem *m)
{
	u64 second = linear + m->first;
	unsigned rest = m->size - m->first;

	if (!i->long64)
		second = (u32)second;
	if (!emu_walk(e, linear, write, false, &m->gpa[0]) || !emu_walk(e, second, write, false, &m->gpa[1]))
		return false;
	m->ram[0] = e->ops->ram(e->ctx, m->gpa[0], m->first);
	m->ram[1] = e->ops->ram(e->ctx, m->gpa[1], rest);
	return true;
}

bool emu_mem(struct emu *e, const struct insn *i, unsigned seg, u64 off, unsigned size, bool write, struct emu_mem *m)
{
	const struct emu_walked *w;
	unsigned room;
	u64 linear, gpa;

	if (!mem_linear(e, i, seg, off, size, write, &linear))
		return false;
	room = PAGE_SIZE - (unsigned)(linear & ~PAGE_MASK);
	if (unlikely(room < size)) {
		m->first = (u8)room;
		m->size = (u8)size;
		return mem_split(e, i, linear, write, m);
	}
	w = emu_walked(e, linear, write ? EMU_WRITE : EMU_READ);
	if (likely(w)) {
		u64 in_page = linear & ~PAGE_MASK;

		m->gpa[0] = w->gpa + in_page;
		m->ram[0] = w->ram ? w->ram + in_page : NULL;
		m->first = m->size = (u8)size;
		return true;
	}
	if (!emu_walk(e, linear, write, false, &gpa))
		return false;
	emu_mem_at(e, gpa, size, m);
	return true;
}

static inline u64 mem_load(const u8 *p, unsigned size)
{
	u64 v = 0;

	switch (size) {
	case 1: return *p;
	case 2: __builtin_memcpy(&v, p, 2); break;
	case 4: __builtin_memcpy(&v, p, 4); break;
	default: __builtin_memcpy(&v, p, 8); break;
	}
	return v;
}

static inline void mem_store(u8 *p, unsigned size, u64 v)
{
	switch (size) {
	case 1: *p = (u8)v; break;
	case 2: __builtin_memcpy(p, &v, 2); break;
	case 4: __builtin_memcpy(p, &v, 4); break;
	default: __builtin_memcpy(p, &v, 8); break;
	}
}

/* The largest naturally aligned device access at @gpa of at most @n bytes. */
static unsigned mem_chunk(u64 gpa, unsigned n)
{
	unsigned size = 8;

	while (size > n || (gpa & (size - 1)))
		size /= 2;
	return size;
}

/* One page's part of a split operand: an odd number of bytes. */
static u64 mem_read_part(struct emu *e, u8 *ram, u64 gpa, unsigned n)
{
	u64 v = 0;

	for (unsigned k = 0, size; k < n; k += size) {
		size = ram ? 1 : mem_chunk(gpa + k, n - k);
		v |= (ram ? ram[k] : e->ops->mmio_read(e->ctx, gpa + k, size) & emu_mask(size)) << (8 * k);
	}
	return v;
}

static void mem_write_part(struct emu *e, u8 *ram, u64 gpa, unsigned n, u64 v)
{
	for (unsigned k = 0, size; k < n; k += size) {
		size = ram ? 1 : mem_chunk(gpa + k, n - k);
		if (ram)
			ram[k] = (u8)(v >> (8 * k));
		else
			e->ops->mmio_write(e->ctx, gpa + k, size, v >> (8 * k) & emu_mask(size));
	}
}

u64 emu_mem_read(struct emu *e, const struct emu_mem *m)
{
	if (unlikely(m->first != m->size)) {
		u64 low = mem_read_part(e, m->ram[0], m->gpa[0], m->first);

		return low | mem_read_part(e, m->ram[1], m->gpa[1], m->size - m->first) << (8 * m->first);
	}
	if (m->ram[0])
		return mem_load(m->ram[0], m->size);
	return e->ops->mmio_read(e->ctx, m->gpa[0], m->size) & emu_mask(m->size);
}

void emu_mem_write(struct emu *e, const struct emu_mem *m, u64 v)
{
	if (unlikely(m->first != m->size)) {
		mem_write_part(e, m->ram[0], m->gpa[0], m->first, v);
		mem_write_part(e, m->ram[1], m->gpa[1], m->size - m->first, v >> (8 * m->first));
	} else if (m->ram[0]) {
		mem_store(m->ram[0], m->size, v);
	} else {
		e->ops->mmio_write(e->ctx, m->gpa[0], m->size, v & emu_mask(m->size));
	}
}

/* Atomic where it is aligned. An operand that is not (a split lock) is written plainly: an atomic
 * access to it could fault in us, and no driver relies on one here. */
bool emu_mem_update(struct emu *e, const struct emu_mem *m, u64 old, u64 v)
{
	void *p = m->ram[0];

	if (m->first != m->size || !p || ((uintptr_t)p & (m->size - 1u))) {
		emu_mem_write(e, m, v);
		return true;
	}
	switch (m->size) {
	case 1: return __sync_bool_compare_and_swap((u8 *)p, (u8)old, (u8)v);
	case 2: return __sync_bool_compare_and_swap((u16 *)p, (u16)old, (u16)v);
	case 4: return __sync_bool_compare_and_swap((u32 *)p, (u32)old, (u32)v);
	default: return __sync_bool_compare_and_swap((u64 *)p, old, v);
	}
}
