/* SPDX-License-Identifier: Apache-2.0 */
/* boot/names.h: the files that a configuration (docs/config.md) names, and where they lie on the volume. */
#ifndef BOOT_NAMES_H
#define BOOT_NAMES_H

#include "hv/abi/boot_info.h"
#include "hv/abi/status.h"

#define NAMES_FOLDER "\\trivet\\"
#define NAMES_PATH   (sizeof(NAMES_FOLDER) + BOOT_STRING) /* characters of a path, its end included */

struct names {
	const char *text;
	size_t size, at;
	u32 line;	 /* of what names_next has found */
	bool in_vm;	 /* it is in a section [vm ...] */
	const char *why; /* what is wrong with that line, or NULL */
};

void names_start(struct names *n, const char *text, size_t size);

/**
 * The next file that the configuration names, as it is written: kernel, initrd, disk or module of a guest. All else in
 * it is the service VM's to judge. False: no more, or n->why says what is wrong in n->line.
 */
bool names_next(struct names *n, char name[BOOT_STRING]);

/**
 * Where the file called @name lies: in \trivet, its slashes as UEFI has them, those at its start left out (UEFI 2.10,
 * 13.5.2: Open). ERR_FORMAT: characters that FAT does not have, or a part "." or ".."; it is then empty.
 */
MUST_CHECK status_t names_path(const char *name, u16 path[NAMES_PATH]);

/** Append the first line of @line, @size bytes, to @text behind a blank; what is not printable ASCII becomes blanks. */
void names_append(char text[BOOT_STRING], const char *line, size_t size);
/** Whether @word is one of the words of @text. */
bool names_word(const char *text, const char *word);

#endif
