/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/flash.c: flash chips with Intel's command set, as firmware writes its variables. */
#include "guest/vmm/dev/flash.h"

#include "self/insn.h"

/* Commands (Intel's 28F008SA, 290429, table 2; 28F128J3, 290667, table 15); some have two codes. */
#define CMD_PROGRAM	  0x40
#define CMD_PROGRAM_2	  0x10
#define CMD_ERASE	  0x20
#define CMD_ERASE_CONFIRM 0xd0
#define CMD_CLEAR_STATUS  0x50
#define CMD_READ_STATUS	  0x70
#define CMD_READ_ID	  0x90
#define CMD_LOCK	  0x60
#define CMD_BUFFER	  0xe8
#define CMD_BUFFER_COMMIT 0xd0

#define STATUS_READY	BIT(7)
#define STATUS_SEQUENCE (BIT(5) | BIT(4)) /* erase and program failed: a wrong command sequence */

#define ID_MAKER       0x89 /* Intel */
#define ID_DEVICE_8    0xa2
#define ID_DEVICE_2X16 0x18

/* What both chips of a pair say, each in its half of the bus. */
#define BOTH(v) ((u64)(v) << 16 | (v))

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

static u64 flash_block(const struct flash *f)
{
	return f->kind == FLASH_8 ? FLASH_BLOCK_8 : FLASH_BLOCK_2X16;
}

/* A pair is ready always: firmware waits for that, and clears the status of the one chip to see zero. */
static u64 flash_answer(const struct flash *f, u64 off)
{
	u64 in_block = off % flash_block(f);

	if (f->kind == FLASH_8) {
		if (f->mode == FLASH_ID)
			return in_block == 0 ? ID_MAKER : in_block == 1 ? ID_DEVICE_8 : 0;
		return f->status;
	}
	if (f->mode == FLASH_ID)
		return BOTH(in_block < 4 ? ID_MAKER : in_block < 8 ? ID_DEVICE_2X16 : 0) >> 8 * (off & 3);
	return BOTH(f->status | STATUS_READY) >> 8 * (off & 3);
}

static u64 flash_read(void *dev, u64 off, unsigned size)
{
	const struct flash *f = dev;
	u64 v = 0;

	if (f->mode != FLASH_ARRAY)
		return flash_answer(f, off);
	memcpy(&v, flash_mem(f) + off, size);
	return v;
}

/* Bits go from 1 to 0; only erasing makes them 1. The guest reads past the caches. */
static void flash_program(struct flash *f, u64 off, unsigned size, const u8 *v)
{
	u8 *p = flash_mem(f) + off;

	for (unsigned i = 0; i < size; i++)
		p[i] &= v[i];
	cpu_clean(p, size);
	f->status |= STATUS_READY;
}

static void flash_erase(struct flash *f, u64 off, u8 command)
{
	u8 *p = flash_mem(f) + round_down(off, flash_block(f));

	if (command == CMD_ERASE_CONFIRM) {
		memset(p, 0xff, flash_block(f));
		cpu_clean(p, flash_block(f));
	} else {
		f->status |= STATUS_SEQUENCE;
	}
	f->status |= STATUS_READY;
}

static void flash_count(struct flash *f, u64 count)
{
	f->left = (u8)count + 1u;
	f->bad = f->left > FLASH_BUFFER / 4;
	f->at = ~0ull;
	memset(f->buffer, 0xff, sizeof(f->buffer));
	flash_mode(f, f->bad ? FLASH_COMMIT : FLASH_FILL);
}

static void flash_fill(struct flash *f, u64 off, unsigned size, const u8 *v)
{
	if (f->at == ~0ull)
		f->at = round_down(off, FLASH_BUFFER);
	if (range_in(off, size, f->at, FLASH_BUFFER))
		memcpy(f->buffer + (off - f->at), v, size);
	else
		f->bad = true;
	if (--f->left == 0)
		flash_mode(f, FLASH_COMMIT);
}

static void flash_commit(struct flash *f, u8 command)
{
	if (command != CMD_BUFFER_COMMIT || f->bad)
		f->status |= STATUS_SEQUENCE;
	else
		flash_program(f, f->at, FLASH_BUFFER, f->buffer);
}

static void flash_command(struct flash *f, u8 command)
{
	bool pair = f->kind == FLASH_2X16;

	switch (command) {
	case CMD_PROGRAM:
	case CMD_PROGRAM_2: flash_mode(f, FLASH_DATA); break;
	case CMD_ERASE: flash_mode(f, FLASH_CONFIRM); break;
	case CMD_READ_STATUS: flash_mode(f, FLASH_STATUS); break;
	case CMD_READ_ID: flash_mode(f, FLASH_ID); break;
	case CMD_LOCK: flash_mode(f, pair ? FLASH_LOCK : FLASH_ARRAY); break;
	case CMD_BUFFER: flash_mode(f, pair ? FLASH_COUNT : FLASH_ARRAY); break;
	case CMD_CLEAR_STATUS: f->status = 0; /* fall through */
	default: flash_mode(f, FLASH_ARRAY); break;
	}
}

static void flash_write(void *dev, u64 off, unsigned size, u64 v)
{
	struct flash *f = dev;
	u8 bytes[sizeof(v)];

	memcpy(bytes, &v, sizeof(v));
	switch (f->mode) {
	case FLASH_COUNT: flash_count(f, v); return;
	case FLASH_FILL: flash_fill(f, off, size, bytes); return;
	case FLASH_DATA: flash_program(f, off, size, bytes); break;
	case FLASH_CONFIRM: flash_erase(f, off, (u8)v); break;
	case FLASH_COMMIT: flash_commit(f, (u8)v); break;
	case FLASH_LOCK: break; /* no block is locked */
	default: flash_command(f, (u8)v); return;
	}
	flash_mode(f, FLASH_STATUS);
}

static const struct bus_ops flash_ops = { flash_read, flash_write };

void flash_reset(struct flash *f)
{
	lock_take(&f->lock);
	f->status = 0;
	flash_mode(f, FLASH_ARRAY);
	lock_drop(&f->lock);
}

status_t flash_init(struct flash *f, struct vm *vm, unsigned index, enum flash_kind kind)
{
	f->vm = vm;
	f->index = index;
	f->kind = kind;
	f->mode = FLASH_ARRAY;
	f->status = 0;
	lock_init(&f->lock, LOCK_DEVICE);
	f->region = (struct bus_region){ vm->rom[index].gpa, vm->rom[index].size, &flash_ops, f, &f->lock };
	return bus_add(&vm->mmio, &f->region);
}
