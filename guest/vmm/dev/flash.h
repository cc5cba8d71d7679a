/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/flash.h: a flash chip in which firmware keeps its variables: Intel's command set (JEDEC JEP137, 0001h).
 */
#ifndef GUEST_VMM_DEV_FLASH_H
#define GUEST_VMM_DEV_FLASH_H

#include "guest/vmm/vm.h"

/* What the machine's firmware expects: a chip of 8 bits (28F008SA), or two of 16 bits side by side, 32 bits (28F128J3).
 */
enum flash_kind { FLASH_8, FLASH_2X16 };

#define FLASH_BLOCK_8	 0x1000u /* bytes that are erased at once */
#define FLASH_BLOCK_2X16 0x40000u
#define FLASH_BUFFER	 128u /* bytes that 2X16 takes in one go, all in one such piece */

/*
 *   ARRAY --- program, erase, lock ---> DATA, CONFIRM, LOCK --- next write ---> STATUS
 *     ^ |'--- read status, read ID ---> STATUS, ID                                |
 *     | '---- buffered program: COUNT -> FILL (so many writes) -> COMMIT ---------|
 *     '------------------------ read array, clear status -------------------------'
 * In ARRAY the guest reads the memory itself, else reads come to the bus: the chip answers. LOCK and what follows COUNT
 * are 2X16's alone.
 */
enum flash_mode {
	FLASH_ARRAY,
	FLASH_STATUS,
	FLASH_ID,
	FLASH_DATA,
	FLASH_CONFIRM,
	FLASH_LOCK,
	FLASH_COUNT,
	FLASH_FILL,
	FLASH_COMMIT
};

struct flash {
	struct vm *vm;
	struct lock lock;
	unsigned index; /* of vm->rom */
	enum flash_kind kind;
	enum flash_mode mode;
	u8 status;
	bool bad;		 /* FILL: a write was not in the piece of the first */
	unsigned left;		 /* FILL: writes to come */
	u64 at;			 /* of the buffer, ~0: nothing is in it */
	u8 buffer[FLASH_BUFFER]; /* ones: nothing to program */
	struct bus_region region;
};

/** Make vm->rom[@index], of whole blocks of @kind and mapped for reading, a flash chip. What bus_add says. */
MUST_CHECK status_t flash_init(struct flash *f, struct vm *vm, unsigned index, enum flash_kind kind);
/** As at power-on; the contents stay. */
void flash_reset(struct flash *f);

#endif
