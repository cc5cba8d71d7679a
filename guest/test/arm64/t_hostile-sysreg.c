/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/t_hostile-sysreg.c: reads and writes every encoding of a system register (op0 2 and 3) and runs
 * every system instruction with a register (op0 1). Expected: each works, or is undefined or refused inside the guest;
 * the guest goes on, PASS. Left out is what ends a machine rightly: this guest's own translation, vectors, stack and
 * debugging. */
#include "guest/test/arm64/arm64.h"

static u8 scratch[8192] ALIGNED(4096);
static unsigned done, undef, other;

#define ENC(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

static bool spared(u32 enc)
{
	static const u32 own[] = {
		ENC(3, 0, 1, 0, 0),								   /* SCTLR_EL1 */
		ENC(3, 0, 1, 0, 3),								   /* SCTLR2_EL1 */
		ENC(3, 0, 2, 0, 0),  ENC(3, 0, 2, 0, 1),  ENC(3, 0, 2, 0, 2),  ENC(3, 0, 2, 0, 3), /* TTBR, TCR */
		ENC(3, 0, 2, 1, 0),  ENC(3, 0, 2, 1, 1),  ENC(3, 0, 2, 1, 2),  ENC(3, 0, 2, 1, 3), /* pointer keys */
		ENC(3, 0, 2, 2, 0),  ENC(3, 0, 2, 2, 1),  ENC(3, 0, 2, 3, 0),  ENC(3, 0, 2, 3, 1),
		ENC(3, 0, 4, 2, 0),								    /* SPSel */
		ENC(3, 0, 4, 2, 4),								    /* UAO */
		ENC(3, 0, 10, 2, 0), ENC(3, 0, 10, 2, 1), ENC(3, 0, 10, 2, 2), ENC(3, 0, 10, 2, 3), /* MAIR, PIR */
		ENC(3, 0, 10, 3, 0), ENC(3, 0, 12, 0, 0),					    /* AMAIR, VBAR */
		ENC(3, 3, 4, 2, 7),								    /* TCO */
		ENC(2, 0, 0, 2, 2),								    /* MDSCR_EL1 */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(own); i++)
		if (enc == own[i])
			return true;
	return false;
}

static u32 insn(bool write, u32 enc)
{
	return sysreg_insn(write, enc >> 14, enc >> 11 & 7, enc >> 7 & 15, enc >> 3 & 15, enc & 7);
}

static void count(int x)
{
	done += x < 0;
	undef += x == EC_UNKNOWN;
	other += x > 0;
}

static void registers(u32 enc)
{
	u64 old = 0, v;
	int x = t_insn(insn(false, enc), &old);

	count(x);
	if (spared(enc))
		return;
	v = x < 0 ? old : 0;
	count(t_insn(insn(true, enc), &v));
	v = t_rand();
	count(t_insn(insn(true, enc), &v));
	v = x < 0 ? old : 0;
	t_insn(insn(true, enc), &v);
}

void t_main(void)
{
	u64 v;

	gic_disable(INTID_VTIMER);
	gic_disable(INTID_PTIMER);
	for (u32 enc = ENC(2, 0, 0, 0, 0); enc <= ENC(3, 7, 15, 15, 7); enc++)
		registers(enc);
	t_info("accesses done", done);
	t_info("undefined", undef);
	t_info("refused otherwise", other);
	t_check("every system register survived", done > 0 && undef > 0);
	done = undef = other = 0;
	for (u32 enc = ENC(1, 0, 0, 0, 0); enc <= ENC(1, 7, 15, 15, 7); enc++) {
		v = (u64)scratch + 64;
		count(t_insn(insn(true, enc), &v));
		v = 0;
		count(t_insn(insn(false, enc), &v));
	}
	t_info("instructions done", done);
	t_info("undefined", undef);
	t_info("refused otherwise", other);
	t_check("every system instruction survived", done > 0 && undef > 0);
}
