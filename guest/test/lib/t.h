/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/lib/t.h: what every test guest can use: checks, console, traps, ports, MSRs, APIC, PCI, ACPI. */
#ifndef GUEST_TEST_T_H
#define GUEST_TEST_T_H

#include "hv/lib/util.h"

/* Each guest: its checks. The runtime prints "DONE n passed m failed" afterwards and powers off. */
void t_main(void);

/* --- console and checks ----------------------------------------------------------------------------- */
void t_puts(const char *s);
void t_hex(u64 v);
void t_dec(u64 v);
/** Print PASS @name or FAIL @name. Returns @ok. */
bool t_check(const char *name, bool ok);
/** The same for equality, and print both values when they differ. */
bool t_eq(const char *name, u64 got, u64 want);
/** A rule of the CPU that QEMU's TCG or Bochs is known to break: a difference is reported as INFO, not FAIL. */
void t_hw(const char *name, u64 got, u64 want);
/** A rule of the APIC, chipset or devices that an emulator breaks: strict only where CPUID shows KVM's signature, which
 * is where Trivet answers for them itself. */
void t_dev(const char *name, u64 got, u64 want);
/** Is this CPU QEMU's TCG itself (by CPUID's hypervisor leaf)? */
bool t_tcg(void);
void t_info(const char *name, u64 value);
void t_skip(const char *name, const char *why);
NORETURN void t_done(void);

/* xorshift with a fixed seed, so that each run is the same. */
u64 t_rand(void);
void t_seed(u64 seed);

void *memset(void *d, int c, size_t n);
void *memcpy(void *restrict d, const void *restrict s, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* --- exceptions and interrupts: guest/test/lib/trap.c ---------------------------------------------------- */
struct trap_info {
	u32 vector; /* first: start.asm reads it */
	u32 pad;
	u64 error, cr2, rip, rflags, cs;
	u64 dr6;
};
extern struct trap_info trap_last;

struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error, rip, cs, rflags, rsp, ss;
};

#define X_DE 0
#define X_DB 1
#define X_BP 3
#define X_UD 6
#define X_NP 11
#define X_SS 12
#define X_GP 13
#define X_PF 14

/** Call @fn(@arg); the vector of the exception that ended it (details in trap_last), or -1. Interrupts end up off. */
int trap_try(void (*fn)(void *), void *arg);
void trap_init(void);
void trap_reload(void);
void trap_c(struct trap_frame *f);
extern u64 try_rsp;

enum irq_eoi { EOI_NONE, EOI_LAPIC, EOI_PIC };
extern volatile u32 irq_count[256];
extern volatile u32 irq_total;
extern volatile u8 irq_log[256]; /* vectors in order of arrival, the last 256 */
extern volatile u64 irq_rip;	 /* where the last one hit */
extern u8 irq_eoi[256];
void irq_clear(void);
/** Wait with interrupts on until @vector came @n times or about @ms milliseconds (PIT) went by. */
bool irq_wait(u8 vector, u32 n, u32 ms);

