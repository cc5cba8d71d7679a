/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/flash.h: a flash chip in which firmware keeps its variables: Intel's command set (JEDEC JEP137, 0001h).
 */
#ifndef GUEST_VMM_DEV_FLASH_H
#define GUEST_VMM_DEV_FLASH_H

#include "guest/vmm/vm.h"

#define FLASH_BLOCK 0x1000u /* bytes that are erased at once */

/*
 *   ARRAY --- program, erase ---> DATA, CONFIRM --- next write ---> STATUS
 *     ^ '--- read status, read ID ---> STATUS, ID                     |
 *     '------------------ read array, clear status ------------------'
 * In ARRAY the guest reads the memory itself, else reads come to the bus: the chip answers.
 */
enum flash_mode { FLASH_ARRAY, FLASH_STATUS, FLASH_ID, FLASH_DATA, FLASH_CONFIRM };

struct flash {
	struct vm *vm;
	struct lock lock;
	unsigned index; /* of vm->rom */
	enum flash_mode mode;
	u8 status;
	struct bus_region region;
};

/** Make vm->rom[@index], of whole blocks and mapped for reading, a flash chip. What bus_add says. */
MUST_CHECK status_t flash_init(struct flash *f, struct vm *vm, unsigned index);
/** As at power-on; the contents stay. */
void flash_reset(struct flash *f);

#endif
