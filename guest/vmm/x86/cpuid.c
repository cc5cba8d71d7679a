/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/vmm/x86/cpuid.c: which CPU a guest sees. Feature words go through lists of what is known to be safe, so a
 * feature that comes with next year's CPU stays hidden until somebody has thought about it. (Intel SDM 2A, CPUID;
 * AMD APM 3, appendix E.)
 */
#include "guest/vmm/x86/cpuid.h"

#include "hv/lib/util.h"

/* Leaf 1. Hidden: MONITOR, DTES64, VMX, SMX, EIST, PDCM, DCA; MCE and MCA, DS, ACPI. */
#define L1C_AVX		 BIT(28)
#define L1C_F16C	 BIT(29)
#define L1C_FMA		 BIT(12)
#define L1C_XSAVE	 BIT(26)
#define L1C_X2APIC	 BIT(21)
#define L1C_TSC_DEADLINE BIT(24)
#define L1C_HYPERVISOR	 BIT(31)
/* SSE3 PCLMUL SSSE3 FMA CX16 PCID SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C RDRAND */
#define L1C_SAFE                                                                                                    \
	(BIT(0) | BIT(1) | BIT(9) | L1C_FMA | BIT(13) | BIT(17) | BIT(19) | BIT(20) | BIT(22) | BIT(23) | BIT(25) | \
	 L1C_XSAVE | L1C_AVX | L1C_F16C | BIT(30))
#define L1D_APIC BIT(9)
#define L1D_HTT	 BIT(28)
/* FPU VME DE PSE TSC MSR PAE CX8 SEP MTRR PGE CMOV PAT PSE36 CLFSH MMX FXSR SSE SSE2 */
#define L1D_SAFE (BITS(6, 0) | BIT(8) | BITS(13, 11) | BITS(17, 15) | BIT(19) | BITS(26, 23))

/* Leaf 7. Hidden: SGX, TSC_ADJUST, HLE, INVPCID, RTM, RDT, MPX, PT; PKU, WAITPKG, CET, LA57, RDPID, KL, ENQCMD, PKS;
 * UINTR, HYBRID, LBR, AMX, and the speculation controls, which are MSRs. */
#define L7B_AVX2   BIT(5)
#define L7B_AVX512 (BIT(16) | BIT(17) | BIT(21) | BIT(28) | BIT(30) | BIT(31))
/* FSGSBASE BMI1 SMEP BMI2 ERMS RDSEED ADX SMAP CLFLUSHOPT CLWB SHA */
#define L7B_SAFE   (BIT(0) | BIT(3) | L7B_AVX2 | BITS(9, 7) | BITS(20, 18) | BIT(23) | BIT(24) | BIT(29) | L7B_AVX512)
#define L7C_AVX512 (BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14))
#define L7C_AVX	   (BIT(9) | BIT(10)) /* VAES VPCLMULQDQ */
/* UMIP GFNI MOVDIRI MOVDIR64B */
#define L7C_SAFE   (BIT(2) | BIT(8) | BIT(27) | BIT(28) | L7C_AVX512 | L7C_AVX)
#define L7D_AVX512 (BIT(2) | BIT(3) | BIT(8) | BIT(23))
/* FSRM MD_CLEAR SERIALIZE */
#define L7D_SAFE    (BIT(4) | BIT(10) | BIT(14) | L7D_AVX512)
#define L71A_AVX    BIT(4) /* AVX-VNNI */
#define L71A_AVX512 BIT(5) /* BF16 */
/* FZLRM FSRS FSRCS */
#define L71A_SAFE (BITS(12, 10) | L71A_AVX | L71A_AVX512)

/* Leaf 0Dh: XCR0. */
#define XCR0_LEGACY (BIT(0) | BIT(1))
#define XCR0_AVX    BIT(2)
#define XCR0_AVX512 BITS(7, 5)
#define XSAVE_MIN   576		      /* legacy area and header */
#define LD1A_SAFE   (BIT(0) | BIT(2)) /* XSAVEOPT, XGETBV with ECX = 1 */

