/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/parse.h: numbers, times and lists as people write them. */
#ifndef GUEST_SERVICE_PARSE_H
#define GUEST_SERVICE_PARSE_H

#include "hv/abi/types.h"

/** Decimal digits at *@s, moved behind them. False: none, or the number is larger than @max. */
bool parse_number(const char **s, u64 max, u64 *out);
/** CPUs and ranges of them, "0,2-3", none above @top, in this order into @cpu; how many. 0: wrong, or more than @max.
 */
unsigned parse_cpus(const char *s, u8 *cpu, unsigned max, unsigned top);
/** "20ms/100ms", or "20%" of 100 ms, in ns. False: wrong, or not at least 100 us of 1 ms to 10 s. */
bool parse_budget(const char *s, u64 *budget, u64 *period);

#endif
