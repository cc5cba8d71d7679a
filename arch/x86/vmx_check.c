/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/vmx_check.c: why a VM entry failed, in words; and a VMCS for the log (Intel SDM 3C, 27.2, 27.3 and 31.4). */
#include "arch/x86/vmx.h"
#include "hv/lib/log.h"

#define AR_TYPE 0x0fu
#define AR_S	0x10u
#define AR_DPL	BITS(6, 5)
#define AR_P	BIT(7)
#define AR_L	BIT(13)
#define AR_DB	BIT(14)
#define AR_G	BIT(15)
#define AR_ZERO (BITS(31, 17) | BITS(11, 8))

#define RFLAGS_VM	    BIT(17)
#define RFLAGS_RESERVED	    (BITS(63, 22) | BIT(15) | BIT(5) | BIT(3))
#define CR4_PCIDE	    BIT(17)
#define CR4_CET		    BIT(23)
#define EFER_KNOWN	    (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)
#define TYPE_EXTERNAL(info) (((info) & (EVENT_VALID | EVENT_TYPE)) == (EVENT_VALID | EVENT_TYPE_INTR))

const char *vmx_insn_error(u64 error)
{
	static const char *const text[] = {
		[1] = "VMCALL executed in VMX root operation",
		[2] = "VMCLEAR with invalid physical address",
		[3] = "VMCLEAR with VMXON pointer",
		[4] = "VMLAUNCH with non-clear VMCS",
		[5] = "VMRESUME with non-launched VMCS",
		[6] = "VMRESUME after VMXOFF",
		[7] = "VM entry with invalid control fields",
		[8] = "VM entry with invalid host-state fields",
		[9] = "VMPTRLD with invalid physical address",
		[10] = "VMPTRLD with VMXON pointer",
		[11] = "VMPTRLD with incorrect VMCS revision",
		[12] = "VMREAD or VMWRITE of an unsupported field",
		[13] = "VMWRITE to a read-only field",
		[15] = "VMXON executed in VMX root operation",
		[16] = "VM entry with invalid executive-VMCS pointer",
		[17] = "VM entry with non-launched executive VMCS",
		[18] = "VM entry with executive-VMCS pointer not VMXON pointer",
		[19] = "VMCALL with non-clear VMCS",
		[20] = "VMCALL with invalid VM-exit control fields",
		[22] = "VMCALL with incorrect MSEG revision",
		[23] = "VMXOFF under dual-monitor treatment",
		[24] = "VMCALL with invalid SMM-monitor features",
		[25] = "VM entry with invalid execution controls in executive VMCS",
		[26] = "VM entry with events blocked by MOV SS",
		[28] = "invalid operand to INVEPT or INVVPID",
	};

	return error < ARRAY_SIZE(text) && text[error] ? text[error] : "unknown VM-instruction error";
}

/* What the checks look at again and again. */
struct check {
	u64 cr0, cr4, efer, rflags, entry;
	bool ia32e, v86;
	u64 ar[SEG_COUNT];
	u16 sel[SEG_COUNT];
};

static bool check_canonical(u64 va)
{
	return (u64)((s64)(va << 16) >> 16) == va; /* 48 bits: with LA57 the CPU is more lenient than this */
}

