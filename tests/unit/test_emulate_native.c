/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off: LINK is one line for the Makefile */
/* The emulator against the CPU the test runs on: each instruction form, random operands, both ways.
 * Argument or EMU_SEED: the first seed. LINK: guest/vmm/x86/emulate.c guest/vmm/x86/emu_alu.c
 * LINK: guest/vmm/x86/emu_decode.c guest/vmm/x86/emu_mem.c guest/vmm/x86/emu_opcodes.c guest/vmm/x86/emu_string.c
 * LINK: guest/vmm/x86/emu_walk.c */
/* clang-format on */
#include "guest/vmm/x86/emulate.h"
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ROUNDS 400

/* Below 4 GiB, so that 32-bit addresses reach them and a guest without paging has them at the same place. */
#define CODE   0x20000000UL
#define WINDOW 0x20100000UL
#define SIZE   0x3000UL

#define CF   0x001u
#define PF   0x004u
#define AF   0x010u
#define ZF   0x040u
#define SF   0x080u
#define DF   0x400u
#define OF   0x800u
#define ALL  (CF | PF | AF | ZF | SF | OF)
#define LOGI (ALL & ~AF)

enum {
	F_BYTE = 1,
	F_CC = 2,
	F_BITREG = 4,
	F_SHIFT = 8,
	F_STRING = 16,
	F_STACK = 32,
	F_JUMP = 64,
	F_NO66 = 128,
	F_EIGHT = 256,
	F_OFFS = 512,
	F_ACC = 1024,
	F_LOCK = 2048,
	F_NOW = 4096,
	F_ROT = 8192
};

enum { I0, I8, IZ };

struct form {
	const char *name;
	u8 op[3], op_len;
	s8 digit; /* of ModRM; -1: a register; -2: no ModRM */
	u8 imm;
	u16 defined; /* flags the manual defines */
	u16 how;
};

#define OP1(a)	     { a }, 1
#define OP2(a, b)    { a, b }, 2
#define OP3(a, b, c) { a, b, c }, 3
#define ALU_FORMS(n, base, digit, def, lock)                                                                       \
	{ n " Eb,Gb", OP1(base), -1, I0, def, F_BYTE | lock }, { n " Ev,Gv", OP1(base + 1), -1, I0, def, lock },   \
		{ n " Gb,Eb", OP1(base + 2), -1, I0, def, F_BYTE }, { n " Gv,Ev", OP1(base + 3), -1, I0, def, 0 }, \
		{ n " Eb,ib", OP1(0x80), digit, I8, def, F_BYTE | lock },                                          \
		{ n " Ev,iz", OP1(0x81), digit, IZ, def, lock },                                                   \
	{                                                                                                          \
		n " Ev,ib", OP1(0x83), digit, I8, def, lock                                                        \
	}
#define SHIFT_FORMS(n, digit, def, how)                                            \
	{ n " Eb,ib", OP1(0xc0), digit, I8, def, F_BYTE | F_SHIFT | how },         \
		{ n " Ev,ib", OP1(0xc1), digit, I8, def, F_SHIFT | how },          \
		{ n " Eb,1", OP1(0xd0), digit, I0, def, F_BYTE | F_SHIFT | how },  \
		{ n " Ev,1", OP1(0xd1), digit, I0, def, F_SHIFT | how },           \
		{ n " Eb,CL", OP1(0xd2), digit, I0, def, F_BYTE | F_SHIFT | how }, \
	{                                                                          \
		n " Ev,CL", OP1(0xd3), digit, I0, def, F_SHIFT | how               \
	}
#define STRING_FORMS(n, op, def)                            \
	{ n "b", OP1(op), -2, I0, def, F_BYTE | F_STRING }, \
	{                                                   \
		n, OP1(op + 1), -2, I0, def, F_STRING       \
	}

