/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_kernels.h: small kernel files of every format, made field by field, and a guest to load them into. */
#ifndef FAKE_KERNELS_H
#define FAKE_KERNELS_H

#include "guest/vmm/x86/loader.h"

#define FAKE_RAM (8u << 20)

extern struct vm fake_vm;
extern struct loader_input fake_in;
extern struct vcpu_state fake_state;
extern u8 fake_file[16384]; /* the kernel; its size is fake_in.kernel.size */

void fake_put(u8 *p, u64 v, unsigned bytes);
u64 fake_get(const void *p, unsigned bytes);
/** The guest's memory at @gpa; the test fails when it is not RAM. */
u8 *fake_at(u64 gpa, u64 len);

/** Fresh RAM full of 0xcc and an input without kernel; call before each fake_make_*. */
void fake_begin(void);
/** Load a copy of the file in a block of its exact size, for AddressSanitizer. */
status_t fake_load(void);
/** cmocka's set-up and tear-down. */
int fake_setup(void **state);
int fake_teardown(void **state);

/** A relocatable bzImage, 2.15, 64-bit entry, three setup sectors, 4096 bytes of code (byte i is i * 7). */
void fake_make_linux(void);
/** An ELF file: two segments (0x100000, 0x300 of 0x800 bytes; 0x200000, 0x80 bytes) and a PT_NOTE. */
void fake_make_elf(bool is64);
/** Put a PVH note with @entry into its PT_NOTE. */
void fake_add_pvh(u64 entry);
/** Put a Multiboot 1 header with @flags at file offset @at, checksum right. */
void fake_add_multiboot(u32 at, u32 flags);

#define FAKE_ELF_NOTES 0x400u  /* file offset of the notes, 0x40 bytes */
#define FAKE_ELF_SEG0  0x1000u /* file offset of the first segment     */
#define FAKE_ELF_SEG1  0x1400u
/* File offset of field @f64 or @f32 of program header @i. */
u32 fake_phdr(unsigned i, unsigned f64, unsigned f32);

#endif