static const char *check_control_regs(const struct check *c)
{
	if ((c->cr0 & vmx_caps.cr0_fixed0) != vmx_caps.cr0_fixed0 || (c->cr0 & ~vmx_caps.cr0_fixed1))
		return "guest state: CR0 has a bit that VMX does not allow";
	if ((c->cr0 & CR0_PG) && !(c->cr0 & CR0_PE))
		return "guest state: CR0.PG without CR0.PE";
	if ((c->cr4 & vmx_caps.cr4_fixed0) != vmx_caps.cr4_fixed0 || (c->cr4 & ~vmx_caps.cr4_fixed1))
		return "guest state: CR4 has a bit that this CPU does not allow";
	if ((c->cr4 & CR4_CET) && !(c->cr0 & CR0_WP))
		return "guest state: CR4.CET without CR0.WP";
	if (c->ia32e && (!(c->cr0 & CR0_PG) || !(c->cr4 & CR4_PAE)))
		return "guest state: IA-32e mode without CR0.PG or CR4.PAE";
	if (!c->ia32e && (c->cr4 & CR4_PCIDE))
		return "guest state: CR4.PCIDE outside IA-32e mode";
	if (vmread(VMCS_GUEST_CR3) & ~BITS(x86_features.phys_bits - 1, 0))
		return "guest state: CR3 is beyond the physical-address width";
	if (vmread(VMCS_GUEST_DR7) >> 32)
		return "guest state: DR7 has high bits";
	if (!check_canonical(vmread(VMCS_GUEST_SYSENTER_ESP)) || !check_canonical(vmread(VMCS_GUEST_SYSENTER_EIP)))
		return "guest state: IA32_SYSENTER_ESP or _EIP is not canonical";
	if (c->efer & ~EFER_KNOWN)
		return "guest state: IA32_EFER has reserved bits";
	if (!!(c->efer & EFER_LMA) != c->ia32e)
		return "guest state: IA32_EFER.LMA differs from the entry control";
	if ((c->cr0 & CR0_PG) && !!(c->efer & EFER_LMA) != !!(c->efer & EFER_LME))
		return "guest state: IA32_EFER.LMA differs from LME while paging";
	return NULL;
}

static const char *check_pat(void)
{
	u64 pat = vmread(VMCS_GUEST_PAT);

	for (unsigned i = 0; i < 8; i++) {
		u8 type = (u8)(pat >> (8 * i));

		if (type > 7 || type == 2 || type == 3)
			return "guest state: IA32_PAT has an invalid memory type";
	}
	return NULL;
}

static const char *check_cs(const struct check *c)
{
	u64 ar = c->ar[X86_CS], type = ar & AR_TYPE, dpl = FIELD(AR_DPL, ar), ss_dpl = FIELD(AR_DPL, c->ar[X86_SS]);

	if (ar & AR_UNUSABLE)
		return "guest state: CS is unusable";
	if (type != 3 && !(type == 9 || type == 11 || type == 13 || type == 15))
		return "guest state: CS is no accessed code segment";
	if (type == 3 && dpl != 0)
		return "guest state: CS is a data segment with DPL not 0";
	if ((type == 9 || type == 11) && dpl != ss_dpl)
		return "guest state: CS.DPL differs from SS.DPL";
	if ((type == 13 || type == 15) && dpl > ss_dpl)
		return "guest state: conforming CS with DPL above SS.DPL";
	if (c->ia32e && (ar & AR_L) && (ar & AR_DB))
		return "guest state: CS has both L and D";
	return NULL;
}

static const char *check_segment(const struct check *c, unsigned i)
{
	u64 ar = c->ar[i], limit = vmread(VMCS_GUEST_LIMIT + 2 * i), base = vmread(VMCS_GUEST_BASE + 2 * i);

	if (ar & AR_UNUSABLE)
		return NULL;
	if (c->v86 && i < X86_NSREG) {
		if (ar != 0xf3 || limit != 0xffff || base != (u64)c->sel[i] << 4)
			return "guest state: a segment does not fit virtual-8086 mode";
		return NULL;
	}
	if (ar & AR_ZERO)
		return "guest state: a segment's access rights have reserved bits";
	if (!(ar & AR_P))
		return "guest state: a usable segment is not present";
	if (((limit & 0xfff) != 0xfff && (ar & AR_G)) || (limit >> 20 && !(ar & AR_G)))
		return "guest state: a segment's limit does not fit its granularity";
	if (i < X86_NSREG && !(ar & AR_S))
		return "guest state: a segment register holds a system segment";
	if (i < X86_NSREG && !(ar & 1))
		return "guest state: a segment is not accessed";
	if ((i == X86_CS || i == X86_SS || i == X86_DS || i == X86_ES) && base >> 32)
		return "guest state: the base of CS, SS, DS or ES is above 4 GiB";
	if ((i == X86_FS || i == X86_GS || i >= X86_NSREG) && !check_canonical(base))
		return "guest state: the base of FS, GS, LDTR or TR is not canonical";
	return NULL;
}

