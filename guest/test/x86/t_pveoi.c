/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/t_pveoi.c: KVM's paravirtual EOI: when the hypervisor sets the bit, and what clearing it ends. */
#include "guest/test/x86/x86.h"

#define MSR_KVM_PV_EOI_EN 0x4b564d04u
#define KVM_PV_EOI	  BIT(6)

#define PIN_RTC	  8
#define IN_RTC	  0x4a
#define IN_TIMER  0x81
#define RTC_C	  0x0c
#define ROUNDS	  200
#define SELF(vec) lapic_icr(0, 0x44000 | (vec))

static volatile u32 page[2][1024] ALIGNED(4096);

static u64 at(volatile u32 *word)
{
	return (u64)word | 1;
}

static void window(void)
{
	sti();
	for (volatile unsigned i = 0; i < 100; i++)
		;
	cli();
}

/* As a kernel does: true if that was the end. */
static bool end(volatile u32 *word)
{
	bool was;

	__asm__ volatile("btrl $0, %1" : "=@ccc"(was), "+m"(*word)::"memory");
	return was;
}

static void write_eoi(void)
{
	lapic_write(0xb0, 0);
}

static u32 in_service(u8 vec)
{
	return lapic_read(0x100 + vec / 32 * 16) >> vec % 32 & 1;
}

/* @vec comes and stays in service. */
static void begin(u8 vec)
{
	u32 n = irq_count[vec];

	SELF(vec);
	window();
	t_eq("the interrupt has come", irq_count[vec], n + 1);
}

static void addresses(volatile u32 *word)
{
	static const u64 bad[] = { 3, 0x1003, LAPIC | 1, IOAPIC | 1, 1ull << 45 | 1, 1ull << 63 | 1, ~0ull, ~2ull };
	u64 v;

	t_check("a word of RAM", wrmsr_safe(MSR_KVM_PV_EOI_EN, at(word)));
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		t_check("what is not aligned or no RAM is #GP", !wrmsr_safe(MSR_KVM_PV_EOI_EN, bad[i]));
	t_check("and changes nothing", rdmsr_safe(MSR_KVM_PV_EOI_EN, &v) && v == at(word));
}

static void alone(volatile u32 *word)
{
	unsigned ends = 0;

	irq_clear();
	begin(0x51);
	t_eq("the bit is set in the handler", *word, 1);
	t_eq("the interrupt is in service", in_service(0x51), 1);
	t_eq("and the bit stays", *word, 1);
	t_check("the guest clears it", end(word));
	t_eq("nothing is in service then", in_service(0x51), 0);
	t_eq("nor in PPR", lapic_read(0xa0), 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		SELF(0x51);
		window();
		ends += end(word);
	}
	t_eq("again and again", irq_count[0x51], ROUNDS + 1);
	t_eq("always without a write", ends, ROUNDS);
}

static void more_than_one(volatile u32 *word)
{
	irq_clear();
	SELF(0x51);
	SELF(0x62);
	window();
	t_check("the higher one of two comes", irq_total == 1 && irq_count[0x62] == 1);
	t_eq("another one waits: no bit", *word, 0);
	*word = 1;
	(void)end(word);
	t_eq("a bit of the guest's own ends nothing", in_service(0x62), 1);
	write_eoi();
	window();
	t_eq("the other one comes", irq_count[0x51], 1);
	t_check("and is the last: with the bit", end(word));
	begin(0x53);
	t_eq("a bit", *word, 1);
	SELF(0x41);
	t_eq("is taken back when another one comes", *word, 0);
	write_eoi();
	window();
	t_eq("which is let in by the write", irq_count[0x41], 1);
	t_check("with a bit of its own", end(word));
	begin(0x53);
	begin(0x71);
	t_eq("nested: no bit", *word, 0);
	write_eoi();
	t_eq("the outer one is in service still", in_service(0x53), 1);
	t_eq("and has no bit", *word, 0);
	write_eoi();
	t_eq("its write ends it", in_service(0x53), 0);
	t_check("two of them came in time", irq_count[0x53] == 2 && irq_count[0x71] == 1);
}

