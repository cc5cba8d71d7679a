/* SPDX-License-Identifier: Apache-2.0 */
/* arch/iface/report.h: what of the machine Trivet would make use of, there or not: for the report at boot. */
#ifndef ARCH_IFACE_REPORT_H
#define ARCH_IFACE_REPORT_H

#include "hv/abi/boot_info.h"

#define REPORT_ITEMS 24
#define REPORT_CPU   96

struct report_item {
	const char *name;
	const char *without; /* what it means that it is not there, and what helps */
	bool found;
};

/** Fill in @item. What follows it. */
static inline struct report_item *report_add(struct report_item *item, bool found, const char *name,
					     const char *without)
{
	*item = (struct report_item){ name, without, found };
	return item + 1;
}

/** Fill @item. How many; at most REPORT_ITEMS. After arch_cpu_init. */
unsigned arch_report(const struct boot_info *bi, struct report_item *item);
/** The CPU in words: name, model, and microcode revision where there is one. */
void arch_report_cpu(char text[REPORT_CPU]);

#endif