static const struct form forms[] = {
	ALU_FORMS("add", 0x00, 0, ALL, F_LOCK),
	ALU_FORMS("or", 0x08, 1, LOGI, F_LOCK),
	ALU_FORMS("adc", 0x10, 2, ALL, F_LOCK),
	ALU_FORMS("sbb", 0x18, 3, ALL, F_LOCK),
	ALU_FORMS("and", 0x20, 4, LOGI, F_LOCK),
	ALU_FORMS("sub", 0x28, 5, ALL, F_LOCK),
	ALU_FORMS("xor", 0x30, 6, LOGI, F_LOCK),
	ALU_FORMS("cmp", 0x38, 7, ALL, 0),
	{ "movsxd", OP1(0x63), -1, I0, ALL, 0 },
	{ "imul Gv,Ev,iz", OP1(0x69), -1, IZ, CF | OF, 0 },
	{ "imul Gv,Ev,ib", OP1(0x6b), -1, I8, CF | OF, 0 },
	{ "imul Gv,Ev", OP2(0x0f, 0xaf), -1, I0, CF | OF, 0 },
	{ "test Eb,Gb", OP1(0x84), -1, I0, LOGI, F_BYTE },
	{ "test Ev,Gv", OP1(0x85), -1, I0, LOGI, 0 },
	{ "xchg Eb,Gb", OP1(0x86), -1, I0, ALL, F_BYTE | F_LOCK },
	{ "xchg Ev,Gv", OP1(0x87), -1, I0, ALL, F_LOCK },
	{ "mov Eb,Gb", OP1(0x88), -1, I0, ALL, F_BYTE },
	{ "mov Ev,Gv", OP1(0x89), -1, I0, ALL, 0 },
	{ "mov Gb,Eb", OP1(0x8a), -1, I0, ALL, F_BYTE },
	{ "mov Gv,Ev", OP1(0x8b), -1, I0, ALL, 0 },
	{ "pop Ev", OP1(0x8f), 0, I0, ALL, F_STACK | F_NOW },
	{ "mov AL,Ob", OP1(0xa0), -2, I0, ALL, F_BYTE | F_OFFS },
	{ "mov rAX,Ov", OP1(0xa1), -2, I0, ALL, F_OFFS },
	{ "mov Ob,AL", OP1(0xa2), -2, I0, ALL, F_BYTE | F_OFFS },
	{ "mov Ov,rAX", OP1(0xa3), -2, I0, ALL, F_OFFS },
	STRING_FORMS("movs", 0xa4, ALL),
	STRING_FORMS("cmps", 0xa6, ALL),
	STRING_FORMS("stos", 0xaa, ALL),
	STRING_FORMS("lods", 0xac, ALL),
	STRING_FORMS("scas", 0xae, ALL),
	SHIFT_FORMS("rol", 0, ALL, F_ROT),
	SHIFT_FORMS("ror", 1, ALL, F_ROT),
	SHIFT_FORMS("rcl", 2, ALL, F_ROT),
	SHIFT_FORMS("rcr", 3, ALL, F_ROT),
	SHIFT_FORMS("shl", 4, LOGI, 0),
	SHIFT_FORMS("shr", 5, LOGI, 0),
	SHIFT_FORMS("sar", 7, LOGI, 0),
	{ "mov Eb,ib", OP1(0xc6), 0, I8, ALL, F_BYTE },
	{ "mov Ev,iz", OP1(0xc7), 0, IZ, ALL, 0 },
	{ "test Eb,ib", OP1(0xf6), 0, I8, LOGI, F_BYTE },
	{ "test Ev,iz", OP1(0xf7), 0, IZ, LOGI, 0 },
	{ "not Eb", OP1(0xf6), 2, I0, ALL, F_BYTE | F_LOCK },
	{ "not Ev", OP1(0xf7), 2, I0, ALL, F_LOCK },
	{ "neg Eb", OP1(0xf6), 3, I0, ALL, F_BYTE | F_LOCK },
	{ "neg Ev", OP1(0xf7), 3, I0, ALL, F_LOCK },
	{ "mul Eb", OP1(0xf6), 4, I0, CF | OF, F_BYTE },
	{ "mul Ev", OP1(0xf7), 4, I0, CF | OF, 0 },
	{ "imul Eb", OP1(0xf6), 5, I0, CF | OF, F_BYTE },
	{ "imul Ev", OP1(0xf7), 5, I0, CF | OF, 0 },
	{ "div Eb", OP1(0xf6), 6, I0, 0, F_BYTE },
	{ "div Ev", OP1(0xf7), 6, I0, 0, 0 },
	{ "idiv Eb", OP1(0xf6), 7, I0, 0, F_BYTE },
	{ "idiv Ev", OP1(0xf7), 7, I0, 0, 0 },
	{ "inc Eb", OP1(0xfe), 0, I0, ALL, F_BYTE | F_LOCK },
	{ "inc Ev", OP1(0xff), 0, I0, ALL, F_LOCK },
	{ "dec Eb", OP1(0xfe), 1, I0, ALL, F_BYTE | F_LOCK },
	{ "dec Ev", OP1(0xff), 1, I0, ALL, F_LOCK },
	{ "call Ev", OP1(0xff), 2, I0, ALL, F_STACK | F_JUMP | F_NO66 },
	{ "jmp Ev", OP1(0xff), 4, I0, ALL, F_JUMP | F_NO66 },
	{ "push Ev", OP1(0xff), 6, I0, ALL, F_STACK | F_NOW },
	{ "cmovcc", OP2(0x0f, 0x40), -1, I0, ALL, F_CC },
	{ "setcc", OP2(0x0f, 0x90), 0, I0, ALL, F_BYTE | F_CC },
	{ "bt", OP2(0x0f, 0xa3), -1, I0, CF | ZF, F_BITREG },
	{ "bts", OP2(0x0f, 0xab), -1, I0, CF | ZF, F_BITREG | F_LOCK },
	{ "btr", OP2(0x0f, 0xb3), -1, I0, CF | ZF, F_BITREG | F_LOCK },
	{ "btc", OP2(0x0f, 0xbb), -1, I0, CF | ZF, F_BITREG | F_LOCK },
	{ "bt ib", OP2(0x0f, 0xba), 4, I8, CF | ZF, 0 },
	{ "bts ib", OP2(0x0f, 0xba), 5, I8, CF | ZF, F_LOCK },
	{ "btr ib", OP2(0x0f, 0xba), 6, I8, CF | ZF, F_LOCK },
	{ "btc ib", OP2(0x0f, 0xba), 7, I8, CF | ZF, F_LOCK },
	{ "cmpxchg Eb", OP2(0x0f, 0xb0), -1, I0, ALL, F_BYTE | F_ACC | F_LOCK },
	{ "cmpxchg Ev", OP2(0x0f, 0xb1), -1, I0, ALL, F_ACC | F_LOCK },
	{ "movzx Eb", OP2(0x0f, 0xb6), -1, I0, ALL, 0 },
	{ "movzx Ew", OP2(0x0f, 0xb7), -1, I0, ALL, 0 },
	{ "movsx Eb", OP2(0x0f, 0xbe), -1, I0, ALL, 0 },
	{ "movsx Ew", OP2(0x0f, 0xbf), -1, I0, ALL, 0 },
	{ "xadd Eb", OP2(0x0f, 0xc0), -1, I0, ALL, F_BYTE | F_LOCK },
	{ "xadd Ev", OP2(0x0f, 0xc1), -1, I0, ALL, F_LOCK },
	{ "movnti", OP2(0x0f, 0xc3), -1, I0, ALL, F_NO66 },
	{ "cmpxchg8b", OP2(0x0f, 0xc7), 1, I0, ALL, F_EIGHT | F_NOW | F_LOCK },
	{ "movbe Gv,Mv", OP3(0x0f, 0x38, 0xf0), -1, I0, ALL, 0 },
	{ "movbe Mv,Gv", OP3(0x0f, 0x38, 0xf1), -1, I0, ALL, 0 },
};

