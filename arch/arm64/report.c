/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/report.c: what this machine has of what Trivet makes use of. */
#include "arch/iface/report.h"

#include "arch/arm64/cpu.h"
#include "arch/arm64/sysreg.h"
#include "hv/lib/print.h"

#define PSCI_VERSION 0x84000000u

/* MIDR_EL1 (Arm ARM, D19.2.99). */
#define MIDR_IMPLEMENTER BITS(31, 24)
#define MIDR_VARIANT	 BITS(23, 20)
#define MIDR_PART	 BITS(15, 4)
#define MIDR_REVISION	 BITS(3, 0)

unsigned arch_report(const struct boot_info *bi, struct report_item *item)
{
	const struct arm_features *f = &arm_features;
	struct report_item *i = item;

	i = report_add(i, f->vhe, "VHE", "a device access of a guest costs about an eighth more");
	i = report_add(i, bi->platform.gic_version == 3, "GICv3",
		       "a guest's interrupts are moved through a device's registers");
	i = report_add(i, f->pan, "PAN", "one protection less against faults of the hypervisor's own");
	i = report_add(i, f->ras, "RAS", "a system error of the machine's cannot be told from a guest's");
	i = report_add(i, f->rndr, "RNDR", "guests' random numbers come from the counter alone");
	i = report_add(i, f->pauth, "pointer authentication", "guests have none");
	i = report_add(i, f->el0_32, "AArch32 at EL0", "guests run no 32-bit programs");
	i = report_add(i, bi->fdt != 0, "device tree", "neither memory nor devices are known");
	i = report_add(i, cpu_psci(PSCI_VERSION, 0, 0, 0) > 0, "PSCI",
		       "other CPUs are not started; no reset, no power-off");
	return (unsigned)(i - item);
}

void arch_report_cpu(char text[REPORT_CPU])
{
	u32 midr = (u32)read_sysreg(midr_el1);

	(void)snprintf(text, REPORT_CPU, "implementer %02xh part %03xh r%up%u, %u-bit physical addresses",
		       (u32)FIELD(MIDR_IMPLEMENTER, midr), (u32)FIELD(MIDR_PART, midr), (u32)FIELD(MIDR_VARIANT, midr),
		       (u32)FIELD(MIDR_REVISION, midr), arm_features.pa_bits);
}
