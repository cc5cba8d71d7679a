/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/test/arm64/t_bench.c: what single operations cost, in nanoseconds; under QEMU's -icount shift=0,sleep=off a
 * nanosecond is an instruction. The counter's ticks are longer (16 ns): most are done in batches, what the timer ends
 * is known to within a tick. The same program under Trivet, on QEMU's bare virt and in other hypervisors.
 */
#include "guest/test/arm64/arm64.h"
#include "guest/test/bench/bench.h"

#define SGI_SELF 1
#define SGI_PING 2
#define SGI_PONG 3

#define ICC_SGI1R S3_0_C12_C11_5
#define ICC_PMR	  S3_0_C4_C6_0
/* The names above through one more expansion. */
#define MSR(reg, v) msr(reg, v)

#define UART_FR	     0x18
#define UART_IBRD    0x24
#define GICR_TYPER   8
#define GICC_PMR     4
#define V2M_TYPER    8
#define UNMAPPED_GIB 1000

/* EL0 has RAM's first 4 GiB at 768 GiB: it may read, write and run it there. */
#define ALIAS_GIB 768
#define ALIAS(p)  ((u64)(p) - (1ull << 30) + ((u64)ALIAS_GIB << 30))

extern u64 t_l1[1024];
extern u8 bench_vectors[];
void el0_run(void *start);

const u32 bench_alarm_irq = INTID_VTIMER, bench_ping_irq = SGI_PING, bench_pong_irq = SGI_PONG;
const bool bench_yields = false;

/* As many instructions as t_rand says, less than a tick. */
void bench_dither(void)
{
	__asm__ volatile("adr x16, 1f; sub x16, x16, %0, lsl #2; br x16\n"
			 ".rept 15; nop; .endr\n"
			 "1:" ::"r"(t_rand() & 15)
			 : "x16");
}

/* --- instructions ------------------------------------------------------------------------------------------------- */

static inline void hvc(void)
{
	register u64 x0 __asm__("x0") = PSCI_VERSION;

	__asm__ volatile("hvc #0"
			 : "+r"(x0)::"x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
			   "x14", "x15", "x16", "x17", "memory");
}

static inline void smc(void)
{
	register u64 x0 __asm__("x0") = PSCI_VERSION;

	__asm__ volatile("smc #0"
			 : "+r"(x0)::"x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
			   "x14", "x15", "x16", "x17", "memory");
}

static void try_hvc(void *arg)
{
	hvc();
}

static void try_smc(void *arg)
{
	smc();
}

static inline void load(u64 a)
{
	u32 v;

	__asm__ volatile("ldr %w0, [%1]" : "=r"(v) : "r"(a) : "memory");
}

static inline void store(u64 a, u32 v)
{
	__asm__ volatile("str %w0, [%1]" ::"r"(v), "r"(a) : "memory");
}

static void cpu_costs(void)
{
	volatile u64 sink;

	bench_overhead = BENCH("empty", __asm__ volatile("" ::: "memory"));
	bench_overhead_one = BENCH_ONE("empty-one", , __asm__ volatile("" ::: "memory"), );
	BENCH("nop-10", __asm__ volatile("nop;nop;nop;nop;nop;nop;nop;nop;nop;nop"));
	if (trap_try(try_hvc, NULL) < 0)
		BENCH("hypercall", hvc()); /* PSCI_VERSION */
	else
		bench_skip("hypercall", "no HVC");
	if (trap_try(try_smc, NULL) < 0)
		BENCH("smc", smc());
	else
		bench_skip("smc", "no SMC");
	BENCH("id-register", sink = mrs(id_aa64pfr0_el1));
	BENCH("midr", sink = mrs(midr_el1));
	BENCH("cntvct", sink = mrs(cntvct_el0));
	BENCH("cntpct", sink = mrs(cntpct_el0));
	BENCH("cntp-ctl-read", sink = mrs(cntp_ctl_el0));
	BENCH("cntp-cval-write", msr(cntp_cval_el0, ~0ull));
	BENCH("tlbi", ({ __asm__ volatile("tlbi vmalle1; dsb nsh; isb" ::: "memory"); }));
	(void)sink;
}

