/* SPDX-License-Identifier: Apache-2.0 */
/* boot/multiboot/folder.h: the folder \trivet of a stick, when GRUB has loaded it (boot/image/menu.cfg). */
#ifndef BOOT_MULTIBOOT_FOLDER_H
#define BOOT_MULTIBOOT_FOLDER_H

#include "boot/multiboot/parse.h"

#define FOLDER_FILE    "folder:"      /* a module's string: this and the file's path in \trivet */
#define FOLDER_CONFIG  "config "      /* the configuration: this and its file's name            */
#define FOLDER_CMDLINE "command line" /* cmdline.txt                                            */
#define FOLDER_WHY     640	      /* bytes of what is said                                  */

/**
 * GRUB cannot read the configuration, so it loads all files of the folder. Those that the configuration among @bi's
 * modules names get the name written there, upper and lower case being the same on FAT; the others are no modules any
 * more, and their memory is free. The command line of the folder is appended to that of @bi. Without modules of the
 * folder nothing changes. False: @why says which file is missing, or what name cannot be.
 */
MUST_CHECK bool folder_resolve(struct boot_info *bi, multiboot_map_fn map, char why[FOLDER_WHY]);

#endif
