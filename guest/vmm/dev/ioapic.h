/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/ioapic.h: an I/O APIC of 24 pins, version 20h (Intel 82093AA, 290566, and ICH's EOI register). */
#ifndef GUEST_VMM_DEV_IOAPIC_H
#define GUEST_VMM_DEV_IOAPIC_H

#include "guest/vmm/vm.h"

#define IOAPIC_BASE 0xfec00000u
#define IOAPIC_PINS 24

struct ioapic {
	struct vm *vm;
	struct lock lock;
	u8 select, id;
	u32 line; /* asserted pins */
	u64 redir[IOAPIC_PINS];
	unsigned repeats; /* level interrupts that came again at their EOI, in a row */
	u32 waiting;	  /* pins that do so after a pause */
	struct timer pause;
	struct bus_region mmio;
};

MUST_CHECK status_t ioapic_init(struct ioapic *a, struct vm *vm, u64 base);
void ioapic_reset(struct ioapic *a);
/** Assert or deassert pin @gsi. The polarity bit is stored and not used: what drives pins says asserted or not. */
void ioapic_set(struct ioapic *a, unsigned gsi, bool level);
/** A local APIC has broadcast the end of level-triggered interrupt @vector. */
void ioapic_eoi(struct ioapic *a, u8 vector);

#endif
