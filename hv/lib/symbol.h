/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/symbol.h: names for the addresses of a panic, from the boot module "hypervisor symbols". */
#ifndef HV_LIB_SYMBOL_H
#define HV_LIB_SYMBOL_H

#include "hv/abi/types.h"

/* The module, which ./trivet writes from the ELF file: header, entries, names. Little-endian. */
#define SYMBOL_MAGIC 0x31534d5953565254UL /* "TRVSYMS1" */

struct symbol_header {
	u64 magic;
	u32 count; /* of entries */
	u32 pad;
};

struct symbol {
	u32 at;	  /* from the beginning of the image's text, bytes */
	u32 name; /* offset in the module, NUL-terminated          */
};

/** Take names from the @size bytes at @table from now on; false: they make no sense, and are not used. */
bool symbol_use(const void *table, size_t size);
/** The name of what lies at @at, bytes from the text's beginning, and where it starts; NULL: none is known. */
const char *symbol_find(u64 at, u64 *start);
/**
 * A line of the log for @address, which is @at from the text's beginning. @call: it is a return address, and what
 * stands before it is meant.
 */
void symbol_log(u64 address, u64 at, bool call);

#endif
