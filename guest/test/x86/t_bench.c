/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/test/x86/t_bench.c: what single operations cost, in ticks of the TSC; under QEMU's -icount shift=0,sleep=off a
 * tick is an instruction. The same program under Trivet, on a bare PC of QEMU's and in other hypervisors; what is not
 * there is skipped. In x2APIC mode where there is one.
 */
#include "guest/test/bench/bench.h"
#include "guest/test/x86/x86.h"

#define V_IRQ	0x60 /* to oneself         */
#define V_ALARM 0x61
#define V_PONG	0x62
#define V_PING	0x63 /* to ping_entry(), not to trap.c's handler */
#define V_MSI	0x50 /* t_msi's first      */

#define MSR_TSC_ADJUST	 0x3b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2_TPR	 0x808
#define MSR_X2_EOI	 0x80b
#define MSR_X2_ICR	 0x830
#define MSR_X2_SELF	 0x83f
#define MSR_EFER	 0xc0000080
#define MSR_STAR	 0xc0000081
#define MSR_LSTAR	 0xc0000082
#define MSR_SFMASK	 0xc0000084

#define HOLE_MIB 0xa00 /* 2 MiB that are unmapped for page faults */

extern u64 t_pd[2048];

const u32 bench_alarm_irq = V_ALARM, bench_ping_irq = V_PING, bench_pong_irq = V_PONG;
const bool bench_yields = true;

static bool x2, deadline;
static u64 apic_per_tsc; /* ticks of the APIC's timer in a tick of the TSC, 16 bits behind the point */
static u32 apic_id[2];	 /* of the CPUs, by the ACPI's table */

/* A tick is an instruction. */
void bench_dither(void)
{
}

/* --- instructions ------------------------------------------------------------------------------------------------- */

static void vmmcall(void *arg)
{
	u64 a = 1; /* KVM's number of the call that does nothing */

	__asm__ volatile("vmmcall" : "+a"(a)::"rbx", "rcx", "rdx", "rsi", "r8", "memory");
}

static void vmcall(void *arg)
{
	u64 a = 1;

	__asm__ volatile("vmcall" : "+a"(a)::"rbx", "rcx", "rdx", "rsi", "r8", "memory");
}

/* Each vendor's own: KVM writes it over the other's, where it may. */
static void hypercall_cost(void)
{
	u32 r[4];
	bool intel;

	cpuid(0, 0, r);
	intel = r[1] == 0x756e6547; /* "Genu" */
	if (trap_try(intel ? vmcall : vmmcall, NULL) >= 0)
		bench_skip("hypercall", "no hypervisor");
	else if (intel)
		BENCH("hypercall", vmcall(NULL));
	else
		BENCH("hypercall", vmmcall(NULL));
}

static void msr_costs(void)
{
	volatile u32 sink;
	u64 v;

	if (rdmsr_safe(MSR_TSC_ADJUST, &v) && wrmsr_safe(MSR_TSC_ADJUST, v)) {
		BENCH("msr-read", sink = (u32)rdmsr(MSR_TSC_ADJUST));
		BENCH("msr-write", wrmsr(MSR_TSC_ADJUST, v));
	} else {
		bench_skip("msr-read", "no TSC_ADJUST");
		bench_skip("msr-write", "no TSC_ADJUST");
	}
	BENCH("msr-apic-base", sink = (u32)rdmsr(0x1b));
	BENCH("msr-efer", sink = (u32)rdmsr(MSR_EFER));
	(void)sink;
}

static void cpu_costs(void)
{
	volatile u32 sink;
	u32 r[4];

	bench_overhead = BENCH("empty", __asm__ volatile("" ::: "memory"));
	bench_overhead_one = BENCH_ONE("empty-one", , __asm__ volatile("" ::: "memory"), );
	BENCH("nop-10", __asm__ volatile("nop;nop;nop;nop;nop;nop;nop;nop;nop;nop"));
	BENCH("cpuid", cpuid(0, 0, r));
	BENCH("rdtsc", sink = (u32)rdtsc());
	hypercall_cost();
	msr_costs();
	BENCH("cr0-wp-toggle", (write_cr0(read_cr0() ^ BIT(16)), write_cr0(read_cr0() ^ BIT(16))));
	BENCH("cr4-pge-toggle", (write_cr4(read_cr4() ^ BIT(7)), write_cr4(read_cr4() ^ BIT(7))));
	BENCH("cr8", write_cr8(0));
	BENCH("cr3", write_cr3(read_cr3()));
	BENCH("invlpg", invlpg(&t_pd));
	(void)sink;
}

