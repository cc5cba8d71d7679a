/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/emu_impl.h: what the emulator's own files share: the decoded instruction, operands, flags. */
#ifndef GUEST_VMM_X86_EMU_IMPL_H
#define GUEST_VMM_X86_EMU_IMPL_H

#include "guest/vmm/x86/emulate.h"
#include "hv/lib/util.h"

/* Intel SDM 3A, 2.5 (control registers), 4.1.1; 1, 3.4.3 (RFLAGS). */
#define CR0_PE	  BIT(0)
#define CR0_WP	  BIT(16)
#define CR0_PG	  BIT(31)
#define CR4_PSE	  BIT(4)
#define CR4_PAE	  BIT(5)
#define CR4_LA57  BIT(12)
#define CR4_SMEP  BIT(20)
#define CR4_SMAP  BIT(21)
#define EFER_LMA  BIT(10)
#define EFER_NXE  BIT(11)
#define FLAG_CF	  BIT(0)
#define FLAG_PF	  BIT(2)
#define FLAG_AF	  BIT(4)
#define FLAG_ZF	  BIT(6)
#define FLAG_SF	  BIT(7)
#define FLAG_DF	  BIT(10)
#define FLAG_OF	  BIT(11)
#define FLAG_RF	  BIT(16)
#define FLAG_VM	  BIT(17)
#define FLAG_AC	  BIT(18)
#define FLAGS_ALU (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

/* Exceptions: Intel SDM 3A, table 6-1. */
enum { VEC_DE = 0, VEC_UD = 6, VEC_SS = 12, VEC_GP = 13, VEC_PF = 14 };

/* Page-fault error code: Intel SDM 3A, 4.7. */
#define PF_P	BIT(0)
#define PF_W	BIT(1)
#define PF_U	BIT(2)
#define PF_RSVD BIT(3)
#define PF_I	BIT(4)

/* The longest instruction the CPU takes (Intel SDM 2A, 2.3.11). */
#define INSN_MAX 15

/* What an opcode does; OP_LEN: its length is known, nothing more. */
enum emu_kind {
	OP_LEN,
	OP_PREFIX,
	OP_CR, /* MOV CR/DR: ModRM.mod is ignored */
	OP_ALU,
	OP_ALU_IMM,
	OP_TEST,
	OP_GRP3,
	OP_GRP5,
	OP_XCHG,
	OP_STORE,
	OP_LOAD,
	OP_LOAD_OFFS,
	OP_STORE_OFFS,
	OP_STORE_IMM,
	OP_MOVZX,
	OP_MOVSX,
	OP_MOVSXD,
	OP_MOVBE,
	OP_MOVNTI,
	OP_STRING,
	OP_SHIFT,
	OP_POP,
	OP_BT,
	OP_XADD,
	OP_CMPXCHG,
	OP_GRP9,
	OP_SETCC,
	OP_CMOV,
	OP_IMUL,
	OP_SREG_STORE,
	OP_SREG_LOAD,
};

/* An opcode's attributes: the kind in bits 0-5, the immediate in 6-9. */
#define AT_KIND	 0x003fu
#define AT_IMM	 0x03c0u
#define AT_MODRM 0x0400u
#define AT_BYTE	 0x0800u /* operand of one byte                                        */
#define AT_D64	 0x1000u /* 64-bit operand by default in 64-bit mode                   */
#define AT_I64	 0x2000u /* no instruction in 64-bit mode                              */
#define AT_F64	 0x4000u /* as D64, and 66 is ignored (what Intel does; AMD obeys it)  */
#define AT_KNOWN 0x8000u

enum emu_imm { IMM_NONE, IMM_8, IMM_Z, IMM_V, IMM_16, IMM_ENTER, IMM_FAR, IMM_OFFS, IMM_GRP3 };

/* One-byte opcodes, and those after 0F. */
extern const u16 emu_opcodes[256];
extern const u16 emu_opcodes_0f[256];

