# SPDX-License-Identifier: Apache-2.0
"""The hypervisor's text on the machine's screen. TRIVET_PICTURES=docs writes the pictures that the documents show."""

import os
import pathlib
import re
import time

import pexpect
import pytest

import screen

LOG_INK, LOG_PAPER, PANIC_PAPER, REASON_INK = "d0d0d0", "000000", "600000", "ffff60"


class Watched:
    """A run of ./trivet with a screen that is looked at while it goes on."""

    def __init__(self, system, *args):
        self.system = system
        self.socket = system.folder / "qmp"
        self.child = system.console("--screen", "hidden", f"--qemu=-qmp unix:{self.socket},server=on,wait=off", *args)
        self.monitor = screen.Monitor(self.socket)

    def until(self, test, seconds=60, scale=1):
        """The first picture whose lines pass @test; characters are @scale times as large."""
        end = time.monotonic() + seconds
        lines = []
        while time.monotonic() < end:
            try:
                picture = self.monitor.picture(self.system.folder)
            except (EOFError, OSError, ValueError):
                break
            if scale > 1:
                picture = picture.shrunk(scale)
            lines = picture.text()
            if test(lines):
                return picture
            time.sleep(0.1)
        pytest.fail("the screen shows\n" + "\n".join(lines).rstrip())

    def last(self):
        """The last picture before the launcher ends the machine, soon after a panic: none is looked at before that."""
        picture = None
        while True:
            try:
                picture = self.monitor.picture(self.system.folder)
            except (EOFError, OSError, ValueError):
                break
            time.sleep(0.1)
        assert picture, "there was no screen"
        return picture

    def keep(self, picture, name):
        if os.environ.get("TRIVET_PICTURES"):
            picture.write_png(pathlib.Path(os.environ["TRIVET_PICTURES"]) / name)

    def serial(self):
        """What the serial line had, to the machine's end."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        return self.child.before.replace("\r", "")


def hypervisor_lines(text):
    """The lines of the log, of all that came by the serial line: those before the service VM's first."""
    return [line for line in text[:text.index("trivet: service VM on")].splitlines() if line and " starting on " not in line]


def test_the_log_is_on_the_screen(svm):
    """What the serial line has had since the beginning is on the screen, the same to the letter."""
    spin = svm.file("spin.ini", "[machine]\npoweroff-when-done = yes\n" + svm.small("busy"))
    watched = Watched(svm, "--config", spin, "--host-cpus", "2")
    watched.child.expect("trivet: service VM on")
    wanted = hypervisor_lines(watched.child.before.replace("\r", "") + "trivet: service VM on")
    assert wanted[0].startswith("trivet: hypervisor, ABI") and len(wanted) >= 4
    picture = watched.until(lambda lines: lines[:len(wanted)] == wanted)
    for line, ink, paper in list(picture.lines())[:len(wanted)]:
        assert ink == {LOG_INK} and paper == {LOG_PAPER}, line
    assert (picture.width, picture.height) == (1024, 768)
    watched.keep(picture, "screen-log.png")
    watched.child.send("\x1d")
    watched.child.expect(pexpect.EOF)


@pytest.mark.parametrize("word", ["panic-test", "fault-test"])
def test_a_panic_is_on_the_screen(svm, word):
    """The reason, registers and guesses at who called, as on the serial line; on the second CPU, without waiting for the first."""
    config = svm.file("one.ini", svm.small("busy"))
    watched = Watched(svm, "--config", config, "--host-cpus", "2", "--hypervisor-append", word)
    picture = watched.last()
    serial = watched.serial()
    found = re.search(r"^trivet: PANIC: .*\n(  .*\n)+", serial, re.M)
    assert found, serial
    wanted = found[0].splitlines()
    picture_lines = list(picture.lines())
    text = [line for line, _, _ in picture_lines]
    assert text[0].startswith("TRIVET HAS STOPPED: an error of its own")
    assert text[1:1 + len(wanted)] == wanted
    assert picture_lines[1][1:] == ({REASON_INK}, {PANIC_PAPER})
    assert all(paper == {PANIC_PAPER} for _, _, paper in picture_lines[1:1 + len(wanted)])
    before = text.index("The log before it")
    assert text[before + 1].startswith("trivet: hypervisor, ABI")
    assert "trivet: 2 of 2 CPUs are up, their counters agree" in text[before:]
    assert any(re.fullmatch(r"    [0-9a-f]+ main_fail\+[0-9a-f]+", line) for line in wanted), serial
    if word == "fault-test":
        assert "exception 14" in wanted[0] and any("cr2 10 " in line for line in wanted)
        watched.keep(picture, "screen-panic.png")
    assert watched.child.exitstatus == 1


@pytest.mark.parametrize("mode, scale", [("640x480x16", 1), ("800x600x24", 1), ("1920x1080x32", 1), ("2560x1600x32", 2)])
def test_other_modes(svm, mode, scale):
    """Pixels of two, three and four bytes, and a screen for which the characters grow."""
    config = svm.file("one.ini", svm.small("busy"))
    watched = Watched(svm, "--config", config, "--graphics", mode)
    watched.child.expect("trivet: service VM on")
    wanted = hypervisor_lines(watched.child.before.replace("\r", "") + "trivet: service VM on")
    width, height, bits = mode.split("x")
    assert re.match(f"trivet: screen of {width} by {height}, {bits} bits, at [0-9a-f]+$", wanted[1])
    columns = int(width) // 8 // scale
    wanted = [line[at:at + columns] for line in wanted for at in range(0, len(line), columns)]
    picture = watched.until(lambda lines: lines[:len(wanted)] == wanted, scale=scale)
    assert (picture.width, picture.height) == (int(width) // scale, int(height) // scale)
    watched.child.send("\x1d")
    watched.child.expect(pexpect.EOF)


def test_text_mode_is_told(svm):
    config = svm.file("one.ini", "[machine]\npoweroff-when-done = yes\n" + svm.small("cpu"))
    result = svm.run("--config", config, "--screen", "hidden", "--graphics", "text")
    result.assert_passed("^boot: Multiboot: the screen is in text mode: no console on it$")


def test_a_cpu_without_virtualization_says_so_on_the_screen(svm):
    """A panic that comes before the screen has been tried, and the one that users meet."""
    watched = Watched(svm, "--config", svm.file("one.ini", svm.small("cpu")), "--cpu", "qemu64,-svm")
    assert watched.last().text()[1].startswith("trivet: PANIC: no hardware virtualization")
    assert "trivet: PANIC: no hardware virtualization" in watched.serial()


def test_a_machine_without_a_screen_has_the_serial_line(quick):
    """Nothing is asked of a screen that is not there, and the panic comes by the serial line."""
    result = quick.run("--config", quick.file("one.ini", quick.small("busy")), "--hypervisor-append", "fault-test")
    result.assert_failed("^trivet: PANIC: .*exception", "^  perhaps called from", r"^    [0-9a-f]+ main_fail\+")
    assert "screen" not in result.console
