/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch/arm64/gic_regs.h: registers of the interrupt controller by their manuals' names: GICv2 (Arm IHI 0048B) and
 * GICv3 (IHI 0069). Memory-mapped ones are byte offsets in their frame.
 */
#ifndef ARCH_ARM64_GIC_REGS_H
#define ARCH_ARM64_GIC_REGS_H

#include "hv/lib/util.h"

/* Distributor, both versions. A GICv3's SGI frame has the banked ones at the same offsets. */
#define GICD_CTLR	      0x0000
#define GICD_TYPER	      0x0004
#define GICD_IGROUPR(n)	      (0x0080 + 4 * (n))
#define GICD_ISENABLER(n)     (0x0100 + 4 * (n))
#define GICD_ICENABLER(n)     (0x0180 + 4 * (n))
#define GICD_ICPENDR(n)	      (0x0280 + 4 * (n))
#define GICD_ISACTIVER(n)     (0x0300 + 4 * (n))
#define GICD_ICACTIVER(n)     (0x0380 + 4 * (n))
#define GICD_IPRIORITYR(n)    (0x0400 + 4 * (n))
#define GICD_ITARGETSR(n)     (0x0800 + 4 * (n)) /* GICv2                              */
#define GICD_ICFGR(n)	      (0x0c00 + 4 * (n))
#define GICD_SGIR	      0x0f00		 /* GICv2                              */
#define GICD_IGRPMODR(n)      (0x0d00 + 4 * (n)) /* GICv3                              */
#define GICD_ICENABLERE(n)    (0x1400 + 4 * (n)) /* GICv3.1, extended SPIs             */
#define GICD_IROUTER(n)	      (0x6000 + 8 * (n)) /* GICv3, n is the INTID              */
#define GICD_PIDR2	      0xffe8		 /* GICv3                              */
#define GICD_CTLR_ENABLE      BIT(0)		 /* GICv2: all that this world can see */
#define GICD_CTLR_ENABLEGRP1A BIT(1)		 /* GICv3, with DS = 1: EnableGrp1     */
#define GICD_CTLR_ARE_NS      BIT(4)		 /* with DS = 1: ARE                   */
#define GICD_CTLR_RWP	      BIT(31)
#define GICD_TYPER_ITLINES    BITS(4, 0)
#define GICD_TYPER_ESPI	      BIT(8)
#define GICD_TYPER_RSS	      BIT(26)
#define GICD_SGIR_TARGETS     BITS(23, 16)
#define GICD_TYPER_ESPI_RANGE BITS(31, 27)
#define GICD_PIDR2_ARCHREV    BITS(7, 4)

/* Redistributor: two frames of 64 KiB, with GICv4 four. */
#define GICR_CTLR	      0x0000
#define GICR_TYPER	      0x0008
#define GICR_WAKER	      0x0014
#define GICR_SGI_BASE	      0x10000
#define GICR_SIZE	      0x20000
#define GICR_SIZE_V4	      0x40000
#define GICR_CTLR_ENABLE_LPIS BIT(0)
#define GICR_CTLR_RWP	      BIT(3)
#define GICR_TYPER_VLPIS      BIT(1)
#define GICR_TYPER_LAST	      BIT(4)
#define GICR_TYPER_AFFINITY   BITS(63, 32)
#define GICR_WAKER_SLEEP      BIT(1) /* ProcessorSleep */
#define GICR_WAKER_ASLEEP     BIT(2) /* ChildrenAsleep */

