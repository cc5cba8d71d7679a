/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/elf.c: the part of ELF that a loader needs, 32 and 64 bits (System V gABI, chapters 4 and 5). */
#include "guest/vmm/x86/load.h"

#include "hv/lib/util.h"

#define ELF_CLASS      4 /* in e_ident */
#define ELF_DATA       5
#define ELF_CLASS_32   1
#define ELF_CLASS_64   2
#define ELF_DATA_LSB   1
#define ELF_ET_EXEC    2
#define ELF_ET_DYN     3
#define ELF_EM_386     3
#define ELF_EM_X86_64  62
#define ELF_EHDR_32    52
#define ELF_EHDR_64    64
#define ELF_PHDR_32    32
#define ELF_PHDR_64    56
#define ELF_PHNUM_MAX  64 /* kernels have fewer than ten */
#define ELF_NOTES_MAX  256
#define ELF_NOTE_HDR   12
#define XEN_NOTE_ENTRY 18 /* XEN_ELFNOTE_PHYS32_ENTRY */

bool elf_is(const struct blob *b)
{
	return b->size >= 4 && memcmp(b->data, "\177ELF", 4) == 0;
}

status_t elf_open(struct load *l, struct elf *e)
{
	const struct blob *b = &l->in->kernel;
	const u8 *f = b->data;
	u16 type, machine;

	*e = (struct elf){ .file = f, .size = b->size };
	if (b->size < ELF_EHDR_32 || (f[ELF_CLASS] != ELF_CLASS_32 && f[ELF_CLASS] != ELF_CLASS_64) ||
	    f[ELF_DATA] != ELF_DATA_LSB)
		return load_fail(l, ERR_FORMAT, "not a little-endian ELF file of 32 or 64 bits");
	e->is64 = f[ELF_CLASS] == ELF_CLASS_64;
	if (e->is64 && b->size < ELF_EHDR_64)
		return load_fail(l, ERR_FORMAT, "the ELF header is cut off");
	type = load_u16(f + 16);
	machine = load_u16(f + 18);
	if ((type != ELF_ET_EXEC && type != ELF_ET_DYN) || (machine != ELF_EM_386 && machine != ELF_EM_X86_64))
		return load_fail(l, ERR_FORMAT, "ELF type %u for machine %u is not an x86 kernel", type, machine);
	e->entry = e->is64 ? load_u64(f + 24) : load_u32(f + 24);
	e->phoff = e->is64 ? load_u64(f + 32) : load_u32(f + 28);
	e->phentsize = load_u16(f + (e->is64 ? 54 : 42));
	e->phnum = load_u16(f + (e->is64 ? 56 : 44));
	if (e->phnum == 0 || e->phnum > ELF_PHNUM_MAX || e->phentsize < (e->is64 ? ELF_PHDR_64 : ELF_PHDR_32))
		return load_fail(l, ERR_FORMAT, "%u ELF program headers of %u bytes", e->phnum, e->phentsize);
	if (!range_in(e->phoff, (u64)e->phnum * e->phentsize, 0, e->size))
		return load_fail(l, ERR_FORMAT, "the ELF program headers lie outside of the file");
	return OK;
}

struct elf_segment elf_segment(const struct elf *e, unsigned i)
{
	const u8 *p = e->file + e->phoff + (u64)i * e->phentsize;

	if (e->is64)
		return (struct elf_segment){ .type = load_u32(p),
					     .offset = load_u64(p + 8),
					     .vaddr = load_u64(p + 16),
					     .paddr = load_u64(p + 24),
					     .filesz = load_u64(p + 32),
					     .memsz = load_u64(p + 40),
					     .align = load_u64(p + 48) };
	return (struct elf_segment){ .type = load_u32(p),
				     .offset = load_u32(p + 4),
				     .vaddr = load_u32(p + 8),
				     .paddr = load_u32(p + 12),
				     .filesz = load_u32(p + 16),
				     .memsz = load_u32(p + 20),
				     .align = load_u32(p + 28) };
}

status_t elf_load(struct load *l, const struct elf *e)
{
	bool any = false;

	for (unsigned i = 0; i < e->phnum; i++) {
		struct elf_segment s = elf_segment(e, i);

		if (s.type != ELF_PT_LOAD || s.memsz == 0)
			continue;
		if (s.filesz > s.memsz || !range_in(s.offset, s.filesz, 0, e->size))
			return load_fail(l, ERR_FORMAT, "ELF segment %u is not wholly in the file", i);
		if (!load_copy(l, s.paddr, e->file + s.offset, s.filesz, s.memsz))
			return load_fail(l, ERR_NOMEM, "ELF segment %u (0x%lx bytes at 0x%lx) is not in usable RAM", i,
					 s.memsz, s.paddr);
		any = true;
	}
	return any ? OK : load_fail(l, ERR_FORMAT, "an ELF file with nothing to load");
}

bool elf_loaded(const struct elf *e, u64 pa)
{
	for (unsigned i = 0; i < e->phnum; i++) {
		struct elf_segment s = elf_segment(e, i);

		if (s.type == ELF_PT_LOAD && pa >= s.paddr && pa - s.paddr < s.memsz)
			return true;
	}
	return false;
}

/* The PHYS32_ENTRY note among the notes of segment @s. */
static bool elf_note_entry(const struct elf *e, const struct elf_segment *s, u64 *entry)
{
	const u64 align = s->align == 8 ? 8 : 4;
	u64 at = 0;

	if (!range_in(s->offset, s->filesz, 0, e->size))
		return false;
	for (unsigned i = 0; i < ELF_NOTES_MAX && s->filesz - at >= ELF_NOTE_HDR; i++) {
		const u8 *note = e->file + s->offset + at;
		u64 namesz = load_u32(note), descsz = load_u32(note + 4);
		u64 desc = round_up(ELF_NOTE_HDR + namesz, align);
		u64 next = round_up(desc + descsz, align);
		u64 left = s->filesz - at;

		if (desc > left || descsz > left - desc)
			return false;
		if (load_u32(note + 8) == XEN_NOTE_ENTRY && namesz == 4 && memcmp(note + ELF_NOTE_HDR, "Xen", 4) == 0 &&
		    (descsz == 4 || descsz == 8)) {
			*entry = descsz == 8 ? load_u64(note + desc) : load_u32(note + desc);
			return true;
		}
		if (next > left)
			return false;
		at += next;
	}
	return false;
}

bool elf_pvh_entry(const struct elf *e, u64 *entry)
{
	for (unsigned i = 0; i < e->phnum; i++) {
		struct elf_segment s = elf_segment(e, i);

		if (s.type == ELF_PT_NOTE && elf_note_entry(e, &s, entry))
			return true;
	}
	return false;
}
