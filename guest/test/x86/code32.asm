; SPDX-License-Identifier: Apache-2.0
; guest/test/x86/code32.asm: the 32-bit code that modes.asm's callers run: argument in ESI, result in EAX.

global f32_probe, f32_paged, f32_mmio, f32_int, f32_compat_int

section .text
bits 32
; 1: INC EAX by its short encoding (a REX prefix in 64-bit mode); 2: LEA wraps at 32 bits; 4: PUSH moves ESP by 4.
f32_probe:
	push	ebx
	xor	ebx, ebx
	mov	eax, 0x41
	db	0x40			; inc eax
	cmp	eax, 0x42
	jne	.a
	or	ebx, 1
.a:	mov	eax, 0xffffffff
	lea	ecx, [eax + 2]
	cmp	ecx, 1
	jne	.c
	or	ebx, 2
.c:	mov	eax, esp
	push	eax
	sub	eax, esp
	pop	ecx
	cmp	eax, 4
	jne	.d
	or	ebx, 4
.d:	mov	eax, ebx
	pop	ebx
	ret

; Reads the alias at 2 GiB + ESI.
f32_paged:
	mov	eax, [0x80000000 + esi]
	ret

; INT n, #UD and the PIT's interrupt through a 32-bit IDT: 1 for each INT, 1000h for #UD, 100h for the interrupt.
f32_int:
	push	ebx
	push	edi
	mov	ebx, m_h30
	mov	edi, m_idt32 + 8 * 0x30
	call	m_gate
	mov	ebx, m_h20
	mov	edi, m_idt32 + 8 * 0x20
	call	m_gate
	mov	ebx, m_h6
	mov	edi, m_idt32 + 8 * 6
	call	m_gate
	lidt	[m_idt32r]
	mov	dword [m_count32], 0
	int	0x30
	int	0x30
	ud2
	call	m_pit
	sti
	hlt
	cli
	mov	al, 0xff
	out	0x21, al
	mov	eax, [m_count32]
	pop	edi
	pop	ebx
	ret
m_pit:	mov	al, 0xfe		; one interrupt in about a millisecond
	out	0x21, al
	mov	al, 0x30
	out	0x43, al
	mov	al, 0xa9
	out	0x40, al
	mov	al, 4
	out	0x40, al
	ret
m_gate:	mov	[edi], bx
	mov	word [edi + 2], 0x08
	mov	word [edi + 4], 0x8e00
	shr	ebx, 16
	mov	[edi + 6], bx
	ret
m_h30:	inc	dword [m_count32]
	iretd
m_h6:	add	dword [m_count32], 0x1000
	add	dword [esp], 2
	iretd
m_h20:	add	dword [m_count32], 0x100
	push	eax
	mov	al, 0x20
	out	0x20, al
	pop	eax
	iretd

; INT 0x40 from compatibility mode: the 64-bit handler counts it and returns here.
f32_compat_int:
	int	0x40
	mov	eax, 0x40
	ret

; MMIO forms on the I/O APIC's index register at ESI (8 bits read back): bits of EAX per form that worked.
f32_mmio:
	push	ebx
	push	edi
	push	ebp
	xor	ebx, ebx
	mov	dword [esi], 0x11
	cmp	byte [esi], 0x11
	jne	.a
	or	ebx, 1
.a:	mov	al, 0x95
	mov	[esi], al
	movzx	eax, byte [esi]
	cmp	eax, 0x95
	jne	.b
	or	ebx, 2
.b:	movsx	eax, byte [esi]
	cmp	eax, 0xffffff95
	jne	.c
	or	ebx, 4
.c:	or	byte [esi], 0x0a
	and	byte [esi], 0x9e
	add	byte [esi], 1
	xor	byte [esi], 0xf0
	mov	al, [esi]
	cmp	al, 0x6f		; ((95|0a)&9e)+1 = 9f, ^f0
	jne	.d
	or	ebx, 8
.d:	mov	al, 0x22
	xchg	al, [esi]
	cmp	al, 0x6f
	jne	.e
	or	ebx, 16
.e:	mov	al, 0x22
	mov	cl, 0x33
	lock	cmpxchg [esi], cl
	jne	.f
	or	ebx, 32
.f:	mov	ax, [esi]
	cmp	al, 0x33
	jne	.g
	or	ebx, 64
.g:	mov	edi, m_buf
	push	esi
	mov	ecx, 2
	mov	word [esi], 0x44
.s:	movsb				; from MMIO to memory
	dec	esi
	loop	.s
	pop	esi
	cmp	word [m_buf], 0x4444
	jne	.h
	or	ebx, 128
.h:	mov	edi, esi
	mov	al, 0x55
	stosb
	cmp	byte [esi], 0x55
	jne	.i
	or	ebx, 256
.i:	mov	eax, [esi + 0x10 - 0x10]
	push	dword [esi]
	pop	ecx
	cmp	cl, 0x55
	jne	.j
	or	ebx, 512
.j:	mov	eax, ebx
	pop	ebp
	pop	edi
	pop	ebx
	ret

section .data align=8
m_buf:	dd	0
m_count32: dd	0
m_idt32r: dw	8 * 256 - 1
	dd	m_idt32

section .bss nobits alloc write align=16
m_idt32: resb	8 * 256
