/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/t_hostile-portstorm.c: random IN and OUT over all ports but the console and those that reset or power
 * off rightly. Expected: the guest goes on and the VMM with it, PASS. Devices are in any state afterwards. */
#include "guest/test/x86/x86.h"

static u16 pm_base;

/* Ports whose use has an honest reason to end the run, or to spoil its report or the memory it lives in. */
static bool spared(u16 p, unsigned size)
{
	for (unsigned i = 0; i < size; i++, p++) {
		if (p == 0x64 || p == 0x60 || p == 0x92 || p == 0x505 || (p >= 0xcf8 && p <= 0xcff) ||
		    (p >= 0x3f8 && p <= 0x3ff))
			return true;
		if ((p >= 0x600 && p < 0x640) || (pm_base != 0 && p >= pm_base && p < pm_base + 0x40))
			return true;
		if (p >= 0x510 && p <= 0x51b) /* fw_cfg's DMA may write anywhere the guest asks */
			return true;
		if (p < 0x20 || (p >= 0x80 && p < 0xe0) || (p >= 0xae00 && p < 0xaf20)) /* ISA DMA, PM, hotplug */
			return true;
		if (p == 0x402 || p == 0x501 || (p >= 0xb000 && p < 0xb040))
			return true;
		if ((p >= 0x1f0 && p < 0x1f8) || (p >= 0x170 && p < 0x178) || p >= 0xc000) /* disks, PCI BARs */
			return true;
	}
	return false;
}

static void in(u16 p, unsigned size)
{
	if (size == 1)
		inb(p);
	else if (size == 2)
		inw(p);
	else
		inl(p);
}

static void out(u16 p, unsigned size, u32 v)
{
	if (size == 1)
		outb(p, (u8)v);
	else if (size == 2)
		outw(p, (u16)v);
	else
		outl(p, v);
}

static void string(u16 p, u64 r)
{
	static u8 buf[256];
	void *a = buf;
	u64 n = r % 64;

	if (r & 0x100)
		__asm__ volatile("rep insb" : "+D"(a), "+c"(n) : "d"(p) : "memory");
	else
		__asm__ volatile("rep outsb" : "+S"(a), "+c"(n) : "d"(p) : "memory");
}

void t_main(void)
{
	const u8 *fadt = acpi_find("FACP");

	if (fadt != NULL)
		memcpy(&pm_base, fadt + 56, 2);
	for (unsigned i = 0; i < 60000; i++) {
		u64 r = t_rand();
		u16 p = (u16)(r >> 16);
		unsigned size = 1u << (r >> 8) % 3;

		if (r & 1)
			p &= 0xfff;
		if (r & 2)
			p &= 0x3ff;
		if (spared(p, size))
			continue;
		if ((r & 0x3c) == 0)
			string(p, r >> 40);
		else if (r & 0x40)
			in(p, size);
		else
			out(p, size, (u32)(r >> 32));
	}
	t_check("60000 random port accesses survived", true);
}