/* The opcode map, so that an opcode with its map is one number: 0x0fb6, 0x38f0. */
#define MAP_0F	 0x0f00u
#define MAP_0F38 0x3800u
#define MAP_0F3A 0x3a00u

/* A decoded instruction, and the bytes it is decoded from. Filled field by field: it is on the hot path. */
struct insn {
	u64 ea;	  /* offset of the memory operand in its segment        */
	u64 next; /* RIP afterwards; a handler may change it            */
	u64 disp; /* what ea is made of: this and the four named below  */
	u64 imm;  /* sign-extended                                      */
	u16 attr;
	u16 op;	   /* with its map                                         */
	u8 kind;   /* enum emu_kind                                        */
	u8 osize;  /* operand, bytes                                       */
	u8 asize;  /* address, bytes                                       */
	u8 seg;	   /* of the memory operand                                */
	u8 mod;	   /* 3: no memory operand                                 */
	u8 reg;	   /* with REX.R                                           */
	u8 rex;	   /* the prefix, 0: none                                  */
	u8 rep;	   /* 0xf2, 0xf3 or 0                                      */
	u8 opsize; /* a 66 prefix was there                                */
	u8 lock;   /* a LOCK prefix was there                              */
	u8 long64; /* 64-bit mode                                          */
	u8 sp_base;
	u8 base;  /* X86_NGPR: none                                     */
	u8 index; /* X86_NGPR: none                                     */
	u8 scale; /* of the index, log2                                 */
	u8 rel;	  /* to the next RIP                                    */
	u8 pos;	  /* bytes decoded: at the end, the length              */
	u8 have;  /* bytes in buf                                       */
	u8 max;	  /* bytes that may be fetched: 15, or up to the limit  */
	u8 buf[INSN_MAX + 9];
};

/* A memory operand, translated: at most two pages. */
struct emu_mem {
	u8 *ram[2]; /* NULL: device */
	u64 gpa[2];
	u8 first; /* bytes in the first page */
	u8 size;
};

static inline u64 emu_mask(unsigned size)
{
	return ~0ULL >> (64 - 8 * size);
}

static inline u64 emu_sign(unsigned size, u64 v)
{
	unsigned s = 64 - 8 * size;

	return (u64)((s64)(v << s) >> s);
}

static inline bool emu_long64(const struct vcpu_regs *r)
{
	return (r->efer & EFER_LMA) && (r->seg[X86_CS].ar & X86_AR_L);
}

static inline bool emu_canonical(const struct vcpu_regs *r, u64 a)
{
	unsigned s = r->cr4 & CR4_LA57 ? 7 : 16;

	return (u64)((s64)(a << s) >> s) == a;
}

/* emu_walk.c */

/* What a walk is for. */
enum emu_why { EMU_READ = 1, EMU_WRITE, EMU_FETCH };

#define EMU_WAYS 4 /* pages kept for each */

static inline struct emu_walked *emu_slot(const struct emu *e, u64 linear, enum emu_why why)
{
	return &e->cache->walked[(why - 1) * EMU_WAYS + (linear >> 12 & (EMU_WAYS - 1))];
}

/* CPL and RFLAGS.AC, by which rights are judged. */
static inline u64 emu_user(const struct vcpu_regs *r)
{
	return r->cpl | (r->rflags & FLAG_AC);
}

/** The last walk of @linear's page, if it would go the same way now. NULL: walk. */
static inline __attribute__((always_inline)) const struct emu_walked *emu_walked(const struct emu *e, u64 linear,
										 enum emu_why why)
{
	const struct vcpu_regs *r = e->regs;
	const struct emu_walked *w;
	u64 diff;

