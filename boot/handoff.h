/* SPDX-License-Identifier: Apache-2.0 */
/* boot/handoff.h: what our own loader (boot/uefi) finds in the hypervisor's image, and how it enters it. */
#ifndef BOOT_HANDOFF_H
#define BOOT_HANDOFF_H

#include "hv/abi/boot_info.h"

#define HANDOFF_MAGIC 0x3149464555565254ULL /* the bytes "TRVUEFI1" */
#define HANDOFF_REACH PAGE_SIZE		    /* it lies in the first so many bytes of the image, 8-byte aligned */

/*
 * The loader puts the image (trivet.elf, by its physical addresses) at any multiple of 2 MiB below 4 GiB, the rest of
 * its memory zero, and fills a struct boot_info, page-aligned below 4 GiB, whose modules it has loaded. In its regions
 * are all of these RAM: hv/ keeps clear of the image and the modules.
 *
 * x86: 64-bit mode, all memory below 4 GiB at its own address, interrupts off; RDI: physical address of the boot_info.
 * arm64: EL2, MMU and data cache off, all that was written cleaned to memory; X0: physical address of the device tree,
 * X1: of the boot_info. Of the tree the hypervisor takes what it says of devices; memory, modules and strings from X1.
 */
struct handoff_header {
	u64 magic;
	u32 info_size; /* of struct boot_info: a loader and an image of other versions do not go together */
	u32 pad;
	u64 entry; /* where it is entered, in the addresses that the image is linked at */
};

#endif
