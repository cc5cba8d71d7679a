/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/pvh.c: starts an ELF kernel by PVH (Xen's docs/misc/pvh.pandoc and public/arch-x86/hvm/start_info.h).
 */
#include "guest/vmm/x86/load.h"

#include "hv/lib/util.h"

#define PVH_MAGIC   0x336ec578u
#define PVH_VERSION 1u

struct pvh_start_info {
	u32 magic, version, flags, nr_modules;
	u64 modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
	u32 memmap_entries, reserved;
};

struct pvh_module {
	u64 paddr, size, cmdline_paddr, reserved;
};

struct pvh_range {
	u64 addr, size;
	u32 type, reserved;
};

/* All of it, at LOAD_INFO. */
struct pvh_info {
	struct pvh_start_info start;
	struct pvh_module module[LOADER_MAX_MODULES + 1];
	struct pvh_range map[LOAD_MAP_MAX];
};

static_assert(sizeof(struct pvh_start_info) == 56, "hvm_start_info, version 1");
static_assert(sizeof(struct pvh_module) == 32 && sizeof(struct pvh_range) == 24, "its lists");
static_assert(LOAD_INFO + sizeof(struct pvh_info) <= LOAD_STRINGS, "the information fits");

/* Modules stand at the top of RAM, out of the way of a kernel that uses memory behind its end. */
static status_t pvh_module(struct load *l, struct pvh_info *info, const struct blob *b, const char *args, u64 *top)
{
	struct pvh_module *m = &info->module[info->start.nr_modules];
	status_t s;

	if (!b->data || b->size == 0)
		return load_fail(l, ERR_NOENT, "module %.40s does not exist or is empty", b->name ? b->name : "?");
	s = load_high(l, b, *top, &m->paddr);
	if (s == OK)
		s = load_string(l, b->name, args, &m->cmdline_paddr);
	if (s != OK)
		return s;
	m->size = b->size;
	*top = m->paddr;
	info->start.nr_modules++;
	return OK;
}

static status_t pvh_modules(struct load *l, struct pvh_info *info)
{
	u64 top = l->low_top;
	status_t s = OK;

	if (l->in->initrd.data)
		s = pvh_module(l, info, &l->in->initrd, NULL, &top);
	for (unsigned i = 0; s == OK && i < l->in->nmodules; i++)
		s = pvh_module(l, info, &l->in->module[i], l->in->module_args[i], &top);
	if (info->start.nr_modules != 0)
		info->start.modlist_paddr = LOAD_INFO + offsetof(struct pvh_info, module);
	return s;
}

status_t pvh_load(struct load *l, const struct elf *e, u64 entry)
{
	struct load_range map[LOAD_MAP_MAX];
	struct pvh_info info;
	status_t s = elf_load(l, e);

	if (s != OK)
		return s;
	if (!elf_loaded(e, entry) || entry > UINT32_MAX)
		return load_fail(l, ERR_FORMAT, "its PVH entry 0x%lx is not in the kernel", entry);
	memset(&info, 0, sizeof(info));
	info.start.magic = PVH_MAGIC;
	info.start.version = PVH_VERSION;
	info.start.rsdp_paddr = l->in->acpi_rsdp;
	s = load_string(l, l->in->cmdline, NULL, &info.start.cmdline_paddr);
	if (s == OK)
		s = pvh_modules(l, &info);
	if (s != OK)
		return s;
	info.start.memmap_paddr = LOAD_INFO + offsetof(struct pvh_info, map);
	info.start.memmap_entries = load_map(l, map);
	for (unsigned i = 0; i < info.start.memmap_entries; i++)
		info.map[i] = (struct pvh_range){ .addr = map[i].base, .size = map[i].size, .type = map[i].type };
	if (vm_write(l->vm, LOAD_INFO, &info, sizeof(info)) != OK)
		return load_fail(l, ERR_NOMEM, "no RAM for the start information");
	s = load_flat_state(l, entry, false);
	l->state->regs.gpr[X86_RBX] = LOAD_INFO;
	return s;
}
