#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the default guest in the folder named as the argument: default.ini and the files it names.

The kernel is Debian's linux-image-cloud-amd64, downloaded by apt (which checks it), unpacked and never installed.
The initramfs holds busybox, the kernel's virtio drivers, and the scripts beside this file.
"""

import gzip
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
META = "linux-image-cloud-amd64"
MODULES = ["virtio_pci", "virtio_blk", "virtio_console", "virtio_rng", "virtio_net", "virtio_balloon", "pvpanic_mmio",
           "button"]
DISK_BYTES = 4 << 20
FOLDERS = ["bin", "dev", "etc", "modules", "proc", "root", "run", "sys", "tests", "tmp"]


def output(*command, **kw):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **kw).stdout


def kernel_package():
    """The versioned package that the meta-package depends on."""
    try:
        text = output("apt-cache", "show", "--no-all-versions", META, stderr=subprocess.DEVNULL)
    except subprocess.CalledProcessError:
        text = ""
    found = re.search(r"^Depends:.*?(linux-image-\S+)", text, re.M)
    if not found:
        sys.exit(f"assets: apt knows no package {META}: run 'apt-get update' as root, or see the README for other guests")
    return found.group(1)


def unpack_kernel(out):
    package = kernel_package()
    folder = out / "deb"
    debs = list(folder.glob(f"{package}_*.deb"))
    if not debs:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        debs = list(folder.glob("*.deb"))
    shutil.rmtree(out / "kernel", ignore_errors=True)
    subprocess.run(["dpkg", "-x", debs[0], out / "kernel"], check=True)
    return next((out / "kernel" / "boot").glob("vmlinuz-*")), out / "kernel"


def module_order(root):
    """Paths of the modules and of what they depend on, in the order to insert them."""
    paths = {p.stem.replace("-", "_"): p for p in root.rglob("*.ko")}
    order = []

    def visit(name):
        path = paths.get(name)
        if path is None or path in order:
            return  # built in, or absent in this kernel
        depends = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
        for d in depends.group(1).decode().split(",") if depends else []:
            visit(d.replace("-", "_"))
        order.append(path)

    for name in MODULES:
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


def initramfs(root):
    cpio = Cpio()
    for folder in FOLDERS:
        cpio.add(folder, stat.S_IFDIR | 0o755)
    busybox = pathlib.Path("/bin/busybox").read_bytes()
    cpio.add("bin/busybox", stat.S_IFREG | 0o755, busybox)
    for applet in output("/bin/busybox", "--list").split():
        if applet != "busybox":
            cpio.add(f"bin/{applet}", stat.S_IFLNK | 0o777, b"busybox")
    for n, path in enumerate(module_order(root)):
        cpio.add(f"modules/{n:02}-{path.name}", stat.S_IFREG | 0o644, path.read_bytes())
    cpio.add("init", stat.S_IFREG | 0o755, (HERE / "init").read_bytes())
    for script in sorted((HERE / "tests").iterdir()):
        cpio.add(f"tests/{script.name}", stat.S_IFREG | 0o755, script.read_bytes())
    return cpio.finish()


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER")
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    os.umask(0o022)
    kernel, root = unpack_kernel(out)
    (out / "initrd.gz").write_bytes(gzip.compress(initramfs(root), 9, mtime=0))
    with open(out / "disk.img", "wb") as disk:
        disk.truncate(DISK_BYTES)
    shutil.copyfile(HERE / "default.ini", out / "default.ini")
    shutil.copyfile(kernel, out / "vmlinuz")  # last: make looks at its date


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as e:
        sys.exit(f"assets: {' '.join(map(str, e.cmd))}: failed with status {e.returncode}")
