; SPDX-License-Identifier: Apache-2.0
; guest/test/x86/start.asm: from the Multiboot loader to t_start in long mode; exception stubs; trap_try.
; Memory below 4 GiB is mapped one to one with 2 MiB pages, open to ring 3 as well.
%include "guest/test/x86/long.inc"

extern t_start, trap_c, trap_last
global _start, t_gdt, t_gdtr, t_pml4, t_pdpt, t_pd, t_tss, isr_table, trap_try, try_rsp, try_fail, t_stack_top
global mb_info, mb_magic, t_idtr

MB_MAGIC equ 0x1badb002
MB_FLAGS equ 3			; page-aligned modules, memory map

section .multiboot align=4
	dd	MB_MAGIC, MB_FLAGS, -(MB_MAGIC + MB_FLAGS)

section .text
bits 32
_start:
	cli
	cld
	mov	esp, t_stack_top
	mov	[mb_magic], eax
	mov	[mb_info], ebx
	mov	dword [t_pml4], t_pdpt + 7
	mov	edi, t_pdpt
	mov	eax, t_pd + 7
	mov	ecx, 4
.pdpt:	mov	[edi], eax
	add	eax, 4096
	add	edi, 8
	loop	.pdpt
	mov	edi, t_pd
	mov	eax, 0x87		; present, writable, user, 2 MiB
	mov	ecx, 2048
.pd:	mov	[edi], eax
	add	eax, 0x200000
	add	edi, 8
	loop	.pd
	long_mode
	xor	ebp, ebp
	call	t_start
.stop:	cli
	hlt
	jmp	.stop

; int trap_try(void (*fn)(void *), void *arg): the exception's vector, or -1 when fn returned.
trap_try:
	push	rbx
	push	rbp
	push	r12
	push	r13
	push	r14
	push	r15
	sub	rsp, 8
	mov	[try_rsp], rsp
	mov	rax, rdi
	mov	rdi, rsi
	call	rax
	mov	eax, -1
	jmp	try_out
try_fail:				; trap_c returns here with RSP = try_rsp
	mov	eax, [trap_last]
try_out:
	mov	qword [try_rsp], 0
	add	rsp, 8
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbp
	pop	rbx
	ret

isr_common:
	push	rax
	push	rcx
	push	rdx
	push	rbx
	push	rbp
	push	rsi
	push	rdi
	push	r8
	push	r9
	push	r10
	push	r11
	push	r12
	push	r13
	push	r14
	push	r15
	cld
	mov	rdi, rsp
	mov	rbx, rsp
	and	rsp, -16
	call	trap_c
	mov	rsp, rbx
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	r11
	pop	r10
	pop	r9
	pop	r8
	pop	rdi
	pop	rsi
	pop	rbp
	pop	rbx
	pop	rdx
	pop	rcx
	pop	rax
	add	rsp, 16
	iretq

%assign i 0
%rep 256
isr_%+i:
%if !(i == 8 || (i >= 10 && i <= 14) || i == 17 || i == 21 || i == 29 || i == 30)
	push	0
%endif
	push	i
	jmp	isr_common
%assign i i + 1
%endrep

section .rodata align=8
isr_table:
%assign i 0
%rep 256
	dq	isr_%+i
%assign i i + 1
%endrep

section .data align=16
t_gdt:	dq	0
	dq	0x00cf9b000000ffff	; 08 code, 32 bit
	dq	0x00cf93000000ffff	; 10 data, flat
	dq	0x00af9b000000ffff	; 18 code, 64 bit
	dq	0x00009b000000ffff	; 20 code, 16 bit, below 64 KiB
	dq	0x000093000000ffff	; 28 data, 16 bit
	dq	0x00affb000000ffff	; 30 code, 64 bit, ring 3
	dq	0x00cff3000000ffff	; 38 data, ring 3
	dq	0, 0			; 40 TSS, filled by trap.c
t_gdt_end:
t_gdtr:	dw	t_gdt_end - t_gdt - 1
	dq	t_gdt
t_idtr:	dw	0
	dq	0
try_rsp: dq	0
mb_magic: dd	0
mb_info: dd	0

section .bss nobits alloc write align=4096
t_pml4:	resb	4096
t_pdpt:	resb	4096
t_pd:	resb	4 * 4096
t_tss:	resb	4096
	resb	32768
t_stack_top:
