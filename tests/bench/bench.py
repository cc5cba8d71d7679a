#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure what Trivet costs, in executed emulated instructions: single operations and whole workloads, and beside it KVM with QEMU
and the bare machine on the same emulator, running the same guest. docs/performance.md says what the figures mean."""

import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import chart
import counted
import peers
from counted import ROOT, Failed

RESULT = ROOT / "build" / "bench.json"
BASELINE = ROOT / "tests" / "bench-baseline.json"
DOCUMENT = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "performance.svg"
WORSE = 1.03  # of the baseline: more is a regression
SLACK = 2  # instructions: so many is no regression of a cheap operation
GUEST = {"x86_64": "guest-test/bench.elf", "arm64": "guest-test/bench.Image"}
MACHINES = {"x86_64": "svm", "arm64": "arm64"}
BARE = {"x86_64": "q35", "arm64": "virt,gic-version=3"}
# vCPUs, CPUs: which of the bench guest's figures mean something there (guest/test/README.md); None: all
CPUS = {
    (1, 1): None,
    (2, 1): {"x86_64": {"vm-switch", "vm-switch-pause", "ipi-halted", "ipi-halted-sleep"}, "arm64": {"vm-switch", "ipi-halted-sleep"}},
    (2, 2): {"x86_64": {"ipi-other-send", "ipi-other"}, "arm64": {"ipi-other-send", "ipi-other"}},
}
SLICES = {"vm-switch-pause", "ipi-halted-sleep"}  # under KVM a slice of Linux' scheduler, and no cost
VOID = {"virtio-request", "virtio-request-pin"}  # without a hypervisor the clock jumps while a device works
TITLES = {"trivet": "Trivet", "kvm": "KVM, mitigations off", "kvm-mitigations": "KVM", "bare": "no hypervisor",
          "trivet-nvhe": "Trivet without VHE", "trivet-vmx": "Trivet, VMX in Bochs"}
DISK_MIB = 64
# What tests/assets/tests/bench-workloads does between two marks each: its name, pieces, what they are.
WORKLOADS = [("disk, 1 MiB reads", 64, " a MiB"), ("disk, 4 KiB reads", 4096, " a read"), ("serial console", 64, " a KiB")]
GUEST_MIB = 256  # of the guests whose overhead is measured

Figure = collections.namedtuple("Figure", "arch system name value worst unit how")


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def costs(arch, system, text, how):
    """The figures of the bench guest's console @text. One that it could not take is not among them."""
    if not re.search(r"^DONE \d+ passed 0 failed", text, re.M):
        raise Failed(f"{how}: the bench guest did not come to its end:\n" + "\n".join(text.splitlines()[-15:]))
    return [Figure(arch, system, name, int(median), int(worst), "instructions", how)
            for name, median, worst in re.findall(r"^COST (\S+) (\d+) (\d+)", text, re.M) if not name.startswith("empty")]


def operations(machine, system="trivet"):
    """Single operations on Trivet."""
    arch = counted.arch_of(machine)
    figures = []
    for (cpus, host), names in CPUS.items():
        options = ["--kernel", counted.build(arch) / GUEST[arch], "--append", "trivet", "--cpus", cpus, "--host-cpus", host]
        say(f"operations on {machine}, {cpus} vCPUs on {host} CPUs")
        text, _ = counted.run(machine, *options)
        how = " ".join(counted.command(machine, *options)).replace(f"{ROOT}/", "")
        figures += [f for f in costs(arch, system, text, how) if names is None or f.name in names[arch]]
    return figures


def workload(arch, system, name, counts, how, per=1, what=""):
    """What a workload took: the guest's own instructions, the hypervisor's and the service VM's, and exits; for each of @per pieces."""
    parts = [("all", counts.ours + counts["others"])]
    if system == "trivet":  # else it is not known whose they are
        parts = [("guest", counts["others"]), ("hypervisor", counts["hypervisor"]), ("service VM", counts["service"]),
                 ("Trivet", counts.ours), *parts]
    figures = [Figure(arch, system, f"{name}: {part}", round(n / per), None, f"instructions{what}", how) for part, n in parts]
    if counts["guest-exits"]:
        figures.append(Figure(arch, system, f"{name}: exits", round(counts["guest-exits"] / per, 2), None, f"exits{what}", how))
    return figures


