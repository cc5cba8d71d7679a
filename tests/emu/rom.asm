; SPDX-License-Identifier: Apache-2.0
; tests/emu/rom.asm: firmware of 64 KiB for tests. Behind its reset vector it says what CPU and chipset offer at the start, and
; writes to itself, which must change nothing; then it powers off, or with -DOFF_THE_END runs on where there is no memory.
	bits 16
	org 0

COM1	equ 0x3f8
PM1_CNT	equ 0x604
S5	equ 0x3400		; SLP_EN, SLP_TYP 5

start:	mov si, hello
	call say
	mov al, [cs:mark]	; CS is still at FFFF0000h: this is the ROM
	mov byte [cs:mark], 0
	inc byte [cs:mark]
	cmp al, [cs:mark]
	jne bad
	mov si, same
	call say
	mov ax, 0xf000		; and this its copy in RAM
	mov ds, ax
	cmp al, [mark]		; not the mark: AL is 0
	je bad
	mov byte [mark], 7
	cmp byte [mark], 7
	jne bad
	mov si, shadow
	call say
%ifdef OFF_THE_END		; a jump to the PCI window, by way of protected mode
	o32 lgdt [cs:gdt_at]
	mov eax, cr0
	or al, 1
	mov cr0, eax
	jmp dword 8:0xd0000000
%endif
	mov dx, PM1_CNT
	mov ax, S5
	out dx, ax
	jmp $

bad:	mov si, wrong
	call say
	cli
	hlt
	jmp $

; The text at CS:SI.
say:	mov dx, COM1
.next:	cs lodsb
	test al, al
	jz .end
	out dx, al
	jmp .next
.end:	ret

hello:	db "ROM-TEST-START", 13, 10, 0
same:	db "ROM-TEST-UNCHANGED", 13, 10, 0
shadow:	db "ROM-TEST-PASS", 13, 10, 0
wrong:	db "ROM-TEST-FAIL", 13, 10, 0
mark:	db 0x5a
	align 8
gdt:	dq 0, 0x00cf9b000000ffff	; accessed: it cannot be written here
gdt_at:	dw 15
	dd 0xffff0000 + gdt

	times 0xfff0 - ($ - $$) db 0xff
	jmp start		; near: CS keeps its base
	times 0x10000 - ($ - $$) db 0
