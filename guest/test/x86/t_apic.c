/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/t_apic.c: the local APIC in xAPIC and x2APIC mode: priorities, IPIs, timer, EOI, ESR. */
#include "guest/test/x86/x86.h"

static bool x2;

static void self_ipi(u8 vector)
{
	lapic_icr(0, 0x44000 | vector);
}

static void window(void)
{
	sti();
	for (volatile unsigned i = 0; i < 1000; i++)
		;
	cli();
}

static void priorities(void)
{
	irq_clear();
	self_ipi(0x51);
	t_eq("IRR while IF = 0", lapic_read(0x220) >> 17 & 1, 1);
	self_ipi(0x62);
	self_ipi(0x53);
	window();
	t_eq("three self IPIs arrive", irq_total, 3);
	t_check("highest first", irq_log[0] == 0x62 && irq_log[1] == 0x53 && irq_log[2] == 0x51);
	lapic_write(0x80, 0x60);
	irq_clear();
	self_ipi(0x61);
	window();
	t_eq("TPR holds its class back", irq_total, 0);
	t_eq("PPR is TPR", lapic_read(0xa0), 0x60);
	self_ipi(0x70);
	window();
	t_eq("a higher class passes", irq_count[0x70], 1);
	lapic_write(0x80, 0x50);
	window();
	t_eq("lowering TPR releases it", irq_count[0x61], 1);
	write_cr8(6);
	irq_clear();
	self_ipi(0x68);
	window();
	t_eq("CR8 holds back, too", irq_total, 0);
	t_eq("CR8 is in TPR", lapic_read(0x80), 0x60);
	write_cr8(0);
	window();
	t_eq("CR8 = 0 releases it", irq_total, 1);
}

/* Without exits. */
static void spin(u32 ms)
{
	u64 end = rdtsc() + ms * tsc_per_ms();

	while (rdtsc() < end)
		;
}

/* Interrupts of the machine's own come all the while: ours must wait for STI nevertheless. */
static void held_back(void)
{
	u32 n;

	irq_clear();
	lapic_write(0x3e0, 0xb);
	lapic_write(0x320, 0x20044);
	lapic_write(0x380, 500000);
	self_ipi(0x55);
	spin(20);
	t_eq("IF = 0 holds interrupts back", irq_total, 0);
	window();
	t_check("and STI lets them in", irq_count[0x55] == 1 && irq_count[0x44] >= 1);
	irq_eoi[0x91] = EOI_NONE;
	irq_clear();
	self_ipi(0x91);
	window();
	self_ipi(0x56);
	spin(5);
	window();
	n = irq_total;
	if (x2)
		wrmsr(0x80b, 0); /* lapic_write may exit */
	else
		lapic_write(0xb0, 0);
	spin(20);
	t_eq("the one in service holds lower ones back", n, 1);
	t_eq("EOI with IF = 0 does not let them in", irq_total, 1);
	window();
	t_check("STI does", irq_count[0x56] == 1 && irq_count[0x44] >= 1);
	irq_eoi[0x91] = EOI_LAPIC;
	lapic_write(0x320, 0x10044);
	lapic_write(0x380, 0);
	window();
}

static void in_service(void)
{
	irq_clear();
	irq_eoi[0x71] = EOI_NONE;
	self_ipi(0x71);
	window();
	t_eq("ISR until EOI", lapic_read(0x130) >> 17 & 1, 1);
	t_eq("PPR is the class in service", lapic_read(0xa0), 0x70);
	self_ipi(0x72);
	window();
	t_dev("the same class waits", irq_count[0x72], 0);
	self_ipi(0x81);
	window();
	t_eq("a higher class nests", irq_count[0x81], 1);
	lapic_write(0xb0, 0);
	t_eq("EOI clears ISR", lapic_read(0x130), 0);
	window();
	t_eq("then the same class comes", irq_count[0x72], 1);
	irq_eoi[0x71] = EOI_LAPIC;
	self_ipi(0x71);
	self_ipi(0x71);
	window();
	t_eq("two sends before delivery are one interrupt", irq_count[0x71], 2);
	lapic_write(0xb0, 0);
	t_eq("EOI with nothing in service is harmless", lapic_read(0xa0), 0);
}

static void timer(void)
{
	u32 a, b, n;

	irq_clear();
	lapic_write(0x3e0, 0xb);
	lapic_write(0x320, 0x40);
	lapic_write(0x380, 100000);
	t_check("one-shot fires", irq_wait(0x40, 1, 1000));
	window();
	t_eq("once", irq_count[0x40], 1);
	t_eq("and its count is 0", lapic_read(0x390), 0);
	lapic_write(0x380, 0xf0000000);
	a = lapic_read(0x390);
	delay_us(100);
	b = lapic_read(0x390);
	t_check("TMCCR counts down", b < a && a <= 0xf0000000);
	lapic_write(0x380, 0);
	t_eq("TMICT = 0 stops", lapic_read(0x390), 0);
	irq_clear();
	lapic_write(0x320, 0x20041);
	lapic_write(0x380, 1000000);
	t_check("periodic fires again and again", irq_wait(0x41, 5, 2000));
	lapic_write(0x320, 0x30041);
	n = irq_count[0x41];
	delay_us(20000);
	window();
	t_check("masked: quiet", irq_count[0x41] <= n + 1);
	lapic_write(0x380, 0);
	lapic_write(0x3e0, 3); /* by 16 */
	lapic_write(0x320, 0x10040);
	lapic_write(0x380, 0x10000000);
	delay_us(1000);
	a = 0x10000000 - lapic_read(0x390);
	lapic_write(0x3e0, 0xb);
	lapic_write(0x380, 0x10000000);
	delay_us(1000);
	b = 0x10000000 - lapic_read(0x390);
	t_check("dividing by 16 is slower", a != 0 && b / a >= 6);
	lapic_write(0x380, 0);
}

