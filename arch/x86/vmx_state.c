/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/vmx_state.c: a guest's registers in and out of its VMCS (Intel SDM 3C, 25.4). */
#include "arch/iface/mem.h"
#include "arch/x86/vmx.h"
#include "hv/lib/string.h"

#define PDPTE_P	       BIT(0)
#define PDPTE_RESERVED (BITS(2, 1) | BITS(8, 5))

/* What the guest sees: its own bits, and those it does not own from the shadow. */
static u64 state_cr(enum vmcs_field reg, u64 owned, enum vmcs_field shadow)
{
	return (vmread(reg) & ~owned) | (vmread(shadow) & owned);
}

static void state_set_cr0(u64 value)
{
	u64 real = (value & ~(CR0_CD | CR0_NW)) | vmx_caps.cr0_fixed0;

	vmwrite(VMCS_CR0_SHADOW, value);
	vmwrite(VMCS_GUEST_CR0, real & BITS(31, 0));
}

static void state_set_cr4(u64 value)
{
	vmwrite(VMCS_CR4_SHADOW, value);
	/* Without MCE a machine check while the guest runs would be a shutdown of the CPU, not an exit. */
	vmwrite(VMCS_GUEST_CR4, value | vmx_caps.cr4_owned);
}

/* The entry control must agree with LMA. */
static void state_set_efer(u64 value)
{
	u64 entry = vmread(VMCS_ENTRY_CONTROLS) & ~ENTRY_IA32E;

	vmwrite(VMCS_GUEST_EFER, value);
	vmwrite(VMCS_ENTRY_CONTROLS, value & EFER_LMA ? entry | ENTRY_IA32E : entry);
}

u64 vmx_reg(struct arch_vcpu *v, enum x86_reg reg)
{
	vmx_load(v);
	switch (reg) {
	case REG_EFER: return vmread(VMCS_GUEST_EFER);
	case REG_CR0: return state_cr(VMCS_GUEST_CR0, vmx_caps.cr0_owned, VMCS_CR0_SHADOW);
	default: return state_cr(VMCS_GUEST_CR4, vmx_caps.cr4_owned, VMCS_CR4_SHADOW);
	}
}

void vmx_set_reg(struct arch_vcpu *v, enum x86_reg reg, u64 value)
{
	vmx_load(v);
	switch (reg) {
	case REG_EFER: state_set_efer(value); break;
	case REG_CR0: state_set_cr0(value); break;
	case REG_CR4: state_set_cr4(value); break;
	case REG_TSC_OFFSET: vmwrite(VMCS_TSC_OFFSET, value); break;
	}
}

bool vmx_load_pdptes(struct arch_vcpu *v)
{
	static u64 page[PAGE_SIZE / sizeof(u64)];
	u64 cr3 = vmread(VMCS_GUEST_CR3) & BITS(31, 5),
	    reserved = PDPTE_RESERVED | ~BITS(x86_features.phys_bits - 1, 0);
	const u64 *pdpte = &page[(cr3 & ~PAGE_MASK) / sizeof(u64)];
	struct ptab_leaf leaf;

	if (ptab_lookup(&v->vm->s2, cr3, &leaf) != OK || (leaf.flags & PT_DEVICE))
		return false;
	arch_mem_read((leaf.pa + (cr3 - leaf.va)) & PAGE_MASK, page);
	for (unsigned i = 0; i < 4; i++)
		if ((pdpte[i] & PDPTE_P) && (pdpte[i] & reserved))
			return false;
	for (unsigned i = 0; i < 4; i++)
		vmwrite(VMCS_GUEST_PDPTE + 2 * i, pdpte[i]);
	return true;
}

static struct x86_seg state_get_seg(unsigned i)
{
	u64 ar = vmread(VMCS_GUEST_AR + 2 * i);
	struct x86_seg s = {
		.sel = (u16)vmread(VMCS_GUEST_SEL + 2 * i),
		.ar = (u16)(FIELD(AR_LOW, ar) | FIELD(AR_HIGH, ar) << 8),
		.limit = (u32)vmread(VMCS_GUEST_LIMIT + 2 * i),
		.base = vmread(VMCS_GUEST_BASE + 2 * i),
	};

	if (ar & AR_UNUSABLE)
		s.ar &= (u16)~X86_AR_P;
	return s;
}

static void state_set_seg(unsigned i, const struct x86_seg *s)
{
	u32 ar = s->ar & 0xfff;

	if (i == SEG_TR) {
		/* Always usable, and busy: the CPU has no other TR. */
		ar = (ar & ~(X86_AR_TYPE | X86_AR_S)) | X86_AR_P |
		     ((ar & X86_AR_TYPE) == 1 || (ar & X86_AR_TYPE) == 3 ? 3 : 11);
	} else if ((ar & X86_AR_P) && (ar & X86_AR_S)) {
		ar |= 1; /* accessed, as a load would have left it */
	}
	/* The granularity that goes with the limit in bytes. */
	if (s->limit >> 20)
		ar |= X86_AR_G;
	else if ((s->limit & 0xfff) != 0xfff)
		ar &= ~X86_AR_G;
	vmwrite(VMCS_GUEST_SEL + 2 * i, s->sel);
	vmwrite(VMCS_GUEST_BASE + 2 * i, s->base);
	vmwrite(VMCS_GUEST_LIMIT + 2 * i, s->limit);
	vmwrite(VMCS_GUEST_AR + 2 * i,
		ar & X86_AR_P ? FIELD_PUT(AR_LOW, ar) | FIELD_PUT(AR_HIGH, ar >> 8) : AR_UNUSABLE);
}

