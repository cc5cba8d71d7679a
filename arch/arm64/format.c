/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/format.c: descriptors of the translation tables (Arm ARM, D8.3): ours, the service VM's, guests'. */
#include "arch/arm64/cpu.h"
#include "hv/lib/util.h"

#define DESC_VALID 1ULL
#define DESC_TABLE 2ULL /* with VALID: a table, or at the last level a page */
#define DESC_AF	   BIT(10)
#define DESC_INNER (3ULL << 8)
#define DESC_ADDR  BITS(47, 12)

/* Stage 1. */
#define S1_MEMORY (1ULL << 2) /* MAIR index: see entry.S */
#define S1_WC	  (2ULL << 2)
#define S1_INDEX  (7ULL << 2)
#define S1_USER	  BIT(6) /* AP[1]; RES1 at EL2 without VHE */
#define S1_RO	  BIT(7)
#define S1_NG	  BIT(11)
#define S1_GP	  BIT(50) /* guarded: branch targets are checked */
#define S1_PXN	  BIT(53)
#define S1_UXN	  BIT(54) /* XN at EL2 without VHE */

/* Stage 2. */
#define S2_DEVICE (1ULL << 2) /* MemAttr: device nGnRE       */
#define S2_WC	  (5ULL << 2) /* normal, non-cacheable       */
#define S2_MEMORY (15ULL << 2)
#define S2_ATTR	  (15ULL << 2)
#define S2_R	  BIT(6)
#define S2_W	  BIT(7)
#define S2_XN	  BIT(54)

static u64 desc_kind(unsigned level)
{
	return DESC_VALID | DESC_AF | (level == 0 ? DESC_TABLE : 0);
}

static u64 desc_table(u64 pa)
{
	return pa | DESC_VALID | DESC_TABLE;
}

static bool desc_present(u64 e)
{
	return e & DESC_VALID;
}

static bool desc_is_leaf(u64 e, unsigned level)
{
	return level == 0 || !(e & DESC_TABLE);
}

static u64 s1_common(u64 pa, unsigned flags, unsigned level)
{
	return pa | desc_kind(level) | DESC_INNER |
	       (flags & PT_DEVICE ? 0
		: flags & PT_WC	  ? S1_WC
				  : S1_MEMORY) |
	       (flags & PT_W ? 0 : S1_RO);
}

static u64 el2_leaf(u64 pa, unsigned flags, unsigned level)
{
	return s1_common(pa, flags, level) | S1_USER | (flags & PT_X ? S1_GP : S1_UXN);
}

static u64 vhe_leaf(u64 pa, unsigned flags, unsigned level)
{
	return s1_common(pa, flags, level) | S1_UXN | (flags & PT_X ? S1_GP : S1_PXN);
}

static u64 el0_leaf(u64 pa, unsigned flags, unsigned level)
{
	return s1_common(pa, flags, level) | S1_USER | S1_NG | S1_PXN | (flags & PT_X ? 0 : S1_UXN);
}

static unsigned s1_flags(u64 e, u64 xn)
{
	u64 index = e & S1_INDEX;

	return PT_R | (e & S1_RO ? 0 : PT_W) | (e & xn ? 0 : PT_X) |
	       (index == S1_MEMORY ? 0
		: index == S1_WC   ? PT_WC
				   : PT_DEVICE);
}

static unsigned el2_flags(u64 e, unsigned level)
{
	return s1_flags(e, S1_UXN);
}

static unsigned vhe_flags(u64 e, unsigned level)
{
	return s1_flags(e, S1_PXN);
}

static u64 s2_leaf(u64 pa, unsigned flags, unsigned level)
{
	return pa | desc_kind(level) | DESC_INNER |
	       (flags & PT_DEVICE ? S2_DEVICE
		: flags & PT_WC	  ? S2_WC
				  : S2_MEMORY) |
	       (flags & PT_R ? S2_R : 0) | (flags & PT_W ? S2_W : 0) | (flags & PT_X ? 0 : S2_XN);
}

static unsigned s2_flags(u64 e, unsigned level)
{
	u64 attr = e & S2_ATTR;

	return (e & S2_R ? PT_R : 0) | (e & S2_W ? PT_W : 0) | (e & S2_XN ? 0 : PT_X) |
	       (attr == S2_MEMORY ? 0
		: attr == S2_WC	  ? PT_WC
				  : PT_DEVICE);
}

static void desc_publish(void)
{
	dsb(ishst);
}

#define FORMAT(n, l, bits, pages, make, get, end)                                                                    \
	{                                                                                                            \
		.name = n, .levels = l, .max_leaf = 2, .addr_bits = bits, .pa_mask = DESC_ADDR, .root_pages = pages, \
		.leaf = make, .table = desc_table, .flags = get, .present = desc_present, .is_leaf = desc_is_leaf,   \
		.broken = end, .publish = desc_publish                                                               \
	}

/* Our own tables are never split: see arch_mem_unmap. */
const struct ptab_format fmt_el2 = FORMAT("EL2", 4, 48, 1, el2_leaf, el2_flags, NULL);
const struct ptab_format fmt_el2_vhe = FORMAT("EL2 (VHE)", 4, 48, 1, vhe_leaf, vhe_flags, NULL);
const struct ptab_format fmt_el0 = FORMAT("EL0", 4, 48, 1, el0_leaf, el2_flags, vcpu_broken);
/* Start at level 1: 39 bits in one table, a further bit doubles it (concatenation). */
const struct ptab_format fmt_s2 = FORMAT("stage 2", 3, 40, 2, s2_leaf, s2_flags, vcpu_broken);
const struct ptab_format fmt_s2_service = FORMAT("stage 2, service VM", 3, 43, 16, s2_leaf, s2_flags, vcpu_broken);