/* Everything the trampoline loads and saves: the sixteen registers in encoding order, RFLAGS, RIP of the tail reached.
 */
struct native {
	u64 gpr[16], flags;
};

struct native native_ctx __attribute__((visibility("hidden"), used));
void *native_code __attribute__((visibility("hidden"), used));
u64 native_sp __attribute__((visibility("hidden"), used));
void native_run(void);
extern const u8 native_back[];

#define LOAD(off, reg) "mov native_ctx+" off "(%rip), %" reg "\n"
#define SAVE(off, reg) "mov %" reg ", native_ctx+" off "(%rip)\n"
/* clang-format off */
#define EACH(X) \
	X("8", "rcx") X("16", "rdx") X("24", "rbx") X("40", "rbp") X("48", "rsi") X("56", "rdi") X("64", "r8") \
	X("72", "r9") X("80", "r10") X("88", "r11") X("96", "r12") X("104", "r13") X("112", "r14") X("120", "r15") \
	X("0", "rax") X("32", "rsp")
/* clang-format on */
__asm__(".text\n.globl native_run, native_back\nnative_run:\n"
	"push %rbx\npush %rbp\npush %r12\npush %r13\npush %r14\npush %r15\n"
	"mov %rsp, native_sp(%rip)\n"
	"pushq native_ctx+128(%rip)\npopfq\n" EACH(
		LOAD) "jmp *native_code(%rip)\n"
		      "native_back:\n" EACH(SAVE) "mov native_sp(%rip), %rsp\n"
						  "pushfq\npopq native_ctx+128(%rip)\ncld\n"
						  "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbp\npop %rbx\nret\n");

