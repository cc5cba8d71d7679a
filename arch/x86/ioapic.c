/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/ioapic.c: the machine's I/O APICs: which device interrupt comes as which vector (Intel 82093AA). */
#include "arch/iface/cpu.h"
#include "arch/iface/mem.h"
#include "arch/x86/irq.h"
#include "hv/lib/panic.h"
#include "hv/lib/util.h"

#define IOAPIC_VER     0x01
#define IOAPIC_REDTBL  0x10
#define RED_LOW	       BIT(13)
#define RED_LEVEL      BIT(15)
#define RED_MASKED     BIT(16)
#define IOAPIC_MAX_GSI VECTOR_GSIS

static struct ioapic {
	volatile u32 *reg; /* select at 0, window at 10h */
	u32 gsi_base, n;
} ioapics[BOOT_MAX_IRQCHIPS];
static unsigned ioapic_n;
static const struct boot_platform *ioapic_platform;
static u32 ioapic_level[(IOAPIC_MAX_GSI + 31) / 32];

/* Its registers are reached by an index: a read or write takes two steps, a change more. A leaf lock. */
static u32 ioapic_busy;

static void ioapic_lock(void)
{
	while (__atomic_exchange_n(&ioapic_busy, 1, __ATOMIC_ACQUIRE))
		arch_cpu_relax();
}

static void ioapic_unlock(void)
{
	__atomic_store_n(&ioapic_busy, 0, __ATOMIC_RELEASE);
}

static u32 ioapic_read(struct ioapic *c, u32 r)
{
	c->reg[0] = r;
	return c->reg[4];
}

static void ioapic_write(struct ioapic *c, u32 r, u32 v)
{
	c->reg[0] = r;
	c->reg[4] = v;
}

static struct ioapic *ioapic_of(u32 gsi, u32 *pin)
{
	for (unsigned i = 0; i < ioapic_n; i++)
		if (gsi >= ioapics[i].gsi_base && gsi - ioapics[i].gsi_base < ioapics[i].n) {
			*pin = gsi - ioapics[i].gsi_base;
			return &ioapics[i];
		}
	return NULL;
}

void ioapic_init(const struct boot_info *bi)
{
	ioapic_platform = &bi->platform;
	for (unsigned i = 0; i < bi->platform.nirqchips; i++) {
		struct ioapic *c = &ioapics[ioapic_n];
		u64 pa = bi->platform.irqchip[i].base;

		if (arch_mem_map(pa & PAGE_MASK, PAGE_SIZE, PT_DEVICE) != OK)
			panic("no page table for the I/O APIC at %lx", pa);
		c->reg = arch_ptr(pa);
		c->gsi_base = bi->platform.irqchip[i].gsi_base;
		c->n = FIELD(BITS(23, 16), ioapic_read(c, IOAPIC_VER)) + 1;
		for (u32 pin = 0; pin < c->n; pin++)
			ioapic_write(c, IOAPIC_REDTBL + 2 * pin, RED_MASKED);
		ioapic_n++;
	}
}

static void ioapic_mask(u32 gsi, bool masked)
{
	u32 pin, v;
	struct ioapic *c = ioapic_of(gsi, &pin);

	if (!c)
		return;
	ioapic_lock();
	v = ioapic_read(c, IOAPIC_REDTBL + 2 * pin);
	ioapic_write(c, IOAPIC_REDTBL + 2 * pin, masked ? v | RED_MASKED : v & ~(u32)RED_MASKED);
	ioapic_unlock();
}

void ioapic_arrived(u32 gsi)
{
	if (ioapic_level[gsi / 32] & BIT(gsi % 32))
		ioapic_mask(gsi, true);
	irq_arrived(gsi);
}

status_t arch_irq_attach(u32 gsi, u32 flags, u32 *out)
{
	bool level = flags & IRQ_LEVEL, low = flags & IRQ_LOW;
	struct ioapic *c;
	u32 pin;

	if (flags & IRQ_ISA) {
		if (gsi > 15)
			return ERR_RANGE;
		for (unsigned i = 0; i < ioapic_platform->noverrides; i++)
			if (ioapic_platform->override[i].irq == gsi) {
				gsi = ioapic_platform->override[i].gsi;
				level = ioapic_platform->override[i].level;
				low = ioapic_platform->override[i].active_low;
				break;
			}
	}
	c = gsi < IOAPIC_MAX_GSI ? ioapic_of(gsi, &pin) : NULL;
	if (!c)
		return ERR_NOENT;
	ioapic_level[gsi / 32] &= ~(u32)BIT(gsi % 32);
	if (level)
		ioapic_level[gsi / 32] |= BIT(gsi % 32);
	ioapic_lock();
	ioapic_write(c, IOAPIC_REDTBL + 2 * pin + 1, lapic_id() << 24);
	ioapic_write(c, IOAPIC_REDTBL + 2 * pin, (VECTOR_GSI0 + gsi) | (level ? RED_LEVEL : 0) | (low ? RED_LOW : 0));
	ioapic_unlock();
	*out = gsi;
	return OK;
}

void arch_irq_detach(u32 gsi)
{
	ioapic_mask(gsi, true);
}

void arch_irq_unmask(u32 gsi)
{
	ioapic_mask(gsi, false);
}

bool arch_device_reserved(u64 pa, u64 size)
{
	u64 lapic = ioapic_platform && ioapic_platform->lapic_base ? ioapic_platform->lapic_base : 0xfee00000;

	if (!ioapic_platform) /* an early panic asks: all of where they may be */
		return range_overlap(pa, size, 0xfec00000, 0x400000);
	if (range_overlap(pa, size, lapic & PAGE_MASK, PAGE_SIZE))
		return true;
	for (unsigned i = 0; i < ioapic_platform->nirqchips; i++)
		if (range_overlap(pa, size, ioapic_platform->irqchip[i].base & PAGE_MASK, PAGE_SIZE))
			return true;
	return false;
}