/* GICv2's CPU interface. */
#define GICC_CTLR	  0x0000
#define GICC_PMR	  0x0004
#define GICC_BPR	  0x0008
#define GICC_IAR	  0x000c
#define GICC_EOIR	  0x0010
#define GICC_APR(n)	  (0x00d0 + 4 * (n))
#define GICC_NSAPR(n)	  (0x00e0 + 4 * (n))
#define GICC_IIDR	  0x00fc
#define GICC_DIR	  0x1000
#define GICC_SIZE	  0x2000
#define GICC_CTLR_ENABLE  BIT(0) /* EnableGrp1 as the non-secure world sees it, else EnableGrp0 */
#define GICC_CTLR_BYPASS  BITS(8, 5)
#define GICC_CTLR_EOIMODE BIT(9) /* EOImodeNS likewise, else EOImode                            */
#define GICC_IIDR_ARCH	  BITS(19, 16)
#define GICC_IIDR_PRODUCT BITS(31, 20)

/* GICv2's virtual interface control. */
#define GICH_HCR	   0x0000
#define GICH_VTR	   0x0004
#define GICH_VMCR	   0x0008
#define GICH_EISR0	   0x0020 /* ended, with EOI set */
#define GICH_ELRSR0	   0x0030
#define GICH_APR	   0x00f0
#define GICH_LR(n)	   (0x0100 + 4 * (n))
#define GICH_SIZE	   0x0200
#define GICH_VTR_LISTREGS  BITS(5, 0)
#define GICH_LR_VIRTUALID  BITS(9, 0)
#define GICH_LR_PHYSICALID BITS(19, 10) /* HW = 1                        */
#define GICH_LR_CPUID	   BITS(12, 10) /* HW = 0, an SGI                */
#define GICH_LR_EOI	   BIT(19)	/* HW = 0                        */
#define GICH_LR_PRIORITY   BITS(27, 23) /* the upper 5 of 8 bits         */
#define GICH_LR_PENDING	   BIT(28)
#define GICH_LR_ACTIVE	   BIT(29)
#define GICH_LR_GRP1	   BIT(30)
#define GICH_LR_HW	   BIT(31)

/* GICv3's CPU interface. */
#define ICC_PMR_EL1	   S3_0_C4_C6_0
#define ICC_AP1R0_EL1	   S3_0_C12_C9_0
#define ICC_AP1R1_EL1	   S3_0_C12_C9_1
#define ICC_AP1R2_EL1	   S3_0_C12_C9_2
#define ICC_AP1R3_EL1	   S3_0_C12_C9_3
#define ICC_DIR_EL1	   S3_0_C12_C11_1
#define ICC_SGI1R_EL1	   S3_0_C12_C11_5
#define ICC_IAR1_EL1	   S3_0_C12_C12_0
#define ICC_EOIR1_EL1	   S3_0_C12_C12_1
#define ICC_BPR1_EL1	   S3_0_C12_C12_3
#define ICC_CTLR_EL1	   S3_0_C12_C12_4
#define ICC_SRE_EL1	   S3_0_C12_C12_5
#define ICC_IGRPEN1_EL1	   S3_0_C12_C12_7
#define ICC_SRE_EL2	   S3_4_C12_C9_5
#define ICC_CTLR_EOIMODE   BIT(1)
#define ICC_CTLR_PRIBITS   BITS(10, 8) /* less 1 */
#define ICC_CTLR_RSS	   BIT(18)
#define ICC_IGRPEN1_ENABLE BIT(0)
#define ICC_SGI_AFF3	   BITS(55, 48)
#define ICC_SGI_RS	   BITS(47, 44)
#define ICC_SGI_AFF2	   BITS(39, 32)
#define ICC_SGI_INTID	   BITS(27, 24)
#define ICC_SGI_AFF1	   BITS(23, 16)
#define ICC_SGI_TARGETS	   BITS(15, 0)
#define ICC_SRE_SRE	   BIT(0)
#define ICC_SRE_DFB	   BIT(1)
#define ICC_SRE_DIB	   BIT(2)
#define ICC_SRE_ENABLE	   BIT(3) /* EL2's: EL1 reaches ICC_SRE_EL1 */