/* Leaf 8000_0001h. Hidden: SVM, OSVW, IBS, XOP, SKINIT, WDT, LWP, FMA4, TOPOEXT, performance counters, MWAITX. */
#define L81C_CMP_LEGACY BIT(1)
/* LAHF ABM SSE4A MISALIGNSSE 3DNOWPREFETCH */
#define L81C_SAFE (BIT(0) | BITS(8, 5))
/* SYSCALL NX MMXEXT FXSR_OPT PDPE1GB RDTSCP LM, and AMD's copies of leaf 1 */
#define L81D_COPIES	   (L1D_SAFE & (BITS(9, 0) | BITS(17, 12) | BITS(24, 23)))
#define L81D_SAFE	   (BIT(11) | BIT(20) | BIT(22) | BITS(27, 25) | BIT(29) | L81D_COPIES)
#define L87D_INVARIANT_TSC BIT(8)
#define L88B_SAFE	   (BIT(0) | BIT(2)) /* CLZERO, XSAVE error pointers */

#define L6A_ARAT BIT(2) /* the local APIC's timer never stops */

#define LEAF_MAX     0x16u
#define LEAF_EXT_MAX 0x80000008u
#define KVM_BASE     0x40000000u
#define KVM_MAX	     0x40000010u
#define KVM_SIGNATURE                        \
	{                                    \
		0x4b4d564b, 0x564b4d56, 0x4d \
	} /* "KVMKVMKVM" */
#define KVM_CLOCKSOURCE	       BIT(0)
#define KVM_NOP_IO_DELAY       BIT(1)
#define KVM_CLOCKSOURCE2       BIT(3)
#define KVM_PV_EOI	       BIT(6)
#define KVM_CLOCKSOURCE_STABLE BIT(24)

#define CACHE_SUBLEAVES 8

struct cpuid_build {
	const struct hv_info *info;
	unsigned ncpus;
	cpuid_fn host;
	struct vm_config *out;
	unsigned n, max;
	bool full; /* @max was too small */
	bool intel;
	u32 max_leaf, max_ext;
	u64 xcr0;
};

void cpuid_host(u32 leaf, u32 subleaf, u32 out[4])
{
	__asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(subleaf));
}

static void cpuid_put(struct cpuid_build *b, u32 leaf, int subleaf, u32 eax, u32 ebx, u32 ecx, u32 edx)
{
	if (b->n == b->max) {
		b->full = true;
		return;
	}
	b->out[b->n++] = (struct vm_config){ .leaf = leaf,
					     .subleaf = subleaf < 0 ? 0 : subleaf,
					     .match_subleaf = subleaf >= 0,
					     .eax = eax,
					     .ebx = ebx,
					     .ecx = ecx,
					     .edx = edx };
}

/** The host's answer, zeros beyond the highest leaf (where Intel repeats another one). */
static void cpuid_get(const struct cpuid_build *b, u32 leaf, u32 subleaf, u32 r[4])
{
	u32 max = leaf & 0x80000000u ? b->max_ext : b->max_leaf;

	r[0] = r[1] = r[2] = r[3] = 0;
	if (leaf <= max)
		b->host(leaf, subleaf, r);
}

/** The bits of an APIC ID that @ncpus take. */
static unsigned cpuid_shift(unsigned ncpus)
{
	unsigned s = 0;

	while ((1u << s) < ncpus)
		s++;
	return s;
}

/** Which state components the guest may have; all AVX-512 parts or none. */
static u64 cpuid_xcr0(const struct cpuid_build *b)
{
	u32 l1[4], d[4];
	u64 mask;

	cpuid_get(b, 1, 0, l1);
	if (!(l1[CPUID_ECX] & L1C_XSAVE))
		return 0;
	cpuid_get(b, 0xd, 0, d);
	mask = d[CPUID_EAX] & (XCR0_LEGACY | XCR0_AVX | XCR0_AVX512);
	if (!(mask & XCR0_AVX) || (mask & XCR0_AVX512) != XCR0_AVX512)
		mask &= ~XCR0_AVX512;
	return mask;
}

static void cpuid_leaf1(struct cpuid_build *b)
{
	u32 r[4], ecx, edx;

	cpuid_get(b, 1, 0, r);
	ecx = (r[CPUID_ECX] & L1C_SAFE) | L1C_X2APIC | L1C_TSC_DEADLINE | L1C_HYPERVISOR;
	if (!b->xcr0)
		ecx &= ~L1C_XSAVE;
	if (!(b->xcr0 & XCR0_AVX))
		ecx &= ~(L1C_AVX | L1C_F16C | L1C_FMA);
	edx = (r[CPUID_EDX] & L1D_SAFE) | L1D_APIC | (b->ncpus > 1 ? L1D_HTT : 0);
	/* EBX: CLFLUSH size of the host, our count of CPUs, APIC ID and brand index 0. */
	cpuid_put(b, 1, -1, r[CPUID_EAX], (r[CPUID_EBX] & 0xff00) | b->ncpus << 16, ecx, edx);
}