def boot(arch):
    """Debian's boot, from the guest's first instruction to its first program."""
    say(f"Debian's boot on {MACHINES[arch]}")
    text, lines = counted.linux(MACHINES[arch], "bench-boot")
    at = dict(lines)
    how = "tests/assets/tests/bench-boot under --count with tests/bench/count.c"
    figures = workload(arch, "trivet", "Linux boot", at["mark"] - at["first"], how)
    figures += [Figure(arch, "trivet", f"Linux boot and power-off: exits {kind}", n, None, "exits", how)
                for kind, (n, _) in counted.exits(text).items()]
    kept = re.search(r"(\d+) KiB kept", text)
    return figures + [Figure(arch, "trivet", "memory kept by the hypervisor", int(kept[1]), None, "KiB of 1023 MiB", "its log")]


def between_marks(arch, system, lines, how):
    """The WORKLOADS, from the plugin's @lines."""
    marks = [at for when, at in lines if when == "mark"]
    if len(marks) != 2 * len(WORKLOADS):
        raise Failed(f"{how}: {len(marks)} marks")
    return [figure for (name, per, what), first, last in zip(WORKLOADS, marks[::2], marks[1::2])
            for figure in workload(arch, system, name, last - first, how, per, what)]


def workloads(arch):
    say(f"disk and console on {MACHINES[arch]}")
    _, lines = counted.linux(MACHINES[arch], "bench-workloads", disk=DISK_MIB)
    return between_marks(arch, "trivet", lines, "tests/assets/tests/bench-workloads under --count with tests/bench/count.c")


def memory(arch):
    """What the service VM has less, beside the guest's own memory, when a first and when a further guest has been made."""
    say(f"memory of guests on {MACHINES[arch]}")
    kernel = counted.build(arch) / "guest-test" / f"busy{pathlib.Path(GUEST[arch]).suffix}"
    with tempfile.TemporaryDirectory(prefix="trivet-bench-") as folder:
        folder = pathlib.Path(folder)
        (folder / kernel.name).symlink_to(kernel)
        (folder / "memory.ini").write_text("[machine]\nstatistics = yes\npoweroff-when-done = yes\n" + "".join(
            f"[vm {name}]\nkernel = {kernel.name}\nmemory = {GUEST_MIB}M\ncmdline = trivet\n" for name in ("one", "two")))
        text, _ = counted.run(MACHINES[arch], "--config", folder / "memory.ini")
    free = {int(made): int(kib) for made, kib in re.findall(r"(\d) guests made, (\d+) KiB free", text)}
    kept = re.search(r"(\d+) MiB of memory, (\d+) KiB kept", text)
    names = ("memory: hypervisor, service VM and boot modules", "memory: a first guest, beside its own", "memory: a further guest, beside its own")
    values = ((int(kept[1]) << 10) - free[0], free[0] - free[1] - (GUEST_MIB << 10), free[1] - free[2] - (GUEST_MIB << 10))
    how = "the log of two guests 'busy' with 'statistics = yes'"
    return [Figure(arch, "trivet", name, value, None, "KiB", how) for name, value in zip(names, values)]


def bare(arch):
    """The same guest on the emulated machine itself."""
    say(f"operations on {arch} without a hypervisor")
    command = [counted.QEMU[arch], "-machine", BARE[arch], "-cpu", "max", "-device", counted.RNG[arch], "-m", "256", "-smp", "1",
               "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio", "-kernel",
               str(counted.build(arch) / GUEST[arch]), *counted.COUNT]
    _, text = counted.said(command, timeout=300)
    figures = costs(arch, "bare", text, " ".join(command).replace(f"{ROOT}/", ""))
    return [f for f in figures if f.name not in VOID]


def kvm(arch, mitigations):
    """The same guest under KVM with QEMU, in the same emulated machine."""
    system = "kvm-mitigations" if mitigations else "kvm"
    figures = []
    for cpus in (1, 2):
        say(f"operations on {arch} under KVM, mitigations {'on' if mitigations else 'off'}, {cpus} vCPUs on one CPU")
        text = peers.run(arch, counted.build(arch) / GUEST[arch], cpus=cpus, mitigations=mitigations)
        how = f"tests/bench/peers.py --arch {arch} --kernel {counted.build(arch).relative_to(ROOT) / GUEST[arch]} --cpus {cpus} " \
              f"--mitigations {'on' if mitigations else 'off'}"
        names = CPUS[cpus, 1]
        figures += [f for f in costs(arch, system, text, how) if f.name not in SLICES and (names is None or f.name in names[arch])]
    return figures


def kvm_boot(arch, mitigations):
    """Debian's boot to its shell there: all instructions from QEMU's start on, and exits."""
    say(f"Debian's boot on {arch} under KVM, mitigations {'on' if mitigations else 'off'}")
    instructions, events = peers.run_linux(arch, mitigations=mitigations)
    system, how = "kvm-mitigations" if mitigations else "kvm", f"tests/bench/peers.py --arch {arch} (QEMU's start included)"
    return [Figure(arch, system, "Linux boot: all", instructions, None, "instructions", how),
            Figure(arch, system, "Linux boot: exits", events.get("exits", 0), None, "exits", how)]


