# SPDX-License-Identifier: Apache-2.0
"""Runs of Trivet on an emulated machine that counts instructions, and what the plugin tests/bench/count.c tells of them."""

import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "assets"))

from build import ARCHES, MARK  # noqa: E402

VMRUN = bytes.fromhex("0f01d8")
# Where the hypervisor's image is loaded, and its entry: as QEMU does it for arm64's Image; x86's is linked where it lies.
ARM64_LOAD = 0x40200000
ARM64_EXITS = (0x400, 0x480, 0x500, 0x580)  # in the vectors: from a lower level (Arm ARM, D1.3.1.5)
QEMU = {"x86_64": "qemu-system-x86_64", "arm64": "qemu-system-aarch64"}
COUNT = ["-icount", "shift=0,sleep=off", "-seed", "1", "-rtc", "base=2026-01-01,clock=vm"]  # as ./trivet run --count
RNG = {"x86_64": "virtio-rng-pci,disable-legacy=on,modern-pio-notify=on", "arm64": "virtio-rng-pci,disable-legacy=on"}
PLUGIN_API = [((7, 0), 1), ((9, 0), 2), ((9, 1), 3)]  # from that QEMU on: the interface for plugins that count.c is to be built for


class Failed(Exception):
    """A run that did not do what it should, in words."""


def build(arch):
    return ROOT / "build" / arch


def assets(arch):
    """Where the default guest's files are."""
    return ROOT / "build" / "assets" / ("" if arch == "x86_64" else arch)


def arch_of(machine):
    return "arm64" if machine.startswith("arm64") else "x86_64"


