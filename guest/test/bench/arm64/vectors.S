/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/bench/arm64/vectors.S: exception vectors that do least: a fault is skipped, an SVC with x8 = 0 returned
 * from, an interrupt's time written down. What is left goes on as with start.S's vectors. */

	.text
	.balign	2048
	.globl	bench_vectors
bench_vectors:
	.skip	0x200
	/* EL1, synchronous. x16 is free there. */
	mrs	x16, elr_el1
	add	x16, x16, #4
	msr	elr_el1, x16
	eret

	.balign	128
	/* EL1, interrupt */
	stp	x0, x1, [sp, #-16]!
	mrs	x0, cntvct_el0
	adrp	x1, bench_arrived
	str	x0, [x1, :lo12:bench_arrived]
	ldp	x0, x1, [sp], #16
	b	vectors + 0x280

	.balign	128
	b	vectors + 0x300
	.balign	128
	b	vectors + 0x380
	.balign	128
	/* EL0, synchronous */
	cbnz	x8, 1f
	eret
1:	b	vectors + 0x400
	.balign	128
	b	vectors + 0x480
	.balign	128
	b	vectors + 0x500
	.balign	128
	b	vectors + 0x580

	.section .note.GNU-stack, "", %progbits
