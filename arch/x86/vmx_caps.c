/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/vmx_caps.c: what this CPU's VMX can do, what of it we use, and turning it on (Intel SDM 3D, appendix A). */
#include "arch/iface/mem.h"
#include "arch/x86/vmx.h"
#include "hv/lib/panic.h"
#include "hv/lib/print.h"

#define VMX_REVISION_BOCHS 0x2bu

struct vmx_caps vmx_caps;
static char caps_missing[320];

/* A control word: its MSR says in the low half what must be 1, in the high half what may be. */
struct caps_word {
	u32 msr;
	u32 *value;
	u32 always;   /* set from the start, and required          */
	u32 later;    /* set now and then: it must be possible     */
	u32 optional; /* set if possible                           */
	u32 never;    /* the CPU must not insist on them           */
};

struct caps_name {
	u32 msr;
	u32 bit;
	const char *name;
};

static const struct caps_word caps_words[] = {
	{ MSR_VMX_TRUE_PINBASED, &vmx_caps.pin, .always = PIN_INTR | PIN_NMI | PIN_VIRTUAL_NMI },
	{ MSR_VMX_TRUE_PROC, &vmx_caps.proc,
	  .always = PROC_TSC_OFFSET | PROC_HLT | PROC_MWAIT | PROC_RDPMC | PROC_CR8_LOAD | PROC_CR8_STORE |
		    PROC_MSR_BITMAP | PROC_MONITOR | PROC_SECONDARY,
	  .later = PROC_INTR_WINDOW | PROC_NMI_WINDOW | PROC_PAUSE | PROC_IO,
	  .never = PROC_INVLPG | PROC_RDTSC | PROC_CR3_LOAD | PROC_CR3_STORE | PROC_MOV_DR },
	{ MSR_VMX_PROCBASED2, &vmx_caps.proc2, .always = PROC2_EPT | PROC2_UNRESTRICTED,
	  .optional = PROC2_RDTSCP | PROC2_VPID | PROC2_INVPCID },
	{ MSR_VMX_TRUE_EXIT, &vmx_caps.exit,
	  .always = EXIT_SAVE_DEBUG | EXIT_HOST_64 | EXIT_SAVE_PAT | EXIT_LOAD_PAT | EXIT_SAVE_EFER | EXIT_LOAD_EFER },
	{ MSR_VMX_TRUE_ENTRY, &vmx_caps.entry, .always = ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER,
	  .later = ENTRY_IA32E },
};

static const struct caps_name caps_names[] = {
	{ MSR_VMX_PROCBASED2, PROC2_EPT, "extended page tables (EPT)" },
	{ MSR_VMX_PROCBASED2, PROC2_UNRESTRICTED, "unrestricted guest" },
	{ MSR_VMX_TRUE_PINBASED, PIN_INTR, "external-interrupt exiting" },
	{ MSR_VMX_TRUE_PINBASED, PIN_NMI, "NMI exiting" },
	{ MSR_VMX_TRUE_PINBASED, PIN_VIRTUAL_NMI, "virtual NMIs" },
	{ MSR_VMX_TRUE_PROC, PROC_SECONDARY, "secondary controls" },
	{ MSR_VMX_TRUE_PROC, PROC_MSR_BITMAP, "MSR bitmaps" },
	{ MSR_VMX_TRUE_PROC, PROC_IO, "unconditional I/O exiting" },
	{ MSR_VMX_TRUE_PROC, PROC_CR3_LOAD | PROC_CR3_STORE, "CR3 accesses without exits" },
	{ MSR_VMX_TRUE_PROC, PROC_INVLPG, "INVLPG without exits" },
	{ MSR_VMX_TRUE_PROC, PROC_RDTSC, "RDTSC without exits" },
	{ MSR_VMX_TRUE_PROC, PROC_MOV_DR, "debug registers without exits" },
	{ MSR_VMX_TRUE_EXIT, EXIT_SAVE_PAT | EXIT_LOAD_PAT, "IA32_PAT switched on exits" },
	{ MSR_VMX_TRUE_EXIT, EXIT_SAVE_EFER | EXIT_LOAD_EFER, "IA32_EFER switched on exits" },
	{ MSR_VMX_TRUE_ENTRY, ENTRY_LOAD_PAT, "IA32_PAT loaded on entries" },
	{ MSR_VMX_TRUE_ENTRY, ENTRY_LOAD_EFER, "IA32_EFER loaded on entries" },
	{ MSR_VMX_TRUE_ENTRY, ENTRY_IA32E, "64-bit guests" },
};

