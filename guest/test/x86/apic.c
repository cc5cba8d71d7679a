/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/apic.c: local APIC, I/O APIC, 8259 and 8254 as the checks need them. */
#include "guest/test/x86/x86.h"

bool lapic_x2(void)
{
	return (rdmsr(0x1b) & 0x400) != 0;
}

u32 lapic_read(u32 off)
{
	return lapic_x2() ? (u32)rdmsr(0x800 + off / 16) : *mmio32(LAPIC + off);
}

void lapic_write(u32 off, u32 v)
{
	if (lapic_x2())
		wrmsr(0x800 + off / 16, v);
	else
		*mmio32(LAPIC + off) = v;
}

void lapic_icr(u32 dest, u32 lo)
{
	if (lapic_x2()) {
		wrmsr(0x830, (u64)dest << 32 | lo);
	} else {
		*mmio32(LAPIC + 0x310) = dest << 24;
		*mmio32(LAPIC + 0x300) = lo;
	}
}

bool lapic_enable(bool x2)
{
	u64 base = rdmsr(0x1b);
	u32 r[4];

	cpuid(1, 0, r);
	if (x2 && !(r[2] & BIT(21)))
		return false;
	if (!x2 && (base & 0x400))
		wrmsr(0x1b, base & ~0xc00ull); /* the only way back leads through "disabled" */
	wrmsr(0x1b, (base & ~0xc00ull) | 0x800);
	if (x2)
		wrmsr(0x1b, base | 0xc00);
	lapic_write(0xf0, 0x1ff);
	for (u32 off = 0x320; off <= 0x370; off += 16)
		lapic_write(off, 0x10000);
	lapic_write(0x80, 0);
	return true;
}

u32 ioapic_read(u8 reg)
{
	*mmio32(IOAPIC) = reg;
	return *mmio32(IOAPIC + 0x10);
}

void ioapic_write(u8 reg, u32 v)
{
	*mmio32(IOAPIC) = reg;
	*mmio32(IOAPIC + 0x10) = v;
}

void pic_init(u8 base)
{
	outb(0x20, 0x11);
	outb(0xa0, 0x11);
	outb(0x21, base);
	outb(0xa1, base + 8);
	outb(0x21, 4);
	outb(0xa1, 2);
	outb(0x21, 1);
	outb(0xa1, 1);
	pic_mask(0xffff);
}

void pic_mask(u16 mask)
{
	outb(0x21, (u8)mask);
	outb(0xa1, (u8)(mask >> 8));
}

void pit_start(unsigned mode, u16 count)
{
	outb(0x43, 0x30 | mode << 1);
	outb(0x40, (u8)count);
	outb(0x40, (u8)(count >> 8));
}

/* Channel 2 in mode 0: OUT (port 61h bit 5) goes high after @count ticks. */
static void pit2_start(u16 count)
{
	outb(0x61, (inb(0x61) & 0xfc) | 1);
	outb(0x43, 0xb0);
	outb(0x42, (u8)count);
	outb(0x42, (u8)(count >> 8));
}

void delay_us(u32 us)
{
	while (us != 0) {
		u32 part = MIN(us, 50000u);

		pit2_start((u16)(part * 1193 / 1000 + 1));
		for (u32 i = 0; i < 10000000 && !(inb(0x61) & 0x20); i++)
			;
		us -= part;
	}
}

u64 tsc_per_ms(void)
{
	static u64 cached;
	u64 t;

	if (cached == 0) {
		t = rdtsc();
		delay_us(20000);
		cached = (rdtsc() - t) / 20;
	}
	return cached;
}
