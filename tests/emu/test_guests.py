# SPDX-License-Identifier: Apache-2.0
"""The small test guests (guest/test/): each says PASS or FAIL for each of its tests and DONE at its end.

Some hostile ones have no such end: those crash, or spin, and nothing else may notice.
"""

import re

import pexpect
import pytest

from conftest import BUILD

CRASHING = {"hostile-triple", "hostile-wildjump"}
SPINNING = "hostile-cliloop"
GUESTS = sorted(path for path in (BUILD / "guest-test").glob("*.elf") if path.stem not in {*CRASHING, SPINNING})
SECONDS = {"svm": 180, "vmx": 600}


def configure(system, name):
    """A configuration with the test guest @name and a disk."""
    system.file(f"{name}.elf", (BUILD / "guest-test" / f"{name}.elf").read_bytes())
    system.disk(mib=1)
    return system.file("guest.ini", f"[machine]\npoweroff-when-done = yes\n[vm {name}]\nkernel = {name}.elf\n"
                       f"memory = 64M\ncmdline = {system.name}\ndisk = disk.img\nrng = yes\n")


@pytest.mark.parametrize("guest", GUESTS, ids=lambda path: path.stem)
def test_guest(machine, guest):
    # Counted instructions are the clock where that can be had: how busy this machine is decides nothing then.
    count = ["--count"] if machine.name == "svm" else []
    result = machine.run("--config", configure(machine, guest.stem), *count, seconds=SECONDS[machine.name])
    failures = re.findall(r"^FAIL .*", result.console, re.M)
    assert not failures
    done = re.search(r"^DONE (\d+) passed,? (\d+) failed", result.console, re.M)
    assert done, f"no DONE line; {result.last}\n{result.console[-2000:]}"
    assert int(done[1]) > 0 and int(done[2]) == 0
    result.assert_passed()
    result.assert_audited()


@pytest.mark.parametrize("name", sorted(CRASHING))
def test_guest_that_crashes_stops_with_its_reason(machine, name):
    result = machine.run("--config", configure(machine, name), seconds=SECONDS[machine.name])
    result.assert_failed("^EXPECT ", f"^trivet: guest {name} crashed: ")
    result.assert_audited()


def test_guest_that_spins_leaves_the_console_alive(machine):
    child = machine.console("--config", configure(machine, SPINNING))
    child.expect("EXPECT cli-loop")
    child.send("\x01s")
    child.send("vms\r")
    child.expect(f"{SPINNING} +running", timeout=SECONDS[machine.name])
    child.send("\x1d")
    child.expect("ended from the keyboard")
    child.expect(pexpect.EOF)
    child.close()
