/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/arm64/emulate.c: decode and carry out one A64 load or store of general registers. */
#include "guest/vmm/arm64/emulate.h"

#include "guest/vmm/arm64/virt.h"

/* Fields that the encodings share (DDI 0487, C4.1). */
#define A64_SIZE   BITS(31, 30)
#define A64_V	   BIT(26) /* SIMD and floating point */
#define A64_OPC	   BITS(23, 22)
#define A64_L	   BIT(22)
#define A64_RM	   BITS(20, 16)
#define A64_IMM12  BITS(21, 10)
#define A64_IMM9   BITS(20, 12)
#define A64_IMM7   BITS(21, 15)
#define A64_OPTION BITS(15, 13)
#define A64_S	   BIT(12)
#define A64_RT2	   BITS(14, 10)
#define A64_RN	   BITS(9, 5)
#define A64_RT	   BITS(4, 0)

/* Their classes: bits that tell them, and what those are. */
#define PAIR_MASK     0x3a000000u
#define PAIR	      0x28000000u
#define PAIR_MODE     BITS(24, 23) /* no-allocate, post-index, offset, pre-index */
#define REG_MASK      0x3f000000u
#define REG_UIMM      0x39000000u
#define REG_OTHER     0x38000000u
#define REG_BIT21     BIT(21)
#define REG_MODE      BITS(11, 10) /* with bit 21 clear: unscaled, post-index, unprivileged, pre-index */
#define REG_INDEX     2u	   /* with bit 21 set */
#define RCPC_MASK     0x3f200c00u  /* LDAPUR, STLUR */
#define RCPC	      0x19000000u
#define LDAPR_MASK    0x3fe0fc00u
#define LDAPR	      0x38a0c000u
#define ORDERED_MASK  0x3fa00000u /* LDAR, LDLAR, STLR, STLLR */
#define ORDERED	      0x08800000u
#define OPTION_X      BIT(1) /* of OPTION: the extension keeps at least 32 bits */
#define OPTION_SIGNED BIT(2)

#define PSTATE_SS    BIT(21)
#define PSTATE_BTYPE BITS(11, 10)
#define SCTLR_M	     BIT(0)
#define VA_BITS	     BITS(55, 0) /* above, there may be a tag */

static s64 a64_signed(u64 v, unsigned bits)
{
	return (s64)(v << (64 - bits)) >> (64 - bits);
}

/* The opc field of a single register's load or store: direction, extension. */
static bool a64_decode_opc(u32 word, struct a64_insn *i)
{
	unsigned size = FIELD(A64_SIZE, word), opc = FIELD(A64_OPC, word);

	i->count = 1;
	i->size = (u8)(1u << size);
	i->load = opc != 0;
	i->sign = opc >= 2;
	i->wide = opc == 2 || size == 3;
	/* 64 bits have no extension (it is a prefetch there), 32 bits none to 32 */
	return (word & A64_V) == 0 && !(i->sign && (size == 3 || (size == 2 && opc == 3)));
}

static bool a64_decode_pair(u32 word, struct a64_insn *i)
{
	unsigned opc = FIELD(A64_SIZE, word), mode = FIELD(PAIR_MODE, word);

	if ((word & A64_V) != 0 || opc == 3)
		return false;
	i->load = (word & A64_L) != 0;
	i->count = 2;
	i->rt2 = FIELD(A64_RT2, word);
	i->size = opc == 2 ? 8 : 4;
	i->sign = opc == 1;
	i->wide = opc != 0;
	i->wback = (mode & 1) != 0;
	i->post = mode == 1;
	i->imm = a64_signed(FIELD(A64_IMM7, word), 7) * i->size;
	/* opc 1: LDPSW; its store is one with a tag, and it has no form without allocation */
	return opc != 1 || (i->load && mode != 0);
}

static bool a64_decode_other(u32 word, struct a64_insn *i)
{
	unsigned mode = FIELD(REG_MODE, word);

	if ((word & LDAPR_MASK) == LDAPR) {
		i->count = 1;
		i->size = (u8)(1u << FIELD(A64_SIZE, word));
		i->load = true;
		i->wide = true;
		return true;
	}
	if (!a64_decode_opc(word, i))
		return false;
	if ((word & REG_BIT21) == 0) {
		i->imm = a64_signed(FIELD(A64_IMM9, word), 9);
		i->wback = (mode & 1) != 0;
		i->post = mode == 1;
		return true;
	}
	i->index = true;
	i->rm = FIELD(A64_RM, word);
	i->extend = FIELD(A64_OPTION, word);
	i->shift = (word & A64_S) != 0 ? FIELD(A64_SIZE, word) : 0;
	return mode == REG_INDEX && (i->extend & OPTION_X) != 0;
}

bool a64_decode(u32 word, struct a64_insn *i)
{
	*i = (struct a64_insn){ .rt = FIELD(A64_RT, word), .rn = FIELD(A64_RN, word) };
	if ((word & PAIR_MASK) == PAIR)
		return a64_decode_pair(word, i);
	if ((word & RCPC_MASK) == RCPC) {
		i->imm = a64_signed(FIELD(A64_IMM9, word), 9);
		return a64_decode_opc(word, i);
	}
	if ((word & ORDERED_MASK) == ORDERED) {
		i->count = 1;
		i->size = (u8)(1u << FIELD(A64_SIZE, word));
		i->load = (word & A64_L) != 0;
		i->wide = true;
		return true;
	}
	if ((word & REG_MASK) == REG_OTHER)
		return a64_decode_other(word, i);
	if ((word & REG_MASK) == REG_UIMM && a64_decode_opc(word, i)) {
		i->imm = (s64)(FIELD(A64_IMM12, word) * i->size);
		return true;
	}
	return false;
}

