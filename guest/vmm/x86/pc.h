/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/pc.h: a guest's PC: its devices, its map of addresses and interrupts, its ACPI tables. */
#ifndef GUEST_VMM_X86_PC_H
#define GUEST_VMM_X86_PC_H

#include "guest/rt/cpu.h"
#include "guest/vmm/dev/acpi_pm.h"
#include "guest/vmm/dev/fw_cfg.h"
#include "guest/vmm/dev/i8254.h"
#include "guest/vmm/dev/i8259.h"
#include "guest/vmm/dev/ioapic.h"
#include "guest/vmm/dev/mc146818.h"
#include "guest/vmm/dev/pvpanic.h"
#include "guest/vmm/dev/uart16550.h"
#include "guest/vmm/pci.h"
#include "guest/vmm/x86/emulate.h"
#include "guest/vmm/x86/firmware.h"
#include "guest/vmm/x86/pvclock.h"
#include "guest/vmm/x86/pveoi.h"

/*
 * Guest-physical addresses. RAM is from 0 to at most PC_LOW_RAM_MAX, the rest from 4 GiB on. The hole from 640 KiB to
 * 1 MiB is backed by RAM and reserved: ACPI tables lie there, or the end of firmware, whose whole ends at 4 GiB.
 */
#define PC_HOLE_START  0xa0000u
#define PC_ACPI_START  0xe0000u
#define PC_HOLE_END    0x100000u
#define PC_LOW_RAM_MAX 0xc0000000ull
#define PC_MMIO_START  0xc0000000ull /* 32-bit PCI window */
#define PC_MMIO_END    0xe0000000ull
#define PC_ECAM_BASE   0xe0000000ull /* bus 0 only */
#define PC_ECAM_SIZE   0x100000u
#define PC_LAPIC_BASE  0xfee00000ull
#define PC_HIGH_RAM    0x100000000ull
#define PC_MMIO64_SIZE 0x40000000ull /* 64-bit PCI window, behind RAM */
#define PC_IO_START    0xc000u
#define PC_IO_END      0x10000u
#define PC_GSI_PCI     16u /* INTx: GSI 16 to 23 */
#define PC_COM1	       0x3f8
#define PC_COM1_IRQ    4

struct pc_options {
	unsigned ncpus;
	struct tty *com1;	    /* NULL: no serial port */
	const struct hv_info *info; /* for the paravirtual clock; NULL: none */
	u64 counter_offset;	    /* of the vCPUs, as in struct vcpu_state */
};

struct pc {
	struct vm *vm;
	unsigned ncpus;
	u64 low_ram, high_ram; /* bytes below and above 4 GiB */
	struct pic pic;
	struct pit pit;
	struct ioapic ioapic;
	struct rtc rtc;
	struct uart com1;
	bool has_com1;
	struct acpi_pm pm;
	struct fw_cfg fw_cfg;
	struct pvpanic pvpanic;
	struct pvclock pvclock;
	struct pveoi pveoi;
	struct firmware firmware; /* if the VM has a ROM */
	struct pci_root pci;
	struct pci_dev host_bridge;
	const struct bus_ops *cf8_ops;	    /* the root's own; CF9 lies among its ports */
	struct emu_cache emu[VM_MAX_VCPUS]; /* each its vCPU's */
	struct lock lock;		    /* port 92h; CF9h lies among the root's ports */
	u8 cf9, port92;
	struct bus_region post, port64, port92_region, lapic;
};

/* A line of the memory map as BIOS function E820h numbers it. */
enum pc_e820_type { PC_E820_RAM = 1, PC_E820_RESERVED = 2 };
struct pc_e820 {
	u64 base, size;
	u32 type;
	u32 pad;
};

/** Assemble the machine around @vm, whose RAM is in place; sets vm->irq and vm->platform. What bus_add says. */
MUST_CHECK status_t pc_init(struct pc *pc, struct vm *vm, const struct pc_options *opt);
/** After the last device was added to pc->pci: assign PCI addresses, write ACPI tables; @rsdp: where they start, 0:
 * firmware puts them where it likes. */
MUST_CHECK status_t pc_finish(struct pc *pc, u64 *rsdp);
/** The memory map, sorted; returns how many lines, at most @max are written. 10 are enough. */
unsigned pc_memory_map(const struct pc *pc, struct pc_e820 *out, unsigned max);
/** All devices back to power-on. The caller resets the vCPUs, virtio devices and memory, and calls pc_finish's tables
 * again with pc_write_tables. */
void pc_reset(struct pc *pc);
MUST_CHECK status_t pc_write_tables(struct pc *pc, u64 *rsdp);
/** vm->irq: set the level of GSI @gsi; 0 to 15 are ISA interrupts at the 8259 too (0 is I/O APIC pin 2). */
void pc_irq(struct vm *vm, unsigned gsi, bool level);
/** EXIT_EXTINT: the vector to inject with REPLY_EXTINT. */
int pc_intack(struct pc *pc);
/** EXIT_EOI: the local APIC has ended level-triggered @vector. */
void pc_eoi(struct pc *pc, u32 vector);
/** The local APIC's page, as the hypervisor's HV_VCPU_APIC serves it for @v. Reads return the value. */
u64 pc_apic_access(struct vcpu *v, u64 off, bool write, u64 value);
/** The bus does not say who accesses it: the vCPU is named before an instruction is emulated, for this CPU. */
static inline void pc_set_current(struct vcpu *v)
{
	cpu_this()->serving = v;
}
static inline struct vcpu *pc_current(void)
{
	return cpu_this()->serving;
}
/** MSRs that go on to the parts of @v's machine: pvclock_access, pveoi_access. */
bool pc_msr(struct vcpu *v, u32 index, bool write, u64 *value);
/** Policies for the MSRs that a guest may touch and the hypervisor does not know. */
MUST_CHECK status_t pc_msrs(u32 vm);
/** Which GSI pin 1 to 4 of PCI device @dev is; dsdt.asl's _PRT says the same. */
unsigned pc_intx_gsi(unsigned dev, unsigned pin);

#endif
