/* SPDX-License-Identifier: Apache-2.0 */
/* boot/multiboot/parse.c: reads what a Multiboot loader left, trusting no length in it. */
#include "boot/multiboot/parse.h"

#include "hv/lib/string.h"
#include "hv/lib/util.h"

#define MB1_SIZE	116u
#define MB1_CMDLINE	BIT(2)
#define MB1_MODULES	BIT(3)
#define MB1_MMAP	BIT(6)
#define MB1_LOADER	BIT(9)
#define MB1_FRAMEBUFFER BIT(12)
#define MB1_MAX_MMAP	(1u << 16)

#define MB2_MAX_SIZE (1u << 20)
enum {
	MB2_END = 0,
	MB2_CMDLINE = 1,
	MB2_LOADER = 2,
	MB2_MODULE = 3,
	MB2_MMAP = 6,
	MB2_FRAMEBUFFER = 8,
	MB2_RSDP_V1 = 14,
	MB2_RSDP_V2 = 15
};

/* framebuffer_type */
#define FB_RGB	1u /* direct colour */
#define FB_TEXT 2u

struct multiboot {
	multiboot_map_fn map;
	multiboot_warn_fn warn;
	struct boot_info *out;
};

static u64 multiboot_read(const u8 *p, unsigned n)
{
	u64 v = 0;

	while (n-- != 0)
		v = v << 8 | p[n];
	return v;
}

static void multiboot_region(const struct multiboot *m, u64 base, u64 size, u32 type)
{
	static const u32 kinds[] = { BOOT_MEM_RESERVED, BOOT_MEM_RAM, BOOT_MEM_RESERVED,
				     BOOT_MEM_ACPI,	BOOT_MEM_NVS, BOOT_MEM_BAD };
	struct boot_info *o = m->out;

	if (size == 0)
		return;
	if (range_bad(base, size) || o->nregions == BOOT_MAX_REGIONS) {
		m->warn("Multiboot: memory at 0x%llx ignored", (unsigned long long)base);
		return;
	}
	o->region[o->nregions++] =
		(struct boot_region){ base, size, type < ARRAY_SIZE(kinds) ? kinds[type] : BOOT_MEM_RESERVED, 0 };
}

/* Its string is for the caller to fill; NULL if the module is dropped. */
static struct boot_module *multiboot_module(const struct multiboot *m, u64 start, u64 end)
{
	struct boot_info *o = m->out;

	if (end < start || !is_aligned(start, PAGE_SIZE) || o->nmodules == BOOT_MAX_MODULES) {
		m->warn("Multiboot: module at 0x%llx ignored", (unsigned long long)start);
		return NULL;
	}
	o->module[o->nmodules].base = start;
	o->module[o->nmodules].size = end - start;
	return &o->module[o->nmodules++];
}

/* Copy at most @len bytes of @s, which may lack its NUL; the rest of @d is zero already. */
static void multiboot_text(const struct multiboot *m, char *d, size_t size, const u8 *s, size_t len)
{
	size_t n = strnlen((const char *)s, len);

	if (n == len || n >= size)
		m->warn("Multiboot: a string is cut off");
	memcpy(d, s, MIN(n, size - 1));
}

/* A string somewhere in memory: a byte at a time, since its length is not known. */
static void multiboot_string(const struct multiboot *m, char *d, size_t size, u64 pa)
{
	for (size_t i = 0; i < size; i++) {
		const u8 *p = m->map(pa + i, 1);

		if (p != NULL && *p == '\0')
			return;
		if (p == NULL || i == size - 1) {
			m->warn("Multiboot: a string is cut off");
			return;
		}
		d[i] = (char)*p;
	}
}

/* Without the file's address that iPXE puts in front, as in "tftp://server/service.bin service". */
static void multiboot_strip(char string[BOOT_STRING])
{
	char *address = strstr(string, "://"), *blank = strchr(string, ' ');
	size_t n;

	if (!address || !blank || blank < address)
		return;
	n = strlen(blank + 1) + 1;
	memmove(string, blank + 1, n);
	memset(string + n, 0, BOOT_STRING - n);
}

/* @p: address, pitch, width, height, bits per pixel, type; @rgb: six bytes of colour layout, NULL: missing. */
static void multiboot_fb(const struct multiboot *m, const u8 *p, const u8 *rgb)
{
	if (p[21] != FB_RGB) {
		m->warn("Multiboot: the screen is %s: no console on it",
			p[21] == FB_TEXT ? "in text mode" : "not of direct colour");
		return;
	}
	if (rgb == NULL) {
		m->warn("Multiboot: the framebuffer's tag is too short: no console on the screen");
		return;
	}
	m->out->fb = (struct boot_framebuffer){
		.base = multiboot_read(p, 8),
		.pitch = multiboot_read(p + 8, 4),
		.width = multiboot_read(p + 12, 4),
		.height = multiboot_read(p + 16, 4),
		.bpp = p[20],
		.red_pos = rgb[0],
		.red_size = rgb[1],
		.green_pos = rgb[2],
		.green_size = rgb[3],
		.blue_pos = rgb[4],
		.blue_size = rgb[5],
	};
}

