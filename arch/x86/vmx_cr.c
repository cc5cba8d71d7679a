/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/vmx_cr.c: the guest's accesses to control registers that exit: owned bits of CR0 and CR4, and CR8. */
#include "arch/x86/loop.h"
#include "arch/x86/vmx.h"

/* The bits of CR0 that exist; others are ignored below bit 32 and #GP above (Intel SDM 3A, 2.5). */
#define CR0_WRITABLE (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)
#define CR4_PSE	     BIT(4)
#define CR4_PCIDE    BIT(17)
#define CR4_PAGING   (CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCIDE | CR4_SMEP | CR4_SMAP | CR4_PKE | CR4_LA57)
#define AR_L	     BIT(13)

static u64 cr_gpr(struct arch_vcpu *v, unsigned n)
{
	return n == X86_RSP ? vmread(VMCS_GUEST_RSP) : v->regs->gpr[n];
}

static void cr_skip(struct arch_vcpu *v)
{
	v->rip += vmread(VMCS_LENGTH);
	v->dirty |= DIRTY_RIP;
}

/* May CR0 become @value (SDM 2B, "MOV to control registers")? */
static bool cr0_allowed(struct arch_vcpu *v, u64 old, u64 value, u64 efer)
{
	bool cs_long = vmread(VMCS_GUEST_AR + 2 * X86_CS) & AR_L;
	u64 cr4 = vmx_reg(v, REG_CR4);

	if (value >> 32 || ((value & CR0_PG) && !(value & CR0_PE)) || ((value & CR0_NW) && !(value & CR0_CD)))
		return false;
	if (!(old & CR0_PG) && (value & CR0_PG) && (efer & EFER_LME))
		return (cr4 & CR4_PAE) && !cs_long;
	if ((old & CR0_PG) && !(value & CR0_PG))
		return !(cr4 & CR4_PCIDE) && !((efer & EFER_LMA) && cs_long);
	return true;
}

/* A MOV to CR0 that changes NE, CD or NW comes here with all its other changes too. */
static void cr_write_cr0(struct arch_vcpu *v, u64 value)
{
	u64 old = vmx_reg(v, REG_CR0), efer = vmread(VMCS_GUEST_EFER);
	u64 new = (value & CR0_WRITABLE) | CR0_ET, changed = old ^ new;

	if (!cr0_allowed(v, old, value, efer)) {
		loop_fault(v, VEC_GP, true);
		return;
	}
	if ((new &CR0_PG) && !(efer & EFER_LME) && (vmx_reg(v, REG_CR4) & CR4_PAE) &&
	    (changed & (CR0_PG | CR0_CD | CR0_NW)) && !vmx_load_pdptes(v)) {
		loop_fault(v, VEC_GP, true);
		return;
	}
	vmx_set_reg(v, REG_CR0, new);
	if ((changed & CR0_PG) && (efer & EFER_LME))
		vmx_set_reg(v, REG_EFER, new &CR0_PG ? efer | EFER_LMA : efer & ~EFER_LMA);
	if (changed & (CR0_PG | CR0_WP | CR0_PE))
		vmx_flush_linear(v);
	cr_skip(v);
}

/* May CR4 become @value (SDM 2B, as above; 3A, 2.5)? VMXE is not for a guest. */
static bool cr4_allowed(u64 old, u64 value, u64 efer)
{
	u64 changed = old ^ value;

	if ((value & ~vmx_caps.cr4_fixed1) || (value & CR4_VMXE))
		return false;
	if ((efer & EFER_LMA) && ((changed & CR4_LA57) || !(value & CR4_PAE)))
		return false;
	if ((changed & value & CR4_PCIDE) && (!(efer & EFER_LMA) || (vmread(VMCS_GUEST_CR3) & BITS(11, 0))))
		return false;
	return true;
}

/* A MOV to CR4 that changes MCE, which stays on for us, comes here with all its other changes too. */
static void cr_write_cr4(struct arch_vcpu *v, u64 value)
{
	u64 old = vmx_reg(v, REG_CR4), efer = vmread(VMCS_GUEST_EFER), changed = old ^ value;

	if (!cr4_allowed(old, value, efer)) {
		loop_fault(v, VEC_GP, true);
		return;
	}
	if ((vmx_reg(v, REG_CR0) & CR0_PG) && (value & CR4_PAE) && !(efer & EFER_LME) &&
	    (changed & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP)) && !vmx_load_pdptes(v)) {
		loop_fault(v, VEC_GP, true);
		return;
	}
	vmx_set_reg(v, REG_CR4, value);
	if (changed & CR4_PAGING)
		vmx_flush_linear(v);
	cr_skip(v);
}

static void cr_write_cr8(struct arch_vcpu *v, u64 value)
{
	if (value & ~0xfUL) {
		loop_fault(v, VEC_GP, true);
		return;
	}
	loop_tpr(v, (u8)(value << 4));
	cr_skip(v);
}

static void cr_read_cr8(struct arch_vcpu *v, unsigned gpr)
{
	if (gpr == X86_RSP) {
		v->regs->gpr[X86_RSP] = v->tpr >> 4;
		v->dirty |= DIRTY_RSP;
	} else {
		v->regs->gpr[gpr] = v->tpr >> 4;
	}
	cr_skip(v);
}

void vmx_exit_cr(struct arch_vcpu *v, u64 qualification)
{
	unsigned cr = FIELD(QUAL_CR, qualification), type = FIELD(QUAL_CR_TYPE, qualification);
	unsigned gpr = FIELD(QUAL_CR_GPR, qualification);

	if (cr == 8 && type == CR_TYPE_FROM)
		cr_read_cr8(v, gpr);
	else if (cr == 8 && type == CR_TYPE_TO)
		cr_write_cr8(v, cr_gpr(v, gpr));
	else if (cr == 0 && type == CR_TYPE_TO)
		cr_write_cr0(v, cr_gpr(v, gpr));
	else if (cr == 4 && type == CR_TYPE_TO)
		cr_write_cr4(v, cr_gpr(v, gpr));
	else /* CLTS and LMSW touch no owned bit, and CR3 does not exit. */
		loop_fault(v, VEC_GP, true);
}
