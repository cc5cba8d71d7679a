/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off: LINK is one line for the Makefile */
/* The emulator's decoder: lengths in every mode, the 15-byte limit, fetches across pages and limits.
 * LINK: tests/unit/fake_x86.c guest/vmm/x86/emulate.c guest/vmm/x86/emu_alu.c guest/vmm/x86/emu_decode.c
 * LINK: guest/vmm/x86/emu_mem.c guest/vmm/x86/emu_opcodes.c guest/vmm/x86/emu_string.c guest/vmm/x86/emu_walk.c */
/* clang-format on */
#include "guest/vmm/x86/emulate.h"
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "fake_x86.h"

/* Assembled with nasm; each decoded by objdump as one instruction. */
static const struct {
	u8 bits, len;
	const char *bytes;
} lengths[] = {
	/* clang-format off */
	{ 16, 2, "\x0f\xa2" }, /* cpuid */
	{ 16, 2, "\x0f\x32" }, /* rdmsr */
	{ 16, 2, "\x0f\x30" }, /* wrmsr */
	{ 16, 1, "\xf4" }, /* hlt */
	{ 16, 3, "\x0f\x01\xc1" }, /* vmcall */
	{ 16, 3, "\x0f\x01\xd9" }, /* vmmcall */
	{ 16, 3, "\x0f\x01\xd1" }, /* xsetbv */
	{ 16, 2, "\x0f\x08" }, /* invd */
	{ 16, 2, "\x0f\x09" }, /* wbinvd */
	{ 16, 2, "\x0f\x33" }, /* rdpmc */
	{ 16, 2, "\x0f\x31" }, /* rdtsc */
	{ 16, 3, "\x0f\x01\xf9" }, /* rdtscp */
	{ 16, 3, "\x0f\x01\xc8" }, /* monitor */
	{ 16, 3, "\x0f\x01\xc9" }, /* mwait */
	{ 16, 1, "\xec" }, /* in al,dx */
	{ 16, 2, "\x66\xed" }, /* in eax,dx */
	{ 16, 2, "\xe5\x60" }, /* in ax,0x60 */
	{ 16, 2, "\xe4\x71" }, /* in al,0x71 */
	{ 16, 2, "\xe6\x70" }, /* out 0x70,al */
	{ 16, 1, "\xef" }, /* out dx,ax */
	{ 16, 2, "\x66\xef" }, /* out dx,eax */
	{ 16, 2, "\xf3\x6c" }, /* rep insb */
	{ 16, 2, "\xf3\x6f" }, /* rep outsw */
	{ 16, 2, "\x66\x6d" }, /* insd */
	{ 16, 2, "\x0f\x06" }, /* clts */
	{ 16, 3, "\x0f\x01\xf0" }, /* lmsw ax */
	{ 16, 5, "\x0f\x01\x26\x10\x00" }, /* smsw [0x10] */
	{ 16, 5, "\x0f\x01\x3e\x34\x12" }, /* invlpg [0x1234] */
	{ 16, 2, "\xf3\x90" }, /* pause */
	{ 16, 5, "\x0f\x01\x06\x40\x00" }, /* sgdt [0x40] */
	{ 16, 5, "\x0f\x01\x1e\x40\x00" }, /* lidt [0x40] */
	{ 16, 5, "\x0f\x01\x16\x40\x00" }, /* lgdt [0x40] */
	{ 16, 5, "\x0f\x00\x0e\x40\x00" }, /* str [0x40] */
	{ 16, 1, "\x90" }, /* nop */
	{ 16, 2, "\x0f\x0b" }, /* ud2 */
	{ 16, 2, "\x0f\xaa" }, /* rsm */
	{ 16, 1, "\xfa" }, /* cli */
	{ 16, 1, "\xfb" }, /* sti */
	{ 16, 1, "\xcf" }, /* iret */
	{ 16, 1, "\xcc" }, /* int3 */
	{ 16, 2, "\xcd\x80" }, /* int 0x80 */
	{ 16, 4, "\xc8\x10\x00\x01" }, /* enter 16,1 */
	{ 16, 1, "\xc9" }, /* leave */
	{ 16, 3, "\xc2\x08\x00" }, /* ret 8 */
	{ 16, 1, "\xc3" }, /* ret */
	{ 16, 3, "\xca\x08\x00" }, /* retf 8 */
	{ 16, 2, "\xeb\x03" }, /* jmp short $+5 */
	{ 16, 1, "\xd7" }, /* xlatb */
	{ 16, 5, "\x0f\xc7\x0e\x40\x00" }, /* cmpxchg8b [0x40] */
	{ 16, 4, "\xd9\x06\x40\x00" }, /* fld dword [0x40] */
	{ 16, 5, "\x0f\x10\x06\x40\x00" }, /* movups xmm0,[0x40] */
	{ 16, 7, "\x66\x0f\x70\x06\x40\x00\x03" }, /* pshufd xmm0,[0x40],3 */
	{ 16, 8, "\x66\x0f\x3a\x0f\x06\x40\x00\x03" }, /* palignr xmm0,[0x40],3 */
	{ 16, 7, "\x66\x0f\x38\x00\x06\x40\x00" }, /* pshufb xmm0,[0x40] */
	{ 16, 6, "\x0f\xa4\x06\x40\x00\x05" }, /* shld [0x40],ax,5 */
	{ 16, 5, "\x0f\x18\x06\x40\x00" }, /* prefetchnta [0x40] */
	{ 16, 3, "\x66\x0f\xc8" }, /* bswap eax */
	{ 16, 6, "\x66\x0f\xb6\x06\x40\x00" }, /* movzx eax,byte [0x40] */
	{ 16, 5, "\xf6\x06\x40\x00\x05" }, /* test byte [0x40],5 */
	{ 16, 6, "\xf7\x06\x40\x00\x34\x12" }, /* test word [0x40],0x1234 */
	{ 16, 9, "\x66\xf7\x06\x40\x00\x78\x56\x34\x12" }, /* test dword [0x40],0x12345678 */
	{ 16, 5, "\x66\xf7\x16\x40\x00" }, /* not dword [0x40] */
	{ 16, 5, "\xc6\x06\x40\x00\x01" }, /* mov byte [0x40],1 */
	{ 16, 6, "\xc7\x06\x40\x00\x34\x12" }, /* mov word [0x40],0x1234 */
	{ 16, 9, "\x66\xc7\x06\x40\x00\x78\x56\x34\x12" }, /* mov dword [0x40],0x12345678 */
	{ 16, 6, "\x66\x6b\x06\x40\x00\x05" }, /* imul eax,[0x40],5 */
	{ 16, 6, "\x69\x06\x40\x00\x34\x12" }, /* imul ax,[0x40],0x1234 */
	{ 16, 6, "\x66\x83\x06\x40\x00\x05" }, /* add dword [0x40],byte 5 */
	{ 16, 7, "\xf0\x66\x0f\xc1\x06\x40\x00" }, /* lock xadd [0x40],eax */
	{ 16, 3, "\xb8\x34\x12" }, /* mov ax,0x1234 */
	{ 16, 6, "\x66\xb8\x78\x56\x34\x12" }, /* mov eax,0x12345678 */
	{ 16, 2, "\xb0\x05" }, /* mov al,5 */
	{ 16, 4, "\x0f\x84\xfc\x0f" }, /* jz near $+0x1000 */
	{ 16, 3, "\xe8\xfd\x0f" }, /* call $+0x1000 */
	{ 16, 3, "\xe9\xfd\x0f" }, /* jmp $+0x1000 */
	{ 16, 3, "\x0f\x20\xc0" }, /* mov eax,cr0 */
	{ 16, 3, "\x0f\x22\xd8" }, /* mov cr3,eax */
	{ 16, 3, "\x0f\x23\xf8" }, /* mov dr7,eax */
	{ 16, 3, "\x0f\x21\xf0" }, /* mov eax,dr6 */
	{ 16, 3, "\xa0\x34\x12" }, /* mov al,[0x1234] */
	{ 16, 4, "\x66\xa3\x34\x12" }, /* mov [0x1234],eax */
	{ 16, 3, "\x68\x34\x12" }, /* push 0x1234 */
	{ 16, 6, "\x66\x68\x78\x56\x34\x12" }, /* push dword 0x12345678 */
	{ 16, 2, "\x6a\x05" }, /* push byte 5 */
	{ 16, 5, "\x9a\x34\x12\x10\x00" }, /* call 0x10:0x1234 */
	{ 16, 8, "\x66\xea\x78\x56\x34\x12\x10\x00" }, /* jmp dword 0x10:0x12345678 */
	{ 16, 4, "\xc4\x1e\x40\x00" }, /* les bx,[0x40] */
	{ 16, 4, "\xc5\x1e\x40\x00" }, /* lds bx,[0x40] */
	{ 16, 2, "\xd4\x0a" }, /* aam */
	{ 16, 1, "\x60" }, /* pusha */
	{ 16, 1, "\x61" }, /* popa */
	{ 16, 2, "\x66\x40" }, /* inc eax */
	{ 16, 1, "\x48" }, /* dec ax */
	{ 16, 5, "\x66\x62\x06\x40\x00" }, /* bound eax,[0x40] */
	{ 16, 3, "\x66\x8b\x07" }, /* mov eax,[bx] */
	{ 16, 3, "\x66\x8b\x00" }, /* mov eax,[bx+si] */
	{ 16, 4, "\x66\x8b\x43\x05" }, /* mov eax,[bp+di+5] */
	{ 16, 4, "\x66\x8b\x46\x00" }, /* mov eax,[bp] */
	{ 16, 5, "\x66\x8b\x87\x34\x12" }, /* mov eax,[bx+0x1234] */
	{ 16, 4, "\x66\x67\x8b\x00" }, /* mov eax,[eax] */
	{ 16, 5, "\x66\x67\x8b\x45\x00" }, /* mov eax,[ebp] */
	{ 16, 5, "\x66\x67\x8b\x04\x24" }, /* mov eax,[esp] */
	{ 16, 6, "\x66\x67\x8b\x44\x24\x04" }, /* mov eax,[esp+4] */
	{ 16, 9, "\x66\x67\x8b\x84\x98\x78\x56\x34\x12" }, /* mov eax,[eax+ebx*4+0x12345678] */
	{ 16, 9, "\x66\x67\x8b\x04\x9d\x00\x00\x00\x00" }, /* mov eax,[ebx*4] */
	{ 16, 4, "\x64\x66\x8b\x05" }, /* fs mov eax,[di] */
	{ 32, 2, "\x0f\xa2" }, /* cpuid */
	{ 32, 2, "\x0f\x32" }, /* rdmsr */
	{ 32, 2, "\x0f\x30" }, /* wrmsr */
	{ 32, 1, "\xf4" }, /* hlt */
	{ 32, 3, "\x0f\x01\xc1" }, /* vmcall */
	{ 32, 3, "\x0f\x01\xd9" }, /* vmmcall */
	{ 32, 3, "\x0f\x01\xd1" }, /* xsetbv */
	{ 32, 2, "\x0f\x08" }, /* invd */
	{ 32, 2, "\x0f\x09" }, /* wbinvd */
	{ 32, 2, "\x0f\x33" }, /* rdpmc */
	{ 32, 2, "\x0f\x31" }, /* rdtsc */
	{ 32, 3, "\x0f\x01\xf9" }, /* rdtscp */
	{ 32, 3, "\x0f\x01\xc8" }, /* monitor */
	{ 32, 3, "\x0f\x01\xc9" }, /* mwait */
	{ 32, 1, "\xec" }, /* in al,dx */
	{ 32, 1, "\xed" }, /* in eax,dx */
	{ 32, 3, "\x66\xe5\x60" }, /* in ax,0x60 */
	{ 32, 2, "\xe4\x71" }, /* in al,0x71 */
	{ 32, 2, "\xe6\x70" }, /* out 0x70,al */
	{ 32, 2, "\x66\xef" }, /* out dx,ax */
	{ 32, 1, "\xef" }, /* out dx,eax */
	{ 32, 2, "\xf3\x6c" }, /* rep insb */
	{ 32, 3, "\xf3\x66\x6f" }, /* rep outsw */
	{ 32, 1, "\x6d" }, /* insd */
	{ 32, 2, "\x0f\x06" }, /* clts */
	{ 32, 3, "\x0f\x01\xf0" }, /* lmsw ax */
	{ 32, 7, "\x0f\x01\x25\x10\x00\x00\x00" }, /* smsw [0x10] */
	{ 32, 7, "\x0f\x01\x3d\x34\x12\x00\x00" }, /* invlpg [0x1234] */
	{ 32, 2, "\xf3\x90" }, /* pause */
	{ 32, 7, "\x0f\x01\x05\x40\x00\x00\x00" }, /* sgdt [0x40] */
	{ 32, 7, "\x0f\x01\x1d\x40\x00\x00\x00" }, /* lidt [0x40] */
	{ 32, 7, "\x0f\x01\x15\x40\x00\x00\x00" }, /* lgdt [0x40] */
	{ 32, 7, "\x0f\x00\x0d\x40\x00\x00\x00" }, /* str [0x40] */
	{ 32, 1, "\x90" }, /* nop */
	{ 32, 2, "\x0f\x0b" }, /* ud2 */
	{ 32, 2, "\x0f\xaa" }, /* rsm */
	{ 32, 1, "\xfa" }, /* cli */
	{ 32, 1, "\xfb" }, /* sti */
	{ 32, 1, "\xcf" }, /* iret */
	{ 32, 1, "\xcc" }, /* int3 */
	{ 32, 2, "\xcd\x80" }, /* int 0x80 */
	{ 32, 4, "\xc8\x10\x00\x01" }, /* enter 16,1 */
	{ 32, 1, "\xc9" }, /* leave */
	{ 32, 3, "\xc2\x08\x00" }, /* ret 8 */
	{ 32, 1, "\xc3" }, /* ret */
	{ 32, 3, "\xca\x08\x00" }, /* retf 8 */
	{ 32, 2, "\xeb\x03" }, /* jmp short $+5 */
	{ 32, 1, "\xd7" }, /* xlatb */
	{ 32, 7, "\x0f\xc7\x0d\x40\x00\x00\x00" }, /* cmpxchg8b [0x40] */
	{ 32, 6, "\xd9\x05\x40\x00\x00\x00" }, /* fld dword [0x40] */
	{ 32, 7, "\x0f\x10\x05\x40\x00\x00\x00" }, /* movups xmm0,[0x40] */
	{ 32, 9, "\x66\x0f\x70\x05\x40\x00\x00\x00\x03" }, /* pshufd xmm0,[0x40],3 */
	{ 32, 10, "\x66\x0f\x3a\x0f\x05\x40\x00\x00\x00\x03" }, /* palignr xmm0,[0x40],3 */
	{ 32, 9, "\x66\x0f\x38\x00\x05\x40\x00\x00\x00" }, /* pshufb xmm0,[0x40] */
	{ 32, 9, "\x66\x0f\xa4\x05\x40\x00\x00\x00\x05" }, /* shld [0x40],ax,5 */
	{ 32, 7, "\x0f\x18\x05\x40\x00\x00\x00" }, /* prefetchnta [0x40] */
	{ 32, 2, "\x0f\xc8" }, /* bswap eax */
	{ 32, 7, "\x0f\xb6\x05\x40\x00\x00\x00" }, /* movzx eax,byte [0x40] */
	{ 32, 7, "\xf6\x05\x40\x00\x00\x00\x05" }, /* test byte [0x40],5 */
	{ 32, 9, "\x66\xf7\x05\x40\x00\x00\x00\x34\x12" }, /* test word [0x40],0x1234 */
	{ 32, 10, "\xf7\x05\x40\x00\x00\x00\x78\x56\x34\x12" }, /* test dword [0x40],0x12345678 */
	{ 32, 6, "\xf7\x15\x40\x00\x00\x00" }, /* not dword [0x40] */
	{ 32, 7, "\xc6\x05\x40\x00\x00\x00\x01" }, /* mov byte [0x40],1 */
	{ 32, 9, "\x66\xc7\x05\x40\x00\x00\x00\x34\x12" }, /* mov word [0x40],0x1234 */
	{ 32, 10, "\xc7\x05\x40\x00\x00\x00\x78\x56\x34\x12" }, /* mov dword [0x40],0x12345678 */
	{ 32, 7, "\x6b\x05\x40\x00\x00\x00\x05" }, /* imul eax,[0x40],5 */
	{ 32, 9, "\x66\x69\x05\x40\x00\x00\x00\x34\x12" }, /* imul ax,[0x40],0x1234 */
	{ 32, 7, "\x83\x05\x40\x00\x00\x00\x05" }, /* add dword [0x40],byte 5 */
	{ 32, 8, "\xf0\x0f\xc1\x05\x40\x00\x00\x00" }, /* lock xadd [0x40],eax */
	{ 32, 4, "\x66\xb8\x34\x12" }, /* mov ax,0x1234 */
	{ 32, 5, "\xb8\x78\x56\x34\x12" }, /* mov eax,0x12345678 */
	{ 32, 2, "\xb0\x05" }, /* mov al,5 */
	{ 32, 6, "\x0f\x84\xfa\x0f\x00\x00" }, /* jz near $+0x1000 */
	{ 32, 5, "\xe8\xfb\x0f\x00\x00" }, /* call $+0x1000 */
	{ 32, 5, "\xe9\xfb\x0f\x00\x00" }, /* jmp $+0x1000 */
	{ 32, 3, "\x0f\x20\xc0" }, /* mov eax,cr0 */
	{ 32, 3, "\x0f\x22\xd8" }, /* mov cr3,eax */
	{ 32, 3, "\x0f\x23\xf8" }, /* mov dr7,eax */
	{ 32, 3, "\x0f\x21\xf0" }, /* mov eax,dr6 */
	{ 32, 5, "\xa0\x34\x12\x00\x00" }, /* mov al,[0x1234] */
	{ 32, 5, "\xa3\x34\x12\x00\x00" }, /* mov [0x1234],eax */
	{ 32, 5, "\x68\x34\x12\x00\x00" }, /* push 0x1234 */
	{ 32, 5, "\x68\x78\x56\x34\x12" }, /* push dword 0x12345678 */
	{ 32, 2, "\x6a\x05" }, /* push byte 5 */
	{ 32, 7, "\x9a\x34\x12\x00\x00\x10\x00" }, /* call 0x10:0x1234 */
	{ 32, 7, "\xea\x78\x56\x34\x12\x10\x00" }, /* jmp dword 0x10:0x12345678 */
	{ 32, 7, "\x66\xc4\x1d\x40\x00\x00\x00" }, /* les bx,[0x40] */
	{ 32, 7, "\x66\xc5\x1d\x40\x00\x00\x00" }, /* lds bx,[0x40] */
	{ 32, 2, "\xd4\x0a" }, /* aam */
	{ 32, 1, "\x60" }, /* pusha */
	{ 32, 1, "\x61" }, /* popa */
	{ 32, 1, "\x40" }, /* inc eax */
	{ 32, 2, "\x66\x48" }, /* dec ax */
	{ 32, 6, "\x62\x05\x40\x00\x00\x00" }, /* bound eax,[0x40] */
	{ 32, 3, "\x67\x8b\x07" }, /* mov eax,[bx] */
	{ 32, 3, "\x67\x8b\x00" }, /* mov eax,[bx+si] */
	{ 32, 4, "\x67\x8b\x43\x05" }, /* mov eax,[bp+di+5] */
	{ 32, 4, "\x67\x8b\x46\x00" }, /* mov eax,[bp] */
	{ 32, 5, "\x67\x8b\x87\x34\x12" }, /* mov eax,[bx+0x1234] */
	{ 32, 2, "\x8b\x00" }, /* mov eax,[eax] */
	{ 32, 3, "\x8b\x45\x00" }, /* mov eax,[ebp] */
	{ 32, 3, "\x8b\x04\x24" }, /* mov eax,[esp] */
	{ 32, 4, "\x8b\x44\x24\x04" }, /* mov eax,[esp+4] */
	{ 32, 7, "\x8b\x84\x98\x78\x56\x34\x12" }, /* mov eax,[eax+ebx*4+0x12345678] */
	{ 32, 7, "\x8b\x04\x9d\x00\x00\x00\x00" }, /* mov eax,[ebx*4] */
	{ 32, 4, "\x64\x67\x8b\x05" }, /* fs mov eax,[di] */
	{ 64, 2, "\x0f\xa2" }, /* cpuid */
	{ 64, 2, "\x0f\x32" }, /* rdmsr */
	{ 64, 2, "\x0f\x30" }, /* wrmsr */
	{ 64, 1, "\xf4" }, /* hlt */
	{ 64, 3, "\x0f\x01\xc1" }, /* vmcall */
	{ 64, 3, "\x0f\x01\xd9" }, /* vmmcall */
	{ 64, 3, "\x0f\x01\xd1" }, /* xsetbv */
	{ 64, 2, "\x0f\x08" }, /* invd */
	{ 64, 2, "\x0f\x09" }, /* wbinvd */
	{ 64, 2, "\x0f\x33" }, /* rdpmc */
	{ 64, 2, "\x0f\x31" }, /* rdtsc */
	{ 64, 3, "\x0f\x01\xf9" }, /* rdtscp */
	{ 64, 3, "\x0f\x01\xc8" }, /* monitor */
	{ 64, 3, "\x0f\x01\xc9" }, /* mwait */
	{ 64, 1, "\xec" }, /* in al,dx */
	{ 64, 1, "\xed" }, /* in eax,dx */
	{ 64, 3, "\x66\xe5\x60" }, /* in ax,0x60 */
	{ 64, 2, "\xe4\x71" }, /* in al,0x71 */
	{ 64, 2, "\xe6\x70" }, /* out 0x70,al */
	{ 64, 2, "\x66\xef" }, /* out dx,ax */
	{ 64, 1, "\xef" }, /* out dx,eax */
	{ 64, 2, "\xf3\x6c" }, /* rep insb */
	{ 64, 3, "\xf3\x66\x6f" }, /* rep outsw */
	{ 64, 1, "\x6d" }, /* insd */
	{ 64, 2, "\x0f\x06" }, /* clts */
	{ 64, 3, "\x0f\x01\xf0" }, /* lmsw ax */
	{ 64, 8, "\x0f\x01\x24\x25\x10\x00\x00\x00" }, /* smsw [0x10] */
	{ 64, 8, "\x0f\x01\x3c\x25\x34\x12\x00\x00" }, /* invlpg [0x1234] */
	{ 64, 2, "\xf3\x90" }, /* pause */
	{ 64, 8, "\x0f\x01\x04\x25\x40\x00\x00\x00" }, /* sgdt [0x40] */
	{ 64, 8, "\x0f\x01\x1c\x25\x40\x00\x00\x00" }, /* lidt [0x40] */
	{ 64, 8, "\x0f\x01\x14\x25\x40\x00\x00\x00" }, /* lgdt [0x40] */
	{ 64, 8, "\x0f\x00\x0c\x25\x40\x00\x00\x00" }, /* str [0x40] */
	{ 64, 1, "\x90" }, /* nop */
	{ 64, 2, "\x0f\x0b" }, /* ud2 */
	{ 64, 2, "\x0f\xaa" }, /* rsm */
	{ 64, 1, "\xfa" }, /* cli */
	{ 64, 1, "\xfb" }, /* sti */
	{ 64, 1, "\xcf" }, /* iret */
	{ 64, 1, "\xcc" }, /* int3 */
	{ 64, 2, "\xcd\x80" }, /* int 0x80 */
	{ 64, 4, "\xc8\x10\x00\x01" }, /* enter 16,1 */
	{ 64, 1, "\xc9" }, /* leave */
	{ 64, 3, "\xc2\x08\x00" }, /* ret 8 */
	{ 64, 1, "\xc3" }, /* ret */
	{ 64, 3, "\xca\x08\x00" }, /* retf 8 */
	{ 64, 2, "\xeb\x03" }, /* jmp short $+5 */
	{ 64, 1, "\xd7" }, /* xlatb */
	{ 64, 8, "\x0f\xc7\x0c\x25\x40\x00\x00\x00" }, /* cmpxchg8b [0x40] */
	{ 64, 7, "\xd9\x04\x25\x40\x00\x00\x00" }, /* fld dword [0x40] */
	{ 64, 8, "\x0f\x10\x04\x25\x40\x00\x00\x00" }, /* movups xmm0,[0x40] */
	{ 64, 10, "\x66\x0f\x70\x04\x25\x40\x00\x00\x00\x03" }, /* pshufd xmm0,[0x40],3 */
	{ 64, 11, "\x66\x0f\x3a\x0f\x04\x25\x40\x00\x00\x00\x03" }, /* palignr xmm0,[0x40],3 */
	{ 64, 10, "\x66\x0f\x38\x00\x04\x25\x40\x00\x00\x00" }, /* pshufb xmm0,[0x40] */
	{ 64, 10, "\x66\x0f\xa4\x04\x25\x40\x00\x00\x00\x05" }, /* shld [0x40],ax,5 */
	{ 64, 8, "\x0f\x18\x04\x25\x40\x00\x00\x00" }, /* prefetchnta [0x40] */
	{ 64, 2, "\x0f\xc8" }, /* bswap eax */
	{ 64, 8, "\x0f\xb6\x04\x25\x40\x00\x00\x00" }, /* movzx eax,byte [0x40] */
	{ 64, 8, "\xf6\x04\x25\x40\x00\x00\x00\x05" }, /* test byte [0x40],5 */
	{ 64, 10, "\x66\xf7\x04\x25\x40\x00\x00\x00\x34\x12" }, /* test word [0x40],0x1234 */
	{ 64, 11, "\xf7\x04\x25\x40\x00\x00\x00\x78\x56\x34\x12" }, /* test dword [0x40],0x12345678 */
	{ 64, 7, "\xf7\x14\x25\x40\x00\x00\x00" }, /* not dword [0x40] */
	{ 64, 8, "\xc6\x04\x25\x40\x00\x00\x00\x01" }, /* mov byte [0x40],1 */
	{ 64, 10, "\x66\xc7\x04\x25\x40\x00\x00\x00\x34\x12" }, /* mov word [0x40],0x1234 */
	{ 64, 11, "\xc7\x04\x25\x40\x00\x00\x00\x78\x56\x34\x12" }, /* mov dword [0x40],0x12345678 */
	{ 64, 8, "\x6b\x04\x25\x40\x00\x00\x00\x05" }, /* imul eax,[0x40],5 */
	{ 64, 10, "\x66\x69\x04\x25\x40\x00\x00\x00\x34\x12" }, /* imul ax,[0x40],0x1234 */
	{ 64, 8, "\x83\x04\x25\x40\x00\x00\x00\x05" }, /* add dword [0x40],byte 5 */
	{ 64, 9, "\xf0\x0f\xc1\x04\x25\x40\x00\x00\x00" }, /* lock xadd [0x40],eax */
	{ 64, 4, "\x66\xb8\x34\x12" }, /* mov ax,0x1234 */
	{ 64, 5, "\xb8\x78\x56\x34\x12" }, /* mov eax,0x12345678 */
	{ 64, 2, "\xb0\x05" }, /* mov al,5 */
	{ 64, 6, "\x0f\x84\xfa\x0f\x00\x00" }, /* jz near $+0x1000 */
	{ 64, 5, "\xe8\xfb\x0f\x00\x00" }, /* call $+0x1000 */
	{ 64, 5, "\xe9\xfb\x0f\x00\x00" }, /* jmp $+0x1000 */
	{ 64, 3, "\x0f\x20\xc0" }, /* mov rax,cr0 */
	{ 64, 3, "\x0f\x22\xd8" }, /* mov cr3,rax */
	{ 64, 4, "\x44\x0f\x22\xc0" }, /* mov cr8,rax */
	{ 64, 4, "\x44\x0f\x20\xc0" }, /* mov rax,cr8 */
	{ 64, 3, "\x0f\x23\xf8" }, /* mov dr7,rax */
	{ 64, 3, "\x0f\x21\xf0" }, /* mov rax,dr6 */
	{ 64, 9, "\xa0\xf0\xde\xbc\x9a\x78\x56\x34\x12" }, /* mov al,[qword 0x123456789abcdef0] */
	{ 64, 10, "\x48\xa3\x34\x12\x00\x00\x00\x00\x00\x00" }, /* mov [qword 0x1234],rax */
	{ 64, 10, "\x48\xb8\xf0\xde\xbc\x9a\x78\x56\x34\x12" }, /* mov rax,0x123456789abcdef0 */
	{ 64, 5, "\x68\x78\x56\x34\x12" }, /* push 0x12345678 */
	{ 64, 4, "\x66\x68\x34\x12" }, /* push word 0x1234 */
	{ 64, 2, "\x6a\x05" }, /* push byte 5 */
	{ 64, 2, "\x8b\x00" }, /* mov eax,[rax] */
	{ 64, 3, "\x8b\x45\x00" }, /* mov eax,[rbp] */
	{ 64, 4, "\x41\x8b\x45\x00" }, /* mov eax,[r13] */
	{ 64, 3, "\x8b\x04\x24" }, /* mov eax,[rsp] */
	{ 64, 4, "\x41\x8b\x04\x24" }, /* mov eax,[r12] */
	{ 64, 5, "\x41\x8b\x44\x24\x05" }, /* mov eax,[r12+5] */
	{ 64, 8, "\x4a\x8b\x84\xf8\x78\x56\x34\x12" }, /* mov rax,[rax+r15*8+0x12345678] */
	{ 64, 3, "\x45\x8a\x08" }, /* mov r9b,[r8] */
	{ 64, 8, "\x67\x8b\x04\x9d\x00\x00\x00\x00" }, /* mov eax,[ebx*4] */
	{ 64, 3, "\x67\x8b\x00" }, /* mov eax,[eax] */
	{ 64, 9, "\x65\x48\x8b\x04\x25\x30\x00\x00\x00" }, /* gs mov rax,[0x30] */
	{ 64, 7, "\x48\xc7\x00\x78\x56\x34\x12" }, /* mov qword [rax],0x12345678 */
	{ 64, 7, "\x48\xf7\x00\x78\x56\x34\x12" }, /* test qword [rax],0x12345678 */
	{ 64, 5, "\x48\x0f\x38\xf0\x03" }, /* movbe rax,[rbx] */
	{ 64, 5, "\xf2\x0f\x38\xf0\x03" }, /* crc32 eax,byte [rbx] */
	{ 64, 2, "\x48\xcf" }, /* iretq */
	{ 64, 3, "\x48\x0f\x07" }, /* sysretq */
	{ 64, 3, "\x0f\x01\xf8" }, /* swapgs */
	{ 64, 4, "\x48\x0f\xc7\x08" }, /* cmpxchg16b [rax] */
	{ 64, 3, "\x48\x63\x03" }, /* movsxd rax,dword [rbx] */
	{ 64, 3, "\xf3\x48\xa5" }, /* rep movsq */
	{ 64, 5, "\xf0\x4c\x0f\xb1\x17" }, /* lock cmpxchg [rdi],r10 */
	{ 64, 5, "\xf3\x48\x0f\xae\xd8" }, /* wrgsbase rax */
	{ 64, 6, "\x8b\x05\x10\x00\x00\x00" }, /* mov eax,[rip+0x10] */
	{ 64, 5, "\x66\x2e\x3e\x0f\xa2" }, /* cpuid with prefixes */
	{ 64, 4, "\xf3\x48\x0f\x32" }, /* rdmsr with prefixes */
	{ 64, 3, "\x0f\x22\x05" }, /* mov cr0,rbp with ModRM.mod = 0: a register all the same */
	{ 64, 6, "\x66\xe8\x00\x00\x00\x00" }, /* call: 66 ignored, as Intel does */
	{ 32, 4, "\x66\xe8\x00\x00" }, /* callw */
	{ 64, 3, "\x67\x8b\x00" }, /* mov eax,[eax] */
	{ 64, 4, "\x67\x67\x8b\x00" }, /* a second 67 changes nothing */
	{ 64, 15, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x0f\xa2" }, /* the longest */
	/* clang-format on */
};

static void every_length_is_that_of_the_assembler(void **state)
{
	for (unsigned k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
		u8 bytes[15];

		for (unsigned fill = 0; fill < 2; fill++) {
			memset(bytes, fill ? 0x90 : 0xff, sizeof(bytes));
			memcpy(bytes, lengths[k].bytes, lengths[k].len);
			fake_reset();
			fake_mode(lengths[k].bits);
			fake.e.insn = bytes;
			fake.e.insn_len = fill ? lengths[k].len : 15;
			if (emu_length(&fake.e) != EMU_DONE || fake.e.length != lengths[k].len) {
				printf("row %u: %u bits, opcode %02x %02x: %u, not %u\n", k, lengths[k].bits, bytes[0],
				       bytes[1], fake.e.length, lengths[k].len);
				fail();
			}
			assert_int_equal(fake.accesses, 0);
			assert_int_equal(fake.regs.rip, 0x1000);
		}
	}
}

static void one_prefix_too_many_is_a_general_protection_fault(void **state)
{
	u8 bytes[20];

	memset(bytes, 0x66, sizeof(bytes));
	fake_reset();
	fake_put(0x1000, bytes, sizeof(bytes));
	assert_int_equal(emu_length(&fake.e), EMU_FAULT);
	assert_int_equal(fake.e.fault.vector, 13);
	assert_true(fake.e.fault.has_error);
	memcpy(bytes + 14, "\x0f\xa2", 2); /* 16 bytes */
	fake_put(0x1000, bytes, sizeof(bytes));
	assert_int_equal(emu_length(&fake.e), EMU_FAULT);
	assert_int_equal(fake.e.fault.vector, 13);
	/* in real mode there is no error code */
	fake_mode(16);
	assert_int_equal(emu_length(&fake.e), EMU_FAULT);
	assert_false(fake.e.fault.has_error);
}

static void vex_evex_and_old_opcodes_are_unknown_in_64_bit_mode(void **state)
{
	static const char *const unknown[] = { "\xc5\xf8\x28\x00",
					       "\xc4\xe2\x7d\x18\x00",
					       "\x62\xf1\x7c\x48",
					       "\x06",
					       "\x27",
					       "\x60",
					       "\x9a",
					       "\xd4\x0a",
					       "\xea",
					       "\x82\x00\x00",
					       "\x0f\x04" };

	for (unsigned k = 0; k < sizeof(unknown) / sizeof(unknown[0]); k++) {
		fake_reset();
		fake_put(0x1000, unknown[k], 4 < strlen(unknown[k]) ? 4 : (unsigned)strlen(unknown[k]));
		assert_int_equal(emu_length(&fake.e), EMU_UNKNOWN);
	}
	fake_mode(32);
	fake_put(0x1000, "\xc5\xf8\x28\x00", 4); /* VEX: LDS of a register would be no instruction */
	assert_int_equal(emu_length(&fake.e), EMU_UNKNOWN);
}

static void code_ends_at_the_segment_limit(void **state)
{
	fake_reset();
	fake_mode(32);
	fake_put(0x1000, "\x8b\x05\x40\x00\x00\x00", 6);
	fake.regs.seg[X86_CS].limit = 0x1005;
	assert_int_equal(emu_length(&fake.e), EMU_DONE);
	fake.regs.seg[X86_CS].limit = 0x1004;
	assert_int_equal(emu_length(&fake.e), EMU_FAULT);
	assert_int_equal(fake.e.fault.vector, 13);
	/* also when the CPU gave the bytes */
	fake.e.insn = fake.ram + 0x1000;
	fake.e.insn_len = 15;
	assert_int_equal(emu_length(&fake.e), EMU_FAULT);
	fake.regs.seg[X86_CS].limit = 0xfff;
	assert_int_equal(emu_length(&fake.e), EMU_FAULT);
}

static void code_may_cross_a_page_but_not_the_canonical_hole(void **state)
{
	fake_reset();
	fake.regs.rip = 0x1ffe;
	fake_put(0x1ffe, "\x8b\x05\x40\x00\x00\x00", 6);
	assert_int_equal(emu_length(&fake.e), EMU_DONE);
	assert_int_equal(fake.e.length, 6);
	fake.regs.rip = 0x0000800000000000;
	assert_int_equal(emu_length(&fake.e), EMU_FAULT);
	assert_int_equal(fake.e.fault.vector, 13);
	fake.regs.rip = FAKE_DEV; /* code in a device: not ours */
	assert_int_equal(emu_length(&fake.e), EMU_UNKNOWN);
	fake.regs.rip = FAKE_RAM_SIZE - 2; /* runs off the end of RAM */
	fake_put(FAKE_RAM_SIZE - 2, "\x8b\x05", 2);
	assert_int_equal(emu_length(&fake.e), EMU_UNKNOWN);
}

static void code_may_lie_in_rom_up_to_its_end(void **state)
{
	static const u8 in_al_dx_jmp[] = { 0xec, 0xea, 0x00, 0x00, 0x00, 0xf0 };

	fake_reset();
	fake_mode(16);
	fake.regs.seg[X86_CS].base = 0xffff0000;
	fake.regs.rip = 0xfff0;
	memcpy(fake.rom + 0xff0, in_al_dx_jmp, sizeof(in_al_dx_jmp));
	assert_int_equal(emu_length(&fake.e), EMU_DONE);
	assert_int_equal(fake.e.length, 1);
	fake.regs.rip = 0xfff1;
	assert_int_equal(emu_length(&fake.e), EMU_DONE);
	assert_int_equal(fake.e.length, 5);
	fake.regs.rip = 0xfffe; /* runs off the end of the segment */
	memcpy(fake.rom + 0xffe, "\x8b\x06", 2);
	assert_int_equal(emu_length(&fake.e), EMU_FAULT);
	assert_int_equal(fake.e.fault.vector, 13);
}

static void stores_to_rom_are_a_devices(void **state)
{
	fake_reset();
	fake.regs.gpr[X86_RBX] = FAKE_ROM + 0x10;
	fake.regs.gpr[X86_RAX] = 0x55;
	assert_int_equal(STEP("\x88\x03"), EMU_DONE); /* mov [rbx],al */
	assert_int_equal(fake.accesses, 1);
	assert_true(fake.log[0].write);
	assert_int_equal(fake.log[0].addr, FAKE_ROM + 0x10);
	assert_int_equal(fake.rom[0x10], 0);
}

static void addresses_of_16_bit_code_wrap_within_the_segment(void **state)
{
	fake_reset();
	fake_mode(16);
	fake.regs.seg[X86_DS].base = 0x10000;
	fake.regs.seg[X86_SS].base = 0x20000;
	fake.regs.gpr[X86_RBX] = 0x12348000; /* the upper half doesn't count */
	fake.regs.gpr[X86_RSI] = 0x9000;
	fake.regs.gpr[X86_RBP] = 0x4000;
	fake_set(0x11000, 2, 0xbeef);
	fake_set(0x24010, 2, 0xcafe);
	assert_int_equal(STEP("\x8b\x00"), EMU_DONE); /* mov ax,[bx+si] */
	assert_int_equal(fake.regs.gpr[X86_RAX], 0xbeef);
	fake.regs.rip = 0x1000;
	assert_int_equal(STEP("\x8b\x46\x10"), EMU_DONE); /* mov ax,[bp+16]: SS */
	assert_int_equal(fake.regs.gpr[X86_RAX], 0xcafe);
	fake.regs.rip = 0x1000;
	fake_set(0x14010, 2, 0x5555);
	assert_int_equal(STEP("\x3e\x8b\x46\x10"), EMU_DONE); /* DS: before it */
	assert_int_equal(fake.regs.gpr[X86_RAX], 0x5555);
	fake.regs.rip = 0x1000;
	assert_int_equal(STEP("\x66\x67\x8b\x43\x10"), EMU_FAULT); /* [ebx+16]: beyond 64 KiB */
	assert_int_equal(fake.e.fault.vector, 13);
	assert_false(fake.e.fault.has_error);
	fake.regs.gpr[X86_RBX] = 0xffff;
	assert_int_equal(STEP("\x8b\x07"), EMU_FAULT); /* a word at ffff */
}

static void segment_rights_and_limits_hold_in_protected_mode(void **state)
{
	static const struct {
		u16 type;
		u32 limit;
		u32 off;
		bool write, ok;
	} cases[] = {
		{ 3, 0x2003, 0x2000, true, true },	     { 3, 0x2002, 0x2000, true, false },
		{ 1, 0xffff, 0x2000, false, true },	     { 1, 0xffff, 0x2000, true, false },  /* read-only data */
		{ 11, 0xffff, 0x2000, false, true },	     { 11, 0xffff, 0x2000, true, false }, /* readable code */
		{ 9, 0xffff, 0x2000, false, false }, /* code that is only to be executed */
		{ 7, 0x1fff, 0x2000, true, true },	     { 7, 0x2000, 0x2000, true, false }, /* expand-down */
		{ 3, 0xffffffff, 0xfffffffe, false, false },					 /* wraps */
	};

	for (unsigned k = 0; k < sizeof(cases) / sizeof(cases[0]); k++)
		for (unsigned seg = X86_DS; seg != X86_NSREG; seg = seg == X86_DS ? X86_SS : X86_NSREG) {
			fake_reset();
			fake_mode(32);
			fake.regs.seg[seg].ar = (fake.regs.seg[seg].ar & ~15u) | cases[k].type;
			fake.regs.seg[seg].limit = cases[k].limit;
			fake.regs.gpr[seg == X86_DS ? X86_RBX : X86_RBP] = cases[k].off;
			fake_put(0x1000, cases[k].write ? "\x89" : "\x8b", 1);
			fake_put(0x1001, seg == X86_DS ? "\x03" : "\x45\x00", 2);
			assert_int_equal(emu_step(&fake.e), cases[k].ok ? EMU_DONE : EMU_FAULT);
			if (cases[k].ok)
				continue;
			assert_int_equal(fake.e.fault.vector, seg == X86_DS ? 13 : 12);
			assert_true(fake.e.fault.has_error);
			assert_int_equal(fake.regs.rip, 0x1000);
		}
}

static void an_unusable_segment_faults(void **state)
{
	fake_reset();
	fake_mode(32);
	fake.regs.seg[X86_DS].ar = 0;
	assert_int_equal(STEP("\x8b\x03"), EMU_FAULT);
	assert_int_equal(fake.e.fault.vector, 13);
}

static void non_canonical_addresses_fault_by_the_base_register(void **state)
{
	fake_reset();
	fake.regs.gpr[X86_RBX] = fake.regs.gpr[X86_RBP] = 0x00007fffffffffff;
	assert_int_equal(STEP("\x8b\x03"), EMU_FAULT); /* its last byte is in the hole */
	assert_int_equal(fake.e.fault.vector, 13);
	assert_int_equal(STEP("\x8b\x45\x00"), EMU_FAULT);
	assert_int_equal(fake.e.fault.vector, 12);
	assert_int_equal(STEP("\x3e\x8b\x45\x00"), EMU_FAULT); /* DS: has no effect in 64-bit mode */
	assert_int_equal(fake.e.fault.vector, 12);
}

static void only_fs_and_gs_have_a_base_in_64_bit_mode(void **state)
{
	fake_reset();
	fake.regs.seg[X86_DS].base = 0x10000;
	fake.regs.seg[X86_GS].base = 0x20000;
	fake.regs.gpr[X86_RBX] = 0x3000;
	fake_set(0x3000, 4, 1);
	fake_set(0x23000, 4, 2);
	assert_int_equal(STEP("\x8b\x03"), EMU_DONE);
	assert_int_equal(fake.regs.gpr[X86_RAX], 1);
	fake.regs.rip = 0x1000;
	assert_int_equal(STEP("\x65\x8b\x03"), EMU_DONE);
	assert_int_equal(fake.regs.gpr[X86_RAX], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_is_that_of_the_assembler),
		cmocka_unit_test(one_prefix_too_many_is_a_general_protection_fault),
		cmocka_unit_test(vex_evex_and_old_opcodes_are_unknown_in_64_bit_mode),
		cmocka_unit_test(code_ends_at_the_segment_limit),
		cmocka_unit_test(code_may_cross_a_page_but_not_the_canonical_hole),
		cmocka_unit_test(code_may_lie_in_rom_up_to_its_end),
		cmocka_unit_test(stores_to_rom_are_a_devices),
		cmocka_unit_test(addresses_of_16_bit_code_wrap_within_the_segment),
		cmocka_unit_test(segment_rights_and_limits_hold_in_protected_mode),
		cmocka_unit_test(an_unusable_segment_faults),
		cmocka_unit_test(non_canonical_addresses_fault_by_the_base_register),
		cmocka_unit_test(only_fs_and_gs_have_a_base_in_64_bit_mode),
	};

	int bad = cmocka_run_group_tests(tests, NULL, NULL);

	fake_free();
	return bad;
}