static void cpuid_leaf7(struct cpuid_build *b)
{
	u32 r[4], s[4] = { 0 };
	u32 avx = b->xcr0 & XCR0_AVX ? ~0u : 0, avx512 = b->xcr0 & XCR0_AVX512 ? ~0u : 0;

	cpuid_get(b, 7, 0, r);
	if (r[CPUID_EAX] >= 1)
		cpuid_get(b, 7, 1, s);
	r[CPUID_EBX] &= L7B_SAFE & (avx | ~(u32)L7B_AVX2) & (avx512 | ~(u32)L7B_AVX512);
	r[CPUID_ECX] &= L7C_SAFE & (avx | ~(u32)L7C_AVX) & (avx512 | ~(u32)L7C_AVX512);
	r[CPUID_EDX] &= L7D_SAFE & (avx512 | ~(u32)L7D_AVX512);
	s[CPUID_EAX] &= L71A_SAFE & (avx | ~(u32)L71A_AVX) & (avx512 | ~(u32)L71A_AVX512);
	cpuid_put(b, 7, 0, MIN(r[CPUID_EAX], 1), r[CPUID_EBX], r[CPUID_ECX], r[CPUID_EDX]);
	cpuid_put(b, 7, 1, s[CPUID_EAX], 0, 0, 0);
}

/** Leaf 4: the host's caches, each said to be shared as the guest's CPUs are: the last level by all. */
static void cpuid_caches(struct cpuid_build *b)
{
	u32 ids = (1u << cpuid_shift(b->ncpus)) - 1, r[4];

	for (unsigned i = 0; i < CACHE_SUBLEAVES; i++) {
		unsigned level;

		cpuid_get(b, 4, i, r);
		if (!(r[CPUID_EAX] & 31))
			break;
		level = r[CPUID_EAX] >> 5 & 7;
		cpuid_put(b, 4, i, (r[CPUID_EAX] & 0x3fff) | (level >= 3 ? ids << 14 : 0) | MIN(ids, 63) << 26,
			  r[CPUID_EBX], r[CPUID_ECX], r[CPUID_EDX] & 7);
	}
}

/** Leaf 0Bh: one thread a core, @ncpus cores in the package. */
static void cpuid_topology(struct cpuid_build *b)
{
	cpuid_put(b, 0xb, 0, 0, 1, 0 | 1 << 8, 0);
	cpuid_put(b, 0xb, 1, cpuid_shift(b->ncpus), b->ncpus, 1 | 2 << 8, 0);
	for (unsigned i = 2; i < 4; i++)
		cpuid_put(b, 0xb, i, 0, 0, i, 0);
}

/** Leaf 0Dh: sizes recomputed for the components that are left. */
static void cpuid_xsave(struct cpuid_build *b)
{
	u32 r[4], size = XSAVE_MIN;
	unsigned at;

	if (!b->xcr0)
		return;
	at = b->n;
	cpuid_put(b, 0xd, 0, b->xcr0, 0, 0, 0);
	cpuid_get(b, 0xd, 1, r);
	cpuid_put(b, 0xd, 1, r[CPUID_EAX] & LD1A_SAFE, 0, 0, 0);
	for (unsigned i = 2; i < 8; i++) {
		if (!(b->xcr0 & BIT(i)))
			continue;
		cpuid_get(b, 0xd, i, r);
		size = MAX(size, r[CPUID_EAX] + r[CPUID_EBX]);
		cpuid_put(b, 0xd, i, r[CPUID_EAX], r[CPUID_EBX], 0, 0);
	}
	if (at < b->n) {
		b->out[at].ebx = size; /* the hypervisor refines it by XCR0 */
		b->out[at].ecx = size;
	}
}

/** Leaves 15h and 16h: a crystal of the TSC's frequency, since the virtual APIC timer counts TSC ticks. */
static void cpuid_frequency(struct cpuid_build *b)
{
	u64 hz = b->info->counter_hz, ratio = (hz >> 32) + 1;
	u32 mhz = (hz / 1000000) & 0xffff;

	if (!b->intel || !hz)
		return;
	cpuid_put(b, 0x15, -1, 1, ratio, hz / ratio, 0);
	cpuid_put(b, 0x16, -1, mhz, mhz, 100, 0);
}