static void caps_add(const char *name)
{
	size_t n = 0;

	while (caps_missing[n])
		n++;
	snprintf(caps_missing + n, sizeof(caps_missing) - n, "%s%s", n ? ", " : "this CPU's VMX (VT-x) lacks: ", name);
}

/* Bits of word @msr that should be otherwise, in words. */
static void caps_explain(u32 msr, u32 wrong)
{
	for (unsigned i = 0; i < ARRAY_SIZE(caps_names); i++)
		if (caps_names[i].msr == msr && (caps_names[i].bit & wrong)) {
			caps_add(caps_names[i].name);
			wrong &= ~caps_names[i].bit;
		}
	if (wrong) {
		char other[48];

		snprintf(other, sizeof(other), "bits %#x of the controls in MSR %#x", wrong, msr);
		caps_add(other);
	}
}

static void caps_read_words(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(caps_words); i++) {
		const struct caps_word *w = &caps_words[i];
		u64 cap;
		u32 must, may, wrong;

		if (!rdmsr_safe(w->msr, &cap))
			cap = 0;
		must = (u32)cap;
		may = (u32)(cap >> 32);
		wrong = ((w->always | w->later) & ~may) | (w->never & must);
		if (wrong)
			caps_explain(w->msr, wrong);
		*w->value = must | ((w->always | w->optional) & may);
	}
}

static void caps_read_ept(void)
{
	static const struct {
		u64 bit;
		const char *name;
	} need[] = {
		{ EPT_CAP_WALK4, "EPT with four levels" },
		{ EPT_CAP_WB, "EPT structures in write-back memory" },
		{ EPT_CAP_2M, "2 MiB pages in EPT" },
		{ EPT_CAP_INVEPT, "INVEPT" },
		{ EPT_CAP_INVEPT_SINGLE | EPT_CAP_INVEPT_ALL, "a usable type of INVEPT" },
	};
	u64 cap;

	if (!(vmx_caps.proc2 & PROC2_EPT))
		return; /* said already */
	if (!rdmsr_safe(MSR_VMX_EPT_VPID_CAP, &cap))
		cap = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(need); i++)
		if (!(cap & need[i].bit))
			caps_add(need[i].name);
	vmx_caps.invept_single = cap & EPT_CAP_INVEPT_SINGLE;
	vmx_caps.vpid = (vmx_caps.proc2 & PROC2_VPID) && (cap & EPT_CAP_INVVPID) && (cap & EPT_CAP_INVVPID_SINGLE);
	if (!vmx_caps.vpid)
		vmx_caps.proc2 &= ~(u32)PROC2_VPID;
	if (!(cap & EPT_CAP_1G))
		x86_features.pages_1g = false; /* arch_vm_init looks there for the largest page of a stage 2 */
}

/* Virtual-interrupt delivery in x2APIC mode, with all that goes with it. */
static bool caps_has_apic(void)
{
	const u32 proc2 = PROC2_X2APIC | PROC2_APIC_REGS | PROC2_VIRQ, cr8 = PROC_CR8_LOAD | PROC_CR8_STORE;
	u64 cap, cap2;

	if (!rdmsr_safe(MSR_VMX_TRUE_PROC, &cap) || !rdmsr_safe(MSR_VMX_PROCBASED2, &cap2))
		return false;
	return !((u32)cap & cr8) && ((cap >> 32) & PROC_TPR_SHADOW) && ((cap2 >> 32) & proc2) == proc2;
}

