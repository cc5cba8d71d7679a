/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/t_mmio.c: every form a decoder must know, against the I/O APIC (8-bit index register), the local
 * APIC (32-bit TMICT, TPR) and, where MCFG offers it, PCI configuration through ECAM (8, 16 and 32 bits). */
#include "guest/test/x86/x86.h"

#define IX ((volatile u8 *)(uintptr_t)IOAPIC) /* IOREGSEL: the low 8 bits hold what was written */
#define TM mmio32(LAPIC + 0x380)	      /* TMICT: 32 bits read back */

static u8 buf[8192] ALIGNED(4096);

/* An instruction with operand %0 (memory), %1 (register in and out). */
#define RMW(insn, mem, reg) __asm__ volatile(insn : "+m"(mem), "+r"(reg)::"memory", "cc")

/* The I/O APIC's registers are 32 bits wide: a wider access is for a hypervisor to survive, not for hardware. */
static bool wide(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	return (r[2] & BIT(31)) != 0;
}

static void bytes(void)
{
	u64 r;
	u8 b;

	*IX = 0x95;
	t_eq("mov r8, m8", *IX, 0x95);
	__asm__ volatile("movzbl %1, %k0" : "=r"(r) : "m"(*IX));
	t_eq("movzx r32, m8", r, 0x95);
	__asm__ volatile("movzbq %1, %0" : "=r"(r) : "m"(*IX));
	t_eq("movzx r64, m8", r, 0x95);
	__asm__ volatile("movsbl %1, %k0" : "=r"(r) : "m"(*IX));
	t_eq("movsx r32, m8", r, 0xffffff95);
	__asm__ volatile("movsbq %1, %0" : "=r"(r) : "m"(*IX));
	t_eq("movsx r64, m8", r, 0xffffffffffffff95);
	r = 0x1111111111111111;
	__asm__ volatile("movsbw %1, %w0" : "+r"(r) : "m"(*IX));
	t_eq("movsx r16, m8 keeps the rest", r, 0x111111111111ff95);
	r = ~0ull;
	__asm__ volatile("movb %1, %b0" : "+r"(r) : "m"(*IX));
	t_eq("mov r8 keeps the rest", r, 0xffffffffffffff95);
	r = 0x1122;
	__asm__ volatile("movb %%ah, (%1)" ::"a"(r), "D"(IX) : "memory");
	t_eq("mov m8, ah", *IX, 0x11);
	__asm__ volatile("movb (%1), %%ah" : "+a"(r) : "D"(IX) : "memory");
	t_eq("mov ah, m8", r, 0x1122);
	__asm__ volatile("movb $0x3c, %0" : "=m"(*IX));
	t_eq("mov m8, imm8", *IX, 0x3c);
	__asm__ volatile("orb $0x41, %0; andb $0x7c, %0; xorb $0x11, %0; addb $3, %0; subb $1, %0" : "+m"(*IX)::"cc");
	t_eq("or and xor add sub m8, imm8", *IX, (((0x3c | 0x41) & 0x7c) ^ 0x11) + 2);
	__asm__ volatile("incb %0; incb %0; decb %0; notb %0; negb %0" : "+m"(*IX)::"cc");
	t_eq("inc dec not neg m8", *IX, 0x71);
	b = 0x77;
	*IX = 0x12;
	RMW("xchgb %0, %1", *IX, b);
	t_eq("xchg: old", b, 0x12);
	t_eq("xchg: new", *IX, 0x77);
	b = 3;
	RMW("lock xaddb %1, %0", *IX, b);
	t_eq("lock xadd: old", b, 0x77);
	t_eq("lock xadd: new", *IX, 0x7a);
	__asm__ volatile("cmpb $0x7a, %1; sete %0" : "=r"(b) : "m"(*IX) : "cc");
	t_eq("cmp m8, imm8", b, 1);
	__asm__ volatile("testb $0x80, %1; sete %0" : "=r"(b) : "m"(*IX) : "cc");
	t_eq("test m8, imm8", b, 1);
	__asm__ volatile("cmpb %%al, %%al; sete %0" : "=m"(*IX)::"cc");
	t_eq("setcc m8", *IX, 1);
}

static void dwords(void)
{
	u64 r = 0;
	u32 d;

	*TM = 0x12345678;
	t_eq("mov r32, m32", *TM, 0x12345678);
	__asm__ volatile("movl $0x89abcdef, %0" : "=m"(*TM));
	__asm__ volatile("movslq %1, %0" : "=r"(r) : "m"(*TM));
	t_eq("movsxd r64, m32", r, 0xffffffff89abcdef);
	r = ~0ull;
	__asm__ volatile("movl %1, %k0" : "+r"(r) : "m"(*TM));
	t_eq("mov r32 clears the upper half", r, 0x89abcdef);
	__asm__ volatile("orl $0x10, %0; andl $0xfffffff0, %0; addl $0x11, %0; xorl $1, %0; subl $0x10, %0"
			 : "+m"(*TM)::"cc");
	t_eq("or and add xor sub m32, imm", *TM, 0x89abcdf0);
	__asm__ volatile("adcl $0, %0; sbbl $0, %0; shll $1, %0; shrl $4, %0; roll $8, %0" : "+m"(*TM)::"cc");
	d = 0x89abcdf0u << 1 >> 4;
	t_eq("adc sbb shl shr rol m32", *TM, d << 8 | d >> 24);
}