static const char *check_segments(const struct check *c)
{
	u64 tr = c->ar[SEG_TR], ldtr = c->ar[SEG_LDTR], ss = c->ar[X86_SS];
	const char *bad;

	for (unsigned i = 0; i < SEG_COUNT; i++) {
		bad = check_segment(c, i);
		if (bad)
			return bad;
	}
	if ((tr & AR_UNUSABLE) || (tr & AR_S) || ((tr & AR_TYPE) != 11 && (c->ia32e || (tr & AR_TYPE) != 3)))
		return "guest state: TR is no busy TSS";
	if (c->sel[SEG_TR] & 4)
		return "guest state: TR's selector points into the LDT";
	if (!(ldtr & AR_UNUSABLE) && ((ldtr & AR_S) || (ldtr & AR_TYPE) != 2 || (c->sel[SEG_LDTR] & 4)))
		return "guest state: LDTR is no LDT";
	if (c->v86)
		return NULL;
	if (!(ss & AR_UNUSABLE) && (ss & AR_TYPE) != 3 && (ss & AR_TYPE) != 7)
		return "guest state: SS is no writable data segment";
	if ((!(c->cr0 & CR0_PE) || (c->ar[X86_CS] & AR_TYPE) == 3) && FIELD(AR_DPL, ss) != 0)
		return "guest state: SS.DPL is not 0 in real mode";
	return check_cs(c);
}

static const char *check_rip(const struct check *c)
{
	u64 rip = vmread(VMCS_GUEST_RIP);

	if (!(c->ia32e && (c->ar[X86_CS] & AR_L)))
		return rip >> 32 ? "guest state: RIP above 4 GiB outside 64-bit code" : NULL;
	return check_canonical(rip) ? NULL : "guest state: RIP is not canonical";
}

static const char *check_flags(const struct check *c)
{
	u64 blocking = vmread(VMCS_GUEST_BLOCKING), info = vmread(VMCS_ENTRY_INFO),
	    pending = vmread(VMCS_GUEST_PENDING_DEBUG);

	if ((c->rflags & RFLAGS_RESERVED) || !(c->rflags & RFLAGS_FIXED))
		return "guest state: RFLAGS has reserved bits";
	if (c->v86 && (c->ia32e || !(c->cr0 & CR0_PE)))
		return "guest state: RFLAGS.VM in a mode without it";
	if (TYPE_EXTERNAL(info) && !(c->rflags & RFLAGS_IF))
		return "guest state: an interrupt is injected with RFLAGS.IF clear";
	if (TYPE_EXTERNAL(info) && (blocking & (BLOCKING_STI | BLOCKING_MOV_SS)))
		return "guest state: an interrupt is injected behind STI or MOV SS";
	if ((blocking & BLOCKING_STI) && !(c->rflags & RFLAGS_IF))
		return "guest state: blocking by STI with RFLAGS.IF clear";
	if ((blocking & (BLOCKING_STI | BLOCKING_MOV_SS)) == (BLOCKING_STI | BLOCKING_MOV_SS) || blocking >> 5)
		return "guest state: impossible interruptibility state";
	if ((blocking & (BLOCKING_STI | BLOCKING_MOV_SS)) &&
	    !!(pending & PENDING_DEBUG_BS) != !!(c->rflags & RFLAGS_TF))
		return "guest state: pending single step differs from RFLAGS.TF";
	if (vmread(VMCS_LINK) != ~0ULL)
		return "guest state: VMCS link pointer";
	if (vmread(VMCS_GUEST_ACTIVITY) != 0)
		return "guest state: activity state";
	return NULL;
}

static const char *check_tables(const struct check *c)
{
	if (!check_canonical(vmread(VMCS_GUEST_GDTR)) || !check_canonical(vmread(VMCS_GUEST_IDTR)))
		return "guest state: the base of GDTR or IDTR is not canonical";
	if (vmread(VMCS_GUEST_GDTR_LIMIT) >> 16 || vmread(VMCS_GUEST_IDTR_LIMIT) >> 16)
		return "guest state: the limit of GDTR or IDTR is too large";
	if (!(c->cr0 & CR0_PG) || !(c->cr4 & CR4_PAE) || c->ia32e)
		return NULL;
	for (unsigned i = 0; i < 4; i++) {
		u64 e = vmread(VMCS_GUEST_PDPTE + 2 * i);

		if ((e & 1) && (e & (BITS(2, 1) | BITS(8, 5) | ~BITS(x86_features.phys_bits - 1, 0))))
			return "guest state: a PDPTE has reserved bits";
	}
	return NULL;
}

