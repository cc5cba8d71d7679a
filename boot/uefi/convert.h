/* SPDX-License-Identifier: Apache-2.0 */
/* boot/uefi/convert.h: UEFI's description of memory and of a frame buffer in the words of struct boot_info. */
#ifndef BOOT_UEFI_CONVERT_H
#define BOOT_UEFI_CONVERT_H

#include "hv/abi/boot_info.h"

/* EFI_MEMORY_DESCRIPTOR (UEFI 2.10, 7.2.3): a firmware's may be longer. */
struct uefi_memory {
	u32 type; /* EFI_MEMORY_TYPE */
	u32 pad;
	u64 physical_start;
	u64 virtual_start;
	u64 number_of_pages;
	u64 attribute;
};

/**
 * Fill the regions of @bi from the memory map @map, @size bytes in steps of @step, as memory is after ExitBootServices
 * (7.2.1, table 7.6). Neighbours of one kind become one region. RAM comes first: when there are too many, what is left
 * out is reserved or some RAM, which is then nobody's. Returns how many are left out.
 */
unsigned convert_memory(const void *map, size_t size, size_t step, struct boot_info *bi);

/** Lowest bit and number of bits of the colour mask @mask (12.9.2); both 0 when its bits are not in a row. */
void convert_mask(u32 mask, u8 *pos, u8 *size);

/**
 * The load options @options, @size bytes of UTF-16 (9.1), without their first word, the program's name, as @text. What
 * is not text of printable ASCII, as some firmware leaves there, is taken for nothing.
 */
void convert_options(const u16 *options, size_t size, char text[BOOT_STRING]);

#endif
