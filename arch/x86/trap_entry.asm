; SPDX-License-Identifier: Apache-2.0
; arch/x86/trap_entry.asm: interrupt and exception stubs of the hypervisor, and CPU 0's block with its stack.
bits 64

extern trap_handler
extern lapic_page

VECTOR_KICK	equ 0xe1		; irq.h
APIC_EOI	equ 0xb0
MSR_X2APIC_EOI	equ 0x80b

; Exceptions with an error code (Intel SDM 3A, 6.13).
%define HAS_ERROR(v) ((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21)

section .text
%assign v 0
%rep 256
align 16
trap_%+v:
%if HAS_ERROR(v)
	nop
	nop
%else
	push byte 0
%endif
	push dword v
	jmp trap_common
%assign v v+1
%endrep

; Another CPU's kick: to come out of the guest is all, but for the EOI.
trap_kick:
	push rax
	push rcx
	push rdx
	mov rax, [rel lapic_page]
	test rax, rax
	jz .x2apic
	mov dword [rax + APIC_EOI], 0
	jmp .done
.x2apic:
	mov ecx, MSR_X2APIC_EOI
	xor edx, edx
	wrmsr				; of EAX, which is 0
.done:	pop rdx
	pop rcx
	pop rax
	iretq

trap_common:
	push rax
	push rcx
	push rdx
	push rbx
	push rbp
	push rsi
	push rdi
	push r8
	push r9
	push r10
	push r11
	push r12
	push r13
	push r14
	push r15
	mov rdi, rsp
	cld
	call trap_handler
	pop r15
	pop r14
	pop r13
	pop r12
	pop r11
	pop r10
	pop r9
	pop r8
	pop rdi
	pop rsi
	pop rbp
	pop rbx
	pop rdx
	pop rcx
	pop rax
	add rsp, 16
	iretq

; u64 rdmsr_probe(u32 msr (edi), u64 *value (rsi)): 1, or 0 when it raised #GP (trap_handler goes to rdmsr_fixup).
global rdmsr_probe, rdmsr_fault, rdmsr_fixup
rdmsr_probe:
	mov ecx, edi
rdmsr_fault:
	rdmsr
	shl rdx, 32
	or rax, rdx
	mov [rsi], rax
	mov eax, 1
	ret
rdmsr_fixup:
	xor eax, eax
	ret

section .rodata
global trap_stubs
align 8
trap_stubs:
%assign v 0
%rep 256
%if v == VECTOR_KICK
	dq trap_kick
%else
	dq trap_%+v
%endif
%assign v v+1
%endrep

; A CPU's block (arch/iface/cpu.h): data of hv/, guard page, stack.
section .bss.cpu nobits alloc noexec write align=32768
global cpu0_block, cpu0_stack_top
cpu0_block:
	resb 0x8000
cpu0_stack_top equ cpu0_block + 0x8000
