/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/platform.c: what guest/test/lib/t.h wants of an architecture, for a PC: COM1, ports, places, MSIs. */
#include "guest/test/x86/x86.h"

#define COM1 0x3f8

extern u32 mb_info, mb_magic;
extern u8 t_image_end[];

const unsigned t_hypercalls = 2;
const u64 t_ram_limit = 1ull << 32;
const u64 t_hole = 0x90000000;
const u64 t_device = LAPIC;
const u32 t_pci_window = 0xfd000000; /* under the I/O APIC */

void t_putc(char c)
{
	for (unsigned i = 0; i < 100000 && !(inb(COM1 + 5) & 0x20); i++)
		;
	outb(COM1, (u8)c);
}

void t_init(void)
{
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 0x80);
	outb(COM1, 1);
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 3);
	outb(COM1 + 2, 7);
	outb(COM1 + 4, 3);
	t_puts("\n");
	trap_init();
	t_map_init();
	modes_init();
	pic_init(0x20);
}

void t_power_off(void)
{
	acpi_power_off();
}

bool t_strict(void)
{
	u32 r[4], one[4];

	cpuid(1, 0, one);
	cpuid(0x40000000, 0, r);
	return (one[2] & BIT(31)) && r[1] == 0x4b4d564b; /* "KVMK" */
}

/* Also below a hypervisor: tests/emu tells by a command line of "svm". */
bool t_tcg(void)
{
	const u32 *mb = (const u32 *)(u64)mb_info;
	const char *cmdline = mb_magic == 0x2badb002 && (mb[0] & 4) ? (const char *)(u64)mb[4] : "";

	u32 r[4];

	cpuid(0x40000000, 0, r);
	while (*cmdline && !(cmdline[0] == ' ' && cmdline[1] == 's' && cmdline[2] == 'v' && cmdline[3] == 'm'))
		cmdline++;
	return *cmdline || r[1] == 0x54474354; /* "TCGT" */
}

bool trap_undefined(int x)
{
	return x == X_UD;
}

void irq_on(void)
{
	sti();
}

void irq_off(void)
{
	cli();
}

u64 t_clock(void)
{
	return rdtsc();
}

/* As the hypervisor says: to measure it takes a CPU that nobody else has meanwhile. */
u64 t_clock_ms(void)
{
	u32 r[4];

	cpuid(0x40000010, 0, r);
	return t_strict() && r[0] != 0 ? r[0] : tsc_per_ms(); /* kHz */
}

void t_halt(void)
{
	__asm__ volatile("sti; hlt; cli" ::: "memory");
}

bool t_msi(unsigned n, u64 *addr, u32 *data, u32 *irq)
{
	lapic_enable(false);
	*addr = LAPIC | (u64)(lapic_read(0x20) >> 24) << 12;
	*data = *irq = 0x50 + n;
	irq_eoi[*irq] = EOI_LAPIC;
	return true;
}

int t_intx(u16 bdf)
{
	return -1;
}

/* Kind 0: VMCALL, 1: VMMCALL. */
u64 t_hypercall(unsigned kind, u64 n, const u64 arg[4])
{
	u64 a = n, b = arg[0], d = arg[1], s = arg[2], t = arg[3];

	if (kind == 1)
		__asm__ volatile("vmmcall"
				 : "+a"(a), "+b"(b), "+d"(d), "+S"(s), "+D"(t)::"rcx", "r8", "r9", "r10", "r11",
				   "memory");
	else
		__asm__ volatile("vmcall"
				 : "+a"(a), "+b"(b), "+d"(d), "+S"(s), "+D"(t)::"rcx", "r8", "r9", "r10", "r11",
				   "memory");
	return a;
}

bool t_ram_free(u64 page)
{
	return page >= (u64)t_image_end;
}

void t_hole_test(void)
{
	volatile u64 *hole = (volatile u64 *)(uintptr_t)t_hole;
	u64 was = *hole;

	t_dev("unmapped memory reads ones", was, ~0ull);
	*hole = 0x123456789abcdef0;
	t_eq("and writes vanish", *hole, was);
	t_dev("32 bits of it", *mmio32(t_hole + 4), 0xffffffff);
	t_dev("8 bits of it", *(volatile u8 *)(uintptr_t)(t_hole + 7), 0xff);
}

void t_port_write16(u16 port, u16 v)
{
	outw(port, v);
}

static u16 pci_sel(u16 bdf, u32 off)
{
	outl(0xcf8, 0x80000000u | (u32)bdf << 8 | (off & 0xfc));
	return 0xcfc + (off & 3);
}

u32 pci_r32(u16 bdf, u32 off)
{
	return inl(pci_sel(bdf, off));
}

u16 pci_r16(u16 bdf, u32 off)
{
	return inw(pci_sel(bdf, off));
}

u8 pci_r8(u16 bdf, u32 off)
{
	return inb(pci_sel(bdf, off));
}

void pci_w32(u16 bdf, u32 off, u32 v)
{
	outl(pci_sel(bdf, off), v);
}

void pci_w16(u16 bdf, u32 off, u16 v)
{
	outw(pci_sel(bdf, off), v);
}

void pci_w8(u16 bdf, u32 off, u8 v)
{
	outb(pci_sel(bdf, off), v);
}

u64 pci_ecam(void)
{
	const u8 *t = acpi_find("MCFG");
	u64 base;

	if (t == NULL)
		return 0;
	memcpy(&base, t + 44, 8);
	return base < 1ull << 32 ? base : 0;
}

void *memset(void *d, int c, size_t n)
{
	void *p = d;

	__asm__ volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(c) : "memory");
	return d;
}

void *memcpy(void *restrict d, const void *restrict s, size_t n)
{
	void *p = d;

	__asm__ volatile("rep movsb" : "+D"(p), "+S"(s), "+c"(n)::"memory");
	return d;
}
