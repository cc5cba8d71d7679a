/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/multiboot.c: starts a Multiboot 1 kernel (GNU Multiboot Specification 0.6.96, section 3). */
#include "guest/vmm/x86/load.h"

#include "hv/lib/util.h"

#define MB_SEARCH      8192u
#define MB_MAGIC       0x1badb002u
#define MB_MAGIC_EAX   0x2badb002u
#define MB_FLAG_VIDEO  BIT(2)
#define MB_FLAG_KLUDGE BIT(16)
/* Flags 0-15 must be understood: page alignment and memory information, which are always given, and video. */
#define MB_FLAGS_UNKNOWN BITS(15, 3)
#define MB_HEADER	 12u
#define MB_HEADER_LONG	 32u /* with the address fields */

#define MB_INFO_MEM    BIT(0)
#define MB_INFO_CMD    BIT(2)
#define MB_INFO_MODS   BIT(3)
#define MB_INFO_MMAP   BIT(6)
#define MB_INFO_LOADER BIT(9)

#define MB_MODULES (LOADER_MAX_MODULES + 1)

struct mb_info {
	u32 flags, mem_lower, mem_upper, boot_device, cmdline;
	u32 mods_count, mods_addr, syms[4], mmap_length, mmap_addr;
	u32 drives_length, drives_addr, config_table, boot_loader_name, apm_table;
	u32 vbe[4];
};

struct mb_module {
	u32 start, end, string, reserved;
};

struct PACKED mb_range {
	u32 size; /* of what follows */
	u64 base, length;
	u32 type;
};

/* All of it, at LOAD_INFO. */
struct mb_all {
	struct mb_info info;
	struct mb_module module[MB_MODULES];
	struct mb_range map[LOAD_MAP_MAX];
};

static_assert(offsetof(struct mb_info, boot_loader_name) == 64 && sizeof(struct mb_info) == 88, "section 3.3");
static_assert(sizeof(struct mb_module) == 16 && sizeof(struct mb_range) == 24, "its lists");
static_assert(LOAD_INFO + sizeof(struct mb_all) <= LOAD_STRINGS, "the information fits");

bool multiboot_find(const struct blob *b, u32 *offset)
{
	const u8 *f = b->data;
	u64 end = MIN(b->size, (u64)MB_SEARCH);

	for (u32 at = 0; at + MB_HEADER <= end; at += 4) {
		if (load_u32(f + at) != MB_MAGIC || MB_MAGIC + load_u32(f + at + 4) + load_u32(f + at + 8) != 0)
			continue;
		*offset = at;
		return true;
	}
	return false;
}

/* Load by the header's address fields. */
static status_t mb_load_kludge(struct load *l, u32 header, u64 *entry)
{
	const u8 *f = l->in->kernel.data;
	u64 size = l->in->kernel.size;
	u64 header_addr, load, load_end, bss_end, from, bytes, total;

	if (size - header < MB_HEADER_LONG)
		return load_fail(l, ERR_FORMAT, "the Multiboot header is cut off");
	header_addr = load_u32(f + header + 12);
	load = load_u32(f + header + 16);
	load_end = load_u32(f + header + 20);
	bss_end = load_u32(f + header + 24);
	*entry = load_u32(f + header + 28);
	if (load > header_addr || header_addr - load > header)
		return load_fail(l, ERR_FORMAT, "the Multiboot header's load address 0x%lx is before the file", load);
	from = header - (header_addr - load);
	bytes = load_end ? load_end - load : size - from; /* from <= header < size */
	if ((load_end != 0 && load_end < load) || bytes > size - from)
		return load_fail(l, ERR_FORMAT, "the Multiboot header's load end 0x%lx is not in the file", load_end);
	total = bss_end ? bss_end - load : bytes;
	if ((bss_end != 0 && bss_end < load) || total < bytes)
		return load_fail(l, ERR_FORMAT, "the Multiboot header's bss end 0x%lx is in the file", bss_end);
	if (total == 0 || *entry < load || *entry - load >= total)
		return load_fail(l, ERR_FORMAT, "its entry 0x%lx is not in the kernel", *entry);
	if (!load_copy(l, load, f + from, bytes, total))
		return load_fail(l, ERR_NOMEM, "0x%lx bytes at 0x%lx are not in usable RAM", total, load);
	return OK;
}

