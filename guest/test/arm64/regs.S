/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/regs.S: u64 t_regs(unsigned kind, u64 addr): is x4 to x30 as before after something that traps?
 * Kind 0: HVC (PSCI_VERSION), 1: an ID register, 2: a load from @addr. Returns the bits that differ, of all together. */

	.macro	each what
	.irp	n, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
	\what	\n
	.endr
	.endm
	.macro	fill n
	movz	x\n, #(0x1111 * \n) & 0xffff
	movk	x\n, #0xa500 + \n, lsl #48
	.endm
	.macro	test n
	movz	x2, #(0x1111 * \n) & 0xffff
	movk	x2, #0xa500 + \n, lsl #48
	eor	x2, x2, x\n
	orr	x3, x3, x2
	.endm

	.text
	.globl	t_regs
t_regs:	stp	x29, x30, [sp, #-96]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	each	fill
	cmp	w0, #1
	b.eq	1f
	b.hi	2f
	mov	w0, #0x84000000
	hvc	#0
	b	3f
1:	mrs	x0, id_aa64pfr0_el1
	b	3f
2:	ldr	w0, [x1]
3:	mov	x3, #0
	each	test
	mov	x0, x3
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #96
	ret

	.section .note.GNU-stack, "", %progbits
