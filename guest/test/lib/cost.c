/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/lib/cost.c: prints what cost.h measures. */
#include "guest/test/lib/cost.h"

static u64 cost_overhead;

void cost_print(const char *name, u64 cost)
{
	t_puts("COST ");
	t_puts(name);
	t_puts(" ");
	t_dec(cost);
	t_puts("\n");
}

void cost_report(const char *name, u64 total)
{
	u64 each = (total + COST_N / 2) / COST_N;

	cost_print(name, each > cost_overhead ? each - cost_overhead : 0);
	if (cost_overhead == 0)
		cost_overhead = each;
}
