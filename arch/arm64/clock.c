/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/clock.c: the generic timer as our clock: its frequency, and EL2's physical timer (Arm ARM, D11). */
#include "arch/arm64/irq.h"
#include "arch/arm64/percpu.h"
#include "arch/arm64/sysreg.h"
#include "arch/iface/cpu.h"
#include "hv/lib/panic.h"
#include "hv/lib/util.h"

#define CLOCK_MIN_HZ	 100000u
#define CNTHP_CTL_ENABLE BIT(0)

void clock_init(void)
{
	u64 hz = arch_counter_hz();

	if (hz < CLOCK_MIN_HZ || hz > ~0u)
		panic("CNTFRQ_EL0 is %lu Hz: firmware must set it to the counter's frequency", hz);
	clock_cpu_init();
}

void clock_cpu_init(void)
{
	write_sysreg(0, cnthp_ctl_el2);
	isb();
	arm_cpu()->clock_when = ~0ul;
}

u64 arch_counter_hz(void)
{
	return read_sysreg(cntfrq_el0);
}

void arch_timer_set(u64 when)
{
	struct arm_cpu *cpu = arm_cpu();
	u64 before = cpu->clock_when;

	if (when == before)
		return;
	cpu->clock_when = when;
	if (when == ~0ul) {
		write_sysreg(0, cnthp_ctl_el2);
		return;
	}
	write_sysreg(when, cnthp_cval_el2);
	if (before == ~0ul)
		write_sysreg(CNTHP_CTL_ENABLE, cnthp_ctl_el2);
}

void clock_fired(void)
{
	arm_cpu()->clock_when = ~0ul;
	write_sysreg(0, cnthp_ctl_el2);
	/* The line falls before the interrupt is deactivated. */
	isb();
}