/* --- devices ------------------------------------------------------------------------------------------------------ */

static void mmio_costs(void)
{
	u64 common = bench_rng_common();

	BENCH("mmio-kernel", load(gicd + GICD_TYPER));
	BENCH("mmio-kernel-write", store(gic_frame(80) + GICD_ISENABLER + 8, BIT(16)));
	BENCH("gicd-pend-clear", (store(gicd + GICD_ISPENDR + 12, 2), store(gicd + GICD_ICPENDR + 12, 2)));
	if (gic_version == 3)
		BENCH("gicr-read", load(gicr + GICR_TYPER));
	else
		BENCH("gicc-read", load(gicc + GICC_PMR));
	BENCH("mmio-service", load(UART + UART_FR));
	BENCH("mmio-service-write", store(UART + UART_IBRD, 1));
	BENCH("rtc-read", load(RTC));
	if (common != 0)
		BENCH("virtio-status", load(common + 0x14));
	if (v2m_frame != 0)
		BENCH("v2m-read", load(v2m_frame + V2M_TYPER));
	if (pci_ecam() != 0)
		BENCH("pci-config-read", load(pci_ecam()));
}

/* --- the interrupt controller ------------------------------------------------------------------------------------- */

static inline void sgi(unsigned to, unsigned intid)
{
	if (gic_version == 2)
		store(gicd + GICD_SGIR, 1u << (16 + to) | intid);
	else
		MSR(ICC_SGI1R, (u64)intid << 24 | 1ull << to);
	isb();
}

static inline void self_ipi(void)
{
	sgi(0, SGI_SELF);
}

/* Wait for what is pending; bounded. */
static u32 polled(void)
{
	u32 iar = gic_ack();

	for (unsigned i = 0; i < 1000000 && (iar & 0x3ff) >= INTID_SPECIAL; i++)
		iar = gic_ack();
	return iar;
}

static void by_handler(void)
{
	u32 n = irq_count[SGI_SELF];

	self_ipi();
	for (unsigned i = 0; i < 1000000 && irq_count[SGI_SELF] == n; i++)
		;
}

static void irq_costs(void)
{
	u32 iar;

	if (gic_version == 3) {
		BENCH("icc-pmr-write", MSR(ICC_PMR, 0xf0));
		BENCH("sgi-to-nobody", MSR(ICC_SGI1R, 1ull << 24 | 2));
	} else {
		BENCH("sgi-to-nobody", store(gicd + GICD_SGIR, 1u << 17 | 1));
	}
	BENCH_ONE("ipi-self-send", , self_ipi(), gic_eoi(polled()));
	BENCH("ipi-self-polled", (self_ipi(), gic_eoi(polled())));
	irq_on();
	BENCH("ipi-self", by_handler());
	irq_off();
	BENCH_ONE("irq-complete", self_ipi(), (iar = gic_ack(), gic_eoi(iar)), );
	BENCH_ONE("eoi", (self_ipi(), iar = polled()), gic_eoi(iar), );
}

/* --- the timer ---------------------------------------------------------------------------------------------------- */

u64 bench_alarm(u64 us)
{
	u64 at = counter() + us_to_ticks(us);

	if (us != 0)
		msr(cntv_cval_el0, at);
	msr(cntv_ctl_el0, us != 0);
	isb();
	return at;
}

static inline void timer_arm(u64 at)
{
	msr(cntv_cval_el0, at);
	msr(cntv_ctl_el0, 1);
	isb();
}

static void timer_costs(void)
{
	u64 far = counter() + us_to_ticks(1000000);

	BENCH("timer-arm", timer_arm(far));
	bench_alarm(0);
	bench_timer("timer-fire", false);
	bench_timer("halt-wake", true);
}

