/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/flash.c: a flash chip of 8 bits with Intel's basic command set, as firmware writes its variables. */
#include "guest/vmm/dev/flash.h"

/* Commands (Intel's 28F008SA, 290429, table 2); some have two codes. */
#define CMD_PROGRAM	  0x40
#define CMD_PROGRAM_2	  0x10
#define CMD_ERASE	  0x20
#define CMD_ERASE_CONFIRM 0xd0
#define CMD_CLEAR_STATUS  0x50
#define CMD_READ_STATUS	  0x70
#define CMD_READ_ID	  0x90

#define STATUS_READY	BIT(7)
#define STATUS_SEQUENCE (BIT(5) | BIT(4)) /* erase and program failed: a wrong command sequence */

#define ID_MAKER  0x89 /* Intel */
#define ID_DEVICE 0xa2

static u8 *flash_mem(const struct flash *f)
{
	return f->vm->rom[f->index].mem;
}

/*
 * The guest's own reads are right in ARRAY alone. What cannot be mapped is read through the bus, which is right always;
 * what cannot be unmapped would show the guest's firmware the memory for the chip's answer, which does it no good.
 */
static void flash_map(struct flash *f, bool want)
{
	struct vm_rom *r = &f->vm->rom[f->index];
	status_t s;

	if (r->mapped == want)
		return;
	lock_take(&f->vm->ram_lock); /* stage 2 is its */
	do {
		s = want ? hv_vm_map(f->vm->id, r->gpa, r->mem, r->size, MAP_R)
			 : hv_vm_unmap(f->vm->id, r->gpa, r->size);
	} while (s == ERR_NOMEM && f->vm->donate != NULL && f->vm->donate(f->vm));
	lock_drop(&f->vm->ram_lock);
	if (s == OK)
		r->mapped = want;
	else
		log_line("%s: flash: status %d", f->vm->name, (int)s);
}

static void flash_mode(struct flash *f, enum flash_mode mode)
{
	f->mode = mode;
	flash_map(f, mode == FLASH_ARRAY);
}

static u64 flash_read(void *dev, u64 off, unsigned size)
{
	const struct flash *f = dev;
	u64 v = 0;

	switch (f->mode) {
	case FLASH_ARRAY: memcpy(&v, flash_mem(f) + off, size); return v;
	case FLASH_ID: return off % FLASH_BLOCK == 0 ? ID_MAKER : off % FLASH_BLOCK == 1 ? ID_DEVICE : 0;
	default: return f->status;
	}
}

/* Bits go from 1 to 0; only erasing makes them 1. */
static void flash_program(struct flash *f, u64 off, unsigned size, u64 v)
{
	u8 *p = flash_mem(f) + off;

	for (unsigned i = 0; i < size; i++)
		p[i] &= (u8)(v >> 8 * i);
	f->status |= STATUS_READY;
}

static void flash_erase(struct flash *f, u64 off, u8 command)
{
	if (command == CMD_ERASE_CONFIRM)
		memset(flash_mem(f) + round_down(off, FLASH_BLOCK), 0xff, FLASH_BLOCK);
	else
		f->status |= STATUS_SEQUENCE;
	f->status |= STATUS_READY;
}

static void flash_command(struct flash *f, u8 command)
{
	switch (command) {
	case CMD_PROGRAM:
	case CMD_PROGRAM_2: flash_mode(f, FLASH_DATA); break;
	case CMD_ERASE: flash_mode(f, FLASH_CONFIRM); break;
	case CMD_READ_STATUS: flash_mode(f, FLASH_STATUS); break;
	case CMD_READ_ID: flash_mode(f, FLASH_ID); break;
	case CMD_CLEAR_STATUS: f->status = 0; /* fall through */
	default: flash_mode(f, FLASH_ARRAY); break;
	}
}

static void flash_write(void *dev, u64 off, unsigned size, u64 v)
{
	struct flash *f = dev;

	switch (f->mode) {
	case FLASH_DATA:
		flash_program(f, off, size, v);
		flash_mode(f, FLASH_STATUS);
		break;
	case FLASH_CONFIRM:
		flash_erase(f, off, (u8)v);
		flash_mode(f, FLASH_STATUS);
		break;
	default: flash_command(f, (u8)v); break;
	}
}

static const struct bus_ops flash_ops = { flash_read, flash_write };

void flash_reset(struct flash *f)
{
	lock_take(&f->lock);
	f->status = 0;
	flash_mode(f, FLASH_ARRAY);
	lock_drop(&f->lock);
}

status_t flash_init(struct flash *f, struct vm *vm, unsigned index)
{
	f->vm = vm;
	f->index = index;
	f->mode = FLASH_ARRAY;
	f->status = 0;
	lock_init(&f->lock, LOCK_DEVICE);
	f->region = (struct bus_region){ vm->rom[index].gpa, vm->rom[index].size, &flash_ops, f, &f->lock };
	return bus_add(&vm->mmio, &f->region);
}
