/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/mem.c: the hypervisor's own page tables: image W^X, guard pages, and only those pages that it owns. */
#include "arch/iface/mem.h"
#include "arch/arm64/cpu.h"
#include "arch/iface/cpu.h"
#include "hv/lib/panic.h"
#include "hv/lib/string.h"

/* linker.ld */
extern char image_start[], text_end[], rodata_end[], data_end[], image_end[];

#define CPU_GUARD  0x1000UL	    /* offset of the guard page in a CPU's block */
#define MEM_WINDOW 0xfffffffff000UL /* the last page that the tables translate   */

#define MEM_FINE (4 * SIZE_2M) /* of our memory, its end, mapped in pages: room for the blocks of all CPUs */

#define SCTLR_WXN BIT(19)

/* entry.S */
void mem_switch(u64 root, u64 offset, u64 sctlr);

u8 cpu0_block[ARCH_CPU_BLOCK] SECTION(".bss.cpu") ALIGNED(ARCH_CPU_BLOCK);
u64 mem_offset;
u64 mem_first;
static struct ptab mem_table;
static struct pool *mem_pool;
static u64 *mem_window; /* the leaf entry behind MEM_WINDOW */

static void *mem_ptr(u64 pa)
{
	return arch_ptr(pa);
}

static u64 mem_pa(const void *p)
{
	return arch_pa(p);
}

const struct ptab_mem arch_ptab_mem = { .ptr = mem_ptr, .pa = mem_pa };

void arch_image_range(u64 *base, u64 *size)
{
	*base = arch_pa(image_start);
	*size = (u64)(image_end - image_start);
}

u64 arch_image_bytes(void)
{
	return (u64)(data_end - image_start);
}

static void mem_must(status_t s, const char *what)
{
	if (s != OK)
		panic("hypervisor page tables: %s: status %d", what, s);
}

/* Input addresses are physical ones: the offset lies in the bits that choose the table. */
static void mem_map_image(const char *from, const char *to, unsigned flags)
{
	if (to > from)
		mem_must(ptab_map(&mem_table, arch_pa(from), arch_pa(from), (u64)(to - from), flags, mem_pool),
			 "image");
}

/*
 * Blocks of CPUs are at the end of it and get guard pages later, when a large leaf that other CPUs use cannot be split
 * any more (break-before-make would break what we run on).
 */
static void mem_map_own(u64 base, u64 size)
{
	u64 fine = size > MEM_FINE ? round_up(base + size - MEM_FINE, SIZE_2M) : base;

	if (fine > base)
		mem_must(ptab_map(&mem_table, base, base, fine - base, PT_R | PT_W, mem_pool), "own memory");
	mem_table.max_leaf = 0;
	mem_must(ptab_map(&mem_table, fine, fine, base + size - fine, PT_R | PT_W, mem_pool), "own memory");
	mem_table.max_leaf = mem_table.fmt->max_leaf;
}

static void mem_make_window(void)
{
	u64 *t = mem_table.root;

	mem_must(ptab_map(&mem_table, MEM_WINDOW, arch_pa(image_start), PAGE_SIZE, PT_R, mem_pool), "window");
	for (unsigned level = 3; level > 0; level--)
		t = arch_ptr(t[(MEM_WINDOW >> (12 + 9 * level)) & 511] & mem_table.fmt->pa_mask);
	mem_window = &t[(MEM_WINDOW >> 12) & 511];
	*mem_window = 0;
}

/*
 * Forget the translation of one page of ours, on every CPU; with VHE the address's upper half says which table it is
 * in.
 */
static void mem_flush(u64 pa)
{
	u64 page = (pa + mem_offset) >> PAGE_SHIFT & BITS(43, 0);

	asm volatile("dsb ishst; tlbi vae2is, %0; dsb ish; isb" : : "r"(page) : "memory");
}

void arch_mem_init(u64 base, u64 size, struct pool *pool)
{
	mem_pool = pool;
	mem_must(ptab_init(&mem_table, arm_features.vhe ? &fmt_el2_vhe : &fmt_el2, &arch_ptab_mem, pool), "root");
	mem_map_image(image_start, text_end, PT_R | PT_X);
	mem_map_image(text_end, rodata_end, PT_R);
	mem_map_image(rodata_end, (char *)round_up((u64)data_end, PAGE_SIZE), PT_R | PT_W);
	mem_map_image((char *)round_up((u64)data_end, PAGE_SIZE), image_end, PT_R | PT_W);
	mem_must(ptab_unmap(&mem_table, arch_pa(cpu0_block) + CPU_GUARD, PAGE_SIZE, pool), "guard");
	mem_map_own(base, size);
	mem_make_window();
	dsb(ish);
	mem_first = read_sysreg(ttbr0_el2);
	mem_switch(arch_pa(mem_table.root), mem_offset, read_sysreg(sctlr_el2));
	mem_wxn();
}

/* Not before: the first tables, which the switch runs on, are writable and executable. */
void mem_wxn(void)
{
	write_sysreg(read_sysreg(sctlr_el2) | SCTLR_WXN, sctlr_el2);
	isb();
}

u64 mem_root(void)
{
	return arch_pa(mem_table.root);
}

u64 mem_nothing(void)
{
	static u64 nothing[PAGE_SIZE / sizeof(u64)] ALIGNED(PAGE_SIZE);

	return arch_pa(nothing);
}

void mem_guard(const void *block)
{
	u64 guard = arch_pa(block) + CPU_GUARD;

	if (!ptab_splits(&mem_table, guard, PAGE_SIZE))
		arch_mem_unmap(guard, PAGE_SIZE);
}

status_t arch_mem_map(u64 pa, u64 size, unsigned type)
{
	status_t s = ERR_RANGE;

	if (range_in(pa, size, 0, 1UL << arm_features.pa_bits))
		s = ptab_map(&mem_table, pa, pa, size, PT_R | PT_W | type, mem_pool);
	asm volatile("dsb ishst; isb" : : : "memory");
	return s;
}

void arch_mem_unmap(u64 pa, u64 size)
{
	/* Our mappings of donated memory are made of 4 KiB or whole donated large pages: nothing needs to be split. */
	mem_must(ptab_unmap(&mem_table, pa, size, mem_pool), "unmap");
	for (u64 off = 0; off < size; off += PAGE_SIZE)
		mem_flush(pa + off);
}

/* Hardware has told every CPU. */
void arch_mem_flush(u64 pa, u64 size)
{
}

static void mem_window_set(u64 pa)
{
	*mem_window = pa ? mem_table.fmt->leaf(pa, PT_R | PT_W, 0) : 0;
	mem_flush(MEM_WINDOW);
}

void arch_mem_clean(const void *ptr, size_t size)
{
	for (u64 a = (u64)ptr; a < (u64)ptr + size; a += 16)
		asm volatile("dc civac, %0" : : "r"(a) : "memory");
	dsb(sy);
}

void arch_mem_zero(u64 pa)
{
	mem_window_set(pa);
	memset(arch_ptr(MEM_WINDOW), 0, PAGE_SIZE);
	mem_window_set(0);
}

void arch_mem_read(u64 pa, void *buf)
{
	mem_window_set(pa);
	memcpy(buf, arch_ptr(MEM_WINDOW), PAGE_SIZE);
	mem_window_set(0);
}
