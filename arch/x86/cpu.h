/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/cpu.h: instructions and registers of x86, by the manuals' names. */
#ifndef ARCH_X86_CPU_H
#define ARCH_X86_CPU_H

#include "hv/lib/util.h"

/* Control registers (Intel SDM 3A, 2.5). */
#define CR0_PE	       BIT(0)
#define CR0_MP	       BIT(1)
#define CR0_EM	       BIT(2)
#define CR0_TS	       BIT(3)
#define CR0_ET	       BIT(4)
#define CR0_NE	       BIT(5)
#define CR0_WP	       BIT(16)
#define CR0_AM	       BIT(18)
#define CR0_NW	       BIT(29)
#define CR0_CD	       BIT(30)
#define CR0_PG	       BIT(31)
#define CR4_PAE	       BIT(5)
#define CR4_MCE	       BIT(6)
#define CR4_PGE	       BIT(7)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP       BIT(11)
#define CR4_LA57       BIT(12)
#define CR4_VMXE       BIT(13)
#define CR4_OSXSAVE    BIT(18)
#define CR4_SMEP       BIT(20)
#define CR4_SMAP       BIT(21)
#define CR4_PKE	       BIT(22)

#define RFLAGS_FIXED	BIT(1)
#define RFLAGS_TF	BIT(8)
#define RFLAGS_IF	BIT(9)
#define RFLAGS_RF	BIT(16)
#define RFLAGS_WRITABLE 0x3f7fd5UL /* all that exist, less the fixed bit 1 */

#define XCR0_X87    BIT(0)
#define XCR0_SSE    BIT(1)
#define XCR0_AVX    BIT(2)
#define XCR0_AVX512 BITS(7, 5)

/* Model-specific registers (Intel SDM 4, AMD APM 2 appendix A). */
#define MSR_TSC		    0x10u
#define MSR_APIC_BASE	    0x1bu
#define MSR_FEATURE_CONTROL 0x3au
#define MSR_TSC_ADJUST	    0x3bu
#define MSR_SYSENTER_CS	    0x174u
#define MSR_SYSENTER_ESP    0x175u
#define MSR_SYSENTER_EIP    0x176u
#define MSR_DEBUGCTL	    0x1d9u
#define MSR_PAT		    0x277u
#define MSR_TSC_DEADLINE    0x6e0u
#define MSR_X2APIC_EOI	    0x80bu
#define MSR_X2APIC_ICR	    0x830u
#define MSR_X2APIC_SELF	    0x83fu
#define MSR_X2APIC_SVR	    0x80fu
#define MSR_EFER	    0xc0000080u
#define MSR_STAR	    0xc0000081u
#define MSR_LSTAR	    0xc0000082u
#define MSR_CSTAR	    0xc0000083u
#define MSR_SFMASK	    0xc0000084u
#define MSR_FS_BASE	    0xc0000100u
#define MSR_GS_BASE	    0xc0000101u
#define MSR_KERNEL_GS_BASE  0xc0000102u
#define MSR_TSC_AUX	    0xc0000103u
#define MSR_VM_CR	    0xc0010114u
#define MSR_VM_HSAVE_PA	    0xc0010117u

#define EFER_SCE  BIT(0)
#define EFER_LME  BIT(8)
#define EFER_LMA  BIT(10)
#define EFER_NXE  BIT(11)
#define EFER_SVME BIT(12)

#define PAT_RESET 0x0007040600070406ULL
#define PAT_OURS  0x0007040600010406ULL /* the same, but for entry 2: WC; format.c's PT_WC */

/* Exception vectors (Intel SDM 3A, table 6-1). */
enum x86_vector {
	VEC_DE = 0,
	VEC_DB = 1,
	VEC_NMI = 2,
	VEC_BP = 3,
	VEC_UD = 6,
	VEC_NM = 7,
	VEC_DF = 8,
	VEC_TS = 10,
	VEC_NP = 11,
	VEC_SS = 12,
	VEC_GP = 13,
	VEC_PF = 14,
	VEC_AC = 17,
	VEC_MC = 18,
};

struct cpuid {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid r;

	asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
	return r;
}

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}

static inline void wrmsr(u32 msr, u64 v)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

/** RDMSR that answers false where the CPU raises #GP. */
bool rdmsr_safe(u32 msr, u64 *v);

#define X86_CR_ACCESSOR(n)                                             \
	static inline u64 read_cr##n(void)                             \
	{                                                              \
		u64 v;                                                 \
		asm volatile("mov %%cr" #n ", %0" : "=r"(v));          \
		return v;                                              \
	}                                                              \
	static inline void write_cr##n(u64 v)                          \
	{                                                              \
		asm volatile("mov %0, %%cr" #n : : "r"(v) : "memory"); \
	}
X86_CR_ACCESSOR(0)
X86_CR_ACCESSOR(2)
X86_CR_ACCESSOR(3)
X86_CR_ACCESSOR(4)

#define X86_DR_ACCESSOR(n)                                    \
	static inline u64 read_dr##n(void)                    \
	{                                                     \
		u64 v;                                        \
		asm volatile("mov %%dr" #n ", %0" : "=r"(v)); \
		return v;                                     \
	}                                                     \
	static inline void write_dr##n(u64 v)                 \
	{                                                     \
		asm volatile("mov %0, %%dr" #n : : "r"(v));   \
	}
X86_DR_ACCESSOR(0)
X86_DR_ACCESSOR(1)
X86_DR_ACCESSOR(2)
X86_DR_ACCESSOR(3)
X86_DR_ACCESSOR(6)

static inline u64 xgetbv(u32 i)
{
	u32 lo, hi;

	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(i));
	return (u64)hi << 32 | lo;
}

static inline void xsetbv(u32 i, u64 v)
{
	asm volatile("xsetbv" : : "c"(i), "a"((u32)v), "d"((u32)(v >> 32)));
}

static inline u8 inb(u16 port)
{
	u8 v;

	asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void outb(u16 port, u8 v)
{
	asm volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline void outw(u16 port, u16 v)
{
	asm volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline void invlpg(const void *va)
{
	asm volatile("invlpg (%0)" : : "r"(va) : "memory");
}

/* What the CPU has, read once at boot. */
struct x86_features {
	bool intel; /* VMX rather than SVM */
	bool smep, smap, umip, xsave, x2apic, tsc_deadline, invariant_tsc, pages_1g, rdtscp;
	bool next_pc; /* exits tell where their instruction ends */
	bool tcg;     /* QEMU emulates it, with its faults */
	bool apic_hw; /* the CPU delivers a guest's interrupts in x2APIC mode (VMX) */
	u64 xcr0;     /* the components that guests may use */
	unsigned phys_bits;
};
extern struct x86_features x86_features;

/* Selectors of our GDT. */
#define SEL_CODE 0x08
#define SEL_DATA 0x10
#define SEL_TSS	 0x18

#endif
