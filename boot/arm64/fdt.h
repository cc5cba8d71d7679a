/* SPDX-License-Identifier: Apache-2.0 */
/* boot/arm64/fdt.h: what the device tree (Devicetree Specification 0.4) and the pack of modules say, into boot_info. */
#ifndef BOOT_ARM64_FDT_H
#define BOOT_ARM64_FDT_H

#include "hv/abi/boot_info.h"
#include "hv/abi/status.h"

#define FDT_MAX SIZE_2M /* bytes of device tree that we read: what is mapped of it */

/*
 * All of these trust nothing in the tree but that @max bytes from @fdt on are readable. Upon an error *@why says in
 * words what is wrong. Strings that are too long for their place are cut off.
 */

/** Is there a whole tree at @fdt? ERR_ALIGN, ERR_FORMAT, ERR_RANGE: larger than @max. */
MUST_CHECK status_t fdt_valid(const void *fdt, size_t max, const char **why);

/** Find the console alone: uart* of @p. ERR_FORMAT: no tree; ERR_NOENT: no console that we know. */
MUST_CHECK status_t fdt_console(const void *fdt, size_t max, struct boot_platform *p);

/**
 * Fill @bi (zeroed first) from the tree at @fdt, which lies at physical address @pa: memory, CPUs, interrupt
 * controller, timer, console and modules. @initrd: where linux,initrd-start and -end say, size 0: nowhere. Reservations
 * within it are left out: loaders reserve what they load. ERR_FORMAT, ERR_ALIGN, ERR_RANGE, ERR_FULL: too many of
 * something; ERR_NOENT: no memory, interrupt controller or timer, or none that will do.
 */
MUST_CHECK status_t fdt_parse(const void *fdt, size_t max, u64 pa, struct boot_info *bi, struct boot_range *initrd,
			      const char **why);

#define PACK_HEADER (256u + 256u * BOOT_MAX_MODULES) /* bytes of a pack that pack_parse reads at most */

/**
 * Add the modules of the pack at physical address @base to @bi. @head: its first @len bytes; @size: of the whole.
 * ERR_FORMAT, ERR_ALIGN, ERR_RANGE, ERR_FULL. Nothing is added then.
 */
MUST_CHECK status_t pack_parse(const void *head, size_t len, u64 base, u64 size, struct boot_info *bi,
			       const char **why);

/** Modules lie in memory, apart from each other and from [@base, @base+@size), the image. ERR_RANGE. */
MUST_CHECK status_t boot_check_modules(const struct boot_info *bi, u64 base, u64 size, const char **why);

#endif
