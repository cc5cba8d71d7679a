/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/format.c: how paging, nested paging and EPT write down an address with its rights. */
#include "arch/x86/format.h"

static u64 format_common(u64 pa, unsigned flags, unsigned level)
{
	u64 e = pa | PTE_P | PTE_A | PTE_D;

	if (flags & PT_DEVICE)
		e |= PTE_PCD | PTE_PWT;
	else if (flags & PT_WC)
		e |= PTE_PCD;
	if (flags & PT_W)
		e |= PTE_RW;
	if (!(flags & PT_X))
		e |= PTE_XD;
	return level > 0 ? e | PTE_PS : e;
}

static u64 format_host_leaf(u64 pa, unsigned flags, unsigned level)
{
	u64 e = format_common(pa, flags, level);

	if (flags & PT_USER)
		e |= PTE_US;
	return flags & PT_GLOBAL ? e | PTE_G : e;
}

/* A nested walk is a user access: an entry without US would always fault (APM 2, 15.25.5). */
static u64 format_npt_leaf(u64 pa, unsigned flags, unsigned level)
{
	return format_common(pa, flags, level) | PTE_US;
}

/* All rights: the leaf decides. */
static u64 format_table(u64 pa)
{
	return pa | PTE_P | PTE_RW | PTE_US | PTE_A;
}

static unsigned format_npt_flags(u64 e, unsigned level)
{
	unsigned flags = PT_R;

	if (e & PTE_RW)
		flags |= PT_W;
	if (!(e & PTE_XD))
		flags |= PT_X;
	if (e & PTE_PCD)
		flags |= e & PTE_PWT ? PT_DEVICE : PT_WC;
	return flags;
}

static unsigned format_host_flags(u64 e, unsigned level)
{
	unsigned flags = format_npt_flags(e, level);

	if (e & PTE_US)
		flags |= PT_USER;
	return e & PTE_G ? flags | PT_GLOBAL : flags;
}

static bool format_present(u64 e)
{
	return e & PTE_P;
}

static bool format_is_leaf(u64 e, unsigned level)
{
	return e & PTE_PS;
}

static u64 format_ept_leaf(u64 pa, unsigned flags, unsigned level)
{
	unsigned type = flags & PT_DEVICE ? MT_UC : flags & PT_WC ? MT_WC : MT_WB;
	u64 e = pa | EPT_R | FIELD_PUT(EPT_MT, type); /* W without R would be a misconfiguration */

	if (flags & PT_W)
		e |= EPT_W;
	if (flags & PT_X)
		e |= EPT_X;
	return level > 0 ? e | EPT_PS : e;
}

static u64 format_ept_table(u64 pa)
{
	return pa | EPT_R | EPT_W | EPT_X;
}

static unsigned format_ept_flags(u64 e, unsigned level)
{
	unsigned flags = PT_R;

	if (e & EPT_W)
		flags |= PT_W;
	if (e & EPT_X)
		flags |= PT_X;
	if (FIELD(EPT_MT, e) == MT_UC)
		flags |= PT_DEVICE;
	return FIELD(EPT_MT, e) == MT_WC ? flags | PT_WC : flags;
}

static bool format_ept_present(u64 e)
{
	return e & (EPT_R | EPT_W | EPT_X);
}

#define FORMAT(text, mask, leaf_, table_, flags_, present_)                                                  \
	{                                                                                                    \
		.name = text, .levels = 4, .max_leaf = 2, .addr_bits = 48, .pa_mask = mask, .root_pages = 1, \
		.leaf = leaf_, .table = table_, .flags = flags_, .present = present_,                        \
		.is_leaf = format_is_leaf /* bit 7 in all three */                                           \
	}

static_assert(PTE_PS == EPT_PS, "one is_leaf for all");

const struct ptab_format fmt_host4 =
	FORMAT("paging", PTE_PA, format_host_leaf, format_table, format_host_flags, format_present);
const struct ptab_format fmt_npt =
	FORMAT("npt", PTE_PA, format_npt_leaf, format_table, format_npt_flags, format_present);
const struct ptab_format fmt_ept =
	FORMAT("ept", EPT_PA, format_ept_leaf, format_ept_table, format_ept_flags, format_ept_present);
