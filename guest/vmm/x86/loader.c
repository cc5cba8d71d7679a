/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/loader.c: recognises a kernel, and what its formats share: placing, memory map, first CPU state. */
#include "guest/vmm/x86/load.h"

#include "hv/lib/util.h"

#define CR0_PE	 BIT(0)
#define CR0_ET	 BIT(4)
#define CR0_NW	 BIT(29)
#define CR0_CD	 BIT(30)
#define CR0_PG	 BIT(31)
#define CR4_PAE	 BIT(5)
#define EFER_LME BIT(8)
#define EFER_LMA BIT(10)

#define RFLAGS_ONE 0x2u /* bit 1 always reads as 1 */

#define APIC_BASE_ADDR 0xfee00000u
#define APIC_BASE_BSP  BIT(8)
#define APIC_BASE_EN   BIT(11)

#define PTE_P  BIT(0)
#define PTE_W  BIT(1)
#define PTE_PS BIT(7)

#define TYPE_CODE 0xbu /* execute, read, accessed */
#define TYPE_DATA 0x3u /* read, write, accessed   */
#define TYPE_LDT  0x2u
#define TYPE_TSS  0xbu /* busy */

#define LOAD_4G (4 * (u64)SIZE_1G)

status_t load_fail(struct load *l, status_t s, const char *fmt, ...)
{
	char *to = l->in->error;
	size_t size = sizeof(l->in->error);
	size_t n;
	va_list ap;

	snprintf(to, size, "%.48s: ", l->in->kernel.name ? l->in->kernel.name : "kernel");
	n = strlen(to);
	va_start(ap, fmt);
	vsnprintf(to + n, size - n, fmt, ap);
	va_end(ap);
	return s;
}

u16 load_u16(const u8 *p)
{
	return p[0] | p[1] << 8;
}

u32 load_u32(const u8 *p)
{
	return load_u16(p) | (u32)load_u16(p + 2) << 16;
}

u64 load_u64(const u8 *p)
{
	return load_u32(p) | (u64)load_u32(p + 4) << 32;
}

bool load_usable(const struct load *l, u64 gpa, u64 size)
{
	if (range_bad(gpa, size))
		return false;
	if (!range_in(gpa, size, LOAD_LOW_END, LOAD_BIOS - LOAD_LOW_END) &&
	    !(l->low_top > LOAD_1M && range_in(gpa, size, LOAD_1M, l->low_top - LOAD_1M)))
		return false;
	return vm_mem(l->vm, gpa, size) != NULL;
}

bool load_copy(struct load *l, u64 gpa, const void *data, u64 size, u64 total)
{
	u8 *to;

	if (total == 0 && size == 0)
		return true;
	if (total < size || !load_usable(l, gpa, total))
		return false;
	to = vm_mem(l->vm, gpa, total);
	if (size != 0)
		memcpy(to, data, size);
	memset(to + size, 0, total - size);
	l->end = MAX(l->end, gpa + total);
	return true;
}

/* @b shall be at @gpa: copy it there. */
static status_t load_place(struct load *l, const struct blob *b, u64 gpa)
{
	if (!load_usable(l, gpa, b->size))
		return load_fail(l, ERR_NOMEM, "no room in RAM for %.40s (%lu KiB)", b->name ? b->name : "a module",
				 b->size >> 10);
	memcpy(vm_mem(l->vm, gpa, b->size), b->data, b->size);
	return OK;
}

status_t load_high(struct load *l, const struct blob *b, u64 limit, u64 *gpa)
{
	u64 top = MIN(limit, l->low_top);

	*gpa = top > b->size ? round_down(top - b->size, PAGE_SIZE) : 0;
	if (*gpa < l->end)
		*gpa = 0; /* where nothing may be placed */
	return load_place(l, b, *gpa);
}

status_t load_behind(struct load *l, const struct blob *b, u64 *gpa)
{
	status_t s;

	*gpa = round_up(MAX(l->end, (u64)LOAD_1M), PAGE_SIZE);
	if (b->size == 0)
		return OK;
	s = load_place(l, b, *gpa);
	if (s == OK)
		l->end = *gpa + b->size;
	return s;
}

