# SPDX-License-Identifier: Apache-2.0
"""What the tests of whole systems share: a guest's configuration goes in, the machine's console and verdict come out.

A test that takes the fixture `machine` runs on each of MACHINES, one that takes `quick` on one of each architecture, `svm` and
`arm64` are these by name. TRIVET_ARCHES limits the architectures ("x86_64 arm64").
"""

import collections
import importlib.machinery
import importlib.util
import os
import pathlib
import re
import subprocess
import time

import pexpect
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ASSETS = ROOT / "build" / "assets"
LAUNCHER = ROOT / "trivet"
STOPPED = "trivet: all guests have stopped: powering off"

Kind = collections.namedtuple("Kind", "arch options seconds")
MACHINES = {
    "svm": Kind("x86_64", ["--machine", "svm"], 240),
    "vmx": Kind("x86_64", ["--machine", "vmx"], 900),
    "arm64": Kind("arm64", ["--machine", "arm64"], 240),
    "arm64-nvhe": Kind("arm64", ["--machine", "arm64-nvhe"], 240),
    "arm64-gic2": Kind("arm64", ["--machine", "arm64", "--gic", "2"], 240),
    "arm64-nvhe-gic2": Kind("arm64", ["--machine", "arm64-nvhe", "--gic", "2"], 240),
}
WANTED = os.environ.get("TRIVET_ARCHES", "x86_64 arm64").split()
EVERY = [name for name, kind in MACHINES.items() if kind.arch in WANTED]
QUICK = [name for name in ("svm", "arm64") if name in EVERY]
SOURCES = {"x86_64": "x86", "arm64": "arm64"}


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


class Desk:
    """A machine's service console: commands go in, what they print comes out. A failure tells the last of both."""

    PROMPT = "trivet> "

    def __init__(self, system, *args, seconds=None):
        self.seconds = seconds or system.seconds
        self.terminal = system.folder / "terminal.log"
        self.history = []
        self.child = system.console(*args, seconds=24 * 3600)

    def fail(self, what):
        self.child.logfile_read.flush()
        text = self.terminal.read_bytes().decode(errors="replace").replace("\r", "")
        self.child.close(force=True)
        pytest.fail(f"{what}\nthe last commands: {'; '.join(self.history[-12:])}\nthe console:\n{text[-6000:]}", pytrace=False)

    def expect(self, pattern, seconds=None):
        """What stands before @pattern, a regular expression; the match is in self.child.match."""
        try:
            self.child.expect(pattern, timeout=seconds or self.seconds)
        except (pexpect.TIMEOUT, pexpect.EOF) as e:
            self.fail(f"{'the machine ended' if isinstance(e, pexpect.EOF) else 'time is up'} before /{pattern}/")
        return self.child.before.replace("\r", "")

    def begin(self):
        """To the service console, once the guests have been started."""
        self.expect(r"\[\S+ [a-z-]+; Ctrl-A")
        self.service()

    def service(self):
        """To the service console from a guest's."""
        self.child.send("\x01s")
        self.expect("service console; Ctrl-A")
        self.expect(self.PROMPT)

    def type(self, text, seconds=None):
        """Type @text no faster than it is taken: a serial chip keeps 16 characters, and a busy system looks later."""
        end = time.monotonic() + (seconds or self.seconds)
        for n in range(0, len(text), 8):
            self.child.send(text[n:n + 8])
            shown = rf"(?:^|{self.PROMPT}){re.escape(text[:n + 8])}"
            while not re.search(shown, self.child.buffer):
                if self.child.expect([pexpect.TIMEOUT, pexpect.EOF], timeout=0.05) or time.monotonic() > end:
                    self.fail(f"no echo of {text[:n + 8]}")

    def command(self, text, seconds=None):
        """What the command @text prints. A line of the log that comes between shows all of @text again behind it."""
        self.history.append(text)
        self.type(text, seconds)
        self.child.send("\r")
        self.expect(re.escape(text) + "\r+\n", seconds)
        return self.expect(self.PROMPT, seconds)

    def audit(self):
        found = re.search(r"audit: (\d+) leaves, (\d+) violations", self.command("audit"))
        if not found or found[2] != "0":
            self.fail("audit is not clean")

    def ended(self, text, guests):
        """The lines of `vms`, in @text, of those of @guests that do not run."""
        return {name for name in guests if re.search(rf"^{name} +(stopped|off|crashed) ", text, re.M)}

    def until_ended(self, guests, seconds=None):
        """Wait until none of @guests runs."""
        end = time.monotonic() + (seconds or self.seconds)
        while self.ended(self.command("vms"), guests) != set(guests):
            if time.monotonic() > end:
                self.fail("guests go on")
            time.sleep(1)

    def consoles(self, guests):
        """What has been on the serial console of each of @guests, by name."""
        text = {}
        for _ in range(len(guests)):
            self.child.send("\x01n")
            self.expect(r"\[(\S+) serial; Ctrl-A \? for help\]\r+\n")
            name = self.child.match[1]
            self.child.send("\x01?")
            text[name] = self.expect("Ctrl-A n next console")
        self.service()
        if set(text) != set(guests):
            self.fail(f"consoles of {', '.join(text)}")
        return text

    def power_off(self):
        self.audit()
        self.history.append("poweroff")
        self.type("poweroff")
        self.child.send("\r")
        self.expect("trivet: all guests have stopped: powering off")
        self.expect(pexpect.EOF)
        self.child.close()
        assert self.child.exitstatus == 0


