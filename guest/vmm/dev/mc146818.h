/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/mc146818.h: the real-time clock and CMOS RAM (Motorola MC146818A data sheet). */
#ifndef GUEST_VMM_DEV_MC146818_H
#define GUEST_VMM_DEV_MC146818_H

#include "guest/vmm/vm.h"

#define RTC_CMOS_SIZE 128

struct rtc {
	struct vm *vm;
	struct lock lock;
	u8 index;
	u8 cmos[RTC_CMOS_SIZE];
	s64 offset;	   /* guest's clock - host's, seconds               */
	u64 wall, wall_ns; /* time_wall() and time_ns() at the start        */
	u64 filled;	   /* second at which the time registers were filled in  */
	u8 filled_b;	   /* under which format (register B)                   */
	u64 last_second;   /* flags UF and AF are up to date until here     */
	u64 last_period;   /* the same for PF, in periods since time_ns() 0 */
	bool irq;
	struct timer timer;
	struct bus_region port;
};

/** Put it at ports 70h and 71h of @vm; IRQ 8. @ncpus and the size of RAM are told in CMOS. */
MUST_CHECK status_t rtc_init(struct rtc *r, struct vm *vm, u64 low_ram, u64 high_ram, unsigned ncpus);
/** As the reset pin: interrupts off. The clock and the RAM go on. */
void rtc_reset(struct rtc *r);

#endif
