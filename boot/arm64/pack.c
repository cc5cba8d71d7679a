/* SPDX-License-Identifier: Apache-2.0 */
/* boot/arm64/pack.c: the pack, a file of boot modules for loaders that load one file alone. */
#include "boot/arm64/fdt.h"
#include "hv/lib/string.h"
#include "hv/lib/util.h"

/*
 * Little-endian. The header: 8 bytes of magic, u32 version, u32 count of entries, u64 size of the whole. From byte 256
 * on the entries, of 256 bytes each: u64 offset of the file in the pack, u64 its size, its name and arguments, which
 * end with NUL. The files follow, each at a multiple of 4 KiB.
 */
#define PACK_MAGIC   "TRVPACK1"
#define PACK_VERSION 1u
#define PACK_ENTRY   256u /* bytes an entry, and where the first begins */
#define PACK_STRING  240u

static u64 pack_read(const u8 *p, unsigned n)
{
	u64 v = 0;

	while (n-- != 0)
		v = v << 8 | p[n];
	return v;
}

static const char *pack_header(const u8 *head, size_t len, u64 base, u64 size, u32 *count)
{
	if (!is_aligned(base, PAGE_SIZE) || range_bad(base, size))
		return "the initial RAM disk is not at a multiple of 4 KiB";
	if (len < PACK_ENTRY || size < PACK_ENTRY || memcmp(head, PACK_MAGIC, 8) != 0)
		return "the initial RAM disk is not a pack of modules: ./trivet makes them";
	if (pack_read(head + 8, 4) != PACK_VERSION)
		return "the pack of modules is of another version";
	*count = (u32)pack_read(head + 12, 4);
	if (*count > BOOT_MAX_MODULES)
		return "the pack has more than 24 modules";
	if (PACK_ENTRY + *count * PACK_ENTRY > MIN(len, size))
		return "the pack is cut off";
	if (pack_read(head + 16, 8) > size)
		return "the pack is cut off, or says that it is larger than it is";
	return NULL;
}

/* @e: the entry; @start, @end: where files may lie in the pack. */
static const char *pack_entry(const u8 *e, u64 start, u64 end, u64 base, struct boot_module *m)
{
	u64 offset = pack_read(e, 8), size = pack_read(e + 8, 8);
	const char *s = (const char *)e + 16;

	if (!is_aligned(offset, PAGE_SIZE))
		return "a module in the pack is not at a multiple of 4 KiB";
	if (end < start || !range_in(offset, size, start, end - start))
		return "a module in the pack lies outside of it";
	if (strnlen(s, PACK_STRING) == PACK_STRING)
		return "a module's name in the pack has no end";
	m->base = base + offset;
	m->size = size;
	str_copy(m->string, s, sizeof(m->string));
	return NULL;
}

status_t pack_parse(const void *head, size_t len, u64 base, u64 size, struct boot_info *bi, const char **why)
{
	u32 count = 0, had = bi->nmodules;
	u64 total, start;

	*why = pack_header(head, len, base, size, &count);
	if (*why)
		return ERR_FORMAT;
	if (count > BOOT_MAX_MODULES - had) {
		*why = "there are more than 24 modules";
		return ERR_FULL;
	}
	total = pack_read((const u8 *)head + 16, 8);
	start = round_up(PACK_ENTRY + count * PACK_ENTRY, PAGE_SIZE);
	for (u32 i = 0; i < count; i++) {
		*why = pack_entry((const u8 *)head + PACK_ENTRY + i * PACK_ENTRY, start, total, base,
				  &bi->module[had + i]);
		if (*why) {
			memset(&bi->module[had], 0, count * sizeof(bi->module[0]));
			return ERR_RANGE;
		}
	}
	bi->nmodules = had + count;
	return OK;
}

/* All of it in memory, whose pieces need not be one region: touching ones are followed. */
static bool pack_in_ram(const struct boot_info *bi, u64 base, u64 size)
{
	u64 at = base, end = base + size;
	bool more = true;

	while (at < end && more) {
		more = false;
		for (u32 i = 0; i < bi->nregions; i++) {
			const struct boot_region *r = &bi->region[i];

			if (r->kind == BOOT_MEM_RAM && range_in(at, 1, r->base, r->size)) {
				at = r->base + r->size;
				more = true;
			}
		}
	}
	return at >= end;
}

status_t boot_check_modules(const struct boot_info *bi, u64 base, u64 size, const char **why)
{
	*why = NULL;
	for (u32 i = 0; i < bi->nmodules; i++) {
		const struct boot_module *m = &bi->module[i];
		u64 pages = round_up(m->size, PAGE_SIZE); /* two modules never share a page */

		if (!pack_in_ram(bi, m->base, m->size))
			*why = "a module does not lie in memory";
		else if (range_overlap(m->base, pages, base, size))
			*why = "a module and the hypervisor overlap";
		for (u32 k = 0; k < bi->nregions; k++)
			if (bi->region[k].kind != BOOT_MEM_RAM &&
			    range_overlap(m->base, pages, bi->region[k].base, bi->region[k].size))
				*why = "a module overlaps the device tree or reserved memory";
		for (u32 k = 0; k < i; k++)
			if (range_overlap(m->base, pages, bi->module[k].base, bi->module[k].size))
				*why = "two modules overlap";
		if (*why)
			return ERR_RANGE;
	}
	return OK;
}
