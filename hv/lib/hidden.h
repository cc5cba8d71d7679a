/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/hidden.h: put before every source of a position-independent program: no symbol is reached through a table. */
#pragma GCC visibility push(hidden)