static u64 seed;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Small and extreme values are where flags change. */
static u64 rnd_value(void)
{
	static const u64 corner[] = { 0,      1,	  0x7f,	      0x80,	  0xff,	      0x7fff, 0x8000,
				      0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 1ULL << 63, ~0ULL,  ~(1ULL << 63) };

	return rnd() & 3 ? rnd() * 0x9e3779b97f4a7c15ULL : corner[rnd() % (sizeof(corner) / sizeof(corner[0]))];
}

static bool device;	/* the window is a device this time */
static unsigned widest; /* device access seen */

static void *ram(void *ctx, u64 gpa, unsigned len)
{
	assert_true((gpa & 0xfff) + len <= 0x1000);
	if (gpa >= CODE && gpa + len <= CODE + 0x1000)
		return (void *)gpa;
	if (!device && gpa >= WINDOW && gpa + len <= WINDOW + SIZE)
		return (void *)gpa;
	return NULL;
}

static u64 mmio_read(void *ctx, u64 gpa, unsigned size)
{
	u64 v = 0;

	assert_true(size == 1 || size == 2 || size == 4 || size == 8);
	if (gpa < WINDOW || gpa + size > WINDOW + SIZE)
		return 0x5a; /* the comparison will tell */
	memcpy(&v, (void *)gpa, size);
	widest = size > widest ? size : widest;
	return v | (size < 8 ? ~0ULL << (8 * size) : 0); /* a careless device */
}

static void mmio_write(void *ctx, u64 gpa, unsigned size, u64 value)
{
	if (gpa < WINDOW || gpa + size > WINDOW + SIZE)
		return;
	assert_true(size == 8 || value >> (8 * size) == 0);
	memcpy((void *)gpa, &value, size);
}

static const struct emu_ops ops = { .ram = ram, .mmio_read = mmio_read, .mmio_write = mmio_write };

struct
try {
	struct native in;
	u8 bytes[16];
	unsigned len, size, defined;
	u64 target; /* of a jump: 0 if none */
	u64 operand;
};

/* Offset of an operand: often at a page boundary. */
static u64 pick_operand(void)
{
	return WINDOW + (rnd() & 1 ? 0x1000 + rnd() % 0x1000 : 0x2000 - 1 - rnd() % 8);
}