status_t load_string(struct load *l, const char *a, const char *b, u64 *gpa)
{
	const u64 room = LOAD_TABLES - l->strings;
	u64 na = a ? strnlen(a, room) : 0;
	u64 nb = b ? strnlen(b, room) : 0;
	bool space = na != 0 && nb != 0;
	char *to;

	if (na + space + nb + 1 > room)
		return load_fail(l, ERR_FORMAT, "command lines are too long");
	to = vm_mem(l->vm, l->strings, na + space + nb + 1);
	if (!to)
		return load_fail(l, ERR_NOMEM, "no RAM for the command line");
	if (na != 0)
		memcpy(to, a, na);
	if (space)
		to[na] = ' ';
	if (nb != 0)
		memcpy(to + na + space, b, nb);
	to[na + space + nb] = '\0';
	*gpa = l->strings;
	l->strings += na + space + nb + 1;
	return OK;
}

/* Append the part of [@base, @end) that lies in [@from, @to). */
static unsigned load_map_add(struct load_range *map, unsigned n, u64 base, u64 end, u64 from, u64 to, u32 type)
{
	base = MAX(base, from);
	end = MIN(end, to);
	if (base >= end || n == LOAD_MAP_MAX)
		return n;
	map[n] = (struct load_range){ .base = base, .size = end - base, .type = type };
	return n + 1;
}

unsigned load_map(const struct load *l, struct load_range *map)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->vm->nram && i < VM_MAX_RAM; i++) {
		u64 base = l->vm->ram[i].gpa;
		u64 end = base + l->vm->ram[i].size;

		if (base < LOAD_1M) {
			n = load_map_add(map, n, base, end, 0, LOAD_BIOS, LOAD_MAP_RAM);
			n = load_map_add(map, n, LOAD_BIOS, LOAD_1M, 0, LOAD_1M, LOAD_MAP_RESERVED);
		}
		n = load_map_add(map, n, base, end, LOAD_1M, l->low_top, LOAD_MAP_RAM);
		n = load_map_add(map, n, base, end, MAX(l->low_top, (u64)LOAD_1M), LOAD_4G, LOAD_MAP_RESERVED);
		n = load_map_add(map, n, base, end, LOAD_4G, ~0ULL, LOAD_MAP_RAM);
	}
	for (unsigned i = 1; i < n; i++) /* a platform may list its RAM in any order */
		for (unsigned j = i; j > 0 && map[j].base < map[j - 1].base; j--) {
			struct load_range t = map[j];

			map[j] = map[j - 1];
			map[j - 1] = t;
		}
	return n;
}

/* Identity tables for the first 4 GiB, of 2 MiB pages. */
static bool load_tables(struct load *l)
{
	u64 *t = vm_mem(l->vm, LOAD_TABLES, 6 * PAGE_SIZE);
	const unsigned per_page = PAGE_SIZE / sizeof(u64);

	if (!t)
		return false;
	memset(t, 0, 6 * PAGE_SIZE);
	t[0] = (LOAD_TABLES + PAGE_SIZE) | PTE_P | PTE_W;
	for (u64 i = 0; i < 4; i++)
		t[per_page + i] = (LOAD_TABLES + (2 + i) * PAGE_SIZE) | PTE_P | PTE_W;
	for (u64 i = 0; i < 4 * per_page; i++)
		t[2 * per_page + i] = i * SIZE_2M | PTE_P | PTE_W | PTE_PS;
	return true;
}

static_assert(LOAD_TABLES + 6 * PAGE_SIZE <= LOAD_LOW_END, "the page tables fit");

/* A descriptor of a flat segment with attributes @ar (Intel SDM 3A, 3.4.5). */
static u64 load_descriptor(u16 ar)
{
	return 0xffffULL | (u64)(ar & 0xff) << 40 | 0xfULL << 48 | (u64)(ar & 0xf00) << 44;
}

