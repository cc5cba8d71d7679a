/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/emu_decode.c: fetch an instruction and take it apart (Intel SDM 2A, chapter 2). */
#include "guest/vmm/x86/emu_impl.h"

#define REX_W 8
#define REX_R 4
#define REX_X 2
#define REX_B 1

#define SEG_NONE 0xff

/* Get more bytes into the buffer, until there are @need. */
static enum emu_result decode_fetch(struct emu *e, struct insn *i, unsigned need)
{
	const struct vcpu_regs *r = e->regs;

	if (need > i->max)
		return emu_raise(e, VEC_GP, true, 0);
	while (i->have < need) {
		u64 at = r->rip + i->have, gpa;
		const struct emu_walked *w;
		unsigned n = INSN_MAX - i->have;
		const u8 *p;

		if (i->long64) {
			if (!emu_canonical(r, at))
				return emu_raise(e, VEC_GP, true, 0);
		} else {
			at = (u32)(r->seg[X86_CS].base + (u32)at);
		}
		n = MIN(n, (unsigned)(PAGE_SIZE - (at & ~PAGE_MASK)));
		w = emu_walked(e, at, EMU_FETCH);
		if (likely(w && w->ram)) {
			p = w->ram + (at & ~PAGE_MASK);
		} else {
			if (!emu_walk(e, at, false, true, &gpa))
				return EMU_FAULT;
			p = e->ops->ram(e->ctx, gpa, n);
			if (!p && e->ops->rom)
				p = e->ops->rom(e->ctx, gpa, n);
		}
		if (!p)
			return EMU_UNKNOWN;
		if (likely(n == INSN_MAX))
			__builtin_memcpy(i->buf, p, INSN_MAX);
		else
			for (unsigned k = 0; k < n; k++)
				i->buf[i->have + k] = p[k];
		i->have = (u8)(i->have + n);
	}
	return EMU_DONE;
}

/* Are @n more bytes there? If not, *@res says why. The limit counts even where the bytes are at hand. */
static inline bool decode_need(struct emu *e, struct insn *i, unsigned n, enum emu_result *res)
{
	unsigned need = i->pos + n;

	if (likely(need <= i->have && need <= i->max))
		return true;
	*res = decode_fetch(e, i, need);
	return *res == EMU_DONE;
}

/* Take @n bytes (1, 2, 4 or 8), sign-extended. */
static inline u64 decode_take(struct insn *i, unsigned n)
{
	u64 v;

	__builtin_memcpy(&v, i->buf + i->pos, 8);
	i->pos = (u8)(i->pos + n);
	return emu_sign(n, v);
}

static enum emu_result decode_start(struct emu *e, struct insn *i)
{
	const struct vcpu_regs *r = e->regs;
	u64 limit = r->seg[X86_CS].limit;

	i->pos = 0;
	i->have = 0;
	i->max = INSN_MAX;
	i->long64 = emu_long64(r);
	if (!i->long64) {
		u64 ip = (u32)r->rip;

		i->max = ip > limit ? 0 : (u8)MIN(limit - ip + 1, (u64)INSN_MAX);
	}
	if (e->insn) {
		i->have = (u8)MIN(e->insn_len, (unsigned)INSN_MAX);
		for (unsigned k = 0; k < i->have; k++)
			i->buf[k] = e->insn[k];
	}
	return i->have ? EMU_DONE : decode_fetch(e, i, 1);
}

/* The legacy prefixes and REX; leaves the opcode's first byte in i->op. */
static enum emu_result decode_prefixes(struct emu *e, struct insn *i)
{
	u8 asize = i->asize ^ (i->long64 ? 8 ^ 4 : 4 ^ 2); /* with a 67 */
	enum emu_result res = EMU_DONE;
	u8 b;

