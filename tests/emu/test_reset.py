# SPDX-License-Identifier: Apache-2.0
"""The hypervisor's last words are told after a warm reset, which the monitor makes as a reset button would."""

import pexpect
import pytest

import screen
from conftest import EVERY

TOLD = "trivet: the last start ended in {}. Its last words:"


def run(machine, *args):
    """A running machine with a guest that does not end, and its monitor."""
    socket = machine.folder / "qmp"
    config = machine.file("spin.ini", machine.small("busy"))
    child = machine.console("--config", config, f"--qemu=-qmp unix:{socket},server=on,wait=off", *args)
    monitor = screen.Monitor(socket)
    monitor.call("set-action", reboot="reset")  # the launcher tells QEMU to end instead
    return child, monitor


def lines(child):
    return child.before.replace("\r", "").splitlines()


@pytest.mark.parametrize("machine, firmware", [(name, firmware) for name in EVERY if name in ("svm", "arm64")
                                               for firmware in ("plain", "uefi")], indirect=["machine"])
def test_what_a_reset_cut_off_is_told(machine, firmware):
    child, monitor = run(machine, *(["--firmware", "uefi"] if firmware == "uefi" else []))
    child.expect("trivet: guest busy")
    assert "last words" not in child.before
    first = lines(child)
    monitor.call("system_reset")
    child.expect_exact(TOLD.format("silence"))
    child.expect("trivet: guest busy")
    told = [line[2:] for line in lines(child) if line.startswith("| ")]
    assert len(told) >= 3 and all(line in first for line in told), told
    child.send("\x1d")


@pytest.mark.parametrize("machine", [name for name in EVERY if name == "arm64"], indirect=True)
def test_a_panic_is_told_after_a_reset(machine):
    child, monitor = run(machine, "--hypervisor-append", "panic-test")
    child.expect(r"trivet: PANIC: ([^\r]*)\r")
    reason = child.match[1]
    child.expect("perhaps called from")
    monitor.call("system_reset")
    child.expect_exact(TOLD.format("a panic"))
    child.expect_exact("| trivet: PANIC: " + reason)
    child.expect_exact("|   perhaps called from")
    child.expect("trivet: PANIC: ")
    child.send("\x1d")


def test_a_machine_check_names_its_bank(svm):
    """While both CPUs idle: QEMU's monitor raises an uncorrected error (bits VALID, UC, EN, MISCV, ADDRV) of the cache."""
    config = svm.file("idle.ini", svm.small("hostile-idle"))
    socket = svm.folder / "qmp"
    child = svm.console("--config", config, "--host-cpus", "2", f"--qemu=-qmp unix:{socket},server=on,wait=off")
    monitor = screen.Monitor(socket)
    child.expect("EXPECT idle")
    said = monitor.call("human-monitor-command", **{"command-line": "mce 1 4 0xbc00000000000152 0x5 0xdeadbe00 0x8c"})
    assert said == ""
    child.expect_exact("trivet: PANIC: machine check in the hypervisor")
    child.expect_exact("bank 4: uncorrected, cache, status bc00000000000152 address deadbe00 misc 8c")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1
