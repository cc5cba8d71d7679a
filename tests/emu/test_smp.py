# SPDX-License-Identifier: Apache-2.0
"""Guests on a machine with several CPUs."""

import re
import time

import pexpect
import pytest

from conftest import EVERY, Desk

ESCAPE = "\x01"  # Ctrl-A
PROMPT = "guest# "
SEVERAL = [name for name in EVERY if name in ("svm", "arm64")]


@pytest.mark.parametrize("machine", SEVERAL, indirect=True)
def test_a_linux_on_four_cpus(machine):
    """Each of its CPUs on one of the machine's, with a disk; and the same again after its reset."""
    machine.disk()
    result = machine.run("--host-cpus", "4", "--config", machine.linux("smp", "cpus = 4\npin = 0-3\ndisk = disk.img"))
    result.assert_passed("^TRIVET-TEST-REBOOTING", "^TRIVET-TEST-PASS smp")
    assert result.console.count("online: 0-3, in cpuinfo: 4") == 2
    result.assert_audited()


@pytest.mark.parametrize("machine", SEVERAL, indirect=True)
def test_commands_on_several_cpus(machine):
    """A guest moves between CPUs, is shaken, paused, stopped and started anew while it works."""
    machine.disk()
    config = machine.linux("", "cpus = 2\npin = 1,0\ndisk = disk.img\npriority = 3\nshares = 200").read_text()
    config = config.replace("poweroff-when-done = yes", "poweroff-when-done = no")
    child = machine.console("--host-cpus", "2", "--config", machine.file("commands.ini", config))
    child.expect_exact(PROMPT)
    child.send("while true; do dd if=/dev/vda of=/dev/null bs=64k count=16 2>/dev/null; done & while true; do :; done &\r")
    child.expect_exact(PROMPT)

    def command(text, answer, timeout=60):
        child.send(ESCAPE + "s")
        child.send(text + "\r")
        child.expect(answer, timeout=timeout)

    def alive(number):
        child.send(ESCAPE + "n")
        child.send(f"echo $(({number} * 7))00\r")
        child.expect_exact(f"{number * 7}00", timeout=120)

    command("vms", r"linux +running +\d+ +2 +1 +\d+ 1,0")
    command("cpus", r"CPU 1: linux/0 \(\d+ ms\)")
    command("migrate linux 0 0", "trivet> ")
    command("vms", r"linux +running .* 0,0")
    alive(11)
    command("migrate linux 1 1", "trivet> ")
    command("migrate linux 1 2", "CPUs 0 to 1")
    alive(12)
    command("shares linux 500", "trivet> ")
    command("priority linux 9", "linux has 3")
    command("priority linux 5", "trivet> ")
    alive(13)
    for number in (21, 22, 23):
        command(f"shake linux {280 + number} {number}", rf"{280 + number} pieces of its RAM taken away, \d+ given back so far; status 0")
        alive(number)
    for number in (31, 32, 33):
        command("pause linux", "trivet> ")
        command("vms", "linux +paused")
        command("resume linux", "trivet> ")
        alive(number)
    for _ in range(2):
        command("stop linux", "guest linux has powered off: stopped from the service console")
        child.expect("0 violations")
        command("vms", "linux +off")
        command("start linux", "trivet> ")
        child.send(ESCAPE + "n")
        child.expect("Linux version", timeout=180)
        child.expect_exact(PROMPT, timeout=180)
        child.send("echo $((41 * 7))00\r")
        child.expect_exact("28700", timeout=60)
    child.send("poweroff\r")
    child.expect("has powered off")
    command("audit", "leaves, 0 violations")
    command("poweroff", pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


@pytest.mark.parametrize("machine", SEVERAL, indirect=True)
def test_alone_is_left_alone(machine):
    """A vCPU that computes alone on its CPU makes not one exit: no timer of ours interrupts it. Nor does one that sleeps."""
    spin = {"x86_64": "hostile-cliloop", "arm64": "hostile-spin"}[machine.arch]
    config = "[machine]\npoweroff-when-done = no\n" + machine.small(spin, "spin", "pin = 1") \
        + machine.small("hostile-idle", "idle", "pin = 0")
    desk = Desk(machine, "--config", machine.file("alone.ini", config), "--host-cpus", "2")
    desk.begin()

    def exits():
        return [re.findall(r"^  (\w+) +(\d+),", desk.command(f"stats {name}"), re.M) for name in ("spin", "idle")]

    def spun():
        return int(re.search(r"spin/0 \((\d+) ms\)", desk.command("cpus"))[1])

    end = time.monotonic() + desk.seconds
    while not all("EXPECT" in text for text in desk.consoles(["spin", "idle"]).values()):
        assert time.monotonic() < end, "they have not begun"
    begin, before = spun(), exits()
    assert all(before)
    while spun() < begin + 500:
        assert time.monotonic() < end, "its time does not pass"
    assert exits() == before
    desk.power_off()


def test_many_cpus(svm):
    """More than a word has bits; a guest on the last one."""
    config = svm.file("last.ini", "[machine]\npoweroff-when-done = yes\n" + svm.small("smp", extra="cpus = 2\npin = 71,0"))
    result = svm.run("--host-cpus", "72", "--config", config)
    result.assert_passed("^trivet: 72 of 72 CPUs are up", r"^DONE \d+ passed 0 failed")
    result.assert_audited()