static void tsc_deadline(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	if (!(r[2] & BIT(24))) {
		t_skip("TSC-deadline", "not in CPUID");
		return;
	}
	(void)tsc_per_ms(); /* measures for 20 ms, once */
	irq_clear();
	lapic_write(0x320, 0x40042);
	__asm__ volatile("mfence" ::: "memory");
	wrmsr(0x6e0, rdtsc() + tsc_per_ms());
	t_check("armed: reads back", rdmsr(0x6e0) != 0);
	t_check("TSC-deadline fires", irq_wait(0x42, 1, 1000));
	t_dev("and reads 0 then", rdmsr(0x6e0), 0);
	wrmsr(0x6e0, 1);
	t_check("a deadline in the past fires", irq_wait(0x42, 2, 100));
	wrmsr(0x6e0, rdtsc() + 100 * tsc_per_ms());
	wrmsr(0x6e0, 0);
	delay_us(120000);
	window();
	t_eq("0 disarms", irq_count[0x42], 2);
	lapic_write(0x320, 0x10042);
}

static void errors(void)
{
	irq_clear();
	irq_eoi[5] = EOI_LAPIC;
	lapic_write(0x370, 0x4f);
	lapic_write(0x280, 0);
	lapic_write(0x280, 0);
	t_eq("ESR is clear", lapic_read(0x280), 0);
	lapic_icr(0, 0x44000 | 5);
	window();
	lapic_write(0x280, 0);
	t_dev("illegal vector in ESR", lapic_read(0x280) & 0x60 ? 1 : 0, 1);
	t_dev("and an error interrupt", irq_count[0x4f], 1);
	t_dev("vector 5 was not delivered", irq_count[5], 0);
	lapic_write(0x370, 0x10000);
	lapic_write(0x280, 0);
}

static void disable(void)
{
	lapic_write(0x320, 0x40);
	lapic_write(0xf0, 0xff);
	t_dev("SVR disable masks LVT", lapic_read(0x320) & 0x10000, 0x10000);
	lapic_write(0x320, 0x40);
	t_dev("and keeps it masked", lapic_read(0x320) & 0x10000, 0x10000);
	lapic_write(0xf0, 0x1ff);
	lapic_write(0x320, 0x10000);
	lapic_icr(lapic_read(0x20) >> (x2 ? 0 : 24), 0x4000 | 0x58);
	window();
	t_eq("IPI to the own ID", irq_count[0x58], 1);
	irq_eoi[2] = EOI_NONE;
	lapic_icr(lapic_read(0x20) >> (x2 ? 0 : 24), 0x4400);
	t_eq("NMI to the own ID", irq_count[2], 1);
}

static void x2_only(void)
{
	u64 v;

	t_dev("LDR from the ID", rdmsr(0x80d), (rdmsr(0x802) >> 4) << 16 | 1u << (rdmsr(0x802) & 15));
	irq_clear();
	wrmsr(0x83f, 0x66);
	window();
	t_eq("SELF IPI", irq_count[0x66], 1);
	t_dev("EOI of not 0 is #GP", wrmsr_safe(0x80b, 1), false);
	t_dev("reading EOI is #GP", rdmsr_safe(0x80b, &v), false);
	t_dev("TPR bit 8 is #GP", wrmsr_safe(0x808, 0x100), false);
	t_dev("absent register is #GP", rdmsr_safe(0x80e, &v), false);
	t_dev("writing the ID is #GP", wrmsr_safe(0x802, 1), false);
	t_dev("x2APIC to xAPIC is #GP", wrmsr_safe(0x1b, (rdmsr(0x1b) & ~0x400ull) | 0x800), false);
}

void t_main(void)
{
	for (unsigned i = 0x30; i < 256; i++)
		irq_eoi[i] = EOI_LAPIC;
	for (unsigned mode = 0; mode < 2; mode++) {
		if (!lapic_enable(mode)) {
			t_skip("x2APIC", "not in CPUID");
			return;
		}
		x2 = mode;
		t_puts(x2 ? "INFO x2APIC mode\n" : "INFO xAPIC mode\n");
		t_eq("version", lapic_read(0x30) & 0xf0, 0x10);
		priorities();
		held_back();
		in_service();
		timer();
		tsc_deadline();
		errors();
		disable();
	}
	x2_only();
}
