/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/i8259.h: a PC's two cascaded 8259A interrupt controllers (Intel 8259A data sheet, 231468). */
#ifndef GUEST_VMM_DEV_I8259_H
#define GUEST_VMM_DEV_I8259_H

#include "guest/vmm/vm.h"

struct pic_chip {
	u8 line; /* levels of the pins                              */
	u8 irr, imr, isr;
	u8 elcr;      /* 1: level triggered                              */
	u8 elcr_mask; /* the bits of ELCR that exist                     */
	u8 base;      /* vector of pin 0                                 */
	u8 low;	      /* pin of the lowest priority                      */
	u8 step;      /* 0: ready; else the number of the ICW awaited, 2 to 4 */
	bool need_icw4, single, aeoi, rotate_aeoi, special_mask, nested, poll, read_isr;
};

struct pic {
	struct vm *vm;
	struct lock lock;
	struct pic_chip chip[2]; /* master, slave (on the master's pin 2) */
	bool intr;		 /* what the hypervisor was told last     */
	struct bus_region port[2], elcr_port;
};

/** Put the pair at ports 20h, A0h and 4D0h of @vm. What bus_add says. */
MUST_CHECK status_t pic_init(struct pic *p, struct vm *vm);
void pic_reset(struct pic *p);
/** Set the level of ISA interrupt @irq, 0 to 15 (2 is the cascade and ignored). */
void pic_set(struct pic *p, unsigned irq, bool level);
/** INTA: the vector to inject; a spurious one (pin 7) when nothing is pending any more. */
int pic_intack(struct pic *p);

#endif
