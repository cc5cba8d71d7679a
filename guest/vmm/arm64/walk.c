/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/arm64/walk.c: a guest's own translation tables, read in its RAM (Arm ARM DDI 0487, D8.2 and D8.3). */
#include "guest/vmm/arm64/emulate.h"

/* TCR_EL1, half 0; half 1 is 16 bits higher, and numbers its granules otherwise. */
#define TCR_TSZ	 BITS(5, 0)
#define TCR_EPD	 BIT(7)
#define TCR_TG	 BITS(15, 14)
#define TCR_HALF 16
#define TCR_DS	 BIT(59) /* addresses of 52 bits: other descriptors */

#define TTBR_BASE   BITS(47, 6)
#define VA_HALF	    BIT(55)
#define VA_BITS	    BITS(55, 0)
#define WALK_VA_MIN 25u
#define WALK_VA_MAX 48u

#define DESC_VALID BIT(0)
#define DESC_TABLE BIT(1) /* at the last level: a page */
#define DESC_EL0   BIT(6) /* AP[1] */
#define DESC_RO	   BIT(7) /* AP[2] */
#define DESC_AF	   BIT(10)
#define WALK_LAST  3u

/* Bits of a page's offset by TG0 and TG1; 0: reserved. */
static const u8 walk_granule[2][4] = { { 12, 16, 14, 0 }, { 0, 14, 12, 16 } };

struct walk {
	unsigned granule, bits; /* of an offset in a page; of an address */
	u64 table;
};

static bool walk_start(struct walk *w, const struct vcpu_state *st, u64 va)
{
	bool high = (va & VA_HALF) != 0;
	u64 tcr = high ? st->tcr >> TCR_HALF : st->tcr, above;

	w->granule = walk_granule[high][FIELD(TCR_TG, tcr)];
	w->bits = 64 - (unsigned)FIELD(TCR_TSZ, tcr);
	w->table = (high ? st->ttbr1 : st->ttbr0) & TTBR_BASE;
	if (w->granule == 0 || w->bits < WALK_VA_MIN || w->bits > WALK_VA_MAX || (tcr & TCR_EPD) != 0 ||
	    (st->tcr & TCR_DS) != 0)
		return false;
	/* Between the two halves there is nothing; the highest byte may be a tag. */
	above = VA_BITS & ~(BIT(w->bits) - 1);
	return (va & above) == (high ? above : 0);
}

/* Blocks are at level 2, with the smallest granule at level 1 too. */
static bool walk_may_be_block(const struct walk *w, unsigned level)
{
	return level == 2 || (level == 1 && w->granule == 12);
}

bool a64_walk(const struct vm *vm, const struct vcpu_state *st, u64 va, bool write, u64 *gpa)
{
	bool el0 = (st->regs.pstate & ARM_PSTATE_MODE) == ARM_PSTATE_EL0;
	struct walk w;
	unsigned stride, level, top;

	if (!walk_start(&w, st, va))
		return false;
	stride = w.granule - 3;
	level = WALK_LAST - (w.bits - w.granule - 1) / stride;
	for (top = w.bits;; level++) {
		unsigned shift = w.granule + stride * (WALK_LAST - level);
		u64 desc;

		if (vm_read(vm, w.table + 8 * FIELD(BITS(top - 1, shift), va), &desc, sizeof(desc)) != OK ||
		    (desc & DESC_VALID) == 0)
			return false;
		if (level < WALK_LAST && (desc & DESC_TABLE) != 0) {
			w.table = desc & BITS(47, w.granule);
			top = shift;
			continue;
		}
		if ((desc & DESC_AF) == 0 || (el0 && (desc & DESC_EL0) == 0) || (write && (desc & DESC_RO) != 0) ||
		    !(level == WALK_LAST ? (desc & DESC_TABLE) != 0 : walk_may_be_block(&w, level)))
			return false;
		*gpa = (desc & BITS(47, shift)) | (va & (BIT(shift) - 1));
		return true;
	}
}
