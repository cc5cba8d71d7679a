/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/vmx_ops.h: VMREAD and VMWRITE on the current VMCS. Apart, so that a unit test can put its own in their
 * place. */
#ifndef ARCH_X86_VMX_OPS_H
#define ARCH_X86_VMX_OPS_H

#include "hv/abi/types.h"

/* A field that the CPU does not have reads as 0 (VMfailValid leaves the operand alone), and writing it does nothing. */
static inline u64 vmread(u64 field)
{
	u64 v = 0;

	asm volatile("vmread %1, %0" : "+r"(v) : "r"(field) : "cc");
	return v;
}

static inline void vmwrite(u64 field, u64 v)
{
	asm volatile("vmwrite %0, %1" : : "r"(v), "r"(field) : "cc");
}

#endif
