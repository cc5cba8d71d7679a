/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/t_irq.c: 8259 and I/O APIC delivery from PIT and RTC, STI's shadow, HLT, interrupt windows. */
#include "guest/test/x86/x86.h"

extern const u8 after_nop[], after_hlt[], after_popf[];

#define PIT_MS	1193
#define PIN_PIT 2 /* ISA interrupt 0 arrives at pin 2 */
#define PIN_RTC 8

static u32 lapic_id(void)
{
	return lapic_read(0x20) >> (lapic_x2() ? 0 : 24);
}

static void route(unsigned pin, u32 lo)
{
	ioapic_write(0x10 + 2 * pin, 0x10000);
	ioapic_write(0x11 + 2 * pin, lapic_id() << 24);
	ioapic_write(0x10 + 2 * pin, lo);
}

static u8 cmos(u8 reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static void cmos_set(u8 reg, u8 v)
{
	outb(0x70, reg);
	outb(0x71, v);
}

static void extint(void)
{
	u32 n;

	lapic_write(0x350, 0x700);
	pic_mask(0xfffe);
	irq_clear();
	pit_start(2, PIT_MS);
	t_check("PIT through the 8259 and ExtINT", irq_wait(0x20, 5, 1000));
	pic_mask(0xffff);
	delay_us(2000);
	sti();
	cli();
	n = irq_count[0x20];
	irq_wait(0x20, n + 1, 10);
	t_check("8259 mask stops it", irq_count[0x20] <= n + 1);
	outb(0x20, 0x0a);
	delay_us(3000);
	t_eq("8259 IRR shows it while masked", inb(0x20) & 1, 1);
	lapic_write(0x350, 0x10700);
	pic_mask(0xfffe);
	irq_clear();
	irq_wait(0x20, 1, 10);
	t_dev("LVT0 mask stops it", irq_count[0x20], 0);
	lapic_write(0x350, 0x700);
	t_check("LVT0 unmask lets it through", irq_wait(0x20, 1, 100));
	pit_start(0, PIT_MS);
	irq_wait(0x20, ~0u, 5); /* drain what mode 2 left */
	irq_clear();
	pit_start(0, PIT_MS);
	t_check("PIT mode 0 fires", irq_wait(0x20, 1, 100));
	irq_clear();
	irq_wait(0x20, 1, 10);
	t_eq("once", irq_count[0x20], 0);
	t_eq("8259 ISR is empty after EOI", (outb(0x20, 0x0b), inb(0x20)), 0);
	pic_mask(0xffff);
	lapic_write(0x350, 0x10000);
}

static void ioapic(void)
{
	u32 n;

	t_check("I/O APIC has pins", (ioapic_read(1) >> 16 & 0xff) >= 23);
	ioapic_write(0x10 + 2 * 20, 0x1f0ff);
	t_eq("read-only bits of an entry", ioapic_read(0x10 + 2 * 20) & 0x5000, 0);
	ioapic_write(0x10 + 2 * 20, 0x10000);
	route(PIN_PIT, 0x48);
	irq_clear();
	pit_start(2, PIT_MS);
	t_check("PIT through the I/O APIC", irq_wait(0x48, 5, 1000));
	route(PIN_PIT, 0x10048);
	irq_wait(0x48, ~0u, 2);
	n = irq_count[0x48];
	irq_wait(0x48, n + 1, 10);
	t_eq("masked entry: quiet", irq_count[0x48], n);
	pit_start(0, 1);
	delay_us(1000);

	cmos_set(0x0a, 0x26);
	cmos(0x0c);
	route(PIN_RTC, 0x49);
	cmos_set(0x0b, (cmos(0x0b) & 7) | 0x40);
	irq_clear();
	for (unsigned i = 0; i < 5; i++) {
		irq_wait(0x49, i + 1, 200);
		t_eq("RTC status C", cmos(0x0c) & 0xc0, 0xc0);
	}
	t_check("RTC through the I/O APIC, 5 times", irq_count[0x49] >= 5);
	irq_wait(0x49, irq_count[0x49] + 1, 50);
	irq_clear();
	irq_wait(0x49, 1, 20);
	t_dev("not acknowledged in C: no new edge", irq_count[0x49], 0);
	route(PIN_RTC, 0x804a);
	irq_clear();
	t_dev("level: asserted line repeats after EOI", irq_wait(0x4a, 3, 100), true);
	cmos_set(0x0b, cmos(0x0b) & 7);
	cmos(0x0c);
	irq_wait(0x4a, ~0u, 2);
	n = irq_count[0x4a];
	irq_wait(0x4a, ~0u, 5);
	t_eq("level: quiet once acknowledged", irq_count[0x4a], n);
	route(PIN_RTC, 0x10000);
}

static void self_ipi(u8 vector)
{
	lapic_icr(0, 0x44000 | vector);
}

static void windows(void)
{
	irq_clear();
	self_ipi(0x60);
	__asm__ volatile("sti; nop; .globl after_nop; after_nop: nop; nop; cli" ::: "memory");
	t_eq("STI lets one instruction pass", irq_rip, (u64)after_nop);
	irq_clear();
	self_ipi(0x60);
	__asm__ volatile("sti; cli" ::: "memory");
	t_eq("STI; CLI opens no window", irq_total, 0);
	__asm__ volatile("pushfq; orl $0x200, (%%rsp); popfq; .globl after_popf; after_popf: nop; cli" ::
				 : "memory", "cc");
	t_eq("POPF opens it at once", irq_rip, (u64)after_popf);
	irq_clear();
	self_ipi(0x60);
	__asm__ volatile("sti; hlt; .globl after_hlt; after_hlt: cli" ::: "memory");
	t_eq("STI; HLT with a pending interrupt wakes", irq_rip, (u64)after_hlt);
	lapic_write(0x3e0, 0xb);
	lapic_write(0x320, 0x61);
	irq_clear();
	lapic_write(0x380, 1000000);
	__asm__ volatile("sti; hlt; cli" ::: "memory");
	t_eq("HLT wakes on the APIC timer", irq_count[0x61], 1);
	lapic_write(0x350, 0x700);
	pic_mask(0xfffe);
	pit_start(0, PIT_MS);
	irq_wait(0x20, ~0u, 5); /* an edge latched while masked would become a spurious interrupt */
	irq_clear();
	pit_start(0, PIT_MS);
	__asm__ volatile("sti; hlt; cli" ::: "memory");
	t_eq("HLT wakes on ExtINT", irq_count[0x20], 1);
	irq_clear();
	pit_start(0, PIT_MS);
	delay_us(3000);
	self_ipi(0x70);
	self_ipi(0x90);
	__asm__ volatile("sti; nop; nop; nop; cli" ::: "memory");
	t_check("ExtINT and two vectors in one window",
		irq_count[0x20] == 1 && irq_count[0x70] == 1 && irq_count[0x90] == 1);
	pic_mask(0xffff);
	irq_clear();
	for (unsigned v = 0x30; v < 256; v++)
		if (v != 0xff)
			self_ipi((u8)v);
	__asm__ volatile("sti; nop; nop; cli" ::: "memory");
	t_eq("every vector", irq_total, 207);
	t_check("in falling order", irq_log[0] == 0xfe && irq_log[206] == 0x30);
}

static void eoi(bool x2)
{
	if (x2)
		wrmsr(0x80b, 0);
	else
		*mmio32(LAPIC + 0xb0) = 0;
}

/* A hypervisor that gives both at one entry must notice that the interrupt was taken, too. */
static void behind_exception(void)
{
	u64 v;
	bool fault, x2 = lapic_x2(); /* an exit, too: asked before */

	irq_clear();
	irq_eoi[0x62] = EOI_NONE; /* its own EOI, so that no other exit comes first */
	self_ipi(0x62);
	fault = !rdmsr_safe(0xdead0000, &v);
	sti();
	cli();
	eoi(x2);
	t_dev("RDMSR #GP with an interrupt pending", fault, true);
	self_ipi(0x62);
	sti();
	cli();
	eoi(x2);
	t_eq("its interrupt comes behind it, and ends", irq_count[0x62], 2);
	irq_eoi[0x62] = EOI_LAPIC;
}

void t_main(void)
{
	for (unsigned i = 0x30; i < 255; i++)
		irq_eoi[i] = EOI_LAPIC;
	for (unsigned i = 0x20; i < 0x30; i++)
		irq_eoi[i] = EOI_PIC;
	for (unsigned mode = 0; mode < 2; mode++) {
		if (!lapic_enable(mode)) {
			t_skip("x2APIC", "not in CPUID");
			return;
		}
		t_puts(mode ? "INFO x2APIC mode\n" : "INFO xAPIC mode\n");
		extint();
		ioapic();
		windows();
		behind_exception();
	}
}
