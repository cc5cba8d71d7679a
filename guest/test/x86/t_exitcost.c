/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/t_exitcost.c: TSC ticks per trapping operation, averaged over 1000; under QEMU's
 * -icount shift=0,sleep=off a tick is an instruction. Prints "COST name n", loop overhead subtracted. */
#include "guest/test/lib/cost.h"
#include "guest/test/x86/x86.h"

#define COST(name, statement) cost_report(name, COST_TICKS(rdtsc, statement))

static void self_ipi(void)
{
	u32 n = irq_count[0x60];

	lapic_icr(0, 0x44060);
	while (irq_count[0x60] == n)
		__asm__ volatile("pause");
}

static void apic_costs(void)
{
	bool x2 = lapic_enable(true);

	if (!x2)
		lapic_enable(false);
	irq_eoi[0x60] = irq_eoi[0x61] = EOI_LAPIC;
	sti();
	COST(x2 ? "self-ipi-eoi-x2apic" : "self-ipi-eoi-xapic", self_ipi());
	cli();
	if (!x2)
		return;
	sti();
	COST("self-ipi-register", wrmsr(0x83f, 0x60));
	cli();
	COST("eoi-x2apic", wrmsr(0x80b, 0));
	COST("tpr-x2apic", wrmsr(0x808, 0));
	COST("icr-write-masked", wrmsr(0x830, 0x44061));
}

static void hlt_cost(void)
{
	lapic_write(0x320, 0x60);
	lapic_write(0x3e0, 0xb);
	COST("timer-hlt-wake", (lapic_write(0x380, 20000), ({ __asm__ volatile("sti; hlt; cli" ::: "memory"); })));
	lapic_write(0x320, 0x10000);
}

void t_main(void)
{
	volatile u32 sink;
	u32 r[4];
	u64 v;

	COST("empty", __asm__ volatile("" ::: "memory")); /* the overhead that the others have subtracted */
	COST("nop-10", __asm__ volatile("nop;nop;nop;nop;nop;nop;nop;nop;nop;nop"));
	COST("cpuid", cpuid(0, 0, r));
	COST("rdtsc", sink = (u32)rdtsc());
	if (rdmsr_safe(0x3b, &v)) {
		COST("rdmsr-tsc-adjust", sink = (u32)rdmsr(0x3b));
		COST("wrmsr-tsc-adjust", wrmsr(0x3b, v));
	}
	COST("rdmsr-apic-base", sink = (u32)rdmsr(0x1b));
	COST("rdmsr-efer", sink = (u32)rdmsr(0xc0000080));
	COST("in-cmos-71", sink = inb(0x71));
	COST("out-80", outb(0x80, 0));
	COST("in-uart-lsr", sink = inb(0x3fd));
	COST("in-pic-21", sink = inb(0x21));
	COST("in-pci-cfc", sink = pci_r32(0, 0));
	COST("in-nothing", sink = inb(0x2f0));
	*mmio32(IOAPIC) = 1;
	COST("mmio-ioapic-read", sink = *mmio32(IOAPIC + 0x10));
	COST("mmio-ioapic-write", *mmio32(IOAPIC) = 1);
	COST("mmio-hole-read", sink = *mmio32(0x90000000));
	COST("cr0-wp-toggle", (write_cr0(read_cr0() ^ BIT(16)), write_cr0(read_cr0() ^ BIT(16))));
	COST("cr4-pge-toggle", (write_cr4(read_cr4() ^ BIT(7)), write_cr4(read_cr4() ^ BIT(7))));
	COST("cr3-reload", write_cr3(read_cr3()));
	apic_costs();
	hlt_cost();
	(void)sink;
	t_check("measured", true);
}
