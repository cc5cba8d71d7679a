# SPDX-License-Identifier: Apache-2.0
"""An unmodified Debian kernel as the guest."""

import pexpect

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


def test_linux_read_only_disk(svm):
    svm.disk()
    config = svm.linux("smoke", "disk = disk.img,ro,serial=TRIVET0")
    svm.run("--config", config).assert_passed("^TRIVET-TEST-PASS smoke")


def test_linux_from_options(svm):
    """--kernel and its companions do what a configuration does."""
    from conftest import ASSETS
    result = svm.run("--kernel", ASSETS / "vmlinuz", "--initrd", ASSETS / "initrd.gz", "--memory", "200M",
                     "--append", "console=ttyS0 trivet.test=smoke", "--disk", svm.disk())
    result.assert_passed("^TRIVET-TEST-PASS smoke")


def test_linux_virtio_console(svm):
    config = svm.linux("", "console = virtio").read_text().replace("console=ttyS0", "console=hvc0 trivet.test=smoke")
    svm.run("--config", svm.file("hvc.ini", config)).assert_passed("^TRIVET-TEST-PASS smoke")


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
