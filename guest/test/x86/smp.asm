; SPDX-License-Identifier: Apache-2.0
; guest/test/x86/smp.asm: where a CPU that a SIPI starts begins: from real mode to *smp_entry in long mode.
%include "guest/test/x86/long.inc"

extern t_pml4, t_gdtr, t_idtr
global smp_trampoline, smp_trampoline_end, smp_started, smp_entry

section .data
align 4
smp_started: dd 0		; CPUs that came by here
align 8
smp_entry: dq 0			; void (*)(void), of the test

section .bss
align 16
smp_stack: resb 16384
smp_stack_top:

section .text
; Copied to a page below 640 KiB, at CS:0. The real-mode GDT lies in the copy.
bits 16
smp_trampoline:
	cli
	cld
	mov	ax, cs
	mov	ds, ax
	movzx	ebx, ax
	shl	ebx, 4
	lea	eax, [ebx + .gdt - smp_trampoline]
	mov	[.gdtr - smp_trampoline + 2], eax
	o32 lgdt [.gdtr - smp_trampoline]
	mov	eax, cr0
	and	eax, 0x9fffffff		; caches on
	or	al, 1
	mov	cr0, eax
	jmp	dword 0x08:smp_32
align 8
.gdt:	dq	0, 0x00cf9b000000ffff, 0x00cf93000000ffff
.gdtr:	dw	23
	dd	0
smp_trampoline_end:

bits 32
smp_32:
	mov	eax, 0x10
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	long_mode
	mov	rsp, smp_stack_top
	lock inc dword [smp_started]
	lidt	[t_idtr]
	xor	ebp, ebp
	call	[smp_entry]
.stop:	cli
	hlt
	jmp	.stop
