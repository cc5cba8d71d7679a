# SPDX-License-Identifier: Apache-2.0
"""An unmodified Debian kernel as the guest."""

import hashlib
import random
import struct
import subprocess

import pexpect
import pytest

from conftest import ASSETS, EVERY

ESCAPE = "\x01"  # Ctrl-A
QUIT = "\x1d"  # Ctrl-]
PROMPT = "guest# "
SEVERAL = ("svm", "arm64", "arm64-nvhe-gic2")  # enough for guests with several CPUs: a kind of each


def test_linux_smoke(machine):
    """What a newcomer does: work in the shell, look for errors, write a disk and read it back, then power off."""
    machine.disk()
    child = machine.console("--config", machine.linux("", "disk = disk.img\nrng = yes"))
    child.expect_exact(PROMPT)
    child.send("echo $((6 * 7)) $(uname -s)\r")
    child.expect("42 Linux")
    child.expect_exact(PROMPT)
    child.send("sh /tests/smoke\r")
    if child.expect(["TRIVET-TEST-PASS smoke", "TRIVET-TEST-FAIL[^\r\n]*"]) != 0:
        pytest.fail(child.before[-3000:] + child.match[0])
    assert "disk: 4 MiB written and read back" in child.before
    child.expect_exact(PROMPT)
    child.send("poweroff\r")
    child.expect("guest linux has powered off")
    child.expect("leaves, 0 violations")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


@pytest.mark.parametrize("machine", [name for name in EVERY if name in SEVERAL], indirect=True)
def test_linux_with_several_cpus(machine):
    """All online, each with work bound to it and with work that moves about; the same again after the guest's reset."""
    machine.disk()
    result = machine.run("--config", machine.linux("smp", "cpus = 4\ndisk = disk.img"))
    result.assert_passed("^TRIVET-TEST-REBOOTING", "^TRIVET-TEST-PASS smp")
    assert result.console.count("online: 0-3, in cpuinfo: 4") == 2
    result.assert_audited()


