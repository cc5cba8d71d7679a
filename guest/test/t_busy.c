/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/t_busy.c: computes; says how many turns of its loop it had from the 200th to the 800th millisecond. Both
 * are multiples of any turn that a scheduler may give; it goes on behind that, for the others' sake. */
#include "guest/test/lib/t.h"

#define BUSY_BEGIN_MS 200
#define BUSY_END_MS   800
#define BUSY_STOP_MS  1000

static u64 busy_until(u64 end)
{
	u64 turns = 0;

	while (t_clock() < end) {
		for (volatile unsigned i = 0; i < 150; i++)
			;
		turns++;
	}
	return turns;
}

void t_main(void)
{
	u64 ms = t_clock_ms(), start = t_clock(), turns;

	busy_until(start + BUSY_BEGIN_MS * ms);
	turns = busy_until(start + BUSY_END_MS * ms);
	busy_until(start + BUSY_STOP_MS * ms);
	t_puts("BUSY ");
	t_dec(turns);
	t_puts("\n");
	t_check("turns", turns != 0);
}
