/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/abort.h: what an abort of a guest's that comes to EL2 is about (Arm ARM, D19.2.40: ESR_EL2, its ISS). */
#ifndef ARCH_ARM64_ABORT_H
#define ARCH_ARM64_ABORT_H

#include "hv/lib/util.h"

#define ISS_ISV		BIT(24) /* data: the CPU has decoded the access                                    */
#define ISS_CM		BIT(8)	/* data: cache maintenance, or AT                                          */
#define ISS_S1PTW	BIT(7)	/* stage 2 has stopped the walk of the guest's own tables                  */
#define ISS_WNR		BIT(6)	/* data: a write                                                           */
#define FSC_TYPE	0x3cu	/* of the fault status; the two bits below are the level                   */
#define FSC_TRANSLATION 0x04u
#define FSC_ACCESS	0x08u
#define FSC_PERMISSION	0x0cu

static_assert((0x93800047u & (ISS_ISV | ISS_CM | ISS_S1PTW | ISS_WNR | FSC_TYPE)) ==
		      (ISS_ISV | ISS_WNR | FSC_TRANSLATION),
	      "a store that stage 2 has no page for, at level 3");

enum abort_kind {
	ABORT_ACCESS, /* the access itself: HPFAR_EL2 says where, but for a permission fault                */
	ABORT_WALK,   /* the walk for it: HPFAR_EL2 says where the table is that stage 2 has no page for    */
	ABORT_CACHE,  /* maintenance of caches by address: as an access, but it reads and writes nothing    */
	ABORT_BACK,   /* stage 2 has nothing to do with it, or the guest has its tables in a device         */
};

static inline bool abort_permission(u64 esr)
{
	return (esr & FSC_TYPE) == FSC_PERMISSION;
}

/** @esr: of a data or an instruction abort (whose ISS has 0 for what is data's) from a lower exception level. */
static inline enum abort_kind abort_kind(u64 esr)
{
	unsigned type = esr & FSC_TYPE;

	if (type != FSC_TRANSLATION && type != FSC_ACCESS && type != FSC_PERMISSION)
		return ABORT_BACK;
	if (esr & ISS_S1PTW) /* HCR_EL2.PTW: a walk of device memory has no permission */
		return type == FSC_PERMISSION ? ABORT_BACK : ABORT_WALK;
	return esr & ISS_CM ? ABORT_CACHE : ABORT_ACCESS;
}

#endif
