; SPDX-License-Identifier: Apache-2.0
; arch/x86/vmx_entry.asm: the VMX world switch: general registers around VMLAUNCH, VMRESUME (Intel SDM 3C, chapter 27).
bits 64
section .text.hot progbits alloc exec nowrite align=64

%define GPR(n) [rdi + (n) * 8]			; in the order of enum x86_gpr
%define VMCS_HOST_RSP 0x6c14

%macro POP_CALLEE 0
	pop rdi
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
%endmacro

; u64 vmx_enter(struct vcpu_regs *regs (rdi), u64 *host_rsp (rsi), u64 launched (rdx))
; *host_rsp is what the VMCS has: it is written only when the stack's depth is another one.
global vmx_enter, vmx_exit_entry
vmx_enter:
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	push rdi
	cmp rsp, [rsi]
	je .same
	mov [rsi], rsp
	mov eax, VMCS_HOST_RSP
	vmwrite rax, rsp
.same:
	test rdx, rdx				; no MOV changes the flags
	mov rax, GPR(0)
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
	jnz .resume
	vmlaunch
	jmp .failed
.resume:
	vmresume
.failed:					; CF: VMfailInvalid, ZF: VMfailValid
	mov eax, 2
	mov ecx, 1
	cmovc eax, ecx
	POP_CALLEE
	ret

align 64
vmx_exit_entry:					; RSP is what it was at the entry
	push rdi
	mov rdi, [rsp + 8]
	mov GPR(0), rax
	mov GPR(1), rcx
	mov GPR(2), rdx
	mov GPR(3), rbx
	mov GPR(5), rbp
	mov GPR(6), rsi
	pop qword GPR(7)
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
	POP_CALLEE
	ret
