/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/fdt.c: a walk over a flattened device tree (Devicetree Specification, chapter 5). */
#include "guest/test/arm64/arm64.h"
#include "guest/test/arm64/fdt.h"

#define TOKEN_BEGIN_NODE 1
#define TOKEN_END_NODE	 2
#define TOKEN_PROP	 3
#define TOKEN_NOP	 4

static const u8 *fdt, *fdt_strings;
static u32 fdt_struct;

u32 fdt_u32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

u64 fdt_u64(const u8 *p)
{
	return (u64)fdt_u32(p) << 32 | fdt_u32(p + 4);
}

static bool fdt_equal(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return *a == *b;
}

bool fdt_init(u64 addr)
{
	fdt = (const u8 *)addr;
	if (addr == 0 || fdt_u32(fdt) != 0xd00dfeed) {
		fdt = NULL;
		return false;
	}
	fdt_struct = fdt_u32(fdt + 8);
	fdt_strings = fdt + fdt_u32(fdt + 12);
	return true;
}

u32 fdt_size(void)
{
	return fdt ? fdt_u32(fdt + 4) : 0;
}

static u32 fdt_string_end(u32 at)
{
	while (fdt[at])
		at++;
	return (u32)round_up(at + 1, 4);
}

const u8 *fdt_get(u32 node, const char *name, u32 *len)
{
	for (u32 at = node; at != 0;) {
		u32 token = fdt_u32(fdt + at);

		if (token == TOKEN_NOP) {
			at += 4;
			continue;
		}
		if (token != TOKEN_PROP)
			break;
		if (fdt_equal((const char *)fdt_strings + fdt_u32(fdt + at + 8), name)) {
			*len = fdt_u32(fdt + at + 4);
			return fdt + at + 12;
		}
		at = (u32)round_up(at + 12 + fdt_u32(fdt + at + 4), 4);
	}
	return NULL;
}

/* The node after @node (0: the first), NULL at the end; its name in *@name. */
static u32 fdt_next(u32 node, const char **name)
{
	u32 at = node ? node : fdt_struct;

	while (fdt != NULL) {
		u32 token = fdt_u32(fdt + at);

		if (token == TOKEN_BEGIN_NODE) {
			*name = (const char *)fdt + at + 4;
			return fdt_string_end(at + 4);
		}
		if (token == TOKEN_PROP)
			at = (u32)round_up(at + 12 + fdt_u32(fdt + at + 4), 4);
		else if (token == TOKEN_END_NODE || token == TOKEN_NOP)
			at += 4;
		else
			break;
	}
	return 0;
}

u32 fdt_node(const char *name)
{
	const char *found;

	for (u32 n = fdt_next(0, &found); n != 0; n = fdt_next(n, &found)) {
		unsigned i = 0;

		while (name[i] && name[i] == found[i])
			i++;
		if (name[i] == 0)
			return n;
	}
	return 0;
}

u32 fdt_compatible(const char *name)
{
	const char *found;

	for (u32 n = fdt_next(0, &found); n != 0; n = fdt_next(n, &found)) {
		u32 len = 0;
		const u8 *p = fdt_get(n, "compatible", &len);

		for (u32 i = 0; p != NULL && i < len; i++)
			if ((i == 0 || p[i - 1] == 0) && fdt_equal((const char *)p + i, name))
				return n;
	}
	return 0;
}

u64 fdt_reg(u32 node, unsigned n, u64 *size)
{
	u32 len = 0;
	const u8 *p = fdt_get(node, "reg", &len);

	if (p == NULL || len < 16 * (n + 1))
		return 0;
	if (size != NULL)
		*size = fdt_u64(p + 16 * n + 8);
	return fdt_u64(p + 16 * n);
}
