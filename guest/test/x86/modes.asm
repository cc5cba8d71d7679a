; SPDX-License-Identifier: Apache-2.0
; guest/test/x86/modes.asm: leave long mode for every other mode and come back; the 16-bit code that runs there.
; 16-bit code is copied to LOW, so that its segments can have base 0. Interrupts stay off throughout.

extern t_idtr, t_pml4
global call_compat32, call_compat16, call_pm32, call_low16, modes_init
global low_start, f16_irq, f16_probe, f16_int, f16_big, f16_mmio, f16_seg, f16_io

LOW	equ 0x6000
STACK16	equ 0x5f00
IVT	equ 0x4000
%define low(l) (LOW + (l) - low_start)

section .text
bits 64
modes_init:
	mov	edi, LOW
	mov	esi, low_start
	mov	ecx, low_end - low_start
	rep	movsb
	mov	edi, m_pd32		; 32-bit paging: 4 MiB pages, one to one
	mov	eax, 0x87
	mov	ecx, 1024
.pd:	stosd
	add	eax, 0x400000
	loop	.pd
	mov	dword [m_pd32 + 4 * 512], m_pt32 + 7	; 2 GiB: 4 KiB pages
	mov	edi, m_pt32
	mov	eax, m_marker + 7
	mov	ecx, 1024
.pt:	stosd
	loop	.pt
	mov	edi, m_pdpt_pae
	mov	eax, m_pd_pae + 1
	mov	ecx, 4
.pp:	mov	[edi], eax
	mov	dword [edi + 4], 0
	add	eax, 4096
	add	edi, 8
	loop	.pp
	mov	edi, m_pd_pae
	mov	eax, 0x87
	mov	ecx, 2048
.ppd:	mov	[edi], eax
	mov	dword [edi + 4], 0
	add	eax, 0x200000
	add	edi, 8
	loop	.ppd
	mov	dword [m_pd_pae + 8 * 1024], m_pt_pae + 7 ; 2 GiB
	mov	edi, m_pt_pae
	mov	ecx, 512
.ppt:	mov	dword [edi], m_marker + 7
	mov	dword [edi + 4], 0
	add	edi, 8
	loop	.ppt
	mov	dword [m_marker], 0x600df00d
	ret

%macro ENTER 0
	push	rbx
	push	rbp
	push	r12
	push	r13
	push	r14
	push	r15
	pushfq
	cli
	mov	[m_rsp], rsp
%endmacro

call_compat32:
	ENTER
	push	0x08
	push	m_c32
	db	0x48
	retf
bits 32
m_c32:	call	edi
	jmp	0x18:m_back
bits 64
m_back:
	mov	ecx, 0x10
	mov	ds, ecx
	mov	es, ecx
	mov	ss, ecx
	mov	rsp, [m_rsp]
	lidt	[t_idtr]
	mov	eax, eax
	popfq
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbp
	pop	rbx
	ret

; SS stays flat, so the stack may be anywhere.
call_compat16:
	ENTER
	push	0x20
	push	low(m_c16)
	db	0x48
	retf

; call_pm32(edi fn, esi arg, edx paging)
call_pm32:
	ENTER
	mov	ebx, edx
	push	0x08
	push	m_p32
	db	0x48
	retf
bits 32
m_leave:				; from compatibility mode to protected mode without paging; keeps EDI, ESI, EBX
	mov	eax, cr0
	and	eax, 0x7fffffff
	mov	cr0, eax
	mov	ecx, 0xc0000080
	rdmsr
	and	eax, ~0x100
	wrmsr
	mov	eax, cr4
	mov	[m_cr4], eax
	and	eax, ~0x20
	mov	cr4, eax
	ret
m_enter:				; and back to long mode; result in m_result
	mov	eax, cr0
	and	eax, 0x7fffffff
	mov	cr0, eax
	mov	eax, [m_cr4]
	mov	cr4, eax
	mov	eax, t_pml4
	mov	cr3, eax
	mov	ecx, 0xc0000080
	rdmsr
	or	eax, 0x100
	wrmsr
	mov	eax, cr0
	or	eax, 0x80000000
	mov	cr0, eax
	mov	eax, [m_result]
	jmp	0x18:m_back

m_p32:	call	m_leave
	cmp	ebx, 1
	jb	.go
	ja	.pae
	mov	eax, cr4
	or	eax, 0x10		; PSE
	mov	cr4, eax
	mov	eax, m_pd32
	jmp	.pg
.pae:	mov	eax, cr4
	or	eax, 0x20
	mov	cr4, eax
	mov	eax, m_pdpt_pae
.pg:	mov	cr3, eax
	mov	eax, cr0
	or	eax, 0x80000000
	mov	cr0, eax
.go:	call	edi
	mov	[m_result], eax
	jmp	m_enter

bits 64
; call_low16(edi fn, esi arg, edx kind)
call_low16:
	ENTER
	mov	ebx, edx
	push	0x08
	push	m_p16
	db	0x48
	retf
bits 32
m_p16:	call	m_leave
	mov	[m_esp], esp
	jmp	0x20:low(m_low)
m_ret16:				; from 16-bit protected mode, result in EDX
	mov	eax, 0x10
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	mov	esp, [m_esp]
	mov	[m_result], edx
	jmp	m_enter

; --- code and data below 64 KiB -----------------------------------------------------------------------------
section .data align=16
low_start:
bits 16
m_c16:	call	di			; compatibility mode, 16-bit code, flat SS
	jmp	dword 0x18:m_back

