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

MEMORY = 1024  # MiB, as ./trivet gives a machine
GUEST_MEMORY = 256
SECONDS = 600  # the computer's
GRACE = 60
GUEST_SECONDS = 60  # the emulated machine's: of a thousand million instructions each, or idle and then no time at all
COUNT = ["-icount", "shift=0,sleep=off", "-seed", "1", "-rtc", "base=2026-01-01,clock=vm"]  # as ./trivet run --count

# outer: the machine's command; inner: the guest's. Without vapic=off, which is there for 32-bit Windows, KVM tells QEMU of each write
# to the task priority: 110,000 instructions that no guest with other systems would have.
Peer = collections.namedtuple("Peer", "outer console inner")
PEERS = {
    "x86_64": Peer(["qemu-system-x86_64", "-machine", "q35", "-cpu", "max"], "ttyS0",
                   ["qemu-system-x86_64", "-machine", "q35", "-global", "kvm-apic.vapic=off",
                    "-device", "virtio-rng-pci,disable-legacy=on,modern-pio-notify=on"]),
    "arm64": Peer(["qemu-system-aarch64", "-machine", "virt,virtualization=on,gic-version=3", "-cpu", "max"], "ttyAMA0",
                  ["qemu-system-aarch64", "-machine", "virt,gic-version=3", "-device", "virtio-rng-pci,disable-legacy=on"]),
}


class Failed(Exception):
    """Why there is nothing to tell, and the last lines of the machine's console."""


def folder(arch):
    """Where vmlinuz and initrd are."""
    return ROOT / "build" / "assets" / "bench" / arch


def prepare(arch):
    """Have make see to them."""
    done = subprocess.run(["make", "--no-print-directory", f"ARCH={arch}", "assets-bench"], cwd=ROOT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode:
        raise Failed(f"'make ARCH={arch} assets-bench' failed:\n{done.stdout[-2000:]}")


def overlay(files):
    """What the initramfs of one run has beside the common one: {name: content}."""
    cpio = build.Cpio()
    for name, content in files.items():
        cpio.add(name, stat.S_IFREG | 0o644, content)
    return cpio.finish()


def inner_command(peer, cpus, append, options):
    """QEMU's in the machine: its guest's console on standard output."""
    command = [*peer.inner, "-L", "/firmware", "-accel", "kvm", "-cpu", "host", "-m", f"{GUEST_MEMORY}M", "-smp", str(cpus),
               "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio", "-kernel", "/kernel"]
    return command + (["-append", append] if append else []) + list(options)


def boot(arch, files, mitigations, seconds):
    """Boot the machine with @files in its initramfs; returns what it said."""
    peer = PEERS[arch]
    words = f"console={peer.console} quiet nokaslr panic=-1" + ("" if mitigations else " mitigations=off")
    with tempfile.TemporaryDirectory(prefix="trivet-") as temporary:
        initrd = pathlib.Path(temporary) / "initrd"
        initrd.write_bytes((folder(arch) / "initrd").read_bytes() + overlay(files))
        command = [*peer.outer, "-name", "trivet-peer", "-accel", "tcg", "-m", f"{MEMORY}M", "-smp", "1", "-nodefaults",
                   "-no-user-config", "-display", "none", "-no-reboot", "-kernel", str(folder(arch) / "vmlinuz"), "-initrd",
                   str(initrd), "-append", words, "-chardev", "stdio,id=console,signal=off,mux=off", "-serial",
                   "chardev:console", *COUNT]
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


def run(arch, kernel, *, cpus=1, mitigations=True, append="", options=(), seconds=SECONDS):
    """What the guest @kernel says on its console, under KVM and QEMU on @arch. It has to power off. @mitigations: whether the
    Linux with KVM has those against CPUs' faults that it takes by itself. @options are more arguments for the guest's QEMU."""
    prepare(arch)
    command = inner_command(PEERS[arch], cpus, append, options)
    files = {"kernel": pathlib.Path(kernel).read_bytes(), "guest": f"exec {shlex.join(command)}\n".encode(),
             "seconds": f"{GUEST_SECONDS}\n".encode()}
    text = boot(arch, files, mitigations, seconds)
    found = re.search(r"^PEER-BEGIN\n(.*)^PEER-END (\d+)\n", text, re.M | re.S)
    if not found:
        raise failure("the machine did not come to its end", text)
    if found[2] != "0":
        why = f"no end after {GUEST_SECONDS} of the machine's seconds" if found[2] == "137" else f"QEMU's status {found[2]}"
        raise failure(f"the guest: {why}", text)
    return found[1]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--arch", choices=PEERS, default="x86_64")
    p.add_argument("--kernel", required=True, help="the guest's: for x86_64 a Multiboot file, for arm64 an Image")
    p.add_argument("--append", default="", help="its command line")
    p.add_argument("--cpus", type=int, default=1, help="its CPUs")
    p.add_argument("--mitigations", choices=["on", "off"], default="on", help="those of the Linux with KVM")
    p.add_argument("--qemu", type=shlex.split, default=[], help="more arguments for the guest's QEMU, as one word")
    p.add_argument("--seconds", type=int, default=SECONDS, help="give up after so many")
    args = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the emulator must be ended by us
    try:
        print(run(args.arch, args.kernel, cpus=args.cpus, mitigations=args.mitigations == "on", append=args.append,
                  options=args.qemu, seconds=args.seconds), end="")
    except (Failed, OSError) as e:
        sys.exit(f"peers: {e}")


if __name__ == "__main__":
    main()
