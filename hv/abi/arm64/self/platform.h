/* SPDX-License-Identifier: Apache-2.0 */
/* hv/abi/arm64/self/platform.h: what the device tree says of the machine. Part of hv/abi/boot_info.h, which includes
 * it. */
#ifndef SELF_PLATFORM_H
#define SELF_PLATFORM_H

#define BOOT_MAX_CPUS	 64
#define BOOT_MAX_REDISTS 8
#define BOOT_MAX_ECAM	 4

enum boot_psci { BOOT_PSCI_NONE, BOOT_PSCI_SMC, BOOT_PSCI_HVC };
enum boot_uart { BOOT_UART_NONE, BOOT_UART_PL011, BOOT_UART_8250 };

struct boot_range {
	u64 base, size; /* bytes */
};

struct boot_ecam {
	struct boot_range range;
	u8 bus_start, bus_end;
};

/* Interrupts are INTIDs: SPIs from 32, PPIs 16 to 31. Zero where the tree is silent. */
struct boot_platform {
	u32 ncpus;
	u32 psci;		   /* enum boot_psci                                    */
	u64 cpu_id[BOOT_MAX_CPUS]; /* MPIDR affinities, of CPUs that are not "disabled" */
	u32 gic_version;	   /* 2 or 3                                            */
	u32 nredists;
	struct boot_range gicd;
	struct boot_range gicr[BOOT_MAX_REDISTS]; /* GICv3                            */
	u64 gicr_stride;			  /* bytes, 0: as the registers say   */
	struct boot_range gicc, gich, gicv;	  /* GICv2                            */
	u32 maintenance_irq;			  /* of the virtual CPU interface     */
	u32 timer_irq[4];			  /* secure, physical, virtual, EL2   */
	struct boot_range uart;
	u32 uart_kind; /* enum boot_uart                      */
	u32 uart_irq;
	u32 uart_reg_shift;    /* 8250: registers are 1 << this apart */
	u32 uart_reg_width;    /* 8250: bytes an access, 1 or 4       */
	struct boot_range rtc; /* PL031, size 0: none */
	u32 necam;
	struct boot_ecam ecam[BOOT_MAX_ECAM];
};

#endif
