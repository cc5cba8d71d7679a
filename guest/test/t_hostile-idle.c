/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/t_hostile-idle.c: sleeps for ever. */
#include "guest/test/lib/t.h"

void t_main(void)
{
	t_puts("EXPECT idle\n");
	for (;;)
		t_halt();
}
