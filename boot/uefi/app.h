/* SPDX-License-Identifier: Apache-2.0 */
/* boot/uefi/app.h: the parts of the UEFI loader: what each offers the others. Sections are those of UEFI 2.10. */
#ifndef BOOT_UEFI_APP_H
#define BOOT_UEFI_APP_H

#include <efi.h>

#include "hv/abi/boot_info.h"

#define UEFI_REACH \
	(4 * SIZE_1G) /* all that we load lies below it: the hypervisor's first page tables reach no further */

extern EFI_HANDLE uefi_image;
extern EFI_SYSTEM_TABLE *uefi_table;
extern EFI_BOOT_SERVICES *uefi_boot;

/** The interface with the name @guid of @handle, NULL: it has none. */
void *uefi_protocol(EFI_HANDLE handle, EFI_GUID guid);
/** All handles with an interface @guid, *@n of them; pool memory. NULL: none. */
EFI_HANDLE *uefi_handles(EFI_GUID guid, UINTN *n);

/* con.c: words for the user, on all of the firmware's consoles and a serial port that is not one of them. */

void con_init(void);
void con_print(const char *fmt, ...) PRINTF(1, 2);
/** Say what is wrong, wait for a key, give everything back and return to the firmware. */
NORETURN void con_fail(const char *fmt, ...) PRINTF(1, 2);
/** The same when firmware may not be returned to any more: the machine restarts after some seconds. */
NORETURN void con_fail_restart(const char *fmt, ...) PRINTF(1, 2);

/* memory.c */

/** @size bytes below UEFI_REACH, at a multiple of @align, whole pages; con_fail says that there is no room for @what.
 */
void *memory_get(u64 size, u64 align, const char *what);
/** Give back all of it. */
void memory_release(void);
/** The machine is ours: end all services (7.4.6). Its memory goes into the regions of @bi. */
void memory_exit(struct boot_info *bi);

/* file.c */

/**
 * Find the volume with our files: the one that this program was loaded from, or else one within that device, a CD.
 * Its root takes the place of the folder \trivet where that is not there, as with what iPXE has downloaded.
 */
void file_init(void);
/**
 * The whole file at @path, in memory_get's memory. con_fail says that it is not there, or cannot be read, for @reason;
 * where that is NULL, it need not be there: NULL.
 */
void *file_load(const u16 *path, const char *reason, u64 *size);

/* platform.c */

/** Strings, firmware's tables and the frame buffer into @bi. */
void platform_describe(struct boot_info *bi);

/* arch.c in the folder of the architecture */

extern const u16 uefi_machine; /* e_machine of its ELF files */
/** Why the hypervisor cannot be started on this CPU or with these tables, as far as it cannot say so itself; or NULL.
 */
const char *uefi_arch_check(struct boot_info *bi);
/** Enter the hypervisor, boot/handoff.h. @image: what lies where, @size bytes. */
NORETURN void uefi_arch_enter(const void *image, u64 size, u64 entry, const struct boot_info *bi);

#endif
