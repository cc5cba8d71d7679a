/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/lib/cost.h: what single operations cost, averaged over COST_N. Prints "COST name n". */
#ifndef GUEST_TEST_COST_H
#define GUEST_TEST_COST_H

#include "guest/test/lib/t.h"

#define COST_N 1000

/* What COST_N rounds of @statement take by @clock(), after two to warm up. */
#define COST_TICKS(clock, statement)                    \
	({                                              \
		u64 start;                              \
		for (unsigned i = 0; i < 2; i++) {      \
			statement;                      \
		}                                       \
		start = clock();                        \
		for (unsigned i = 0; i < COST_N; i++) { \
			statement;                      \
		}                                       \
		clock() - start;                        \
	})

/** Print a cost as it is. */
void cost_print(const char *name, u64 cost);
/** The same for one of COST_N rounds, which took @total. The first is the empty loop: the others have it subtracted. */
void cost_report(const char *name, u64 total);

#endif