def tool(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def qemu_version(arch):
    return re.search(r"version (\S+)", tool(QEMU[arch], "--version"))[1]


def said(command, **kw):
    """(status, text): what @command has said on both of its outputs."""
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", **kw)
    return done.returncode, done.stdout.replace("\r", "")


def symbols(elf):
    return {name: int(value, 16) for value, name in re.findall(r"^([0-9a-f]+) \w (\S+)$", tool("nm", str(elf)), re.M)}


def segments(elf):
    """(offset in the file, physical address, bytes in the file and in memory) of what is loaded."""
    return [tuple(int(n, 16) for n in found) for found in
            re.findall(r"^ +LOAD +(\S+) \S+ (\S+) (\S+) (\S+)", tool("readelf", "-lW", str(elf)), re.M)]


def hypervisor(arch):
    """What count.c wants to know of it: entry, image, offset, exits."""
    elf = build(arch) / "trivet.elf"
    parts, names = segments(elf), symbols(elf)
    base, end = parts[0][1], max(pa + size for _, pa, _, size in parts)
    if arch == "arm64":
        exits = [names["el2_vectors"] + at for at in ARM64_EXITS]
        return {"entry": ARM64_LOAD, "image": end, "offset": 0}, exits
    entry = int(re.search(r"Entry point address: +(\S+)", tool("readelf", "-hW", str(elf)))[1], 16)
    at = (names["svm_enter"] & 0x7fffffff)  # linked at its physical address and 2 GiB below the top
    text = next((off, pa) for off, pa, size, _ in parts if pa <= at < pa + size)
    code = elf.read_bytes()[text[0] + at - text[1]:][:512]
    exits = [at + code.index(VMRUN) + len(VMRUN) - base]
    return {"entry": entry, "image": end - base, "offset": entry - base}, exits


def plugin_api(arch):
    """Of the QEMU that is here; None: none that count.c knows."""
    version = tuple(int(n) for n in qemu_version(arch).split(".")[:2])
    return max((api for since, api in PLUGIN_API if since <= version), default=None)


def plugin(arch):
    """count.c, built for this QEMU."""
    api = plugin_api(arch)
    so, source = ROOT / "build" / "bench" / f"count-{api}.so", ROOT / "tests" / "bench" / "count.c"
    if not so.exists() or so.stat().st_mtime < source.stat().st_mtime:
        so.parent.mkdir(parents=True, exist_ok=True)
        new = so.with_suffix(f".{os.getpid()}")  # two tests may be here at once
        tool("gcc", f"-DAPI={api}", "-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-o", str(new), str(source))
        new.replace(so)
    return so


def splits(arch):
    """Can QEMU's instructions be told apart here? Why not, in words, or ""."""
    return "" if plugin_api(arch) else f"QEMU {qemu_version(arch)} is older than the plugin tests/bench/count.c knows"


def plugin_option(arch, out, profile=None):
    """To count Trivet's run on @arch."""
    facts, exits = hypervisor(arch)
    with open(build(arch) / "service.bin", "rb") as f:  # hv/abi/service.h
        size, entry = struct.unpack("<QQ", f.read(32)[16:32])
    facts.update(service=size, soffset=entry, mark=MARK[arch], out=out)
    if profile:
        facts["profile"] = profile
    words = [f"{key}={value}" for key, value in facts.items()] + [f"exit={at}" for at in exits]
    return "-plugin " + ",".join([str(plugin(arch)), *words])


def plugin_for_peer(arch, out):
    """To count all that runs on @arch, and another hypervisor's entries, where one instruction makes them."""
    enter = [f"enter={VMRUN.hex()}"] if arch == "x86_64" else []
    return ["-plugin", ",".join([str(plugin(arch)), f"mark={MARK[arch]}", f"out={out}", *enter])]


class Counts(dict):
    """A line of count.c's."""

    def __sub__(self, other):
        return Counts((key, n - other[key]) for key, n in self.items())

    @property
    def ours(self):
        return self["hypervisor"] + self["service"]


def read_counts(path):
    """[(when, Counts)]"""
    lines = []
    for line in path.read_text().splitlines():
        when, *words = line.split()
        lines.append((when, Counts(zip(words[::2], map(int, words[1::2])))))
    return lines


def command(machine, *options):
    return ["./trivet", "run", "--machine", machine, "--count", *map(str, options)]


def run(machine, *options, count=False, seconds=600):
    """./trivet run --count: (what it said, count.c's lines). The machine has to end by itself."""
    with tempfile.TemporaryDirectory(prefix="trivet-bench-") as folder:
        out = pathlib.Path(folder) / "counts"
        extra = [f"--qemu={plugin_option(arch_of(machine), out)}"] if count else []
        status, text = said(command(machine, "--timeout", seconds, *options) + extra)
        if status:
            raise Failed(f"{' '.join(command(machine, *options))}: status {status}\n" + "\n".join(text.splitlines()[-15:]))
        return text, read_counts(out) if count else []


def linux(machine, test, *, disk=None, memory=256):
    """The default guest, which runs /tests/@test: (its console and the log, count.c's lines)."""
    arch = arch_of(machine)
    with tempfile.TemporaryDirectory(prefix="trivet-bench-") as folder:
        folder = pathlib.Path(folder)
        for name in ("vmlinuz", "initrd.gz"):
            (folder / name).symlink_to(assets(arch) / name)
        extra = ""
        if disk:
            with open(folder / "disk.img", "wb") as f:
                f.truncate(disk << 20)
            extra = "disk = disk.img\n"
        (folder / "bench.ini").write_text(
            f"[machine]\npoweroff-when-done = yes\nstatistics = yes\n[vm linux]\nkernel = vmlinuz\ninitrd = initrd.gz\n"
            f"cmdline = console={ARCHES[arch].console} quiet trivet.test={test}\nmemory = {memory}M\n{extra}")
        text, counts = run(machine, "--config", folder / "bench.ini", count=True)
    if f"TRIVET-TEST-PASS {test}" not in text:
        raise Failed(f"{test} on {machine} did not pass:\n" + "\n".join(text.splitlines()[-15:]))
    return text, counts


def exits(text):
    """The log's `statistics`: {kind: (exits, those for the service VM)}."""
    return {kind: (int(a), int(b)) for kind, a, b in
            re.findall(r"CPU \d+: exits (\w+) (\d+), to the service VM (\d+)", text)}
