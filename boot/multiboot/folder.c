/* SPDX-License-Identifier: Apache-2.0 */
/* boot/multiboot/folder.c: of all files of a stick's folder \trivet, those that the configuration names. */
#include "boot/multiboot/folder.h"

#include "boot/names.h"
#include "hv/lib/print.h"
#include "hv/lib/string.h"
#include "hv/lib/util.h"

static bool folder_starts(const struct boot_module *m, const char *start)
{
	return strncmp(m->string, start, strlen(start)) == 0;
}

static char folder_small(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool folder_same(const char *a, const char *b)
{
	while (*a && folder_small(*a) == folder_small(*b)) {
		a++;
		b++;
	}
	return *a == *b;
}

static_assert(BOOT_MAX_MODULES == 24, "the text below");

/* Take the modules whose string starts with @start off the list. */
static void folder_drop(struct boot_info *bi, const char *start)
{
	u32 left = 0;

	for (u32 i = 0; i < bi->nmodules; i++)
		if (!folder_starts(&bi->module[i], start))
			bi->module[left++] = bi->module[i];
	bi->nmodules = left;
}

/* Give the file called @name that name as its module's string; false: it is not there. */
static bool folder_take(struct boot_info *bi, const char *name)
{
	const char *path = name;

	for (u32 i = 0; i < bi->nmodules; i++)
		if (strcmp(bi->module[i].string, name) == 0)
			return true;
	while (*path == '/')
		path++;
	for (u32 i = 0; i < bi->nmodules; i++) {
		struct boot_module *m = &bi->module[i];

		if (folder_starts(m, FOLDER_FILE) && folder_same(m->string + strlen(FOLDER_FILE), path)) {
			str_copy(m->string, name, sizeof(m->string));
			return true;
		}
	}
	return false;
}

/* All files that the configuration @text, called @file, names. */
static bool folder_files(struct boot_info *bi, const char *file, const char *text, u64 size, char why[FOLDER_WHY])
{
	char name[BOOT_STRING], shown[NAMES_PATH];
	u16 path[NAMES_PATH];
	struct names n;

	for (names_start(&n, text, size); names_next(&n, name);) {
		if (names_path(name, path) != OK) {
			snprintf(why, FOLDER_WHY, "%s:%u: no file on this volume can be called %s", file, n.line, name);
			return false;
		}
		if (folder_take(bi, name))
			continue;
		for (size_t i = 0; i == 0 || path[i - 1]; i++)
			shown[i] = (char)path[i];
		snprintf(why, FOLDER_WHY, "there is no file %s, named in line %u of %s%s", shown, n.line, file,
			 bi->nmodules == BOOT_MAX_MODULES ? ", among the first 24 of the folder" : "");
		return false;
	}
	if (n.why)
		snprintf(why, FOLDER_WHY, "%s:%u: %s", file, n.line, n.why);
	return !n.why;
}

bool folder_resolve(struct boot_info *bi, multiboot_map_fn map, char why[FOLDER_WHY])
{
	char file[BOOT_STRING];
	const void *text;

	for (u32 i = 0; i < bi->nmodules; i++) {
		const struct boot_module *m = &bi->module[i];

		text = map(m->base, m->size);
		if (text && strcmp(m->string, FOLDER_CMDLINE) == 0)
			names_append(bi->cmdline, text, m->size);
		if (!text || !folder_starts(m, FOLDER_CONFIG))
			continue;
		str_copy(file, m->string + strlen(FOLDER_CONFIG), sizeof(file));
		if (!folder_files(bi, file, text, m->size, why))
			return false;
	}
	folder_drop(bi, FOLDER_FILE);
	folder_drop(bi, FOLDER_CMDLINE);
	return true;
}
