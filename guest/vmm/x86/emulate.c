/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/emulate.c: carry out one instruction that has a memory operand (Intel SDM 2). */
#include "guest/vmm/x86/emu_impl.h"

/* Has the CPU told where the operand at offset i->ea is? Another access of the instruction's is of the other kind. */
static inline bool emulate_told(const struct emu *e, const struct insn *i, unsigned size, bool write)
{
	u64 a = i->seg >= X86_FS ? e->regs->seg[i->seg].base + i->ea : i->ea;

	return e->access == (write ? MAP_W : MAP_R) && i->long64 && ((a ^ e->at) & ~PAGE_MASK) == 0 &&
	       (a & ~PAGE_MASK) + size <= PAGE_SIZE;
}

/* The operand that ModRM names, translated. */
static inline bool emulate_operand(struct emu *e, const struct insn *i, unsigned size, bool write, struct emu_mem *m)
{
	return emu_mem(e, i, i->seg, i->ea, size, write, m);
}

static bool emulate_read(struct emu *e, const struct insn *i, unsigned size, u64 *v)
{
	struct emu_mem m;

	if (likely(emulate_told(e, i, size, false))) {
		*v = e->ops->mmio_read(e->ctx, e->at, size) & emu_mask(size);
		return true;
	}
	if (!emulate_operand(e, i, size, false, &m))
		return false;
	*v = emu_mem_read(e, &m);
	return true;
}

static enum emu_result emulate_write(struct emu *e, const struct insn *i, unsigned size, u64 v)
{
	struct emu_mem m;

	if (likely(emulate_told(e, i, size, true))) {
		e->ops->mmio_write(e->ctx, e->at, size, v & emu_mask(size));
		return EMU_DONE;
	}
	if (!emulate_operand(e, i, size, true, &m))
		return EMU_FAULT;
	emu_mem_write(e, &m, v);
	return EMU_DONE;
}

/* Read the operand to change it. */
static bool emulate_begin(struct emu *e, const struct insn *i, struct emu_mem *m, u64 *old)
{
	if (!emulate_operand(e, i, i->osize, true, m))
		return false;
	*old = emu_mem_read(e, m);
	return true;
}

/* The end of a change. False: another CPU was faster; the guest runs the instruction again. */
static bool emulate_end(struct emu *e, struct insn *i, const struct emu_mem *m, u64 old, u64 v, u64 flags)
{
	if (unlikely(!emu_mem_update(e, m, old, v))) {
		i->next = e->regs->rip;
		return false;
	}
	e->regs->rflags = flags;
	return true;
}

static enum emu_result emulate_alu(struct emu *e, struct insn *i, unsigned op, u64 src)
{
	u64 flags = e->regs->rflags, old;
	struct emu_mem m;

	if (op == 7) {
		if (!emulate_read(e, i, i->osize, &old))
			return EMU_FAULT;
		emu_alu(op, i->osize, old, src, &e->regs->rflags);
		return EMU_DONE;
	}
	if (!emulate_begin(e, i, &m, &old))
		return EMU_FAULT;
	src = emu_alu(op, i->osize, old, src, &flags);
	emulate_end(e, i, &m, old, src, flags);
	return EMU_DONE;
}

/* ALU with the register as the destination. */
static enum emu_result emulate_alu_reg(struct emu *e, struct insn *i, unsigned op)
{
	u64 a = emu_reg_read(e, i, i->reg, i->osize), b;

	if (!emulate_read(e, i, i->osize, &b))
		return EMU_FAULT;
	a = emu_alu(op, i->osize, a, b, &e->regs->rflags);
	if (op != 7)
		emu_reg_write(e, i, i->reg, i->osize, a);
	return EMU_DONE;
}

/* AND without a result. */
static enum emu_result emulate_test(struct emu *e, struct insn *i, u64 b)
{
	u64 a;

	if (!emulate_read(e, i, i->osize, &a))
		return EMU_FAULT;
	emu_alu(4, i->osize, a, b, &e->regs->rflags);
	return EMU_DONE;
}

