/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/t_cpu.c: exceptions, CPUID, MSRs, control registers and XCR0 behave as on hardware. */
#include "guest/test/x86/x86.h"

extern u64 t_pd[];

#define HOLE 0x60000000ull /* this 2 MiB is unmapped for the checks */

static void do_de(void *a)
{
	__asm__ volatile("xor %%edx, %%edx; xor %%ecx, %%ecx; mov $1, %%eax; div %%ecx" ::: "eax", "ecx", "edx");
}

static void do_ud(void *a)
{
	__asm__ volatile("ud2");
}

static void do_bp(void *a)
{
	__asm__ volatile("int3");
}

static void do_gp_noncanonical(void *a)
{
	__asm__ volatile("mov (%0), %%eax" ::"r"(0x8000000000000000ull) : "eax");
}

static void do_gp_selector(void *a)
{
	__asm__ volatile("mov %w0, %%fs" ::"r"(0x1238));
}

static void do_gp_int(void *a)
{
	__asm__ volatile("lidt %0; int $0x55" ::"m"(*(char *)a));
}

static void do_read(void *a)
{
	__asm__ volatile("mov (%0), %%eax" ::"r"(a) : "eax");
}

static void do_write(void *a)
{
	__asm__ volatile("movl $1, (%0)" ::"r"(a) : "memory");
}

static void do_exec(void *a)
{
	__asm__ volatile("call *%0" ::"r"(a));
}

static void do_step(void *a)
{
	__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; nop; nop; nop" ::: "memory", "cc");
}

static void do_user(void *a)
{
	/* To ring 3 by IRETQ; there HLT is privileged. */
	__asm__ volatile("mov %%rsp, %%rax; push $0x3b; push %%rax; push $2; push $0x33; push $1f; iretq; 1: hlt" ::
				 : "rax", "memory");
}

static void exceptions(void)
{
	static struct {
		u16 limit;
		u64 base;
	} PACKED small = { 0x100, 0 };

	t_eq("#DE", trap_try(do_de, NULL), X_DE);
	t_eq("#UD", trap_try(do_ud, NULL), X_UD);
	t_eq("#BP", trap_try(do_bp, NULL), X_BP);
	t_eq("#GP non-canonical", trap_try(do_gp_noncanonical, NULL), X_GP);
	t_eq("#GP non-canonical error", trap_last.error, 0);
	t_eq("#GP bad selector", trap_try(do_gp_selector, NULL), X_GP);
	t_eq("#GP bad selector error", trap_last.error, 0x1238);
	__asm__ volatile("sidt %0" : "=m"(small));
	small.limit = 0x1ff;
	t_eq("#GP INT past IDT limit", trap_try(do_gp_int, &small), X_GP);
	t_hw("#GP INT error", trap_last.error, 0x55 * 8 + 2);
	trap_reload();
	t_eq("#DB single step", trap_try(do_step, NULL), X_DB);
	t_eq("#DB DR6.BS", trap_last.dr6 & BIT(14), BIT(14));
	t_eq("HLT in ring 3 is #GP", trap_try(do_user, NULL), X_GP);
	t_eq("it came from ring 3", trap_last.cs & 3, 3);
}

static void page_faults(void)
{
	u64 *pde = &t_pd[HOLE >> 21];
	u64 saved = *pde;
	void *p = (void *)(HOLE + 0x123);

	*pde = 0;
	invlpg(p);
	t_eq("#PF read", trap_try(do_read, p), X_PF);
	t_eq("#PF read error", trap_last.error, 0);
	t_eq("#PF read CR2", trap_last.cr2, HOLE + 0x123);
	t_eq("#PF write", trap_try(do_write, p), X_PF);
	t_eq("#PF write error", trap_last.error, 2);
	*pde = saved & ~2ull;
	invlpg(p);
	t_eq("CR0.WP: write to read-only", trap_try(do_write, p), X_PF);
	t_eq("its error", trap_last.error, 3);
	write_cr0(read_cr0() & ~BIT(16));
	t_eq("CR0.WP clear: allowed", trap_try(do_write, p), -1);
	write_cr0(read_cr0() | BIT(16));
	t_eq("CR0.WP set again", trap_try(do_write, p), X_PF);
	*pde = saved | BIT(63);
	invlpg(p);
	t_eq("reserved bit (NX without NXE)", trap_try(do_read, p), X_PF);
	t_hw("its error has P and RSVD", trap_last.error, 9);
	wrmsr(0xc0000080, rdmsr(0xc0000080) | BIT(11));
	invlpg(p);
	t_eq("NX: read", trap_try(do_read, p), -1);
	t_eq("NX: fetch", trap_try(do_exec, p), X_PF);
	t_eq("its error", trap_last.error, 0x11);
	wrmsr(0xc0000080, rdmsr(0xc0000080) & ~BIT(11));
	*pde = saved;
	invlpg(p);
}