/* GICv3's virtual interface control. */
#define ICH_AP0R0_EL2	 S3_4_C12_C8_0
#define ICH_AP0R1_EL2	 S3_4_C12_C8_1
#define ICH_AP0R2_EL2	 S3_4_C12_C8_2
#define ICH_AP0R3_EL2	 S3_4_C12_C8_3
#define ICH_AP1R0_EL2	 S3_4_C12_C9_0
#define ICH_AP1R1_EL2	 S3_4_C12_C9_1
#define ICH_AP1R2_EL2	 S3_4_C12_C9_2
#define ICH_AP1R3_EL2	 S3_4_C12_C9_3
#define ICH_HCR_EL2	 S3_4_C12_C11_0
#define ICH_VTR_EL2	 S3_4_C12_C11_1
#define ICH_EISR_EL2	 S3_4_C12_C11_3 /* ended, with EOI set */
#define ICH_ELRSR_EL2	 S3_4_C12_C11_5
#define ICH_VMCR_EL2	 S3_4_C12_C11_7
#define ICH_LR0_EL2	 S3_4_C12_C12_0
#define ICH_LR1_EL2	 S3_4_C12_C12_1
#define ICH_LR2_EL2	 S3_4_C12_C12_2
#define ICH_LR3_EL2	 S3_4_C12_C12_3
#define ICH_LR4_EL2	 S3_4_C12_C12_4
#define ICH_LR5_EL2	 S3_4_C12_C12_5
#define ICH_LR6_EL2	 S3_4_C12_C12_6
#define ICH_LR7_EL2	 S3_4_C12_C12_7
#define ICH_LR8_EL2	 S3_4_C12_C13_0
#define ICH_LR9_EL2	 S3_4_C12_C13_1
#define ICH_LR10_EL2	 S3_4_C12_C13_2
#define ICH_LR11_EL2	 S3_4_C12_C13_3
#define ICH_LR12_EL2	 S3_4_C12_C13_4
#define ICH_LR13_EL2	 S3_4_C12_C13_5
#define ICH_LR14_EL2	 S3_4_C12_C13_6
#define ICH_LR15_EL2	 S3_4_C12_C13_7
#define ICH_VTR_LISTREGS BITS(4, 0)   /* less 1 */
#define ICH_VTR_PREBITS	 BITS(28, 26) /* less 1 */
#define ICH_LR_VINTID	 BITS(31, 0)
#define ICH_LR_PINTID	 BITS(44, 32) /* HW = 1 */
#define ICH_LR_EOI	 BIT(41)      /* HW = 0 */
#define ICH_LR_PRIORITY	 BITS(55, 48)
#define ICH_LR_GROUP	 BIT(60)
#define ICH_LR_HW	 BIT(61)
#define ICH_LR_PENDING	 BIT(62)
#define ICH_LR_ACTIVE	 BIT(63)

/* ICH_HCR_EL2 and GICH_HCR have these in the same place. */
#define GICH_HCR_EN	  BIT(0)
#define GICH_HCR_UIE	  BIT(1) /* underflow: none or one list register holds something */
#define GICH_HCR_LRENPIE  BIT(2) /* EOIcount is not 0 */
#define GICH_HCR_EOICOUNT BITS(31, 27)

/* The timer's PPI 27, priority A0h, pending, group 1, deactivated with the guest's end of it. */
static_assert((ICH_LR_HW | ICH_LR_GROUP | ICH_LR_PENDING | FIELD_PUT(ICH_LR_PRIORITY, 0xa0) |
	       FIELD_PUT(ICH_LR_PINTID, 27) | 27) == 0x70a0001b0000001bu,
	      "ICH_LR");
static_assert((GICH_LR_HW | GICH_LR_GRP1 | GICH_LR_PENDING | FIELD_PUT(GICH_LR_PRIORITY, 0xa0 >> 3) |
	       FIELD_PUT(GICH_LR_PHYSICALID, 27) | 27) == 0xda006c1bu,
	      "GICH_LR");

#endif
