/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/t_io.c: port I/O of every size and form, string forms over page ends and downwards. */
#include "guest/test/x86/x86.h"

static u8 buf[3 * 4096] ALIGNED(4096);

static void insb(u16 port, void *to, u64 n, bool down)
{
	if (down)
		__asm__ volatile("std; rep insb; cld" : "+D"(to), "+c"(n) : "d"(port) : "memory");
	else
		__asm__ volatile("rep insb" : "+D"(to), "+c"(n) : "d"(port) : "memory");
}

static void cf8(void)
{
	u32 whole;

	outl(0xcf8, 0x80000000);
	t_eq("CF8 reads back, 32 bits", inl(0xcf8), 0x80000000);
	whole = inl(0xcfc);
	t_check("device 0 is there", whole != 0 && whole != ~0u);
	t_eq("CFC by 16 bits", inw(0xcfc) | (u32)inw(0xcfe) << 16, whole);
	t_eq("CFC by 8 bits", inb(0xcfc) | inb(0xcfd) << 8 | inb(0xcfe) << 16 | (u32)inb(0xcff) << 24, whole);
	outl(0xcf8, 0x80000008);
	__asm__ volatile("" ::: "memory");
	whole = inl(0xcfc);
	outl(0xcf8, 0x8000000a);
	t_dev("CF8's low two bits don't select", inl(0xcfc), whole);
	outl(0xcf8, 0);
	t_eq("CFC without enable reads ones", inl(0xcfc), 0xffffffff);
}

static void registers(void)
{
	u64 rax = 0xffffffffffffffff;

	outb(0x70, 0x0f);
	outb(0x71, 0x5a);
	outb(0x70, 0x0f);
	t_eq("CMOS byte by IN AL, imm8", inb(0x71), 0x5a);
	__asm__ volatile("inb $0x71, %%al" : "+a"(rax));
	t_eq("IN AL keeps the rest of RAX", rax, 0xffffffffffffff5a);
	outl(0xcf8, 0x80000000);
	rax = 0xffffffffffffffff;
	__asm__ volatile("inw %%dx, %%ax" : "+a"(rax) : "d"(0xcfc));
	t_eq("IN AX keeps the rest of RAX", rax >> 16, 0xffffffffffff);
	rax = 0xffffffffffffffff;
	__asm__ volatile("inl %%dx, %%eax" : "+a"(rax) : "d"(0xcfc));
	t_eq("IN EAX clears the upper half", rax >> 32, 0);
	t_eq("no device: ones, 8 bits", inb(0x2f0), 0xff);
	t_eq("no device: ones, 16 bits", inw(0x2f0), 0xffff);
	t_eq("no device: ones, 32 bits", inl(0x2f0), 0xffffffff);
}

static void strings(void)
{
	u64 n = 3;
	void *p;
	u8 same = 1;

	outb(0x70, 0x0f);
	outb(0x71, 0xa7);
	outb(0x70, 0x0f);
	memset(buf, 0, sizeof(buf));
	insb(0x71, buf + 4096 - 8, 16, false);
	for (unsigned i = 0; i < 16; i++)
		same &= buf[4096 - 8 + i] == 0xa7;
	t_check("REP INSB over a page end", same && buf[4096 - 9] == 0 && buf[4096 + 8] == 0);
	memset(buf, 0, sizeof(buf));
	insb(0x71, buf + 4096 + 3, 8, true);
	same = 1;
	for (unsigned i = 0; i < 8; i++)
		same &= buf[4096 + 3 - i] == 0xa7;
	t_check("REP INSB downwards over a page end", same && buf[4096 + 4] == 0 && buf[4096 - 5] == 0);
	insb(0x71, buf, 0, false);
	t_eq("REP INSB with RCX = 0 does nothing", buf[0], 0);
	outl(0xcf8, 0x80000000);
	memset(buf, 0, 64);
	p = buf + 4094;
	__asm__ volatile("rep insl" : "+D"(p), "+c"(n) : "d"(0xcfc) : "memory");
	t_eq("REP INSL advances RDI", (u64)p, (u64)buf + 4094 + 12);
	t_eq("REP INSL ends with RCX = 0", n, 0);
	t_check("REP INSL crossing a page inside an item", memcmp(buf + 4094, buf + 4098, 4) == 0 &&
								   memcmp(buf + 4098, buf + 4102, 4) == 0 &&
								   *(u32 *)(void *)(buf + 4094) == inl(0xcfc));
	memcpy(buf + 4095, "\x0f\x0e\x0f", 3); /* the last index counts */
	p = buf + 4095;
	n = 3;
	__asm__ volatile("rep outsb" : "+S"(p), "+c"(n) : "d"(0x70) : "memory");
	t_eq("REP OUTSB over a page end", inb(0x71), 0xa7);
	p = buf;
	*(u32 *)(void *)buf = 0x80000008;
	__asm__ volatile("outsl" : "+S"(p) : "d"(0xcf8) : "memory");
	t_eq("OUTSL", inl(0xcf8), 0x80000008);
	n = 5;
	p = buf + 100;
	__asm__ volatile("addr32 rep insb" : "+D"(p), "+c"(n) : "d"(0x71) : "memory");
	t_eq("REP INSB with 32-bit addresses", buf[104], 0xa7);
}

static void do_ins_fault(void *a)
{
	u64 n = 4;

	__asm__ volatile("rep insb" : "+D"(a), "+c"(n) : "d"(0x71) : "memory");
}

void t_main(void)
{
	extern u64 t_pd[];
	u64 hole = 0x60000000, saved = t_pd[hole >> 21];

	cf8();
	registers();
	strings();
	t_pd[hole >> 21] = 0;
	invlpg((void *)hole);
	t_eq("INSB to an unmapped page is #PF", trap_try(do_ins_fault, (void *)(hole - 2)), X_PF);
	t_eq("its error", trap_last.error, 2);
	t_eq("its CR2", trap_last.cr2, hole);
	t_pd[hole >> 21] = saved;
	t_eq("IN in 16-bit real-mode code", call_low16(LOW16(f16_io), 0x0f, 1), 0xa7a7a7);
	t_eq("IN in 16-bit protected mode", call_low16(LOW16(f16_io), 0x0f, 0), 0xa7a7a7);
}
