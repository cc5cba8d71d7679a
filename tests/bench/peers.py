#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run a guest's kernel under KVM and QEMU, inside the same emulated machine that Trivet is measured on (./trivet run --count).

The machine boots Debian's kernel with an initramfs of QEMU (tests/bench/l1.py), which starts the guest and says what its console
said. Time is counted in instructions there: a run gives the same figures on any computer.
"""

import argparse
import collections
import pathlib
import re
import shlex
import signal
import stat
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "assets"))

import build  # noqa: E402
from counted import COUNT, QEMU, RNG, Failed, assets, plugin_for_peer, read_counts, said  # noqa: E402

MARKER = "An unmodified Debian kernel"  # tests/assets/init, before its shell
BOOT_SECONDS = 6  # the emulated machine's, for a kernel to come to the marker and then be idle
MEMORY = 1024  # MiB, as ./trivet gives a machine
GUEST_MEMORY = 256
SECONDS = 600  # the computer's
GRACE = 60  # from the request to end to the machine's end
GUEST_SECONDS = 60  # the emulated machine's: of a thousand million instructions each, or idle and then no time at all

# outer: the machine's command, but for its CPU; inner: the guest's, without its machine, which is one of machines: the first, but for
# a whole Linux. vapic, which is for 32-bit Windows, would have KVM tell QEMU of each write of the task priority: 110,000 instructions.
Peer = collections.namedtuple("Peer", "outer cpu inner machines")
PEERS = {
    "x86_64": Peer([QEMU["x86_64"], "-machine", "q35"], "max",
                   ["qemu-system-x86_64", "-global", "kvm-apic.vapic=off"], ["q35", "microvm,rtc=on,pcie=on"]),
    "arm64": Peer([QEMU["arm64"], "-machine", "virt,virtualization=on,gic-version=3"], "max",
                  ["qemu-system-aarch64"], ["virt,gic-version=3"]),
}
# What a kernel is run by. The first and the last file have the clock and for how long nothing ran, the others how often KVM's guests
# came to it. A pipe would have its reader run for each character of the guest's console.
BOOT = """\
mount -t debugfs debug /sys/kernel/debug
cat /proc/timer_list >/before
{command} >/boot 2>/errors &
sleep {seconds}
cat /proc/timer_list >/after
for f in /sys/kernel/debug/kvm/*; do
	[ -f $f ] && echo "STAT ${{f##*/}} $(cat $f)"
done
kill -9 $!
for f in before after; do
	sed -n "s/^now at \\([0-9]*\\).*/CLOCK $f \\1/p; s/^ *.idle_sleeptime *: *\\([0-9]*\\).*/IDLE $f \\1/p" /$f
