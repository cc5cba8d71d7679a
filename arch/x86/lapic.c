/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/lapic.c: this CPU's own local APIC and its timer (Intel SDM 3A, chapter 10). */
#include "arch/iface/cpu.h"
#include "arch/iface/mem.h"
#include "arch/x86/irq.h"
#include "arch/x86/percpu.h"
#include "arch/x86/vendor.h"
#include "hv/lib/panic.h"

volatile u32 *lapic_page; /* NULL: x2APIC; trap_entry.asm looks, too */
static u32 lapic_timer_mode;
#define APIC_ICR_BUSY	   BIT(12)
#define APIC_ICR_SHORTHAND BITS(19, 18)

static void lapic_enable(void);
static u64 lapic_ratio; /* APIC timer ticks per 2^32 TSC ticks */

static u32 lapic_read(u32 off)
{
	return lapic_page ? lapic_page[off / 4] : (u32)rdmsr(MSR_X2APIC_FIRST + off / 16);
}

static void lapic_write(u32 off, u32 v)
{
	if (lapic_page)
		lapic_page[off / 4] = v;
	else
		wrmsr(MSR_X2APIC_FIRST + off / 16, v);
}

void lapic_eoi(void)
{
	lapic_write(APIC_EOI, 0);
}

u32 lapic_id(void)
{
	return lapic_page ? lapic_read(APIC_ID) >> 24 : lapic_read(APIC_ID);
}

static void lapic_mask_8259(void)
{
	/* ICW1-ICW4 move its vectors out of the exceptions' way, then everything is masked. */
	outb(0x20, 0x11);
	outb(0xa0, 0x11);
	outb(0x21, 0x20);
	outb(0xa1, 0x28);
	outb(0x21, 4);
	outb(0xa1, 2);
	outb(0x21, 1);
	outb(0xa1, 1);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

void lapic_init(const struct boot_info *bi)
{
	u64 base = rdmsr(MSR_APIC_BASE);
	u64 pa = base & BITS(51, 12);

	if (!(base & APIC_BASE_EN)) {
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_EN);
		base |= APIC_BASE_EN;
	}
	if (!(base & APIC_BASE_EXTD)) {
		if (arch_mem_map(pa, PAGE_SIZE, PT_DEVICE) != OK)
			panic("no page table for the local APIC at %lx", pa);
		lapic_page = arch_ptr(pa);
	}
	x86_cpu()->timer_armed = ~0UL;
	lapic_mask_8259();
	lapic_enable();
}

void lapic_init_other(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	if (!lapic_page && !(base & APIC_BASE_EXTD))
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_EN | APIC_BASE_EXTD);
	x86_cpu()->timer_armed = ~0UL;
	lapic_enable();
	lapic_timer_init();
}

void lapic_send(u32 id, u32 command)
{
	if (!lapic_page) {
		asm volatile("mfence; lfence" : : : "memory"); /* WRMSR to x2APIC registers does not wait for stores */
		wrmsr(MSR_X2APIC_FIRST + APIC_ICR / 16, (u64)id << 32 | command);
		return;
	}
	while (lapic_read(APIC_ICR) & APIC_ICR_BUSY)
		;
	lapic_write(APIC_ICR2, id << 24);
	lapic_write(APIC_ICR, command);
}

static void lapic_enable(void)
{
	lapic_write(APIC_TPR, 0);
	for (unsigned i = 0; i < LVT_ERROR; i++)
		lapic_write(APIC_LVT + 16 * i, APIC_LVT_MASKED | VECTOR_SPURIOUS);
	lapic_write(APIC_LVT + 16 * LVT_LINT1, APIC_NMI << 8);
	lapic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
	lapic_write(APIC_TDCR, 0xb); /* divide by 1 */
}

void lapic_timer_start(u32 count)
{
	lapic_write(APIC_LVT, APIC_LVT_MASKED | VECTOR_TIMER);
	lapic_write(APIC_TMICT, count);
}

u32 lapic_timer_left(void)
{
	return lapic_read(APIC_TMCCR);
}

void lapic_timer_rate(u64 ratio)
{
	lapic_ratio = ratio;
	lapic_timer_mode = x86_features.tsc_deadline ? APIC_TIMER_DEADLINE
						     : (x86_features.tcg ? APIC_TIMER_PERIODIC : APIC_TIMER_ONESHOT);
	lapic_timer_init();
}

void lapic_timer_init(void)
{
	lapic_write(APIC_TMICT, 0);
	lapic_write(APIC_LVT, VECTOR_TIMER | FIELD_PUT(APIC_LVT_TIMER_MODE, lapic_timer_mode));
	asm volatile("mfence");
}

void lapic_timer_fired(void)
{
	u64 when = x86_cpu()->timer_armed;

	x86_cpu()->timer_armed = ~0UL;
	if (lapic_timer_mode == APIC_TIMER_PERIODIC)
		lapic_write(APIC_TMICT, 0);  /* it has been seen */
	if (unlikely(arch_counter() < when)) /* the count was too small for it */
		arch_timer_set(when);
}

/*
 * QEMU's VMRUN changes the CPU's interrupt requests while no lock keeps its I/O thread from doing so: what the local
 * APIC asks for at that moment is lost, until the APIC has reason to ask again. So there the timer is periodic and goes
 * on asking, until it is seen; not so often that QEMU would do nothing else. What is due now the CPU sends to itself,
 * which that thread has no part in.
 */
#define LAPIC_PERIOD  10000u /* ticks, of 1 ns each */
#define LAPIC_AT_ONCE 1000u

void lapic_ask_again(void)
{
	lapic_write(APIC_TPR, 0);
}

void arch_timer_set(u64 when)
{
	u64 now, ticks;

	if (when == x86_cpu()->timer_armed)
		return;
	x86_cpu()->timer_armed = when;
	if (lapic_timer_mode == APIC_TIMER_DEADLINE) {
		wrmsr(MSR_TSC_DEADLINE, when == ~0UL ? 0 : when ? when : 1);
		return;
	}
	if (when == ~0UL) {
		lapic_write(APIC_TMICT, 0);
		return;
	}
	now = arch_counter();
	ticks = when > now ? (u64)((unsigned __int128)(when - now) * lapic_ratio >> 32) + 1 : 1;
	if (lapic_timer_mode == APIC_TIMER_PERIODIC) {
		if (ticks < LAPIC_AT_ONCE) {
			lapic_write(APIC_TMICT, 0);
			lapic_send(0, FIELD_PUT(APIC_ICR_SHORTHAND, APIC_SHORT_SELF) | VECTOR_TIMER);
			return;
		}
		ticks = MAX(ticks, LAPIC_PERIOD);
	}
	lapic_write(APIC_TMICT, ticks > 0xffffffff ? 0xffffffff : (u32)ticks); /* longer: lapic_timer_fired */
}
