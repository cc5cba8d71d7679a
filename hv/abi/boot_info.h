/* SPDX-License-Identifier: Apache-2.0 */
/* hv/abi/boot_info.h: what every loader (Multiboot 1 and 2, UEFI, arm64 Image) tells hv_main. */
#ifndef HV_ABI_BOOT_INFO_H
#define HV_ABI_BOOT_INFO_H

#include "hv/abi/types.h"

#define BOOT_MAX_REGIONS   96
#define BOOT_MAX_MODULES   24
#define BOOT_MAX_CPUS	   64
#define BOOT_MAX_IRQCHIPS  8
#define BOOT_MAX_OVERRIDES 16
#define BOOT_MAX_ECAM	   4
#define BOOT_STRING	   256

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

/* An I/O APIC (x86): the global system interrupts from @gsi_base on. */
struct boot_irqchip {
	u64 base;
	u32 gsi_base;
	u32 id;
};

/* ACPI MADT interrupt source override: ISA @irq arrives as @gsi. */
struct boot_override {
	u32 irq;
	u32 gsi;
	u32 active_low; /* else active high     */
	u32 level;	/* else edge triggered  */
};

struct boot_ecam {
	u64 base;
	u16 segment;
	u8 bus_start, bus_end;
	u32 pad;
};

/* What static firmware tables say; zero where they are silent. */
struct boot_platform {
	u64 lapic_base;
	u32 ncpus;
	u32 nirqchips;
	u32 noverrides;
	u32 necam;
	u32 cpu_id[BOOT_MAX_CPUS]; /* APIC ID or MPIDR */
	struct boot_irqchip irqchip[BOOT_MAX_IRQCHIPS];
	struct boot_override override[BOOT_MAX_OVERRIDES];
	struct boot_ecam ecam[BOOT_MAX_ECAM];
	u64 hpet_base;
	u32 pm_timer_port;  /* FADT PM_TMR_BLK, 0: none             */
	u32 pm_timer_32bit; /* FADT flag TMR_VAL_EXT                */
	u32 pm1a_cnt_port;  /* FADT PM1a_CNT_BLK                    */
	u32 reset_port;	    /* FADT RESET_REG in I/O space, 0: none */
	u32 reset_value;
	u32 has_8042;
	u32 s5_slp_typa; /* SLP_TYP for PM1a_CNT to power off (_S5_)  */
	u32 s5_valid;	 /* s5_slp_typa was found                 */
};

struct boot_info {
	char loader[64];
	char cmdline[BOOT_STRING];
	u32 nregions;
	u32 nmodules;
	struct boot_region region[BOOT_MAX_REGIONS]; /* as the firmware gave it: may overlap */
	struct boot_module module[BOOT_MAX_MODULES];
	u64 acpi_rsdp; /* physical address, 0: none */
	u64 fdt;       /* physical address, 0: none */
	struct boot_framebuffer fb;
	struct boot_platform platform;
};

#endif
