/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/fw_cfg.h: QEMU's firmware configuration device, with DMA (QEMU's docs/specs/fw_cfg). */
#ifndef GUEST_VMM_DEV_FW_CFG_H
#define GUEST_VMM_DEV_FW_CFG_H

#include "guest/vmm/vm.h"

#define FW_CFG_PORT	 0x510
#define FW_CFG_MMIO_SIZE 0x18
#define FW_CFG_FILES	 32
#define FW_CFG_NAME	 56
#define FW_CFG_SIGNATURE 0x00
#define FW_CFG_ID	 0x01
#define FW_CFG_RAM_SIZE	 0x03
#define FW_CFG_NB_CPUS	 0x05
#define FW_CFG_MAX_CPUS	 0x0f
#define FW_CFG_FILE_DIR	 0x19
#define FW_CFG_FILE	 0x20 /* key of the first file */

/* The directory as the guest reads it: big-endian. */
struct fw_cfg_dirent {
	u8 size[4];
	u8 select[2];
	u8 reserved[2];
	char name[FW_CFG_NAME];
};

struct fw_cfg {
	struct vm *vm;
	struct lock lock;
	u16 key;
	u64 pos;
	u64 dma; /* address of the DMA descriptor */
	u32 id;
	u64 ram_size;
	u16 ncpus;
	unsigned nfiles;
	const void *data[FW_CFG_FILES];
	struct {
		u8 count[4];
		struct fw_cfg_dirent entry[FW_CFG_FILES];
	} dir;
	struct bus_region port, dma_port; /* by ports */
	struct bus_region mmio;
};

static_assert(sizeof(struct fw_cfg_dirent) == 64, "an entry of the directory");

MUST_CHECK status_t fw_cfg_init(struct fw_cfg *f, struct vm *vm, u64 ram_size, unsigned ncpus);
/** The same with its registers in memory at @base, FW_CFG_MMIO_SIZE bytes, as virt has them. */
MUST_CHECK status_t fw_cfg_init_mmio(struct fw_cfg *f, struct vm *vm, u64 base, u64 ram_size, unsigned ncpus);
/** Offer @size bytes at @data (the caller's, they stay) as file @name. ERR_RANGE (name, size), ERR_EXISTS, ERR_FULL. */
MUST_CHECK status_t fw_cfg_add(struct fw_cfg *f, const char *name, const void *data, u64 size);
void fw_cfg_reset(struct fw_cfg *f);

#endif
