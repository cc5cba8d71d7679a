// SPDX-License-Identifier: Apache-2.0
// tests/unit/firmware.asl: tables for test_acpi_end.c, one for each name that is defined (iasl -D NAME). All but the SSDT are a
// DSDT. Port 80h hears what runs.

#ifdef ssdt
DefinitionBlock ("", "SSDT", 2, "TRIVET", "TEST", 1)
#else
DefinitionBlock ("", "DSDT", 2, "TRIVET", "TEST", 1)
#endif
{
#ifdef ssdt
    External (\OUT, IntObj)
#else
    OperationRegion (\OUTR, SystemIO, 0x80, 1)
    Field (\OUTR, ByteAcc, NoLock, Preserve) { OUT, 8 }
#endif

#ifdef method
    // No Package stands behind the name: a search for one finds nothing.
    Method (\_S5, 0) { Return (Package () { 5, 6, 0, 0 }) }
    Method (\_PTS, 1) { OUT = Arg0 }
    Scope (\_SB) { Method (_INI, 0) { OUT = 0x11 } }
#endif

#ifdef bare
    Name (\HERE, 1)
#endif
#ifdef ssdt
    Name (\_S5, Package () { 3, 3, 0, 0 })
    Method (\_PTS, 1) { OUT = Arg0 + 0x40 }
#endif

#ifdef loop
    Method (\_PTS, 1) { While (One) { } }
#endif
#ifdef loops
    // Each is let go after a while; there are more of them than anyone would wait for.
    Method (\LOOP, 0) { While (One) { OUT = 1 } }
    Method (\_PTS, 1) { For (Local0 = 0, Local0 < 1000000, Local0++) { LOOP () } }
#endif
#ifdef sleep
    // Two seconds each is the most that is granted, and not in a loop.
    Method (\REST, 0) { Sleep (0xffffffff) Stall (100) }
    Method (\_PTS, 1) { REST (); REST (); REST (); REST (); REST (); REST (); REST (); REST (); OUT = Arg0 }
#endif
#ifdef huge
    Method (\_PTS, 1) { Local0 = 0x7ffffff0 Local1 = Buffer (Local0) { } OUT = SizeOf (Local1) }
#endif
#ifdef hoard
    // Each piece is small, and they are all kept.
    Name (\KEEP, Package (200) { })
    Method (\_PTS, 1) { For (Local0 = 0, Local0 < 200, Local0++) { KEEP [Local0] = Buffer (0x100000) { } } OUT = 0x22 }
#endif
#ifdef deep
    Method (\DEEP, 1, Serialized) { Return (DEEP (Arg0 + 1)) }
    Method (\_PTS, 1) { DEEP (0) OUT = 0x22 }
#endif
#ifdef ram
    // The other side's memory.
    OperationRegion (\RAMR, SystemMemory, 0x30000000, 0x1000)
    Field (\RAMR, DWordAcc, NoLock, Preserve) { RAM, 32 }
    Method (\_PTS, 1) { RAM = 0xdeadbeef OUT = 0x22 }
#endif
#ifdef nowhere
    OperationRegion (\FARR, SystemMemory, 0x123456789000, 0x1000)
    Field (\FARR, DWordAcc, NoLock, Preserve) { FAR, 32 }
    Method (\_PTS, 1) { Local0 = FAR OUT = 0x22 }
#endif
#ifdef irqchip
    OperationRegion (\APIR, SystemMemory, 0xfee00000, 0x1000)
    Field (\APIR, DWordAcc, NoLock, Preserve) { API, 32 }
    Method (\_PTS, 1) { API = 0 OUT = 0x22 }
#endif
#ifdef own
    // Firmware's own memory, and a PCI function's register.
    OperationRegion (\OWNR, SystemMemory, 0x20008000, 0x1000)
    Field (\OWNR, DWordAcc, NoLock, Preserve) { OWN, 32 }
    Device (\_SB.PCI0)
    {
        Name (_HID, EisaId ("PNP0A03"))
        Device (FUNC)
        {
            Name (_ADR, 0x001f0003)
            OperationRegion (CFGR, PCI_Config, 0x40, 4)
            Field (CFGR, WordAcc, NoLock, Preserve) { Offset (2), CFG, 16 }
        }
    }
    Method (\_PTS, 1) { OWN = 0x600dd00d \_SB.PCI0.FUNC.CFG = 0x4321 OUT = Arg0 }
#endif

#ifndef method
#ifndef bare
#ifndef ssdt
    Name (\_S5, Package () { 5, 5, 0, 0 })
#endif
#endif
#endif
}