/* --- devices ------------------------------------------------------------------------------------------------------ */

static void port_costs(void)
{
	volatile u32 sink;
	u8 mask = inb(0x21);

	BENCH("port-kernel", sink = inb(0x21));
	BENCH("port-kernel-write", outb(0x21, mask));
	BENCH("port-service", sink = inb(0x71));
	BENCH("port-write-service", outb(0x3ff, 0)); /* a UART's scratch register */
	BENCH("port-write-cmos", outb(0x70, 0));     /* QEMU has KVM collect these */
	BENCH("port-80", outb(0x80, 0));
	BENCH("uart-lsr", sink = inb(0x3fd));
	BENCH("pci-cfc", sink = pci_r32(0, 0)); /* with the write to CF8 */
	BENCH("port-nothing", sink = inb(0x2f0));
	(void)sink;
}

static void mmio_costs(void)
{
	u64 common = bench_rng_common(), ecam = pci_ecam();
	volatile u32 sink;

	*mmio32(IOAPIC) = 1;
	BENCH("mmio-kernel", sink = *mmio32(IOAPIC + 0x10));
	BENCH("mmio-kernel-write", *mmio32(IOAPIC) = 1);
	if (common != 0) {
		BENCH("mmio-service", sink = *(volatile u8 *)(uintptr_t)(common + 0x14)); /* its status */
		BENCH("mmio-service-write", *mmio32(common) = 0); /* which features are looked at */
	} else {
		bench_skip("mmio-service", "no virtio device");
		bench_skip("mmio-service-write", "no virtio device");
	}
	if (ecam != 0)
		BENCH("pci-config-read", sink = *mmio32(ecam));
	else
		bench_skip("pci-config-read", "no ECAM");
	BENCH("mmio-nothing", sink = *mmio32(t_hole));
	(void)sink;
}

/* --- the local APIC ----------------------------------------------------------------------------------------------- */

static inline void eoi(void)
{
	if (x2)
		wrmsr(MSR_X2_EOI, 0);
	else
		*mmio32(LAPIC + 0xb0) = 0;
}

static inline void self_ipi(void)
{
	if (x2)
		wrmsr(MSR_X2_SELF, V_IRQ);
	else
		*mmio32(LAPIC + 0x300) = 0x44000 | V_IRQ;
}

static inline void self_ipi_icr(void)
{
	wrmsr(MSR_X2_ICR, 0x44000 | V_IRQ);
}

/* Take what is pending. */
static inline void take(void)
{
	sti();
	cli();
}

/* Until there was another of V_IRQ than @n; bounded. */
static inline void await(u32 n)
{
	for (unsigned i = 0; i < 1000000 && irq_count[V_IRQ] == n; i++)
		;
}

static void self_costs(void)
{
	u8 how = irq_eoi[V_IRQ];
	u32 n;

	BENCH_ONE("ipi-self-send", , self_ipi(), take());
	BENCH_ONE("ipi-self", (n = irq_count[V_IRQ], sti()), (self_ipi(), await(n)), cli());
	if (x2) {
		BENCH_ONE("icr-write-masked", , self_ipi_icr(), take());
		BENCH_ONE("ipi-self-icr", (n = irq_count[V_IRQ], sti()), (self_ipi_icr(), await(n)), cli());
	}
	irq_eoi[V_IRQ] = EOI_NONE;
	BENCH_ONE("eoi", (self_ipi(), take()), eoi(), );
	irq_eoi[V_IRQ] = how;
	BENCH("eoi-nothing", eoi());
	if (x2)
		BENCH("tpr", wrmsr(MSR_X2_TPR, 0));
	else
		BENCH("tpr", *mmio32(LAPIC + 0x80) = 0);
}

