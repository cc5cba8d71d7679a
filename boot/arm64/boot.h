/* SPDX-License-Identifier: Apache-2.0 */
/* boot/arm64/boot.h: the first mappings, made of 2 MiB blocks: what boot code and hv/ reach until arch_mem_init. */
#ifndef BOOT_ARM64_BOOT_H
#define BOOT_ARM64_BOOT_H

#include "hv/abi/boot_info.h"

/** Virtual minus physical address: see arch/arm64/self/mem.h. */
extern u64 mem_offset __attribute__((visibility("hidden")));

static inline void *boot_ptr(u64 pa)
{
	return (void *)(pa + mem_offset);
}

/** MMU off: map [@image, @end) and the 2 MiB from @fdt on, and return the root's physical address. */
u64 boot_map_start(u64 image, u64 end, u64 fdt);
/**
 * Map the 2 MiB blocks that [@base, @base+@size) touches, below 512 GiB, as memory or, where nothing is mapped yet, as
 * @device. False: no table is left (eight GiB may have blocks), or beyond 512 GiB.
 */
bool boot_map(u64 base, u64 size, bool device);

/** From entry.S. @el: 1 or 3: the MMU is off; 2: on. @info: 0, or where boot/uefi has put a struct boot_info. */
NORETURN void boot_main(u64 fdt, u64 el, u64 image, u64 info);
NORETURN void hv_main(struct boot_info *bi);

#endif
