/* SPDX-License-Identifier: Apache-2.0 */
/* boot/arm64/fdt_dev.h: the devices that we look for in a device tree. */
#ifndef BOOT_ARM64_FDT_DEV_H
#define BOOT_ARM64_FDT_DEV_H

#include "boot/arm64/fdt_walk.h"
#include "hv/abi/status.h"

/* Indices of boot_platform.timer_irq, in the order of the binding (Linux, bindings/timer/arm,arch_timer). */
enum { FDT_TIMER_SECURE, FDT_TIMER_PHYS, FDT_TIMER_VIRT, FDT_TIMER_HYP, FDT_TIMERS };

struct fdt_parse {
	struct boot_info *bi;
	struct boot_range *initrd;
	const char **why;
	int stdout_node; /* what /chosen names, or negative */
};

/** The node that stdout-path in /chosen names, by path or alias, without its options; negative: none. */
int fdt_dev_stdout(const void *fdt);
/** If @w is at a UART that we know: take it if it is the one, or the first. */
void fdt_dev_uart(const struct fdt_parse *f, const struct walk *w, struct boot_platform *p);
/** If @w is at the first GIC: take it. ERR_FORMAT: its registers make no sense; ERR_NOENT: it cannot virtualize. */
MUST_CHECK status_t fdt_dev_gic(struct fdt_parse *f, const struct walk *w);
/** UART, timer, PSCI, real-time clock and PCIe. */
void fdt_dev_other(struct fdt_parse *f, const struct walk *w);

#endif
