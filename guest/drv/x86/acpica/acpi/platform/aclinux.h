/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/drv/x86/acpica/acpi/platform/aclinux.h: what ACPICA is configured with. It is built from the kernel's copy of
 * it, which asks for this name (mk/acpica.mk); ours is found first.
 */
#ifndef ACPICA_ACLINUX_H
#define ACPICA_ACLINUX_H

#include <ctype.h>
#include <string.h>

#include "hv/abi/types.h"

#define ACPI_NO_ERROR_MESSAGES
#define ACPI_MACHINE_WIDTH 64
#define ACPI_USE_SYSTEM_INTTYPES
#define ACPI_USE_SYSTEM_CLIBRARY
#define ACPI_USE_DO_WHILE_0
#define ACPI_USE_NATIVE_DIVIDE
#define ACPI_USE_NATIVE_MATH64
#define ACPI_PCI_CONFIGURED
#define ACPI_IGNORE_PACKAGE_RESOLUTION_ERRORS
#define ACPI_CHECKSUM_ABORT	       TRUE
#define ACPI_STRUCT_INIT(field, value) .field = value
#define ACPI_EXPORT_SYMBOL(symbol)
#define ACPI_EXPORT_SYMBOL_INIT(symbol)
#define __iomem

struct acpi_os_cache;
#define acpi_cache_t	   struct acpi_os_cache
#define acpi_spinlock	   void *
#define acpi_raw_spinlock  void *
#define acpi_cpu_flags	   unsigned long
#define acpi_uintptr_t	   uintptr_t
#define ACPI_TO_INTEGER(p) ((uintptr_t)(p))
#define ACPI_OFFSET(d, f)  offsetof(d, f)

#endif
