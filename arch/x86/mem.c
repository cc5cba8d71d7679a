/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/mem.c: the hypervisor's own page tables: image W^X, guard pages, and only those pages that it owns. */
#include "arch/iface/mem.h"
#include "arch/iface/cpu.h"
#include "arch/x86/cpu.h"
#include "arch/x86/mce.h"
#include "arch/x86/percpu.h"
#include "arch/x86/smp.h"
#include "arch/x86/format.h"
#include "hv/lib/panic.h"
#include "hv/lib/string.h"

/* linker.ld */
extern char image_phys[], boot_end_phys[], text_start[], text_end[], rodata_end[], data_end[], image_end[];
extern char cpu0_block[];

/* The walker takes the 48 bits that the tables translate. */
#define VA(p) ((u64)(p)&BITS(47, 0))

#define MEM_FLUSH_ALL (64 * PAGE_SIZE) /* from here on it is cheaper than page by page */

u64 x86_image_offset;

static struct ptab mem_table;
static struct pool *mem_pool;
static u64 mem_cr4;	/* of every CPU */
static u64 *mem_window; /* the leaf entry behind WINDOW_BASE */

const struct ptab_mem arch_ptab_mem = { .ptr = arch_ptr, .pa = arch_pa };

void arch_image_range(u64 *base, u64 *size)
{
	*base = (u64)image_phys + x86_image_offset;
	*size = arch_pa(image_end) - *base;
}

u64 arch_image_bytes(void)
{
	return (u64)(data_end - text_start) + (u64)(boot_end_phys - image_phys);
}

static void mem_must(status_t s, const char *what)
{
	if (s != OK)
		panic("hypervisor page tables: %s: status %d", what, s);
}

static void mem_map_image(const char *from, const char *to, unsigned flags)
{
	u64 size = round_up((u64)to, PAGE_SIZE) - (u64)from;

	if (size)
		mem_must(ptab_map(&mem_table, VA(from), arch_pa(from), size, flags | PT_GLOBAL, mem_pool), "image");
}

/* The one table page that holds the window's entry is found by mapping and looking it up. */
static void mem_make_window(void)
{
	u64 *t = mem_table.root;

	mem_must(ptab_map(&mem_table, VA(WINDOW_BASE), arch_pa(text_start), PAGE_SIZE, PT_R, mem_pool), "window");
	for (unsigned level = 3; level > 0; level--)
		t = arch_ptr(t[(WINDOW_BASE >> (12 + 9 * level)) & 511] & fmt_host4.pa_mask);
	mem_window = &t[(WINDOW_BASE >> 12) & 511];
	*mem_window = 0;
}

void x86_mem_use(void)
{
	wrmsr(MSR_PAT, PAT_OURS); /* no mapping has used the entry that changes: there is no cache to write back */
	write_cr4(mem_cr4);
	write_cr3(arch_pa(mem_table.root));
}

void arch_mem_init(u64 base, u64 size, struct pool *pool)
{
	mem_cr4 = read_cr4() | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	mem_pool = pool;
	mem_must(ptab_init(&mem_table, &fmt_host4, &arch_ptab_mem, pool), "root");
	if (!x86_features.pages_1g)
		mem_table.max_leaf = 1;
	mem_map_image(text_start, text_end, PT_R | PT_X);
	mem_map_image(text_end, rodata_end, PT_R);
	mem_map_image(rodata_end, image_end, PT_R | PT_W);
	mem_must(ptab_unmap(&mem_table, VA(cpu0_block) + CPU_GUARD, PAGE_SIZE, pool), "guard");
	mem_must(ptab_map(&mem_table, VA(DMAP_BASE) + base, base, size, PT_R | PT_W | PT_GLOBAL, pool), "own memory");
	mem_make_window();
	if (cpuid(1, 0).edx & CPUID1_MCE)
		mem_cr4 |= CR4_MCE;
	if (x86_features.smep)
		mem_cr4 |= CR4_SMEP;
	if (x86_features.smap)
		mem_cr4 |= CR4_SMAP;
	if (x86_features.umip)
		mem_cr4 |= CR4_UMIP;
	if (x86_features.xsave)
		mem_cr4 |= CR4_OSXSAVE;
	x86_mem_use();
}

status_t arch_mem_map(u64 pa, u64 size, unsigned type)
{
	if (!range_in(pa, size, 0, 1UL << MIN(x86_features.phys_bits, DMAP_BITS)))
		return ERR_RANGE;
	return ptab_map(&mem_table, VA(DMAP_BASE) + pa, pa, size, PT_R | PT_W | PT_GLOBAL | type, mem_pool);
}

void arch_mem_unmap(u64 pa, u64 size)
{
	/* Our mappings of donated memory are made of 4 KiB or whole donated large pages: nothing needs to be split. */
	mem_must(ptab_unmap(&mem_table, VA(DMAP_BASE) + pa, size, mem_pool), "unmap");
	arch_mem_flush(pa, size);
}

void arch_mem_flush(u64 pa, u64 size)
{
	u64 cr4 = read_cr4();

	if (size > MEM_FLUSH_ALL) { /* global entries go when PGE does */
		write_cr4(cr4 & ~CR4_PGE);
		write_cr4(cr4);
		return;
	}
	for (u64 off = 0; off < size; off += PAGE_SIZE)
		invlpg((void *)(DMAP_BASE + pa + off));
}

void x86_mem_guard(const void *block)
{
	u64 pa = arch_pa((const u8 *)block + CPU_GUARD);

	mem_must(ptab_unmap(&mem_table, VA(DMAP_BASE) + pa, PAGE_SIZE, mem_pool), "guard");
	invlpg((void *)(DMAP_BASE + pa));
}

u64 x86_mem_root(void)
{
	return arch_pa(mem_table.root);
}

struct pool *x86_mem_pool(void)
{
	return mem_pool;
}

static void mem_window_set(u64 pa)
{
	*mem_window = pa ? fmt_host4.leaf(pa, PT_R | PT_W, 0) : 0;
	invlpg((void *)WINDOW_BASE);
}

void arch_mem_clean(const void *ptr, size_t size)
{
	for (const u8 *p = ptr; p < (const u8 *)ptr + size; p += 16) /* as small as a line may be */
		asm volatile("clflush %0" : : "m"(*p) : "memory");
	asm volatile("mfence" : : : "memory");
}

void arch_mem_zero(u64 pa)
{
	mem_window_set(pa);
	memset((void *)WINDOW_BASE, 0, PAGE_SIZE);
	mem_window_set(0);
}

void arch_mem_read(u64 pa, void *buf)
{
	mem_window_set(pa);
	memcpy(buf, (void *)WINDOW_BASE, PAGE_SIZE);
	mem_window_set(0);
}
