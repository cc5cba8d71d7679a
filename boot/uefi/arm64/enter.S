/* SPDX-License-Identifier: Apache-2.0 */
/* boot/uefi/arm64/enter.S: from firmware's EL2, all memory at its own address, to the hypervisor with the MMU off. */

#define SCTLR_M_C_I	((1 << 0) | (1 << 2) | (1 << 12))

	.text
	.globl	enter_hypervisor, enter_end
	.hidden	enter_hypervisor, enter_end
	.balign	64
/* (device tree, boot_info, entry) */
enter_hypervisor:
	mrs	x3, sctlr_el2
	mov	x4, #SCTLR_M_C_I
	bic	x3, x3, x4
	msr	sctlr_el2, x3
	isb
	tlbi	alle2
	ic	iallu
	dsb	sy
	isb
	mov	x4, x2
	mov	x2, xzr
	mov	x3, xzr
	br	x4
enter_end:
