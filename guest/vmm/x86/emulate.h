/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/emulate.h: decode and carry out one instruction of a guest that touched a device. */
#ifndef GUEST_VMM_X86_EMULATE_H
#define GUEST_VMM_X86_EMULATE_H

#include "hv/abi/hypercall.h"
#include "hv/abi/status.h"
#include "self/regs.h"

enum emu_result {
	EMU_DONE,    /* registers, RIP and memory are updated                        */
	EMU_FAULT,   /* an exception for the guest: vector, error, cr2; nothing else changed
			but the finished iterations of a string instruction          */
	EMU_UNKNOWN, /* not an instruction that touches memory that we emulate       */
};

/* How the emulator reaches the guest: physical memory, RAM or device alike. */
struct emu_ops {
	/* The bytes of RAM at @gpa (never crossing a page), or NULL when it is a device or nothing. */
	void *(*ram)(void *ctx, u64 gpa, unsigned len);
	/* The same of ROM, for code that runs there. Optional: there is none. */
	const u8 *(*rom)(void *ctx, u64 gpa, unsigned len);
	u64 (*mmio_read)(void *ctx, u64 gpa, unsigned size);
	void (*mmio_write)(void *ctx, u64 gpa, unsigned size, u64 value);
	u64 (*port_read)(void *ctx, u16 port, unsigned size);
	void (*port_write)(void *ctx, u16 port, unsigned size, u64 value);
};

struct emu_fault {
	u8 vector;
	bool has_error;
	u32 error;
	u64 cr2;
};

/*
 * A walk of a 4-level table that went well, with the entries it used. A walk depends on these and on a few registers
 * alone, so while all of them are the same it need not be repeated: a hit compares every one, and nobody has to tell
 * when the guest changes its tables.
 */
struct emu_walked {
	u64 key; /* page of the linear address, and in its low bits what for; 0: empty */
	u64 cr0, cr3, cr4, efer, user;
	const u64 *entry[4]; /* where they are; with fewer levels the last is repeated */
	u64 value[4];
	u64 gpa; /* of the page */
	u8 *ram; /* the page, NULL: a device */
};

/* A 64-bit instruction of which the first 15 bytes are these, taken apart: see struct insn. */
struct emu_decoded {
	u64 low, high; /* bytes 0 to 7, and 7 to 14 */
	u64 length;    /* 0: empty                  */
	u64 insn[7];
};

/* A vCPU's last walks and instructions; all zeroes is empty. It must not outlive the guest's RAM, of which a page is
 * all RAM or not at all. */
struct emu_cache {
	struct emu_walked walked[12];
	struct emu_decoded decoded[8];
};

struct emu {
	const struct emu_ops *ops;
	void *ctx;
	struct vcpu_regs *regs;
	struct emu_cache *cache; /* or NULL */
	const u8 *insn;		 /* bytes the CPU gave, or NULL: fetched through the guest's tables */
	unsigned insn_len;
	u64 at;	    /* where the CPU has found the operand ModRM names, a device's: its guest-physical address */
	u32 access; /* ... of an access of this kind, MAP_R or MAP_W; 0: it has not said */
	struct emu_fault fault;
	unsigned length;   /* of the decoded instruction */
	unsigned max_iter; /* string iterations before going back to the guest, RIP unmoved; 0: 4096 */
};

/** Carry out the instruction at RIP. */
enum emu_result emu_step(struct emu *e);
/** Decode only: its length in bytes in e->length, without touching anything. EMU_DONE, EMU_FAULT (fetch), EMU_UNKNOWN.
 */
enum emu_result emu_length(struct emu *e);
/** Walk the guest's page tables (none, 32-bit, PAE, 4- and 5-level): ERR_UNMAPPED with the fault filled in. */
MUST_CHECK status_t emu_translate(struct emu *e, u64 linear, bool write, bool fetch, u64 *gpa);

#endif
