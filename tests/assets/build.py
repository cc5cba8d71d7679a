#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the default guest of an architecture in a folder: default.ini and the files it names.

The kernel is Debian's, downloaded by apt (which checks it), unpacked and never installed. The initramfs holds busybox, the
kernel's virtio drivers, and the scripts beside this file. For another architecture than this machine's apt works in a
folder of its own: the machine's configuration is read, its lists and its state stay as they are.
"""

import argparse
import collections
import gzip
import lzma
import os
import pathlib
import re
import shutil
import stat
import struct
import subprocess
import sys
import zlib

HERE = pathlib.Path(__file__).resolve().parent
MODULES = ["virtio_pci", "virtio_blk", "virtio_console", "virtio_rng", "virtio_net", "virtio_balloon", "pvpanic_mmio",
           "button", "rtc_pl031"]
DISK_BYTES = 4 << 20
MARK = {"x86_64": "0f1f840054525654", "arm64": "5f8a8ad2"}  # a long NOP; MOV XZR, #0x5452
MARKS = {  # ELF's number of the machine; the mark, and _exit(0)
    "x86_64": (62, bytes.fromhex(MARK["x86_64"] + "b83c000000" "31ff" "0f05")),
    "arm64": (183, bytes.fromhex(MARK["arm64"] + "a80b80d2" "000080d2" "010000d4")),
}
FOLDERS = ["bin", "dev", "etc", "modules", "proc", "root", "run", "sys", "tests", "tmp"]

Arch = collections.namedtuple("Arch", "debian kernel console")
ARCHES = {
    "x86_64": Arch("amd64", "linux-image-cloud-amd64", "ttyS0"),
    "arm64": Arch("arm64", "linux-image-arm64", "ttyAMA0"),
}


def output(*command, **kw):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **kw).stdout


class Apt:
    """Debian's packages for one architecture."""

    def __init__(self, debian, out):
        self.out = out
        self.options = ["-q", "-o", "APT::Sandbox::User=root"]
        self.native = output("dpkg", "--print-architecture").strip() == debian
        if not self.native:
            self.use_private_state(debian, (out / "apt").resolve())

    def use_private_state(self, debian, state):
        """Lists and a cache of our own, as a machine of the other architecture would have them."""
        for folder in ("sources", "lists/partial", "archives/partial"):
            (state / folder).mkdir(parents=True, exist_ok=True)
        sources = pathlib.Path("/etc/apt")
        for path in [sources / "sources.list", *(sources / "sources.list.d").glob("*")]:
            if path.is_file() and path.suffix in (".list", ".sources"):
                text = re.sub(r"^Architectures:.*\n", "", path.read_text(), flags=re.M | re.I)
                (state / "sources" / path.name).write_text(re.sub(r"\barch=[^] ]*", "", text))
        settings = {"APT::Architecture": debian, "APT::Architectures": debian, "Dir::State::lists": state / "lists",
                    "Dir::State::status": "/dev/null", "Dir::Cache": state, "Dir::Etc::sourcelist": "/dev/null",
                    "Dir::Etc::sourceparts": state / "sources", "Acquire::Languages": "none"}
        for key, value in settings.items():
            self.options += ["-o", f"{key}={value}"]
        have = list((state / "lists").glob("*_Packages*"))  # then it goes without a network, too
        subprocess.run(["apt-get", *self.options, "update"], check=not have, stdout=subprocess.DEVNULL)

    def dependency(self, meta):
        """The versioned kernel package that the meta-package @meta depends on."""
        try:
            text = output("apt-cache", *self.options, "show", "--no-all-versions", meta, stderr=subprocess.DEVNULL)
        except subprocess.CalledProcessError:
            text = ""
        found = re.search(r"^Depends:.*?(linux-image-\S+)", text, re.M)
        if not found:
            advice = "run 'apt-get update' as root, or see the README for other guests" if self.native else \
                "the archives that this machine is configured with do not have it"
            sys.exit(f"assets: apt knows no package {meta}: {advice}")
        return found.group(1)

    def unpack(self, package, folder):
        """The files of @package in @folder, which is made anew."""
        debs = self.out / "deb"
        debs.mkdir(parents=True, exist_ok=True)
        if not list(debs.glob(f"{package}_*.deb")):
            for old in debs.glob(f"{package.split('-')[0]}-*.deb"):
                old.unlink()
            subprocess.run(["apt-get", *self.options, "download", package], cwd=debs, check=True,
                           stdout=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["dpkg", "-x", next(debs.glob(f"{package}_*.deb")), folder], check=True)
        return folder