status_t load_flat_state(struct load *l, u64 entry, bool long_mode)
{
	struct vcpu_state *st = l->state;
	const u16 code = X86_AR_P | X86_AR_S | X86_AR_G | TYPE_CODE | (long_mode ? X86_AR_L : X86_AR_DB);
	const u16 data = X86_AR_P | X86_AR_S | X86_AR_G | TYPE_DATA | X86_AR_DB;
	const u64 gdt[4] = { 0, 0, load_descriptor(code), load_descriptor(data) };

	static_assert(LOAD_CS == 2 * 8 && LOAD_DS == 3 * 8, "their places in gdt[]");
	x86_reset_state(st);
	if (vm_write(l->vm, LOAD_GDT, gdt, sizeof(gdt)) != OK || (long_mode && !load_tables(l)))
		return load_fail(l, ERR_NOMEM, "no RAM in the first 128 KiB");
	st->gdtr = (struct x86_table){ .base = LOAD_GDT, .limit = sizeof(gdt) - 1 };
	st->idtr = (struct x86_table){ .base = 0, .limit = 0 };
	for (unsigned i = 0; i < X86_NSREG; i++)
		st->regs.seg[i] = (struct x86_seg){ .sel = LOAD_DS, .ar = data, .limit = 0xffffffff };
	st->regs.seg[X86_CS] = (struct x86_seg){ .sel = LOAD_CS, .ar = code, .limit = 0xffffffff };
	st->tr.limit = 0x67; /* a 32-bit TSS without a bitmap, as PVH asks for */
	st->regs.gpr[X86_RDX] = 0;
	st->regs.rip = entry;
	st->regs.cr0 = CR0_ET | CR0_PE;
	if (long_mode) {
		st->regs.cr0 |= CR0_PG;
		st->regs.cr3 = LOAD_TABLES;
		st->regs.cr4 = CR4_PAE;
		st->regs.efer = EFER_LME | EFER_LMA;
	}
	return OK;
}

void x86_reset_state(struct vcpu_state *st)
{
	memset(st, 0, sizeof(*st));
	st->regs.rip = 0xfff0;
	st->regs.rflags = RFLAGS_ONE;
	st->regs.cr0 = CR0_CD | CR0_NW | CR0_ET;
	st->regs.gpr[X86_RDX] = 0x600; /* a processor signature: family 6 */
	for (unsigned i = 0; i < X86_NSREG; i++)
		st->regs.seg[i] = (struct x86_seg){ .ar = X86_AR_P | X86_AR_S | TYPE_DATA, .limit = 0xffff };
	st->regs.seg[X86_CS] = (struct x86_seg){
		.sel = 0xf000, .base = 0xffff0000, .ar = X86_AR_P | X86_AR_S | TYPE_CODE, .limit = 0xffff
	};
	st->ldtr = (struct x86_seg){ .ar = X86_AR_P | TYPE_LDT, .limit = 0xffff };
	st->tr = (struct x86_seg){ .ar = X86_AR_P | TYPE_TSS, .limit = 0xffff };
	st->gdtr.limit = 0xffff;
	st->idtr.limit = 0xffff;
	st->dr6 = 0xffff0ff0;
	st->dr7 = 0x400;
	st->pat = 0x0007040600070406;
	st->xcr0 = 1; /* x87, always on */
	st->apic_base = APIC_BASE_ADDR | APIC_BASE_BSP | APIC_BASE_EN;
}

static status_t load_elf(struct load *l)
{
	struct elf e;
	u32 header;
	u64 entry;
	status_t s = elf_open(l, &e);
	bool pvh, multiboot;

	if (s != OK)
		return s;
	pvh = elf_pvh_entry(&e, &entry);
	multiboot = multiboot_find(&l->in->kernel, &header);
	if (multiboot && (!pvh || l->in->nmodules != 0))
		return multiboot_load(l, header);
	if (pvh)
		return pvh_load(l, &e, entry);
	return load_fail(l, ERR_FORMAT, "an ELF file with neither a PVH note nor a Multiboot header");
}

status_t loader_x86(struct vm *vm, struct loader_input *in, struct vcpu_state *state)
{
	struct load l = { .vm = vm, .in = in, .state = state, .end = LOAD_1M, .strings = LOAD_STRINGS };
	u32 header;

	in->error[0] = '\0';
	l.low_top = MIN(in->low_top, LOAD_4G);
	if (!in->kernel.data || in->kernel.size == 0)
		return load_fail(&l, ERR_NOENT, "no such file, or it is empty");
	if (in->nmodules > LOADER_MAX_MODULES)
		return load_fail(&l, ERR_FORMAT, "more than %u modules", LOADER_MAX_MODULES);
	if (!vm_mem(vm, 0, LOAD_LOW_END))
		return load_fail(&l, ERR_NOMEM, "no RAM in the first 128 KiB");
	if (linux_is(&in->kernel))
		return linux_load(&l);
	if (elf_is(&in->kernel))
		return load_elf(&l);
	if (multiboot_find(&in->kernel, &header))
		return multiboot_load(&l, header);
	return load_fail(&l, ERR_FORMAT, "neither a Linux bzImage nor an ELF file nor a Multiboot kernel");
}
