/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/rt/arm64/start.S: image header (hv/abi/service.h) and first instructions of the service VM: a stack, addresses.
 * The image is linked at 0 and runs at EL0 where it lies. The hypervisor has mapped it, text and constants read-only.
 */

#define R_AARCH64_RELATIVE 1027
#define STACK_SIZE	   32768

	.section .head, "ax", %progbits
	.balign	4096
header:	.ascii	"TRVSVC01"
	.word	1, 64
	.quad	__image_end - header
	.quad	entry - header
	.quad	__data_start - header
	.quad	start_stack_guard - header
	.quad	0, 0

	/* X0 = base, X1 = mailbox; both stay for rt_start. */
entry:	adrp	x2, start_stack_top
	add	x2, x2, :lo12:start_stack_top
	mov	sp, x2

	/* Every absolute address in the data gets the base added: *(base + r_offset) = base + r_addend. */
	adrp	x2, __rela_start
	add	x2, x2, :lo12:__rela_start
	adrp	x3, __rela_end
	add	x3, x3, :lo12:__rela_end
1:	cmp	x2, x3
	b.hs	3f
	ldp	x4, x5, [x2], #16		/* r_offset, r_info */
	ldr	x6, [x2], #8			/* r_addend */
	cmp	x5, #R_AARCH64_RELATIVE
	b.ne	2f
	add	x6, x6, x0
	str	x6, [x0, x4]
	b	1b
2:	udf	#0				/* the link has made another kind: service.ld lets none through */

3:	mov	x29, xzr
	mov	x30, xzr
	bl	rt_start			/* (base, mailbox), does not return */
	udf	#0

	/* Another CPU: X0 = its struct rt_cpu, whose stack ends where the block (RT_CPU_BLOCK) does, X1 = its mailbox. */
	.global	start_secondary
start_secondary:
	add	x2, x0, #0x10, lsl #12
	mov	sp, x2
	mov	x29, xzr
	mov	x30, xzr
	bl	rt_secondary
	udf	#0

	.section .bss
	.balign	4096
start_stack_guard:				/* the hypervisor leaves it out: the stack's end faults */
	.skip	4096
	.skip	STACK_SIZE
start_stack_top:

	.section .note.GNU-stack, "", %progbits
