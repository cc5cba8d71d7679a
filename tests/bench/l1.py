#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the Linux that runs a guest under KVM and QEMU, to compare with, in a folder: vmlinuz, initrd and versions.

Kernel, QEMU and busybox are Debian's, for either architecture: apt downloads them with what they depend on (and checks them), and
nothing is installed. Of all that the initramfs holds what QEMU's program needs: the libraries that its ELF files name, and firmware.
"""

import argparse
import collections
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "assets"))

import build  # noqa: E402

FOLDERS = ["bin", "dev", "firmware", "lib", "modules", "proc", "root", "run", "sys", "tmp"]
PACKAGES = ["busybox-static"]
Peer = collections.namedtuple("Peer", "package program loader modules firmware")
PEERS = {
    "x86_64": Peer("qemu-system-x86", "qemu-system-x86_64", "lib64/ld-linux-x86-64.so.2", ["kvm_amd"],
                   ["bios-256k.bin", "bios-microvm.bin", "linuxboot_dma.bin", "multiboot_dma.bin", "pvh.bin"]),
    "arm64": Peer("qemu-system-arm", "qemu-system-aarch64", "lib/ld-linux-aarch64.so.1", [], []),
}
FILE, LINK, FOLDER = stat.S_IFREG | 0o755, stat.S_IFLNK | 0o777, stat.S_IFDIR | 0o755


def download(apt, packages, folder):
    """The files of @packages and of all that they depend on, in @folder; returns the packages' files' names."""
    debs = folder.with_suffix(".debs")
    for old in (folder, debs):
        shutil.rmtree(old, ignore_errors=True)
    (debs / "partial").mkdir(parents=True)
    options = [*apt.options, "-y", "--no-install-recommends", "--download-only", "-o", "Dir::State::status=/dev/null",
               "-o", f"Dir::Cache::archives={debs.resolve()}", "-o", "Debug::NoLocking=1"]
    subprocess.run(["apt-get", *options, "install", *packages], check=True, stdout=subprocess.DEVNULL)
    names = sorted(deb.name for deb in debs.glob("*.deb"))
    for name in names:
        subprocess.run(["dpkg-deb", "-x", debs / name, folder], check=True)
    shutil.rmtree(debs)
    return names


def needed(program, root):
    """{name: path} of the libraries below @root that the ELF file @program names, and those that they name."""
    there = {path.name: path for path in sorted(root.rglob("*.so*"), reverse=True) if "hwcaps" not in str(path)}
    found, left = {}, [program]
    while left:
        text = build.output("readelf", "-dW", left.pop())
        for name in re.findall(r"\(NEEDED\).*\[(.*)\]", text):
            if name not in there:
                sys.exit(f"bench: {program.name} needs {name}, which none of its packages has")
            if name not in found:
                found[name] = there[name]
                left.append(there[name])
    return found


def initramfs(peer, root, kernel):
    cpio = build.Cpio()
    for folder in FOLDERS + [peer.loader.split("/")[0]] * ("lib64" in peer.loader):
        cpio.add(folder, FOLDER)
    cpio.add("bin/busybox", FILE, (root / "bin" / "busybox").read_bytes())
    cpio.add("bin/sh", LINK, b"busybox")
    program = root / "usr" / "bin" / peer.program
    cpio.add(f"bin/{peer.program}", FILE, program.read_bytes())
    libraries = needed(program, root)
    loader = pathlib.Path(peer.loader).name
    libraries[loader] = next(root.rglob(loader))
    for name, path in sorted(libraries.items()):
        cpio.add(f"lib/{name}", FILE, path.read_bytes())
    if "lib64" in peer.loader:
        cpio.add(peer.loader, LINK, f"../lib/{loader}".encode())
    for name in peer.firmware:
        path = next(p for p in (root / "usr/share/seabios" / name, root / "usr/share/qemu" / name) if p.is_file())
        cpio.add(f"firmware/{name}", FILE, path.read_bytes())
    for n, path in enumerate(build.module_order(kernel, peer.modules)):
        cpio.add(f"modules/{n:02}-{build.module_name(path)}.ko", FILE, build.module_bytes(path))
    cpio.add("init", FILE, (HERE / "l1-init").read_bytes())
    return cpio.finish()


def make(arch, folder, assets):
    """The files in @folder. @assets is where tests/assets/build.py keeps its packages, among them the kernel's."""
    peer, debian = PEERS[arch], build.ARCHES[arch]
    for path in (folder, assets):
        path.mkdir(parents=True, exist_ok=True)
    os.umask(0o022)
    apt = build.Apt(debian.debian, assets)
    image = apt.dependency(debian.kernel)
    kernel = apt.unpack(image, folder / "kernel")
    root = folder / "root"
    names = download(apt, [peer.package, *PACKAGES], root)
    (folder / "initrd").write_bytes(initramfs(peer, root, kernel))
    (folder / "versions").write_text("\n".join([next(assets.glob(f"deb/{image}_*.deb")).name, *names]) + "\n")
    (folder / "vmlinuz.new").write_bytes(build.unpacked(next((kernel / "boot").glob("vmlinuz-*"))))
    for path in (kernel, root):
        shutil.rmtree(path)
    os.replace(folder / "vmlinuz.new", folder / "vmlinuz")  # last: make looks at its date


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--arch", choices=PEERS, default="x86_64")
    p.add_argument("--assets", type=pathlib.Path, required=True, help="where tests/assets/build.py keeps its packages")
    p.add_argument("folder", type=pathlib.Path)
    args = p.parse_args()
    make(args.arch, args.folder, args.assets)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as e:
        sys.exit(f"bench: {' '.join(map(str, e.cmd))}: failed with status {e.returncode}")