	if (unlikely(!e->cache))
		return NULL;
	w = emu_slot(e, linear, why);
	if (w->key != ((linear & PAGE_MASK) | why))
		return NULL;
	diff = (w->cr0 ^ r->cr0) | (w->cr3 ^ r->cr3) | (w->cr4 ^ r->cr4) | (w->efer ^ r->efer);
	diff |= w->user ^ emu_user(r);
	diff |= __atomic_load_n(w->entry[0], __ATOMIC_RELAXED) ^ w->value[0];
	diff |= __atomic_load_n(w->entry[1], __ATOMIC_RELAXED) ^ w->value[1];
	diff |= __atomic_load_n(w->entry[2], __ATOMIC_RELAXED) ^ w->value[2];
	diff |= __atomic_load_n(w->entry[3], __ATOMIC_RELAXED) ^ w->value[3];
	return likely(diff == 0) ? w : NULL;
}

/** Fill in @e's fault: @vector, with error code @error if @has_error and the CPU is not in real mode. EMU_FAULT. */
enum emu_result emu_raise(struct emu *e, unsigned vector, bool has_error, u32 error);
/** As emu_translate, of a canonical address. */
MUST_CHECK bool emu_walk(struct emu *e, u64 linear, bool write, bool fetch, u64 *gpa);

/* emu_decode.c */

/** Fetch and decode the instruction at RIP into @i. */
enum emu_result emu_decode(struct emu *e, struct insn *i);

/* emu_mem.c */

/** The general register @n as an operand of @size bytes; AH to BH for 4 to 7 without REX. */
u64 emu_reg_read(const struct emu *e, const struct insn *i, unsigned n, unsigned size);
void emu_reg_write(struct emu *e, const struct insn *i, unsigned n, unsigned size, u64 v);
/** An address or count register @n under an address size: 2 keeps the rest, 4 clears the upper half. */
void emu_addr_write(struct emu *e, unsigned n, unsigned asize, u64 v);
/** Segment check: the linear address of @size bytes at @off in @seg. False: the fault is filled in. */
MUST_CHECK bool emu_linear(struct emu *e, const struct insn *i, unsigned seg, u64 off, unsigned size, bool write,
			   u64 *linear);
/** Translate @size bytes at @off in @seg, both pages where there are two. False: the fault is filled in. */
MUST_CHECK bool emu_mem(struct emu *e, const struct insn *i, unsigned seg, u64 off, unsigned size, bool write,
			struct emu_mem *m);
/** As emu_mem, of an address within one page that is already translated. */
void emu_mem_at(struct emu *e, u64 gpa, unsigned size, struct emu_mem *m);
u64 emu_mem_read(struct emu *e, const struct emu_mem *m);
void emu_mem_write(struct emu *e, const struct emu_mem *m, u64 v);
/** Replace @old, just read, by @v. False: another CPU changed it in between; nothing is written. */
MUST_CHECK bool emu_mem_update(struct emu *e, const struct emu_mem *m, u64 old, u64 v);

/* emu_alu.c: @flags is RFLAGS, of which the six status flags change as the manual says. */

/** @op in the encoding's order: ADD OR ADC SBB AND SUB XOR CMP (CMP returns the difference). */
u64 emu_alu(unsigned op, unsigned size, u64 a, u64 b, u64 *flags);
u64 emu_incdec(bool dec, unsigned size, u64 a, u64 *flags);
/** @op: ROL ROR RCL RCR SHL SHR SHL SAR. */
u64 emu_shift(unsigned op, unsigned size, u64 a, unsigned count, u64 *flags);
/** The low @size bytes of @a * @b, signed, with CF and OF of IMUL. */
u64 emu_imul(unsigned size, u64 a, u64 b, u64 *flags);
/** MUL (@op 4), IMUL 5, DIV 6, IDIV 7 of rAX and rDX by @b. False: #DE, nothing changed. */
MUST_CHECK bool emu_muldiv(struct emu *e, const struct insn *i, unsigned op, u64 b);
/** Does condition @cc (the low four bits of the opcode) hold? */
bool emu_condition(unsigned cc, u64 flags);

/* emu_string.c */

/** MOVS CMPS STOS LODS SCAS INS OUTS, with REP. */
enum emu_result emu_string(struct emu *e, struct insn *i);

#endif
