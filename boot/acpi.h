/* SPDX-License-Identifier: Apache-2.0 */
/* boot/acpi.h: what the static ACPI tables say about the machine (ACPI 6.5, chapter 5). */
#ifndef BOOT_ACPI_H
#define BOOT_ACPI_H

#include "hv/abi/boot_info.h"
#include "hv/abi/status.h"

/* Physical memory [pa, pa+len), readable until parsing ends; NULL if it cannot be reached. */
typedef const void *(*acpi_map_fn)(u64 pa, size_t len);
/* Takes what is wrong with a table; the table, or the rest of it, is then skipped. */
typedef void (*acpi_warn_fn)(const char *fmt, ...) PRINTF(1, 2);

/** Search [@base, @base+@size) at 16-byte steps for a valid RSDP (5.2.5.1). Its address, or 0. */
u64 acpi_find_rsdp(acpi_map_fn map, u64 base, u64 size);

/**
 * Fill @out (zeroed first) from the tables below the RSDP at @rsdp, of which @len bytes are readable.
 * It may be a copy, as Multiboot 2 hands it out. ERR_FORMAT: no valid RSDP, RSDT or XSDT.
 */
MUST_CHECK status_t acpi_parse(const void *rsdp, size_t len, acpi_map_fn map, acpi_warn_fn warn,
			       struct boot_platform *out);

/** The same with the RSDP at physical address @pa. ERR_FORMAT. */
MUST_CHECK status_t acpi_parse_at(u64 pa, acpi_map_fn map, acpi_warn_fn warn, struct boot_platform *out);

/**
 * Find SLP_TYPa of S5 in @aml, @len bytes of definition block. A heuristic: it looks for the bytes of
 * Name(_S5_, Package{constant, ...}) and interprets no AML, so a package built by a method is not found.
 * ERR_NOENT then.
 */
MUST_CHECK status_t acpi_find_s5(const u8 *aml, size_t len, u32 *slp_typa);

#endif
