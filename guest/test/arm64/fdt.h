/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/fdt.h: as much of a device tree as the test guests ask. All cells are those of a root with two
 * address and two size cells. */
#ifndef GUEST_TEST_FDT_H
#define GUEST_TEST_FDT_H

#include "hv/abi/types.h"

/** False: no tree at @addr. */
bool fdt_init(u64 addr);
u32 fdt_size(void);
/** The first node whose name starts with @name; the place of its first property for fdt_get. 0: none. */
u32 fdt_node(const char *name);
/** The first node that is compatible with @name. 0: none. */
u32 fdt_compatible(const char *name);
/** A property of @node and its length, or NULL. */
const u8 *fdt_get(u32 node, const char *name, u32 *len);
u32 fdt_u32(const u8 *p);
u64 fdt_u64(const u8 *p);
/** The address of range @n of "reg" of @node, 0: none; *@size too unless NULL. */
u64 fdt_reg(u32 node, unsigned n, u64 *size);

#endif