/* F6, F7: TEST TEST NOT NEG MUL IMUL DIV IDIV. */
static enum emu_result emulate_grp3(struct emu *e, struct insn *i)
{
	u64 flags = e->regs->rflags, old, v;
	unsigned op = i->reg & 7;
	struct emu_mem m;

	if (op < 2)
		return emulate_test(e, i, i->imm);
	if (op >= 4) {
		if (!emulate_read(e, i, i->osize, &v) || !emu_muldiv(e, i, op, v))
			return EMU_FAULT;
		return EMU_DONE;
	}
	if (!emulate_begin(e, i, &m, &old))
		return EMU_FAULT;
	v = op == 2 ? ~old : emu_alu(5, i->osize, 0, old, &flags);
	emulate_end(e, i, &m, old, v, flags);
	return EMU_DONE;
}

/* The stack pointer's size and its value moved by @by. */
static u64 emulate_stack(const struct emu *e, const struct insn *i, u64 by, unsigned *asize)
{
	*asize = i->long64 ? 8 : e->regs->seg[X86_SS].ar & X86_AR_DB ? 4 : 2;
	return (e->regs->gpr[X86_RSP] + by) & emu_mask(*asize);
}

static enum emu_result emulate_pop(struct emu *e, struct insn *i)
{
	unsigned asize;
	u64 sp = emulate_stack(e, i, 0, &asize);
	struct emu_mem from, to;

	if (i->reg & 7)
		return EMU_UNKNOWN;
	if (!emu_mem(e, i, X86_SS, sp, i->osize, false, &from))
		return EMU_FAULT;
	if (i->sp_base) /* an address from rSP takes its value after the POP */
		i->ea = (i->ea + i->osize) & emu_mask(i->asize);
	if (!emulate_operand(e, i, i->osize, true, &to))
		return EMU_FAULT;
	emu_mem_write(e, &to, emu_mem_read(e, &from));
	emu_addr_write(e, X86_RSP, asize, sp + i->osize);
	return EMU_DONE;
}

/* FF /2 /4 /6: near CALL and JMP, PUSH. All that can fault comes before the operand is read: it may be a device. */
static enum emu_result emulate_branch(struct emu *e, struct insn *i, unsigned op)
{
	struct emu_mem from, to;
	unsigned asize;
	u64 sp, v;

	/* Near branches have 64 bits there whatever the prefixes (as Intel does it); PUSH obeys 66. */
	if (i->long64 && (op != 6 || !i->opsize))
		i->osize = 8;
	if (!emulate_operand(e, i, i->osize, false, &from))
		return EMU_FAULT;
	sp = emulate_stack(e, i, -(u64)i->osize, &asize);
	if (op != 4 && !emu_mem(e, i, X86_SS, sp, i->osize, true, &to))
		return EMU_FAULT;
	v = emu_mem_read(e, &from);
	if (op != 6 && (i->long64 ? !emu_canonical(e->regs, v) : v > e->regs->seg[X86_CS].limit))
		return emu_raise(e, VEC_GP, true, 0);
	if (op != 4) {
		emu_mem_write(e, &to, op == 6 ? v : i->next);
		emu_addr_write(e, X86_RSP, asize, sp);
	}
	if (op != 6)
		i->next = v;
	return EMU_DONE;
}

/* FE, FF: INC DEC CALL - JMP - PUSH. */
static enum emu_result emulate_grp5(struct emu *e, struct insn *i)
{
	u64 flags = e->regs->rflags, old, v;
	unsigned op = i->reg & 7;
	struct emu_mem m;

	if (op >= 2) {
		if ((op & 1) || (i->attr & AT_BYTE))
			return EMU_UNKNOWN;
		return emulate_branch(e, i, op);
	}
	if (!emulate_begin(e, i, &m, &old))
		return EMU_FAULT;
	v = emu_incdec(op == 1, i->osize, old, &flags);
	emulate_end(e, i, &m, old, v, flags);
	return EMU_DONE;
}