const char *vmx_check_guest(void)
{
	struct check c = {
		.cr0 = vmread(VMCS_GUEST_CR0),
		.cr4 = vmread(VMCS_GUEST_CR4),
		.efer = vmread(VMCS_GUEST_EFER),
		.rflags = vmread(VMCS_GUEST_RFLAGS),
		.ia32e = vmread(VMCS_ENTRY_CONTROLS) & ENTRY_IA32E,
	};
	const char *bad;

	c.v86 = c.rflags & RFLAGS_VM;
	for (unsigned i = 0; i < SEG_COUNT; i++) {
		c.ar[i] = vmread(VMCS_GUEST_AR + 2 * i);
		c.sel[i] = (u16)vmread(VMCS_GUEST_SEL + 2 * i);
	}
	if ((bad = check_control_regs(&c)) || (bad = check_pat()) || (bad = check_segments(&c)) ||
	    (bad = check_tables(&c)) || (bad = check_rip(&c)) || (bad = check_flags(&c)))
		return bad;
	return "guest state: none of the rules that Trivet checks";
}

void vmx_dump(const struct arch_vcpu *v)
{
	static const char *const names[] = { "ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR" };

	log_printf("VMX: vCPU %u, VMCS at %lx, %s\n", v->id, v->ctl_pa, v->launched ? "launched" : "clear");
	log_printf("  reason %lx qualification %lx exit info %lx idt info %lx length %lu error %lu\n",
		   vmread(VMCS_REASON), vmread(VMCS_QUALIFICATION), vmread(VMCS_EXIT_INFO), vmread(VMCS_IDT_INFO),
		   vmread(VMCS_LENGTH), vmread(VMCS_INSN_ERROR));
	log_printf("  controls: pin %lx proc %lx proc2 %lx exit %lx entry %lx, entry info %lx, EPTP %lx, VPID %lu\n",
		   vmread(VMCS_PIN), vmread(VMCS_PROC), vmread(VMCS_PROC2), vmread(VMCS_EXIT_CONTROLS),
		   vmread(VMCS_ENTRY_CONTROLS), vmread(VMCS_ENTRY_INFO), vmread(VMCS_EPTP), (u64)v->vmx.vpid);
	log_printf("  rip %lx rsp %lx rflags %lx cr0 %lx (shadow %lx) cr3 %lx cr4 %lx (shadow %lx) efer %lx pat %lx\n",
		   vmread(VMCS_GUEST_RIP), vmread(VMCS_GUEST_RSP), vmread(VMCS_GUEST_RFLAGS), vmread(VMCS_GUEST_CR0),
		   vmread(VMCS_CR0_SHADOW), vmread(VMCS_GUEST_CR3), vmread(VMCS_GUEST_CR4), vmread(VMCS_CR4_SHADOW),
		   vmread(VMCS_GUEST_EFER), vmread(VMCS_GUEST_PAT));
	for (unsigned i = 0; i < SEG_COUNT; i++)
		log_printf("  %-4s %04lx base %lx limit %lx rights %lx\n", names[i], vmread(VMCS_GUEST_SEL + 2 * i),
			   vmread(VMCS_GUEST_BASE + 2 * i), vmread(VMCS_GUEST_LIMIT + 2 * i),
			   vmread(VMCS_GUEST_AR + 2 * i));
	log_printf("  GDTR %lx/%lx IDTR %lx/%lx blocking %lx activity %lx pending debug %lx guest address %lx\n",
		   vmread(VMCS_GUEST_GDTR), vmread(VMCS_GUEST_GDTR_LIMIT), vmread(VMCS_GUEST_IDTR),
		   vmread(VMCS_GUEST_IDTR_LIMIT), vmread(VMCS_GUEST_BLOCKING), vmread(VMCS_GUEST_ACTIVITY),
		   vmread(VMCS_GUEST_PENDING_DEBUG), vmread(VMCS_GUEST_PA));
	log_printf("  host: rip %lx rsp %lx cr0 %lx cr3 %lx cr4 %lx\n", vmread(VMCS_HOST_RIP), vmread(VMCS_HOST_RSP),
		   vmread(VMCS_HOST_CR0), vmread(VMCS_HOST_CR3), vmread(VMCS_HOST_CR4));
}
