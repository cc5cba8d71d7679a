; SPDX-License-Identifier: Apache-2.0
; arch/x86/svm_entry.asm: the SVM world switch: general registers around VMRUN (AMD APM volume 2, 15.5).
%include "arch/x86/entry.inc"
bits 64
section .text.hot progbits alloc exec nowrite align=64

; void svm_enter(struct vcpu_regs *regs (rdi), u64 vmcb_pa (rsi))
; GIF is cleared around IF = 1, so that a physical interrupt is an exit and never taken here.
global svm_enter
svm_enter:
	PUSH_OURS
	mov rax, rsi
	LOAD_GUEST
	sti					; its shadow covers CLGI (and, under TCG, would reach into the guest)
	clgi
	vmrun
	cli
	stgi
	mov rax, rdi				; RAX is in the VMCB
	mov rdi, [rsp]
	mov GPR(7), rax
	SAVE_GUEST
	FORGET_GUEST
	POP_OURS
	ret
