/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/x86/paging.c: the service VM's page tables: everything identity-mapped, with its own program protected. */
#include "guest/rt/sys.h"
#include "guest/rt/arch.h"
#include "hv/lib/ptab.h"

/* Page-table entries, Intel SDM 3A, 4.5. */
#define PTE_P	 BIT(0)
#define PTE_W	 BIT(1)
#define PTE_A	 BIT(5)
#define PTE_D	 BIT(6)
#define PTE_PS	 BIT(7)
#define PTE_NX	 BIT(63)
#define PTE_ADDR BITS(51, 12)

#define PAGING_POOL (64 * PAGE_SIZE)
#define PAGING_NULL PAGE_SIZE /* stays unmapped: a NULL pointer of ours faults */

extern u8 __text_end[], __data_start[], __image_end[], start_stack_guard[];

static bool paging_nx;
static struct ptab paging_pt;
static struct pool paging_pool;

static u64 paging_leaf(u64 pa, unsigned flags, unsigned level)
{
	return pa | PTE_P | PTE_A | PTE_D | (flags & PT_W ? PTE_W : 0) | (level > 0 ? PTE_PS : 0) |
	       (paging_nx && !(flags & PT_X) ? PTE_NX : 0);
}

static u64 paging_table(u64 pa)
{
	return pa | PTE_P | PTE_W | PTE_A;
}

static unsigned paging_flags(u64 e, unsigned level)
{
	return PT_R | (e & PTE_W ? PT_W : 0) | (e & PTE_NX ? 0 : PT_X);
}

static bool paging_present(u64 e)
{
	return (e & PTE_P) != 0;
}

static bool paging_is_leaf(u64 e, unsigned level)
{
	return level == 0 || (e & PTE_PS) != 0;
}

static const struct ptab_format paging_format = {
	.name = "service",
	.levels = 4,
	.max_leaf = 2,
	.addr_bits = 47,
	.pa_mask = PTE_ADDR,
	.root_pages = 1,
	.leaf = paging_leaf,
	.table = paging_table,
	.flags = paging_flags,
	.present = paging_present,
	.is_leaf = paging_is_leaf,
};

static void *paging_ptr(u64 pa)
{
	return (void *)(uintptr_t)pa;
}

static u64 paging_pa(const void *p)
{
	return (uintptr_t)p;
}

static void paging_features(bool *huge)
{
	u32 r[4];

	cpu_cpuid(0x80000001, 0, r);
	*huge = (r[3] & BIT(26)) != 0;
	paging_nx = (r[3] & BIT(20)) != 0;
}

void rt_arch_map(u64 base, u64 top)
{
	static const struct ptab_mem mem = { .ptr = paging_ptr, .pa = paging_pa };
	u64 text_end = (uintptr_t)__text_end, data = (uintptr_t)__data_start, end = (uintptr_t)__image_end;
	u64 guard = (uintptr_t)start_stack_guard;
	u8 *pages = page_alloc(PAGING_POOL, PAGE_SIZE);
	const struct {
		u64 from, to;
		unsigned flags;
	} piece[] = {
		{ PAGING_NULL, base, PT_R | PT_W },
		{ base, text_end, PT_R | PT_X },
		{ text_end, data, PT_R },
		{ data, guard, PT_R | PT_W },
		{ guard + PAGE_SIZE, end, PT_R | PT_W },
		{ end, MAX(round_up(top, SIZE_1G), 4 * SIZE_1G), PT_R | PT_W },
	};
	bool huge;

	ASSERT(pages != NULL);
	paging_features(&huge);
	pool_init(&paging_pool);
	pool_add_range(&paging_pool, pages, PAGING_POOL / PAGE_SIZE);
	ASSERT(ptab_init(&paging_pt, &paging_format, &mem, &paging_pool) == OK);
	paging_pt.max_leaf = huge ? 2 : 1;
	for (unsigned i = 0; i < ARRAY_SIZE(piece); i++) {
		if (piece[i].to > piece[i].from)
			ASSERT(ptab_map(&paging_pt, piece[i].from, piece[i].from, piece[i].to - piece[i].from,
					piece[i].flags, &paging_pool) == OK);
	}
	__asm__ volatile("mov %0, %%cr3" : : "r"(paging_pt.root) : "memory");
}

bool rt_arch_guard(void *guard)
{
	ASSERT(ptab_unmap(&paging_pt, (uintptr_t)guard, PAGE_SIZE, &paging_pool) == OK);
	__asm__ volatile("mov %0, %%cr3" : : "r"(paging_pt.root) : "memory"); /* forget it; there is but one CPU yet */
	return true;
}