	i->rex = i->rep = i->opsize = i->lock = 0;
	i->seg = SEG_NONE;
	for (;;) {
		if (!decode_need(e, i, 1, &res))
			return res;
		b = i->buf[i->pos++];
		if (i->long64 && (b & 0xf0) == 0x40) {
			i->rex = b;
			continue;
		}
		if (likely((emu_opcodes[b] & AT_KIND) != OP_PREFIX))
			break;
		i->rex = 0; /* REX counts only right before the opcode */
		switch (b) {
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
			if (!i->long64)
				i->seg = b >> 3 & 3;
			break;
		case 0x64: i->seg = X86_FS; break;
		case 0x65: i->seg = X86_GS; break;
		case 0x66: i->opsize = 1; break;
		case 0x67: i->asize = asize; break;
		case 0xf0: i->lock = 1; break;
		default: i->rep = b; break;
		}
	}
	i->op = b;
	return res;
}

/* 16-bit forms: Intel SDM 2A, table 2-1. */
static enum emu_result decode_modrm16(struct emu *e, struct insn *i, unsigned rm)
{
	static const struct {
		u8 base, index;
	} forms[8] = {
		{ X86_RBX, X86_RSI },  { X86_RBX, X86_RDI },  { X86_RBP, X86_RSI },  { X86_RBP, X86_RDI },
		{ X86_RSI, X86_NGPR }, { X86_RDI, X86_NGPR }, { X86_RBP, X86_NGPR }, { X86_RBX, X86_NGPR },
	};
	const u64 *gpr = e->regs->gpr;
	unsigned disp = i->mod == 0 && rm == 6 ? 2 : i->mod;
	enum emu_result res = EMU_DONE;
	u64 ea = 0;

	if (disp) {
		if (!decode_need(e, i, disp, &res))
			return res;
		ea = decode_take(i, disp);
	}
	if (i->mod || rm != 6) {
		ea += gpr[forms[rm].base];
		if (forms[rm].index != X86_NGPR)
			ea += gpr[forms[rm].index];
		if (i->seg == SEG_NONE && forms[rm].base == X86_RBP)
			i->seg = X86_SS;
	}
	i->disp = ea;
	return res;
}

/* 32- and 64-bit forms: tables 2-2 and 2-3, 2.2.1. */
static enum emu_result decode_modrm32(struct emu *e, struct insn *i, unsigned rm)
{
	unsigned disp = i->mod == 2 ? 4 : i->mod;
	unsigned base = rm | (i->rex & REX_B) << 3;
	enum emu_result res = EMU_DONE;
	bool has_base = true;

	if (rm == 4) {
		unsigned sib, index;

		if (!decode_need(e, i, 1, &res))
			return res;
		sib = i->buf[i->pos++];
		index = (sib >> 3 & 7) | (i->rex & REX_X) << 2;
		base = (sib & 7) | (i->rex & REX_B) << 3;
		if (index != X86_RSP)
			i->index = (u8)index;
		i->scale = (u8)(sib >> 6);
		has_base = i->mod || (sib & 7) != 5;
	} else if (i->mod == 0 && rm == 5) {
		has_base = false;
		i->rel = i->long64;
	}
	if (!has_base)
		disp = 4;
	if (disp) {
		if (!decode_need(e, i, disp, &res))
			return res;
		i->disp = decode_take(i, disp);
	}
	if (has_base) {
		i->base = (u8)base;
		i->sp_base = base == X86_RSP;
		if (i->seg == SEG_NONE && (base == X86_RSP || base == X86_RBP))
			i->seg = X86_SS;
	}
	return res;
}

static enum emu_result decode_modrm(struct emu *e, struct insn *i)
{
	enum emu_result res = EMU_DONE;
	unsigned b;

	if (!decode_need(e, i, 1, &res))
		return res;
	b = i->buf[i->pos++];
	i->mod = i->kind == OP_CR ? 3 : (u8)(b >> 6);
	i->reg = (u8)((b >> 3 & 7) | (i->rex & REX_R) << 1);
	if (i->mod == 3)
		return res;
	return i->asize == 2 ? decode_modrm16(e, i, b & 7) : decode_modrm32(e, i, b & 7);
}

