/* SPDX-License-Identifier: Apache-2.0 */
/* boot/arm64/fdt_walk.h: a walk through a device tree that knows each node's parents: addresses and interrupts. */
#ifndef BOOT_ARM64_FDT_WALK_H
#define BOOT_ARM64_FDT_WALK_H

#include "hv/abi/boot_info.h"

#define WALK_DEPTH 16 /* nodes deeper than this are passed over */

struct walk {
	const void *fdt;
	int node;  /* offset of the node that we are at */
	int depth; /* the root's is 0 */
	struct {
		int node;
		u32 ac, sc; /* #address-cells and #size-cells for its children */
	} at[WALK_DEPTH];   /* the way from the root, the node itself included */
};

void walk_start(struct walk *w, const void *fdt);
/** To the next node in the order of the tree, the root first; false: there is none. */
bool walk_next(struct walk *w);

/** Property @name: its bytes, NULL without it. *@len: how many. */
const void *walk_prop(const struct walk *w, const char *name, u32 *len);
/** A property that is one string; NULL if it is missing or has no end. */
const char *walk_string(const struct walk *w, const char *name);
/** A property that is one number of 4 or 8 bytes. */
bool walk_number(const struct walk *w, const char *name, u64 *v);
bool walk_compatible(const struct walk *w, const char *const *names);
/** No status property, or one that says that the device can be used. */
bool walk_enabled(const struct walk *w);
/** The parent's name is @name, and the parent a child of the root. */
bool walk_in(const struct walk *w, const char *name);

/** Entry @i of reg as the parent counts addresses. False: there is none, or its cells are not ours to understand. */
bool walk_reg_raw(const struct walk *w, unsigned i, struct boot_range *r);
/** The same, translated to a physical address by the ranges of all parents; never empty, never past 2^64. */
bool walk_reg(const struct walk *w, unsigned i, struct boot_range *r);
/** INTID of entry @i of interrupts, 0: there is none, or it does not go to a GIC. */
u32 walk_irq(const struct walk *w, unsigned i);
/** The index of @s in the list of strings @name, -1: not in it. */
int walk_string_index(const struct walk *w, const char *name, const char *s);

#endif
