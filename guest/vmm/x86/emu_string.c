/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/emu_string.c: the string instructions with REP; either side may be RAM or a device. */
#include "guest/vmm/x86/emu_impl.h"

#define STRING_ITERATIONS 4096

/* One side: translations are kept while the accesses stay in one page, as a TLB would. */
struct string_side {
	unsigned seg, reg;
	bool write;
	u64 page, frame; /* linear and physical; page 1: none */
};

struct string {
	struct insn *i;
	u64 flags;
	u64 step; /* added to rSI and rDI, in two's complement */
	struct string_side src, dst;
};

/* Translate this iteration's element of @side. */
static bool string_element(struct emu *e, const struct string *s, struct string_side *side, struct emu_mem *m)
{
	const struct insn *i = s->i;
	u64 off = e->regs->gpr[side->reg] & emu_mask(i->asize), linear;

	if (!emu_linear(e, i, side->seg, off, i->osize, side->write, &linear))
		return false;
	if ((linear & ~PAGE_MASK) + i->osize > PAGE_SIZE)
		return emu_mem(e, i, side->seg, off, i->osize, side->write, m);
	if ((linear & PAGE_MASK) != side->page) {
		if (!emu_walk(e, linear & PAGE_MASK, side->write, false, &side->frame)) {
			e->fault.cr2 = linear;
			return false;
		}
		side->page = linear & PAGE_MASK;
	}
	emu_mem_at(e, side->frame + (linear & ~PAGE_MASK), i->osize, m);
	return true;
}

/* Both translations come before any effect. False: the fault is filled in. */
static bool string_once(struct emu *e, struct string *s)
{
	const struct insn *i = s->i;
	unsigned size = i->osize, op = i->op & 0xfe;
	u16 port = (u16)e->regs->gpr[X86_RDX];
	struct emu_mem src, dst;
	u64 v;

	if ((op == 0xa4 || op == 0xa6 || op == 0xac || op == 0x6e) && !string_element(e, s, &s->src, &src))
		return false;
	if (op != 0xac && op != 0x6e && !string_element(e, s, &s->dst, &dst))
		return false;
	switch (op) {
	case 0x6c: emu_mem_write(e, &dst, e->ops->port_read(e->ctx, port, size)); break;
	case 0x6e: e->ops->port_write(e->ctx, port, size, emu_mem_read(e, &src)); break;
	case 0xa4: emu_mem_write(e, &dst, emu_mem_read(e, &src)); break;
	case 0xa6:
		v = emu_mem_read(e, &src);
		emu_alu(7, size, v, emu_mem_read(e, &dst), &s->flags);
		break;
	case 0xaa: emu_mem_write(e, &dst, e->regs->gpr[X86_RAX]); break;
	case 0xac: emu_reg_write(e, i, X86_RAX, size, emu_mem_read(e, &src)); break;
	default: emu_alu(7, size, e->regs->gpr[X86_RAX], emu_mem_read(e, &dst), &s->flags); break;
	}
	if (op == 0xa4 || op == 0xa6 || op == 0xac || op == 0x6e)
		emu_addr_write(e, X86_RSI, i->asize, e->regs->gpr[X86_RSI] + s->step);
	if (op != 0xac && op != 0x6e)
		emu_addr_write(e, X86_RDI, i->asize, e->regs->gpr[X86_RDI] + s->step);
	return true;
}

enum emu_result emu_string(struct emu *e, struct insn *i)
{
	struct vcpu_regs *r = e->regs;
	unsigned op = i->op & 0xfe, left = e->max_iter ? e->max_iter : STRING_ITERATIONS;
	bool compare = op == 0xa6 || op == 0xae;
	struct string s = {
		.i = i,
		.flags = r->rflags,
		.src = { .seg = i->seg, .reg = X86_RSI, .page = 1 },
		.dst = { .seg = X86_ES, .reg = X86_RDI, .write = !compare, .page = 1 },
	};

	if ((op & 0xfc) == 0x6c && i->osize == 8)
		i->osize = 4; /* ports have no 64-bit form */
	s.step = r->rflags & FLAG_DF ? -(u64)i->osize : i->osize;
	if (!i->rep) {
		if (!string_once(e, &s))
			return EMU_FAULT;
		r->rflags = s.flags;
		return EMU_DONE;
	}
	for (; (r->gpr[X86_RCX] & emu_mask(i->asize)) != 0; left--) {
		if (!left) { /* back to the guest, which comes here again unless it takes an interrupt */
			i->next = r->rip;
			break;
		}
		if (!string_once(e, &s))
			return EMU_FAULT;
		emu_addr_write(e, X86_RCX, i->asize, r->gpr[X86_RCX] - 1);
		if (compare && !(s.flags & FLAG_ZF) != (i->rep == 0xf2))
			break;
	}
	r->rflags = s.flags;
	return EMU_DONE;
}
