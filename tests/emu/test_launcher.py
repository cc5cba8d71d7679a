# SPDX-License-Identifier: Apache-2.0
"""The launcher and the way to the first instruction, with a kernel that is not the hypervisor (tiny.asm)."""

import subprocess

import pexpect
import pytest

from conftest import BUILD, LAUNCHER, load_launcher

TINY = ["--hypervisor", BUILD / "guest-test" / "tiny.mb2", "--service", ""]


ECHO = ["--hypervisor", BUILD / "guest-test" / "echo.mb2", "--service", ""]


def launch(*args):
    return subprocess.run([str(LAUNCHER), *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True)


def test_an_image_boots_and_its_end_is_success(machine):
    config = machine.file("empty.ini", "# nothing\n")
    machine.run("--config", config, *TINY, seconds=60).assert_passed("tiny test kernel")


def test_a_packed_image_boots_too(machine):
    config = machine.file("with space/a.ini", "[vm a]\nkernel = my kernel\n")
    machine.file("with space/my kernel", "x")
    iso = machine.folder / "out=1.iso"
    assert launch("pack", config, "-o", iso, *TINY).returncode == 0
    machine.run("--image", iso, seconds=60).assert_passed("tiny test kernel")


def test_a_machine_that_ends_early_is_a_failure(svm):
    svm.file("k", b"not a kernel")
    config = svm.file("a.ini", "")
    result = svm.run("--config", config, "--hypervisor", svm.folder / "k", "--service", "", seconds=60)
    result.assert_failed("trivet: PANIC: the boot loader cannot load trivet.elf")


def test_a_run_without_an_end_is_timed_out(svm):
    config = svm.file("a.ini", "")
    result = svm.run("--config", config, *TINY, "--host-memory", "1M", seconds=5)  # too little for the firmware
    assert result.status == 1
    assert result.last


@pytest.mark.parametrize("args, words", [
    (["run", "--kernel", "/no/such"], "kernel '/no/such' does not exist"),
    (["run", "--config", "/no/such"], "configuration '/no/such' does not exist"),
    (["run", "--image", "/no/such"], "image '/no/such' does not exist"),
    (["run", "--initrd", "/dev/null"], "go with --kernel"),
    (["run", "--machine", "arm"], "invalid choice"),
    (["run", "--host-memory", "lots"], "not a size"),
    (["pack", "/no/such", "-o", "/dev/null"], "configuration '/no/such' does not exist"),
])
def test_bad_arguments_get_one_clear_line(args, words):
    done = launch(*args)
    assert done.returncode == 2
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_file_named_in_a_configuration_is_missed_with_its_line(svm):
    config = svm.file("a.ini", "[vm a]\nmemory = 16M\nkernel = gone\n")
    done = launch("run", "--config", config, *TINY)
    assert done.returncode == 2
    assert f"{config}:3: kernel" in done.stderr and "does not exist" in done.stderr


def test_files_of_a_configuration_are_its_modules_as_written(tmp_path):
    for name in ("k", "i", "d.img", "m"):
        (tmp_path / name).write_text(name)
    (tmp_path / "a.ini").write_text("# kernel = no\n[machine]\nkernel = no\n[vm a]\nkernel = k ; why\ninitrd=i\n"
                                    "disk = d.img,ro,serial=A\nmodule = m with words\ncmdline = initrd=/no\n")
    files = load_launcher().config_files(tmp_path / "a.ini")
    assert files == {name: tmp_path / name for name in ("k", "i", "d.img", "m")}


def test_console_goes_both_ways_and_every_key_reaches_the_machine(machine):
    child = machine.console("--config", machine.file("a.ini", ""), *ECHO)
    child.expect("tiny test kernel")
    for text in ("hello\x01x\x03\x04", "\x11\x13 w\u00f6rld"):  # Ctrl-A, Ctrl-C, Ctrl-D, Ctrl-Q, Ctrl-S
        child.send(text)
        child.expect_exact(text)
    child.send("q")
    child.expect("powering off")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_the_quit_key_ends_the_machine(machine):
    child = machine.console("--config", machine.file("a.ini", ""), *ECHO)
    child.expect("tiny test kernel")
    child.send("\x1d")
    child.expect("ended from the keyboard")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