done
cat /boot
"""


# The disk is memory, as it is on Trivet.
TEST = """\
dd if=/dev/zero of=/disk.img bs=1M count={disk}
exec {command}
"""


def folder(arch):
    """Where vmlinuz and initrd are."""
    return ROOT / "build" / "assets" / "bench" / arch


def prepare(arch):
    """Have make see to them."""
    status, text = said(["make", "--no-print-directory", f"ARCH={arch}", "assets-bench"])
    if status:
        raise Failed(f"'make ARCH={arch} assets-bench' failed:\n{text[-2000:]}")


def overlay(files):
    """What the initramfs of one run has beside the common one: {name: content}."""
    cpio = build.Cpio()
    for name, content in files.items():
        cpio.add(name, stat.S_IFREG | 0o644, content)
    return cpio.finish()


def inner_command(arch, machine, cpus, options):
    """QEMU's in the machine: its guest's console on standard output."""
    return [*PEERS[arch].inner, "-machine", machine, "-L", "/firmware", "-accel", "kvm", "-cpu", "host", "-m", f"{GUEST_MEMORY}M",
            "-smp", str(cpus), "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio",
            "-kernel", "/kernel", *options]


def boot(arch, files, *, mitigations=True, cpu="", seconds=SECONDS, cpus=1, counts=None):
    """Boot the machine with @files in its initramfs; returns what it said. @counts is where the plugin is to write, if anywhere."""
    peer = PEERS[arch]
    words = f"console={build.ARCHES[arch].console} quiet nokaslr panic=-1" + ("" if mitigations else " mitigations=off")
    with tempfile.TemporaryDirectory(prefix="trivet-") as temporary:
        initrd = pathlib.Path(temporary) / "initrd"
        initrd.write_bytes((folder(arch) / "initrd").read_bytes() + overlay(files))
        command = [*peer.outer, "-cpu", cpu or peer.cpu, "-name", "trivet-peer", "-accel", "tcg", "-m", f"{MEMORY}M",
                   "-smp", str(cpus), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-kernel", str(folder(arch) / "vmlinuz"),
                   "-initrd", str(initrd), "-append", words, "-chardev", "stdio,id=console,signal=off,mux=off",
                   "-serial", "chardev:console", *COUNT, *(plugin_for_peer(arch, counts) if counts else [])]
        said, late = pathlib.Path(temporary) / "console", ""
        with open(said, "wb") as output:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            late = f"no end after {seconds} seconds"
            ask_to_end(process)
        finally:
            process.kill()  # one that idles under -icount hears nothing else
            process.wait()
        text = said.read_bytes().decode(errors="replace").replace("\r", "")
    if late or process.returncode:
        raise failure(late or f"QEMU ended with status {process.returncode}", text)
    return text


def ask_to_end(process):
    """Have /init say what there is of the guest's console."""
    try:
        process.stdin.write(b"\n")
        process.stdin.close()
        process.wait(GRACE)
    except (OSError, subprocess.TimeoutExpired):
        pass


def failure(reason, text):
    lines = [line for line in text.splitlines() if line.strip()]
    return Failed(f"{reason}; its console's last lines:\n" + "\n".join(lines[-15:]))


def guest_console(arch, files, **machine):
    """Boot the @machine with @files, of which `guest` is run; what that said."""
    files = {"seconds": f"{GUEST_SECONDS}\n".encode(), **files}
    text = boot(arch, files, **machine)
    found = re.search(r"^PEER-BEGIN\n(.*)^PEER-END (\d+)\n", text, re.M | re.S)
    if not found:
        raise failure("the machine did not come to its end", text)
    if found[2] != "0":
        why = f"no end after {GUEST_SECONDS} of the machine's seconds" if found[2] == "137" else f"QEMU's status {found[2]}"
        raise failure(f"the guest: {why}", text)
    return found[1]


def run(arch, kernel, *, cpus=1, host_cpus=1, mitigations=True, append="", options=(), cpu="", seconds=SECONDS):
    """What the guest @kernel says on its console, under KVM and QEMU on @arch. It has to power off. @mitigations: whether the
    Linux with KVM has those against CPUs' faults that it takes by itself. @options are more arguments for the guest's QEMU, @cpu is the
    machine's model if not Trivet's, @host_cpus how many it has."""
    if host_cpus > 1 and arch == "x86_64":
        raise Failed("Linux waits for ever for the second CPU of a PC whose time is counted in instructions")
    prepare(arch)
    options = ["-device", RNG[arch], *(["-append", append] if append else []), *options]
    command = inner_command(arch, PEERS[arch].machines[0], cpus, options)
    files = {"kernel": pathlib.Path(kernel).read_bytes(), "guest": f"exec {shlex.join(command)}\n".encode()}
    return guest_console(arch, files, mitigations=mitigations, cpu=cpu, seconds=seconds, cpus=host_cpus)


def linux_command(arch, machine, append, options):
    """QEMU's, whose guest is that of `make run`, with the disk /disk.img."""
    options = ["-initrd", "/initrd.gz", "-append", " ".join((f"console={build.ARCHES[arch].console}", append)), "-device", RNG[arch],
               "-drive", "if=none,id=disk,format=raw,file=/disk.img", "-device", "virtio-blk-pci,drive=disk", *options]
    return shlex.join(inner_command(arch, machine or PEERS[arch].machines[0], 1, options))


def linux_files(arch, *more):
    return {name: (assets(arch) / file).read_bytes() for name, file in (("kernel", "vmlinuz"), ("initrd.gz", "initrd.gz"), *more)}


