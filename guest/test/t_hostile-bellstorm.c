/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/t_hostile-bellstorm.c: rings a virtio device's doorbell for ever; there is nothing in its queue. */
#include "guest/test/lib/t.h"

static u8 bell_desc[4096] ALIGNED(4096), bell_avail[4096] ALIGNED(4096), bell_used[4096] ALIGNED(4096);

void t_main(void)
{
	struct vpci d;

	if (!vpci_open(&d, 4) || !vpci_start(&d)) {
		t_skip("virtio-rng", "no device");
		return;
	}
	vpci_queue(&d, 0, 8, (u64)bell_desc, (u64)bell_avail, (u64)bell_used, 0xffff);
	vpci_set_status(&d, 15);
	t_puts("EXPECT bell-storm\n");
	for (;;)
		vpci_kick(&d, 0);
}