/* BT BTS BTR BTC; a register's bit offset reaches beyond the operand. */
static enum emu_result emulate_bt(struct emu *e, struct insn *i)
{
	unsigned bits = 8 * i->osize, op = i->op == 0x0fba ? i->reg & 3 : i->op >> 3 & 3;
	u64 flags = e->regs->rflags, off, old, v, bit;
	struct emu_mem m;

	if (i->op == 0x0fba) {
		if (!(i->reg & 4))
			return EMU_UNKNOWN;
		off = i->imm;
	} else {
		off = emu_sign(i->osize, emu_reg_read(e, i, i->reg, i->osize));
		i->ea += (u64)((s64)off >> (i->osize == 8 ? 6 : i->osize == 4 ? 5 : 4)) * i->osize;
		i->ea &= emu_mask(i->asize);
	}
	bit = 1ULL << (off & (bits - 1));
	if (op == 0 ? !emulate_read(e, i, i->osize, &old) : !emulate_begin(e, i, &m, &old))
		return EMU_FAULT;
	flags = (flags & ~FLAG_CF) | (old & bit ? FLAG_CF : 0);
	if (op == 0) {
		e->regs->rflags = flags;
		return EMU_DONE;
	}
	v = op == 1 ? old | bit : op == 2 ? old & ~bit : old ^ bit;
	emulate_end(e, i, &m, old, v, flags);
	return EMU_DONE;
}

static enum emu_result emulate_shift(struct emu *e, struct insn *i)
{
	u64 flags = e->regs->rflags, old, v;
	struct emu_mem m;
	u64 count;

	count = i->attr & AT_IMM ? i->imm : i->op & 2 ? e->regs->gpr[X86_RCX] : 1;
	if (!emulate_begin(e, i, &m, &old))
		return EMU_FAULT;
	v = emu_shift(i->reg & 7, i->osize, old, (unsigned)count & 0xff, &flags);
	emulate_end(e, i, &m, old, v, flags);
	return EMU_DONE;
}

/* XCHG and XADD: the register gets the old value. */
static enum emu_result emulate_exchange(struct emu *e, struct insn *i)
{
	u64 flags = e->regs->rflags, v = emu_reg_read(e, i, i->reg, i->osize), old;
	struct emu_mem m;

	if (!emulate_begin(e, i, &m, &old))
		return EMU_FAULT;
	if (i->kind == OP_XADD)
		v = emu_alu(0, i->osize, old, v, &flags);
	if (emulate_end(e, i, &m, old, v, flags))
		emu_reg_write(e, i, i->reg, i->osize, old);
	return EMU_DONE;
}

static enum emu_result emulate_cmpxchg(struct emu *e, struct insn *i)
{
	u64 flags = e->regs->rflags, acc = e->regs->gpr[X86_RAX] & emu_mask(i->osize), old, v;
	struct emu_mem m;

	if (!emulate_begin(e, i, &m, &old))
		return EMU_FAULT;
	emu_alu(7, i->osize, acc, old, &flags);
	/* When they differ the CPU writes the old value back. */
	v = acc == old ? emu_reg_read(e, i, i->reg, i->osize) : old;
	if (emulate_end(e, i, &m, old, v, flags) && acc != old)
		emu_reg_write(e, i, X86_RAX, i->osize, old);
	return EMU_DONE;
}

/* CMPXCHG8B; the rest of the group is something else. */
static enum emu_result emulate_grp9(struct emu *e, struct insn *i)
{
	u64 *gpr = e->regs->gpr, acc = (u64)(u32)gpr[X86_RDX] << 32 | (u32)gpr[X86_RAX], old, v;
	u64 flags = e->regs->rflags & ~FLAG_ZF;
	struct emu_mem m;