/* ModRM, SIB and displacement for t->operand; sets the base register. */
static void make_modrm(struct try *t, const struct form *f, unsigned reg, unsigned *rex, u8 *out, unsigned *n, bool a32,
		       s32 **rel)
{
	unsigned base = rnd() & 15, index = rnd() & 15, scale = rnd() & 3, mod = rnd() % 3;
	s64 disp = mod == 1 ? (s8)rnd() : mod == 2 ? (s16)rnd() : 0;
	bool sib = (base & 7) == 4 || (rnd() & 1);
	u64 v;

	*n = 0;
	*rex |= (reg & 8) >> 1;
	if (rnd() % 8 == 0) { /* relative to RIP */
		out[(*n)++] = (u8)((reg & 7) << 3 | 5);
		*rel = (s32 *)(out + 1);
		*n += 4;
		return;
	}
	if ((base & 7) == 5 && mod == 0)
		mod = 1;
	while ((f->how & (F_BITREG | F_STACK | F_ACC | F_SHIFT)) &&
	       (base == reg || base == X86_RSP || base == X86_RAX || base == X86_RCX || (base & 7) == 4 ||
		((base & 7) == 5 && mod == 0)))
		base = rnd() & 15;
	if (index == base || !sib || (index == X86_RAX && (f->how & F_ACC)))
		index = X86_RSP;
	*rex |= (base & 8) >> 3;
	out[(*n)++] = (u8)(mod << 6 | (reg & 7) << 3 | (sib ? 4 : base & 7));
	if (sib) {
		*rex |= (index & 8) >> 2;
		out[(*n)++] = (u8)(scale << 6 | (index & 7) << 3 | (base & 7));
	}
	memcpy(out + *n, &disp, 4);
	*n += mod == 2 ? 4 : mod;
	v = t->operand - (u64)disp;
	if (index != X86_RSP)
		v -= t->in.gpr[index] << scale;
	t->in.gpr[base] = a32 ? (u32)v | (base == X86_RSP ? 0 : rnd() << 32) : v;
}

static void set_string(struct try *t, unsigned rep)
{
	u64 low = 0x800;

	t->in.gpr[X86_RSI] = WINDOW + 0x1000 + rnd() % 0x1000;
	t->in.gpr[X86_RDI] = rnd() & 1 ? t->in.gpr[X86_RSI] + rnd() % 33 - 16 : WINDOW + 0x1000 + rnd() % 0x1000;
	if (rep)
		t->in.gpr[X86_RCX] = rnd() % (rnd() & 3 ? 20 : low / 8);
	t->in.flags |= rnd() & 1 ? DF : 0;
}

