/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_guest_ram.h: a guest's RAM for tests of code that writes to it, and the log. */
#ifndef FAKE_GUEST_RAM_H
#define FAKE_GUEST_RAM_H

#include "guest/vmm/vm.h"

/* Lines given to log_line, and the last one. */
extern unsigned fake_log_lines;
extern char fake_log_last[160];

/** Give @vm the name "test" and @size bytes of RAM at 0 in one heap block, filled with @fill. */
void fake_guest_ram(struct vm *vm, u64 size, u8 fill);
void fake_guest_free(struct vm *vm);

#endif
