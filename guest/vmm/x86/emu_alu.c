/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/emu_alu.c: arithmetic and its flags (Intel SDM 1, 3.4.3.1; 2, the instructions). */
#include "guest/vmm/x86/emu_impl.h"

static inline u64 alu_msb(unsigned size)
{
	return 1ULL << (8 * size - 1);
}

static inline u64 alu_set(u64 flags, u64 mask, u64 v)
{
	return (flags & ~mask) | v;
}

/* SF, ZF and PF of a result; @v has no bits above the operand. */
static u64 alu_szp(unsigned size, u64 v)
{
	unsigned low = (unsigned)(v ^ v >> 4) & 15;

	return (v ? 0 : FLAG_ZF) | (v & alu_msb(size) ? FLAG_SF : 0) | (0x9669u >> low & 1 ? FLAG_PF : 0);
}

static u64 alu_flags(unsigned size, u64 r, bool carry, bool overflow, u64 half)
{
	return alu_szp(size, r) | (carry ? FLAG_CF : 0) | (overflow ? FLAG_OF : 0) | (half & FLAG_AF);
}

static u64 alu_add(unsigned size, u64 a, u64 b, u64 c, u64 *flags)
{
	u64 r = (a + b + c) & emu_mask(size), m = alu_msb(size);
	bool carry = ((a & b) | ((a | b) & ~r)) & m;

	*flags = alu_set(*flags, FLAGS_ALU, alu_flags(size, r, carry, (a ^ r) & (b ^ r) & m, a ^ b ^ r));
	return r;
}

static u64 alu_sub(unsigned size, u64 a, u64 b, u64 c, u64 *flags)
{
	u64 r = (a - b - c) & emu_mask(size), m = alu_msb(size);
	bool borrow = ((~a & b) | (~(a ^ b) & r)) & m;

	*flags = alu_set(*flags, FLAGS_ALU, alu_flags(size, r, borrow, (a ^ b) & (a ^ r) & m, a ^ b ^ r));
	return r;
}

static u64 alu_logic(unsigned size, u64 r, u64 *flags)
{
	*flags = alu_set(*flags, FLAGS_ALU, alu_szp(size, r));
	return r;
}

u64 emu_alu(unsigned op, unsigned size, u64 a, u64 b, u64 *flags)
{
	u64 c = *flags & FLAG_CF;

	a &= emu_mask(size);
	b &= emu_mask(size);
	switch (op) {
	case 0: return alu_add(size, a, b, 0, flags);
	case 1: return alu_logic(size, a | b, flags);
	case 2: return alu_add(size, a, b, c, flags);
	case 3: return alu_sub(size, a, b, c, flags);
	case 4: return alu_logic(size, a & b, flags);
	case 6: return alu_logic(size, a ^ b, flags);
	default: return alu_sub(size, a, b, 0, flags);
	}
}

u64 emu_incdec(bool dec, unsigned size, u64 a, u64 *flags)
{
	u64 cf = *flags & FLAG_CF, r;

	r = dec ? alu_sub(size, a, 1, 0, flags) : alu_add(size, a, 1, 0, flags);
	*flags = alu_set(*flags, FLAG_CF, cf);
	return r;
}

/* Bit by bit: at most 63 steps, and rare. OF is that of the last step, as CPUs commonly leave it. */
u64 emu_shift(unsigned op, unsigned size, u64 a, unsigned count, u64 *flags)
{
	u64 msb = alu_msb(size), cf = *flags & FLAG_CF, out, last = a;

	count &= size == 8 ? 63 : 31;
	if (!count)
		return a;
	for (unsigned n = 0; n < count; n++) {
		last = a;
		if (op & 1) { /* to the right */
			out = a & 1;
			a >>= 1;
			if (op == 1 ? out : op == 3 ? cf : op == 7 && (last & msb))
				a |= msb;
		} else {
			out = a & msb ? 1 : 0;
			a = (a << 1 & emu_mask(size)) | (op == 0 ? out : op == 2 ? cf : 0);
		}
		cf = out;
	}
	*flags = alu_set(*flags, FLAG_CF | FLAG_OF, cf);
	if (op & 1 ? (last ^ a) & msb : !(a & msb) != !cf)
		*flags |= FLAG_OF;
	if (op >= 4)
		*flags = alu_set(*flags, FLAG_SF | FLAG_ZF | FLAG_PF, alu_szp(size, a));
	return a;
}

