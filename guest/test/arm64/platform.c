/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/platform.c: what guest/test/lib/t.h wants of an architecture, for QEMU virt's map. */
#include "guest/test/arm64/arm64.h"
#include "guest/test/arm64/fdt.h"

#define UART_DR 0x00
#define UART_FR 0x18
#define FR_TXFF BIT(5)

extern u8 _start[], t_image_end[];

const unsigned t_hypercalls = 4;
const u64 t_ram_limit = 256ull << 30;
const u64 t_hole = 0x0b000000;
const u64 t_device = 0x08000000; /* GICD */
const u32 t_pci_window = 0x10000000;
struct t_range t_map[32];
unsigned t_map_n;

static u64 fdt_at, ecam;
static unsigned buses;

void t_putc(char c)
{
	for (unsigned i = 0; i < 100000 && (*mmio32(UART + UART_FR) & FR_TXFF); i++)
		;
	*mmio32(UART + UART_DR) = (u8)c;
}

static void map_init(void)
{
	u64 size = 0, base = fdt_reg(fdt_node("memory"), 0, &size);

	for (unsigned n = 0; base != 0 && n < ARRAY_SIZE(t_map); n++) {
		t_map[t_map_n++] = (struct t_range){ base, size, 1 };
		base = fdt_reg(fdt_node("memory"), n + 1, &size);
	}
}

static void pci_init(void)
{
	u32 node = fdt_compatible("pci-host-ecam-generic"), len = 0;
	const u8 *range = fdt_get(node, "bus-range", &len);

	ecam = node != 0 ? fdt_reg(node, 0, NULL) : 0;
	buses = len == 8 ? fdt_u32(range + 4) + 1 : 1;
}

void t_arm64_boot(u64 fdt)
{
	if (fdt_init(fdt))
		fdt_at = fdt;
	t_start();
}

void t_init(void)
{
	t_puts("\n");
	if (fdt_at == 0) {
		t_check("device tree in x0", false);
		t_done();
	}
	map_init();
	pci_init();
	gic_init();
	gic_enable(INTID_VTIMER);
	gic_enable(INTID_PTIMER);
	t_puts(gic_version == 3 ? "INFO GICv3\n" : "INFO GICv2\n");
}

void t_power_off(void)
{
	irq_off();
	psci(PSCI_SYSTEM_OFF, 0, 0, 0);
	for (;;)
		wfi();
}

bool t_bootarg(const char *word)
{
	u32 len = 0;
	const char *p = (const char *)fdt_get(fdt_node("chosen"), "bootargs", &len);

	for (u32 i = 0; p != NULL && i < len; i++) {
		u32 n = 0;

		if (i != 0 && p[i - 1] != ' ')
			continue;
		while (word[n] && i + n < len && p[i + n] == word[n])
			n++;
		if (word[n] == 0 && (i + n >= len || p[i + n] == ' ' || p[i + n] == 0))
			return true;
	}
	return false;
}

bool t_strict(void)
{
	return t_bootarg("trivet");
}

u64 us_to_ticks(u64 us)
{
	return us * mrs(cntfrq_el0) / 1000000;
}

void delay_us(u32 us)
{
	u64 start = counter(), ticks = us_to_ticks(us);

	while (counter() - start < ticks)
		;
}

u64 t_clock(void)
{
	return counter();
}

u64 t_clock_ms(void)
{
	return us_to_ticks(1000);
}

void t_halt(void)
{
	wfi();
	irq_on();
	irq_off();
}

void vtimer_in(u64 ticks)
{
	msr(cntv_cval_el0, counter() + ticks);
	msr(cntv_ctl_el0, 1);
	isb();
}

/* The frame's MSI_TYPER: first INTID in bits 25:16, their number in 9:0; a write to 40h makes one pending. */
bool t_msi(unsigned n, u64 *addr, u32 *data, u32 *irq)
{
	u32 typer;

	if (v2m_frame == 0)
		return its_msi(n, addr, data, irq);
	typer = *mmio32(v2m_frame + 8);
	if (n >= (typer & 0x3ff))
		return false;
	*addr = v2m_frame + 0x40;
	*data = *irq = (typer >> 16 & 0x3ff) + n;
	gic_edge(*irq, true);
	gic_enable(*irq);
	return true;
}

int t_intx(u16 bdf)
{
	unsigned irq = INTID_INTX + (bdf >> 3 & 3); /* INTA: pin 1 */

	irq_quiet[irq] = 1;
	gic_edge(irq, false);
	gic_enable(irq);
	return (int)irq;
}