/* --- memory and EL0 ----------------------------------------------------------------------------------------------- */

static void flush(void)
{
	__asm__ volatile("dsb ish; tlbi vmalle1; dsb ish; isb" ::: "memory");
}

static void vectors_set(const void *v)
{
	msr(vbar_el1, v);
	isb();
}

static void fault_cost(u64 vectors)
{
	u64 was = t_l1[UNMAPPED_GIB], a = (u64)UNMAPPED_GIB << 30;

	t_l1[UNMAPPED_GIB] = 0;
	flush();
	vectors_set(bench_vectors);
	BENCH("page-fault", __asm__ volatile("ldr x16, [%0]" ::"r"(a) : "x16", "memory"));
	vectors_set((void *)vectors);
	t_l1[UNMAPPED_GIB] = was;
	flush();
}

/* In EL0, by addresses of the alias: nothing here may go by a pointer. An SVC with another x8 is the way out. */
static void user_main(unsigned batch)
{
	register u64 x8 __asm__("x8");

	bench_begin(BENCH_N);
	while (bench_more()) {
		u64 start = t_clock();

		for (unsigned i = batch; i != 0; i--) {
			x8 = 0;
			__asm__ volatile("svc #0" ::"r"(x8) : "memory");
		}
		bench_put(t_clock() - start, batch);
	}
	x8 = 1;
	__asm__ volatile("svc #0" ::"r"(x8) : "memory");
}

static void syscall_cost(u64 vectors)
{
	static u64 stack[512] ALIGNED(16);
	u64 start[3] = { ALIAS(user_main), ALIAS(stack + 512), bench_batch };
	int x;

	for (u64 i = 0; i < 4; i++)
		t_l1[ALIAS_GIB + i] = (i + 1) << 30 | 0x745;
	flush();
	msr(cntkctl_el1, 2);
	vectors_set(bench_vectors);
	x = trap_try(el0_run, start);
	vectors_set((void *)vectors);
	msr(cntkctl_el1, 0);
	if (x == EC_SVC)
		bench_report("syscall", bench_overhead);
	else
		bench_skip("syscall", "it takes another exception");
}

/* RAM's second half, but its end: where a loader may have put the device tree. */
static void memory_costs(void)
{
	u64 from = t_map[0].base + t_map[0].size / 2, to = from + t_map[0].size / 8 * 3;

	while (from < to && !t_ram_free(from))
		from += 4096;
	bench_first_touch(from, to);
	BENCH("ram-load", load(from));
}

/* --- two CPUs ----------------------------------------------------------------------------------------------------- */

/* To QEMU, a WFE is the end of a CPU's turn, never trapped, and slow: often at first only. */
void bench_pause(unsigned n)
{
	if (n < 8 || n % 1024 == 0)
		__asm__ volatile("wfe" ::: "memory");
}

void bench_ipi(unsigned cpu)
{
	sgi(cpu, cpu != 0 ? SGI_PING : SGI_PONG);
}

static void other_main(struct smp_start *s)
{
	vectors_set(bench_vectors);
	gic_cpu_init(1);
	bench_other();
}

const char *bench_other_start(void)
{
	if (psci(PSCI_AFFINITY_INFO, 1, 0, 0) != 1)
		return "one CPU only";
	return smp_on(1, other_main) == 0 ? NULL : "the second CPU does not start";
}

void t_main(void)
{
	u64 vectors = mrs(vbar_el1);

	bench_init(MAX((unsigned)(1000000000 / mrs(cntfrq_el0)), 1u));
	bench_rng_open();
	cpu_costs();
	mmio_costs();
	bench_doorbells();
	irq_costs();
	timer_costs();
	fault_cost(vectors);
	syscall_cost(vectors);
	memory_costs();
	bench_requests();
	bench_pair();
	t_check("measured", true);
}
