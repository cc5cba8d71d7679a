/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/symbol.c: names for the addresses of a panic. What the table says is checked where it is used. */
#include "hv/lib/symbol.h"

#include "hv/lib/log.h"
#include "hv/lib/string.h"

static const u8 *symbol_table;
static u64 symbol_size;
static u32 symbol_count; /* 0: no table */

bool symbol_use(const void *table, size_t size)
{
	const struct symbol_header *h = table;

	symbol_count = 0;
	if (size < sizeof(*h) || h->magic != SYMBOL_MAGIC || ((const u8 *)table)[size - 1] != '\0' ||
	    h->count > (size - sizeof(*h)) / sizeof(struct symbol))
		return false;
	symbol_table = table;
	symbol_size = size;
	symbol_count = h->count;
	return true;
}

const char *symbol_find(u64 at, u64 *start)
{
	const struct symbol *best = NULL;

	for (u32 i = 0; i < symbol_count; i++) {
		const struct symbol *s = (const void *)(symbol_table + sizeof(struct symbol_header));

		if (s[i].at <= at && (!best || s[i].at >= best->at))
			best = &s[i];
	}
	if (!best || best->name >= symbol_size)
		return NULL;
	*start = best->at;
	return (const char *)symbol_table + best->name; /* the table's last byte ends it at the latest */
}

void symbol_log(u64 address, u64 at, bool call)
{
	u64 start = 0;
	const char *name = symbol_find(at - call, &start);

	if (name)
		log_printf("    %lx %.60s+%lx\n", address, name, at - start);
	else
		log_printf("    %lx\n", address);
}