class System:
    """Runs ./trivet with files in a folder of its own."""

    def __init__(self, folder, name):
        self.folder = folder
        self.name = name
        self.arch, self.options, self.seconds = MACHINES[name]
        self.build = ROOT / "build" / self.arch
        self.assets = ASSETS if self.arch == "x86_64" else ASSETS / self.arch
        self.tty = "ttyS0" if self.arch == "x86_64" else "ttyAMA0"

    def file(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def disk(self, name="disk.img", mib=4):
        return self.file(name, bytes(mib << 20))

    def small(self, name, vm=None, extra=""):
        """The section [vm @vm] with the test guest @name."""
        kernel = name + {"x86_64": ".elf", "arm64": ".Image"}[self.arch]
        if not (self.folder / kernel).exists():
            (self.folder / kernel).symlink_to(self.build / "guest-test" / kernel)
        return f"[vm {vm or name}]\nkernel = {kernel}\nmemory = 16M\ncmdline = {self.name} trivet\n{extra}\n"

    def linux(self, test, extra="", append="", poweroff="yes"):
        """A configuration of the default guest that runs /tests/@test (none: a shell)."""
        for name in ("vmlinuz", "initrd.gz"):
            if not (self.folder / name).exists():
                (self.folder / name).symlink_to(self.assets / name)
        cmdline = f"console={self.tty} {append}" + (f" trivet.test={test}" if test else "")
        return self.file("linux.ini", f"[machine]\npoweroff-when-done = {poweroff}\n[vm linux]\nkernel = vmlinuz\n"
                         f"initrd = initrd.gz\ncmdline = {cmdline}\nmemory = 256M\n{extra}\n")

    def arguments(self, *args, seconds=None):
        return ["run", *self.options, "--timeout", str(seconds or self.seconds),
                "--log", str(self.folder / "console.log"), *map(str, args)]

    def run(self, *args, seconds=None):
        """./trivet run, to its end."""
        log = self.folder / "console.log"
        log.unlink(missing_ok=True)
        command = [str(LAUNCHER), *self.arguments(*args, seconds=seconds)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              cwd=ROOT, timeout=(seconds or self.seconds) + 60)  # the launcher ends first, with its words
        console = log.read_bytes().decode(errors="replace").replace("\r", "") if log.exists() else ""
        return Result(done.returncode, console, done.stdout.decode(errors="replace"))

    def image(self, config, files):
        """A packed image of the configuration @config as it stands, with modules {string: path} that may not fit it."""
        launcher = load_launcher()
        image = self.folder / "packed.image"
        parts = launcher.parts_of(launcher.parser().parse_args(["pack", "", "-o", "", "--arch", self.arch]))
        launcher.make_image(image, config, files, parts)
        return image

    def run_text(self, config, seconds=None, **files):
        """Run the configuration @config as it stands, with modules "name__with__dots"=content."""
        paths = {name.replace("__", "."): self.file(name, content) for name, content in files.items()}
        return self.run("--image", self.image(config, paths), seconds=seconds)

    def console(self, *args, seconds=None):
        """./trivet run, interactive: a pexpect child."""
        child = pexpect.spawn(str(LAUNCHER), self.arguments(*args, seconds=seconds), cwd=str(ROOT), encoding="utf-8",
                              codec_errors="replace", timeout=self.seconds, dimensions=(24, 100))
        child.logfile_read = open(self.folder / "terminal.log", "w")
        return child


def pytest_collection_modifyitems(config, items):
    """Leave out what needs an architecture that is not wanted."""
    absent = {"svm", "arm64"} - set(QUICK)
    out = [item for item in items if absent & set(item.fixturenames)]
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if item not in out]


@pytest.fixture(params=EVERY)
def machine(request, tmp_path):
    """A system on each machine."""
    return System(tmp_path, request.param)


@pytest.fixture(params=QUICK)
def quick(request, tmp_path):
    """A system on the quick machine of each architecture: what is tested does not depend on the CPU."""
    return System(tmp_path, request.param)


@pytest.fixture
def svm(tmp_path):
    """A system on the quick x86 machine alone."""
    return System(tmp_path, "svm")


@pytest.fixture
def arm64(tmp_path):
    """A system on the quick arm64 machine alone."""
    return System(tmp_path, "arm64")
