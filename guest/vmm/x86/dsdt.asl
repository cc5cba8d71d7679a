// SPDX-License-Identifier: Apache-2.0
// guest/vmm/x86/dsdt.asl: a guest's PC for ACPI. What pc.h and acpi_pm.h say in C is said here again.
DefinitionBlock ("", "DSDT", 2, "TRIVET", "TRIVETPC", 1)
{
	// From the SSDT that acpi.c writes: the 64-bit PCI window as a resource template, and whether COM1 is there.
	External (\W64R, BuffObj)
	External (\COM1, IntObj)

	Name (\_S5, Package () { 5, 5, 0, 0 })

	Scope (\_SB)
	{
		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A08"))
			Name (_CID, EisaId ("PNP0A03"))
			Name (_UID, 0)
			Name (_SEG, 0)
			Name (_BBN, 0)

			Name (CRES, ResourceTemplate ()
			{
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode, 0, 0, 0, 0, 1)
				IO (Decode16, 0x0CF8, 0x0CF8, 1, 8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, 0xC000, 0xFFFF, 0, 0x4000)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
					0, 0xC0000000, 0xDFFFFFFF, 0, 0x20000000)
				// Where SeaBIOS puts BARs, below the I/O APIC.
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
					0, 0xE0100000, 0xFEBFFFFF, 0, 0x1EB00000)
			})
			Method (_CRS, 0, Serialized)
			{
				Return (ConcatenateResTemplate (CRES, W64R))
			}

			// Any _OSC: native hot plug and the like are not there; give the rest.
			Method (_OSC, 4)
			{
				CreateDWordField (Arg3, 0, CDW1)
				If (Arg0 == ToUUID ("33db4d5b-1ff7-401c-9657-7441c03dd766"))
				{
					CreateDWordField (Arg3, 8, CDW3)
					CDW3 &= 0x10
				}
				Else
				{
					CDW1 |= 4
				}
				Return (Arg3)
			}

			// INTx: GSI 16 + (device + pin) % 8, as pc_intx_gsi().
			Name (_PRT, Package ()
			{
				Package () { 0x0000FFFF, 0, 0, 16 }, Package () { 0x0000FFFF, 1, 0, 17 }, Package () { 0x0000FFFF, 2, 0, 18 }, Package () { 0x0000FFFF, 3, 0, 19 },
				Package () { 0x0001FFFF, 0, 0, 17 }, Package () { 0x0001FFFF, 1, 0, 18 }, Package () { 0x0001FFFF, 2, 0, 19 }, Package () { 0x0001FFFF, 3, 0, 20 },
				Package () { 0x0002FFFF, 0, 0, 18 }, Package () { 0x0002FFFF, 1, 0, 19 }, Package () { 0x0002FFFF, 2, 0, 20 }, Package () { 0x0002FFFF, 3, 0, 21 },
				Package () { 0x0003FFFF, 0, 0, 19 }, Package () { 0x0003FFFF, 1, 0, 20 }, Package () { 0x0003FFFF, 2, 0, 21 }, Package () { 0x0003FFFF, 3, 0, 22 },
				Package () { 0x0004FFFF, 0, 0, 20 }, Package () { 0x0004FFFF, 1, 0, 21 }, Package () { 0x0004FFFF, 2, 0, 22 }, Package () { 0x0004FFFF, 3, 0, 23 },
				Package () { 0x0005FFFF, 0, 0, 21 }, Package () { 0x0005FFFF, 1, 0, 22 }, Package () { 0x0005FFFF, 2, 0, 23 }, Package () { 0x0005FFFF, 3, 0, 16 },
				Package () { 0x0006FFFF, 0, 0, 22 }, Package () { 0x0006FFFF, 1, 0, 23 }, Package () { 0x0006FFFF, 2, 0, 16 }, Package () { 0x0006FFFF, 3, 0, 17 },
				Package () { 0x0007FFFF, 0, 0, 23 }, Package () { 0x0007FFFF, 1, 0, 16 }, Package () { 0x0007FFFF, 2, 0, 17 }, Package () { 0x0007FFFF, 3, 0, 18 },
				Package () { 0x0008FFFF, 0, 0, 16 }, Package () { 0x0008FFFF, 1, 0, 17 }, Package () { 0x0008FFFF, 2, 0, 18 }, Package () { 0x0008FFFF, 3, 0, 19 },
				Package () { 0x0009FFFF, 0, 0, 17 }, Package () { 0x0009FFFF, 1, 0, 18 }, Package () { 0x0009FFFF, 2, 0, 19 }, Package () { 0x0009FFFF, 3, 0, 20 },
				Package () { 0x000AFFFF, 0, 0, 18 }, Package () { 0x000AFFFF, 1, 0, 19 }, Package () { 0x000AFFFF, 2, 0, 20 }, Package () { 0x000AFFFF, 3, 0, 21 },
				Package () { 0x000BFFFF, 0, 0, 19 }, Package () { 0x000BFFFF, 1, 0, 20 }, Package () { 0x000BFFFF, 2, 0, 21 }, Package () { 0x000BFFFF, 3, 0, 22 },
				Package () { 0x000CFFFF, 0, 0, 20 }, Package () { 0x000CFFFF, 1, 0, 21 }, Package () { 0x000CFFFF, 2, 0, 22 }, Package () { 0x000CFFFF, 3, 0, 23 },
				Package () { 0x000DFFFF, 0, 0, 21 }, Package () { 0x000DFFFF, 1, 0, 22 }, Package () { 0x000DFFFF, 2, 0, 23 }, Package () { 0x000DFFFF, 3, 0, 16 },
				Package () { 0x000EFFFF, 0, 0, 22 }, Package () { 0x000EFFFF, 1, 0, 23 }, Package () { 0x000EFFFF, 2, 0, 16 }, Package () { 0x000EFFFF, 3, 0, 17 },
				Package () { 0x000FFFFF, 0, 0, 23 }, Package () { 0x000FFFFF, 1, 0, 16 }, Package () { 0x000FFFFF, 2, 0, 17 }, Package () { 0x000FFFFF, 3, 0, 18 },
				Package () { 0x0010FFFF, 0, 0, 16 }, Package () { 0x0010FFFF, 1, 0, 17 }, Package () { 0x0010FFFF, 2, 0, 18 }, Package () { 0x0010FFFF, 3, 0, 19 },
				Package () { 0x0011FFFF, 0, 0, 17 }, Package () { 0x0011FFFF, 1, 0, 18 }, Package () { 0x0011FFFF, 2, 0, 19 }, Package () { 0x0011FFFF, 3, 0, 20 },
				Package () { 0x0012FFFF, 0, 0, 18 }, Package () { 0x0012FFFF, 1, 0, 19 }, Package () { 0x0012FFFF, 2, 0, 20 }, Package () { 0x0012FFFF, 3, 0, 21 },
				Package () { 0x0013FFFF, 0, 0, 19 }, Package () { 0x0013FFFF, 1, 0, 20 }, Package () { 0x0013FFFF, 2, 0, 21 }, Package () { 0x0013FFFF, 3, 0, 22 },
				Package () { 0x0014FFFF, 0, 0, 20 }, Package () { 0x0014FFFF, 1, 0, 21 }, Package () { 0x0014FFFF, 2, 0, 22 }, Package () { 0x0014FFFF, 3, 0, 23 },
				Package () { 0x0015FFFF, 0, 0, 21 }, Package () { 0x0015FFFF, 1, 0, 22 }, Package () { 0x0015FFFF, 2, 0, 23 }, Package () { 0x0015FFFF, 3, 0, 16 },
				Package () { 0x0016FFFF, 0, 0, 22 }, Package () { 0x0016FFFF, 1, 0, 23 }, Package () { 0x0016FFFF, 2, 0, 16 }, Package () { 0x0016FFFF, 3, 0, 17 },
				Package () { 0x0017FFFF, 0, 0, 23 }, Package () { 0x0017FFFF, 1, 0, 16 }, Package () { 0x0017FFFF, 2, 0, 17 }, Package () { 0x0017FFFF, 3, 0, 18 },
				Package () { 0x0018FFFF, 0, 0, 16 }, Package () { 0x0018FFFF, 1, 0, 17 }, Package () { 0x0018FFFF, 2, 0, 18 }, Package () { 0x0018FFFF, 3, 0, 19 },
				Package () { 0x0019FFFF, 0, 0, 17 }, Package () { 0x0019FFFF, 1, 0, 18 }, Package () { 0x0019FFFF, 2, 0, 19 }, Package () { 0x0019FFFF, 3, 0, 20 },
				Package () { 0x001AFFFF, 0, 0, 18 }, Package () { 0x001AFFFF, 1, 0, 19 }, Package () { 0x001AFFFF, 2, 0, 20 }, Package () { 0x001AFFFF, 3, 0, 21 },
				Package () { 0x001BFFFF, 0, 0, 19 }, Package () { 0x001BFFFF, 1, 0, 20 }, Package () { 0x001BFFFF, 2, 0, 21 }, Package () { 0x001BFFFF, 3, 0, 22 },
				Package () { 0x001CFFFF, 0, 0, 20 }, Package () { 0x001CFFFF, 1, 0, 21 }, Package () { 0x001CFFFF, 2, 0, 22 }, Package () { 0x001CFFFF, 3, 0, 23 },
				Package () { 0x001DFFFF, 0, 0, 21 }, Package () { 0x001DFFFF, 1, 0, 22 }, Package () { 0x001DFFFF, 2, 0, 23 }, Package () { 0x001DFFFF, 3, 0, 16 },
				Package () { 0x001EFFFF, 0, 0, 22 }, Package () { 0x001EFFFF, 1, 0, 23 }, Package () { 0x001EFFFF, 2, 0, 16 }, Package () { 0x001EFFFF, 3, 0, 17 },
				Package () { 0x001FFFFF, 0, 0, 23 }, Package () { 0x001FFFFF, 1, 0, 16 }, Package () { 0x001FFFFF, 2, 0, 17 }, Package () { 0x001FFFFF, 3, 0, 18 }
			})

			Device (ISA)
			{
				Name (_ADR, 0x001F0000)

				Device (RTC)
				{
					Name (_HID, EisaId ("PNP0B00"))
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0070, 0x0070, 1, 2)
						IRQNoFlags () { 8 }
					})
				}

				Device (PIC)
				{
					Name (_HID, EisaId ("PNP0000"))
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0020, 0x0020, 1, 2)
						IO (Decode16, 0x00A0, 0x00A0, 1, 2)
						IO (Decode16, 0x04D0, 0x04D0, 1, 2)
						IRQNoFlags () { 2 }
					})
				}

				Device (PIT)
				{
					Name (_HID, EisaId ("PNP0100"))
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0040, 0x0040, 1, 4)
						IRQNoFlags () { 0 }
					})
				}

				Device (COMA)
				{
					Name (_HID, EisaId ("PNP0501"))
					Name (_UID, 1)
					Method (_STA, 0)
					{
						If (COM1)
						{
							Return (0x0F)
						}
						Return (0)
					}
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x03F8, 0x03F8, 1, 8)
						IRQNoFlags () { 4 }
					})
				}
			}
		}

		// What nobody else may take: ECAM, power management, fw_cfg.
		Device (MRES)
		{
			Name (_HID, EisaId ("PNP0C02"))
			Name (_UID, 1)
			Name (_CRS, ResourceTemplate ()
			{
				Memory32Fixed (ReadWrite, 0xE0000000, 0x00100000)
				IO (Decode16, 0x0600, 0x0600, 1, 16)
			})
		}

		Device (PANC)
		{
			Name (_HID, "QEMU0001")
			Name (_STA, 0x0B)
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, 0x0505, 0x0505, 1, 1)
			})
		}

		Device (FWCF)
		{
			Name (_HID, "QEMU0002")
			Name (_STA, 0x0B)
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, 0x0510, 0x0510, 1, 12)
			})
		}
	}
}