static void registers(void)
{
	u32 d, c[4];
	u8 z;

	*TM = 0x1000;
	d = 0x234;
	RMW("addl %1, %0", *TM, d);
	t_eq("add m32, r32", *TM, 0x1234);
	__asm__ volatile("addl %1, %0" : "+r"(d) : "m"(*TM) : "cc");
	t_eq("add r32, m32", d, 0x1468);
	d = 0x55;
	RMW("xchgl %1, %0", *TM, d);
	t_eq("xchg m32", d, 0x1234);
	__asm__ volatile("lock cmpxchgl %3, %0; sete %1" : "+m"(*TM), "=q"(z), "+a"(d) : "r"(0x66) : "cc");
	t_check("cmpxchg that fails loads EAX", z == 0 && d == 0x55 && *TM == 0x55);
	__asm__ volatile("lock cmpxchgl %3, %0; sete %1" : "+m"(*TM), "=q"(z), "+a"(d) : "r"(0x66) : "cc");
	t_check("cmpxchg that succeeds stores", z == 1 && *TM == 0x66);
	__asm__ volatile("lock btsl $3, %0; btrl $1, %0; btcl $31, %0" : "+m"(*TM)::"cc");
	t_eq("bts btr btc m32, imm8", *TM, 0x8000006c);
	__asm__ volatile("btl $31, %1; setc %0" : "=q"(z) : "m"(*TM) : "cc");
	t_eq("bt m32, imm8", z, 1);
	__asm__ volatile("imull $3, %1, %0" : "=r"(d) : "m"(*TM) : "cc");
	t_eq("imul r32, m32, imm", d, 3u * 0x8000006cu);
	d = 7;
	__asm__ volatile("stc; cmovcl %1, %0" : "+r"(d) : "m"(*TM) : "cc");
	t_eq("cmovcc r32, m32", d, 0x8000006c);
	cpuid(1, 0, c);
	if (c[2] & BIT(22)) {
		__asm__ volatile("movbe %1, %0" : "=r"(d) : "m"(*TM));
		t_eq("movbe r32, m32", d, 0x6c000080);
	}
}

static void addressing(void)
{
	u64 r;
	u32 d;

	__asm__ volatile("movnti %1, %0" : "=m"(*TM) : "r"(0x4321));
	t_eq("movnti m32, r32", *TM, 0x4321);
	__asm__ volatile("movabsl %%eax, 0xfee00380" ::"a"(0x777));
	t_eq("mov moffs, eax", *TM, 0x777);
	__asm__ volatile("movabsl 0xfee00380, %%eax" : "=a"(r));
	t_eq("mov eax, moffs", r, 0x777);
	__asm__ volatile("movl %1, 0x180(%2,%3,4)" : "+m"(*TM) : "r"(0x888), "r"(LAPIC), "r"(0x80ull) : "memory");
	t_eq("base + index * 4 + disp32", *TM, 0x888);
	__asm__ volatile("addr32 movl %1, (%k2)" : "+m"(*TM) : "r"(0x999), "r"(LAPIC + 0x380) : "memory");
	t_eq("32-bit address in 64-bit mode", *TM, 0x999);
	wrmsr(0xc0000100, LAPIC);
	__asm__ volatile("movl %%fs:0x380, %0" : "=r"(d));
	t_eq("FS base", d, 0x999);
	wrmsr(0xc0000100, 0);
	*TM = 0;
}

static void words(void)
{
	u64 r = 0x1111111111111111;

	*(volatile u16 *)(volatile void *)IX = 0x42;
	__asm__ volatile("movw %1, %w0" : "+r"(r) : "m"(*IX));
	t_eq("mov r16, m16 keeps the rest", r & ~0xff00ull, 0x1111111111110042);
	__asm__ volatile("movzwl %1, %k0" : "=r"(r) : "m"(*IX));
	t_eq("movzx r32, m16", r & ~0xff00ull, 0x42);
	__asm__ volatile("movw $0x37, %0" : "=m"(*IX));
	t_eq("mov m16, imm16", *IX, 0x37);
	if (!wide())
		return;
	__asm__ volatile("movq %1, %0" : "=r"(r) : "m"(*IX));
	t_eq("mov r64, m64: low byte", r & 0xff, 0x37);
	__asm__ volatile("movq %1, %0" : "=m"(*IX) : "r"(0x29ull));
	t_eq("mov m64, r64: low byte", *IX, 0x29);
}

