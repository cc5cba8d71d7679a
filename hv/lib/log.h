/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/log.h: the hypervisor's log, for those who may not include hv/ (boot, arch, drivers). */
#ifndef HV_LIB_LOG_H
#define HV_LIB_LOG_H

#include "hv/abi/types.h"

/** Add text, newline included, to the log ring and the early console. */
void log_printf(const char *fmt, ...) PRINTF(1, 2);

struct boot_info;
/** Start the consoles that @bi (NULL: nothing is known yet) tells of. Loaders call it as soon as they know. */
void log_init(struct boot_info *bi);
/** The hypervisor has its own page tables: consoles that are memory get into them. */
void log_map(void);

#endif
