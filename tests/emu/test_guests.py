# SPDX-License-Identifier: Apache-2.0
"""The small test guests (guest/test/): each says PASS or FAIL for each of its tests and DONE at its end."""

import re

import pytest

from conftest import BUILD

GUESTS = sorted((BUILD / "guest-test").glob("*.elf"))


@pytest.mark.parametrize("guest", GUESTS, ids=lambda path: path.stem)
def test_guest(machine, guest):
    machine.file(guest.name, guest.read_bytes())
    config = machine.file("guest.ini", f"[machine]\npoweroff-when-done = yes\n[vm {guest.stem}]\n"
                          f"kernel = {guest.name}\nmemory = 64M\ncmdline = {machine.name}\n")
    result = machine.run("--config", config, seconds=300 if machine.name == "vmx" else 60)
    failures = re.findall(r"^FAIL .*", result.console, re.M)
    assert not failures
    done = re.search(r"^DONE (\d+) passed,? (\d+) failed", result.console, re.M)
    assert done, f"no DONE line; {result.last}\n{result.console[-2000:]}"
    assert int(done[1]) > 0 and int(done[2]) == 0
    result.assert_passed()
