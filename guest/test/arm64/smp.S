/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/smp.S: where CPU_ON starts a CPU: what it finds is written down, the first CPU's map is turned on. */

	.text
/* x0: struct smp_start of arm64.h, which has the function to go on with */
	.globl	smp_entry
smp_entry:
	mrs	x9, currentel
	mrs	x10, daif
	mrs	x11, sctlr_el1
	ldp	x1, x2, [x0]			/* stack, TTBR0_EL1 */
	ldp	x3, x4, [x0, #16]		/* MAIR_EL1, TCR_EL1 */
	ldp	x5, x6, [x0, #32]		/* VBAR_EL1, SCTLR_EL1 */
	msr	spsel, #1
	mov	sp, x1
	msr	ttbr0_el1, x2
	msr	mair_el1, x3
	msr	tcr_el1, x4
	msr	vbar_el1, x5
	isb
	tlbi	vmalle1
	ic	iallu
	dsb	nsh
	isb
	msr	sctlr_el1, x6
	isb
	stp	x9, x10, [x0, #48]
	str	x11, [x0, #64]
	ldr	x1, [x0, #80]
	blr	x1
1:	wfi
	b	1b

	.section .note.GNU-stack, "", %progbits
