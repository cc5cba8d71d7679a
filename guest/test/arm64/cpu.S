/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/cpu.S: what t_cpu.c cannot say in C: floating point registers, code at EL0, unaligned accesses. */

	.arch	armv8-a
	.macro	pattern n
	add	x2, x0, #\n
	dup	v\n\().2d, x2
	.endm
	.macro	differ n
	add	x2, x0, #\n
	dup	v31.2d, x2
	eor	v31.16b, v31.16b, v\n\().16b
	umov	x3, v31.d[0]
	umov	x4, v31.d[1]
	orr	x1, x1, x3
	orr	x1, x1, x4
	.endm

	.text
/* void fp_fill(u64 seed): v0 to v30 by the seed. u64 fp_differ(u64 seed): the bits that are different. */
	.globl	fp_fill
fp_fill:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
	pattern	\n
	.endr
	ret

	.globl	fp_differ
fp_differ:
	mov	x1, #0
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
	differ	\n
	.endr
	mov	x0, x1
	ret

/* u64 fp_multiply(u64 a, u64 b): as integers that are converted; the product as one. */
	.globl	fp_multiply
fp_multiply:
	scvtf	d0, x0
	scvtf	d1, x1
	fmul	d0, d0, d1
	fcvtzs	x0, d0
	ret

/* void el0_run(struct { u64 pc, sp, arg; } *): goes to EL0, interrupts off; the exception from there ends it. */
	.globl	el0_run
el0_run:
	ldp	x1, x2, [x0]
	ldr	x0, [x0, #16]
	msr	elr_el1, x1
	msr	sp_el0, x2
	mov	x1, #0x3c0
	msr	spsr_el1, x1
	isb
	eret

/* Code that EL0 runs through an alias, so all of it relative. */
	.balign	64
	.globl	el0_svc, el0_hvc, el0_smc, el0_sysreg, el0_load, el0_udf, el0_counter
el0_svc:
	mov	x0, sp
	str	x0, [x0, #-8]
	svc	#0x77
el0_hvc:
	hvc	#0
	svc	#1
el0_smc:
	smc	#0
	svc	#1
el0_sysreg:
	mrs	x0, vbar_el1
	svc	#1
el0_load:
	ldr	x0, [x0]
	svc	#1
el0_udf:
	udf	#0
	svc	#1
el0_counter:
	mrs	x0, cntvct_el0
	svc	#1

	.section .note.GNU-stack, "", %progbits
