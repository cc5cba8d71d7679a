; SPDX-License-Identifier: Apache-2.0
; The smallest kernel that the launcher can run: a Multiboot 2 ELF64 that keeps the serial log's contract (docs of ./trivet)
; and powers the machine off. It shows that image, boot loader and emulators work where the hypervisor does not.

COM1          equ 0x3F8
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
	mov dx, COM1 + 3		; 8 bits, no parity: not what every emulator starts with
	mov al, 3
	out dx, al
	mov esi, message
	mov edi, message_end - message
.next:
	mov dx, COM1 + 5
.wait:
	in al, dx
	test al, 0x20
	jz .wait
	mov dx, COM1
	lodsb
	out dx, al
	dec edi
	jnz .next
.drain:
	mov dx, COM1 + 5
	in al, dx
	test al, 0x40
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

section .rodata
message: db "trivet: tiny test kernel", 13, 10, "trivet: all guests have stopped: powering off", 13, 10
message_end:
shutdown: db "Shutdown"
