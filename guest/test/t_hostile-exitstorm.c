/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/t_hostile-exitstorm.c: nothing but accesses to a device of the service VM's, for ever. */
#include "guest/test/lib/t.h"

void t_main(void)
{
	t_puts("EXPECT exit-storm\n");
	for (;;)
		(void)pci_r32(0, 0);
}
