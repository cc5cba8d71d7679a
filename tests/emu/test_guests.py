# SPDX-License-Identifier: Apache-2.0
"""The small test guests (guest/test/): each says PASS or FAIL for each of its tests and DONE at its end.

Some hostile ones have no such end: those crash, or spin, and nothing else may notice.
"""

import re

import pexpect
import pytest

from conftest import EVERY, MACHINES, ROOT, SOURCES, Desk

CRASHING = {"x86_64": {"hostile-triple", "hostile-wildjump", "hostile-dead"}, "arm64": set()}
ENDLESS = {"hostile-exitstorm", "hostile-bellstorm", "hostile-idle"}
SPINNING = {"x86_64": ENDLESS | {"hostile-cliloop"}, "arm64": ENDLESS | {"hostile-spin", "hostile-wfiloop", "hostile-stackloop"}}
BESIDE = ("svm", "vmx", "arm64", "arm64-nvhe-gic2")  # where two guests share the CPU: each kind of context once
SUFFIX = {"x86_64": ".elf", "arm64": ".Image"}
# Two at once on one CPU: the first one's results count, while the second one's interrupts and timers come in between.
PAIRS = {"x86_64": set(), "arm64": {("timer", "gic"), ("gic", "timer"), ("timer", "timer"), ("gic", "hostile-sgi")}}
SECONDS = {"vmx": 600}  # others 180
CPUS = {"x86_64": {"smp": 2, "bench": 2, "hostile-dead": 2}, "arm64": {"smp": 4, "bench": 2}}  # others 1


def guests(arch):
    """The names of an architecture's test guests: its own and the portable ones."""
    folder = ROOT / "guest" / "test"
    return sorted(path.stem[2:] for path in [*folder.glob("t_*.c"), *(folder / SOURCES[arch]).glob("t_*.c")])


def ends(arch):
    """The names of the guests that come to their end by themselves."""
    return [name for name in guests(arch) if name not in CRASHING[arch] | SPINNING[arch]]


def cases(names):
    """(machine, guest) for each guest of @names(architecture)."""
    return [pytest.param(machine, guest, id=f"{machine}-{guest}") for machine in EVERY
            for guest in sorted(names(MACHINES[machine].arch))]


def configure(system, name):
    """A configuration with the test guest @name and a disk."""
    kernel = name + SUFFIX[system.arch]
    system.file(kernel, (system.build / "guest-test" / kernel).read_bytes())
    system.disk(mib=1)
    return system.file("guest.ini", f"[machine]\npoweroff-when-done = yes\n[vm {name}]\nkernel = {kernel}\n"
                       f"memory = 64M\ncpus = {CPUS[system.arch].get(name, 1)}\ncmdline = {system.name} trivet\ndisk = disk.img\nrng = yes\n")


def seconds(system):
    return SECONDS.get(system.name, 180)


@pytest.mark.parametrize("machine, guest", cases(ends), indirect=["machine"])
def test_guest(machine, guest):
    # Counted instructions are the clock where that can be had: how busy this machine is decides nothing then.
    count = [] if machine.name == "vmx" else ["--count"]
    result = machine.run("--config", configure(machine, guest), *count, seconds=seconds(machine))
    failures = re.findall(r"^FAIL .*", result.console, re.M)
    assert not failures
    done = re.search(r"^DONE (\d+) passed,? (\d+) failed", result.console, re.M)
    assert done, f"no DONE line; {result.last}\n{result.console[-2000:]}"
    assert int(done[1]) > 0 and int(done[2]) == 0
    result.assert_passed()
    result.assert_audited()


def test_no_interrupt_of_the_machines_own_is_lost(svm):
    """In real time, where QEMU's I/O thread raises it while VMRUN is under way; counted, all is in one thread."""
    result = svm.run("--config", configure(svm, "ticks"))
    result.assert_passed("^PASS the timer's come all the while", "^DONE 2 passed 0 failed")


@pytest.mark.parametrize("machine, first, second",
                         [pytest.param(machine, *pair, id=f"{machine}-{'-'.join(pair)}") for machine in EVERY if machine in BESIDE
                          for pair in sorted(PAIRS[MACHINES[machine].arch])], indirect=["machine"])
def test_guest_beside_another(machine, first, second):
    config = "[machine]\npoweroff-when-done = yes\n"
    for vm, name in (("one", first), ("two", second)):
        kernel = name + SUFFIX[machine.arch]
        machine.file(kernel, (machine.build / "guest-test" / kernel).read_bytes())
        config += f"[vm {vm}]\nkernel = {kernel}\nmemory = 16M\ncmdline = {machine.name} trivet\n"
    result = machine.run("--config", machine.file("pair.ini", config), "--count", seconds=seconds(machine))
    assert not re.findall(r"^FAIL .*", result.console, re.M)
    assert re.search(r"^DONE \d+ passed,? 0 failed", result.console, re.M), result.console[-2000:]
    result.assert_passed()
    result.assert_audited()


@pytest.mark.parametrize("machine, name", cases(CRASHING.get), indirect=["machine"])
def test_guest_that_crashes_stops_with_its_reason(machine, name):
    result = machine.run("--config", configure(machine, name), seconds=seconds(machine))
    result.assert_failed("^EXPECT ", f"^trivet: guest {name} crashed: ")
    result.assert_audited()


@pytest.mark.parametrize("machine, name", cases(SPINNING.get), indirect=["machine"])
def test_guest_that_spins_leaves_the_console_alive(machine, name):
    child = machine.console("--config", configure(machine, name))
    child.expect(r"EXPECT \S+")
    child.send("\x01s")
    child.send("vms\r")
    child.expect(f"{name} +running", timeout=seconds(machine))
    child.send("\x1d")
    child.expect("ended from the keyboard")
    child.expect(pexpect.EOF)
    child.close()


def test_guest_whose_ram_comes_and_goes(machine):
    """All of it, what its own page tables are in too."""
    config = "[machine]\npoweroff-when-done = no\n" + machine.small("hostile-exitstorm", "g")
    desk = Desk(machine, "--config", machine.file("shaken.ini", config))
    desk.begin()
    for seed in (1, 2, 3):
        desk.command(f"shake g 999 {seed}")  # no more than a 16550 holds: Bochs loses the rest while such a guest exits
        desk.expect(r"guest g: 999 pieces of its RAM taken away, \d+ given back so far; status 0")
    assert re.search(r"^g +running ", desk.command("vms"), re.M)
    text = desk.consoles(["g"])["g"]
    assert "EXPECT exit-storm" in text and "FAIL" not in text
    desk.power_off()