static void timer_init(void)
{
	u32 r[4];
	u64 t;

	cpuid(1, 0, r);
	deadline = (r[2] & BIT(24)) != 0;
	lapic_write(0x3e0, 0xb); /* not divided */
	if (deadline) {
		lapic_write(0x320, 0x40000 | V_ALARM);
		return;
	}
	lapic_write(0x320, 0x10000 | V_ALARM);
	t = rdtsc();
	lapic_write(0x380, ~0u);
	while (rdtsc() - t < tsc_per_ms())
		;
	apic_per_tsc = ((u64)(~0u - lapic_read(0x390)) << 16) / (rdtsc() - t);
	lapic_write(0x380, 0);
	lapic_write(0x320, V_ALARM);
}

u64 bench_alarm(u64 us)
{
	u64 ticks = us * tsc_per_ms() / 1000, at;

	if (deadline) {
		at = us != 0 ? rdtsc() + ticks : 0;
		wrmsr(MSR_TSC_DEADLINE, at);
	} else {
		at = rdtsc() + ticks;
		if (x2)
			wrmsr(0x838, ticks * apic_per_tsc >> 16);
		else
			*mmio32(LAPIC + 0x380) = (u32)(ticks * apic_per_tsc >> 16);
	}
	return at;
}

static void timer_costs(void)
{
	u64 far = rdtsc() + 1000 * tsc_per_ms();

	if (deadline)
		BENCH("timer-arm", wrmsr(MSR_TSC_DEADLINE, far));
	else if (x2)
		BENCH("timer-arm", wrmsr(0x838, 0x7fffffff));
	else
		BENCH("timer-arm", *mmio32(LAPIC + 0x380) = 0x7fffffff);
	bench_alarm(0);
	bench_timer("timer-fire", false);
	bench_timer("halt-wake", true);
}

/* --- memory and ring 3 -------------------------------------------------------------------------------------------- */

static void gate(u8 vector, void (*fn)(void))
{
	struct __attribute__((packed)) {
		u16 limit;
		u64 base;
	} idtr;
	u64 to = (u64)fn;
	u16 *g;

	__asm__ volatile("sidt %0" : "=m"(idtr));
	g = (u16 *)(idtr.base + 16u * vector);
	g[0] = (u16)to;
	g[3] = (u16)(to >> 16);
	g[4] = (u16)(to >> 32);
	g[5] = (u16)(to >> 48);
}

/* A page fault's handler: goes on behind the instruction, which is touch's. */
__attribute__((naked)) static void skip_fault(void)
{
	__asm__ volatile("addq $2, 8(%rsp); addq $8, %rsp; iretq");
}

static inline void touch(u64 a)
{
	__asm__ volatile(".byte 0x8a, 0x07" ::"D"(a) : "rax", "memory"); /* mov (%rdi), %al */
}

static void fault_cost(void)
{
	u64 *pde = &t_pd[HOLE_MIB / 2], was = *pde;
	u64 a = (u64)HOLE_MIB << 20;

	*pde = 0;
	invlpg((void *)a);
	gate(X_PF, skip_fault);
	BENCH("page-fault", touch(a));
	trap_init();
	*pde = was;
}

/* The second half of the longest piece of RAM. */
static void memory_costs(void)
{
	struct t_range best = { 0 };

	for (unsigned i = 0; i < t_map_n; i++)
		if (t_map[i].type == 1 && t_map[i].base + t_map[i].size <= t_ram_limit && t_map[i].size > best.size)
			best = t_map[i];
	bench_first_touch(best.base + best.size / 2, best.base + best.size);
	BENCH("ram-load", touch(best.base + best.size / 2));
}

/* SYSCALL comes here, and nothing is done. */
__attribute__((naked)) static void syscall_entry(void)
{
	__asm__ volatile("sysretq");
}

/* In ring 3. An INT3 is the way out. */
static void user_main(void)
{
	bench_begin(BENCH_N);
	while (bench_more()) {
		u64 start = t_clock();

		for (unsigned i = bench_batch; i != 0; i--)
			__asm__ volatile("syscall" ::: "rcx", "r11", "memory");
		bench_put(t_clock() - start, bench_batch);
	}
	__asm__ volatile("int3");
}

