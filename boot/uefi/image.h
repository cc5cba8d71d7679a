/* SPDX-License-Identifier: Apache-2.0 */
/* boot/uefi/image.h: is a file the hypervisor, or the service VM, and all of it? */
#ifndef BOOT_UEFI_IMAGE_H
#define BOOT_UEFI_IMAGE_H

#include "hv/abi/status.h"

/* Addresses are those that the hypervisor is linked at; @base is a multiple of 2 MiB. */
struct image {
	u64 base, size; /* of the memory that it takes, bytes */
	u64 entry;
};

/**
 * Check trivet.elf (ELF-64, System V ABI chapters 4 and 5), @size bytes at @file, 8-byte aligned, for the machine
 * @machine (e_machine), trusting nothing in it. Otherwise *@why says in words what is wrong: ERR_FORMAT, ERR_RANGE.
 */
MUST_CHECK status_t image_check(const void *file, u64 size, u16 machine, struct image *out, const char **why);

/** Lay out the checked file in out->size bytes at @to, zeroed where the file has nothing. */
void image_load(const void *file, const struct image *image, void *to);

/** Check service.bin by its header (hv/abi/service.h). ERR_FORMAT, ERR_RANGE. */
MUST_CHECK status_t image_check_service(const void *file, u64 size, const char **why);

#endif