static void multiboot1_mmap(const struct multiboot *m, u64 pa, u32 len)
{
	const u8 *p = len <= MB1_MAX_MMAP ? m->map(pa, len) : NULL;
	u32 at = 0, size;

	if (p == NULL) {
		m->warn("Multiboot: memory map unreadable");
		return;
	}
	for (; len - at >= 24; at += size + 4) {
		size = multiboot_read(p + at, 4);
		if (size < 20 || size > len - at - 4) {
			m->warn("Multiboot: memory map entry of %u bytes", size);
			return;
		}
		multiboot_region(m, multiboot_read(p + at + 4, 8), multiboot_read(p + at + 12, 8),
				 multiboot_read(p + at + 20, 4));
	}
}

static void multiboot1_modules(const struct multiboot *m, u64 pa, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		const u8 *p = i <= BOOT_MAX_MODULES ? m->map(pa + i * 16, 16) : NULL;
		struct boot_module *mod;

		if (p == NULL) {
			m->warn("Multiboot: modules from number %u on ignored", i);
			return;
		}
		mod = multiboot_module(m, multiboot_read(p, 4), multiboot_read(p + 4, 4));
		if (mod != NULL && multiboot_read(p + 8, 4) != 0) {
			multiboot_string(m, mod->string, sizeof(mod->string), multiboot_read(p + 8, 4));
			multiboot_strip(mod->string);
		}
	}
}

static status_t multiboot1(const struct multiboot *m, u64 pa)
{
	const u8 *p = m->map(pa, MB1_SIZE);
	u32 flags;

	if (p == NULL)
		return ERR_FORMAT;
	flags = multiboot_read(p, 4);
	if (flags & MB1_CMDLINE)
		multiboot_string(m, m->out->cmdline, sizeof(m->out->cmdline), multiboot_read(p + 16, 4));
	if (flags & MB1_LOADER)
		multiboot_string(m, m->out->loader, sizeof(m->out->loader), multiboot_read(p + 64, 4));
	if (flags & MB1_MODULES)
		multiboot1_modules(m, multiboot_read(p + 24, 4), multiboot_read(p + 20, 4));
	if (flags & MB1_MMAP)
		multiboot1_mmap(m, multiboot_read(p + 48, 4), multiboot_read(p + 44, 4));
	if (flags & MB1_FRAMEBUFFER)
		multiboot_fb(m, p + 88, p + 110);
	return OK;
}

static void multiboot2_mmap(const struct multiboot *m, const u8 *p, u32 size)
{
	u32 step = size >= 16 ? multiboot_read(p + 8, 4) : 0;

	if (step < 24 || step % 8 != 0) {
		m->warn("Multiboot: memory map with entries of %u bytes", step);
		return;
	}
	for (u32 at = 16; at <= size && size - at >= step; at += step)
		multiboot_region(m, multiboot_read(p + at, 8), multiboot_read(p + at + 8, 8),
				 multiboot_read(p + at + 16, 4));
}

/* The tag @p of @size bytes at physical address @pa. */
static void multiboot2_tag(const struct multiboot *m, u32 type, const u8 *p, u32 size, u64 pa)
{
	struct boot_info *o = m->out;
	struct boot_module *mod;

	if (type == MB2_CMDLINE) {
		multiboot_text(m, o->cmdline, sizeof(o->cmdline), p + 8, size - 8);
	} else if (type == MB2_LOADER) {
		multiboot_text(m, o->loader, sizeof(o->loader), p + 8, size - 8);
	} else if (type == MB2_MODULE && size >= 16) {
		mod = multiboot_module(m, multiboot_read(p + 8, 4), multiboot_read(p + 12, 4));
		if (mod != NULL)
			multiboot_text(m, mod->string, sizeof(mod->string), p + 16, size - 16);
	} else if (type == MB2_MMAP) {
		multiboot2_mmap(m, p, size);
	} else if (type == MB2_FRAMEBUFFER && size >= 31) {
		multiboot_fb(m, p + 8, size >= 38 ? p + 32 : NULL);
	} else if ((type == MB2_RSDP_V1 && size >= 8 + 20 && o->acpi_rsdp == 0) ||
		   (type == MB2_RSDP_V2 && size >= 8 + 36)) {
		o->acpi_rsdp = pa + 8;
	}
}

static status_t multiboot2(const struct multiboot *m, u64 pa)
{
	const u8 *p = m->map(pa, 8);
	u32 total, type, size;

	total = p != NULL ? multiboot_read(p, 4) : 0;
	if (total < 16 || total > MB2_MAX_SIZE)
		return ERR_FORMAT;
	p = m->map(pa, total);
	if (p == NULL)
		return ERR_FORMAT;
	for (u32 at = 8; at < total && total - at >= 8; at += round_up(size, 8)) {
		type = multiboot_read(p + at, 4);
		size = multiboot_read(p + at + 4, 4);
		if (size < 8 || size > total - at) {
			m->warn("Multiboot: tag %u has %u bytes", type, size);
			return OK;
		}
		if (type == MB2_END)
			return OK;
		multiboot2_tag(m, type, p + at, size, pa + at);
	}
	m->warn("Multiboot: no end tag");
	return OK;
}

status_t multiboot_parse(u32 magic, u64 pa, multiboot_map_fn map, multiboot_warn_fn warn, struct boot_info *out)
{
	struct multiboot m = { map, warn, out };

	memset(out, 0, sizeof(*out));
	if (magic == MULTIBOOT1_MAGIC)
		return multiboot1(&m, pa);
	return magic == MULTIBOOT2_MAGIC ? multiboot2(&m, pa) : ERR_UNSUPPORTED;
}
