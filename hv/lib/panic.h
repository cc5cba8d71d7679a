/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/panic.h: the end, with words. Each program (hypervisor, service VM, test) has its own panic(). */
#ifndef HV_LIB_PANIC_H
#define HV_LIB_PANIC_H

#include "hv/abi/types.h"

/** A bug of ours: say it on every console and stop. Never returns. */
NORETURN void panic(const char *fmt, ...) PRINTF(1, 2) COLD;

/** Compiled in always: an invariant of ours that no caller or guest can break. */
#define ASSERT(cond)                                                                     \
	do {                                                                             \
		if (__builtin_expect(!(cond), 0))                                        \
			panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #cond); \
	} while (0)

#endif