@pytest.mark.parametrize("machine", [name for name in EVERY if name in ("svm", "arm64", "arm64-nvhe-gic2")], indirect=True)
def test_two_linux_guests(machine):
    """At once, each with a disk and a console of its own: what one guest leaves in the CPU is not the other's."""
    machine.linux("")
    config = "[machine]\npoweroff-when-done = no\n"
    for name in ("one", "two"):
        machine.disk(f"{name}.img")
        config += (f"[vm {name}]\nkernel = vmlinuz\ninitrd = initrd.gz\nmemory = 192M\ndisk = {name}.img\n"
                   f"cmdline = console={machine.tty} trivet.test=smoke\n")
    child = machine.console("--config", machine.file("two.ini", config))
    child.expect_exact("TRIVET-TEST-PASS smoke")
    child.send(ESCAPE + "n")
    child.expect_exact("[two serial;")
    child.expect_exact("TRIVET-TEST-PASS smoke")
    child.send(ESCAPE + "s")
    child.expect_exact("guest two has powered off")
    child.send("vms\r")
    child.expect("two +off")
    child.send("audit\r")
    child.expect("leaves, 0 violations")
    child.send("poweroff\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_linux_by_pvh(svm):
    """The kernel inside the bzImage is an ELF file with a PVH note: Debian packs it with LZ4 (setup header: payload)."""
    image = (ASSETS / "vmlinuz").read_bytes()
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (image[0x1F1] + 1) * 512 + offset
    packed = svm.file("vmlinux.lz4", image[start:start + length - 4])
    subprocess.run(["lz4", "-q", "-d", "-f", packed, svm.folder / "vmlinux"], check=True)
    svm.disk()
    config = svm.linux("smoke", "disk = disk.img").read_text().replace("vmlinuz", "vmlinux")
    result = svm.run("--config", svm.file("pvh.ini", config))
    result.assert_passed("^TRIVET-TEST-PASS smoke")
    result.assert_audited()


def test_linux_read_only_disk(quick):
    quick.disk()
    config = quick.linux("smoke", "disk = disk.img,ro,serial=TRIVET0")
    quick.run("--config", config).assert_passed("^TRIVET-TEST-PASS smoke")


@pytest.mark.parametrize("test, mib", [("smoke", 96), ("memory", 512), ("memory", 5120)])
def test_linux_memory(quick, test, mib):
    """From little to what crosses 4 GiB, where a PC has its PCI hole, and to more than that."""
    append = f"trivet.mib={mib}" + (" cma=8M" if quick.arch == "arm64" else "")  # of itself it sets 64 MiB aside for devices
    config = quick.linux(test, append=append).read_text().replace("memory = 256M", f"memory = {mib}M")
    result = quick.run("--config", quick.file("memory.ini", config), "--host-memory", f"{2 + mib // 1024 + 1}G" if mib > 3000 else "1G")
    result.assert_passed(f"^TRIVET-TEST-PASS {test}")
    result.assert_audited()


def test_linux_in_too_little_memory(quick):
    """On a PC Debian's kernel unpacks itself from 16 MiB on, and needs some 51 MiB there; arm64's is of 31 MiB."""
    size = {"x86_64": "64M", "arm64": "32M"}[quick.arch]
    config = quick.linux("smoke").read_text().replace("memory = 256M", f"memory = {size}")
    result = quick.run("--config", quick.file("small.ini", config), seconds=60)
    result.assert_failed("^trivet: error: guest linux: .*needs .* [KM]iB of RAM")


def test_linux_disks(quick):
    """Several disks, read-only and odd ones; discard; what was written is there after a reboot (docs/config.md)."""
    quick.disk()
    fixed, odd = random.Random(1).randbytes(1 << 20), random.Random(2).randbytes(1000003)
    quick.file("fixed.img", fixed)
    quick.file("odd.img", odd)
    sums = [hashlib.sha256(data + bytes(-len(data) % 512)).hexdigest() for data in (fixed, odd)]
    config = quick.linux("disks", "disk = disk.img\ndisk = fixed.img,ro,serial=READONLY\ndisk = odd.img",
                       append=f"trivet.vdb={sums[0]} trivet.vdc={sums[1]}")
    result = quick.run("--config", config)
    result.assert_passed("^disks: discarded", "^disks: kept over a reboot", "^TRIVET-TEST-PASS disks")
    result.assert_audited()


def test_linux_from_options(quick):
    """--kernel and its companions do what a configuration does."""
    result = quick.run("--kernel", quick.assets / "vmlinuz", "--initrd", quick.assets / "initrd.gz", "--memory", "200M",
                       "--append", f"console={quick.tty} trivet.test=smoke", "--disk", quick.disk())
    result.assert_passed("^TRIVET-TEST-PASS smoke")


def test_linux_virtio_console(quick):
    config = quick.linux("", "console = virtio").read_text().replace(quick.tty, "hvc0 trivet.test=smoke")
    quick.run("--config", quick.file("hvc.ini", config)).assert_passed("^TRIVET-TEST-PASS smoke")


def test_linux_on_both_consoles(quick):
    """A shell on the serial port and one on the virtio console, each with its own terminal; Ctrl-A n switches."""
    config = quick.linux("", "console = both").read_text().replace(f"console={quick.tty}", f"console={quick.tty} console=hvc0")
    child = quick.console("--config", quick.file("both.ini", config))
    child.expect_exact("[linux serial;")
    child.expect_exact(PROMPT)
    child.send("tty; echo first-$((1 + 1))\r")
    child.expect(f"/dev/{quick.tty}.*first-2")
    child.send(ESCAPE + "n")
    child.expect_exact("[linux virtio-console;")
    child.send("\r")
    child.expect_exact(PROMPT)
    child.send("tty; echo second-$((1 + 1))\r")
    child.expect("/dev/hvc0.*second-2")
    child.send(ESCAPE + "n")
    child.expect_exact("[service console;")
    child.send(ESCAPE + "n")
    child.expect_exact("[linux serial;")
    child.send("poweroff\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_linux_reboot_stops_when_told_so(quick):
    config = quick.linux("reboot", "on-reboot = stop")
    quick.run("--config", config).assert_passed("^TRIVET-TEST-REBOOTING")


def test_linux_reboot_starts_again(quick):
    child = quick.console("--config", quick.linux("", "on-reboot = restart"))
    child.expect_exact(PROMPT)
    child.send("reboot\r")
    child.expect("Linux version")
    child.expect_exact(PROMPT)
    child.send("poweroff\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_linux_panic_ends_the_run_with_its_reason(svm):
    """By pvpanic, which a PC has. It is the service VM's, and in Bochs it would take more than a minute."""
    config = svm.linux("panic", "on-crash = stop", append="panic=-1")
    result = svm.run("--config", config)
    result.assert_failed("Kernel panic - not syncing: sysrq triggered crash", "^trivet: guest linux crashed: ")
    assert "guest linux crashed" in result.last


def test_service_console_knows_the_guest(quick):
    child = quick.console("--config", quick.linux(""))
    child.expect_exact(PROMPT)
    child.send(ESCAPE + "s")
    for command, answer in (("vms", "linux +running"), ("stats linux", r"mmio +\d+, to the service VM"), ("audit", "leaves, 0 violations")):
        child.send(command + "\r")
        child.expect(f"(?i){answer}", timeout=30)
    child.send(QUIT)
    child.expect(pexpect.EOF)
    child.close()


def test_service_console_pauses_and_stops_one_guest(quick):
    """What a paused guest is told waits until it goes on; a stopped one starts again when told so."""
    child = quick.console("--config", quick.linux("", "on-poweroff = restart", poweroff="no"))
    child.expect_exact(PROMPT)
    child.send(ESCAPE + "s" + "pause linux\r")
    for command, answer in (("vms", "linux +paused"), ("pause linux", "linux does not run"), ("start linux", "linux is not stopped")):
        child.send(command + "\r")
        child.expect(answer, timeout=30)
    child.send(ESCAPE + "n" + "echo $((6 * 7))00\r")
    with pytest.raises(pexpect.TIMEOUT):
        child.expect_exact("4200", timeout=5)
    child.send(ESCAPE + "s" + "resume linux\r" + ESCAPE + "n")
    child.expect_exact("4200")
    child.send(ESCAPE + "s" + "stop linux\r")
    child.expect_exact("trivet: guest linux has powered off: stopped from the service console")
    child.send("resume linux\r")
    child.expect_exact("linux is not paused")
    child.send("start linux\r" + ESCAPE + "n")
    child.expect_exact(PROMPT)
    child.send(QUIT)
    child.expect(pexpect.EOF)
    child.close()


@pytest.mark.parametrize("command, words", [("poweroff", "powering off"), ("reset", "resetting the machine")])
def test_service_console_stops_everything(quick, command, words):
    """Also what would start again when it stops by itself."""
    child = quick.console("--config", quick.linux("", "on-poweroff = restart\non-reboot = restart"))
    child.expect_exact(PROMPT)
    child.send(ESCAPE + "s" + command + "\r")
    child.expect_exact("trivet: guest linux has powered off: stopped from the service console")
    child.expect_exact(f"trivet: all guests have stopped: {words}")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_console_stays_alive_beside_a_guest_that_spins(quick):
    child = quick.console("--config", quick.linux("spin"))
    child.expect("TRIVET-TEST-SPINNING")
    child.send(ESCAPE)
    child.send("?")
    child.expect(r"consoles:.*linux", timeout=30)
    child.send(ESCAPE + "s")
    child.send("vms\r")
    child.expect("linux +running", timeout=30)
    child.send(QUIT)
    child.expect("ended from the keyboard")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
