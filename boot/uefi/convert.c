/* SPDX-License-Identifier: Apache-2.0 */
/* boot/uefi/convert.c: UEFI's description of memory and of a frame buffer in the words of struct boot_info. */
#include "boot/uefi/convert.h"

#include "hv/lib/string.h"
#include "hv/lib/util.h"

/* EFI_MEMORY_TYPE (UEFI 2.10, 7.2.1) */
enum {
	LOADER_CODE = 1,
	LOADER_DATA = 2,
	BOOT_SERVICES_CODE = 3,
	BOOT_SERVICES_DATA = 4,
	CONVENTIONAL = 7,
	UNUSABLE = 8,
	ACPI_RECLAIM = 9,
	ACPI_NVS = 10,
};

#define MEMORY_WB  BIT(3)  /* can be cached, write-back (7.2.3) */
#define MEMORY_SP  BIT(18) /* meant for a special purpose       */
#define MEMORY_MAX BIT(52)

static u32 convert_kind(const struct uefi_memory *m)
{
	switch (m->type) {
	case LOADER_CODE:
	case LOADER_DATA:
	case BOOT_SERVICES_CODE:
	case BOOT_SERVICES_DATA:
	case CONVENTIONAL:
		return (m->attribute & (MEMORY_WB | MEMORY_SP)) == MEMORY_WB ? BOOT_MEM_RAM : BOOT_MEM_RESERVED;
	case UNUSABLE: return BOOT_MEM_BAD;
	case ACPI_RECLAIM: return BOOT_MEM_ACPI;
	case ACPI_NVS: return BOOT_MEM_NVS;
	default: return BOOT_MEM_RESERVED; /* runtime services, registers, persistent memory, and what is to come */
	}
}

/* False: there is no room. */
static bool convert_region(struct boot_info *bi, u64 base, u64 size, u32 kind)
{
	for (u32 i = 0; i < bi->nregions; i++) {
		struct boot_region *r = &bi->region[i];

		if (r->kind == kind && r->base + r->size == base) {
			r->size += size;
			return true;
		}
		if (r->kind == kind && base + size == r->base) {
			r->base = base;
			r->size += size;
			return true;
		}
	}
	if (bi->nregions == BOOT_MAX_REGIONS)
		return false;
	bi->region[bi->nregions++] = (struct boot_region){ base, size, kind, 0 };
	return true;
}

unsigned convert_memory(const void *map, size_t size, size_t step, struct boot_info *bi)
{
	unsigned left_out = 0;

	bi->nregions = 0;
	if (step < sizeof(struct uefi_memory))
		return 0;
	for (int ram = 1; ram >= 0; ram--)
		for (size_t at = 0; size - at >= step; at += step) {
			struct uefi_memory m;
			u32 kind;

			memcpy(&m, (const u8 *)map + at, sizeof(m));
			kind = convert_kind(&m);
			if ((kind == BOOT_MEM_RAM) != ram || m.number_of_pages == 0)
				continue;
			if (m.physical_start >= MEMORY_MAX ||
			    m.number_of_pages > (MEMORY_MAX - m.physical_start) >> PAGE_SHIFT ||
			    !convert_region(bi, m.physical_start, m.number_of_pages << PAGE_SHIFT, kind))
				left_out++;
		}
	return left_out;
}

void convert_mask(u32 mask, u8 *pos, u8 *size)
{
	u8 low = 0, n = 0;

	while (mask && !(mask >> low & 1))
		low++;
	while (low + n < 32 && mask >> (low + n) & 1)
		n++;
	if (!mask || (low + n < 32 && mask >> (low + n)))
		low = n = 0;
	*pos = low;
	*size = n;
}

void convert_options(const u16 *options, size_t size, char text[BOOT_STRING])
{
	size_t n = size / sizeof(*options), at = 0, to = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n && options[i]; i++)
		if (options[i] < ' ' || options[i] > '~')
			return;
	while (at < n && options[at] && options[at] != ' ')
		at++;
	while (at < n && options[at] == ' ')
		at++;
	while (at < n && options[at] && to < BOOT_STRING - 1)
		text[to++] = (char)options[at++];
	text[to] = '\0';
}