def kvm_workloads(arch, mitigations):
    """Disk and console there."""
    say(f"disk and console on {arch} under KVM, mitigations {'on' if mitigations else 'off'}")
    why = counted.splits(arch)
    if why:
        say(f"left out: {why}")
        return []
    lines = peers.run_test(arch, "bench-workloads", disk=DISK_MIB, mitigations=mitigations, seconds=1200)
    return between_marks(arch, "kvm-mitigations" if mitigations else "kvm", lines,
                         f"tests/bench/peers.py --arch {arch} --test bench-workloads --disk {DISK_MIB}")


def vmx_statistics(folder):
    """A configuration of the bench guest that tells its exits by kind."""
    kernel = counted.build("x86_64") / GUEST["x86_64"]
    (folder / kernel.name).symlink_to(kernel)
    (folder / "vmx.ini").write_text(f"[machine]\npoweroff-when-done = yes\nstatistics = yes\n[vm bench]\nkernel = {kernel.name}\n"
                                    "memory = 256M\nrng = yes\ncmdline = trivet\n")
    return folder / "vmx.ini"


def vmx():
    """Ours alone, in Bochs, which runs one instruction each tick of the TSC."""
    say("operations on VMX, in Bochs")
    with tempfile.TemporaryDirectory(prefix="trivet-bench-") as folder:
        command = ["./trivet", "run", "--machine", "vmx", "--timeout", "600", "--config", str(vmx_statistics(pathlib.Path(folder)))]
        _, text = counted.said(command)
    how = f"./trivet run --machine vmx --kernel build/x86_64/{GUEST['x86_64']} --append trivet"
    return costs("x86_64", "trivet-vmx", text, how) + [
        Figure("x86_64", "trivet-vmx", f"the whole bench guest: exits {kind}", n, None, "exits", how)
        for kind, (n, _) in counted.exits(text).items()]


# --- what is told ------------------------------------------------------------------------------------------------------

def cell(figure):
    if figure is None:
        return "–"
    value = figure.value
    return f"{int(value) if value == int(value) else value:,}"


def rows(figures, arch):
    """[(name, unit, {system: Figure})], in the order in which they were measured."""
    table = {}
    for f in figures:
        if f.arch == arch:
            table.setdefault(f.name, {})[f.system] = f
    return [(name, next(iter(by.values())).unit, by) for name, by in table.items()]


def table(figures, arch):
    """Lines of Markdown."""
    present = [s for s in TITLES if any(f.system == s and f.arch == arch for f in figures)]
    lines = ["| operation | " + " | ".join(TITLES[s] for s in present) + (" | KVM, off / Trivet |" if "kvm" in present else " |"),
             "|---|" + "---|" * (len(present) + ("kvm" in present))]
    for name, unit, by in rows(figures, arch):
        title = name if unit == "instructions" else f"{name} ({unit})"
        words = [title] + [cell(by.get(s)) for s in present]
        if "kvm" in present:
            ours, theirs = by.get("trivet"), by.get("kvm")
            words.append(f"{theirs.value / ours.value:.1f}" if ours and theirs and ours.value and theirs.value else "–")
        lines.append("| " + " | ".join(words) + " |")
    return lines


def show(figures):
    """The tables, in columns."""
    for arch in GUEST:
        lines = [[word.strip() for word in line.strip("|").split("|")] for line in table(figures, arch) if not line.startswith("|---")]
        if len(lines) < 2:
            continue
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        print(f"\n{arch}: executed emulated instructions")
        for line in lines:
            print("  ".join([line[0].ljust(widths[0])] + [word.rjust(w) for word, w in zip(line[1:], widths[1:])]))


def save(figures):
    qemu = {arch: counted.qemu_version(arch) for arch in sorted({f.arch for f in figures})}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"qemu": qemu, "figures": [f._asdict() for f in figures]}, indent=1) + "\n")


def load():
    return [Figure(**f) for f in json.loads(RESULT.read_text())["figures"]]


# --- the baseline ------------------------------------------------------------------------------------------------------

def key(figure):
    return f"{figure.arch}: {figure.name}"


def kept(figures):
    """Those that the baseline has: Trivet's, and of a boot's exits not the kinds."""
    return {key(f): f.value for f in figures if f.system == "trivet" and ": exits " not in f.name}


