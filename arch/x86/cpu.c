/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/cpu.c: bring-up of the CPU, idling, the early console, reset and power-off. */
#include "arch/iface/cpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/mce.h"
#include "arch/x86/smp.h"
#include "arch/x86/vendor.h"
#include "hv/lib/panic.h"

static const struct boot_platform *cpu_platform;

void arch_early_init(void)
{
	x86_features_init();
	x86_idt_init();
}

void arch_cpu_init(const struct boot_info *bi)
{
	const char *svm, *vmx;

	cpu_platform = &bi->platform;
	vendor = &vendor_svm;
	svm = vendor_svm.probe();
	vmx = svm ? vendor_vmx.probe() : NULL;
	if (svm && vmx)
		panic("no hardware virtualization: %s",
		      x86_features.intel || cpuid(0, 0).ecx == 0x6c65746e ? vmx : svm);
	vendor = svm ? &vendor_vmx : &vendor_svm;
	lapic_init(bi);
	ioapic_init(bi);
	clock_init(bi);
	x86_smp_init(bi);
	x86_mce_init();
	(void)vendor->cpu_on();
}

const char *arch_machine_name(void)
{
	return vendor->name;
}

u32 arch_features(void)
{
	u32 f = 0;

	if (x86_features.invariant_tsc)
		f |= HV_FEATURE_INVARIANT_TSC;
	if (x86_features.pages_1g)
		f |= HV_FEATURE_1G_PAGES;
	if (x86_features.apic_hw)
		f |= HV_FEATURE_APIC_HW;
	if (!x86_features.intel)
		f |= HV_FEATURE_VMMCALL;
	if (x86_features.intel || x86_features.next_pc)
		f |= HV_FEATURE_NEXT_RIP;
	return f;
}

void arch_irq_poll(void)
{
	asm volatile("sti\n\tnop\n\tnop\n\tcli" : : : "memory");
}

void arch_idle(void)
{
	if (x86_features.tcg)
		lapic_ask_again();
	asm volatile("sti\n\thlt\n\tcli" : : : "memory");
}

void arch_halt(void)
{
	for (;;)
		asm volatile("cli\n\thlt");
}

void arch_reset(void)
{
	struct {
		u16 limit;
		u64 base;
	} PACKED none = { 0, 0 };

	if (cpu_platform && cpu_platform->reset_port)
		outb((u16)cpu_platform->reset_port, (u8)cpu_platform->reset_value);
	outb(0xcf9, 2);
	outb(0xcf9, 6);
	for (unsigned i = 0; i < 100000 && (inb(0x64) & 2); i++)
		;
	outb(0x64, 0xfe);
	asm volatile("lidt %0\n\tint3" : : "m"(none));
	arch_halt();
}

void arch_poweroff(void)
{
	if (cpu_platform && cpu_platform->s5_valid && cpu_platform->pm1a_cnt_port)
		outw((u16)cpu_platform->pm1a_cnt_port, (u16)(cpu_platform->s5_slp_typa << 10 | BIT(13)));
	for (unsigned i = 0; i < 1000000; i++)
		inb(0x80); /* about a microsecond each */
	/* Still here: Bochs, whose way this is. */
	for (const char *s = "Shutdown"; *s; s++)
		outb(0x8900, (u8)*s);
	arch_halt();
}

bool arch_device_guests(u64 pa)
{
	return false;
}