static void make(struct try *t, const struct form *f)
{
	bool p66 = !(f->how & F_NO66) && (rnd() & 3) == 0, a32 = (rnd() & 7) == 0;
	bool w = !(f->how & F_NOW) && (rnd() & 3) == 0, lock = (f->how & F_LOCK) && (rnd() & 7) == 0;
	unsigned rex = w ? 8 : 0, reg = f->digit >= 0 ? f->digit : rnd() & 15, n = 0, count = 1, rep = 0;
	u8 modrm[8];
	s32 *rel = NULL;

	for (unsigned k = 0; k < 16; k++)
		t->in.gpr[k] = rnd_value();
	t->in.flags = 0x202 | (rnd() & ALL);
	t->operand = pick_operand();
	t->len = 0;
	t->target = 0;
	t->size = f->how & F_BYTE ? 1 : w ? 8 : p66 ? 2 : 4;
	t->defined = f->defined;
	if (f->how & F_BITREG)
		t->in.gpr[reg] = (t->in.gpr[reg] & ~(w	   ? ~0ULL
						     : p66 ? 0xffffULL
							   : 0xffffffffULL)) |
				 ((rnd() % 0x1000 - 0x800) & (w	    ? ~0ULL
							      : p66 ? 0xffffULL
								    : 0xffffffffULL));
	if (f->how & F_STACK)
		t->in.gpr[X86_RSP] = WINDOW + 0x100 + rnd() % 0x400;
	if (f->how & F_STRING) {
		rep = (rnd() & 1) ? 0xf2 + (rnd() & 1) : 0;
		set_string(t, rep);
		t->defined = rep ? ALL : f->defined;
	}
	if (f->how & F_JUMP) {
		t->target = CODE + 0x100;
		t->operand = WINDOW + 0x1000 + rnd() % 0xff0;
		memcpy((void *)t->operand, &t->target, 8);
	}
	if (f->digit >= -1)
		make_modrm(t, f, reg, &rex, modrm, &n, a32, &rel);
	if ((f->how & F_ACC) && (rnd() & 1))
		memcpy(&t->in.gpr[X86_RAX], (void *)t->operand, t->size);
	if ((f->how & F_EIGHT) && (rnd() & 1)) {
		u64 keep[2] = { t->in.gpr[X86_RAX], t->in.gpr[X86_RDX] };

		memcpy(&keep[0], (void *)t->operand, 4);
		memcpy(&keep[1], (void *)(t->operand + 4), 4);
		/* only where neither is part of the address */
		if ((modrm[0] & 7) != 4 && (modrm[0] & 7) != X86_RAX && (modrm[0] & 7) != X86_RDX) {
			t->in.gpr[X86_RAX] = keep[0];
			t->in.gpr[X86_RDX] = keep[1];
		}
	}
	if (p66)
		t->bytes[t->len++] = 0x66;
	if (a32)
		t->bytes[t->len++] = 0x67;
	if (lock)
		t->bytes[t->len++] = 0xf0;
	if (rep)
		t->bytes[t->len++] = (u8)rep;
	if (rex || (rnd() & 3) == 0)
		t->bytes[t->len++] = (u8)(0x40 | rex);
	memcpy(t->bytes + t->len, f->op, f->op_len);
	t->len += f->op_len;
	if (f->how & F_CC)
		t->bytes[t->len - 1] |= rnd() & 15;
	if (f->how & F_OFFS) {
		memcpy(t->bytes + t->len, &t->operand, 8);
		t->len += a32 ? 4 : 8;
	}
	memcpy(t->bytes + t->len, modrm, n);
	if (rel) {
		unsigned at = t->len + 1, end = t->len + n + (f->imm == I8 ? 1 : f->imm == I0 ? 0 : p66 && !w ? 2 : 4);
		s32 disp = (s32)(t->operand - (CODE + end));

		memcpy(t->bytes + at, &disp, 4);
	}
	t->len += n;
	if (f->imm != I0) {
		u64 v = rnd_value();
		unsigned size = f->imm == I8 ? 1 : p66 && !w ? 2 : 4;

		memcpy(t->bytes + t->len, &v, size);
		count = (u8)v;
		t->len += size;
	} else if (f->op[0] == 0xd2 || f->op[0] == 0xd3) {
		count = (u8)t->in.gpr[X86_RCX];
	}
	if (f->how & F_SHIFT) {
		count &= t->size == 8 ? 63 : 31;
		if (count > 1)
			t->defined &= ~OF;
		if (!(f->how & F_ROT) && count > 8 * t->size)
			t->defined &= ~CF;
		if (count == 0)
			t->defined = ALL;
	}
}

static void put_tail(u8 *p)
{
	const void *back = native_back;

	memcpy(p, "\xff\x25\0\0\0\0", 6); /* jmp *0(%rip) */
	memcpy(p + 6, &back, 8);
}

static void show(const struct form *f, const struct try *t, const char *what, u64 first)
{
	printf("%s: %s; form seed %#llx, bytes", f->name, what, (unsigned long long)first);
	for (unsigned k = 0; k < t->len; k++)
		printf(" %02x", t->bytes[k]);
	printf(", operand %#llx, flags %#llx, %s\n", (unsigned long long)t->operand, (unsigned long long)t->in.flags,
	       device ? "device" : "RAM");
}

