; SPDX-License-Identifier: Apache-2.0
; arch/x86/smp_entry.asm: a CPU's way from its start-up IPI (Intel SDM 3A, 8.4) into 64-bit C. smp.c copies what lies
; between ap_begin and ap_end to a page below 1 MiB, whose number is the IPI's vector, and fills the words at its end.

MSR_EFER	equ 0xC0000080
EFER_LME_NXE	equ 0x900
CR4_PAE		equ 0x20
CR0_SET		equ 0x80010033			; PG, WP, NE, ET, MP, PE
CR0_CLEAR	equ 0x60000000			; CD, NW

%define AT(label) ((label) - ap_begin)

section .rodata
global ap_begin, ap_end, ap_cr3, ap_stack, ap_entry
align 16
ap_begin:
bits 16
	cli
	cld
	mov ax, cs
	mov ds, ax
	movzx ebx, ax
	shl ebx, 4				; where this page lies
	lea eax, [ebx + AT(ap_gdt)]
	mov [AT(ap_gdtr) + 2], eax
	lea eax, [ebx + AT(ap_long)]
	mov [AT(.jump) + 2], eax
	o32 lgdt [AT(ap_gdtr)]
	mov eax, CR4_PAE
	mov cr4, eax
	mov eax, [AT(ap_cr3)]
	mov cr3, eax
	mov ecx, MSR_EFER
	rdmsr
	or eax, EFER_LME_NXE
	wrmsr
	mov eax, cr0
	and eax, ~CR0_CLEAR
	or eax, CR0_SET
	mov cr0, eax				; protection and paging at once: long mode
.jump:	jmp dword 8:0
bits 64
ap_long:
	xor eax, eax
	mov ds, eax
	mov es, eax
	mov ss, eax
	mov fs, eax
	mov gs, eax
	mov rsp, [rel ap_stack]
	xor ebp, ebp
	mov rax, [rel ap_entry]
	call rax
	ud2
align 8
ap_gdt:	dq 0
	dq 0x00209A0000000000			; 64-bit code
ap_gdtr:
	dw 15
	dd 0
	dw 0
ap_cr3:	dd 0
	dd 0
align 8
ap_stack: dq 0
ap_entry: dq 0
ap_end:
