/* SPDX-License-Identifier: Apache-2.0 */
/* hv/abi/boot_info.h: what every loader (Multiboot 1 and 2, UEFI, arm64 Image) tells hv_main. */
#ifndef HV_ABI_BOOT_INFO_H
#define HV_ABI_BOOT_INFO_H

#include "hv/abi/types.h"

#define BOOT_MAX_REGIONS 96
#define BOOT_MAX_MODULES 24
#define BOOT_STRING	 256

enum boot_mem_kind {
	BOOT_MEM_RAM = 1,  /* usable                                     */
	BOOT_MEM_RESERVED, /* firmware's or a device's: never handed out */
	BOOT_MEM_ACPI,	   /* ACPI tables                                */
	BOOT_MEM_NVS,	   /* ACPI non-volatile storage                  */
	BOOT_MEM_BAD,	   /* defective RAM                              */
};

struct boot_region {
	u64 base; /* bytes, any alignment */
	u64 size; /* bytes                */
	u32 kind; /* enum boot_mem_kind   */
	u32 pad;
};

struct boot_module {
	u64 base;		  /* physical address, page-aligned */
	u64 size;		  /* bytes                          */
	char string[BOOT_STRING]; /* the module's command line, NUL-terminated */
};

struct boot_framebuffer {
	u64 base; /* 0: none */
	u32 pitch, width, height;
	u8 bpp, red_pos, red_size, green_pos, green_size, blue_pos, blue_size, pad;
};

#include "self/platform.h" /* struct boot_platform: what firmware's tables say of the machine */

struct boot_info {
	char loader[64];
	char cmdline[BOOT_STRING];
	u32 nregions;
	u32 nmodules;
	struct boot_region region[BOOT_MAX_REGIONS]; /* as the firmware gave it: may overlap */
	struct boot_module module[BOOT_MAX_MODULES];
	u64 acpi_rsdp; /* physical address, 0: none */
	u64 fdt;       /* physical address, 0: none */
	u64 fault;     /* the loader's text in the hypervisor's memory, why it cannot go on; 0: none */
	struct boot_framebuffer fb;
	struct boot_platform platform;
};

#endif