def tools(arch):
    """What a count depends on besides our sources: {tool: version}."""
    debs = counted.assets(arch) / "deb"
    return {
        "gcc": counted.tool("gcc", "-dumpfullversion").strip(),
        f"qemu {arch}": counted.qemu_version(arch),
        f"kernel {arch}": min((deb.name for deb in debs.glob("linux-image-*.deb")), default="none"),
    }


def set_baseline(figures):
    names = {name: n for name, n in kept(figures).items() if not re.search(": (disk, |serial console: |memory: )", name)}
    made = {tool: version for arch in sorted({f.arch for f in figures}) for tool, version in tools(arch).items()}
    BASELINE.write_text(json.dumps({"made with": made, "figures": names}, indent=1) + "\n")


def baseline(arch):
    """(its figures of @arch that can be compared here, why others can't, in words)."""
    whole = json.loads(BASELINE.read_text())
    there, here = whole["made with"], tools(arch)
    figures = {name: n for name, n in whole["figures"].items() if name.startswith(f"{arch}: ")}
    for tool in ("gcc", f"qemu {arch}"):
        if there.get(tool) != here[tool]:
            return {}, f"the baseline was made with {tool} {there.get(tool)}, here is {here[tool]}"
    tool = f"kernel {arch}"
    why = counted.splits(arch)
    if not why and there[tool] != here[tool]:
        why = f"the baseline's Linux was {there[tool]}, here is {here[tool]}"
    if why:
        figures = {name: n for name, n in figures.items() if "Linux boot" not in name and "memory kept" not in name}
    return figures, why


def regressions(figures, before):
    """In words, what is worse than the baseline by more than WORSE, or is not measured any more."""
    now, words = kept(figures), []
    for name, was in before.items():
        if name not in now:
            words.append(f"{name}: {was} in the baseline, not measured now")
        elif now[name] > was * WORSE and now[name] - was > SLACK:
            words.append(f"{name}: {now[name]}, {was} in the baseline ({(now[name] / was - 1) * 100 if was else 100:+.1f} %)")
    return words


def document(figures):
    """The tables and the chart in docs/ are those of @figures."""
    text = DOCUMENT.read_text()
    for arch in GUEST:
        if not any(f.arch == arch for f in figures):
            continue
        begin, end = f"<!-- {arch} -->\n", f"<!-- end of {arch} -->\n"
        before, rest = text.split(begin)
        text = before + begin + "\n" + "\n".join(table(figures, arch)) + "\n\n" + end + rest.split(end)[1]
    DOCUMENT.write_text(text)
    CHART.write_text(chart.svg(figures))


def split(arch, *what):
    """Figures that need QEMU's instructions told apart."""
    why = counted.splits(arch)
    if why:
        say(f"no workloads on {arch}: {why}")
        return []
    return [figure for function in what for figure in function(arch)]


def quick(arches):
    return [f for arch in arches for f in operations(MACHINES[arch]) + split(arch, boot)]


def ours(arches):
    figures = []
    for arch in arches:
        figures += operations(MACHINES[arch]) + split(arch, boot, workloads) + memory(arch)
        figures += vmx() if arch == "x86_64" else operations("arm64-nvhe", "trivet-nvhe")
    return figures


def whole(arches):
    figures = ours(arches)
    for arch in arches:
        figures += bare(arch) + kvm(arch, False) + kvm(arch, True) + kvm_boot(arch, False) + kvm_workloads(arch, False)
    return figures


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--arch", type=str.split, default=list(GUEST), help="architectures to measure, as one word (default: all)")
    p.add_argument("--quick", action="store_true", help="Trivet's operations and boot alone, without the peers")
    p.add_argument("--ours", action="store_true", help="all of Trivet's, beside the peers' figures of the last run")
    p.add_argument("--show", action="store_true", help="what the last run has measured, from build/bench.json")
    p.add_argument("--document", action="store_true", help="that into docs/performance.md and its chart")
    p.add_argument("--set-baseline", action="store_true", help=f"that into {BASELINE.relative_to(ROOT)}")
    args = p.parse_args()
    os.chdir(ROOT)
    try:
        if args.show or args.document or args.set_baseline:
            figures = load()
        else:
            others = [f for f in load() if not f.system.startswith("trivet")] if args.ours else []
            figures = quick(args.arch) if args.quick else ours(args.arch) + others if args.ours else whole(args.arch)
            save(figures)
    except (Failed, OSError, subprocess.SubprocessError) as e:
        sys.exit(f"bench: {e}")
    if args.document:
        document(figures)
    elif args.set_baseline:
        set_baseline(figures)
    else:
        show(figures)
        if not args.show:
            print(f"\nbench: {RESULT.relative_to(ROOT)} has each figure and how it was got")


if __name__ == "__main__":
    main()
