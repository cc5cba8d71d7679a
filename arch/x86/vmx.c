/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/vmx.c: the VMX back end. */
#include "arch/x86/vendor.h"

static const char *vmx_probe(void)
{
	return "no VMX back end yet";
}

const struct vendor vendor_vmx = { .name = "VMX", .probe = vmx_probe };
