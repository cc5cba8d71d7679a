/* SPDX-License-Identifier: Apache-2.0 */
/* boot/multiboot/parse.h: Multiboot 1 (0.6.96, 3.3) and 2 (2.0, 3.6) information into struct boot_info. */
#ifndef BOOT_MULTIBOOT_PARSE_H
#define BOOT_MULTIBOOT_PARSE_H

#include "hv/abi/boot_info.h"
#include "hv/abi/status.h"

#define MULTIBOOT1_MAGIC 0x2badb002u /* in EAX at entry */
#define MULTIBOOT2_MAGIC 0x36d76289u

/* Physical memory [pa, pa+len), readable until parsing ends; NULL if it cannot be reached. */
typedef const void *(*multiboot_map_fn)(u64 pa, size_t len);
typedef void (*multiboot_warn_fn)(const char *fmt, ...) PRINTF(1, 2);

/**
 * Fill @out (zeroed first) from the information at physical address @pa that a loader with @magic left.
 * What is malformed or too much is left out with a warning. acpi_rsdp is the address of the copy in the
 * tags (Multiboot 2), which stays good as long as that memory is kept. ERR_UNSUPPORTED: unknown magic;
 * ERR_FORMAT: unreadable as a whole.
 */
MUST_CHECK status_t multiboot_parse(u32 magic, u64 pa, multiboot_map_fn map, multiboot_warn_fn warn,
				    struct boot_info *out);

#endif
