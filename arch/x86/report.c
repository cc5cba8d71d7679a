/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/report.c: what this PC has of what Trivet makes use of. */
#include "arch/iface/report.h"

#include "arch/x86/vendor.h"
#include "arch/x86/vmx.h"
#include "hv/lib/print.h"
#include "hv/lib/string.h"

#define MSR_PATCH_LEVEL 0x8bu /* IA32_BIOS_SIGN_ID: bits 63:32 (SDM 3A, 10.11.7); AMD's: bits 31:0 */

/* CPUID 8000_000Ah EDX (APM 3, E.4.9). */
#define SVM_NRIPS	 BIT(3)
#define SVM_CLEAN	 BIT(5)
#define SVM_FLUSH_ASID	 BIT(6)
#define SVM_DECODE	 BIT(7)
#define SVM_PAUSE_FILTER BIT(10)

static struct report_item *report_vmx(struct report_item *i)
{
	i = report_add(i, vmx_caps.vpid, "VPID", "a guest loses its translations (TLB) at each exit");
	i = report_add(i, rdmsr(MSR_VMX_TRUE_PINBASED) >> 32 & PIN_POSTED, "posted interrupts",
		       "an interrupt for a guest that runs makes it exit (it does yet, where they are)");
	i = report_add(i, vmx_caps.pause_loop, "PAUSE-loop exiting",
		       "a guest's CPU that waits for another one spins its turn out");
	return report_add(i, x86_features.apic_hw, "virtual APIC",
			  "interrupts' ends and IPIs of guests exit: an older CPU, or a hypervisor below that does not "
			  "pass it on");
}

static struct report_item *report_svm(struct report_item *i)
{
	u32 edx = cpuid(0x8000000a, 0).edx;

	i = report_add(i, edx & SVM_NRIPS, "next RIP",
		       "the service VM is asked once for each place how long an instruction that exits is");
	i = report_add(i, edx & SVM_DECODE, "decode assists",
		       "an access to a device is decoded from the guest's memory");
	i = report_add(i, edx & SVM_CLEAN, "VMCB clean bits", "the CPU reads all of a guest's state at each entry");
	i = report_add(i, edx & SVM_FLUSH_ASID, "flush by ASID", "to drop one guest's translations drops all guests'");
	return report_add(i, edx & SVM_PAUSE_FILTER, "PAUSE filter",
			  "a guest's CPU that waits for another one spins its turn out");
}

unsigned arch_report(const struct boot_info *bi, struct report_item *item)
{
	const struct x86_features *f = &x86_features;
	struct report_item *i = f->intel ? report_vmx(item) : report_svm(item);

	i = report_add(i, f->pages_1g, "1 GiB pages", "more memory for page tables, and more misses in them");
	i = report_add(i, f->x2apic, "x2APIC",
		       "interrupts between CPUs take two writes to a device; no more than 255 CPUs");
	i = report_add(i, f->invariant_tsc, "invariant TSC",
		       "guests' clocks may run wrong when the CPU changes its speed");
	i = report_add(i, f->tsc_deadline, "TSC deadline timer",
		       "timers are set in the APIC's ticks, whose rate is measured");
	i = report_add(i, f->smep && f->smap, "SMEP and SMAP",
		       "one protection less against faults of the hypervisor's own");
	i = report_add(i, f->umip, "UMIP", "guests' user programs can read where descriptor tables lie");
	i = report_add(i, cpuid(1, 0).ecx & BIT(30), "RDRAND", "guests' random numbers come from the counter alone");
	i = report_add(i, f->xsave, "XSAVE", "guests have no AVX");
	i = report_add(
		i, bi->acpi_rsdp != 0, "ACPI tables",
		"one CPU, no PCI Express configuration space, no power-off; start by a loader that passes the RSDP");
	i = report_add(i, bi->platform.necam != 0, "PCI Express configuration space",
		       "devices' extended registers are out of reach");
	i = report_add(i, bi->platform.has_iommu != 0, "IOMMU",
		       "no device could be given to a guest (none is yet, where there is one)");
	i = report_add(i, bi->platform.s5_valid, "power-off by ACPI", "the machine stays on at the end");
	return (unsigned)(i - item);
}

static void report_words(char *to, u32 leaf)
{
	struct cpuid r = cpuid(leaf, 0);

	memcpy(to, &r.eax, 4);
	memcpy(to + 4, &r.ebx, 4);
	memcpy(to + 8, &r.ecx, 4);
	memcpy(to + 12, &r.edx, 4);
}

void arch_report_cpu(char text[REPORT_CPU])
{
	char brand[49] = "unnamed";
	const char *name = brand;
	u32 id = cpuid(1, 0).eax, family = (id >> 8) & 0xf, model = (id >> 4) & 0xf;
	u64 patch = 0;
	int n;

	if (cpuid(0x80000000, 0).eax >= 0x80000004)
		for (u32 i = 0; i < 3; i++)
			report_words(brand + 16 * i, 0x80000002 + i);
	brand[48] = '\0';
	while (*name == ' ')
		name++;
	if (family == 6 || family == 15)
		model |= (id >> 12) & 0xf0;
	if (family == 15)
		family += (id >> 20) & 0xff;
	n = snprintf(text, REPORT_CPU, "%s, family %xh model %xh stepping %u", name, family, model, id & 0xf);
	if (n > 0 && n < REPORT_CPU && rdmsr_safe(MSR_PATCH_LEVEL, &patch) &&
	    (patch = x86_features.intel ? patch >> 32 : (u32)patch))
		(void)snprintf(text + n, REPORT_CPU - (size_t)n, ", microcode %lxh", patch);
}
