/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/mce.h: machine checks. */
#ifndef ARCH_X86_MCE_H
#define ARCH_X86_MCE_H

#include "hv/abi/types.h"

#define CPUID1_MCE BIT(7) /* leaf 1, EDX */
#define CPUID1_MCA BIT(14)

/** Have this CPU's banks report all they can; what they hold already goes to the log. */
void x86_mce_init(void);
/** The CPU has raised #MC (SDM 3A, 6.15), @where it was: panic with what the banks say. Takes no lock. */
NORETURN void x86_mce_fatal(const char *where);
/** A guest has shut down, as it does of a machine check with its CR4.MCE off: panic if that is why. */
void x86_mce_check(const char *where);

#endif