	if ((i->reg & 7) != 1 || i->osize == 8)
		return EMU_UNKNOWN;
	i->osize = 8;
	if (!emulate_begin(e, i, &m, &old))
		return EMU_FAULT;
	v = old;
	if (acc == old) {
		v = (u64)(u32)gpr[X86_RCX] << 32 | (u32)gpr[X86_RBX];
		flags |= FLAG_ZF;
	}
	if (emulate_end(e, i, &m, old, v, flags) && acc != old) {
		gpr[X86_RAX] = (u32)old;
		gpr[X86_RDX] = old >> 32;
	}
	return EMU_DONE;
}

/* MOVZX, MOVSX, MOVSXD; 63 is ARPL outside 64-bit mode. */
static enum emu_result emulate_extend(struct emu *e, struct insn *i)
{
	unsigned size = i->op & 1 ? 2 : 1;
	u64 v;

	if (i->kind == OP_MOVSXD) {
		if (!i->long64)
			return EMU_UNKNOWN;
		size = MIN(i->osize, 4);
	}
	if (!emulate_read(e, i, size, &v))
		return EMU_FAULT;
	emu_reg_write(e, i, i->reg, i->osize, i->kind == OP_MOVZX ? v : emu_sign(size, v));
	return EMU_DONE;
}

static u64 emulate_swap(unsigned size, u64 v)
{
	return __builtin_bswap64(v) >> (64 - 8 * size);
}

static enum emu_result emulate_movbe(struct emu *e, struct insn *i)
{
	u64 v;

	if (i->op & 1)
		return emulate_write(e, i, i->osize, emulate_swap(i->osize, e->regs->gpr[i->reg]));
	if (!emulate_read(e, i, i->osize, &v))
		return EMU_FAULT;
	emu_reg_write(e, i, i->reg, i->osize, emulate_swap(i->osize, v));
	return EMU_DONE;
}

/* The second and third form of IMUL have an immediate, the other one multiplies the register. */
static enum emu_result emulate_imul(struct emu *e, struct insn *i)
{
	u64 a = i->attr & AT_IMM ? i->imm : e->regs->gpr[i->reg], b;

	if (!emulate_read(e, i, i->osize, &b))
		return EMU_FAULT;
	emu_reg_write(e, i, i->reg, i->osize, emu_imul(i->osize, b, a, &e->regs->rflags));
	return EMU_DONE;
}

/* MOV Sreg from memory where it needs no descriptor table: real mode and virtual 8086. */
static enum emu_result emulate_sreg(struct emu *e, struct insn *i)
{
	struct vcpu_regs *r = e->regs;
	u64 v;

	if (i->kind == OP_SREG_STORE) {
		if ((i->reg & 7) >= X86_NSREG)
			return emu_raise(e, VEC_UD, false, 0);
		return emulate_write(e, i, 2, r->seg[i->reg & 7].sel);
	}
	if (i->reg >= X86_NSREG || i->reg == X86_CS)
		return emu_raise(e, VEC_UD, false, 0);
	if (i->reg == X86_SS || ((r->cr0 & CR0_PE) && !(r->rflags & FLAG_VM)))
		return EMU_UNKNOWN; /* SS would also block interrupts for an instruction */
	if (!emulate_read(e, i, 2, &v))
		return EMU_FAULT;
	r->seg[i->reg].sel = (u16)v;
	r->seg[i->reg].base = v << 4;
	return EMU_DONE;
}

static enum emu_result emulate_load(struct emu *e, struct insn *i, unsigned reg)
{
	u64 v;

	if (!emulate_read(e, i, i->osize, &v))
		return EMU_FAULT;
	emu_reg_write(e, i, reg, i->osize, v);
	return EMU_DONE;
}

static enum emu_result emulate_cmov(struct emu *e, struct insn *i)
{
	u64 v;

	if (!emulate_read(e, i, i->osize, &v))
		return EMU_FAULT;
	if (!emu_condition(i->op & 15, e->regs->rflags))
		v = e->regs->gpr[i->reg]; /* the upper half is cleared all the same */
	emu_reg_write(e, i, i->reg, i->osize, v);
	return EMU_DONE;
}