s64 psci(u64 fn, u64 a, u64 b, u64 c)
{
	register u64 x0 __asm__("x0") = fn;
	register u64 x1 __asm__("x1") = a;
	register u64 x2 __asm__("x2") = b;
	register u64 x3 __asm__("x3") = c;

	__asm__ volatile("hvc #0"
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
			   "x12", "x13", "x14", "x15", "x16", "x17", "memory");
	return (s64)x0;
}

/* Kind 0: HVC #0, 1: HVC with the service VM's number, 2: SMC #0, 3: HVC #65535. */
u64 t_hypercall(unsigned kind, u64 n, const u64 arg[4])
{
	u64 a = arg[0], b = arg[1], c = arg[2], d = kind == 1 ? n : arg[3];
	register u64 x0 __asm__("x0") = n;
	register u64 x1 __asm__("x1") = a;
	register u64 x2 __asm__("x2") = b;
	register u64 x3 __asm__("x3") = c;
	register u64 x8 __asm__("x8") = d;

#define CALL(insn)                                                                                                \
	__asm__ volatile(insn                                                                                     \
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x8)::"x4", "x5", "x6", "x7", "x9", "x10", \
			   "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory")
	switch (kind) {
	case 0: CALL("hvc #0"); break;
	case 1: CALL("hvc #0x5456"); break;
	case 2: CALL("smc #0"); break;
	default: CALL("hvc #0xffff"); break;
	}
#undef CALL
	return x0;
}

bool t_ram_free(u64 page)
{
	if (page + 4096 > (u64)_start && page < (u64)t_image_end)
		return false;
	return page + 4096 <= fdt_at || page >= fdt_at + fdt_size();
}

void t_nothing_at(const char *name, u64 addr)
{
	for (unsigned size = 1; size <= 8; size *= 2) {
		u64 v = 0, ones = size == 8 ? ~0ull : BIT(size * 8) - 1;
		int x = t_load(addr, size, &v);

		t_puts("INFO ");
		t_dec(size * 8);
		t_puts(x < 0 ? " bits read\n" : " bits abort\n");
		t_check(name, x < 0 ? v == ones : x == EC_DABT && trap_last.far == addr);
		x = t_store(addr, size, 0x123456789abcdef0);
		t_check("  and a store vanishes or aborts", x < 0 || (x == EC_DABT && trap_last.far == addr));
	}
}

void t_hole_test(void)
{
	u64 end = t_map[0].base + t_map[0].size, v;
	int x;

	t_nothing_at("a hole among the devices reads ones or aborts", t_hole);
	x = t_load(end, 8, &v);
	t_eq("beyond the end of RAM: data abort", (u32)x, EC_DABT);
	t_eq("  external", DFSC(trap_last.iss), DFSC_EXTERNAL);
	t_eq("  FAR_EL1", trap_last.far, end);
	x = t_store(end + 0x1000, 4, 1);
	t_eq("a store there: data abort", (u32)x, EC_DABT);
	t_eq("  ESR_EL1.WnR", trap_last.iss >> 6 & 1, 1);
	x = t_load(255ull << 30, 1, &v);
	t_eq("far beyond RAM: data abort", (u32)x, EC_DABT);
}

static u64 cfg(u16 bdf, u32 off)
{
	return ecam != 0 && (bdf >> 8) < buses ? ecam + ((u64)bdf << 12) + off : 0;
}

u64 pci_ecam(void)
{
	return ecam;
}

u32 pci_r32(u16 bdf, u32 off)
{
	u64 a = cfg(bdf, off & ~3u);

	return a ? *mmio32(a) : ~0u;
}

u16 pci_r16(u16 bdf, u32 off)
{
	u64 a = cfg(bdf, off & ~1u);

	return a ? *(volatile u16 *)a : 0xffff;
}

u8 pci_r8(u16 bdf, u32 off)
{
	u64 a = cfg(bdf, off);

	return a ? *mmio8(a) : 0xff;
}

void pci_w32(u16 bdf, u32 off, u32 v)
{
	u64 a = cfg(bdf, off & ~3u);

	if (a)
		*mmio32(a) = v;
}

void pci_w16(u16 bdf, u32 off, u16 v)
{
	u64 a = cfg(bdf, off & ~1u);

	if (a)
		*(volatile u16 *)a = v;
}

void pci_w8(u16 bdf, u32 off, u8 v)
{
	u64 a = cfg(bdf, off);

	if (a)
		*mmio8(a) = v;
}

void t_port_write16(u16 port, u16 v)
{
	*(volatile u16 *)(0x3eff0000ull + port) = v;
}

void *memset(void *d, int c, size_t n)
{
	for (u8 *p = d; n; n--)
		*p++ = (u8)c;
	return d;
}

void *memcpy(void *restrict d, const void *restrict s, size_t n)
{
	const u8 *from = s;

	for (u8 *p = d; n; n--)
		*p++ = *from++;
	return d;
}
