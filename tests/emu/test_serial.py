# SPDX-License-Identifier: Apache-2.0
"""A PC whose console is not COM1: what ACPI's SPCR table names, and a PCI card."""

import pytest

from conftest import Desk


@pytest.mark.parametrize("serial", ["com2", "pci"])
def test_the_service_console_hears_and_speaks(svm, serial):
    desk = Desk(svm, "--serial", serial, "--config", svm.file("idle.ini", svm.small("hostile-idle")))
    desk.expect("trivet: hypervisor, ABI")
    desk.begin()
    assert "hostile-idle" in desk.command("vms")
    desk.audit()
    desk.power_off()


def test_a_panic_is_told_there(svm):
    result = svm.run("--serial", "pci", "--hypervisor-append", "fault-test", "--config", svm.file("one.ini", svm.small("busy")))
    result.assert_failed("^trivet: PANIC: exception 14", "^  perhaps called from")