static void other_ways(volatile u32 *word)
{
	irq_clear();
	begin(0x51);
	write_eoi();
	t_eq("a write in spite of the bit ends it", in_service(0x51), 0);
	t_eq("and the bit goes", *word, 0);
	begin(0x51);
	irq_eoi[2] = EOI_NONE;
	lapic_icr(lapic_read(0x20) >> (lapic_x2() ? 0 : 24), 0x4400);
	t_eq("an NMI comes between", irq_count[2], 1);
	t_check("and changes nothing", end(word));
	lapic_write(0x80, 0x60);
	SELF(0x52);
	window();
	t_eq("TPR holds one back", irq_count[0x52], 0);
	lapic_write(0x80, 0);
	window();
	t_eq("and lets it in", irq_count[0x52], 1);
	t_check("with the bit", end(word));
	write_cr8(6);
	SELF(0x52);
	window();
	write_cr8(0);
	window();
	t_eq("CR8, too", irq_count[0x52], 2);
	t_check("with the bit", end(word));
	begin(0x91);
	t_check("an end that nobody has looked at", end(word));
	lapic_write(0x3e0, 0xb);
	lapic_write(0x320, IN_TIMER);
	lapic_write(0x380, 1000000);
	__asm__ volatile("sti; hlt; cli" ::: "memory");
	t_eq("does not hold back what ends HLT", irq_count[IN_TIMER], 1);
	t_check("which has the bit", end(word));
	lapic_write(0x320, 0x10000);
}

static u8 cmos(u8 reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static void level(volatile u32 *word)
{
	irq_clear();
	ioapic_write(0x11 + 2 * PIN_RTC, lapic_read(0x20) << (lapic_x2() ? 24 : 0));
	ioapic_write(0x10 + 2 * PIN_RTC, 0x8000 | IN_RTC);
	outb(0x70, 0x0a);
	outb(0x71, 0x26);
	(void)cmos(RTC_C);
	outb(0x70, 0x0b);
	outb(0x71, (cmos(0x0b) & 7) | 0x40);
	t_check("a level-triggered interrupt comes", irq_wait(IN_RTC, 1, 200));
	t_eq("without the bit", *word, 0);
	outb(0x70, 0x0b);
	outb(0x71, cmos(0x0b) & 7);
	(void)cmos(RTC_C);
	write_eoi();
	t_eq("the write ends it", in_service(IN_RTC), 0);
	window();
	t_eq("and the I/O APIC has heard of it: once", irq_count[IN_RTC], 1);
	ioapic_write(0x10 + 2 * PIN_RTC, 0x10000);
}

static void elsewhere(volatile u32 *word)
{
	volatile u32 *next = word + 1, *far = &page[1][1023];

	irq_clear();
	begin(0x51);
	t_check("the word moves", wrmsr_safe(MSR_KVM_PV_EOI_EN, at(next)));
	t_check("the old one's bit is gone", *word == 0 && *next == 0);
	t_eq("the interrupt is in service", in_service(0x51), 1);
	write_eoi();
	begin(0x51);
	t_check("the new one gets it", *word == 0 && end(next));
	t_check("so does one in another page", wrmsr_safe(MSR_KVM_PV_EOI_EN, at(far)));
	begin(0x51);
	t_check("alone", *word == 0 && *next == 0 && end(far));
	begin(0x51);
	t_check("off, while it is set", wrmsr_safe(MSR_KVM_PV_EOI_EN, 0));
	t_eq("takes it back", *far, 0);
	t_eq("and not the interrupt", in_service(0x51), 1);
	write_eoi();
	begin(0x51);
	t_check("no bit any more", *word == 0 && *next == 0 && *far == 0);
	write_eoi();
	t_eq("all is at its end", in_service(0x51), 0);
}

void t_main(void)
{
	u32 r[4];
	u64 v;

	cpuid(0x40000000, 0, r);
	if (r[1] == 0x4b4d564b)
		cpuid(0x40000001, 0, r);
	else
		r[0] = 0;
	if (!(r[0] & KVM_PV_EOI)) {
		t_skip("paravirtual EOI", "not offered");
		t_check("its MSR is not there",
			!rdmsr_safe(MSR_KVM_PV_EOI_EN, &v) && !wrmsr_safe(MSR_KVM_PV_EOI_EN, 0));
		return;
	}
	for (unsigned i = 0x30; i < 256; i++)
		irq_eoi[i] = EOI_NONE;
	for (unsigned mode = 0; mode < 2; mode++) {
		volatile u32 *word = &page[0][mode];

		if (!lapic_enable(mode)) {
			t_skip("x2APIC", "not in CPUID");
			return;
		}
		t_puts(mode ? "INFO x2APIC mode\n" : "INFO xAPIC mode\n");
		addresses(word);
		alone(word);
		more_than_one(word);
		other_ways(word);
		level(word);
		elsewhere(word);
	}
}
