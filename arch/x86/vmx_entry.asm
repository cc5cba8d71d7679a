; SPDX-License-Identifier: Apache-2.0
; arch/x86/vmx_entry.asm: the VMX world switch: general registers around VMLAUNCH, VMRESUME (Intel SDM 3C, chapter 27).
%include "arch/x86/entry.inc"
bits 64
section .text.hot progbits alloc exec nowrite align=64

%define VMCS_HOST_RSP 0x6c14

; u64 vmx_enter(struct vcpu_regs *regs (rdi), u64 *host_rsp (rsi), u64 launched (rdx))
; *host_rsp is what the VMCS has: it is written only when the stack's depth is another one.
global vmx_enter, vmx_exit_entry
vmx_enter:
	PUSH_OURS
	cmp rsp, [rsi]
	je .same
	mov [rsi], rsp
	mov eax, VMCS_HOST_RSP
	vmwrite rax, rsp
.same:
	test rdx, rdx				; no MOV changes the flags
	mov rax, GPR(0)
	LOAD_GUEST
	jnz .resume
	vmlaunch
	jmp .failed
.resume:
	vmresume
.failed:					; CF: VMfailInvalid, ZF: VMfailValid
	mov eax, 2
	mov ecx, 1
	cmovc eax, ecx
	POP_OURS
	ret

align 64
vmx_exit_entry:					; RSP is what it was at the entry
	push rdi
	mov rdi, [rsp + 8]
	mov GPR(0), rax
	pop qword GPR(7)
	SAVE_GUEST
	FORGET_GUEST
	POP_OURS
	ret
