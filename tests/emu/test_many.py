# SPDX-License-Identifier: Apache-2.0
"""Machines with several CPUs and many guests at once."""

import re

import pytest

from conftest import EVERY, Desk

CPUS = ("--host-cpus", "4")
HEAD = "[machine]\npoweroff-when-done = no\n"
SMALL = {  # guests whose results no clock decides
    "x86_64": ["cpu", "io", "mmio", "memory", "pci", "hostile-portstorm", "hostile-msrstorm", "hostile-hypercall"],
    "arm64": ["cpu", "psci", "mmio", "memory", "pci", "hostile-sgi", "hostile-mmio", "hostile-hypercall"],
}
COMPLAINTS = r"BUG:|Oops|WARNING:|Call Trace|soft lockup|rcu.*stall|TRIVET-TEST-FAIL"


def machines(*names):
    return pytest.mark.parametrize("machine", [name for name in EVERY if name in names], indirect=True)


def linux(system, name, cpus=4):
    """A Debian guest with @cpus CPUs; its disk says that the reset is behind it already (tests/assets/tests/smp)."""
    system.linux("")
    system.file(f"{name}.img", b"rebooted".ljust(1 << 20, b"\0"))
    return (f"[vm {name}]\nkernel = vmlinuz\ninitrd = initrd.gz\nmemory = 192M\ncpus = {cpus}\ndisk = {name}.img\n"
            f"cmdline = console={system.tty} trivet.test=smp\n")


def assert_linux(desk, name, text, cpus):
    if not re.search(f"^online: 0-{cpus - 1}, in cpuinfo: {cpus}", text, re.M) or "TRIVET-TEST-PASS smp" not in text \
            or re.search(COMPLAINTS, text):
        desk.fail(f"Linux {name}:\n{text[-3000:]}")


def assert_done(desk, name, text):
    if re.search("^FAIL ", text, re.M) or not re.search(r"^DONE [1-9]\d* passed 0 failed", text, re.M):
        desk.fail(f"guest {name} is not DONE with 0 failed:\n{text[-2000:]}")


@machines("svm", "arm64", "arm64-nvhe-gic2")
def test_two_linux_guests_and_eight_small_ones(machine):
    """On 4 CPUs, all at once, each Linux with 4 CPUs: what it reckons on each of them and on all together is right."""
    small = SMALL[machine.arch]
    config = HEAD + linux(machine, "one") + linux(machine, "two") + "".join(machine.small(name) for name in small)
    desk = Desk(machine, "--config", machine.file("many.ini", config), *CPUS, seconds=400)
    desk.expect("trivet: 4 of 4 CPUs are up")
    desk.begin()
    names = ["one", "two", *small]
    desk.until_ended(names)
    text = desk.consoles(names)
    for name in small:
        assert_done(desk, name, text[name])
    for name in ("one", "two"):
        assert_linux(desk, name, text[name], 4)
    desk.power_off()


@machines("svm", "arm64")
def test_linux_with_more_cpus_than_there_are(machine):
    """8 CPUs on 4: each of ours has two of them, which wait for each other's interrupts and locks."""
    desk = Desk(machine, "--config", machine.file("eight.ini", HEAD + linux(machine, "eight", 8)), *CPUS)
    desk.expect("trivet: 4 of 4 CPUs are up")
    desk.begin()
    desk.until_ended(["eight"])
    assert_linux(desk, "eight", desk.consoles(["eight"])["eight"], 8)
    desk.power_off()


@machines("svm", "arm64")
def test_sixteen_small_guests(machine):
    small = SMALL[machine.arch]
    names = small + [f"{name}-2" for name in small]
    config = HEAD + "".join(machine.small(name.removesuffix("-2"), name) for name in names)
    desk = Desk(machine, "--config", machine.file("many.ini", config), *CPUS)
    desk.expect("trivet: 4 of 4 CPUs are up")
    desk.begin()
    desk.until_ended(names)
    text = desk.consoles(names)
    for name in names:
        assert_done(desk, name, text[name])
    desk.power_off()


@machines("vmx")
def test_two_small_smp_guests_on_vmx(machine):
    """Two CPUs in Bochs, two guests with two each."""
    config = HEAD + "".join(machine.small("smp", name, "cpus = 2") for name in ("one", "two"))
    desk = Desk(machine, "--config", machine.file("two.ini", config), "--host-cpus", "2")
    desk.expect("trivet: 2 of 2 CPUs are up")
    desk.begin()
    desk.until_ended(["one", "two"])
    for name, text in desk.consoles(["one", "two"]).items():
        assert_done(desk, name, text)
    desk.power_off()
