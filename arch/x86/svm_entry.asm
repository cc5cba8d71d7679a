; SPDX-License-Identifier: Apache-2.0
; arch/x86/svm_entry.asm: the SVM world switch: general registers around VMRUN (AMD APM volume 2, 15.5).
bits 64
section .text.hot progbits alloc exec nowrite align=64

%define GPR(n) [rdi + (n) * 8]			; in the order of enum x86_gpr

; void svm_enter(struct vcpu_regs *regs (rdi), u64 vmcb_pa (rsi))
; GIF is cleared around IF = 1, so that a physical interrupt is an exit and never taken here.
global svm_enter
svm_enter:
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	push rdi
	mov rax, rsi
	mov rcx, GPR(1)
	mov rdx, GPR(2)
	mov rbx, GPR(3)
	mov rbp, GPR(5)
	mov rsi, GPR(6)
	mov r8, GPR(8)
	mov r9, GPR(9)
	mov r10, GPR(10)
	mov r11, GPR(11)
	mov r12, GPR(12)
	mov r13, GPR(13)
	mov r14, GPR(14)
	mov r15, GPR(15)
	mov rdi, GPR(7)
	sti					; its shadow covers CLGI (and, under TCG, would reach into the guest)
	clgi
	vmrun
	cli
	stgi
	mov rax, rdi
	mov rdi, [rsp]
	mov GPR(1), rcx
	mov GPR(2), rdx
	mov GPR(3), rbx
	mov GPR(5), rbp
	mov GPR(6), rsi
	mov GPR(7), rax
	mov GPR(8), r8
	mov GPR(9), r9
	mov GPR(10), r10
	mov GPR(11), r11
	mov GPR(12), r12
	mov GPR(13), r13
	mov GPR(14), r14
	mov GPR(15), r15
	xor eax, eax				; nothing of the guest's stays where we might speculate on it
	xor ecx, ecx
	xor edx, edx
	xor esi, esi
	xor r8d, r8d
	xor r9d, r9d
	xor r10d, r10d
	xor r11d, r11d
	pop rdi
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	ret
