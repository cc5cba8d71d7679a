/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiny.asm's counterpart for arm64: an Image that looks for its packed file of boot modules, tells the PL011 of QEMU's virt
 * machine and powers the machine off; built with ECHO defined, only after it has sent back what it received, up to a 'q'.
 * It runs at EL2, where PSCI is called by SMC.
 */

#define UART		0x09000000
#define UART_FR		0x18
#define FR_RXFE		4		/* bits */
#define FR_TXFF		5
#define RAM		0x40000000
#define RAM_SIZE	0x20000000	/* as far as it looks */
#define SYSTEM_OFF	0x84000008

	.text
	.globl	_start
_start:
	b	begin			/* the header of Documentation/arch/arm64/booting.rst */
	.long	0
	.quad	0			/* text_offset */
	.quad	0x200000		/* image_size */
	.quad	0xa			/* flags: little endian, 4K pages, anywhere */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

begin:
	ldr	x20, =UART
	adr	x0, hello
	bl	print
	ldr	x0, =RAM
	ldr	x1, =RAM + RAM_SIZE
	ldr	x2, magic
1:	ldr	x3, [x0]
	add	x0, x0, #4096		/* QEMU puts an initrd on a page */
	cmp	x3, x2
	b.eq	2f
	cmp	x0, x1
	b.ne	1b
	b	stop
2:	adr	x0, packed
	bl	print
#ifdef ECHO
1:	ldr	w1, [x20, #UART_FR]
	tbnz	w1, #FR_RXFE, 1b
	ldr	w21, [x20]
	and	w0, w21, #0xff
	bl	put
	and	w0, w21, #0xff
	cmp	w0, #'q'
	b.ne	1b
#endif
	adr	x0, goodbye
	bl	print
	ldr	w0, =SYSTEM_OFF
	smc	#0
stop:
	wfi
	b	stop

/* x0: text that ends with a zero. */
print:
	mov	x22, x30
	mov	x23, x0
1:	ldrb	w0, [x23], #1
	cbz	w0, 2f
	bl	put
	b	1b
2:	ret	x22

/* w0: a character. */
put:
	ldr	w1, [x20, #UART_FR]
	tbnz	w1, #FR_TXFF, put
	str	w0, [x20]
	ret

hello:
	.asciz	"trivet: tiny test kernel\r\n"
packed:
	.asciz	"trivet: its modules are packed\r\n"
goodbye:
	.asciz	"\r\ntrivet: all guests have stopped: powering off\r\n"
	.balign	8
magic:
	.ascii	"TRVPACK1"
	.ltorg
