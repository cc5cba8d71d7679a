/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_x86.h: a small x86 guest for tests of the emulator: RAM at 0, a device above it, page tables. */
#ifndef FAKE_X86_H
#define FAKE_X86_H

#include "guest/vmm/x86/emulate.h"

#define FAKE_RAM_SIZE 0x80000UL
#define FAKE_ROM      0xfffff000UL
#define FAKE_DEV      0xd0000000UL /* and everything else that is not RAM */

/* What the instruction did outside RAM. */
struct fake_access {
	u64 addr, value;
	u8 size;
	bool write, port;
};

struct fake_x86 {
	struct vcpu_regs regs;
	struct emu e;
	struct emu_cache cache; /* of e */
	u8 *ram;		/* of exactly FAKE_RAM_SIZE bytes, so that the sanitizer sees the end */
	u8 rom[0x1000];		/* at FAKE_ROM, up to 4 GiB */
	struct fake_access log[64];
	unsigned accesses;
	u64 answer;						   /* of device and port reads */
	void (*on_ram)(struct fake_x86 *f, u64 gpa, unsigned len); /* called before RAM is handed out, or NULL */
};

extern struct fake_x86 fake;

/** Clear everything; 64-bit mode without paging, CPL 0, RIP 0x1000. */
void fake_reset(void);
void fake_free(void);
/** Flat 16-bit (real mode), 32-bit or 64-bit code. */
void fake_mode(unsigned bits);
/** Put @len bytes at @gpa. */
void fake_put(u64 gpa, const void *bytes, unsigned len);
u64 fake_get(u64 gpa, unsigned size);
void fake_set(u64 gpa, unsigned size, u64 v);
/** Put the instruction at RIP's physical address 0x1000 and carry it out. */
enum emu_result fake_step(const void *bytes, unsigned len);

#define STEP(s) fake_step(s, sizeof(s) - 1)

#endif
