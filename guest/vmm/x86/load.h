/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/load.h: what the loaders of the kernel formats share. Private to guest/vmm/x86. */
#ifndef GUEST_VMM_X86_LOAD_H
#define GUEST_VMM_X86_LOAD_H

#include "guest/vmm/x86/loader.h"

/*
 * The guest's low memory when its kernel starts. Nothing of a kernel is loaded below LOAD_LOW_END or from
 * LOAD_BIOS to LOAD_1M (the EBDA, the VGA's memory and the BIOS, where the platform puts its tables).
 */
#define LOAD_GDT     0x1000u  /* null, null, code, data                                     */
#define LOAD_INFO    0x2000u  /* Linux' zero page, hvm_start_info or Multiboot information  */
#define LOAD_STRINGS 0x8000u  /* command lines and names                                    */
#define LOAD_TABLES  0x10000u /* PML4, PDPT and four page directories: the first 4 GiB      */
#define LOAD_LOW_END 0x20000u
#define LOAD_BIOS    0x9fc00u
#define LOAD_1M	     0x100000u

/* Selectors in LOAD_GDT, as Linux' boot protocol wants them. */
#define LOAD_CS 0x10u
#define LOAD_DS 0x18u

/* One entry of the memory map, with e820's types. */
#define LOAD_MAP_RAM	  1u
#define LOAD_MAP_RESERVED 2u
#define LOAD_MAP_MAX	  16u
struct load_range {
	u64 base, size;
	u32 type;
};

/* One load. */
struct load {
	struct vm *vm;
	struct loader_input *in;
	struct vcpu_state *state;
	u64 low_top; /* end of RAM below 4 GiB                         */
	u64 end;     /* the kernel lies below, but for LOAD_LOW_END's  */
	u64 strings; /* first free byte from LOAD_STRINGS              */
};

/** Fill in->error with the kernel's name and the text; returns @s. */
MUST_CHECK status_t load_fail(struct load *l, status_t s, const char *fmt, ...) PRINTF(3, 4);
/** May a kernel have [@gpa, @gpa+@size), below 4 GiB? */
bool load_usable(const struct load *l, u64 gpa, u64 size);
/** Copy @size bytes to @gpa and zeros behind them up to @total; moves l->end. False: not usable, nothing changed. */
MUST_CHECK bool load_copy(struct load *l, u64 gpa, const void *data, u64 size, u64 total);
/** Copy @b to the highest page of usable RAM that ends below @limit and lies behind l->end. */
MUST_CHECK status_t load_high(struct load *l, const struct blob *b, u64 limit, u64 *gpa);
/** Copy @b to the next page behind l->end, and move that. */
MUST_CHECK status_t load_behind(struct load *l, const struct blob *b, u64 *gpa);
/** Put "@a @b" (either may be NULL) among the strings. */
MUST_CHECK status_t load_string(struct load *l, const char *a, const char *b, u64 *gpa);
/** The guest's memory map, sorted; at most LOAD_MAP_MAX entries. Returns how many. */
unsigned load_map(const struct load *l, struct load_range *map);
/** Protected mode with flat 32-bit segments, or @long_mode with the first 4 GiB mapped to themselves; IF = 0. */
MUST_CHECK status_t load_flat_state(struct load *l, u64 entry, bool long_mode);

/* Little-endian fields of a file at any alignment; the caller has checked the bounds. */
u16 load_u16(const u8 *p);
u32 load_u32(const u8 *p);
u64 load_u64(const u8 *p);

/* The part of an ELF header (32 or 64 bits) that a loader needs; elf.c has checked the tables' bounds. */
struct elf {
	const u8 *file;
	u64 size;
	bool is64;
	u64 entry; /* as e_entry has it */
	u64 phoff;
	unsigned phnum, phentsize;
};

struct elf_segment {
	u32 type;
	u64 offset, vaddr, paddr, filesz, memsz, align;
};

#define ELF_PT_LOAD 1u
#define ELF_PT_NOTE 4u

bool elf_is(const struct blob *b);
/** Check the header and the place of the program headers. ERR_FORMAT. */
MUST_CHECK status_t elf_open(struct load *l, struct elf *e);
/** Program header @i < phnum. */
struct elf_segment elf_segment(const struct elf *e, unsigned i);
/** Load all PT_LOAD segments to their physical addresses. */
MUST_CHECK status_t elf_load(struct load *l, const struct elf *e);
/** Is physical address @pa in a loaded segment? */
bool elf_loaded(const struct elf *e, u64 pa);
/** Entry of the Xen note PHYS32_ENTRY, from PT_NOTE segments. False: there is none. */
bool elf_pvh_entry(const struct elf *e, u64 *entry);

/* The formats. The first function says whether the kernel is of that format at all. */
bool linux_is(const struct blob *b);
MUST_CHECK status_t linux_load(struct load *l);
MUST_CHECK status_t pvh_load(struct load *l, const struct elf *e, u64 entry);
/** Offset of the Multiboot 1 header; false: there is none. */
bool multiboot_find(const struct blob *b, u32 *offset);
MUST_CHECK status_t multiboot_load(struct load *l, u32 header);

#endif
