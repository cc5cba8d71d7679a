/* SPDX-License-Identifier: Apache-2.0 */
/* boot/arm64/entry.S: the arm64 Image header (Linux, Documentation/arch/arm64/booting) and the way from it into C. */

#define EL2		0x8
#define MEM_HIGH	0xffff000000000000
#define R_RELATIVE	1027
#define CPU_BLOCK	0x8000

/* HCR_EL2: RW; with the virtualization host extensions E2H and TGE too (Arm ARM, D19.2.48). */
#define HCR_RW		(1 << 31)
#define HCR_E2H_TGE	((1 << 34) | (1 << 27))

	.section .boot.head, "ax"
	.globl	boot_header
boot_header:
	b	boot_start			/* code0       */
	nop					/* code1       */
	.quad	0				/* text_offset */
	.long	image_size, 0			/* image_size, what it needs in memory */
	.quad	0xa				/* flags: little-endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

	.section .boot.text, "ax"
/*
 * x0: physical address of the device tree; x1: 0, or that of a struct boot_info, from boot/uefi. MMU off. Kept: x19 device
 * tree, x20 image, x21 CurrentEL, x22 offset, x24 boot_info.
 */
boot_start:
	mov	x19, x0
	mov	x24, x1
	adrp	x20, boot_header
	mrs	x21, CurrentEL
	msr	daifset, #0xf
	mov	x22, xzr
	cmp	x21, #EL2
	b.ne	1f
	mrs	x0, id_aa64mmfr1_el1		/* VH, bits 11:8 */
	ubfx	x0, x0, #8, #4
	cbz	x0, 1f
	mov	x22, #MEM_HIGH
1:	cbnz	x22, 1f				/* without VHE there may be no PAN, and nothing that it would keep off */
	adrp	x0, leave_pan
	add	x0, x0, :lo12:leave_pan
	ldr	w1, =0xd503201f			/* NOP */
	str	w1, [x0]
	dmb	sy
	dc	ivac, x0
	dsb	sy
1:
	/* .bss, and the caches' idea of what we write while they are off. */
	adrp	x0, bss_start
	adrp	x1, image_end
2:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	2b
	adrp	x0, cpu0_block
	add	x0, x0, #CPU_BLOCK
	sub	x0, x0, #16			/* in the block, whoever looks at it first: arch_cpu_block */
	mov	sp, x0
	adrp	x0, mem_offset
	str	x22, [x0, :lo12:mem_offset]

	/* *(image + r_offset) = image + offset + r_addend */
	adrp	x0, rela_start
	add	x0, x0, :lo12:rela_start
	adrp	x1, rela_end
	add	x1, x1, :lo12:rela_end
	add	x2, x20, x22
3:	cmp	x0, x1
	b.hs	4f
	ldp	x3, x4, [x0], #16
	ldr	x5, [x0], #8
	cmp	w4, #R_RELATIVE
	b.ne	5f
	add	x5, x5, x2
	str	x5, [x20, x3]
	b	3b
5:	wfi					/* the link has made another kind */
	b	5b
4:
	cmp	x21, #EL2
	b.ne	boot_call			/* boot_main says so */
	mov	x0, x20
	adrp	x1, image_end
	mov	x2, x19
	bl	boot_map_start			/* (image, end, device tree) -> root */
	mov	x23, x0
	adrp	x0, text_end			/* what was written with the caches off */
	adrp	x1, image_end
	mrs	x2, ctr_el0
	ubfx	x2, x2, #16, #4
	mov	x3, #4
	lsl	x3, x3, x2
6:	dc	ivac, x0
	add	x0, x0, x3
	cmp	x0, x1
	b.lo	6b
	dsb	sy

	mov	x0, #HCR_RW
	cbz	x22, 7f
	ldr	x1, =HCR_E2H_TGE
	orr	x0, x0, x1
7:	msr	hcr_el2, x0
	isb
	ldr	x0, =0x44ff04			/* MAIR: 0 device nGnRE, 1 write-back, 2 non-cacheable */
	msr	mair_el2, x0
	mrs	x1, id_aa64mmfr0_el1		/* PARange, at most 48 bits */
	and	x1, x1, #0xf
	mov	x2, #5
	cmp	x1, x2
	csel	x1, x1, x2, lo
	ldr	x0, =0x80803510			/* nVHE: RES1, 4 KiB, inner shareable, write-back, T0SZ 16 */
	lsl	x3, x1, #16			/* PS */
	cbz	x22, 8f
	ldr	x0, =0xb5103510			/* VHE: the same for TTBR0 and TTBR1 */
	lsl	x3, x1, #32			/* IPS */
8:	orr	x0, x0, x3
	msr	tcr_el2, x0
	msr	ttbr0_el2, x23
	cbz	x22, 9f
	.arch	armv8.1-a
	msr	ttbr1_el2, x23
9:	adrp	x0, el2_vectors
	add	x0, x0, :lo12:el2_vectors
	add	x0, x0, x22
	msr	vbar_el2, x0
	isb
	tlbi	alle2
	ic	iallu
	dsb	sy
	isb
	/*
	 * M, C, SA, I and what is RES1; VHE: in EL1's layout, SPAN 0 (PAN is set at each entry), EL0 alignment of SP,
	 * UCT and UCI (the service VM cleans caches).
	 */
	ldr	x0, =0x30c5183d
	cbz	x22, 10f
	ldr	x0, =0x3450d99d
10:	msr	sctlr_el2, x0
	isb
	adr	x0, boot_high
	add	x0, x0, x22
	mov	x1, sp
	add	sp, x1, x22
	br	x0
boot_high:
	hint	#36				/* bti j */
boot_call:
	mov	x29, xzr
	mov	x30, xzr
	mov	x0, x19
	lsr	x1, x21, #2
	mov	x2, x20
	mov	x3, x24
	bl	boot_main			/* (device tree, EL, image, boot_info), does not return */
11:	wfi
	b	11b

/*
 * Where PSCI CPU_ON starts another CPU (arch/arm64/smp.c). MMU off. x0: physical address of its struct arm_cpu, which
 * starts with a struct arm_start: registers of the first CPU's.
 */
	.globl	boot_cpu
boot_cpu:
	msr	daifset, #0xf
	mov	x19, x0
	mrs	x1, CurrentEL
	mov	w2, #4				/* ARM_START_LEVEL */
	cmp	x1, #EL2
	b.ne	13f
	msr	spsel, #1
	ldr	x1, [x19]
	msr	hcr_el2, x1
	isb
	mrs	x3, hcr_el2
	eor	x3, x3, x1
	mov	w2, #5				/* ARM_START_E2H */
	tbnz	x3, #34, 13f
	ldp	x1, x3, [x19, #8]
	msr	mair_el2, x1
	msr	tcr_el2, x3
	ldp	x1, x3, [x19, #24]
	msr	ttbr0_el2, x1
	cbz	x3, 12f
	msr	ttbr1_el2, x3
12:	ldr	x1, [x19, #40]
	msr	vbar_el2, x1
	isb
	tlbi	alle2
	ic	iallu
	dsb	sy
	isb
	ldp	x1, x3, [x19, #48]
	ldr	x16, [x19, #64]
	msr	sctlr_el2, x1
	isb
	mov	sp, x3
	mov	x29, xzr
	mov	x30, xzr
	br	x16				/* smp_enter */
13:	str	w2, [x19, #256]
	dsb	sy
14:	wfi
	b	14b
	.ltorg
