# SPDX-License-Identifier: Apache-2.0
"""At the machine's end firmware's own code runs: an SSDT that QEMU adds says so on its debug console."""

import subprocess

import pytest

PTS = """
DefinitionBlock ("", "SSDT", 2, "TRIVET", "POWEROFF", 1)
{
    OperationRegion (\\TVTR, SystemIO, 0x402, 1)
    Field (\\TVTR, ByteAcc, NoLock, Preserve) { TVTO, 8 }
    Method (\\_PTS, 1)
    {
        TVTO = 0x7b TVTO = Arg0 + 0x30 TVTO = 0x7d
        %s
    }
}
"""


def end(svm, more):
    """What was on the debug console, and how the run ended."""
    source, debug = svm.file("pts.asl", PTS % more), svm.folder / "debug.log"
    subprocess.run(["iasl", source.name], cwd=svm.folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    config = svm.file("cpu.ini", "[machine]\npoweroff-when-done = yes\n" + svm.small("cpu"))
    result = svm.run("--config", config, f"--qemu=-acpitable file={svm.folder}/pts.aml -debugcon file:{debug} "
                     "-global isa-debugcon.iobase=0x402")
    return debug.read_text(errors="replace"), result


def test_pts_runs_before_the_power_is_off(svm):
    debug, result = end(svm, "")
    result.assert_passed()
    assert debug.count("{5}") == 1 and debug.rstrip().endswith("{5}")
    assert "ACPI:" not in result.console


@pytest.mark.parametrize("more, why", [("While (One) { }", "AE_"), ("Local0 = 0x7ffffff0 Local1 = Buffer (Local0) { }", "AE_NO_MEMORY")],
                         ids=["endless", "huge"])
def test_hostile_code_does_not_keep_the_power_on(svm, more, why):
    debug, result = end(svm, more)
    result.assert_passed(rf"trivet: ACPI: _S5 or _PTS: {why}\w*; powering off without")
    assert "{5}" in debug
