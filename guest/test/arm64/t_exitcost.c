/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/t_exitcost.c: nanoseconds per operation, averaged over 1000; under QEMU's -icount shift=0,sleep=off
 * a nanosecond is an instruction. Prints "COST name n", loop overhead subtracted; "-first" is one single, the first. */
#include "guest/test/arm64/arm64.h"
#include "guest/test/lib/cost.h"

static u64 ns(u64 ticks)
{
	return ticks * 1000000000 / mrs(cntfrq_el0);
}

#define COST(name, statement) cost_report(name, ns(COST_TICKS(counter, statement)))

/* The first access: the difference of two readings of the counter, to the counter's resolution (16 ns on QEMU). */
#define FIRST(name, statement)                           \
	do {                                             \
		u64 start = counter();                   \
		statement;                               \
		cost_print(name, ns(counter() - start)); \
	} while (0)

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

/* SGI to self, acknowledged and ended by polling: no exception is taken. */
static inline void sgi3(void)
{
	u64 iar;

	msr(S3_0_C12_C11_5, 1ull << 24 | 1);
	isb();
	do
		iar = mrs(S3_0_C12_C12_0);
	while (iar >= INTID_SPECIAL);
	msr(S3_0_C12_C12_1, iar);
	isb();
}

static inline void sgi2(void)
{
	u32 iar;

	*mmio32(gicd + GICD_SGIR) = 2u << 24 | 1;
	do
		iar = *mmio32(gicc + 0x0c);
	while ((iar & 0x3ff) >= INTID_SPECIAL);
	*mmio32(gicc + 0x10) = iar;
}

static void sgi_by_handler(void)
{
	u32 n = irq_count[1];

	gic_sgi_self(1);
	while (irq_count[1] == n)
		;
}

static void gic_costs(void)
{
	COST("gicd-read", load(gicd + GICD_TYPER));
	COST("gicd-write", store(gic_frame(80) + GICD_ISENABLER + 8, BIT(16)));
	COST("gicd-pend-clear", (store(gicd + GICD_ISPENDR + 12, 2), store(gicd + GICD_ICPENDR + 12, 2)));
	if (gic_version == 3) {
		COST("gicr-read", load(gicr + 8));
		COST("icc-pmr-write", msr(S3_0_C4_C6_0, 0xf0));
		COST("sgi-to-nobody", msr(S3_0_C12_C11_5, 1ull << 24 | 2));
		COST("sgi-self-ack-eoi", sgi3());
	} else {
		COST("gicc-read", load(gicc + 4));
		COST("sgi-to-nobody", store(gicd + GICD_SGIR, 1u << 17 | 1));
		COST("sgi-self-ack-eoi", sgi2());
	}
	irq_on();
	COST("sgi-self-handler", sgi_by_handler());
	irq_off();
}

/* From the timer's time to the end of its interrupt, by polling: WFI, acknowledge, quieten, EOI. */
static void wfi_cost(void)
{
	u64 late = 0, cval, ticks = us_to_ticks(100);

	for (unsigned i = 0; i < COST_N; i++) {
		u32 iar;

		cval = counter() + ticks;
		msr(cntv_cval_el0, cval);
		msr(cntv_ctl_el0, 1);
		isb();
		do
			wfi();
		while (!gic_signalled());
		iar = gic_ack();
		msr(cntv_ctl_el0, 3);
		isb();
		gic_eoi(iar);
		late += counter() - cval;
	}
	cost_print("wfi-timer-wake", ns(late) / COST_N);
	cval = counter() + ticks;
	for (unsigned i = 0; i < COST_N; i++) {
		msr(cntv_cval_el0, counter() + ticks);
		msr(cntv_ctl_el0, 1);
		isb();
		msr(cntv_ctl_el0, 0);
		isb();
	}
	cost_print("vtimer-arm-disarm", ns(counter() - cval + ticks) / COST_N);
}

static void memory_costs(void)
{
	u64 end = t_map[0].base + t_map[0].size - COST_N * 4096, before = counter();

	for (unsigned i = 0; i < COST_N; i++)
		load(end + i * 4096ull);
	cost_report("ram-first-touch-4k", ns(counter() - before));
	COST("ram-load", load(end));
	COST("tlbi-vmalle1", ({ __asm__ volatile("tlbi vmalle1; dsb nsh; isb" ::: "memory"); }));
}

void t_main(void)
{
	volatile u64 sink;

	COST("empty", __asm__ volatile("" ::: "memory")); /* the overhead that the others have subtracted */
	COST("nop-10", __asm__ volatile("nop;nop;nop;nop;nop;nop;nop;nop;nop;nop"));
	FIRST("rtc-first", load(RTC));
	COST("hvc-psci-version", hvc());
	if (trap_try(try_smc, NULL) < 0)
		COST("smc-psci-version", smc());
	COST("id-register", sink = mrs(id_aa64pfr0_el1));
	COST("midr", sink = mrs(midr_el1));
	COST("cntvct", sink = mrs(cntvct_el0));
	COST("cntpct", sink = mrs(cntpct_el0));
	COST("cntp-ctl-read", sink = mrs(cntp_ctl_el0));
	COST("cntp-cval-write", msr(cntp_cval_el0, ~0ull));
	FIRST("uart-fr-first", load(UART + 0x18));
	COST("uart-fr-read", load(UART + 0x18));
	COST("uart-write", store(UART + 0x24, 1));
	COST("rtc-read", load(RTC));
	if (v2m_frame != 0)
		COST("v2m-read", load(v2m_frame + 8));
	if (pci_ecam() != 0)
		COST("pci-config-read", load(pci_ecam()));
	gic_costs();
	memory_costs();
	wfi_cost();
	(void)sink;
	t_check("measured", true);
}
