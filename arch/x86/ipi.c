/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/ipi.c: interrupts from vCPU to vCPU, and messages to several of them: who is meant, and who takes it. */
#include "arch/x86/post.h"
#include "arch/x86/vendor.h"
#include "arch/x86/vlapic_priv.h"

/*
 * The others may be in the guest meanwhile, on other CPUs: what they get is posted (post.h). Who is meant is read from
 * registers of theirs that may just be changing: as on a bus, it is then either the old or the new value.
 */

static bool ipi_meant(const struct arch_vcpu *v, const struct vlapic_ipi *ipi)
{
	if (ipi->shorthand != APIC_DEST)
		return v->apic.base & APIC_BASE_EN;
	return vlapic_match(&v->apic, ipi->dest, ipi->logical);
}

/* Of those that are meant and would take a vector, one with the lowest task priority; NULL: none but @but. */
static struct arch_vcpu *ipi_lowest(const struct arch_vm *vm, const struct vlapic_ipi *ipi, const struct arch_vcpu *but)
{
	struct arch_vcpu *best = NULL;

	for (unsigned i = 0; i < ARRAY_SIZE(vm->vcpu); i++) {
		struct arch_vcpu *v = vm->vcpu[i];

		if (v && v != but && vlapic_soft_enabled(&v->apic) && ipi_meant(v, ipi) &&
		    (!best || v->apic.tpr < best->apic.tpr))
			best = v;
	}
	return best;
}

static void ipi_give(struct arch_vcpu *v, const struct vlapic_ipi *ipi)
{
	if (post_accept(v, ipi->mode, ipi->vector, ipi->level))
		vcpu_kicked(v);
}

void x86_ipi_fixed(struct arch_vcpu *to, u8 vector)
{
	if (post_accept(to, APIC_FIXED, vector, false))
		vcpu_kicked(to);
}

void x86_ipi(struct arch_vcpu *from, const struct vlapic_ipi *ipi)
{
	const struct arch_vm *vm = from->vm;
	struct arch_vcpu *v;

	if (vm->nvcpus == 1)
		return;
	if (ipi->shorthand == APIC_DEST && !ipi->logical && ipi->dest < ARRAY_SIZE(vm->vcpu)) {
		v = vm->vcpu[ipi->dest]; /* nobody else has this ID: no guest changes one */
		if (v && v != from && (v->apic.base & APIC_BASE_EN))
			ipi_give(v, ipi);
		return;
	}
	if (ipi->mode == APIC_LOWEST) {
		v = ipi_lowest(vm, ipi, from);
		if (v)
			ipi_give(v, ipi);
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(vm->vcpu); i++) {
		v = vm->vcpu[i];
		if (v && v != from && ipi_meant(v, ipi))
			ipi_give(v, ipi);
	}
}

/* A message to several for one to take (SDM 3A, 11.11: lowest priority, or a hint to redirect): is it for @v? */
static bool ipi_redirected(const struct arch_vcpu *v, u64 addr)
{
	struct vlapic_ipi ipi = { .dest = (addr >> 12) & 0xff, .logical = addr & BIT(2), .shorthand = APIC_DEST };

	if (!ipi.logical && ipi.dest == 0xff)
		ipi.dest = ~0u;
	return ipi_lowest(v->vm, &ipi, NULL) == v;
}

bool arch_vcpu_msi(struct arch_vcpu *v, u64 addr, u32 data)
{
	struct vlapic_ipi ipi;
	bool one = ((data >> 8) & 7) == APIC_LOWEST || (addr & BIT(3));

	if (v->vm->nvcpus != 1 && one && !ipi_redirected(v, addr))
		return false;
	if (!vlapic_msi(&v->apic, addr, data, &ipi))
		return false;
	return !ipi.deassert && post_accept(v, ipi.mode, ipi.vector, ipi.level);
}
