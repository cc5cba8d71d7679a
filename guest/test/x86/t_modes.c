/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/t_modes.c: real, big real, 16-bit and 32-bit protected mode, 32-bit and PAE paging, compatibility. */
#include "guest/test/x86/x86.h"

static volatile u32 cell;

static void mapped(const char *name, u32 paging)
{
	t_eq(name, call_pm32((u64)f32_paged, 0, paging), 0x600df00d);
}

/* The PIT's interrupt in each mode. What a mode left latched in the 8259 is drained first. */
static void interrupts(void)
{
	for (unsigned i = 0x20; i < 0x30; i++)
		irq_eoi[i] = EOI_PIC;
	lapic_enable(false);
	lapic_write(0x350, 0x700);
	for (unsigned i = 0; i < 4; i++) {
		static const char *const name[] = { "real mode: HLT and interrupt",
						    "protected mode: INT, #UD, interrupt",
						    "32-bit paging: INT, #UD, interrupt", "PAE: INT, #UD, interrupt" };

		pic_mask(0xfffe);
		pit_start(0, 1193);
		irq_wait(0x20, ~0u, 3);
		pic_mask(0xffff);
		if (i == 0)
			t_eq(name[i], call_low16(LOW16(f16_irq), 0, 1), 1);
		else
			t_eq(name[i], call_pm32((u64)f32_int, 0, i - 1), 0x1102);
	}
	irq_clear();
	t_eq("compatibility mode: INT returns", call_compat32((u64)f32_compat_int, 0), 0x40);
	t_eq("and was counted", irq_count[0x40], 1);
}

void t_main(void)
{
	t_eq("compatibility mode, 32-bit code", call_compat32((u64)f32_probe, 0), 7);
	t_eq("compatibility mode, 16-bit code", call_compat16(LOW16(f16_probe), 0), 7);
	t_eq("protected mode without paging", call_pm32((u64)f32_probe, 0, 0), 7);
	t_eq("32-bit paging", call_pm32((u64)f32_probe, 0, 1), 7);
	mapped("32-bit paging: 4 KiB alias", 1);
	t_eq("PAE paging", call_pm32((u64)f32_probe, 0, 2), 7);
	mapped("PAE paging: 4 KiB alias", 2);
	t_eq("16-bit protected mode", call_low16(LOW16(f16_probe), 0, 0), 7);
	t_eq("real mode", call_low16(LOW16(f16_probe), 0, 1), 7);
	t_eq("real mode: segment times 16", call_low16(LOW16(f16_seg), 0, 1), 0x12345678);
	t_eq("real mode: INT n, #DE and #UD through the IVT", call_low16(LOW16(f16_int), 0, 1), 0x1102);
	interrupts();
	cell = 0xcafe1234;
	t_eq("big real mode: read above 1 MiB", call_low16(LOW16(f16_big), (u32)(u64)&cell, 2), 0xcafe1234);
	t_eq("big real mode: write above 1 MiB", cell, (u32)~0xcafe1234);
	for (unsigned i = 0; i < 200; i++)
		if (call_low16(LOW16(f16_probe), 0, i & 1) != 7 || call_pm32((u64)f32_probe, 0, i % 3) != 7)
			t_check("200 round trips", false);
	t_check("200 round trips", true);
	t_check("long mode at the end", (rdmsr(0xc0000080) & 0x500) == 0x500);
}