static bool caps_has_pause_loop(void)
{
	u64 cap;

	return rdmsr_safe(MSR_VMX_PROCBASED2, &cap) && ((cap >> 32) & PROC2_PAUSE_LOOP);
}

const char *vmx_probe(void)
{
	u64 basic, control;

	if (!(cpuid(1, 0).ecx & BIT(5)))
		return "this CPU has no VMX (Intel VT-x). In Bochs, use cpu: model=corei7_skylake_x";
	control = rdmsr(MSR_FEATURE_CONTROL);
	if ((control & FEATURE_CONTROL_LOCK) && !(control & FEATURE_CONTROL_VMXON))
		return "VMX (Intel VT-x) is switched off in the firmware. Enable VT-x in the firmware setup";
	basic = rdmsr(MSR_VMX_BASIC);
	vmx_caps.revision = (u32)FIELD(VMX_BASIC_REVISION, basic);
	caps_missing[0] = '\0';
	if (!(basic & VMX_BASIC_TRUE)) {
		caps_add("the TRUE capability MSRs (the CPU is older than Trivet supports)");
		return caps_missing;
	}
	caps_read_words();
	caps_read_ept();
	if (!(basic & VMX_BASIC_INSOUTS))
		caps_add("information on INS and OUTS");
	if (!(rdmsr(MSR_VMX_MISC) & VMX_MISC_LMA))
		caps_add("EFER.LMA stored on exits");
	x86_features.apic_hw = caps_has_apic();
	vmx_caps.pause_loop = caps_has_pause_loop();
	vmx_caps.bochs = vmx_caps.revision == VMX_REVISION_BOCHS;
	if (vmx_caps.bochs) /* where the machine's interrupts stay away from a guest entered with RFLAGS.IF = 0 */
		vmx_caps.pin |= PIN_TIMER & (u32)(rdmsr(MSR_VMX_TRUE_PINBASED) >> 32);
	vmx_caps.cr0_fixed0 = rdmsr(MSR_VMX_CR0_FIXED0) & ~(CR0_PE | CR0_PG); /* unrestricted guest: these are free */
	vmx_caps.cr0_owned = VMX_CR0_OWNED | vmx_caps.cr0_fixed0;
	vmx_caps.cr0_fixed1 = rdmsr(MSR_VMX_CR0_FIXED1);
	vmx_caps.cr4_fixed0 = rdmsr(MSR_VMX_CR4_FIXED0);
	vmx_caps.cr4_fixed1 = rdmsr(MSR_VMX_CR4_FIXED1);
	vmx_caps.cr4_owned = vmx_caps.cr4_fixed0 | (read_cr4() & CR4_MCE);
	return caps_missing[0] ? caps_missing : NULL;
}

const char *vmx_cpu_on(void)
{
	u64 control = rdmsr(MSR_FEATURE_CONTROL), pa = arch_pa(x86_cpu_region());
	bool failed;

	if ((control & FEATURE_CONTROL_LOCK) && !(control & FEATURE_CONTROL_VMXON))
		return "its firmware has switched VMX off";
	if (!(control & FEATURE_CONTROL_LOCK))
		wrmsr(MSR_FEATURE_CONTROL, control | FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMXON);
	write_cr0((read_cr0() | vmx_caps.cr0_fixed0) & vmx_caps.cr0_fixed1);
	write_cr4((read_cr4() | vmx_caps.cr4_fixed0) & vmx_caps.cr4_fixed1);
	*(u32 *)x86_cpu_region() = vmx_caps.revision;
	asm volatile("vmxon %1" : "=@ccbe"(failed) : "m"(pa) : "memory");
	if (failed)
		panic("VMXON failed: CR0 %lx, CR4 %lx, IA32_FEATURE_CONTROL %lx", read_cr0(), read_cr4(),
		      rdmsr(MSR_FEATURE_CONTROL));
	asm volatile("invept %0, %1" : : "m"((const u64[2]){ 0, 0 }), "r"(2UL) : "cc", "memory"); /* what others left */
	return NULL;
}
