# SPDX-License-Identifier: Apache-2.0
"""An unmodified Debian kernel as the guest."""

import hashlib
import random
import struct
import subprocess

import pexpect
import pytest

from conftest import ASSETS

ESCAPE = "\x01"  # Ctrl-A
QUIT = "\x1d"  # Ctrl-]
PROMPT = "guest# "


def test_linux_smoke(machine):
    """Kernel messages without errors, a disk written and read back, power-off."""
    machine.disk()
    config = machine.linux("smoke", "disk = disk.img\nrng = yes")
    result = machine.run("--config", config)
    result.assert_passed("^TRIVET-TEST-PASS smoke", "^disk: 4 MiB written and read back")
    result.assert_audited()


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


def test_linux_read_only_disk(svm):
    svm.disk()
    config = svm.linux("smoke", "disk = disk.img,ro,serial=TRIVET0")
    svm.run("--config", config).assert_passed("^TRIVET-TEST-PASS smoke")


@pytest.mark.parametrize("test, mib", [("smoke", 96), ("memory", 512), ("memory", 3584)])
def test_linux_memory(svm, test, mib):
    """From little to what crosses the PCI hole: then RAM goes on above 4 GiB."""
    config = svm.linux(test, append=f"trivet.mib={mib}").read_text().replace("memory = 256M", f"memory = {mib}M")
    result = svm.run("--config", svm.file("memory.ini", config), "--host-memory", "6G" if mib > 3000 else "1G")
    result.assert_passed(f"^TRIVET-TEST-PASS {test}")
    result.assert_audited()


def test_linux_in_too_little_memory(svm):
    """Debian's kernel unpacks itself from 16 MiB on, and needs some 51 MiB there."""
    config = svm.linux("smoke").read_text().replace("memory = 256M", "memory = 64M")
    result = svm.run("--config", svm.file("small.ini", config), seconds=60)
    result.assert_failed("^trivet: error: guest linux: .*needs .* KiB of RAM at")


def test_linux_disks(svm):
    """Several disks, read-only and odd ones; discard; what was written is there after a reboot (docs/config.md)."""
    svm.disk()
    fixed, odd = random.Random(1).randbytes(1 << 20), random.Random(2).randbytes(1000003)
    svm.file("fixed.img", fixed)
    svm.file("odd.img", odd)
    sums = [hashlib.sha256(data + bytes(-len(data) % 512)).hexdigest() for data in (fixed, odd)]
    config = svm.linux("disks", "disk = disk.img\ndisk = fixed.img,ro,serial=READONLY\ndisk = odd.img",
                       append=f"trivet.vdb={sums[0]} trivet.vdc={sums[1]}")
    result = svm.run("--config", config)
    result.assert_passed("^disks: discarded", "^disks: kept over a reboot", "^TRIVET-TEST-PASS disks")
    result.assert_audited()


def test_linux_from_options(svm):
    """--kernel and its companions do what a configuration does."""
    from conftest import ASSETS
    result = svm.run("--kernel", ASSETS / "vmlinuz", "--initrd", ASSETS / "initrd.gz", "--memory", "200M",
                     "--append", "console=ttyS0 trivet.test=smoke", "--disk", svm.disk())
    result.assert_passed("^TRIVET-TEST-PASS smoke")


def test_linux_virtio_console(svm):
    config = svm.linux("", "console = virtio").read_text().replace("console=ttyS0", "console=hvc0 trivet.test=smoke")
    svm.run("--config", svm.file("hvc.ini", config)).assert_passed("^TRIVET-TEST-PASS smoke")


def test_linux_on_both_consoles(svm):
    """A shell on the 16550 and one on the virtio console, each with its own terminal; Ctrl-A n switches."""
    config = svm.linux("", "console = both").read_text().replace("console=ttyS0", "console=ttyS0 console=hvc0")
    child = svm.console("--config", svm.file("both.ini", config))
    child.expect_exact("[linux serial;")
    child.expect_exact(PROMPT)
    child.send("tty; echo first-$((1 + 1))\r")
    child.expect("/dev/ttyS0.*first-2")
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


def test_linux_reboot_stops_when_told_so(machine):
    config = machine.linux("reboot", "on-reboot = stop")
    machine.run("--config", config).assert_passed("^TRIVET-TEST-REBOOTING")


def test_linux_reboot_starts_again(svm):
    child = svm.console("--config", svm.linux("", "on-reboot = restart"))
    child.expect_exact(PROMPT)
    child.send("reboot\r")
    child.expect("Linux version")
    child.expect_exact(PROMPT)
    child.send("poweroff\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_linux_panic_ends_the_run_with_its_reason(machine):
    config = machine.linux("panic", "on-crash = stop", append="panic=-1")
    result = machine.run("--config", config)
    result.assert_failed("Kernel panic - not syncing: sysrq triggered crash", "^trivet: guest linux crashed: ")
    assert "guest linux crashed" in result.last


def test_linux_shell(machine):
    """What a newcomer does: work in the shell, then power off."""
    machine.disk()
    child = machine.console("--config", machine.linux("", "disk = disk.img"))
    child.expect_exact(PROMPT)
    child.send("echo $((6 * 7)) $(uname -s)\r")
    child.expect("42 Linux")
    child.expect_exact(PROMPT)
    child.send("poweroff\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_service_console_knows_the_guest(svm):
    child = svm.console("--config", svm.linux(""))
    child.expect_exact(PROMPT)
    child.send(ESCAPE + "s")
    for command, answer in (("vms", "linux +running"), ("stats linux", r"cpuid +\d+"), ("audit", "leaves, 0 violations")):
        child.send(command + "\r")
        child.expect(f"(?i){answer}", timeout=30)
    child.send(QUIT)
    child.expect(pexpect.EOF)
    child.close()


@pytest.mark.parametrize("command, words", [("poweroff", "powering off"), ("reset", "resetting the machine")])
def test_service_console_stops_everything(svm, command, words):
    """Also what would start again when it stops by itself."""
    child = svm.console("--config", svm.linux("", "on-poweroff = restart\non-reboot = restart"))
    child.expect_exact(PROMPT)
    child.send(ESCAPE + "s" + command + "\r")
    child.expect_exact("trivet: guest linux has powered off: stopped from the service console")
    child.expect_exact(f"trivet: all guests have stopped: {words}")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_console_stays_alive_beside_a_guest_that_spins(svm):
    child = svm.console("--config", svm.linux("spin"))
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
