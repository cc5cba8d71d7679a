/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/rom.c: read-only memory: reads of instructions that the service VM carries out; writes are ignored. */
#include "guest/vmm/dev/rom.h"

static u64 rom_read(void *dev, u64 off, unsigned size)
{
	const struct rom *r = dev;
	u64 v = 0;

	memcpy(&v, r->vm->rom[r->index].mem + off, size);
	return v;
}

static void rom_write(void *dev, u64 off, unsigned size, u64 value)
{
}

static const struct bus_ops rom_ops = { rom_read, rom_write };

status_t rom_init(struct rom *r, struct vm *vm, unsigned index)
{
	r->vm = vm;
	r->index = index;
	r->region = (struct bus_region){ vm->rom[index].gpa, vm->rom[index].size, &rom_ops, r, NULL };
	return bus_add(&vm->mmio, &r->region);
}
