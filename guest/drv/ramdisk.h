/* SPDX-License-Identifier: Apache-2.0 */
/* guest/drv/ramdisk.h: a disk whose first content is a boot module in memory, which is never changed. */
#ifndef GUEST_DRV_RAMDISK_H
#define GUEST_DRV_RAMDISK_H

#include "guest/rt/disk.h"

/**
 * A disk over [@base, @base+@size) bytes, which must stay; a size that is no multiple of 512 is filled up with zeros.
 * Blocks that are written go to pages of their own (copy on write) and are lost with the machine. @serial is cut to
 * 20 characters. NULL: out of memory.
 */
struct disk *ramdisk_new(const void *base, u64 size, bool readonly, const char *serial);
/** Give back what ramdisk_new and writes have taken; no request may be in flight. */
void ramdisk_free(struct disk *d);

#endif
