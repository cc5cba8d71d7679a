/* SPDX-License-Identifier: Apache-2.0 */
/* hv/abi/status.h: what a call answers. Nothing has changed when it is not OK. */
#ifndef HV_ABI_STATUS_H
#define HV_ABI_STATUS_H

#include "hv/abi/types.h"

/* X(name, text): one line makes the number and the word that a log shows. The order is ABI. */
#define STATUS_LIST(X)                                      \
	X(OK, "ok")                                         \
	X(ERR_INVAL, "invalid argument")                    \
	X(ERR_RIGHTS, "no right to do this")                \
	X(ERR_NOMEM, "out of memory")                       \
	X(ERR_NOENT, "no such thing")                       \
	X(ERR_EXISTS, "exists already")                     \
	X(ERR_BUSY, "busy")                                 \
	X(ERR_ALIGN, "not aligned")                         \
	X(ERR_RANGE, "out of range")                        \
	X(ERR_OWNER, "the caller does not own this memory") \
	X(ERR_UNMAPPED, "nothing is mapped there")          \
	X(ERR_UNSUPPORTED, "not supported on this machine") \
	X(ERR_STATE, "not possible in this state")          \
	X(ERR_FULL, "table full")                           \
	X(ERR_FORMAT, "malformed data")                     \
	X(ERR_IO, "input or output error")

typedef enum status {
#define X(name, text) name,
	STATUS_LIST(X)
#undef X
		STATUS_COUNT
} status_t;

#endif
