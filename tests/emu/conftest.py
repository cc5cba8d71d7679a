# SPDX-License-Identifier: Apache-2.0
"""What the tests of whole systems share: a guest's configuration goes in, the machine's console and verdict come out.

A machine is "svm" (QEMU) or "vmx" (Bochs). Each test that takes the fixture `machine` runs on both.
"""

import importlib.machinery
import importlib.util
import pathlib
import re
import subprocess

import pexpect
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "x86_64"
ASSETS = ROOT / "build" / "assets"
LAUNCHER = ROOT / "trivet"
STOPPED = "trivet: all guests have stopped: powering off"
SECONDS = {"svm": 240, "vmx": 900}


def load_launcher():
    """./trivet as a module, for its parts."""
    loader = importlib.machinery.SourceFileLoader("trivet", str(LAUNCHER))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("trivet", loader))
    loader.exec_module(module)
    return module


class Result:
    """How a run ended: its exit status, the console's text, and the launcher's last line."""

    def __init__(self, status, console, output):
        self.status = status
        self.console = console
        lines = [line for line in output.splitlines() if line.strip()]
        self.last = lines[-1] if lines else ""

    def assert_passed(self, *markers):
        """All guests have stopped as they should, and each of @markers (regular expressions) was on the console."""
        self.assert_shows(*markers)
        assert self.status == 0, self.last
        assert STOPPED in self.console

    def assert_audited(self):
        """The walk of all page tables against the owners of pages, made when a guest stops, has found nothing."""
        audits = re.findall(r"trivet: audit: (\d+) leaves, (\d+) violations", self.console)
        assert audits and all(int(leaves) > 0 and int(bad) == 0 for leaves, bad in audits)

    def assert_failed(self, *markers):
        """The run ended by itself, as a failure."""
        self.assert_shows(*markers)
        assert self.status == 1, f"status {self.status}: {self.last}"
        assert "no end after" not in self.last

    def assert_shows(self, *markers):
        for marker in markers:
            assert re.search(marker, self.console, re.M), f"/{marker}/ is not on the console:\n{self.console[-3000:]}"


class System:
    """Runs ./trivet with files in a folder of its own."""

    def __init__(self, folder, name):
        self.folder = folder
        self.name = name

    def file(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def disk(self, name="disk.img", mib=4):
        return self.file(name, bytes(mib << 20))

    def linux(self, test, extra="", append="", poweroff="yes"):
        """A configuration of the default guest that runs /tests/@test (none: a shell)."""
        for name in ("vmlinuz", "initrd.gz"):
            if not (self.folder / name).exists():
                (self.folder / name).symlink_to(ASSETS / name)
        cmdline = f"console=ttyS0 {append}" + (f" trivet.test={test}" if test else "")
        return self.file("linux.ini", f"[machine]\npoweroff-when-done = {poweroff}\n[vm linux]\nkernel = vmlinuz\n"
                         f"initrd = initrd.gz\ncmdline = {cmdline}\nmemory = 256M\n{extra}\n")

    def arguments(self, *args, machine=None, seconds=None):
        machine = machine or self.name
        return ["run", "--machine", machine, "--timeout", str(seconds or SECONDS[machine]),
                "--log", str(self.folder / "console.log"), *map(str, args)]

    def run(self, *args, machine=None, seconds=None):
        """./trivet run, to its end."""
        log = self.folder / "console.log"
        log.unlink(missing_ok=True)
        command = [str(LAUNCHER), *self.arguments(*args, machine=machine, seconds=seconds)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              cwd=ROOT, timeout=2 * SECONDS["vmx"])
        console = log.read_bytes().decode(errors="replace").replace("\r", "") if log.exists() else ""
        return Result(done.returncode, console, done.stdout.decode(errors="replace"))

    def run_text(self, config, machine=None, seconds=None, **files):
        """Run the configuration @config as it stands, with modules "name.with.dots"=content that may not fit it."""
        launcher = load_launcher()
        paths = {name.replace("__", "."): self.file(name, content) for name, content in files.items()}
        iso = self.folder / "image.iso"
        launcher.make_image(iso, config, paths, BUILD / "trivet.elf", BUILD / "service.bin")
        return self.run("--image", iso, machine=machine, seconds=seconds)

    def console(self, *args, machine=None):
        """./trivet run, interactive: a pexpect child."""
        child = pexpect.spawn(str(LAUNCHER), self.arguments(*args, machine=machine), cwd=str(ROOT), encoding="utf-8",
                              codec_errors="replace", timeout=SECONDS[machine or self.name], dimensions=(24, 100))
        child.logfile_read = open(self.folder / "terminal.log", "w")
        return child


@pytest.fixture(params=["svm", "vmx"])
def machine(request, tmp_path):
    """A system on each machine."""
    return System(tmp_path, request.param)


@pytest.fixture
def svm(tmp_path):
    """A system on the quick machine alone: what is tested does not depend on the CPU's maker."""
    return System(tmp_path, "svm")
