/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/x86/early.c: the first serial port by polling, for the first words and the last. */
#include "guest/rt/early.h"
#include "guest/rt/sys.h"
#include "self/insn.h"

#define EARLY_LSR   5
#define EARLY_THRE  BIT(5)
#define EARLY_TRIES 100000 /* a port that is not there must not stop us */

static u16 early_port; /* 0: none */

void early_init(const struct boot_platform *p)
{
	early_port = (u16)p->serial.port;
}

/* Two CPUs' words may mix: the one that has come to grief must not wait for a lock. */
void early_write(const char *s, size_t len)
{
	for (size_t i = 0; early_port != 0 && i < len; i++) {
		unsigned tries = 0;

		while ((cpu_in8((u16)(early_port + EARLY_LSR)) & EARLY_THRE) == 0 && ++tries < EARLY_TRIES)
			;
		cpu_out8(early_port, (u8)s[i]);
	}
}
