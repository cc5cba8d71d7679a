; SPDX-License-Identifier: Apache-2.0
; boot/multiboot/entry.asm: from GRUB (Multiboot 1 or 2, 32-bit protected mode) to 64-bit C on bootstrap tables.
;
; The bootstrap tables map the first 4 GiB three times: at 0 (this code), at DMAP_BASE (the hypervisor's window on
; physical memory) and, its first GiB, at IMAGE_BASE. arch_mem_init replaces them by tables with exact rights.

bits 32

MB1_MAGIC	equ 0x1BADB002
MB1_FLAGS	equ 0x00000003			; modules page-aligned, memory map
MB2_MAGIC	equ 0xE85250D6
CR0_PG_WP	equ 0x80010000
CR4_PAE		equ 0x20
MSR_EFER	equ 0xC0000080
EFER_LME_NXE	equ 0x900
PTE_P_W		equ 0x003
PTE_LARGE	equ 0x083

extern boot_multiboot_main
extern cpu0_stack_top

section .multiboot progbits alloc noexec nowrite align=8
mb1:	dd MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)
align 8
mb2:	dd MB2_MAGIC, 0, mb2_end - mb2, -(MB2_MAGIC + (mb2_end - mb2))
	dw 1, 0					; information request:
	dd 24
	dd 1, 3, 6, 14				; command line, modules, memory map, old RSDP
align 8
	dw 5, 1					; a framebuffer, if there can be one; the menu's gfxpayload goes before this
	dd 20
	dd 1024, 768, 32
align 8
	dw 6, 0					; modules page-aligned
	dd 8
	dw 3, 0					; entry point, physical
	dd 12
	dd boot_entry
align 8
	dw 0, 0
	dd 8
mb2_end:

section .boot.text progbits alloc exec nowrite align=16
global boot_entry
boot_entry:
	cli
	cld
	mov esp, boot_stack_top
	mov [boot_magic], eax
	mov [boot_info_phys], ebx

	; Long mode, or a message.
	mov eax, 0x80000000
	cpuid
	cmp eax, 0x80000001
	jb .no_long_mode
	mov eax, 0x80000001
	cpuid
	test edx, 1 << 29
	jz .no_long_mode

	; Page directories: 4 * 512 pages of 2 MiB.
	mov edi, boot_pd
	mov eax, PTE_LARGE
	mov ecx, 4 * 512
.pd:	mov [edi], eax
	mov dword [edi + 4], 0
	add eax, 0x200000
	add edi, 8
	loop .pd

	mov edi, boot_pdpt
	mov eax, boot_pd + PTE_P_W
	mov ecx, 4
.pdpt:	mov [edi], eax
	mov dword [edi + 4], 0
	add eax, 4096
	add edi, 8
	loop .pdpt
	mov dword [boot_pdpt_high + 510 * 8], boot_pd + PTE_P_W

	mov dword [boot_pml4], boot_pdpt + PTE_P_W
	mov dword [boot_pml4 + 256 * 8], boot_pdpt + PTE_P_W
	mov dword [boot_pml4 + 511 * 8], boot_pdpt_high + PTE_P_W

	mov eax, CR4_PAE
	mov cr4, eax
	mov eax, boot_pml4
	mov cr3, eax
	mov ecx, MSR_EFER
	rdmsr
	or eax, EFER_LME_NXE
	wrmsr
	mov eax, cr0
	or eax, CR0_PG_WP
	and eax, ~0x60000000			; caches on
	mov cr0, eax
	lgdt [boot_gdtr]
	jmp 0x08:.long_mode

.no_long_mode:
	mov esi, msg_no_long_mode
.putc:	lodsb
	test al, al
	jz .halt
	mov bl, al
	mov dx, 0x3fd
	mov ecx, 100000
.wait:	in al, dx
	test al, 0x20
	loopz .wait
	mov al, bl
	mov dx, 0x3f8
	out dx, al
	out 0xe9, al
	jmp .putc
.halt:	hlt
	jmp .halt

bits 64
.long_mode:
	xor eax, eax
	mov ds, eax
	mov es, eax
	mov ss, eax
	mov fs, eax
	mov gs, eax
	mov rsp, cpu0_stack_top
	xor ebp, ebp
	mov edi, [boot_magic]
	mov esi, [boot_info_phys]
	mov rax, boot_multiboot_main
	call rax
	ud2

section .boot.data progbits alloc noexec write align=8
boot_gdt:
	dq 0
	dq 0x00209A0000000000			; 64-bit code
boot_gdtr:
	dw $ - boot_gdt - 1
	dd boot_gdt
boot_magic:	dd 0
boot_info_phys:	dd 0
msg_no_long_mode: db 13, 10, "trivet: PANIC: this CPU has no 64-bit mode (long mode)", 13, 10, 0

section .boot.bss nobits alloc noexec write align=4096
boot_pml4:	resb 4096
boot_pdpt:	resb 4096
boot_pdpt_high:	resb 4096
boot_pd:	resb 4 * 4096
	resb 256
boot_stack_top:
