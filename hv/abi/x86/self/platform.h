/* SPDX-License-Identifier: Apache-2.0 */
/* hv/abi/x86/self/platform.h: what ACPI's static tables say of a PC. Part of hv/abi/boot_info.h, which includes it. */
#ifndef SELF_PLATFORM_H
#define SELF_PLATFORM_H

#define BOOT_MAX_CPUS	   256
#define BOOT_MAX_IRQCHIPS  8
#define BOOT_MAX_OVERRIDES 16
#define BOOT_MAX_ECAM	   4

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

/* How a device of no PCI function interrupts. */
enum boot_irq { BOOT_IRQ_NONE, BOOT_IRQ_ISA, BOOT_IRQ_GSI };

/* The machine's console: a 16550 in I/O space. From the SPCR, or found by its driver (drivers/uart/x86). */
struct boot_serial {
	u32 port;     /* of its first register, 0: none               */
	u32 divisor;  /* of 115200 baud, 0: as firmware has left it   */
	u32 irq_kind; /* enum boot_irq                                */
	u32 irq;
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
	u32 has_iommu;	 /* there is a DMAR or an IVRS            */
	struct boot_serial serial;
	u8 rsdp[36]; /* a copy of the RSDP, which is where the others begin; zeroes: none */
};

#endif
