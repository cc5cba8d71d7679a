/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/format.h: the page-table formats of x86, for hv/lib/ptab.h. */
#ifndef ARCH_X86_FORMAT_H
#define ARCH_X86_FORMAT_H

#include "hv/lib/ptab.h"
#include "hv/lib/util.h"

/* A 4-level paging entry (Intel SDM 3A, 4.5; AMD APM 2, 5.3). */
#define PTE_P	BIT(0)	/* present                                */
#define PTE_RW	BIT(1)	/* writable                               */
#define PTE_US	BIT(2)	/* user mode may access                   */
#define PTE_PWT BIT(3)	/* bit 0 of the PAT entry's number        */
#define PTE_PCD BIT(4)	/* bit 1 of the PAT entry's number        */
#define PTE_A	BIT(5)	/* accessed: preset, so hardware need not */
#define PTE_D	BIT(6)	/* dirty: likewise                        */
#define PTE_PS	BIT(7)	/* a leaf, at levels 1 and 2              */
#define PTE_G	BIT(8)	/* global                                 */
#define PTE_XD	BIT(63) /* no execution (needs IA32_EFER.NXE)     */
#define PTE_PA	BITS(51, 12)

/* An EPT entry (Intel SDM 3C, 29.3.2). */
#define EPT_R  BIT(0)
#define EPT_W  BIT(1)
#define EPT_X  BIT(2)
#define EPT_MT BITS(5, 3) /* leaf: memory type. Bit 6 (ignore PAT) stays 0: the guest's PAT counts */
#define EPT_PS BIT(7)	  /* a leaf, at levels 1 and 2 */
#define EPT_PA BITS(51, 12)

/* Memory types as in MTRRs, PAT and EPT (Intel SDM 3A, chapter 12). */
#define MT_UC 0u
#define MT_WC 1u
#define MT_WB 6u

/*
 * In all three a mapping is readable whether PT_R is given or not. Addresses are the low 48 bits: a
 * caller with a canonical high address masks it. max_leaf is 2; set ptab.max_leaf to 1 on a CPU
 * without 1 GiB pages. In host4 and npt the memory type is an entry of our PAT MSR (PAT_OURS):
 * PT_DEVICE is entry 3 (UC), PT_WC is entry 2 (WC).
 */

/** 4-level paging of this CPU's own address spaces. */
extern const struct ptab_format fmt_host4;
/** AMD nested paging (APM 2, 15.25): as 4-level paging, walked as user, never global. */
extern const struct ptab_format fmt_npt;
/** Intel EPT with a page-walk length of 4. */
extern const struct ptab_format fmt_ept;

static_assert(FIELD_PUT(EPT_MT, MT_WB) == 0x30, "EPT write-back");
static_assert((0x40000000 | EPT_R | EPT_W | EPT_X | FIELD_PUT(EPT_MT, MT_WB) | EPT_PS) == 0x400000b7,
	      "EPT: large page of WB RAM at 1 GiB, all rights");
static_assert((0x200000 | PTE_P | PTE_RW | PTE_A | PTE_D | PTE_PS) == 0x2000e3, "paging: 2 MiB of kernel memory");

#endif
