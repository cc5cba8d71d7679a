/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/i8254.h: the 8254 interval timer and port 61h (Intel 8254 data sheet, 231164). */
#ifndef GUEST_VMM_DEV_I8254_H
#define GUEST_VMM_DEV_I8254_H

#include "guest/vmm/vm.h"

#define PIT_HZ 1193182u

struct pit_channel {
	u8 mode; /* 0 to 5                                           */
	u8 rw;	 /* 1 low byte, 2 high byte, 3 low then high         */
	bool bcd, gate;
	bool loaded;	       /* a count has been written since the mode          */
	bool counting;	       /* else it stands at @frozen ticks                  */
	bool null;	       /* the count written is not yet the one counted     */
	bool wr_high, rd_high; /* rw 3: the high byte is next          */
	u8 wr_low;
	u32 reload; /* the count written, 1 to 65536                    */
	u32 count;  /* the count in use                                 */
	u64 start;  /* time_ns() at tick 0 of this count                */
	u64 frozen;
	u8 latched; /* bytes of @latch left to read: 0, 1 or 2          */
	u16 latch;
	bool status_latched;
	u8 status;
};

struct pit {
	struct vm *vm;
	struct lock lock;
	struct pit_channel ch[3];
	struct timer timer; /* channel 0's next interrupt */
	u64 next_tick;	    /* of channel 0               */
	u8 port61;	    /* bits 0 to 3                */
	struct bus_region port, speaker;
};

/** Put it at ports 40h and 61h of @vm; channel 0 drives GSI 0's ISA line (IRQ 0) through vm_irq. */
MUST_CHECK status_t pit_init(struct pit *p, struct vm *vm);
void pit_reset(struct pit *p);

#endif
