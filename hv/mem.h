/* SPDX-License-Identifier: Apache-2.0 */
/* hv/mem.h: who owns each page of physical memory, and to whom it is granted. */
#ifndef HV_MEM_H
#define HV_MEM_H

#include "hv/abi/boot_info.h"
#include "hv/lib/pool.h"

struct vm;

/* One for each 4 KiB of physical address space up to the end of RAM: 8 bytes, 1/512 of it. */
struct frame {
	u16 owner;   /* VM number; 0: the hypervisor; FRAME_NONE: no RAM */
	u16 grantee; /* VM that also maps it, 0: none                    */
	u16 count;   /* how often the grantee maps it; first page of a donation: tables owed at its return */
	u16 flags;   /* FRAME_*                                          */
};
static_assert(sizeof(struct frame) == 8, "1/512 of memory");

#define FRAME_NONE    0xffffu
#define FRAME_SHARED  0x1u  /* the hypervisor maps it too: mailbox, run page, trace ring */
#define FRAME_DONATED 0x2u  /* the hypervisor's for the time being, of VM @grantee        */
#define FRAME_WORD    0x10u /* times how many: words that vCPUs of VM @grantee share with the hypervisor */

/** Carve the hypervisor's memory out of RAM, make the frame table, and switch to the final page tables. */
void mem_init(struct boot_info *bi);
/**
 * Make the boot module with the string @name the hypervisor's own, map it, and take it out of @bi. NULL: there is none,
 * or it is not alone in its pages of RAM. Before service_create.
 */
const void *mem_take_module(struct boot_info *bi, const char *name, u64 *size);
/** Pages that the hypervisor keeps for itself, in bytes: image, frame table, boot pool. */
u64 mem_own_bytes(void);
/** LOG_BYTES, not cleared: what they hold is of the last start, if memory has kept it and all was then as it is now. */
void *mem_log(void);
/** The block of CPU @n, zeroed; NULL: there is none (number 0 has its own in the image). */
void *mem_cpu_block(unsigned n);
/** Nobody uses old translations of @vm's stage 2 any more. Control lock held. */
void mem_flush(struct vm *vm);
/** The pool of pages for the service VM and our own tables. */
struct pool *mem_pool(void);
/** The frame of @pa, or NULL when that is not RAM. */
struct frame *mem_frame(u64 pa);
/** All RAM, ours included, bytes. */
u64 mem_ram_bytes(void);
/** End of the highest RAM, bytes. */
u64 mem_top(void);
/** Map all RAM that is the service VM @vm's, with @rights (PT_*), firmware's tables and devices into its stage 2. */
void mem_give_all(struct vm *vm, unsigned rights);

/** Does @vm own all of [@pa, @pa+@size), free of grants and shares? Page-aligned; ERR_ALIGN, ERR_OWNER, ERR_BUSY. */
MUST_CHECK status_t mem_check_free(const struct vm *vm, u64 pa, u64 size);
/**
 * Take [@pa, @pa+@size), at most 1 GiB, from @from as memory for VM @to's own tables: zeroed and mapped here, in @pool.
 * As mem_check_free, and ERR_RANGE, ERR_NOMEM: nothing has changed.
 */
MUST_CHECK status_t mem_donate(struct vm *from, u64 pa, u64 size, u16 to, struct pool *pool);
/** Give such memory back, zeroed, in the same piece. Cannot fail. */
void mem_return(struct vm *to, u64 pa, u64 size);
/** Map one page of @vm here too, until mem_unshare. */
MUST_CHECK status_t mem_share(struct vm *vm, u64 pa);
void mem_unshare(u64 pa);
/** Map the page here too in which @vm, to which it is granted, has the word at @pa, until mem_unshare_word. ERR_OWNER,
 * ERR_NOMEM. */
MUST_CHECK status_t mem_share_word(const struct vm *vm, u64 pa);
void mem_unshare_word(u64 pa);
/** @owner grants [@pa, @pa+@size) to VM @to, or takes one grant back. ERR_OWNER, ERR_BUSY, ERR_ALIGN. */
MUST_CHECK status_t mem_grant(const struct vm *owner, u64 pa, u64 size, u16 to);
void mem_revoke(u64 pa, u64 size, u16 to);

#endif
