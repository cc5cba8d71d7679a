/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/irq.h: the physical CPU's interrupts and its timer, private to arch/arm64. */
#ifndef ARCH_ARM64_IRQ_H
#define ARCH_ARM64_IRQ_H

#include "hv/abi/boot_info.h"

/**
 * After gic_init: enable the interrupts of EL2's timer, of the virtual timer and of the virtual CPU interface. Panics
 * when the virtual timer's is not PPI 27, the number that guests know.
 */
void irq_init(const struct boot_info *bi);
/** That of another CPU than the first. */
void irq_cpu_init(void);
/** Take what interrupts are pending (some at most: the rest makes the next exit), interrupts masked. */
void gic_poll(void);

/** Check CNTFRQ_EL0 (panics in words) and switch EL2's timer off. */
void clock_init(void);
/** That of another CPU. */
void clock_cpu_init(void);
/** The timer's interrupt has come: switch it off until the next arch_timer_set. */
void clock_fired(void);

#endif
