/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/sysreg.h: system registers by name, and the bits that we use (Arm ARM DDI 0487, chapter D19). */
#ifndef ARCH_ARM64_SYSREG_H
#define ARCH_ARM64_SYSREG_H

#include "hv/abi/types.h"

#define STR_(x) #x
#define STR(x)	STR_(x)
#define read_sysreg(reg)                                      \
	({                                                    \
		u64 v_;                                       \
		asm volatile("mrs %0, " STR(reg) : "=r"(v_)); \
		v_;                                           \
	})
#define write_sysreg(v, reg) asm volatile("msr " STR(reg) ", %x0" : : "rZ"((u64)(v)))
#define isb()		     asm volatile("isb" : : : "memory")
#define dsb(what)	     asm volatile("dsb " #what : : : "memory")

#endif