def module_name(path):
    return path.name.split(".")[0].replace("-", "_")


def module_bytes(path):
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()


def module_order(root, names):
    """Paths of the modules @names and of what they depend on, in the order to insert them."""
    paths = {module_name(p): p for p in root.rglob("*.ko*")}
    order = []

    def visit(name):
        path = paths.get(name)
        if path is None or path in order:
            return  # built in, or absent in this kernel
        depends = re.search(rb"\0depends=([^\0]*)\0", module_bytes(path))
        for d in depends.group(1).decode().split(",") if depends else []:
            visit(d.replace("-", "_"))
        order.append(path)

    for name in names:
        visit(name)
    return order


class Cpio:
    """A writer of the "newc" format that the kernel unpacks."""

    def __init__(self):
        self.data = bytearray()
        self.inode = 0

    def add(self, name, mode, body=b""):
        self.inode += 1
        fields = [self.inode, mode, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(name) + 1, 0]
        self.data += b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
        self.pad()
        self.data += body
        self.pad()

    def pad(self):
        self.data += b"\0" * (-len(self.data) % 4)

    def finish(self):
        self.add("TRAILER!!!", 0)
        return bytes(self.data)


def mark(arch):
    """A program that executes an instruction that does nothing and stands nowhere else, for tests/bench/count.c, and ends."""
    machine, code = MARKS[arch]
    base, head = 0x400000, 64 + 56
    elf = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, base + head, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    elf += struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, head + len(code), head + len(code), 0x1000)
    return elf + code


def initramfs(root, busybox, arch):
    cpio = Cpio()
    for folder in FOLDERS:
        cpio.add(folder, stat.S_IFDIR | 0o755)
    cpio.add("bin/busybox", stat.S_IFREG | 0o755, busybox.read_bytes())
    cpio.add("bin/sh", stat.S_IFLNK | 0o777, b"busybox")  # /init makes the other links
    for n, path in enumerate(module_order(root, MODULES)):
        cpio.add(f"modules/{n:02}-{module_name(path)}.ko", stat.S_IFREG | 0o644, module_bytes(path))
    cpio.add("bin/mark", stat.S_IFREG | 0o755, mark(arch))
    cpio.add("init", stat.S_IFREG | 0o755, (HERE / "init").read_bytes())
    for script in sorted((HERE / "tests").iterdir()):
        cpio.add(f"tests/{script.name}", stat.S_IFREG | 0o755, script.read_bytes())
    return cpio.finish()


def unpacked(kernel):
    """A kernel's bytes. arm64's may be an EFI program that unpacks itself, which takes firmware: what is in it (its head has
    "zimg", offset and size of the payload, and from byte 24 on how it is packed)."""
    data = kernel.read_bytes()
    if data[4:8] != b"zimg":
        return data
    offset, size = struct.unpack_from("<II", data, 8)
    packer = data[24:32].split(b"\0")[0]
    if packer != b"gzip":
        sys.exit(f"assets: {kernel.name} is packed by {packer.decode(errors='replace')}, know gzip alone")
    return zlib.decompress(data[offset:offset + size], wbits=31)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--arch", choices=ARCHES, default="x86_64")
    p.add_argument("--package", help="only unpack this package of the architecture, in a folder of its name")
    p.add_argument("folder", type=pathlib.Path)
    args = p.parse_args()
    out, arch = args.folder, ARCHES[args.arch]
    out.mkdir(parents=True, exist_ok=True)
    os.umask(0o022)
    apt = Apt(arch.debian, out)
    if args.package:
        apt.unpack(args.package, out / args.package)
        return
    root = apt.unpack(apt.dependency(arch.kernel), out / "kernel")
    busybox = pathlib.Path("/bin/busybox") if apt.native else \
        apt.unpack("busybox-static", out / "busybox") / "bin" / "busybox"
    (out / "initrd.gz").write_bytes(gzip.compress(initramfs(root, busybox, args.arch), 9, mtime=0))
    with open(out / "disk.img", "wb") as disk:
        disk.truncate(DISK_BYTES)
    config = (HERE / "default.ini").read_text()
    (out / "default.ini").write_text(config.replace("console=ttyS0", f"console={arch.console}"))
    (out / "vmlinuz.new").write_bytes(unpacked(next((root / "boot").glob("vmlinuz-*"))))
    for folder in ("kernel", "busybox"):
        shutil.rmtree(out / folder, ignore_errors=True)
    os.replace(out / "vmlinuz.new", out / "vmlinuz")  # last: make looks at its date


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as e:
        sys.exit(f"assets: {' '.join(map(str, e.cmd))}: failed with status {e.returncode}")
