; SPDX-License-Identifier: Apache-2.0
; The smallest kernel that the launcher can run: a Multiboot 2 ELF64 that keeps the serial log's contract and powers the
; machine off; when it is built with ECHO defined, only after it has sent back what it received, up to a 'q'.
; It shows that image, boot loader, emulators and console work where the hypervisor does not.

COM1          equ 0x3F8
LSR_RX        equ 0x01
LSR_TX_EMPTY  equ 0x20
LSR_TX_IDLE   equ 0x40
BOCHS_CONTROL equ 0x8900	; Bochs ends when it has read "Shutdown" here
PM1A_CNT      equ 0x604		; where SeaBIOS puts it on QEMU's pc and q35
SLP_EN_S5     equ 0x2000

bits 32
section .multiboot align=8
header:
	dd 0xE85250D6, 0, header_end - header, -(0xE85250D6 + (header_end - header))
	dw 0, 0
	dd 8
header_end:

section .text
global _start
_start:
	cld
	mov esp, stack_end
	mov dx, COM1 + 3		; 8 bits, no parity: not what every emulator starts with
	mov al, 3
	out dx, al
	mov esi, hello
	mov edi, hello_end - hello
	call print
%ifdef ECHO
.echo:
	mov dx, COM1 + 5
	in al, dx
	test al, LSR_RX
	jz .echo
	mov dx, COM1
	in al, dx
	mov [byte_in], al
	mov esi, byte_in
	mov edi, 1
	call print
	cmp byte [byte_in], 'q'
	jne .echo
%endif
	mov esi, goodbye
	mov edi, goodbye_end - goodbye
	call print
	mov dx, COM1 + 5
.drain:
	in al, dx
	test al, LSR_TX_IDLE
	jz .drain

	mov dx, PM1A_CNT
	mov ax, SLP_EN_S5
	out dx, ax
	mov esi, shutdown
	mov ecx, 8
	mov dx, BOCHS_CONTROL
	rep outsb
.stop:
	cli
	hlt
	jmp .stop

; ESI: text, EDI: its length.
print:
	mov dx, COM1 + 5
.wait:
	in al, dx
	test al, LSR_TX_EMPTY
	jz .wait
	mov dx, COM1
	lodsb
	out dx, al
	dec edi
	jnz print
	ret

section .rodata
hello: db "trivet: tiny test kernel", 13, 10
hello_end:
goodbye: db 13, 10, "trivet: all guests have stopped: powering off", 13, 10
goodbye_end:
shutdown: db "Shutdown"

section .bss
byte_in: resb 16
	resb 256
stack_end:
