/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/start.S: Image header, own relocation, an identity map of 1 TiB with caches, exception vectors,
 * trap_try. Entered at EL1 with the MMU off and x0 = device tree. */

	.hidden	t_image_end
	.section .head, "ax"
	.globl	_start
_start:	b	entry
	.long	0
	.quad	0x80000			/* offset from a 2 MiB boundary */
	.quad	t_image_end - . + 16
	.quad	0xa			/* little endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

	.text
entry:	msr	daifset, #15
	mov	x19, x0
	adrp	x1, t_stack_top
	add	x1, x1, :lo12:t_stack_top
	msr	spsel, #1
	mov	sp, x1
	adrp	x1, t_bss_start
	add	x1, x1, :lo12:t_bss_start
	adrp	x2, t_bss_end
	add	x2, x2, :lo12:t_bss_end
1:	str	xzr, [x1], #8
	cmp	x1, x2
	b.lo	1b
	/* R_AARCH64_RELATIVE entries: offset, type, addend; linked at 0 */
	adrp	x0, _start
	add	x0, x0, :lo12:_start
	adrp	x1, t_rela_start
	add	x1, x1, :lo12:t_rela_start
	adrp	x2, t_rela_end
	add	x2, x2, :lo12:t_rela_end
2:	cmp	x1, x2
	b.hs	3f
	ldp	x3, x4, [x1], #16
	ldr	x5, [x1], #8
	cmp	x4, #1027
	b.ne	2b
	add	x5, x5, x0
	str	x5, [x0, x3]
	b	2b
3:	/* Level 0: two tables; level 1: blocks of 1 GiB. 0 and above 256 GiB: devices; 1 to 255 GiB: RAM. */
	adrp	x0, t_l0
	adrp	x1, t_l1
	orr	x2, x1, #3
	str	x2, [x0]
	add	x2, x2, #4096
	str	x2, [x0, #8]
	mov	x2, #0			/* GiB */
4:	lsl	x3, x2, #30
	mov	x4, #0x401		/* block, access flag, Device-nGnRnE */
	cmp	x2, #0
	b.eq	5f
	cmp	x2, #256
	b.hs	5f
	mov	x4, #0x705		/* block, access flag, inner shareable, write-back */
5:	orr	x3, x3, x4
	str	x3, [x1, x2, lsl #3]
	add	x2, x2, #1
	cmp	x2, #1024
	b.lo	4b
	msr	ttbr0_el1, x0
	mov	x1, #0xff00		/* attributes: 0 Device-nGnRnE, 1 write-back */
	msr	mair_el1, x1
	mrs	x2, id_aa64mmfr0_el1
	and	x2, x2, #7
	cmp	x2, #5
	mov	x3, #5
	csel	x2, x3, x2, hi
	ldr	x1, =0x803510		/* T0SZ 16, write-back walks, inner shareable, EPD1 */
	orr	x1, x1, x2, lsl #32
	msr	tcr_el1, x1
	adrp	x1, vectors
	add	x1, x1, :lo12:vectors
	msr	vbar_el1, x1
	msr	cpacr_el1, xzr
	isb
	tlbi	vmalle1
	dsb	nsh
	mov	x0, #1
	bl	t_mmu
	mov	x0, x19
	bl	t_arm64_boot
	b	.

/* void t_mmu(bool on): with or without the map; what is cached goes to memory first. */
	.globl	t_mmu
t_mmu:	adrp	x1, _start
	adrp	x2, t_image_end
	mrs	x4, ctr_el0
	ubfx	x4, x4, #16, #4
	mov	x3, #4
	lsl	x3, x3, x4
1:	dc	civac, x1
	add	x1, x1, x3
	cmp	x1, x2
	b.lo	1b
	dsb	sy
	ldr	x1, =0x30d00980		/* the bits that are always 1 or that make no difference here */
	ldr	x2, =0x1005		/* I, C, M */
	orr	x2, x1, x2
	cmp	x0, #0
	csel	x1, x2, x1, ne
	msr	sctlr_el1, x1
	isb
	ic	iallu
	dsb	nsh
	isb
	ret

/* int trap_try(void (*fn)(void *), void *arg): the exception's class, or -1 when fn returned. */
	.globl	trap_try
trap_try:
	stp	x29, x30, [sp, #-112]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	adrp	x3, try_sp
	mov	x4, sp
	str	x4, [x3, :lo12:try_sp]
	mov	x2, x0
	mov	x0, x1
	blr	x2
	mov	w0, #-1
	b	1f
	.globl	try_fail
try_fail:				/* trap_c returns here */
	adrp	x3, try_sp
	ldr	x4, [x3, :lo12:try_sp]
	mov	sp, x4
	adrp	x3, trap_last
	ldr	w0, [x3, :lo12:trap_last]
1:	msr	daifset, #15
	adrp	x3, try_sp
	str	xzr, [x3, :lo12:try_sp]
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #112
	ret

	.macro	vector n
	.balign	128
	sub	sp, sp, #288
	stp	x0, x1, [sp]
	mov	x1, #\n
	b	common
	.endm

	.balign	2048
	.globl	vectors
vectors:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vector	\n
	.endr

common:	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	stp	x30, x2, [sp, #240]
	str	x3, [sp, #256]
	mov	x0, sp
	bl	trap_c
	ldp	x30, x2, [sp, #240]
	ldr	x3, [sp, #256]
	msr	elr_el1, x2
	msr	spsr_el1, x3
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x19, [sp, #144]
	ldp	x20, x21, [sp, #160]
	ldp	x22, x23, [sp, #176]
	ldp	x24, x25, [sp, #192]
	ldp	x26, x27, [sp, #208]
	ldp	x28, x29, [sp, #224]
	ldp	x0, x1, [sp]
	add	sp, sp, #288
	eret

	.section .note.GNU-stack, "", %progbits
	.bss
	.balign	4096
t_l0:	.skip	4096
	.globl	t_l1
t_l1:	.skip	8192
	.skip	65536
t_stack_top:
	.globl	try_sp
	.balign	8
try_sp:	.skip	8
