/* SPDX-License-Identifier: Apache-2.0 */
/* arch/iface/cpu.h: the physical CPU, its interrupts and its clock. */
#ifndef ARCH_IFACE_CPU_H
#define ARCH_IFACE_CPU_H

#include "hv/abi/boot_info.h"
#include "hv/abi/hypercall.h"

/* Each CPU's block: hv/'s data at the bottom, a guard page, and the stack. this_cpu() masks the stack pointer. */
#define ARCH_CPU_BLOCK 0x8000UL
/* hv/'s struct cpu is below this offset of the block, the architecture's own per-CPU data from here to 0x1000. */
#define ARCH_CPU_OWN 0x800UL

/** The bottom of the running CPU's block. */
static inline void *arch_cpu_block(void);

/** Exception vectors, descriptor tables, CPU features. First thing in hv_main. */
void arch_early_init(void);
/**
 * Find the CPU's virtualization, its interrupt controllers and clock, and turn them on. Panics with what is missing and
 * what to switch on in words. Called after mem_init.
 */
void arch_cpu_init(const struct boot_info *bi);
/** "SVM", "VMX", "EL2". */
const char *arch_machine_name(void);
/** HV_FEATURE_* */
u32 arch_features(void);

/** How many CPUs the firmware's tables list, this one included and number 0: 1 to BOOT_MAX_CPUS. After arch_cpu_init.
 */
unsigned arch_cpu_count(void);
/** The hardware's name of CPU @n, for texts: APIC ID, MPIDR affinity. */
u64 arch_cpu_hw_id(unsigned n);
/**
 * Start CPU @n (not 0) with @block (ARCH_CPU_BLOCK bytes, aligned to that, zeroed, mapped) as its block; it calls
 * cpu_main() of hv/ on its own stack, with the final page tables, exception vectors, virtualization, interrupt
 * controller and timer interrupt ready. ERR_IO: the firmware refused, or the CPU will not do: @block stays lost.
 */
MUST_CHECK status_t arch_cpu_start(unsigned n, void *block);
/* hv/main.c gives this. */
NORETURN void cpu_main(unsigned n);
/** Interrupt CPU @n (not this one). */
void arch_cpu_kick(unsigned n);
/** One round of waiting for another CPU: PAUSE/YIELD; serves what the architecture's other CPUs ask of this one. */
void arch_cpu_relax(void);

/** Wait for an interrupt, then as arch_irq_poll. */
void arch_idle(void);
/** Take what interrupts are pending. */
void arch_irq_poll(void);
/* hv/virq.c gives this: device interrupt @gsi has come, interrupts masked. Level-triggered ones are masked until
 * irq_ack. */
void irq_arrived(u32 gsi);

/** Route @gsi (IRQ_ISA: an ISA IRQ) to this CPU. On success *@out is the GSI. */
MUST_CHECK status_t arch_irq_attach(u32 gsi, u32 flags, u32 *out);
void arch_irq_detach(u32 gsi);
void arch_irq_unmask(u32 gsi);

/** The counter that guests see too (TSC, CNTVCT), and its frequency. */
static inline u64 arch_counter(void);
u64 arch_counter_hz(void);
/** Interrupt this CPU when the counter reaches @when (~0: never), not before. */
void arch_timer_set(u64 when);

/** Is [@pa, @pa+@size) a device that the hypervisor keeps for itself? Before arch_cpu_init: as far as it can be known.
 */
bool arch_device_reserved(u64 pa, u64 size);
/** Is the page at @pa one of those that it gives to guests, since hardware keeps them apart there? */
bool arch_device_guests(u64 pa);

NORETURN void arch_reset(void);
NORETURN void arch_poweroff(void);
/** Stop for good, interrupts masked. */
NORETURN void arch_halt(void);
/** Print registers and the stack's return addresses, for panic. */
void arch_dump(void);

#include "self/cpu.h"

#endif