u64 emu_imul(unsigned size, u64 a, u64 b, u64 *flags)
{
	__int128 full = (__int128)(s64)emu_sign(size, a) * (s64)emu_sign(size, b);
	u64 r = (u64)full & emu_mask(size);
	bool lost = full != (__int128)(s64)emu_sign(size, r);

	/* SF, ZF, AF, PF are undefined. */
	*flags = alu_set(*flags, FLAG_CF | FLAG_OF, lost ? FLAG_CF | FLAG_OF : 0);
	return r;
}

/* The double-width product or dividend is in rDX:rAX, but for bytes in AX. */
static void alu_put_pair(struct emu *e, const struct insn *i, u64 low, u64 high)
{
	if (i->osize == 1) {
		emu_reg_write(e, i, X86_RAX, 2, (low & 0xff) | high << 8);
	} else {
		emu_reg_write(e, i, X86_RAX, i->osize, low);
		emu_reg_write(e, i, X86_RDX, i->osize, high);
	}
}

/* @high:@low / @b, unsigned. False: by zero, or the quotient does not fit. */
static bool alu_divide(unsigned size, u64 high, u64 low, u64 b, u64 *quot, u64 *rem)
{
	if (high >= b)
		return false;
	if (size == 8) {
		__asm__("divq %4" : "=a"(*quot), "=d"(*rem) : "a"(low), "d"(high), "r"(b) : "cc");
	} else {
		u64 n = high << (8 * size) | low;

		*quot = n / b;
		*rem = n % b;
	}
	return true;
}

static bool alu_divide_signed(unsigned size, u64 high, u64 low, u64 b, u64 *quot, u64 *rem)
{
	u64 mask = emu_mask(size), msb = alu_msb(size);
	bool neg = high & msb, neg_b = b & msb;

	if (neg) {
		low = -low & mask;
		high = (~high + !low) & mask;
	}
	if (!alu_divide(size, high, low, neg_b ? -b & mask : b, quot, rem))
		return false;
	if (*quot > (neg != neg_b ? msb : msb - 1))
		return false;
	if (neg != neg_b)
		*quot = -*quot & mask;
	if (neg)
		*rem = -*rem & mask;
	return true;
}

bool emu_muldiv(struct emu *e, const struct insn *i, unsigned op, u64 b)
{
	unsigned size = i->osize, bits = 8 * size;
	u64 a = e->regs->gpr[X86_RAX] & emu_mask(size), high, quot, rem;

	if (op <= 5) {
		unsigned __int128 full;
		bool lost;

		if (op == 4)
			full = (unsigned __int128)a * b;
		else
			full = (unsigned __int128)((__int128)(s64)emu_sign(size, a) * (s64)emu_sign(size, b));
		a = (u64)full & emu_mask(size);
		high = (u64)(full >> bits) & emu_mask(size);
		lost = op == 4 ? high != 0 : high != (a & alu_msb(size) ? emu_mask(size) : 0);
		e->regs->rflags = alu_set(e->regs->rflags, FLAG_CF | FLAG_OF, lost ? FLAG_CF | FLAG_OF : 0);
		alu_put_pair(e, i, a, high);
		return true;
	}
	high = size == 1 ? e->regs->gpr[X86_RAX] >> 8 & 0xff : e->regs->gpr[X86_RDX] & emu_mask(size);
	if (op == 6 ? alu_divide(size, high, a, b, &quot, &rem) : alu_divide_signed(size, high, a, b, &quot, &rem)) {
		alu_put_pair(e, i, quot, rem);
		return true;
	}
	emu_raise(e, VEC_DE, false, 0);
	return false;
}

bool emu_condition(unsigned cc, u64 flags)
{
	bool less = !(flags & FLAG_SF) != !(flags & FLAG_OF), r;

	switch (cc >> 1) {
	case 0: r = flags & FLAG_OF; break;
	case 1: r = flags & FLAG_CF; break;
	case 2: r = flags & FLAG_ZF; break;
	case 3: r = flags & (FLAG_CF | FLAG_ZF); break;
	case 4: r = flags & FLAG_SF; break;
	case 5: r = flags & FLAG_PF; break;
	case 6: r = less; break;
	default: r = less || (flags & FLAG_ZF); break;
	}
	return r != (cc & 1);
}