static void strings(void)
{
	const void *s = (const void *)(uintptr_t)IOAPIC;
	void *d = buf + 4094;
	u64 n = 4;
	u8 z;

	*IX = 0x5c;
	memset(buf, 0, sizeof(buf));
	__asm__ volatile("1: movsb; dec %%rsi; dec %%rcx; jnz 1b" : "+S"(s), "+D"(d), "+c"(n)::"memory", "cc");
	t_check("movsb from MMIO over a page end", memcmp(buf + 4094, "\x5c\x5c\x5c\x5c", 4) == 0);
	s = buf + 1;
	buf[1] = 0x6d;
	d = (void *)(uintptr_t)IOAPIC;
	__asm__ volatile("movsb" : "+S"(s), "+D"(d)::"memory");
	t_eq("movsb to MMIO", *IX, 0x6d);
	d = (void *)(uintptr_t)IOAPIC;
	n = 1;
	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(0x7e) : "memory");
	t_check("rep stosb to MMIO", *IX == 0x7e && n == 0 && (u64)d == IOAPIC + 1);
	d = (void *)(uintptr_t)(LAPIC + 0x380);
	__asm__ volatile("stosl" : "+D"(d) : "a"(0x10203) : "memory");
	t_eq("stosd to MMIO", *TM, 0x10203);
	s = (const void *)(uintptr_t)(LAPIC + 0x380);
	__asm__ volatile("lodsl" : "+S"(s), "=a"(n)::"memory");
	t_eq("lodsd from MMIO", n, 0x10203);
	s = (const void *)(uintptr_t)(LAPIC + 0x380);
	d = buf + 8188;
	__asm__ volatile("std; movsl; cld" : "+S"(s), "+D"(d)::"memory");
	t_check("movsd with DF", (u64)s == LAPIC + 0x37c && *(u32 *)(void *)(buf + 8188) == 0x10203);
	d = (void *)(uintptr_t)(LAPIC + 0x380);
	__asm__ volatile("scasl; sete %1" : "+D"(d), "=q"(z) : "a"(0x10203) : "cc", "memory");
	t_eq("scasd on MMIO", z, 1);
	s = (const void *)(uintptr_t)(LAPIC + 0x380);
	d = buf + 8188;
	__asm__ volatile("cmpsl; sete %2" : "+S"(s), "+D"(d), "=q"(z)::"cc", "memory");
	t_eq("cmpsd against MMIO", z, 1);
	*TM = 0;
}

static void stack(void)
{
	u64 r;

	if (!wide())
		return;
	*IX = 0x3a;
	__asm__ volatile("pushq %1; popq %0" : "=r"(r) : "m"(*IX) : "memory");
	t_eq("push m64: low byte", r & 0xff, 0x3a);
	__asm__ volatile("pushq $0x4b; popq %0" : "=m"(*IX)::"memory");
	t_eq("pop m64: low byte", *IX, 0x4b);
}

static void ecam(void)
{
	u64 base = pci_ecam();
	volatile u8 *line;
	volatile u16 *bar;
	u64 r;

	if (base == 0) {
		t_skip("ECAM", "no MCFG");
		return;
	}
	t_eq("ECAM agrees with CF8", *mmio32(base), pci_r32(0, 0));
	t_eq("ECAM by 16 bits", *(volatile u16 *)(uintptr_t)(base + 2), pci_r16(0, 2));
	for (u16 bdf = 8; bdf < 256; bdf++) {
		if (pci_r16(bdf, 0) == 0xffff)
			continue;
		line = (volatile u8 *)(uintptr_t)(base + ((u64)bdf << 12) + 0x3c);
		*line = 0xa5;
		t_eq("ECAM byte register", *line, 0xa5);
		__asm__ volatile("xorb $0xff, %0" : "+m"(*line)::"cc");
		t_eq("ECAM xor m8", pci_r8(bdf, 0x3c), 0x5a);
		bar = (volatile u16 *)(volatile void *)line;
		__asm__ volatile("movsbl %1, %k0" : "=r"(r) : "m"(*line));
		t_eq("ECAM movsx", r, 0x5a);
		__asm__ volatile("movzwl %1, %k0" : "=r"(r) : "m"(*bar));
		t_eq("ECAM movzx r32, m16", r, pci_r16(bdf, 0x3c));
		return;
	}
}

void t_main(void)
{
	lapic_enable(false);
	bytes();
	words();
	dwords();
	registers();
	addressing();
	strings();
	stack();
	ecam();
	t_eq("32-bit code: forms", call_compat32((u64)f32_mmio, (u32)IOAPIC), 0x3ff);
	t_eq("32-bit code without paging: forms", call_pm32((u64)f32_mmio, (u32)IOAPIC, 0), 0x3ff);
	t_eq("32-bit code with 32-bit paging: forms", call_pm32((u64)f32_mmio, (u32)IOAPIC, 1), 0x3ff);
	t_eq("32-bit code with PAE: forms", call_pm32((u64)f32_mmio, (u32)IOAPIC, 2), 0x3ff);
	t_eq("16-bit code in compatibility mode: forms", call_compat16(LOW16(f16_mmio), (u32)IOAPIC), 0x3f);
	t_eq("big real mode: forms", call_low16(LOW16(f16_mmio), (u32)IOAPIC, 2), 0x3f);
}