static void enter_user(void *stack)
{
	__asm__ volatile("push $0x3b; push %0; push $2; push $0x33; push %1; iretq" ::"r"(stack), "r"(user_main)
			 : "memory");
}

/* SYSRET sets SS and CS by STAR, whatever the GDT has there for SS: no interrupt comes that would load it again. */
static void syscall_cost(void)
{
	static u64 stack[512];

	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 1);
	wrmsr(MSR_STAR, 0x0020001800000000ull);
	wrmsr(MSR_LSTAR, (u64)syscall_entry);
	wrmsr(MSR_SFMASK, 0x200);
	if (trap_try(enter_user, stack + 511) == X_BP)
		bench_report("syscall", bench_overhead);
	else
		bench_skip("syscall", "it takes an exception");
}

/* --- two CPUs ----------------------------------------------------------------------------------------------------- */

/* Its first instructions are the receiver's first. */
__attribute__((naked)) static void ping_entry(void)
{
	__asm__ volatile("push %%rax; push %%rdx; push %%rcx\n"
			 "rdtsc; shl $32, %%rdx; or %%rdx, %%rax; mov %%rax, %0\n"
			 "incl %1; cmpb $0, %2; je 1f\n"
			 "xor %%eax, %%eax; xor %%edx, %%edx; mov $0x80b, %%ecx; wrmsr; jmp 2f\n"
			 "1: mov $0xfee000b0, %%ecx; movl $0, (%%rcx)\n"
			 "2: pop %%rcx; pop %%rdx; pop %%rax; iretq"
			 : "=m"(bench_arrived), "+m"(irq_count[V_PING])
			 : "m"(x2));
}

void bench_pause(unsigned n)
{
	__asm__ volatile("pause" ::: "memory");
}

void bench_ipi(unsigned cpu)
{
	u32 vector = cpu != 0 ? V_PING : V_PONG;

	if (x2) {
		wrmsr(MSR_X2_ICR, (u64)apic_id[cpu] << 32 | vector);
	} else {
		*mmio32(LAPIC + 0x310) = apic_id[cpu] << 24;
		*mmio32(LAPIC + 0x300) = vector;
	}
}

/* The CPUs by the ACPI's table: entries of type 0, one byte for the APIC's ID, enabled. Returns how many. */
static unsigned count_cpus(void)
{
	const u8 *madt = acpi_find("APIC");
	u32 len = 0;
	unsigned n = 0;

	if (madt != NULL)
		memcpy(&len, madt + 4, 4);
	for (u32 i = 44; i + 8 <= len && madt[i + 1] != 0; i += madt[i + 1])
		if (madt[i] == 0 && (madt[i + 4] & 1) && n < ARRAY_SIZE(apic_id))
			apic_id[n++] = madt[i + 3];
	return n;
}

static void other_main(void)
{
	(void)lapic_enable(x2);
	bench_other();
}

const char *bench_other_start(void)
{
	if (count_cpus() < 2)
		return "one CPU only";
	memcpy((void *)(uintptr_t)(SMP_PAGE << 12), smp_trampoline, (size_t)(smp_trampoline_end - smp_trampoline));
	smp_entry = other_main;
	gate(V_PING, ping_entry);
	lapic_icr(apic_id[1], 0x4500);
	delay_us(200);
	lapic_icr(apic_id[1], 0x4600 | SMP_PAGE);
	for (u64 start = t_clock(); smp_started == 0 && t_clock() - start < bench_patience();)
		bench_pause(0);
	return smp_started != 0 ? NULL : "the second CPU does not start";
}

void t_main(void)
{
	bench_rng_open();
	x2 = lapic_enable(true);
	if (!x2)
		lapic_enable(false);
	irq_eoi[V_IRQ] = irq_eoi[V_ALARM] = irq_eoi[V_PONG] = irq_eoi[V_MSI] = x2 ? EOI_X2APIC : EOI_LAPIC;
	timer_init();
	bench_init(1);
	cpu_costs();
	port_costs();
	mmio_costs();
	bench_doorbells();
	self_costs();
	timer_costs();
	fault_cost();
	syscall_cost();
	memory_costs();
	bench_requests();
	bench_pair();
	t_check("measured", true);
}