static void cpuid_basic(struct cpuid_build *b)
{
	u32 r[4], max = MAX(MIN(b->max_leaf, LEAF_MAX), 0xb);

	cpuid_get(b, 0, 0, r);
	if (b->xcr0)
		max = MAX(max, 0xd);
	if (b->intel)
		max = LEAF_MAX;
	cpuid_put(b, 0, -1, max, r[CPUID_EBX], r[CPUID_ECX], r[CPUID_EDX]);
	cpuid_leaf1(b);
	if (b->intel) {
		cpuid_get(b, 2, 0, r);
		cpuid_put(b, 2, -1, r[0], r[1], r[2], r[3]);
	}
	cpuid_caches(b);
	cpuid_put(b, 6, -1, L6A_ARAT, 0, 0, 0);
	cpuid_leaf7(b);
	cpuid_topology(b);
	cpuid_xsave(b);
	cpuid_frequency(b);
}

static void cpuid_kvm(struct cpuid_build *b)
{
	static const u32 sig[3] = KVM_SIGNATURE;
	u64 hz = b->info->counter_hz;
	u32 features = KVM_NOP_IO_DELAY;

	if (hz)
		features |= KVM_CLOCKSOURCE | KVM_CLOCKSOURCE2;
	if (!(b->info->features & HV_FEATURE_APIC_HW)) /* else an EOI makes no exit anyway */
		features |= KVM_PV_EOI;
	if (hz && (b->info->features & HV_FEATURE_INVARIANT_TSC))
		features |= KVM_CLOCKSOURCE_STABLE;
	cpuid_put(b, KVM_BASE, -1, KVM_MAX, sig[0], sig[1], sig[2]);
	cpuid_put(b, KVM_BASE + 1, -1, features, 0, 0, 0);
	cpuid_put(b, KVM_MAX, -1, hz / 1000, hz / 1000, 0, 0); /* TSC and APIC timer, kHz */
}

static void cpuid_extended(struct cpuid_build *b)
{
	u32 r[4], max = MIN(b->max_ext, LEAF_EXT_MAX), ecx;

	if (max < 0x80000001u)
		return;
	cpuid_get(b, 0x80000000u, 0, r);
	cpuid_put(b, 0x80000000u, -1, max, r[1], r[2], r[3]);
	cpuid_get(b, 0x80000001u, 0, r);
	ecx = (r[CPUID_ECX] & L81C_SAFE) | (!b->intel && b->ncpus > 1 ? L81C_CMP_LEGACY : 0);
	cpuid_put(b, 0x80000001u, -1, r[CPUID_EAX], r[CPUID_EBX], ecx, r[CPUID_EDX] & L81D_SAFE);
	for (u32 leaf = 0x80000002u; leaf <= MIN(max, 0x80000006u); leaf++) { /* name and caches */
		cpuid_get(b, leaf, 0, r);
		cpuid_put(b, leaf, -1, r[0], r[1], r[2], r[3]);
	}
	if (max >= 0x80000007u)
		cpuid_put(b, 0x80000007u, -1, 0, 0, 0,
			  b->info->features & HV_FEATURE_INVARIANT_TSC ? L87D_INVARIANT_TSC : 0);
	if (max >= 0x80000008u) {
		cpuid_get(b, 0x80000008u, 0, r);
		/* AMD: the count of cores and the width of their numbers. */
		ecx = b->intel ? 0 : (b->ncpus - 1) | cpuid_shift(b->ncpus) << 12;
		cpuid_put(b, 0x80000008u, -1, r[CPUID_EAX] & 0xffff, r[CPUID_EBX] & L88B_SAFE, ecx, 0);
	}
}

unsigned cpuid_build(const struct hv_info *info, unsigned ncpus, cpuid_fn host, struct vm_config *out, unsigned max)
{
	struct cpuid_build b = { .info = info, .ncpus = ncpus, .host = host, .out = out, .max = max };
	u32 r[4];

	host(0, 0, r);
	b.max_leaf = r[CPUID_EAX];
	b.intel = r[CPUID_EBX] == 0x756e6547; /* "Genu" */
	host(0x80000000u, 0, r);
	b.max_ext = r[CPUID_EAX] & 0x80000000u ? r[CPUID_EAX] : 0;
	b.xcr0 = cpuid_xcr0(&b);
	cpuid_basic(&b);
	cpuid_kvm(&b);
	cpuid_extended(&b);
	return b.full ? 0 : b.n;
}
