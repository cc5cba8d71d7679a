/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/t_hostile-wildjump.c: executes addresses where nothing, or a device, is. Expected: "EXPECT
 * wild-jump", then the VM is stopped with an error, or each fetch faults inside the guest: PASS and DONE then. On plain
 * QEMU what is fetched depends on its devices; the test's runner must set a time limit. */
#include "guest/test/arm64/arm64.h"

static void jump(void *a)
{
	__asm__ volatile("blr %0" ::"r"(a) : "x30", "memory");
}

static void wild(const char *name, u64 to)
{
	int x = trap_try(jump, (void *)to);

	t_info(name, (u32)x);
	t_check("the fetch faulted inside the guest", x >= 0);
}

void t_main(void)
{
	t_puts("EXPECT wild-jump\n");
	wild("class, beyond RAM", t_map[0].base + t_map[0].size);
	wild("class, unaligned", t_map[0].base + 2);
	wild("class, hole", t_hole);
	wild("class, GIC", gicd);
	wild("class, beyond any memory", 1ull << 52);
}
