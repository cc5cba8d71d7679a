/* SPDX-License-Identifier: Apache-2.0 */
/* guest/drv/x86/acpica/linux/kmemleak.h: of the kernel's headers the one that ACPICA includes by itself. */
#ifndef ACPICA_KMEMLEAK_H
#define ACPICA_KMEMLEAK_H

/** The kernel's search for lost memory is told to leave @p out. */
#define kmemleak_not_leak(p) ((void)(p))

#endif
