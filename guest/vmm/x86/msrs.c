/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/msrs.c: what a guest's kernel finds in MSRs that carry no function here. */
#include "guest/rt/hypercall.h"
#include "guest/vmm/x86/pc.h"

/* Without an entry: #GP, which kernels expect of an MSR that a CPU does not have. */
static const struct msr_policy msrs_table[] = {
	/* KVM's paravirtual clock, EOI and their companions: pc_msr decides. */
	{ .first = 0x11, .last = 0x12, .action = MSR_FORWARD },
	{ .first = 0x4b564d00, .last = 0x4b564d08, .action = MSR_FORWARD },
	/* IA32_PLATFORM_ID, IA32_BIOS_SIGN_ID (microcode revision; the write before CPUID 1 is the protocol). */
	{ .first = 0x17, .last = 0x17, .action = MSR_VALUE, .value = 0 },
	{ .first = 0x8b, .last = 0x8b, .action = MSR_IGNORE_WRITE, .value = 0 },
	/* IA32_FEATURE_CONTROL: locked, no VMX. MSR_SMI_COUNT. MSR_PLATFORM_INFO. */
	{ .first = 0x3a, .last = 0x3a, .action = MSR_VALUE, .value = 1 },
	{ .first = 0x34, .last = 0x34, .action = MSR_VALUE, .value = 0 },
	{ .first = 0xce, .last = 0xce, .action = MSR_VALUE, .value = 0 },
	/* IA32_MTRRCAP: no variable and no fixed ranges; IA32_MTRR_DEF_TYPE: on, write-back everywhere. */
	{ .first = 0xfe, .last = 0xfe, .action = MSR_VALUE, .value = 0 },
	{ .first = 0x200, .last = 0x21f, .action = MSR_IGNORE_WRITE, .value = 0 },
	{ .first = 0x250, .last = 0x26f, .action = MSR_IGNORE_WRITE, .value = 0x0606060606060606ULL },
	{ .first = 0x2ff, .last = 0x2ff, .action = MSR_IGNORE_WRITE, .value = 0x806 },
	/* MISC_FEATURES_ENABLES, IA32_MCG_CAP and STATUS (no banks), IA32_PERF_STATUS and CTL. */
	{ .first = 0x140, .last = 0x140, .action = MSR_IGNORE_WRITE, .value = 0 },
	{ .first = 0x179, .last = 0x179, .action = MSR_VALUE, .value = 0 },
	{ .first = 0x17a, .last = 0x17a, .action = MSR_IGNORE_WRITE, .value = 0 },
	{ .first = 0x198, .last = 0x199, .action = MSR_IGNORE_WRITE, .value = 0 },
	/* IA32_MISC_ENABLE: fast strings, no branch trace, no PEBS. IA32_DEBUGCTL. */
	{ .first = 0x1a0, .last = 0x1a0, .action = MSR_IGNORE_WRITE, .value = 0x1801 },
	{ .first = 0x1d9, .last = 0x1d9, .action = MSR_IGNORE_WRITE, .value = 0 },
	/* AMD: performance counters, SYSCFG, HWCR (TscFreqSel: the TSC runs at P0), TOP_MEM, NB_CFG, INT_PENDING. */
	{ .first = 0xc0010000, .last = 0xc0010007, .action = MSR_IGNORE_WRITE, .value = 0 },
	{ .first = 0xc0010010, .last = 0xc0010010, .action = MSR_IGNORE_WRITE, .value = 0 },
	{ .first = 0xc0010015, .last = 0xc0010015, .action = MSR_IGNORE_WRITE, .value = 1u << 24 },
	{ .first = 0xc001001a, .last = 0xc001001d, .action = MSR_IGNORE_WRITE, .value = 0 },
	{ .first = 0xc001001f, .last = 0xc001001f, .action = MSR_IGNORE_WRITE, .value = 0 },
	{ .first = 0xc0010055, .last = 0xc0010055, .action = MSR_IGNORE_WRITE, .value = 0 },
	{ .first = 0xc0010058, .last = 0xc0010058, .action = MSR_IGNORE_WRITE, .value = 0 },
	{ .first = 0xc0010112, .last = 0xc0010117, .action = MSR_IGNORE_WRITE, .value = 0 },
	/* AMD: LS_CFG, IC_CFG, DC_CFG; DE_CFG with LFENCE serializing (bit 1), as kernels want it; BU_CFG2. */
	{ .first = 0xc0011020, .last = 0xc0011023, .action = MSR_IGNORE_WRITE, .value = 0 },
	{ .first = 0xc0011029, .last = 0xc0011029, .action = MSR_IGNORE_WRITE, .value = 2 },
	{ .first = 0xc001102a, .last = 0xc001102a, .action = MSR_IGNORE_WRITE, .value = 0 },
};

static_assert(sizeof(msrs_table) <= MAILBOX_SIZE, "they travel in the mailbox");

status_t pc_msrs(u32 vm)
{
	memcpy(hv_mailbox(), msrs_table, sizeof(msrs_table));
	return hv_call(HV_VM_SET_MSR, vm, ARRAY_SIZE(msrs_table), 0, 0, 0).status;
}
