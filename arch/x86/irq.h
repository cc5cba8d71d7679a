/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/irq.h: the physical interrupt controllers and clocks, private to arch/x86. */
#ifndef ARCH_X86_IRQ_H
#define ARCH_X86_IRQ_H

#include "hv/abi/boot_info.h"

/* Interrupt vectors of ours. */
#define VECTOR_GSI0	0x30u /* + GSI, up to VECTOR_GSIS of them */
#define VECTOR_GSIS	0xa0u
#define VECTOR_TIMER	0xe0u
#define VECTOR_KICK	0xe1u /* another CPU wants this one to look */
#define VECTOR_SPURIOUS 0xffu

void x86_idt_init(void);
/** This CPU's GDT, TSS and the IDT, which x86_idt_init has made. */
void x86_tables_init(void);
const u64 *x86_gdt(void);
const void *x86_tss(void);
const void *x86_idt(void);

/** Map and enable the boot CPU's local APIC; mask the 8259s. */
void lapic_init(const struct boot_info *bi);
/** Enable another CPU's, in the same mode. */
void lapic_init_other(void);
/** Send the interrupt command @command (low half of the ICR) to the CPU with this APIC ID. */
void lapic_send(u32 id, u32 command);
/** In what the boot CPU has found: the timer of this CPU. */
void lapic_timer_init(void);
void lapic_eoi(void);
u32 lapic_id(void);
/** The APIC looks once more whether there is an interrupt to ask for: in QEMU's emulation, where that may be lost. */
void lapic_ask_again(void);
/** The timer interrupt has come. */
void lapic_timer_fired(void);
/** Start the timer from @count, one-shot, masked; and what is left of it: for calibration. */
void lapic_timer_start(u32 count);
u32 lapic_timer_left(void);
/** Ticks of the APIC timer in 2^32 TSC ticks. */
void lapic_timer_rate(u64 ratio);

void ioapic_init(const struct boot_info *bi);
/** Global system interrupt @gsi has come: mask it if it is level-triggered, and tell hv/. */
void ioapic_arrived(u32 gsi);

/** Measure TSC and APIC timer against the ACPI PM timer or the 8254. */
void clock_init(const struct boot_info *bi);

#endif