bool vmx_mend_segments(void)
{
	bool mended = false;

	for (unsigned i = 0; i < X86_NSREG; i++) {
		u64 ar = vmread(VMCS_GUEST_AR + 2 * i);

		if (i == X86_CS || i == X86_SS || (ar & (AR_UNUSABLE | AR_ACCESSED)))
			continue;
		vmwrite(VMCS_GUEST_AR + 2 * i, ar | AR_UNUSABLE);
		mended = true;
	}
	return mended;
}

void vmx_export(struct arch_vcpu *v)
{
	struct vcpu_regs *r = v->regs;

	vmx_load(v);
	if (!(v->dirty & DIRTY_RSP))
		r->gpr[X86_RSP] = vmread(VMCS_GUEST_RSP);
	if (!(v->dirty & DIRTY_RFLAGS))
		r->rflags = vmread(VMCS_GUEST_RFLAGS);
	if (!(v->dirty & DIRTY_CR2))
		r->cr2 = vmx_cr2(v);
	r->cr0 = vmx_reg(v, REG_CR0);
	r->cr3 = vmread(VMCS_GUEST_CR3);
	r->cr4 = vmx_reg(v, REG_CR4);
	r->efer = vmread(VMCS_GUEST_EFER);
	for (unsigned i = 0; i < X86_NSREG; i++)
		r->seg[i] = state_get_seg(i);
	/* SS.DPL is the CPL in every mode (25.4.1). */
	r->cpl = (u8)FIELD(X86_AR_DPL, (u32)vmread(VMCS_GUEST_AR + 2 * X86_SS));
}

void vmx_get(struct arch_vcpu *v, struct vcpu_state *s)
{
	vmx_load(v);
	s->tr = state_get_seg(SEG_TR);
	s->ldtr = state_get_seg(SEG_LDTR);
	s->gdtr = (struct x86_table){ .base = vmread(VMCS_GUEST_GDTR), .limit = (u32)vmread(VMCS_GUEST_GDTR_LIMIT) };
	s->idtr = (struct x86_table){ .base = vmread(VMCS_GUEST_IDTR), .limit = (u32)vmread(VMCS_GUEST_IDTR_LIMIT) };
	s->dr7 = vmread(VMCS_GUEST_DR7);
	s->dr6 = vmx_dr6(v);
	s->pat = vmread(VMCS_GUEST_PAT);
	s->sysenter_cs = vmread(VMCS_GUEST_SYSENTER_CS);
	s->sysenter_esp = vmread(VMCS_GUEST_SYSENTER_ESP);
	s->sysenter_eip = vmread(VMCS_GUEST_SYSENTER_EIP);
}

static void state_set_tables(const struct vcpu_state *s)
{
	vmwrite(VMCS_GUEST_GDTR, s->gdtr.base);
	vmwrite(VMCS_GUEST_GDTR_LIMIT, s->gdtr.limit & 0xffff);
	vmwrite(VMCS_GUEST_IDTR, s->idtr.base);
	vmwrite(VMCS_GUEST_IDTR_LIMIT, s->idtr.limit & 0xffff);
	vmwrite(VMCS_GUEST_DR7, (u32)s->dr7);
	vmwrite(VMCS_GUEST_PAT, s->pat);
	vmwrite(VMCS_GUEST_SYSENTER_CS, s->sysenter_cs);
	vmwrite(VMCS_GUEST_SYSENTER_ESP, s->sysenter_esp);
	vmwrite(VMCS_GUEST_SYSENTER_EIP, s->sysenter_eip);
	vmwrite(VMCS_TSC_OFFSET, s->counter_offset);
	vmwrite(VMCS_GUEST_BLOCKING, 0);
	vmwrite(VMCS_GUEST_PENDING_DEBUG, 0);
}

void vmx_set(struct arch_vcpu *v, const struct vcpu_state *s)
{
	const struct vcpu_regs *r = &s->regs;
	bool long_mode = (r->efer & EFER_LME) && (r->cr0 & CR0_PG);

	vmx_load(v);
	vmwrite(VMCS_GUEST_RSP, r->gpr[X86_RSP]);
	vmwrite(VMCS_GUEST_RIP, r->rip);
	vmwrite(VMCS_GUEST_RFLAGS, (r->rflags & RFLAGS_WRITABLE) | RFLAGS_FIXED);
	state_set_cr0(r->cr0);
	state_set_cr4(r->cr4);
	state_set_efer(long_mode ? r->efer | EFER_LMA : r->efer & ~EFER_LMA);
	vmwrite(VMCS_GUEST_CR3, r->cr3);
	for (unsigned i = 0; i < X86_NSREG; i++)
		state_set_seg(i, &r->seg[i]);
	state_set_seg(SEG_TR, &s->tr);
	state_set_seg(SEG_LDTR, &s->ldtr);
	state_set_tables(s);
	vmx_set_user(v, r->cr2, s->dr6);
	if (!long_mode && (r->cr0 & CR0_PG) && (r->cr4 & CR4_PAE))
		(void)!vmx_load_pdptes(v); /* if that fails, the guest's own page faults tell */
	vmx_flush_linear(v);
}