m_low:	cmp	bl, 1
	mov	ax, 0x28
	jbe	.seg
	mov	ax, 0x10		; kind 2 keeps 4 GiB limits in DS and ES
.seg:	mov	ds, ax
	mov	es, ax
	mov	ax, 0x28
	mov	ss, ax
	mov	esp, STACK16
	cmp	bl, 0
	jne	.real
	call	di
	mov	edx, eax
	jmp	dword 0x08:m_ret16
.real:	mov	eax, cr0
	and	al, 0xfe
	mov	cr0, eax
	jmp	0:low(.rm)
.rm:	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	mov	fs, ax
	mov	gs, ax
	mov	ss, ax
	lidt	[low(m_ivtr)]
	call	di
	mov	edx, eax
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	dword 0x08:m_ret16

m_ivtr:	dw	0x3ff
	dd	IVT

; 1: 16-bit wrap of an increment by its encoding (INC AX = 40); 2: PUSH moves SP by 2; 4: operand prefix gives 32 bits.
f16_probe:
	xor	dx, dx
	mov	eax, 0x1ffff
	db	0x40
	cmp	eax, 0x10000
	jne	.a
	or	dx, 1
.a:	mov	cx, sp
	push	cx
	sub	cx, sp
	pop	ax
	cmp	cx, 2
	jne	.b
	or	dx, 2
.b:	mov	eax, 0xffff
	inc	eax
	cmp	eax, 0x10000
	jne	.c
	or	dx, 4
.c:	movzx	eax, dx
	ret

; Real mode: INT 0x30 and a divide error through our own IVT; returns what they counted.
f16_int:
	mov	word [IVT + 4 * 0x30], low(m_int30)
	mov	word [IVT + 4 * 0x30 + 2], 0
	mov	word [IVT + 0], low(m_int0)
	mov	word [IVT + 2], 0
	mov	word [IVT + 4 * 6], low(m_int6)
	mov	word [IVT + 4 * 6 + 2], 0
	mov	dword [low(m_count)], 0
	int	0x30
	int	0x30
	xor	bx, bx
	mov	ax, 5
	xor	dx, dx
	div	bx			; 2 bytes: the handler skips it
	ud2
	mov	eax, [low(m_count)]
	ret
m_int30: inc	word [low(m_count)]
	iret
m_int0:	add	word [low(m_count)], 0x100
	jmp	m_skip2
m_int6:	add	word [low(m_count)], 0x1000
m_skip2: push	bp
	mov	bp, sp
	add	word [bp + 2], 2
	pop	bp
	iret
m_count: dd	0

; Real mode: HLT until the PIT's interrupt (vector 20h, ExtINT); returns the count.
f16_irq:
	mov	word [IVT + 4 * 0x20], low(m_int20)
	mov	word [IVT + 4 * 0x20 + 2], 0
	mov	dword [low(m_count)], 0
	mov	al, 0xfe
	out	0x21, al
	mov	al, 0x30
	out	0x43, al
	mov	al, 0xa9
	out	0x40, al
	mov	al, 4
	out	0x40, al
	sti
	hlt
	cli
	mov	al, 0xff
	out	0x21, al
	mov	eax, [low(m_count)]
	ret
m_int20: inc	word [low(m_count)]
	push	ax
	mov	al, 0x20
	out	0x20, al
	pop	ax
	iret

; Big real mode: read and write the 32-bit address ESI.
f16_big:
	mov	eax, [esi]
	not	dword [esi]
	ret

; Real mode: segment arithmetic. DS = 0x100 reaches the same byte as 0:1000h + offset.
f16_seg:
	push	ds
	mov	dword [0x5000], 0x12345678
	mov	ax, 0x100
	mov	ds, ax
	mov	eax, [0x4000]
	pop	ds
	ret

; IN and OUT in 16-bit code: the CMOS index pair; SI: register. Result: the byte, and REP INSB's twice.
f16_io:
	mov	ax, si
	out	0x70, al
	in	al, 0x71
	movzx	edx, al
	mov	di, 0x5000
	mov	cx, 2
	push	dx
	mov	dx, 0x71
	rep	insb
	pop	dx
	mov	ax, [0x5000]
	shl	eax, 8
	mov	al, dl
	and	eax, 0xffffff
	ret

; The MMIO forms with 16-bit operands and 32-bit addresses: ESI is the I/O APIC.
f16_mmio:
	xor	edx, edx
	mov	byte [esi], 0x81
	mov	ax, [esi]
	cmp	al, 0x81
	jne	.a
	or	dl, 1
.a:	movzx	eax, byte [esi]
	cmp	eax, 0x81
	jne	.b
	or	dl, 2
.b:	movsx	ax, byte [esi]
	cmp	ax, 0xff81
	jne	.c
	or	dl, 4
.c:	mov	word [esi], 0x42
	inc	byte [esi]
	cmp	byte [esi], 0x43
	jne	.d
	or	dl, 8
.d:	mov	al, 0x19
	xchg	al, [esi]
	cmp	al, 0x43
	jne	.e
	or	dl, 16
.e:	mov	edi, esi
	mov	al, 0x27
	a32 stosb
	mov	eax, [esi]
	cmp	al, 0x27
	jne	.f
	or	dl, 32
.f:	mov	eax, edx
	ret
low_end:

m_rsp:	dq	0
m_esp:	dd	0
m_cr4:	dd	0
m_result: dd	0

section .bss nobits alloc write align=4096
m_pd32:	resb	4096
m_pt32:	resb	4096
m_pdpt_pae: resb 4096
m_pd_pae: resb	4 * 4096
m_pt_pae: resb	4096
m_marker: resb	4096