/* Load by the ELF headers. An entry that is a virtual address of a segment is meant physically. */
static status_t mb_load_elf(struct load *l, u64 *entry)
{
	struct elf e;
	status_t s = elf_open(l, &e);

	if (s == OK)
		s = elf_load(l, &e);
	if (s != OK)
		return s;
	*entry = e.entry;
	for (unsigned i = 0; i < e.phnum; i++) {
		struct elf_segment g = elf_segment(&e, i);

		if (g.type == ELF_PT_LOAD && e.entry >= g.vaddr && e.entry - g.vaddr < g.memsz) {
			*entry = e.entry - g.vaddr + g.paddr;
			return OK; /* elf_load has checked that the segment is in RAM below 4 GiB */
		}
	}
	if (!elf_loaded(&e, e.entry))
		return load_fail(l, ERR_FORMAT, "its entry 0x%lx is not in the kernel", e.entry);
	return OK;
}

static status_t mb_module(struct load *l, struct mb_all *all, const struct blob *b, const char *args)
{
	struct mb_module *m = &all->module[all->info.mods_count];
	u64 at, string;
	status_t s;

	if (!b->data)
		return load_fail(l, ERR_NOENT, "module %.40s does not exist", b->name ? b->name : "?");
	s = load_behind(l, b, &at);
	if (s == OK)
		s = load_string(l, b->name, args, &string);
	if (s != OK)
		return s;
	*m = (struct mb_module){ .start = at, .end = at + b->size, .string = string };
	all->info.mods_count++;
	return OK;
}

/* The initrd is the first module. All start on a page of their own. */
static status_t mb_modules(struct load *l, struct mb_all *all)
{
	status_t s = OK;

	if (l->in->initrd.data)
		s = mb_module(l, all, &l->in->initrd, NULL);
	for (unsigned i = 0; s == OK && i < l->in->nmodules; i++)
		s = mb_module(l, all, &l->in->module[i], l->in->module_args[i]);
	all->info.mods_addr = LOAD_INFO + offsetof(struct mb_all, module);
	return s;
}

static void mb_memory(struct load *l, struct mb_all *all)
{
	struct load_range map[LOAD_MAP_MAX];
	unsigned n = load_map(l, map);

	for (unsigned i = 0; i < n; i++) {
		all->map[i] = (struct mb_range){ .size = sizeof(struct mb_range) - sizeof(u32),
						 .base = map[i].base,
						 .length = map[i].size,
						 .type = map[i].type };
		if (map[i].type == LOAD_MAP_RAM && map[i].base == 0)
			all->info.mem_lower = map[i].size >> 10;
		if (map[i].type == LOAD_MAP_RAM && map[i].base == LOAD_1M)
			all->info.mem_upper = map[i].size >> 10;
	}
	all->info.mmap_length = n * sizeof(struct mb_range);
	all->info.mmap_addr = LOAD_INFO + offsetof(struct mb_all, map);
}

static status_t mb_info(struct load *l, struct mb_all *all)
{
	u64 cmdline, name;
	status_t s;

	memset(all, 0, sizeof(*all));
	s = load_string(l, l->in->kernel.name, l->in->cmdline, &cmdline);
	if (s == OK)
		s = load_string(l, "Trivet", NULL, &name);
	if (s == OK)
		s = mb_modules(l, all);
	if (s != OK)
		return s;
	mb_memory(l, all);
	all->info.cmdline = cmdline;
	all->info.boot_loader_name = name;
	all->info.flags = MB_INFO_MEM | MB_INFO_CMD | MB_INFO_MODS | MB_INFO_MMAP | MB_INFO_LOADER;
	return OK;
}

status_t multiboot_load(struct load *l, u32 header)
{
	const u8 *f = l->in->kernel.data;
	u32 flags = load_u32(f + header + 4);
	struct mb_all all;
	u64 entry = 0;
	status_t s;

	if (flags & MB_FLAGS_UNKNOWN)
		return load_fail(l, ERR_FORMAT, "wants something unknown of Multiboot, flags 0x%x", flags);
	if (flags & MB_FLAG_VIDEO)
		log_line("%s: %.48s asks for a video mode, and there is none", l->vm->name,
			 l->in->kernel.name ? l->in->kernel.name : "kernel");
	s = flags & MB_FLAG_KLUDGE ? mb_load_kludge(l, header, &entry)
	    : elf_is(&l->in->kernel)
		    ? mb_load_elf(l, &entry)
		    : load_fail(l, ERR_FORMAT, "neither ELF nor with addresses in its Multiboot header");
	if (s == OK)
		s = mb_info(l, &all);
	if (s != OK)
		return s;
	if (vm_write(l->vm, LOAD_INFO, &all, sizeof(all)) != OK)
		return load_fail(l, ERR_NOMEM, "no RAM for the Multiboot information");
	s = load_flat_state(l, entry, false);
	l->state->regs.gpr[X86_RAX] = MB_MAGIC_EAX;
	l->state->regs.gpr[X86_RBX] = LOAD_INFO;
	return s;
}
