/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/emu_opcodes.c: the attributes of every opcode (Intel SDM 2D, appendix A). */
#include "guest/vmm/x86/emu_impl.h"

#define K(kind, at)  ((at) | AT_KNOWN | OP_##kind)
#define I(imm)	     FIELD_PUT(AT_IMM, IMM_##imm)
#define M	     AT_MODRM
#define B	     AT_BYTE
#define X4(v)	     v, v, v, v
#define X8(v)	     X4(v), X4(v)
#define X16(v)	     X8(v), X8(v)
#define LEN	     K(LEN, 0)
#define LEN_M	     K(LEN, M)
#define LEN_MI	     K(LEN, M | I(8))
#define PFX	     K(PREFIX, 0)
#define OLD	     K(LEN, AT_I64)
#define ALU(s6, s7)  K(ALU, M | B), K(ALU, M), K(ALU, M | B), K(ALU, M), K(LEN, I(8)), K(LEN, I(Z)), s6, s7
#define PAIR(k, at)  K(k, (at) | B), K(k, at)
#define PAIRI(k, at) K(k, (at) | B | I(8)), K(k, (at) | I(Z))

/* clang-format off */
const u16 emu_opcodes[256] = {
	/* 00 */ ALU(OLD, OLD), ALU(OLD, 0), ALU(OLD, OLD), ALU(OLD, OLD),
	/* 20 */ ALU(PFX, OLD), ALU(PFX, OLD), ALU(PFX, OLD), ALU(PFX, OLD),
	/* 40 */ X16(LEN), X16(LEN),
	/* 60 */ OLD, OLD, K(LEN, M | AT_I64), K(MOVSXD, M), X4(PFX),
	/* 68 */ K(LEN, I(Z) | AT_D64), K(IMUL, M | I(Z)), K(LEN, I(8)), K(IMUL, M | I(8)), PAIR(STRING, 0), PAIR(STRING, 0),
	/* 70 */ X16(K(LEN, I(8))),
	/* 80 */ PAIRI(ALU_IMM, M), K(ALU_IMM, M | B | I(8) | AT_I64), K(ALU_IMM, M | I(8)), PAIR(TEST, M), PAIR(XCHG, M),
	/* 88 */ PAIR(STORE, M), PAIR(LOAD, M), K(SREG_STORE, M), LEN_M, K(SREG_LOAD, M), K(POP, M | AT_D64),
	/* 90 */ X8(LEN), LEN, LEN, K(LEN, I(FAR) | AT_I64), LEN, X4(LEN),
	/* a0 */ PAIR(LOAD_OFFS, I(OFFS)), PAIR(STORE_OFFS, I(OFFS)), PAIR(STRING, 0), PAIR(STRING, 0),
	/* a8 */ K(LEN, I(8)), K(LEN, I(Z)), PAIR(STRING, 0), PAIR(STRING, 0), PAIR(STRING, 0),
	/* b0 */ X8(K(LEN, I(8))), X8(K(LEN, I(V))),
	/* c0 */ K(SHIFT, M | B | I(8)), K(SHIFT, M | I(8)), K(LEN, I(16)), LEN,
	/* c4 */ K(LEN, M | AT_I64), K(LEN, M | AT_I64), PAIRI(STORE_IMM, M),
	/* c8 */ K(LEN, I(ENTER)), LEN, K(LEN, I(16)), LEN, LEN, K(LEN, I(8)), OLD, LEN,
	/* d0 */ PAIR(SHIFT, M), PAIR(SHIFT, M), K(LEN, I(8) | AT_I64), K(LEN, I(8) | AT_I64), OLD, LEN,
	/* d8 */ X8(LEN_M),
	/* e0 */ X8(K(LEN, I(8))),
	/* e8 */ K(LEN, I(Z) | AT_F64), K(LEN, I(Z) | AT_F64), K(LEN, I(FAR) | AT_I64), K(LEN, I(8)), X4(LEN),
	/* f0 */ PFX, LEN, PFX, PFX, LEN, LEN, PAIR(GRP3, M | I(GRP3)),
	/* f8 */ X4(LEN), LEN, LEN, PAIR(GRP5, M),
};

const u16 emu_opcodes_0f[256] = {
	/* 00 */ X4(LEN_M), 0, LEN, LEN, LEN, LEN, LEN, 0, LEN, 0, LEN_M, LEN, LEN_MI,
	/* 10 */ X16(LEN_M),
	/* 20 */ X4(K(CR, M)), X4(0), X8(LEN_M),
	/* 30 */ X4(LEN), LEN, LEN, 0, LEN, X8(0),
	/* 40 */ X16(K(CMOV, M)),
	/* 50 */ X16(LEN_M), X16(LEN_M),
	/* 70 */ X4(LEN_MI), LEN_M, LEN_M, LEN_M, LEN, LEN_M, LEN_M, 0, 0, X4(LEN_M),
	/* 80 */ X16(K(LEN, I(Z) | AT_F64)),
	/* 90 */ X16(K(SETCC, M | B)),
	/* a0 */ LEN, LEN, LEN, K(BT, M), LEN_MI, LEN_M, 0, 0,
	/* a8 */ LEN, LEN, LEN, K(BT, M), LEN_MI, LEN_M, LEN_M, K(IMUL, M),
	/* b0 */ PAIR(CMPXCHG, M), LEN_M, K(BT, M), LEN_M, LEN_M, K(MOVZX, M), K(MOVZX, M),
	/* b8 */ LEN_M, LEN_M, K(BT, M | I(8)), K(BT, M), LEN_M, LEN_M, K(MOVSX, M), K(MOVSX, M),
	/* c0 */ PAIR(XADD, M), LEN_MI, K(MOVNTI, M), LEN_MI, LEN_MI, LEN_MI, K(GRP9, M), X8(LEN),
	/* d0 */ X16(LEN_M), X16(LEN_M), X16(LEN_M),
};
/* clang-format on */