/* May LOCK stand before it (Intel SDM 2A, LOCK)? The operand is memory. */
static bool emulate_lockable(const struct insn *i)
{
	unsigned reg = i->reg & 7;

	switch (i->kind) {
	case OP_ALU: return !(i->op & 2) && i->op < 0x38;
	case OP_ALU_IMM: return reg != 7;
	case OP_GRP3: return reg == 2 || reg == 3;
	case OP_GRP5: return reg < 2;
	case OP_BT: return i->op == 0x0fba ? reg > 4 : i->op != 0x0fa3;
	case OP_GRP9: return reg == 1;
	case OP_XCHG:
	case OP_XADD:
	case OP_CMPXCHG: return true;
	default: return false;
	}
}

static enum emu_result emulate_memory(struct emu *e, struct insn *i)
{
	switch (i->kind) {
	case OP_LOAD: return emulate_load(e, i, i->reg);
	case OP_STORE: return emulate_write(e, i, i->osize, emu_reg_read(e, i, i->reg, i->osize));
	case OP_STORE_IMM: return i->reg & 7 ? EMU_UNKNOWN : emulate_write(e, i, i->osize, i->imm);
	case OP_MOVZX:
	case OP_MOVSX:
	case OP_MOVSXD: return emulate_extend(e, i);
	case OP_ALU:
		if (i->op & 2)
			return emulate_alu_reg(e, i, i->op >> 3 & 7);
		return emulate_alu(e, i, i->op >> 3 & 7, emu_reg_read(e, i, i->reg, i->osize));
	case OP_ALU_IMM: return emulate_alu(e, i, i->reg & 7, i->imm);
	case OP_TEST: return emulate_test(e, i, emu_reg_read(e, i, i->reg, i->osize));
	case OP_GRP3: return emulate_grp3(e, i);
	case OP_GRP5: return emulate_grp5(e, i);
	case OP_XCHG:
	case OP_XADD: return emulate_exchange(e, i);
	case OP_CMPXCHG: return emulate_cmpxchg(e, i);
	case OP_GRP9: return emulate_grp9(e, i);
	case OP_BT: return emulate_bt(e, i);
	case OP_SHIFT: return emulate_shift(e, i);
	case OP_POP: return emulate_pop(e, i);
	case OP_SETCC: return emulate_write(e, i, 1, emu_condition(i->op & 15, e->regs->rflags));
	case OP_CMOV: return emulate_cmov(e, i);
	case OP_IMUL: return emulate_imul(e, i);
	case OP_MOVBE: return emulate_movbe(e, i);
	case OP_MOVNTI:
		if (i->opsize || i->rep)
			return EMU_UNKNOWN;
		return emulate_write(e, i, i->osize, e->regs->gpr[i->reg]);
	case OP_SREG_STORE:
	case OP_SREG_LOAD: return emulate_sreg(e, i);
	default: return EMU_UNKNOWN;
	}
}

enum emu_result emu_step(struct emu *e)
{
	enum emu_result res;
	struct insn i;

	res = emu_decode(e, &i);
	if (unlikely(res != EMU_DONE))
		return res;
	if (unlikely(i.lock) && (i.mod == 3 || !emulate_lockable(&i)))
		return emu_raise(e, VEC_UD, false, 0);
	if (likely(i.mod != 3)) {
		res = emulate_memory(e, &i);
	} else if (i.kind == OP_STRING) {
		res = emu_string(e, &i);
	} else if (i.kind == OP_LOAD_OFFS || i.kind == OP_STORE_OFFS) {
		i.ea = i.imm & emu_mask(i.asize);
		res = i.kind == OP_LOAD_OFFS ? emulate_load(e, &i, X86_RAX)
					     : emulate_write(e, &i, i.osize, emu_reg_read(e, &i, X86_RAX, i.osize));
	} else {
		return EMU_UNKNOWN;
	}
	if (res == EMU_DONE) {
		e->regs->rip = i.next;
		e->regs->rflags &= ~FLAG_RF;
	}
	return res;
}