def run_test(arch, test, *, disk=1, mitigations=True, machine=None, options=(), cpu="", seconds=SECONDS):
    """The same guest runs /tests/@test with a disk of @disk MiB: the plugin's lines, one for each mark that the test sets."""
    prepare(arch)
    command = linux_command(arch, machine, f"quiet trivet.test={test}", options)
    files = linux_files(arch) | {"guest": TEST.format(command=command, disk=disk).encode()}
    with tempfile.TemporaryDirectory(prefix="trivet-") as temporary:
        counts = pathlib.Path(temporary) / "counts"
        text = guest_console(arch, files, mitigations=mitigations, cpu=cpu, seconds=seconds, counts=counts)
        if f"TRIVET-TEST-PASS {test}" not in text:
            raise failure(f"the guest's test {test} did not pass", text)
        return read_counts(counts)


def run_linux(arch, *, machine=None, mitigations=True, append="quiet", options=(), cpu="", seconds=SECONDS):
    """Boot the guest of `make run` to its shell under KVM and QEMU, on one of PEERS[arch].machines: (instructions from QEMU's start
    on of all that ran, {KVM's counter: events})."""
    prepare(arch)
    command = linux_command(arch, machine, append, options)
    files = linux_files(arch, ("disk.img", "disk.img")) | {"guest": BOOT.format(command=command, seconds=BOOT_SECONDS).encode()}
    text = guest_console(arch, files, mitigations=mitigations, cpu=cpu, seconds=seconds)
    if MARKER not in text:
        raise failure(f"the guest did not say '{MARKER}'", text)
    times = {(what, when): int(n) for what, when, n in re.findall(r"^(CLOCK|IDLE) (\w+) (\d+)$", text, re.M)}
    spent = {what: times[what, "after"] - times[what, "before"] for what in ("CLOCK", "IDLE")}
    return spent["CLOCK"] - spent["IDLE"], {name: int(n) for name, n in re.findall(r"^STAT (\w+) (\d+)$", text, re.M) if n != "0"}


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--arch", choices=PEERS, default="x86_64")
    p.add_argument("--kernel", help="the guest's: for x86_64 a Multiboot file, for arm64 an Image; without it, that of `make run` "
                   "is booted to its shell, and how many instructions and exits it took is said")
    p.add_argument("--test", help="without a kernel: run this one of tests/assets/tests, and say what was counted at its marks")
    p.add_argument("--disk", type=int, default=1, help="MiB of the disk that a test has")
    p.add_argument("--append", default="", help="its command line; for Linux, more of it")
    p.add_argument("--cpus", type=int, default=1, help="its CPUs")
    p.add_argument("--host-cpus", type=int, default=1, help="the machine's, but for Linux (arm64)")
    p.add_argument("--machine", help="for Linux: " + ", ".join(f"{m} ({arch})" for arch in PEERS for m in PEERS[arch].machines))
    p.add_argument("--mitigations", choices=["on", "off"], default="on", help="those of the Linux with KVM")
    p.add_argument("--qemu", type=shlex.split, default=[], help="more arguments for the guest's QEMU, as one word")
    p.add_argument("--cpu", metavar="MODEL", default="", help="the machine's CPU, as of ./trivet run")
    p.add_argument("--seconds", type=int, default=SECONDS, help="give up after so many")
    args = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the emulator must be ended by us
    common = {"mitigations": args.mitigations == "on", "options": args.qemu, "cpu": args.cpu, "seconds": args.seconds}
    try:
        if args.kernel:
            print(run(args.arch, args.kernel, cpus=args.cpus, host_cpus=args.host_cpus, append=args.append, **common), end="")
        elif args.test:
            for when, counts in run_test(args.arch, args.test, disk=args.disk, machine=args.machine, **common):
                print(when, *(f"{name} {n}" for name, n in counts.items()))
        else:
            instructions, events = run_linux(args.arch, machine=args.machine, append=args.append or "quiet", **common)
            print(f"instructions {instructions}", *(f"{name} {n}" for name, n in events.items()), sep="\n")
    except (Failed, OSError) as e:
        sys.exit(f"peers: {e}")


if __name__ == "__main__":
    main()