/* The size of the immediate that the attributes call for; *@n is what to take at once as i->imm. */
static enum emu_result decode_imm(struct emu *e, struct insn *i)
{
	unsigned z = i->osize == 2 ? 2 : 4, n = 1, skip = 0;
	enum emu_result res = EMU_DONE;

	switch (FIELD(AT_IMM, i->attr)) {
	case IMM_8: break;
	case IMM_Z: n = z; break;
	case IMM_V: n = i->osize; break;
	case IMM_16: n = 2; break;
	case IMM_ENTER:
		n = 2;
		skip = 1;
		break;
	case IMM_FAR:
		n = z;
		skip = 2;
		break;
	case IMM_OFFS: n = i->asize; break;
	case IMM_GRP3:
		if (i->reg & 6)
			return EMU_DONE;
		n = i->attr & AT_BYTE ? 1 : z;
		break;
	}
	if (!decode_need(e, i, n + skip, &res))
		return res;
	i->imm = decode_take(i, n);
	i->pos = (u8)(i->pos + skip);
	return res;
}

/* The attributes of the opcode that starts with i->op, following the escapes. */
static enum emu_result decode_opcode(struct emu *e, struct insn *i)
{
	enum emu_result res = EMU_DONE;

	i->attr = emu_opcodes[i->op];
	if (i->op != 0x0f)
		return res;
	if (!decode_need(e, i, 1, &res))
		return res;
	i->op = MAP_0F | i->buf[i->pos++];
	i->attr = emu_opcodes_0f[i->op & 0xff];
	if (likely(i->op != (MAP_0F | 0x38) && i->op != (MAP_0F | 0x3a)))
		return res;
	if (!decode_need(e, i, 1, &res))
		return res;
	if (i->op == (MAP_0F | 0x3a)) {
		i->op = MAP_0F3A;
		i->attr = AT_KNOWN | AT_MODRM | FIELD_PUT(AT_IMM, IMM_8) | OP_LEN;
	} else {
		i->op = MAP_0F38;
		i->attr = AT_KNOWN | AT_MODRM | OP_LEN;
		if ((i->buf[i->pos] & 0xfe) == 0xf0 && !i->rep)
			i->attr |= OP_MOVBE;
	}
	i->op |= i->buf[i->pos++];
	return res;
}

/* Operand size: Intel SDM 1, 3.6.1. */
static void decode_size(const struct vcpu_regs *r, struct insn *i)
{
	bool big = i->long64 || (r->seg[X86_CS].ar & X86_AR_DB);

	i->osize = big != i->opsize ? 4 : 2;
	if (i->rex & REX_W)
		i->osize = 8;
	else if (i->long64 && ((i->attr & AT_F64) || ((i->attr & AT_D64) && !i->opsize)))
		i->osize = 8;
}

/* What depends on registers: the operand's address and the next RIP. */
static inline void decode_address(const struct emu *e, struct insn *i)
{
	const struct vcpu_regs *r = e->regs;
	u64 ea = i->disp;

	i->next = r->rip + i->pos;
	if (i->base != X86_NGPR)
		ea += r->gpr[i->base];
	if (i->index != X86_NGPR)
		ea += r->gpr[i->index] << i->scale;
	if (i->rel)
		ea += i->next;
	if (!i->long64)
		i->next = (u32)i->next;
	i->ea = ea & emu_mask(i->asize);
}

static enum emu_result decode_whole(struct emu *e, struct insn *i)
{
	const struct vcpu_regs *r = e->regs;
	enum emu_result res = decode_start(e, i);