static void cpuids(void)
{
	u32 r[4], s[4], max;

	cpuid(0, 0, r);
	max = r[0];
	t_check("CPUID basic maximum", max >= 1 && max < 0x100);
	cpuid(1, 0, r);
	t_check("CPUID.1: FPU TSC MSR PAE APIC PGE", (r[3] & 0x2271) == 0x2271);
	t_info("CPUID.1:ECX", r[2]);
	cpuid(0x80000000, 0, r);
	t_check("CPUID extended maximum", r[0] >= 0x80000001 && r[0] < 0x80000100);
	cpuid(0x80000001, 0, s);
	t_check("CPUID long mode", (s[3] & BIT(29)) != 0);
	/* Beyond the maximum: Intel repeats the highest basic leaf, AMD gives 0; it must only be stable. */
	cpuid(max + 0x100, 0, r);
	cpuid(max + 0x100, 0, s);
	t_check("CPUID beyond the maximum is stable", memcmp(r, s, sizeof(r)) == 0);
	cpuid(0xffffffff, 0xffffffff, r);
	t_info("CPUID.FFFFFFFF:EAX", r[0]);
	cpuid(0x40000000, 0, r);
	t_info("CPUID.40000000:EAX", r[0]);
	__asm__ volatile(".byte 0x66; cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(0), "c"(0));
	t_info("66 CPUID.0:EAX", r[0]);
	cpuid(1, 0, r);
	write_cr4(read_cr4() | BIT(18));
	cpuid(1, 0, s);
	t_eq("CPUID OSXSAVE follows CR4", s[2] & BIT(27), r[2] & BIT(26) ? BIT(27) : 0);
}

static void msrs(void)
{
	static const u32 absurd[] = { 0x12345678, 0xffffffff, 0xdeadbeef, 0x40100000 };
	u64 v, old;
	u32 r[4];

	t_check("RDMSR EFER", rdmsr_safe(0xc0000080, &v) && (v & 0x500) == 0x500);
	t_dev("WRMSR EFER reserved #GP", wrmsr_safe(0xc0000080, v | BIT(63)), false);
	t_check("APIC_BASE", rdmsr_safe(0x1b, &v) && (v & ~0xfffull) == LAPIC);
	t_check("APIC_BASE reserved bit 0 #GP", !wrmsr_safe(0x1b, v | 1) || rdmsr(0x1b) == v);
	t_check("KERNEL_GS_BASE holds a value",
		wrmsr_safe(0xc0000102, 0x123456789000) && rdmsr(0xc0000102) == 0x123456789000);
	t_check("LSTAR", wrmsr_safe(0xc0000082, 0xffff800012345678) && rdmsr(0xc0000082) == 0xffff800012345678);
	t_check("FS_BASE", wrmsr_safe(0xc0000100, 0x7000) && rdmsr(0xc0000100) == 0x7000);
	t_check("SYSENTER_EIP", wrmsr_safe(0x176, 0x100000) && rdmsr(0x176) == 0x100000);
	t_check("PAT",
		rdmsr_safe(0x277, &old) && wrmsr_safe(0x277, 0x0007040600070406) && rdmsr(0x277) == 0x0007040600070406);
	wrmsr(0x277, old);
	cpuid(1, 0, r);
	if (r[3] & BIT(12))
		t_check("MTRRCAP readable", rdmsr_safe(0xfe, &v));
	t_hw("TSC advances by MSR", rdmsr_safe(0x10, &v) && rdmsr_safe(0x10, &old) && old > v, true);
	for (unsigned i = 0; i < ARRAY_SIZE(absurd); i++)
		t_info(rdmsr_safe(absurd[i], &v) ? "absurd MSR reads" : "absurd MSR #GP", absurd[i]);
	t_check("and the CPU goes on", true);
}

static void load_cr0(void *a)
{
	write_cr0((u64)a);
}

static void load_cr4(void *a)
{
	write_cr4((u64)a);
}

static void load_cr8(void *a)
{
	write_cr8((u64)a);
}

static void load_xcr0(void *a)
{
	u64 v = (u64)a;

	__asm__ volatile("xsetbv" ::"c"(0), "a"((u32)v), "d"((u32)(v >> 32)));
}

static void xcr1(void *a)
{
	__asm__ volatile("xsetbv" ::"c"(1), "a"(1), "d"(0));
}

static void controls(void)
{
	u64 cr0 = read_cr0(), cr4 = read_cr4();
	u32 r[4];

	t_eq("CR0: TS and EM", trap_try(load_cr0, (void *)(cr0 | 8)), -1);
	t_eq("CR0.TS reads back", read_cr0(), cr0 | 8);
	__asm__ volatile("clts");
	t_eq("CLTS", read_cr0(), cr0);
	t_eq("CR0: CD", trap_try(load_cr0, (void *)(cr0 | BIT(30))), -1);
	t_eq("CR0.CD reads back", read_cr0() & BIT(30), BIT(30));
	write_cr0(cr0);
	for (unsigned i = 0; i < 8; i++)
		write_cr4(read_cr4() ^ BIT(7));
	t_eq("CR4.PGE toggles", read_cr4(), cr4);
	write_cr8(9);
	t_eq("CR8 reads back", read_cr8(), 9);
	t_eq("CR8 is TPR", lapic_read(0x80), 0x90);
	t_hw("CR8: bit 4 #GP", (u32)trap_try(load_cr8, (void *)0x10), X_GP);
	write_cr8(0);
	cpuid(1, 0, r);
	if (!(r[2] & BIT(26))) {
		t_skip("XSETBV", "no XSAVE");
		return;
	}
	write_cr4(cr4 | BIT(18));
	t_eq("XSETBV x87", trap_try(load_xcr0, (void *)1), -1);
	t_eq("XSETBV x87 SSE", trap_try(load_xcr0, (void *)3), -1);
	t_eq("XSETBV without x87 #GP", trap_try(load_xcr0, (void *)2), X_GP);
	t_eq("XSETBV AVX without SSE #GP", trap_try(load_xcr0, (void *)5), X_GP);
	t_eq("XSETBV bit 63 #GP", trap_try(load_xcr0, (void *)BIT(63)), X_GP);
	t_eq("XSETBV XCR1 #GP", trap_try(xcr1, NULL), X_GP);
	write_cr4(cr4 & ~BIT(18));
	t_eq("XSETBV without OSXSAVE #UD", trap_try(load_xcr0, (void *)1), X_UD);
}

/* Last, because a CPU that accepts one of these is lost. TCG does. */
static void impossible_controls(void)
{
	u64 cr0 = read_cr0(), cr4 = read_cr4();

	if (t_tcg()) {
		t_skip("impossible CR0, CR4 and EFER values", "TCG accepts them");
		return;
	}
	t_eq("CR4: bit 31 #GP", trap_try(load_cr4, (void *)(cr4 | BIT(31))), X_GP);
	t_eq("CR0: bit 32 #GP", trap_try(load_cr0, (void *)(cr0 | BIT(32))), X_GP);
	t_eq("CR0: NW without CD #GP", trap_try(load_cr0, (void *)(cr0 | BIT(29))), X_GP);
	t_check("EFER.LME under paging #GP", !wrmsr_safe(0xc0000080, rdmsr(0xc0000080) & ~BIT(8)));
	t_eq("CR4: PAE clear in long mode #GP", trap_try(load_cr4, (void *)(cr4 & ~0x20ull)), X_GP);
	t_eq("CR0: PG without PE #GP", trap_try(load_cr0, (void *)(cr0 & ~1ull)), X_GP);
	t_eq("CR0 is unchanged", read_cr0(), cr0);
	t_eq("CR4 is unchanged", read_cr4(), cr4);
}

void t_main(void)
{
	exceptions();
	page_faults();
	cpuids();
	msrs();
	controls();
	impossible_controls();
}
