/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/x86.h: what x86 test guests can use besides guest/test/lib/t.h: traps, ports, MSRs, APIC, ACPI, modes.
 */
#ifndef GUEST_TEST_X86_H
#define GUEST_TEST_X86_H

#include "guest/test/lib/t.h"

/* --- exceptions and interrupts: guest/test/x86/trap.c ---------------------------------------------------- */
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

void trap_init(void);
void trap_reload(void);
void trap_c(struct trap_frame *f);
extern u64 try_rsp;

enum irq_eoi { EOI_NONE, EOI_LAPIC, EOI_X2APIC, EOI_PIC };
extern volatile u32 irq_total;
extern volatile u8 irq_log[256]; /* vectors in order of arrival, the last 256 */
extern volatile u64 irq_rip;	 /* where the last one hit */
extern u8 irq_eoi[256];

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

/** RDMSR/WRMSR that survive #GP: false then. */
bool rdmsr_safe(u32 n, u64 *v);
bool wrmsr_safe(u32 n, u64 v);

/* --- interrupt controllers and timers: guest/test/x86/apic.c ------------------------------------------------ */
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
/** TSC ticks a millisecond, measured against the PIT. */
u64 tsc_per_ms(void);

/* --- a second CPU: guest/test/x86/smp.asm ------------------------------------------------------------------------ */
/* To be copied to a page below 640 KiB for the SIPI; one CPU at a time, there is one stack. */
extern const u8 smp_trampoline[], smp_trampoline_end[];
extern volatile u32 smp_started; /* how often a CPU has come by */
extern void (*smp_entry)(void);	 /* what it calls then           */
#define SMP_PAGE 8u		 /* vector of the SIPI: 8000h   */

/* --- ACPI: guest/test/x86/acpi.c ------------------------------------------------------------------------------ */
/** The table with @sig below 4 GiB, or NULL. "DSDT" and "FACP" too. */
const u8 *acpi_find(const char *sig);
NORETURN void acpi_power_off(void);
/** Fill t_map from what the Multiboot loader gave. */
void t_map_init(void);
/** Is this CPU QEMU's TCG itself (by CPUID's hypervisor leaf)? */
bool t_tcg(void);

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