/* --- memory --------------------------------------------------------------------------------------------------- */

bool a64_bus_answers(struct vm *vm, u64 gpa)
{
	return bus_find(&vm->mmio, gpa) != NULL || virt_in_pci(gpa);
}

struct a64_access {
	struct vm *vm;
	const struct vcpu_state *st;
	u64 gva, gpa; /* a virtual address and where it leads    */
	bool write;
	bool flat; /* the MMU is off: all others lead to themselves */
};

/* Where the byte at @va is. */
static bool a64_place(const struct a64_access *a, u64 va, u64 *gpa)
{
	if (((va ^ a->gva) & VA_BITS & PAGE_MASK) == 0)
		*gpa = (a->gpa & PAGE_MASK) | (va & ~PAGE_MASK);
	else if (a->flat)
		*gpa = va & VA_BITS;
	else if (!a64_walk(a->vm, a->st, va, a->write, gpa))
		return false;
	return vm_mem(a->vm, *gpa, 1) != NULL || a64_bus_answers(a->vm, *gpa);
}

/* Bytes of [@va, @va+@size) in its first page. */
static unsigned a64_part(u64 va, unsigned size)
{
	return (unsigned)MIN((u64)size, PAGE_SIZE - (va & ~PAGE_MASK));
}

static bool a64_reaches(const struct a64_access *a, u64 va, unsigned size)
{
	unsigned part = a64_part(va, size);
	u64 gpa;

	return a64_place(a, va, &gpa) && (part == size || a64_place(a, va + part, &gpa));
}

/* One byte, or all of what lies in one page. */
static u64 a64_load(const struct a64_access *a, u64 va, unsigned size)
{
	u64 gpa = 0, value = 0;
	const void *p;

	if (!a64_place(a, va, &gpa)) /* it did a moment ago: a device has moved by this very access */
		return ~0ULL >> (64 - 8 * size);
	p = vm_mem(a->vm, gpa, size);
	if (p == NULL)
		return bus_read(&a->vm->mmio, gpa, size);
	memcpy(&value, p, size);
	return value;
}

static void a64_store(const struct a64_access *a, u64 va, unsigned size, u64 value)
{
	u64 gpa = 0;
	void *p;

	if (!a64_place(a, va, &gpa))
		return;
	p = vm_mem(a->vm, gpa, size);
	if (p == NULL)
		bus_write(&a->vm->mmio, gpa, size, value);
	else
		memcpy(p, &value, size);
}

static u64 a64_read(const struct a64_access *a, u64 va, unsigned size)
{
	u64 value = 0;

	if (a64_part(va, size) == size)
		return a64_load(a, va, size);
	for (unsigned n = 0; n < size; n++)
		value |= a64_load(a, va + n, 1) << 8 * n;
	return value;
}

static void a64_write(const struct a64_access *a, u64 va, unsigned size, u64 value)
{
	if (a64_part(va, size) == size) {
		a64_store(a, va, size, value);
		return;
	}
	for (unsigned n = 0; n < size; n++)
		a64_store(a, va + n, 1, value >> 8 * n & 0xff);
}

/* --- the instruction -------------------------------------------------------------------------------------------- */

static u64 *a64_sp(struct vcpu_state *st)
{
	return (st->regs.pstate & ARM_PSTATE_MODE) == ARM_PSTATE_EL1H ? &st->sp_el1 : &st->regs.sp_el0;
}

static u64 a64_reg(const struct vcpu_regs *regs, unsigned n)
{
	return n == 31 ? 0 : regs->x[n];
}

static u64 a64_offset(const struct vcpu_regs *regs, const struct a64_insn *i)
{
	u64 v = a64_reg(regs, i->rm);

	if (!i->index)
		return (u64)i->imm;
	if ((i->extend & 1) == 0) /* UXTW, SXTW */
		v = (i->extend & OPTION_SIGNED) != 0 ? (u64)(s64)(s32)v : (u32)v;
	return v << i->shift;
}

static void a64_set_loaded(struct vcpu_regs *regs, const struct a64_insn *i, unsigned reg, u64 v)
{
	if (reg == 31)
		return;
	if (i->sign)
		v = (u64)a64_signed(v, 8 * i->size);
	regs->x[reg] = i->wide ? v : (u32)v;
}

bool a64_step(struct vm *vm, struct vcpu_state *st, const struct a64_insn *i, u64 gva, u64 gpa)
{
	struct vcpu_regs *regs = &st->regs;
	const struct a64_access a = {
		.vm = vm, .st = st, .gva = gva, .gpa = gpa, .write = !i->load, .flat = (st->sctlr & SCTLR_M) == 0
	};
	const u8 reg[2] = { i->rt, i->rt2 };
	u64 *base = i->rn == 31 ? a64_sp(st) : &regs->x[i->rn];
	u64 moved = *base + a64_offset(regs, i), va = i->post ? *base : moved, value[2];

	if (((gva - va) & VA_BITS) >= (u64)i->size * i->count)
		return false;
	for (unsigned n = 0; n < i->count; n++) {
		if (!a64_reaches(&a, va + n * i->size, i->size))
			return false;
		value[n] = a64_reg(regs, reg[n]);
	}
	for (unsigned n = 0; n < i->count; n++) {
		if (i->load)
			value[n] = a64_read(&a, va + n * i->size, i->size);
		else
			a64_write(&a, va + n * i->size, i->size, value[n]);
	}
	/* A base that is loaded as well is the architecture's "unpredictable": what was loaded stays. */
	if (i->wback)
		*base = moved;
	for (unsigned n = 0; i->load && n < i->count; n++)
		a64_set_loaded(regs, i, reg[n], value[n]);
	regs->pc += 4;
	regs->pstate &= ~(PSTATE_SS | PSTATE_BTYPE);
	return true;
}
