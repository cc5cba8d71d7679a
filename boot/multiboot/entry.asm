; SPDX-License-Identifier: Apache-2.0
; boot/multiboot/entry.asm: from GRUB (Multiboot 1 or 2, 32-bit protected mode) or our UEFI loader (boot/uefi, 64-bit
; mode) to 64-bit C on bootstrap tables.
;
; The bootstrap tables map the first 4 GiB twice: at 0 (this code) and at DMAP_BASE (the hypervisor's window on physical
; memory), and the image where it was linked, at IMAGE_BASE and its physical address. GRUB puts it at this address; the
; UEFI loader at another one that is free, a multiple of 2 MiB: EBP is the difference, in this code and the tables.
; arch_mem_init replaces the tables by ones with exact rights.

bits 32

MB1_MAGIC	equ 0x1BADB002
MB1_FLAGS	equ 0x00000003			; modules page-aligned, memory map
MB2_MAGIC	equ 0xE85250D6
UEFI_MAGIC	equ 0x49464555			; in EAX, for our own use
CR0_PG_WP	equ 0x80010000
CR0_PG		equ 0x80000000
CR4_PAE		equ 0x20
CR4_PCIDE	equ 0x20000
MSR_EFER	equ 0xC0000080
EFER_LME	equ 0x100
EFER_LME_NXE	equ 0x900
PTE_P_W		equ 0x003
PTE_LARGE	equ 0x083
IMAGE_LARGE	equ 16				; linker.ld: at most so many 2 MiB pages, from IMAGE_BASE on

extern boot_multiboot_main
extern boot_uefi_main
extern x86_image_offset
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
	xor ebp, ebp
	mov esp, boot_stack_top
.common:					; EBP, ESP as above, EAX and EBX for C, paging off
	mov [ebp + boot_magic], eax
	mov [ebp + boot_info_phys], ebx

	; Long mode, or a message.
	mov eax, 0x80000000
	cpuid
	cmp eax, 0x80000001
	jb .no_long_mode
	mov eax, 0x80000001
	cpuid
	test edx, 1 << 29
	jz .no_long_mode

	; Page directories: 4 * 512 pages of 2 MiB, and the image's.
	lea edi, [ebp + boot_pd]
	mov eax, PTE_LARGE
	mov ecx, 4 * 512
	call .large
	lea edi, [ebp + boot_pd_image]
	lea eax, [ebp + PTE_LARGE]
	mov ecx, IMAGE_LARGE
	call .large

	lea edi, [ebp + boot_pdpt]
	lea eax, [ebp + boot_pd + PTE_P_W]
	mov ecx, 4
.pdpt:	mov [edi], eax
	mov dword [edi + 4], 0
	add eax, 4096
	add edi, 8
	loop .pdpt
	lea eax, [ebp + boot_pd_image + PTE_P_W]
	mov [ebp + boot_pdpt_high + 510 * 8], eax

	lea edi, [ebp + boot_pml4]
	lea eax, [ebp + boot_pdpt + PTE_P_W]
	mov [edi], eax
	mov [edi + 256 * 8], eax
	lea eax, [ebp + boot_pdpt_high + PTE_P_W]
	mov [edi + 511 * 8], eax

	mov eax, CR4_PAE
	mov cr4, eax
	mov cr3, edi
	mov ecx, MSR_EFER
	rdmsr
	or eax, EFER_LME_NXE
	wrmsr
	mov eax, cr0
	or eax, CR0_PG_WP
	and eax, ~0x60000000			; caches on
	mov cr0, eax
	lea eax, [ebp + boot_gdt]
	mov [ebp + boot_gdtr + 2], eax
	lgdt [ebp + boot_gdtr]
	lea eax, [ebp + .long_mode]
	push dword 0x08
	push eax
	retf

; ECX entries at EDI, for 2 MiB pages from EAX (with its flags) on.
.large:	mov [edi], eax
	mov dword [edi + 4], 0
	add eax, 0x200000
	add edi, 8
	loop .large
	ret

.no_long_mode:
	lea esi, [ebp + msg_no_long_mode]
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
	mov ebp, ebp
	mov rax, x86_image_offset
	mov [rax], rbp
	mov edi, [rel boot_magic]
	mov esi, [rel boot_info_phys]
	xor ebp, ebp
	mov rax, boot_multiboot_main
	cmp edi, UEFI_MAGIC
	jne .call
	mov rax, boot_uefi_main
.call:	call rax
	ud2

; From boot/uefi, in 64-bit mode with memory at its own addresses, wherever below 4 GiB we lie. RDI: physical address of
; a struct boot_info, below 4 GiB. Paging is turned off on the way, as its tables may have five levels.
global boot_uefi_entry
boot_uefi_entry:
	cli
	cld
	lea rbp, [rel boot_uefi_entry]
	sub rbp, boot_uefi_entry
	lea rsp, [rel boot_stack_top]
	mov ebx, edi
	mov rax, cr4
	and eax, ~CR4_PCIDE
	mov cr4, rax
	lea rax, [rel boot_gdt]
	mov [rel boot_gdtr + 2], rax
	lgdt [rel boot_gdtr]
	lea rax, [rel .flat]
	push 0x10
	push rax
	retfq
bits 32
.flat:	mov eax, 0x18
	mov ds, eax
	mov es, eax
	mov ss, eax
	mov eax, cr0
	and eax, ~CR0_PG
	mov cr0, eax
	mov ecx, MSR_EFER
	rdmsr
	and eax, ~EFER_LME
	wrmsr
	mov eax, UEFI_MAGIC
	jmp boot_entry.common

section .boot.data progbits alloc noexec write align=8
boot_gdt:
	dq 0
	dq 0x00209A0000000000			; 64-bit code
	dq 0x00CF9A000000FFFF			; 32-bit code
	dq 0x00CF92000000FFFF			; 32-bit data
boot_gdtr:
	dw $ - boot_gdt - 1
	dq 0
boot_magic:	dd 0
boot_info_phys:	dd 0
msg_no_long_mode: db 13, 10, "trivet: PANIC: this CPU has no 64-bit mode (long mode)", 13, 10, 0

section .boot.bss nobits alloc noexec write align=4096
boot_pml4:	resb 4096
boot_pdpt:	resb 4096
boot_pdpt_high:	resb 4096
boot_pd:	resb 4 * 4096
boot_pd_image:	resb 4096
	resb 256
boot_stack_top:
