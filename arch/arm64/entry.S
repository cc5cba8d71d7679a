/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/entry.S: into a guest and out of it; exceptions of the hypervisor itself; the change of page tables. */

/* struct arch_vcpu, checked in run.c. */
#define VCPU_REGS	0
#define VCPU_SP_EL0	8
#define VCPU_PC		16
#define VCPU_PSTATE	24

/* The frame of arm_enter: x29 x30 at 0, vcpu and regs at 16, x19 to x28 from 32. */
#define FRAME		112
#define FRAME_VCPU	16

	.section .text.hot, "ax"

/* enum arm_leave arm_enter(struct arch_vcpu *v) */
	.globl	arm_enter
	.type	arm_enter, %function
arm_enter:
	hint	#34				/* bti c */
	stp	x29, x30, [sp, #-FRAME]!
	stp	x19, x20, [sp, #32]
	stp	x21, x22, [sp, #48]
	stp	x23, x24, [sp, #64]
	stp	x25, x26, [sp, #80]
	stp	x27, x28, [sp, #96]
	ldp	x30, x1, [x0, #VCPU_REGS]	/* regs, sp_el0 */
	ldp	x2, x3, [x0, #VCPU_PC]
	stp	x0, x30, [sp, #FRAME_VCPU]
	msr	sp_el0, x1
	msr	elr_el2, x2
	msr	spsr_el2, x3
	ldp	x0, x1, [x30]
	ldp	x2, x3, [x30, #16]
	ldp	x4, x5, [x30, #32]
	ldp	x6, x7, [x30, #48]
	ldp	x8, x9, [x30, #64]
	ldp	x10, x11, [x30, #80]
	ldp	x12, x13, [x30, #96]
	ldp	x14, x15, [x30, #112]
	ldp	x16, x17, [x30, #128]
	ldp	x18, x19, [x30, #144]
	ldp	x20, x21, [x30, #160]
	ldp	x22, x23, [x30, #176]
	ldp	x24, x25, [x30, #192]
	ldp	x26, x27, [x30, #208]
	ldp	x28, x29, [x30, #224]
	ldr	x30, [x30, #240]
	eret
	dsb	nsh				/* no speculation goes on behind it */
	isb

/* The rest of a vector: x0 and x1 are on the stack. */
	.macro	leave code
	stp	x0, x1, [sp, #-16]!
	ldp	x0, x1, [sp, #16 + FRAME_VCPU]	/* vcpu, regs */
	stp	x2, x3, [x1, #16]
	stp	x4, x5, [x1, #32]
	stp	x6, x7, [x1, #48]
	stp	x8, x9, [x1, #64]
	stp	x10, x11, [x1, #80]
	stp	x12, x13, [x1, #96]
	stp	x14, x15, [x1, #112]
	stp	x16, x17, [x1, #128]
	stp	x18, x19, [x1, #144]
	stp	x20, x21, [x1, #160]
	stp	x22, x23, [x1, #176]
	stp	x24, x25, [x1, #192]
	stp	x26, x27, [x1, #208]
	stp	x28, x29, [x1, #224]
	ldp	x2, x3, [sp], #16
	stp	x2, x3, [x1]
	str	x30, [x1, #240]
	mov	w4, #\code
	b	leave_tail
	.endm

leave_tail:
	/* With VHE only (else a NOP: entry.S of boot). An exception from a guest, without TGE, keeps the guest's PAN. */
	.globl	leave_pan
leave_pan:
	msr	s0_0_c4_c1_4, xzr		/* MSR PAN, #1 */
	mrs	x1, sp_el0
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	str	x1, [x0, #VCPU_SP_EL0]
	stp	x2, x3, [x0, #VCPU_PC]
	mov	w0, w4
	ldp	x19, x20, [sp, #32]
	ldp	x21, x22, [sp, #48]
	ldp	x23, x24, [sp, #64]
	ldp	x25, x26, [sp, #80]
	ldp	x27, x28, [sp, #96]
	ldp	x29, x30, [sp], #FRAME
	ret

/* An exception of ours: everything in a struct trap_frame on the stack. A stack that has overflowed takes none. */
	.macro	own code
	msr	tpidr_el2, x0
	mov	x0, sp
	sub	x0, x0, #16
	tbz	x0, #14, 1f			/* not in the upper half of the CPU's block: use its end, text goes out */
	b	2f
1:	orr	x0, x0, #0x7fff
	add	x0, x0, #1
2:	sub	x0, x0, #288
	stp	x1, x2, [x0, #8]
	mov	x1, sp
	mov	sp, x0
	mov	w2, #\code
	b	own_tail
	.endm

own_tail:
	stp	x3, x4, [sp, #24]
	stp	x5, x6, [sp, #40]
	stp	x7, x8, [sp, #56]
	stp	x9, x10, [sp, #72]
	stp	x11, x12, [sp, #88]
	stp	x13, x14, [sp, #104]
	stp	x15, x16, [sp, #120]
	stp	x17, x18, [sp, #136]
	stp	x19, x20, [sp, #152]
	stp	x21, x22, [sp, #168]
	stp	x23, x24, [sp, #184]
	stp	x25, x26, [sp, #200]
	stp	x27, x28, [sp, #216]
	stp	x29, x30, [sp, #232]
	str	x1, [sp, #248]
	mrs	x3, tpidr_el2
	str	x3, [sp]
	mov	x0, sp
	mov	w1, w2
	bl	trap_own			/* (frame, vector), does not return */
3:	wfi
	b	3b

	.balign	2048
	.globl	el2_vectors
el2_vectors:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7
	.balign	128
	own	\n
	.endr
	.rept	2				/* from AArch64, from AArch32 */
	.irp	n, 0, 1, 2, 3
	.balign	128
	leave	\n
	.endr
	.endr

	.text
/* void mem_switch(u64 root, u64 offset, u64 sctlr): change our tables with the MMU off, as it must not see both. */
	.globl	mem_switch
	.type	mem_switch, %function
mem_switch:
	hint	#34
	adr	x3, 1f
	sub	x3, x3, x1
	mrs	x4, sctlr_el2
	bic	x4, x4, #1
	br	x3
1:	hint	#36				/* bti j */
	msr	sctlr_el2, x4
	isb
	cbz	x1, 2f
	msr	s3_4_c2_c0_1, x0		/* TTBR1_EL2 */
	b	3f
2:	msr	ttbr0_el2, x0
3:	isb
	tlbi	alle2
	ic	iallu
	dsb	nsh
	isb
	msr	sctlr_el2, x2
	isb
	ret
