/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/log.h: the hypervisor's log, for those who may not include hv/ (boot, arch, drivers). */
#ifndef HV_LIB_LOG_H
#define HV_LIB_LOG_H

#include "hv/abi/types.h"

/** Add text, newline included, to the log ring and the early console. */
void log_printf(const char *fmt, ...) PRINTF(1, 2);

#endif