/* --- CPU ------------------------------------------------------------------------------------------- */
static inline u8 inb(u16 p)
{
	u8 v;
	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(p));
	return v;
}
static inline u16 inw(u16 p)
{
	u16 v;
	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(p));
	return v;
}
static inline u32 inl(u16 p)
{
	u32 v;
	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(p));
	return v;
}
static inline void outb(u16 p, u8 v)
{
	__asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(p));
}
static inline void outw(u16 p, u16 v)
{
	__asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(p));
}
static inline void outl(u16 p, u32 v)
{
	__asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(p));
}
static inline u64 rdtsc(void)
{
	u32 lo, hi;
	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return (u64)hi << 32 | lo;
}
static inline u64 rdmsr(u32 n)
{
	u32 lo, hi;
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(n));
	return (u64)hi << 32 | lo;
}
static inline void wrmsr(u32 n, u64 v)
{
	__asm__ volatile("wrmsr" ::"c"(n), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}
static inline void cpuid(u32 leaf, u32 sub, u32 r[4])
{
	__asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(sub));
}
#define CR(n)                                                            \
	static inline u64 read_cr##n(void)                               \
	{                                                                \
		u64 v;                                                   \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(v));        \
		return v;                                                \
	}                                                                \
	static inline void write_cr##n(u64 v)                            \
	{                                                                \
		__asm__ volatile("mov %0, %%cr" #n ::"r"(v) : "memory"); \
	}
CR(0)
CR(2)
CR(3)
CR(4)
CR(8)
#undef CR
static inline void sti(void)
{
	__asm__ volatile("sti; nop" ::: "memory");
}
static inline void cli(void)
{
	__asm__ volatile("cli" ::: "memory");
}
static inline void invlpg(const volatile void *p)
{
	__asm__ volatile("invlpg (%0)" ::"r"(p) : "memory");
}
static inline volatile u32 *mmio32(u64 a)
{
	return (volatile u32 *)(uintptr_t)a;
}

/** RDMSR/WRMSR that survive #GP: false then. */
bool rdmsr_safe(u32 n, u64 *v);
bool wrmsr_safe(u32 n, u64 v);

/* --- interrupt controllers and timers: guest/test/lib/apic.c ------------------------------------------------ */
#define LAPIC  0xfee00000ull
#define IOAPIC 0xfec00000ull
bool lapic_x2(void);
u32 lapic_read(u32 off);
void lapic_write(u32 off, u32 v);
void lapic_icr(u32 dest, u32 lo);
/** Enable the APIC in xAPIC mode (@x2 false) or x2APIC, spurious vector 0xff, LVTs masked. False: not offered. */
bool lapic_enable(bool x2);
u32 ioapic_read(u8 reg);
void ioapic_write(u8 reg, u32 v);
/** Both 8259s: vectors @base..@base+15, all masked. */
void pic_init(u8 base);
void pic_mask(u16 mask);
/** PIT channel 0: @mode 0 (once) or 2 (rate) with @count at 1193182 Hz. */
void pit_start(unsigned mode, u16 count);
/** Busy-wait by PIT channel 2. */
void delay_us(u32 us);
/** TSC ticks a millisecond, measured against the PIT. */
u64 tsc_per_ms(void);

/* --- ACPI and memory: guest/test/lib/acpi.c ------------------------------------------------------------------ */
/** The table with @sig below 4 GiB, or NULL. "DSDT" and "FACP" too. */
const u8 *acpi_find(const char *sig);
NORETURN void acpi_power_off(void);
struct t_range {
	u64 base, size;
	u32 type; /* 1: RAM */
};
extern struct t_range t_map[32];
extern unsigned t_map_n;
void t_map_init(void);

/* --- PCI: guest/test/lib/pci.c ------------------------------------------------------------------------------ */
/* @bdf: bus << 8 | device << 3 | function. */
u32 pci_r32(u16 bdf, u32 off);
u16 pci_r16(u16 bdf, u32 off);
u8 pci_r8(u16 bdf, u32 off);
void pci_w32(u16 bdf, u32 off, u32 v);
void pci_w16(u16 bdf, u32 off, u16 v);
void pci_w8(u16 bdf, u32 off, u8 v);
/** ECAM base for bus 0, 0 without MCFG. */
u64 pci_ecam(void);
/** First function on bus 0 with this vendor and device ID; -1. */
int pci_find(u16 vendor, u16 device);
/** Offset of capability @id from @after (0: first), 0: none. */
u8 pci_cap(u16 bdf, u8 id, u8 after);
/** A memory BAR's address (0: not a memory BAR). */
u64 pci_bar(u16 bdf, unsigned n);

/* virtio 1.x over PCI: where the structures are. */
struct vpci {
	u16 bdf;
	u64 common, notify, isr, device;
	u32 notify_mul;
	bool notify_io; /* notify is a port */
};
/** Find virtio device type @type (4: entropy, 2: block) and map its capabilities, bus mastering on. False: none. */
bool vpci_open(struct vpci *d, u16 type);
/** Reset, negotiate VERSION_1 only, leave at FEATURES_OK. False: the device refused. */
bool vpci_start(struct vpci *d);
/** Set queue @q to @size with the three addresses, vector @msix (0xffff: none), and enable it. */
void vpci_queue(struct vpci *d, u16 q, u16 size, u64 desc, u64 avail, u64 used, u16 msix);
void vpci_kick(struct vpci *d, u16 q);
u8 vpci_status(struct vpci *d);
void vpci_set_status(struct vpci *d, u8 s);

/* --- other modes: guest/test/x86/modes.asm ------------------------------------------------------------------- */
/** Run 32-bit code in compatibility mode: @fn gets @arg in ESI, its EAX is the result. */
u32 call_compat32(u64 fn, u32 arg);
/** 16-bit code segment in compatibility mode: @fn an offset in the low copy. */
u32 call_compat16(u64 fn, u32 arg);
/** 32-bit protected mode; @paging 0 none, 1 32-bit, 2 PAE. */
u32 call_pm32(u64 fn, u32 arg, u32 paging);
/** @kind 0: 16-bit protected mode; 1: real mode; 2: real mode with 4 GiB data segments. */
u32 call_low16(u64 fn, u32 arg, u32 kind);
void modes_init(void);
/* Payloads in code32.asm and modes.asm; 16-bit ones run from a copy below 64 KiB. */
extern const u8 low_start[], f32_probe[], f32_paged[], f32_mmio[], f32_int[], f32_compat_int[];
extern const u8 f16_irq[], f16_probe[], f16_int[], f16_big[], f16_mmio[], f16_seg[], f16_io[];
#define LOW16(f) (0x6000 + (u64)((f)-low_start))

#endif
