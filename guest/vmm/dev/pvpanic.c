/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/pvpanic.c: the port by which a guest's kernel says that it has panicked. */
#include "guest/vmm/dev/pvpanic.h"

#define PVPANIC_PANICKED 0x01u /* read: this event is known; written: it has happened */

static u64 pvpanic_read(void *dev, u64 off, unsigned size)
{
	return PVPANIC_PANICKED;
}

static void pvpanic_write(void *dev, u64 off, unsigned size, u64 v)
{
	struct pvpanic *p = dev;

	if (v & PVPANIC_PANICKED)
		vm_stop(p->vm, STOP_CRASH, "kernel panic (reported by the guest)");
}

static const struct bus_ops pvpanic_ops = { pvpanic_read, pvpanic_write };

status_t pvpanic_init(struct pvpanic *p, struct vm *vm)
{
	p->vm = vm;
	p->port = (struct bus_region){ PVPANIC_PORT, 1, &pvpanic_ops, p, NULL };
	return bus_add(&vm->pio, &p->port);
}