static void compare(const struct form *f, const struct try *t, const struct vcpu_regs *r, const u8 *mem, u64 first)
{
	u64 rip = t->target ? t->target : CODE + t->len;

	for (unsigned k = 0; k < 16; k++)
		if (r->gpr[k] != native_ctx.gpr[k]) {
			show(f, t, "registers differ", first);
			printf("r%u: was %#llx, CPU %#llx, emulator %#llx\n", k, (unsigned long long)t->in.gpr[k],
			       (unsigned long long)native_ctx.gpr[k], (unsigned long long)r->gpr[k]);
			fail();
		}
	if ((r->rflags ^ native_ctx.flags) & (t->defined | DF)) {
		show(f, t, "flags differ", first);
		printf("CPU %#llx, emulator %#llx\n", (unsigned long long)native_ctx.flags,
		       (unsigned long long)r->rflags);
		fail();
	}
	if (memcmp(mem, (void *)WINDOW, SIZE)) {
		show(f, t, "memory differs", first);
		fail();
	}
	if (r->rip != rip) {
		show(f, t, "RIP differs", first);
		fail();
	}
}

/* False: a divide error, which is not run on the CPU. */
static bool one(const struct form *f)
{
	static u8 before[SIZE], after[SIZE];
	struct vcpu_regs r = { .cr0 = 1, .efer = 0x500, .rip = CODE };
	struct emu e = { .ops = &ops, .regs = &r };
	enum emu_result res;
	u64 first = seed;
	struct try t;

	for (unsigned k = 0; k < SIZE; k += 8)
		*(u64 *)(WINDOW + k) = rnd_value();
	make(&t, f);
	device = rnd() & 1;
	memcpy(before, (void *)WINDOW, SIZE);
	memcpy((void *)CODE, t.bytes, t.len);
	put_tail((u8 *)CODE + t.len);
	r.seg[X86_CS].ar = 0xa9b;
	memcpy(r.gpr, t.in.gpr, sizeof(r.gpr));
	r.rflags = t.in.flags;
	if (rnd() & 1) {
		e.insn = t.bytes;
		e.insn_len = rnd() & 1 ? t.len : (unsigned)(rnd() % t.len);
	}
	res = emu_step(&e);
	memcpy(after, (void *)WINDOW, SIZE);
	memcpy((void *)WINDOW, before, SIZE);
	if (res == EMU_FAULT && (f->op[0] & 0xfe) == 0xf6 && f->digit >= 6 && e.fault.vector == 0)
		return false;
	if (res != EMU_DONE) {
		show(f, &t, res == EMU_FAULT ? "the emulator faulted" : "the emulator does not know it", first);
		printf("vector %u cr2 %#llx\n", e.fault.vector, (unsigned long long)e.fault.cr2);
		fail();
	}
	if (e.length != t.len) {
		show(f, &t, "the length is wrong", first);
		fail();
	}
	if (getenv("EMU_TRACE"))
		show(f, &t, "about to run", first);
	native_ctx = t.in;
	native_code = (void *)CODE;
	native_run();
	compare(f, &t, &r, after, first);
	return true;
}

static void every_form_does_what_this_cpu_does(void **state)
{
	const char *s = getenv("EMU_SEED");
	unsigned done = 0;

	seed = s ? strtoull(s, NULL, 0) : 0x1234567;
	printf("first seed %#llx\n", (unsigned long long)seed);
	for (unsigned k = 0; k < sizeof(forms) / sizeof(forms[0]); k++) {
		unsigned ran = 0;

		for (unsigned n = 0; n < ROUNDS; n++)
			ran += one(&forms[k]);
		assert_true(ran > ROUNDS / 20);
		done += ran;
	}
	assert_int_equal(widest, 8);
	printf("%u instructions compared\n", done);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_form_does_what_this_cpu_does) };
	void *code = mmap((void *)CODE, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	void *window = mmap((void *)WINDOW, SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (code != (void *)CODE || window != (void *)WINDOW) {
		printf("no memory at the fixed addresses: skipped\n");
		return 0;
	}
	put_tail((u8 *)CODE + 0x100);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