	if (res != EMU_DONE)
		return res;
	i->asize = i->long64 ? 8 : r->seg[X86_CS].ar & X86_AR_DB ? 4 : 2;
	res = decode_prefixes(e, i);
	if (res == EMU_DONE)
		res = decode_opcode(e, i);
	if (res != EMU_DONE)
		return res;
	if (!(i->attr & AT_KNOWN) || (i->long64 && (i->attr & AT_I64)))
		return EMU_UNKNOWN;
	i->kind = i->attr & AT_KIND;
	decode_size(r, i);
	i->mod = 3;
	i->reg = 0;
	i->sp_base = 0;
	i->disp = 0;
	i->imm = 0;
	i->base = X86_NGPR;
	i->index = X86_NGPR;
	i->scale = 0;
	i->rel = 0;
	if (i->attr & AT_MODRM) {
		res = decode_modrm(e, i);
		if (res != EMU_DONE)
			return res;
	}
	if (i->attr & AT_IMM) {
		res = decode_imm(e, i);
		if (res != EMU_DONE)
			return res;
	}
	if (i->attr & AT_BYTE)
		i->osize = 1;
	if (i->seg == SEG_NONE)
		i->seg = X86_DS;
	decode_address(e, i);
	/* VEX and EVEX look like LES, LDS and BOUND of a register. */
	if (i->mod == 3 && (i->op == 0xc4 || i->op == 0xc5 || i->op == 0x62))
		return EMU_UNKNOWN;
	return EMU_DONE;
}

/* Decoding depends in 64-bit mode on the bytes alone, so this much of struct insn can be kept, behind ea and next. */
#define KEPT_FROM offsetof(struct insn, disp)
#define KEPT_SIZE (offsetof(struct insn, have) - KEPT_FROM)
static_assert(KEPT_SIZE <= sizeof(((struct emu_decoded *)0)->insn), "a kept instruction fits");

/* The whole 15 bytes at RIP, where they are at hand in 64-bit mode; else NULL. */
static inline const u8 *decode_at_hand(const struct emu *e)
{
	const struct vcpu_regs *r = e->regs;
	u64 off = r->rip & ~PAGE_MASK;
	const struct emu_walked *w;

	if (!e->cache || !emu_long64(r))
		return NULL;
	if (e->insn)
		return e->insn_len >= INSN_MAX ? e->insn : NULL;
	if (off > PAGE_SIZE - INSN_MAX)
		return NULL;
	w = emu_walked(e, r->rip, EMU_FETCH);
	return w && w->ram ? w->ram + off : NULL;
}

static inline u64 decode_load(const u8 *p)
{
	u64 v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

/* Decode and, where @d is not NULL, keep it there. */
static NOINLINE enum emu_result decode_anew(struct emu *e, struct insn *i, struct emu_decoded *d)
{
	enum emu_result res = decode_whole(e, i);

	if (res != EMU_DONE)
		return res;
	e->length = i->pos;
	if (d && i->have >= INSN_MAX) { /* what was decoded, not what is there now */
		d->low = decode_load(i->buf);
		d->high = decode_load(i->buf + 7);
		d->length = i->pos;
		__builtin_memcpy(d->insn, (const u8 *)i + KEPT_FROM, KEPT_SIZE);
	}
	return EMU_DONE;
}

enum emu_result emu_decode(struct emu *e, struct insn *i)
{
	const u8 *p = decode_at_hand(e);
	struct emu_decoded *d;

	if (unlikely(!p))
		return decode_anew(e, i, NULL);
	d = &e->cache->decoded[(e->regs->rip ^ e->regs->rip >> 3) % ARRAY_SIZE(e->cache->decoded)];
	if (unlikely(d->low != decode_load(p) || d->high != decode_load(p + 7) || !d->length))
		return decode_anew(e, i, d);
	__builtin_memcpy((u8 *)i + KEPT_FROM, d->insn, KEPT_SIZE);
	decode_address(e, i);
	e->length = (unsigned)d->length;
	return EMU_DONE;
}

enum emu_result emu_length(struct emu *e)
{
	struct insn i;

	return emu_decode(e, &i);
}
